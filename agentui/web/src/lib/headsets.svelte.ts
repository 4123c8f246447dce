import { Headset, telephony, type Device, type HeadsetCommands, type HeadsetState, type Hid } from './headset';

/** The headset whose buttons work in this window, where the browser has WebHID. */
class Headsets {
  /** Its name; undefined when there is none. */
  name = $state<string | undefined>();
  failed = $state(false);
  readonly supported = typeof navigator !== 'undefined' && 'hid' in navigator;

  #headset: Headset | undefined;
  #commands: HeadsetCommands | undefined;
  #state: HeadsetState = { ringing: false, talking: false, muted: false };

  /** Takes the headset that the browser was allowed to use before. */
  async start(commands: HeadsetCommands): Promise<void> {
    this.#commands = commands;
    const hid = this.#hid;
    if (!hid) return;
    hid.addEventListener('connect', ({ device }) => void this.#use([device]));
    hid.addEventListener('disconnect', ({ device }) => {
      if (this.#headset?.device === device) this.#forget();
    });
    try {
      await this.#use(await hid.getDevices());
    } catch {
      // The page may not use any: the button says so when it is pressed.
    }
  }

  /** Lets the agent choose one; call it from a click or key. */
  async connect(): Promise<void> {
    this.failed = false;
    try {
      const devices = (await this.#hid?.requestDevice({ filters: [{ usagePage: telephony }] })) ?? [];
      // None is what comes of changing one's mind.
      if (devices.length > 0 && !(await this.#use(devices))) this.failed = true;
    } catch {
      this.failed = true;
    }
  }

  async disconnect(): Promise<void> {
    const headset = this.#headset;
    this.#forget();
    await headset?.close();
  }

  /** Lets its lamps show what the desk is doing. */
  show(state: HeadsetState): void {
    this.#state = state;
    this.#headset?.show(state);
  }

  get #hid(): Hid | undefined {
    return this.supported ? (navigator as unknown as { hid: Hid }).hid : undefined;
  }

  async #use(devices: readonly Device[]): Promise<boolean> {
    if (this.#headset || !this.#commands) return this.#headset !== undefined;
    for (const device of devices) {
      const headset = new Headset(device, this.#commands);
      if (!headset.useful) continue;
      try {
        await headset.open();
      } catch {
        continue; // another program has it
      }
      this.#headset = headset;
      this.name = headset.name;
      headset.show(this.#state);
      return true;
    }
    return false;
  }

  #forget(): void {
    this.#headset = undefined;
    this.name = undefined;
  }
}

export const headsets = new Headsets();
