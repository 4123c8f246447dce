import { tick } from 'svelte';
import { AnswerDrafts, type AnswerDraft } from './answers.svelte';
import { Chats, newId, type Chat } from './chat.svelte';
import { serverClock } from './clock.svelte';
import { connection, RequestError, type Failure } from './connection.svelte';
import { Drafts, type Draft } from './drafts.svelte';
import { OwnPresence } from './presence.svelte';
import type {
  CallbackCard,
  Caller,
  ConsoleState,
  Instant,
  LineInfo,
  OfferID,
  OngoingCard,
  OutcomeCode,
  Request,
  RingCard,
  ServiceInfo,
} from './protocol';
import { pathsOf } from './queueing';
import { ring } from './ring.svelte';
import { route } from './route.svelte';
import { currentSession, signIn, signOut, type Session, type SignInFailure } from './session';
import { Sending } from './sending.svelte';
import { callOf, canFinish, consulting, currentContact, firstToLapse, hasLapsed, shownState } from './shown';
import { readStored, writeStored } from './stored';
import { takingPart } from './takingpart.svelte';
import { Telephone, type CallBack } from './telephone.svelte';
import { voice } from './voice.svelte';
import { VoiceKeeper } from './voicekeeper';

/** A wrap-up that ran out before the agent finished it: the engine closed the contact, with what was chosen so far. */
export interface Lapsed {
  contact: string;
  at: Instant;
  code: OutcomeCode;
  ticket: string;
}

