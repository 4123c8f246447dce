import { tick } from 'svelte';
import { AnswerDrafts, type AnswerDraft } from './answers.svelte';
import { Chats, newId, type Chat } from './chat.svelte';
import { serverClock } from './clock.svelte';
import { connection, RequestError, type Failure } from './connection.svelte';
import { Drafts, type Draft } from './drafts.svelte';
import type { ConsoleState, LineInfo, OngoingCard, OutcomeCode, Presence, Request, ServiceInfo } from './protocol';
import { ring } from './ring.svelte';
import { route } from './route.svelte';
import { currentSession, signIn, signOut, type Session, type SignInFailure } from './session';
import { callOf, canFinish, currentContact, shownState } from './shown';
import { readStored, writeStored } from './stored';
import { voice } from './voice.svelte';

/** What the last action had to say; a key of the catalogue's errors. */
export type Notice = Failure | 'finishFirst' | 'hangUpFirst' | 'endChatFirst' | 'sendAnswerFirst';

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
  givingBack = $state<string | undefined>();
  dialling = $state<string | undefined>();
  outcomeMissing = $state<string | undefined>();
  changingPresence = $state<Presence | undefined>();

  readonly state = $derived(connection.state);
  readonly me = $derived(connection.state?.me);
  readonly offer = $derived(connection.status === 'open' ? connection.state?.offer : undefined);
  readonly contacts = $derived(connection.state?.contacts ?? []);
  readonly queue = $derived(connection.state?.queue ?? []);
  readonly notices = $derived(connection.state?.notices ?? []);
  readonly waiting = $derived(connection.state?.waiting ?? []);
  readonly callbacks = $derived(connection.state?.callbacks ?? []);
  readonly missed = $derived(connection.state?.missed ?? []);
  readonly lines = $derived(connection.hello?.lines ?? []);
  readonly services = $derived(connection.hello?.services ?? []);
  readonly pauseReasons = $derived(connection.hello?.pauseReasons ?? []);
  readonly outcomeCodes = $derived(connection.hello?.outcomeCodes ?? []);
  readonly current = $derived(currentContact(this.contacts, this.chosen));
  readonly call = $derived(callOf(this.contacts));
  readonly shown = $derived(shownState(connection.status, connection.state, connection.lostAt));
  /** Requests can be made. */
  readonly usable = $derived(connection.status === 'open' && connection.state?.connected === true);

  #drafts: Drafts | undefined;
  #chats: Chats | undefined;
  #answers: AnswerDrafts | undefined;
  #known = new Set<string>();
  /** Call-backs that are dialled from this window: their voice is to be heard here. */
  #dialled = new Set<string>();
  #leaving = false;

  async start(): Promise<void> {
    serverClock.start();
    connection.onState = (state) => this.#follow(state);
    connection.onChat = (lines) => this.#chats?.receive(lines);
    connection.onOpen = () => this.#chats?.resumeAll();
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
    this.#dialled.clear();
    this.#drafts = this.#chats = this.#answers = undefined;
    this.phase = 'signed-out';
  }

  /** The server no longer knows us: it said so by itself, or because the agent is signing out. */
  expire(): void {
    if (this.#leaving) return;
    this.expired = true;
    this.leave();
  }

  #enter(session: Session): void {
    const server = { ask: (request: Request) => connection.ask(request), now: () => serverClock.read(), newId };
    this.#drafts = new Drafts(session.account, server);
    this.#chats = new Chats(session.account, server);
    this.#answers = new AnswerDrafts(session.account);
    this.expired = false;
    this.phase = 'signed-in';
    connection.start();
  }

  line(id: string | undefined): LineInfo | undefined {
    return this.lines.find((line) => line.id === id);
  }

  service(id: string | undefined): ServiceInfo | undefined {
    return this.services.find((service) => service.id === id);
  }

  /** The chat of a contact that this agent has. */
  chat(contact: string): Chat {
    if (!this.#chats) throw new Error('no chat before signing in');
    return this.#chats.of(contact);
  }

  /** The answer to a ticket while it is being written. */
  answerDraft(ticket: string): AnswerDraft {
    if (!this.#answers) throw new Error('no answer before signing in');
    return this.#answers.of(ticket);
  }

  /** How much came to a contact that was not in sight yet. */
  unread({ contact, channel }: OngoingCard): number {
    return channel === 'chat' ? this.chat(contact).unread : 0;
  }

  /** Shows a contact, and puts the focus where one writes. */
  select(contact: string): void {
    this.chosen = contact;
    route.toWork();
    void tick().then(() => document.querySelector<HTMLElement>('[data-writes]')?.focus());
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
    const heard = offer.channel === 'voice';
    if ((!heard || (await voice.openMicrophone())) && (await this.#do({ do: 'accept', offer: offer.offer }))) {
      if (heard) voice.accepted(offer.offer);
      this.chosen = offer.contact;
      route.toWork();
    } else {
      this.answering = 0;
    }
  }

  async decline(): Promise<void> {
    const offer = this.offer;
    if (offer && !offer.accepted) await this.#do({ do: 'decline', offer: offer.offer });
  }

  async hangUp(): Promise<void> {
    if (this.call) await this.end(this.call.contact);
  }

  /** Ends the connection of a call or chat, or the dialling of a call-back. */
  async end(contact: string): Promise<void> {
    if (this.hangingUp === contact) return;
    this.hangingUp = contact;
    if (!(await this.#do({ do: 'hang-up', contact }))) this.hangingUp = undefined;
  }

  /** Puts a text back into the queue. */
  async giveBack(contact: OngoingCard): Promise<void> {
    if (this.givingBack === contact.contact) return;
    this.givingBack = contact.contact;
    await this.draft(contact).flush();
    if (!(await this.#do({ do: 'give-back', contact: contact.contact }))) this.givingBack = undefined;
  }

  /** Calls somebody back, at the number that called in; it is never typed. */
  async dial(contact: string): Promise<void> {
    if (this.call || this.dialling) return;
    this.dialling = contact;
    this.#dialled.add(contact);
    if ((await voice.openMicrophone()) && (await this.#do({ do: 'dial', contact }))) {
      this.chosen = contact;
      route.toWork();
    } else {
      this.#dialled.delete(contact);
    }
    this.dialling = undefined;
  }

  /** Saves the note, and finishes the contact when it can be finished: with an outcome, the linked ticket, or both. */
  async finish(): Promise<void> {
    const contact = this.current;
    if (!contact || this.finishing === contact.contact) return;
    const draft = this.draft(contact);
    if (!canFinish(contact)) {
      await draft.flush();
      this.notice = contact.channel === 'voice' ? 'hangUpFirst' : 'endChatFirst';
      return;
    }
    const ticket = draft.ticket || contact.ticket;
    if (contact.ticket && this.answerDraft(contact.ticket).text.trim()) {
      this.notice = 'sendAnswerFirst';
      return;
    }
    if (!draft.code && !ticket) {
      this.outcomeMissing = contact.contact;
      return;
    }
    this.finishing = contact.contact;
    this.outcomeMissing = undefined;
    if (!(await draft.flush())) {
      this.notice = 'disconnected';
      this.finishing = undefined;
    } else if (!(await this.#do(finishOf(contact.contact, draft.code, ticket)))) {
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
    const contacts = state.contacts ?? [];
    for (const { contact, offer, state: at } of contacts) {
      if (this.#dialled.has(contact) && (at === 'dialling' || at === 'connected')) voice.accepted(offer);
    }
    voice.follow(state);
    for (const { contact, channel } of contacts) if (channel === 'chat') this.#chats?.of(contact);
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
    this.#chats?.discard(contact);
    this.#dialled.delete(contact);
    if (this.givingBack === contact) this.givingBack = undefined;
    if (this.hangingUp === contact) this.hangingUp = undefined;
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

/** The request that finishes a contact; what is not chosen is left out. */
function finishOf(contact: string, code: OutcomeCode, ticket: string | undefined): Request {
  return { do: 'finish', contact, ...(code && { code }), ...(ticket && { ticket }) };
}

export const desk = new Console();
