import { connection, RequestError, type Failure } from './connection.svelte';
import { Peer } from './peer';
import type { Millis, SignalPayload } from './protocol';
import { measureQuality, type Quality } from './quality';
import { voice } from './voice.svelte';

/** The server ends an echo by itself after this time. */
export const echoLength: Millis = 60_000;
const standsWithin: Millis = 10_000;
const qualityInterval: Millis = 2000;

/**
 * - off: there is none.
 * - calling: it is being set up.
 * - on: the agent hears a tone, and then himself a second later.
 * - failed: it could not be had; why stands in failure.
 */
export type EchoPhase = 'off' | 'calling' | 'on' | 'failed';

/** A call to the server in which the agent hears himself: the same way that the voice of callers takes. */
class Echo {
  phase = $state<EchoPhase>('off');
  failure = $state<Failure | undefined>();
  /** What comes back. */
  remote = $state.raw<MediaStream | undefined>();
  quality = $state.raw<Quality | undefined>();

  #peer: Peer | undefined;
  /** Counts the calls: an older one changes nothing more. */
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #measuring: ReturnType<typeof setInterval> | undefined;
  #release: (() => void) | undefined;
  #asked = false;

  /** Begins one, in place of the one before. */
  async start(): Promise<void> {
    this.stop();
    const turn = ++this.#turn;
    this.phase = 'calling';
    this.#release = voice.keepMicrophone();
    if (!(await voice.openMicrophone())) {
      if (turn === this.#turn) this.#end('off'); // what is wrong with the microphone is said beside it
      return;
    }
    if (turn !== this.#turn) return;
    voice.onEchoSignal = (payload) => this.#signal(turn, payload);
    this.#timer = setTimeout(() => this.#end('failed'), standsWithin);
    this.#asked = true;
    try {
      await connection.ask({ do: 'echo' });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = error instanceof RequestError ? error.code : 'unavailable';
      this.#end('failed');
    }
  }

  stop(): void {
    this.#end('off');
  }

  #signal(turn: number, payload: SignalPayload): void {
    if (turn !== this.#turn) return;
    if (payload.sdp?.type === 'offer') {
      this.#peer?.close();
      this.#peer = new Peer(0, undefined, {
        iceServers: connection.hello?.iceServers ?? [],
        send: (message) => connection.ask({ do: 'signal', offer: 0, payload: message }).catch(() => {}),
        microphone: () => voice.source,
        changed: () => this.#update(turn),
      });
    }
    this.#peer?.handle(payload);
  }

  #update(turn: number): void {
    const peer = this.#peer;
    if (!peer || turn !== this.#turn) return;
    if (peer.track) peer.track.enabled = true;
    this.remote = peer.remote;
    if (peer.health === 'broken') {
      this.#end(this.phase === 'on' ? 'off' : 'failed');
    } else if (peer.connection.connectionState === 'connected' && this.phase === 'calling') {
      this.phase = 'on';
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.stop(), echoLength);
      this.#measuring = setInterval(() => void this.#measure(peer), qualityInterval);
    }
  }

  async #measure(peer: Peer): Promise<void> {
    const report: RTCStats[] = [];
    (await peer.connection.getStats()).forEach((entry: RTCStats) => report.push(entry));
    const { quality, counters } = measureQuality(report, peer.counters);
    peer.counters = counters;
    if (this.#peer === peer) this.quality = quality ?? this.quality;
  }

  #end(phase: 'off' | 'failed'): void {
    this.#turn++;
    if (this.#asked) connection.ask({ do: 'echo-end' }).catch(() => {}); // it ends with the socket, too
    this.#asked = false;
    clearTimeout(this.#timer);
    clearInterval(this.#measuring);
    this.#peer?.close();
    this.#peer = undefined;
    this.#release?.();
    this.#release = undefined;
    this.remote = undefined;
    this.quality = undefined;
    if (phase === 'off') this.failure = undefined;
    this.phase = phase;
  }
}

export const echo = new Echo();
