import { backoff } from './backoff';
import { RequestError } from './connection.svelte';
import type { PeerHealth } from './peer';
import type { ConsoleState, ContactID, Millis, OfferID, Request } from './protocol';
import { callOf } from './shown';

/** So long the server has to send the set-up of a voice by itself when it rings, and after it was asked for one. */
const comesByItself: Millis = 1500;
const comesAsAsked: Millis = 8000;

/** What the keeper sees and does of the voice. */
export interface KeptVoice {
  readonly elsewhere: { has(offer: OfferID): boolean };
  health(offer: OfferID): PeerHealth | 'none';
  isAccepted(offer: OfferID): boolean;
  given(offer: OfferID): void;
  letGo(offer: OfferID): void;
}

/** Requests of the console. */
export interface KeeperServer {
  /** Requests can be made now. */
  ready(): boolean;
  ask(request: Request): Promise<void>;
}

/** The call, or what rings: at most one at a time. */
interface Target {
  offer: OfferID;
  contact: ContactID;
  /** The agent has answered it, in this window or another. */
  call: boolean;
  since: number;
  callSince: number;
}

/**
 * Gets the voice of a call (back) into this window: after the page was loaded again, when the connection is no longer
 * heard, and when the network has changed. It asks the node that has the caller for a new voice; what there is of the
 * old one goes on until the new one stands. A voice that lives in another window is left there unless the agent asks.
 */
export class VoiceKeeper {
  #target: Target | undefined;
  /** The offer that is being answered here: its voice is on its way. */
  #answering: OfferID = 0;
  #asking = false;
  #askedAt = -Infinity;
  #notBefore = 0;
  #failures = 0;
  #networkChanged = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly voice: KeptVoice,
    private readonly server: KeeperServer,
  ) {}

  /** Takes the newest state; answering is the offer that is being answered in this window, 0 for none. */
  follow(state: ConsoleState, answering: OfferID): void {
    this.#answering = answering;
    const call = callOf(state.contacts ?? []);
    const ringing = state.offer?.channel === 'voice' ? state.offer : undefined;
    const found = call ?? ringing;
    if (found?.offer !== this.#target?.offer) {
      this.#target = found && { offer: found.offer, contact: found.contact, call: false, since: performance.now(), callSince: Infinity };
      this.#askedAt = -Infinity;
      this.#failures = this.#notBefore = 0;
      this.#networkChanged = false;
    }
    if (this.#target) {
      if (!this.#target.call && call) this.#target.callSince = performance.now();
      this.#target.call = call !== undefined;
    }
    this.consider();
  }

  /** The socket is new, its first state was followed: what the server sent before by itself has been missed. */
  reopened(): void {
    if (this.#target) this.#target.since = -Infinity;
    this.consider();
  }

  /** The computer has another network, or the old one again: what is connected may be deaf without knowing it yet. */
  networkChanged(): void {
    if (!this.#target?.call) return;
    this.#networkChanged = true;
    this.consider();
  }

  /** Asks for the voice of the target when it is time to; call it whenever something changed. */
  consider(): void {
    clearTimeout(this.#timer);
    const target = this.#target;
    if (!target || this.#asking || !this.server.ready()) return;
    const at = this.#due(target);
    if (at === undefined) return;
    const wait = Math.max(at, this.#notBefore) - performance.now();
    if (wait <= 0) void this.#ask(target);
    else this.#timer = setTimeout(() => this.consider(), wait);
  }

  /** Takes the voice into this window, wherever it is. Throws a RequestError when it cannot be had. */
  async take(offer: OfferID, contact: ContactID): Promise<void> {
    await this.server.ask({ do: 'voice', contact, take: true });
    this.#askedAt = performance.now();
    this.voice.given(offer);
  }

  /** Forgets the call: the agent has signed out. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#target = undefined;
  }

  /** When to ask; undefined when there is no need as things stand. */
  #due({ offer, call, since, callSince }: Target): number | undefined {
    if (this.voice.elsewhere.has(offer)) return undefined;
    const here = this.voice.isAccepted(offer);
    if (!here && this.#answering === offer) return undefined;
    switch (this.voice.health(offer)) {
      case 'connected':
        if (here) return this.#networkChanged ? 0 : undefined;
        // Answered, and yet nobody speaks or hears: the reply to the answer was lost, or the window that answered is gone.
        return call ? Math.max(callSince + comesByItself, this.#askedAt + comesAsAsked) : undefined;
      case 'broken':
        return this.#askedAt + comesByItself;
      case 'none':
        // The page was loaded in mid-call: nothing will come by itself.
        if (call && !here && this.#askedAt < 0) return 0;
        return Math.max(since + comesByItself, this.#askedAt + comesAsAsked);
      default:
        return undefined;
    }
  }

  async #ask({ offer, contact, call }: Target): Promise<void> {
    this.#asking = true;
    let failure: unknown;
    try {
      await this.server.ask({ do: 'voice', contact });
    } catch (error) {
      failure = error;
    }
    this.#asking = false;
    // What is said of a call that is over concerns no other one.
    if (this.#target?.offer === offer) {
      if (failure === undefined) {
        this.#askedAt = performance.now();
        this.#failures = 0;
        this.#networkChanged = false;
        if (call) this.voice.given(offer);
      } else {
        if (failure instanceof RequestError && failure.code === 'voice-elsewhere') this.voice.letGo(offer);
        this.#notBefore = performance.now() + backoff(++this.#failures);
      }
    }
    this.consider();
  }
}
