import { serverClock } from './clock.svelte';
import { connection, RequestError, type Failure } from './connection.svelte';
import { Drafts, type Draft } from './drafts.svelte';
import type { ConsoleState, LineInfo, OngoingCard, OutcomeCode, Presence, Request } from './protocol';
import { ring } from './ring.svelte';
import { currentSession, signIn, signOut, type Session, type SignInFailure } from './session';
import { currentContact, shownState } from './shown';
import { readStored, writeStored } from './stored';
import { voice } from './voice.svelte';

/** What the last action had to say; a key of the catalogue's errors. */
export type Notice = Failure | 'finishFirst' | 'hangUpFirst';

/** A page that was loaded again for a newer version is not loaded again within this time. */
const reloadPause = 30_000;

/**
 * The console as a whole: who is signed in, what the server says, and what the agent can do. Nothing is shown before
 * the server has said it; only the agent's own typing is.
 */
class Console {
  phase = $state<'checking' | 'signed-out' | 'signed-in'>('checking');
  session = $state.raw<Session | undefined>();
  /** The server ended the session, not the agent. */
  expired = $state(false);
  notice = $state<Notice | undefined>();
  /** The microphone was lost while ready, and the agent was paused for that. */
  pausedForMicrophone = $state(false);
  chosen = $state<string | undefined>();
  /**
   * What was asked for, so that nothing is asked for twice. It stays when it was done: the state that shows it comes a
   * moment after the reply.
   */
  answering = $state(0);
  hangingUp = $state<string | undefined>();
  finishing = $state<string | undefined>();
  outcomeMissing = $state<string | undefined>();
  changingPresence = $state<Presence | undefined>();

  readonly state = $derived(connection.state);
  readonly me = $derived(connection.state?.me);
  readonly offer = $derived(connection.status === 'open' ? connection.state?.offer : undefined);
  readonly contacts = $derived(connection.state?.contacts ?? []);
  readonly waiting = $derived(connection.state?.waiting ?? []);
  readonly callbacks = $derived(connection.state?.callbacks ?? []);
  readonly missed = $derived(connection.state?.missed ?? []);
  readonly lines = $derived(connection.hello?.lines ?? []);
  readonly pauseReasons = $derived(connection.hello?.pauseReasons ?? []);
  readonly outcomeCodes = $derived(connection.hello?.outcomeCodes ?? []);
  readonly current = $derived(currentContact(this.contacts, this.chosen));
  readonly call = $derived(this.contacts.find((contact) => contact.state === 'connected'));
  readonly shown = $derived(shownState(connection.status, connection.state, connection.lostAt));
  /** Requests can be made. */
  readonly usable = $derived(connection.status === 'open' && connection.state?.connected === true);

  #drafts: Drafts | undefined;
  #known = new Set<string>();
  #leaving = false;

  async start(): Promise<void> {
    serverClock.start();
    connection.onState = (state) => this.#follow(state);
    connection.onSignal = (signal) => {
      voice.iceServers = connection.hello?.iceServers ?? [];
      voice.signal(signal);
    };
    voice.send = (offer, payload) => {
      // A candidate that is not delivered is made up for by the others, or the call is not connected and says so.
      connection.ask({ do: 'signal', offer, payload }).catch(() => {});
    };
    voice.onMicrophoneLost = () => void this.#pauseForMicrophone();
    try {
      this.session = await currentSession();
    } catch {
      // Without an answer the sign-in form says what is wrong, when it is used.
    }
    if (this.session) this.#enter(this.session);
    else this.phase = 'signed-out';
  }

  async signIn(account: string, password: string): Promise<SignInFailure | undefined> {
    const failure = await signIn(account, password);
    if (failure) return failure;
    try {
      this.session = await currentSession();
    } catch {
      return 'unreachable';
    }
    if (!this.session) return 'wrong';
    this.#enter(this.session);
    return undefined;
  }

  async signOut(): Promise<void> {
    if (this.contacts.length > 0 || this.offer?.accepted) {
      this.notice = 'finishFirst';
      return;
    }
    this.#leaving = true;
    const refused = await signOut();
    this.#leaving = false;
    if (refused) this.notice = 'finishFirst';
    else this.leave();
  }

  /** Goes back to the sign-in form. */
  leave(): void {
    connection.stop();
    voice.close();
    ring.stop();
    this.notice = undefined;
    this.session = undefined;
    this.chosen = undefined;
    this.#known.clear();
    this.phase = 'signed-out';
  }

