import { devicesOf, findDevice, storedDevice, type Device } from './devices';
import { ring } from './ring.svelte';
import { readStored, writeStored } from './stored';
import { voice } from './voice.svelte';

/** What a device is chosen for: speaking, hearing, and the ring sound. */
export type Use = 'input' | 'output' | 'ring';

const uses: readonly Use[] = ['input', 'output', 'ring'];

/** A device that went away while it was in use, and what is used now ('' for the system's choice). */
export interface Replacement {
  use: 'input' | 'output';
  gone: string;
  now: string;
}

/** Firefox names loudspeakers only one by one, in a dialog of its own. */
interface OutputChooser {
  selectAudioOutput?: () => Promise<MediaDeviceInfo>;
}

/**
 * Which devices speak, are heard and ring. A choice is remembered in this browser. While a chosen device is not
 * connected the system's choice takes its place; when it comes back it is used again.
 */
class Devices {
  /** What is connected; empty until the microphone may be used. */
  inputs = $state.raw<Device[]>([]);
  outputs = $state.raw<Device[]>([]);
  /** The choices; without one the system chooses. */
  chosen = $state.raw<Partial<Record<Use, Device>>>(storedChoices());
  /** The newest device that went away in use, until it is dismissed, chosen anew or back. */
  replaced = $state.raw<Replacement | undefined>();
  /** A choice that the browser did not follow. */
  refused = $state<Use | undefined>();

  /** The browser lets a page choose where it is heard. */
  readonly outputChoice = typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;

  #running = false;
  #work: Promise<void> = Promise.resolve();
  #microphone: MediaStreamTrack | undefined;
  #chosenByHand = false;

  /** Follows the devices from now on until the function that it returns is called. */
  start(): () => void {
    voice.input = this.chosen.input?.id ?? '';
    void voice.setOutput(this.chosen.output?.id ?? '');
    void ring.setOutput(this.chosen.ring?.id ?? '');
    this.#running = true;
    const { mediaDevices } = navigator as { mediaDevices?: MediaDevices }; // missing outside secure contexts
    mediaDevices?.addEventListener('devicechange', this.refresh);
    void this.refresh();
    return () => {
      this.#running = false;
      mediaDevices?.removeEventListener('devicechange', this.refresh);
    };
  }

  /** Looks at what is connected; call it too when the microphone was opened, since it is named only from then on. */
  refresh = (): Promise<void> => {
    this.#work = this.#work.then(() => this.#look()).catch((error: unknown) => console.error('devices', error));
    return this.#work;
  };

  /** Tells of a microphone that took another one's place. */
  followMicrophone(track: MediaStreamTrack | undefined): void {
    if (!track || track === this.#microphone) return;
    const before = this.#microphone?.label;
    this.#microphone = track;
    if (before && before !== track.label && !this.#chosenByHand) {
      const back = this.chosen.input && findDevice([this.chosen.input], { id: '', label: track.label });
      this.replaced = back ? undefined : { use: 'input', gone: before, now: track.label };
    }
    this.#chosenByHand = false;
    void this.refresh();
  }

  /** The devices that may be chosen for a use. */
  connected(use: Use): Device[] {
    return use === 'input' ? this.inputs : this.outputs;
  }

  /** Tells whether the device that was chosen for the use is not connected. */
  missing(use: Use): boolean {
    const wanted = this.chosen[use];
    const connected = this.connected(use);
    return wanted !== undefined && connected.length > 0 && !findDevice(connected, wanted);
  }

  /** Chooses a device by its id; '' leaves it to the system. */
  choose(use: Use, id: string): Promise<void> {
    return this.#choose(use, this.connected(use).find((device) => device.id === id));
  }

  /** The browser has a dialog in which to choose an output. */
  get asksForOutput(): boolean {
    return typeof (navigator.mediaDevices as OutputChooser | undefined)?.selectAudioOutput === 'function';
  }

  /** Lets the browser ask for an output; call it from a click or key. */
  async askForOutput(use: 'output' | 'ring'): Promise<void> {
    try {
      const found = await (navigator.mediaDevices as OutputChooser).selectAudioOutput?.();
      if (!found) return;
      await this.refresh();
      await this.#choose(use, { id: found.deviceId, label: found.label });
    } catch {
      // Closed without a choice.
    }
  }

  async #choose(use: Use, device: Device | undefined): Promise<void> {
    this.chosen = { ...this.chosen, [use]: device };
    writeStored('devices', this.chosen);
    this.replaced = this.refused = undefined;
    this.#chosenByHand = use === 'input';
    if (!(await this.#apply(use, device?.id ?? ''))) this.refused = use;
  }

  #apply(use: Use, id: string): Promise<boolean> {
    switch (use) {
      case 'input':
        return voice.setInput(id);
      case 'output':
        return voice.setOutput(id);
      case 'ring':
        return ring.setOutput(id);
    }
  }

  async #look(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    if (!this.#running) return;
    const before = { input: this.inputs, output: this.outputs, ring: this.outputs };
    this.inputs = devicesOf(all, 'audioinput');
    this.outputs = devicesOf(all, 'audiooutput');
    for (const use of uses) await this.#follow(use, before[use]);
    // A microphone that was missed has come.
    if (voice.microphone === 'failed' && voice.problem === 'missing' && this.inputs.length > 0) await voice.openMicrophone();
  }

  /** Uses the chosen device when it is there and the system's choice when it is not. */
  async #follow(use: Use, before: readonly Device[]): Promise<void> {
    const wanted = this.chosen[use];
    const connected = this.connected(use);
    if (!wanted || connected.length === 0) return;
    const found = findDevice(connected, wanted);
    const was = findDevice(before, wanted);
    if (use !== 'input') {
      await this.#apply(use, found?.id ?? '');
    } else if (!found) {
      // An open microphone that ends is replaced by the voice itself; the next one is the system's.
      voice.input = '';
    } else if (found.id !== voice.input) {
      await voice.setInput(found.id);
    }
    if (use === 'output' && was && !found) this.replaced = { use, gone: wanted.label, now: '' };
    else if (use === this.replaced?.use && found) this.replaced = undefined;
  }
}

function storedChoices(): Partial<Record<Use, Device>> {
  const stored = readStored('devices');
  const choices: Partial<Record<Use, Device>> = {};
  if (typeof stored !== 'object' || stored === null) return choices;
  for (const use of uses) {
    const device = storedDevice((stored as Record<string, unknown>)[use]);
    if (device) choices[use] = device;
  }
  return choices;
}

export const devices = new Devices();