/** What the last action had to say; a key of the catalogue's errors. */
export type Notice = Failure | 'finishFirst' | 'hangUpFirst' | 'endChatFirst' | 'sendAnswerFirst' | 'consultGone' | 'consultLeft' | 'colleagueNotFree' | 'liftReceiver';

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
  /** The agent wants to sign out and still has contacts. */
  signingOut = $state(false);
  chosen = $state<string | undefined>();
  /**
   * What was asked for, so that nothing is asked for twice. It stays when it was done: the state that shows it comes a
   * moment after the reply.
   */
  answering = $state(0);
  declining = $state(0);
  hangingUp = $state<string | undefined>();
  finishing = $state<string | undefined>();
  givingBack = $state<string | undefined>();
  dialling = $state<string | undefined>();
  outcomeMissing = $state<string | undefined>();
  holding = $state(false);
  extending = $state(false);
  taking = $state(false);
  /** The newest wrap-up that ran out, until it is dismissed. */
  lapsed = $state.raw<Lapsed | undefined>();

  readonly state = $derived(connection.state);
  /** This agent's id, by which colleagues' cards name him. */
  readonly agent = $derived(connection.hello?.agent);
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
  readonly groups = $derived(connection.hello?.groups ?? []);
  readonly destinations = $derived(connection.hello?.destinations ?? []);
  /** The lines by whose number this agent may call. */
  readonly callsLines = $derived(connection.hello?.callsLines ?? []);
  readonly supervises = $derived(connection.hello?.supervises === true);
  readonly talks = $derived(connection.state?.talks ?? []);
  /** A call of this agent's reached nobody, and that was not read yet. */
  readonly notReached = $derived.by(() => {
    const card = connection.state?.notReached;
    return card && card.contact !== this.telephone.dismissed ? card : undefined;
  });
  readonly colleagues = $derived(connection.state?.colleagues ?? []);
  /** The contact paths that the desk has, and those of them that this agent takes while ready. */
  readonly paths = $derived(pathsOf(this.lines));
  readonly taken = $derived(this.me?.channels?.length ? this.me.channels : this.paths);
  readonly outcomeCodes = $derived(connection.hello?.outcomeCodes ?? []);
  readonly current = $derived(currentContact(this.contacts, this.chosen));
  readonly call = $derived(callOf(this.contacts));
  readonly shown = $derived(shownState(connection.status, connection.state, connection.lostAt));
  /** The server answers: what it does itself can be asked for, such as all that concerns a call's voice. */
  readonly online = $derived(connection.status === 'open');
  /** Requests to the queue can be made. */
  readonly usable = $derived(connection.status === 'open' && connection.state?.connected === true);

  readonly presence = new OwnPresence({
    ask: (request) => this.#do(request),
    me: () => this.me,
    usable: () => this.usable,
    canTalk: () => this.#canTalk(),
    technicalReason: () => this.pauseReasons.find(({ reason }) => reason === 'technical')?.reason,
    signOut: () => void this.signOut(),
  });

  readonly telephone = new Telephone({
    ask: (request) => connection.ask(request),
    tell: (request) => this.#do(request),
    canTalk: () => this.#canTalk(),
  });

  readonly sending = new Sending({
    ask: (request) => this.#do(request),
    saved: (contact) => this.draft(contact).flush(),
    colleagueNotFree: () => {
      if (this.notice === 'not-free') this.notice = 'colleagueNotFree';
    },
  });

  #drafts: Drafts | undefined;
  #chats: Chats | undefined;
  #answers: AnswerDrafts | undefined;
  #known = new Map<string, OngoingCard>();
  /** Call-backs that are dialled from this window: their voice is to be heard here. */
  #dialled = new Set<string>();
  #leaving = false;
  readonly #keeper = new VoiceKeeper(voice, { ready: () => this.online, ask: (request) => connection.ask(request) });

  async start(): Promise<void> {
    serverClock.start();
    connection.onState = (state) => this.#follow(state);
    connection.onChat = (lines) => this.#chats?.receive(lines);
    connection.onOpen = () => {
      this.#chats?.resumeAll();
      this.#keeper.reopened();
    };
    connection.onSignal = (signal) => {
      voice.iceServers = connection.hello?.iceServers ?? [];
      voice.window = connection.window;
      if (signal.contact) takingPart.signal(signal);
      else voice.signal(signal);
    };
    voice.send = (offer, leg, payload) => {
      // A candidate that is not delivered is made up for by the others, or the call is not connected and says so.
      connection.ask({ do: 'signal', offer, ...(leg && { leg }), payload }).catch(() => {});
    };
    voice.onMicrophoneLost = () => void this.presence.pauseForMicrophone();
    voice.onChange = () => this.#keeper.consider();
    voice.onTakenFromAccepted = () => void this.takeVoice();
    addEventListener('online', () => this.#keeper.networkChanged());
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

  /** Who has contacts is asked first what is to become of them. */
  async signOut(): Promise<void> {
    if (this.contacts.length > 0 || this.offer?.accepted) {
      this.signingOut = true;
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
    this.#keeper.stop();
    voice.close();
    takingPart.close();
    ring.stop();
    this.notice = undefined;
    this.signingOut = false;
    this.lapsed = undefined;
    this.session = undefined;
    this.chosen = undefined;
    this.#known.clear();
    this.#dialled.clear();
    this.presence.forget();
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
    this.#drafts = new Drafts(session.account, { ...server, refused: (code) => (this.notice = code) });
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
    return this.#drafts.of(contact.contact, contact);
  }

  async answer(): Promise<void> {
    const offer = this.offer;
    if (!offer || offer.accepted || this.answering === offer.offer || this.declining === offer.offer) return;
    const heard = offer.channel === 'voice';
    if (heard && this.me?.phone && !offer.callback) {
      this.notice = 'liftReceiver';
      return;
    }
    this.answering = offer.offer;
    if ((!heard || (await this.#canTalk())) && (await this.#accept(offer))) {
      this.chosen = offer.contact;
      route.toWork();
      if (heard && !this.me?.phone) await this.#hearHere(offer);
    } else {
      this.answering = 0;
    }
  }

  #accept({ offer, caller, callback }: RingCard): Promise<boolean> {
    return callback ? this.#callBack({ do: 'accept', offer }, caller) : this.#do({ do: 'accept', offer });
  }

  /** Calls somebody back; false when that was refused, or the agent does not want the number called. */
  async #callBack(request: CallBack, caller: Caller): Promise<boolean> {
    let called = false;
    await this.#try(async () => {
      called = await this.telephone.callBack(request, caller);
    });
    return called;
  }

  /** The voice is where the agent is: it comes from the window that it was bound to, if that is not this one. */
  async #hearHere({ offer, contact }: { offer: OfferID; contact: string }): Promise<void> {
    if (voice.elsewhere.has(offer)) await this.#take(offer, contact);
    else voice.accepted(offer);
  }

  /** Takes the voice of the call into this window. */
  async takeVoice(): Promise<void> {
    const call = this.call ?? this.offer;
    if (call?.channel === 'voice') await this.#take(call.offer, call.contact);
  }

  async #take(offer: OfferID, contact: string): Promise<void> {
    if (this.taking) return;
    this.taking = true;
    await this.#try(() => this.#keeper.take(offer, contact));
    this.taking = false;
  }

  /** Puts the call on hold, or takes it back. */
  async toggleHold(): Promise<void> {
    const call = this.call;
    if (!call || call.state === 'dialling' || consulting(call) || call.consultedBy || this.holding) return;
    this.holding = true;
    await this.#do({ do: call.state === 'held' ? 'resume' : 'hold', contact: call.contact });
    this.holding = false;
  }

  /** Presses a key towards the caller's phone. */
  press(contact: string, key: string): Promise<boolean> {
    return this.#do({ do: 'key', contact, key });
  }

  /** Makes the wrap-up that is shown longer, or else the one that runs out first. */
  async extendWrapUp(): Promise<void> {
    const found = firstToLapse(this.current, this.contacts);
    if (found) await this.extend(found.contact);
  }

  /** Asks for more time for the wrap-up of the contact. */
  async extend(contact: string): Promise<void> {
    if (this.extending) return;
    this.extending = true;
    await this.#do({ do: 'extend', contact });
    this.extending = false;
  }

  /** Declines the offer; the reason is one of the catalogue's. */
  async decline(reason?: string): Promise<void> {
    const offer = this.offer;
    if (!offer || offer.accepted || this.answering === offer.offer || this.declining === offer.offer) return;
    this.declining = offer.offer;
    if (!(await this.#do({ do: 'decline', offer: offer.offer, ...(reason && { reason }) }))) this.declining = 0;
  }

  /** Hangs up; who was only asked by a colleague leaves the two. */
  async hangUp(): Promise<void> {
    if (this.call?.consultedBy) await this.sending.endConsult(this.call.contact);
    else if (this.call) await this.end(this.call.contact);
  }

  /** Says for how many residents and companies the contact stands; 0 takes it back. */
  setImpact(contact: string, residents: number): Promise<boolean> {
    return this.#do({ do: 'impact', contact, residents });
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
  async dial({ contact, caller }: CallbackCard): Promise<void> {
    if (this.call || this.dialling) return;
    this.dialling = contact;
    this.#dialled.add(contact);
    if ((await this.#canTalk()) && (await this.#callBack({ do: 'dial', contact }, caller))) {
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

  /** There is something to talk into: a desk phone that rings, or a microphone. */
  async #canTalk(): Promise<boolean> {
    return this.me?.phone === true || voice.openMicrophone();
  }

  #do(request: Request): Promise<boolean> {
    return this.#try(() => connection.ask(request));
  }

  async #try(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      this.notice = undefined;
      return true;
    } catch (error) {
      this.notice = error instanceof RequestError ? error.code : 'unavailable';
      return false;
    }
  }

  #follow(state: ConsoleState): void {
    const contacts = state.contacts ?? [];
    for (const card of contacts) {
      if (this.telephone.expects(card)) {
        this.#dialled.add(card.contact);
        this.chosen = card.contact;
        route.toWork();
      }
      // The connection counts once: afterwards the voice may be taken to another window.
      if ((card.state === 'dialling' || card.state === 'connected') && this.#dialled.delete(card.contact)) {
        if (!state.me.phone) void this.#hearHere(card);
      }
    }
    voice.follow(state);
    takingPart.follow(state.talks ?? [], callOf(contacts) !== undefined);
    // The voice of a desk phone is not the browser's to keep, unless the call was answered here before the phone was there.
    const here = callOf(contacts) ?? state.offer;
    if (!state.me.phone || (here && voice.has(here.offer))) this.#keeper.follow(state, this.answering);
    else this.#keeper.stop();
    for (const { contact, channel } of contacts) if (channel === 'chat') this.#chats?.of(contact);
    this.#drafts?.adopt(contacts);
    this.#drafts?.flushAll();
    const present = new Map(contacts.map((card) => [card.contact, card]));
    for (const card of this.#known.values()) {
      const now = present.get(card.contact);
      if (!now) this.#ended(card, state.now);
      else this.notice = this.sending.lostConsult(card, now) ?? this.notice;
    }
    this.#known = present;
    this.presence.follow(state);
  }

  #ended(card: OngoingCard, now: Instant): void {
    const { contact } = card;
    if (hasLapsed(card, now) && this.finishing !== contact) {
      this.lapsed = { contact, at: card.wrapUpUntil ?? now, code: card.code ?? '', ticket: card.chosenTicket ?? card.ticket ?? '' };
    }
    this.#drafts?.discard(contact);
    this.#chats?.discard(contact);
    this.#dialled.delete(contact);
    this.sending.forget(contact);
    if (this.givingBack === contact) this.givingBack = undefined;
    if (this.hangingUp === contact) this.hangingUp = undefined;
    if (this.chosen === contact) this.chosen = undefined;
    if (this.contacts.length === 0) this.signingOut = false;
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
