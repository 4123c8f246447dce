import { connection, RequestError, type Failure } from './connection.svelte';
import { Peer } from './peer';
import type { ContactID, SupervisionMode, TalkCard, VoiceSignal } from './protocol';
import { voice } from './voice.svelte';

/**
 * - off: this window has no sound of others' calls.
 * - connecting: it is being set up.
 * - on: the supervisor hears the call.
 */
export type TakingPartPhase = 'off' | 'connecting' | 'on';

/**
 * A supervisor's voice in a call of others. How he takes part is the server's word; here his microphone is closed, too,
 * while he only listens.
 */
class TakingPart {
  phase = $state<TakingPartPhase>('off');
  /** The call whose sound is in this window. */
  contact = $state<ContactID | undefined>();
  /** What the call sounds like. */
  remote = $state.raw<MediaStream | undefined>();
  failure = $state<Failure | undefined>();
  /** It is asked for: nothing is asked for twice. */
  asking = $state(false);

  #peer: Peer | undefined;
  #mode: SupervisionMode = 'listen';
  #ownCall = false;
  #seen = false;
  #release: (() => void) | undefined;

  /** Takes part in a call, or in another way than before. Again brings the sound into this window: the page was loaded anew, or it is in another one. */
  async join(contact: ContactID, mode: SupervisionMode, again = false): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.failure = undefined;
    if (this.contact !== contact) this.#end();
    this.contact = contact;
    if (this.phase === 'off') this.phase = 'connecting';
    this.#release ??= voice.keepMicrophone();
    // Without one he can listen at least.
    const heard = await voice.openMicrophone();
    try {
      if (!heard && mode !== 'listen') throw new RequestError('wrong-state');
      await connection.ask(again ? { do: 'voice', contact, take: true } : { do: 'supervise', contact, mode });
      this.#mode = mode;
    } catch (error) {
      this.failure = error instanceof RequestError ? error.code : 'unavailable';
      if (!this.#peer) this.#end();
    }
    this.asking = false;
    this.#update();
  }

  async leave(contact: ContactID): Promise<void> {
    this.#end();
    try {
      await connection.ask({ do: 'supervise', contact });
    } catch (error) {
      this.failure = error instanceof RequestError ? error.code : 'unavailable';
    }
  }

  /** Takes a message of the set-up of his voice; a call that was joined in another window is that one's. */
  signal({ contact, leg, bound, payload }: VoiceSignal): void {
    if (!contact || contact !== this.contact) return;
    if (bound !== undefined) {
      if (bound !== connection.window) this.#end();
      return;
    }
    if (!payload) return;
    if (payload.sdp?.type === 'offer') {
      this.#peer?.close();
      this.#peer = new Peer(0, leg, {
        iceServers: connection.hello?.iceServers ?? [],
        send: (message) => connection.ask({ do: 'signal', offer: 0, contact, ...(leg && { leg }), payload: message }).catch(() => {}),
        microphone: () => voice.source,
        changed: () => this.#update(),
      });
    }
    if (this.#peer?.leg === leg) this.#peer?.handle(payload);
  }

  /** Follows what the server has on record; while the supervisor has a call of his own he is not heard in the other one. */
  follow(talks: readonly TalkCard[], ownCall: boolean): void {
    this.#ownCall = ownCall;
    const own = talks.find(({ contact }) => contact === this.contact)?.mode;
    if (own) {
      this.#seen = true;
      this.#mode = own;
    } else if (this.#seen) {
      this.#end();
    }
    this.#update();
  }

  /** Ends his voice here: he signs out. */
  close(): void {
    this.#end();
  }

  #update(): void {
    const peer = this.#peer;
    if (!peer) return;
    if (peer.track) peer.track.enabled = this.#mode !== 'listen' && !this.#ownCall;
    this.remote = peer.remote;
    this.phase = peer.health === 'connected' && peer.connection.connectionState === 'connected' ? 'on' : 'connecting';
  }

  #end(): void {
    this.#peer?.close();
    this.#peer = undefined;
    this.#release?.();
    this.#release = undefined;
    this.remote = undefined;
    this.contact = undefined;
    this.#seen = false;
    this.phase = 'off';
  }
}

export const takingPart = new TakingPart();
