/**
 * The buttons of a headset by WebHID: hook switch and mute of the telephony page, and the lamps that go with them (USB HID
 * Usage Tables 1.5, pages 0x0B and 0x08). Only Chromium has it. The types are those parts of WebHID that are used here.
 */

export interface ReportItem {
  usages?: number[];
  usageMinimum?: number;
  usageMaximum?: number;
  isRange?: boolean;
  isAbsolute?: boolean;
  reportSize?: number;
  reportCount?: number;
}

export interface ReportInfo {
  reportId?: number;
  items?: ReportItem[];
}

export interface Collection {
  usagePage?: number;
  usage?: number;
  inputReports?: ReportInfo[];
  outputReports?: ReportInfo[];
  children?: Collection[];
}

export interface Device {
  productName: string;
  opened: boolean;
  collections: readonly Collection[];
  open(): Promise<void>;
  close(): Promise<void>;
  sendReport(reportId: number, data: BufferSource): Promise<void>;
  addEventListener(type: 'inputreport', listener: (event: { reportId: number; data: DataView }) => void): void;
  removeEventListener(type: 'inputreport', listener: (event: { reportId: number; data: DataView }) => void): void;
}

export interface Hid {
  getDevices(): Promise<Device[]>;
  requestDevice(options: { filters: { usagePage: number }[] }): Promise<Device[]>;
  addEventListener(type: 'connect' | 'disconnect', listener: (event: { device: Device }) => void): void;
}

export const telephony = 0x0b;
const hookSwitch = 0x000b0020;
const phoneMute = 0x000b002f;
const muteLamp = 0x00080009;
const offHookLamp = 0x00080017;
const ringLamp = 0x00080018;

/** Where one usage is in a report: bit counts from the first bit of the first byte. */
interface Place {
  reportId: number;
  bit: number;
  /** How many bits the whole report has. */
  length: number;
  /** It says "pressed" each time; else it says how things stand. */
  relative: boolean;
}

/** What the desk is doing, as the headset has to know. */
export interface HeadsetState {
  ringing: boolean;
  talking: boolean;
  muted: boolean;
}

/** What its buttons ask for. */
export interface HeadsetCommands {
  answer(): void;
  hangUp(): void;
  toggleMicrophone(): void;
}

/** A headset that is connected, with its buttons and lamps. */
export class Headset {
  #hook: Place | undefined;
  #mute: Place | undefined;
  #lamps: [Place, keyof HeadsetState][] = [];
  #state: HeadsetState = { ringing: false, talking: false, muted: false };
  #offHook = false;
  #mutePressed = false;
  #shown = '';
  /** Reports go out one after the other. */
  #sending: Promise<void> = Promise.resolve();

  constructor(
    readonly device: Device,
    private readonly commands: HeadsetCommands,
  ) {
    const inputs = reportsOf(device.collections, 'inputReports');
    const outputs = reportsOf(device.collections, 'outputReports');
    this.#hook = placeOf(inputs, hookSwitch);
    this.#mute = placeOf(inputs, phoneMute);
    for (const [usage, when] of [[offHookLamp, 'talking'], [muteLamp, 'muted'], [ringLamp, 'ringing']] as const) {
      const place = placeOf(outputs, usage);
      if (place) this.#lamps.push([place, when]);
    }
  }

  get name(): string {
    return this.device.productName;
  }

  /** It has a button that means something here. */
  get useful(): boolean {
    return this.#hook !== undefined || this.#mute !== undefined;
  }

  async open(): Promise<void> {
    if (!this.device.opened) await this.device.open();
    this.device.addEventListener('inputreport', this.#onReport);
    this.#light();
  }

  async close(): Promise<void> {
    this.device.removeEventListener('inputreport', this.#onReport);
    this.show({ ringing: false, talking: false, muted: false });
    await this.#sending;
    if (this.device.opened) await this.device.close();
  }

  /** Lets the lamps show what the desk is doing. */
  show(state: HeadsetState): void {
    this.#state = state;
    // A headset without a lamp for it keeps its hook as it was: it is ours to know.
    if (!state.talking && !state.ringing) this.#offHook = false;
    if (state.talking) this.#offHook = true;
    if (this.device.opened) this.#light();
  }

  readonly #onReport = ({ reportId, data }: { reportId: number; data: DataView }): void => {
    if (this.#hook?.reportId === reportId) this.#hooked(bitOf(data, this.#hook.bit), this.#hook.relative);
    if (this.#mute?.reportId === reportId) {
      const pressed = bitOf(data, this.#mute.bit);
      const asks = this.#mute.relative ? pressed && !this.#mutePressed : pressed !== this.#state.muted;
      this.#mutePressed = pressed;
      // Outside of a talk there is nothing to mute.
      if (asks && this.#state.talking) this.commands.toggleMicrophone();
    }
  };

  #hooked(on: boolean, relative: boolean): void {
    const before = this.#offHook;
    if (relative) {
      if (!on) return;
      this.#offHook = !before;
    } else {
      // What a lamp of ours has brought about comes back as if the button was pressed.
      if (on === before) return;
      this.#offHook = on;
    }
    if (this.#offHook && this.#state.ringing && !this.#state.talking) this.commands.answer();
    else if (!this.#offHook && this.#state.talking) this.commands.hangUp();
  }

  /** Sends the lamps, each report whole: bits that are left out would go off. */
  #light(): void {
    const reports = new Map<number, Uint8Array<ArrayBuffer>>();
    for (const [{ reportId, bit, length }, when] of this.#lamps) {
      const bytes = reports.get(reportId) ?? new Uint8Array(Math.ceil(length / 8));
      if (this.#state[when]) bytes[bit >> 3]! |= 1 << (bit & 7);
      reports.set(reportId, bytes);
    }
    const shown = JSON.stringify([...reports].map(([id, bytes]) => [id, [...bytes]]));
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#sending = this.#sending.then(async () => {
      for (const [id, bytes] of reports) {
        try {
          await this.device.sendReport(id, bytes);
        } catch {
          // It was unplugged; the browser says so by itself.
        }
      }
    });
  }
}

/** All reports of the telephony collections; lamps may be on a page of their own inside them. */
function reportsOf(collections: readonly Collection[], kind: 'inputReports' | 'outputReports'): ReportInfo[] {
  return collections.flatMap((one) => [...(one[kind] ?? []), ...reportsOf(one.children ?? [], kind)]);
}

function placeOf(reports: readonly ReportInfo[], usage: number): Place | undefined {
  for (const { reportId = 0, items = [] } of reports) {
    let bit = 0;
    let found: Place | undefined;
    for (const item of items) {
      const { reportSize = 0, reportCount = 0 } = item;
      const index = indexOf(item, usage);
      if (!found && index !== undefined && index < reportCount) {
        found = { reportId, bit: bit + index * reportSize, length: 0, relative: item.isAbsolute === false };
      }
      bit += reportSize * reportCount;
    }
    if (found) return { ...found, length: bit };
  }
  return undefined;
}

function indexOf({ isRange, usageMinimum = 0, usageMaximum = -1, usages = [] }: ReportItem, usage: number): number | undefined {
  if (isRange) return usageMinimum <= usage && usage <= usageMaximum ? usage - usageMinimum : undefined;
  const index = usages.indexOf(usage);
  return index < 0 ? undefined : index;
}

function bitOf(data: DataView, bit: number): boolean {
  const byte = bit >> 3;
  return byte < data.byteLength && ((data.getUint8(byte) >> (bit & 7)) & 1) === 1;
}
