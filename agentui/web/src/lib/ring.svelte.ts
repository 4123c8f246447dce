import { readStored, writeStored } from './stored';

/** The pattern in seconds: two soft tones, then rest. */
const period = 2.4;
const tones = [
  { at: 0, frequency: 659.26 },
  { at: 0.32, frequency: 523.25 },
];
const toneLength = 0.5;

/**
 * The ring sound, made by Web Audio: a looped pattern, so that no timer (which browsers slow down in a hidden window)
 * has to keep it going. It sounds only while an offer is open.
 */
class Ring {
  /** 0–1. */
  volume = $state(storedVolume());
  /** The browser refuses to make a sound until the agent has clicked. */
  blocked = $state(false);

  /** The device that rings, as deviceId; empty is the system's choice. See setOutput. */
  output = $state('');

  #context: AudioContext | undefined;
  /** What plays on another device where an AudioContext cannot (Firefox). */
  #element: HTMLAudioElement | undefined;
  #gain: GainNode | undefined;
  #pattern: AudioBuffer | undefined;
  #source: AudioBufferSourceNode | undefined;

  start(): void {
    this.#play(true);
  }

  stop(): void {
    this.#source?.stop();
    this.#source = undefined;
  }

  /** Plays the pattern once. */
  try(): void {
    if (!this.#source) this.#play(false);
  }

  setVolume(volume: number): void {
    this.volume = volume;
    writeStored('ringVolume', volume);
    if (this.#gain) this.#gain.gain.value = loudness(volume);
  }

  /** Rings on another device (deviceId, empty for the system's choice). Returns whether the browser does it. */
  setOutput(id: string): Promise<boolean> {
    this.output = id;
    // Without a context there is nothing to move yet: it is asked for when it is made.
    return this.#context ? this.#useOutput(this.#context) : Promise.resolve(true);
  }

  async #useOutput(context: AudioContext): Promise<boolean> {
    try {
      if (movesItself(context)) {
        if (context.sinkId !== this.output) await context.setSinkId(this.output);
        return true;
      }
      const gain = this.#gain;
      if (!gain) return true;
      gain.disconnect();
      if (this.output === '') {
        this.#element?.pause();
        gain.connect(context.destination);
        return true;
      }
      const stream = context.createMediaStreamDestination();
      gain.connect(stream);
      this.#element ??= new Audio();
      this.#element.srcObject = stream.stream;
      await this.#element.setSinkId(this.output);
      await this.#element.play();
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.blocked = true;
      // Rather on the wrong device than not at all.
      if (!movesItself(context)) {
        this.#gain?.disconnect();
        this.#gain?.connect(context.destination);
      }
      return false;
    }
  }

  /** Lets the browser know that sound is wanted; works from a click or a key. */
  async unlock(): Promise<void> {
    const context = this.#open();
    if (context.state !== 'running') await context.resume().catch(() => {});
    this.blocked = context.state !== 'running';
  }

  /** Looks whether a ring would be heard. */
  check(): void {
    this.blocked = this.#open().state !== 'running';
  }

  #open(): AudioContext {
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#context.onstatechange = () => (this.blocked = this.#context?.state !== 'running');
      this.#gain = this.#context.createGain();
      this.#gain.gain.value = loudness(this.volume);
      this.#gain.connect(this.#context.destination);
      if (this.output) void this.#useOutput(this.#context);
    }
    return this.#context;
  }

  #play(loop: boolean): void {
    this.stop();
    const context = this.#open();
    if (!this.#gain) return;
    this.#pattern ??= makePattern(context);
    const source = context.createBufferSource();
    source.buffer = this.#pattern;
    source.loop = loop;
    source.connect(this.#gain);
    source.onended = () => {
      if (this.#source === source) this.#source = undefined;
    };
    source.start();
    this.#source = source;
    void this.unlock();
  }
}

/** An AudioContext that can choose its device (Chromium); the types do not know of it yet. */
interface MovableContext extends AudioContext {
  readonly sinkId: string;
  setSinkId(id: string): Promise<void>;
}

function movesItself(context: AudioContext): context is MovableContext {
  return 'setSinkId' in context;
}

/** Loudness is heard as the square of what the control shows. */
function loudness(volume: number): number {
  return volume * volume * 0.6;
}

function storedVolume(): number {
  const volume = readStored('ringVolume');
  return typeof volume === 'number' && volume >= 0 && volume <= 1 ? volume : 0.6;
}

/** Draws the tones: a sine with a little of its octave, that swells in 20 ms and dies away. */
function makePattern(context: BaseAudioContext): AudioBuffer {
  const rate = context.sampleRate;
  const buffer = context.createBuffer(1, Math.round(rate * period), rate);
  const samples = buffer.getChannelData(0);
  for (const { at, frequency } of tones) {
    const first = Math.round(at * rate);
    for (let i = 0; i < toneLength * 2 * rate; i++) {
      const t = i / rate;
      const envelope = Math.min(1, t / 0.02) * Math.exp(-t / (toneLength / 3));
      const angle = 2 * Math.PI * frequency * t;
      samples[first + i] = (samples[first + i] ?? 0) + envelope * (0.5 * Math.sin(angle) + 0.12 * Math.sin(2 * angle));
    }
  }
  return buffer;
}

export const ring = new Ring();