  /** The server no longer knows us: it said so by itself, or because the agent is signing out. */
  expire(): void {
    if (this.#leaving) return;
    this.expired = true;
    this.leave();
  }

  #enter(session: Session): void {
    this.#drafts = new Drafts(session.account, {
      ask: (request) => connection.ask(request),
      now: () => serverClock.read(),
    });
    this.expired = false;
    this.phase = 'signed-in';
    connection.start();
  }

  line(id: string | undefined): LineInfo | undefined {
    return this.lines.find((line) => line.id === id);
  }

  draft(contact: OngoingCard): Draft {
    if (!this.#drafts) throw new Error('no draft before signing in');
    return this.#drafts.of(contact.contact, contact.note ?? '');
  }

  async becomeReady(): Promise<void> {
    if (this.changingPresence) return;
    this.changingPresence = 'ready';
    this.pausedForMicrophone = false;
    void ring.unlock();
    if (await voice.openMicrophone()) await this.#do({ do: 'presence', presence: 'ready' });
    this.changingPresence = undefined;
  }

  async pause(reason?: string): Promise<void> {
    if (this.changingPresence) return;
    this.changingPresence = 'paused';
    await this.#do(reason ? { do: 'presence', presence: 'paused', reason } : { do: 'presence', presence: 'paused' });
    this.changingPresence = undefined;
  }

  async answer(): Promise<void> {
    const offer = this.offer;
    if (!offer || offer.accepted || this.answering === offer.offer) return;
    this.answering = offer.offer;
    if ((await voice.openMicrophone()) && (await this.#do({ do: 'accept', offer: offer.offer }))) {
      voice.accepted(offer.offer);
      this.chosen = offer.contact;
    } else {
      this.answering = 0;
    }
  }

  async decline(): Promise<void> {
    const offer = this.offer;
    if (offer && !offer.accepted) await this.#do({ do: 'decline', offer: offer.offer });
  }

  async hangUp(): Promise<void> {
    const call = this.call;
    if (!call || this.hangingUp === call.contact) return;
    this.hangingUp = call.contact;
    if (!(await this.#do({ do: 'hang-up', contact: call.contact }))) this.hangingUp = undefined;
  }

  /** Saves the note; in wrap-up it finishes the contact too. */
  async finish(): Promise<void> {
    const contact = this.current;
    if (!contact || this.finishing === contact.contact) return;
    const draft = this.draft(contact);
    if (contact.state !== 'wrap-up') {
      await draft.flush();
      this.notice = 'hangUpFirst';
      return;
    }
    if (!draft.code) {
      this.outcomeMissing = contact.contact;
      return;
    }
    this.finishing = contact.contact;
    this.outcomeMissing = undefined;
    if (!(await draft.flush())) {
      this.notice = 'disconnected';
      this.finishing = undefined;
    } else if (!(await this.#do({ do: 'finish', contact: contact.contact, code: draft.code }))) {
      this.finishing = undefined;
    }
  }

  /** Finishes a call-back that waits. Returns whether it was done. */
  finishCallback(contact: string, code: OutcomeCode): Promise<boolean> {
    return this.#do({ do: 'finish', contact, code });
  }

  async #do(request: Request): Promise<boolean> {
    try {
      await connection.ask(request);
      this.notice = undefined;
      return true;
    } catch (error) {
      this.notice = error instanceof RequestError ? error.code : 'unavailable';
      return false;
    }
  }

  #follow(state: ConsoleState): void {
    voice.follow(state);
    const contacts = state.contacts ?? [];
    this.#drafts?.adopt(contacts);
    this.#drafts?.flushAll();
    const present = new Set(contacts.map((contact) => contact.contact));
    for (const contact of this.#known) {
      if (!present.has(contact)) this.#ended(contact);
    }
    this.#known = present;
    void this.#followMicrophone(state);
  }

  #ended(contact: string): void {
    this.#drafts?.discard(contact);
    if (this.chosen === contact) this.chosen = undefined;
  }

  /** The microphone is open while the agent is ready or in a call, and only then. */
  async #followMicrophone({ me }: ConsoleState): Promise<void> {
    if (this.changingPresence === 'ready') return;
    if (me.presence === 'ready') {
      if (voice.microphone === 'closed' && !(await voice.openMicrophone())) await this.#pauseForMicrophone();
      ring.check();
    } else if (!me.activity) {
      voice.closeMicrophone();
    }
  }

  /** Who cannot be heard gets no contacts. */
  async #pauseForMicrophone(): Promise<void> {
    if (this.me?.presence !== 'ready') return;
    await this.pause(this.pauseReasons.includes('technical') ? 'technical' : undefined);
    this.pausedForMicrophone = true;
  }

  /** Loads the page again for a newer version; returns false when that has just been tried. */
  reloadForNewVersion(): boolean {
    const last = readStored('reloadedAt');
    if (typeof last === 'number' && Date.now() - last < reloadPause) return false;
    writeStored('reloadedAt', Date.now());
    location.reload();
    return true;
  }
}

export const desk = new Console();
