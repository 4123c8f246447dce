import type { ContactID, Instant, OngoingCard, Request, TransferTo } from './protocol';

/** What sending needs of the console. */
export interface Sender {
  /** Carries out a request; false when it was refused, which has been said already. */
  ask(request: Request): Promise<boolean>;
  /** Resolves when what was noted of the contact is on the server, or cannot be. */
  saved(contact: OngoingCard): Promise<unknown>;
  /** A colleague or group was asked for: that nobody is free is said of them, not of this agent. */
  colleagueNotFree(): void;
}

/**
 * How a contact leaves its agent without being finished: sent to a colleague or group, after asking him first, or
 * promised to be called back. Each waits until the server has answered, so that nothing is asked for twice.
 */
export class Sending {
  /** The contact that is on its way, from the request on until it is gone or refused. */
  busy = $state<ContactID | undefined>();
  /** Asking a colleague was ended by this agent: it is no news to him. */
  #ended = new Set<ContactID>();

  constructor(private readonly sender: Sender) {}

  /** Sends a contact on, or asks there first while the caller is on hold; the note goes along. Returns whether it was done. */
  async send(contact: OngoingCard, to: TransferTo, askFirst: boolean): Promise<boolean> {
    const { contact: id } = contact;
    this.#ended.delete(id);
    const done = await this.#once(id, { do: askFirst ? 'consult' : 'transfer', contact: id, to }, contact);
    if (!done) this.sender.colleagueNotFree();
    return done;
  }

  /** Takes a question back, or ends the talk about it; both who talk may. */
  endConsult(contact: ContactID): Promise<boolean> {
    return this.#end({ do: 'consult-end', contact });
  }

  /** Leaves the caller to the colleague with whom this agent talks. */
  complete(contact: ContactID): Promise<boolean> {
    return this.#end({ do: 'complete-transfer', contact });
  }

  /** Lets caller, agent and whoever is consulted hear each other, or ends that. */
  conference(contact: ContactID, on: boolean): Promise<boolean> {
    return this.#once(contact, { do: 'conference', contact, ...(on && { on }) });
  }

  /** Promises to call back at the moment, by this agent himself or by whoever is free; the contact leaves him until then. */
  promise(contact: OngoingCard, at: Instant, mine: boolean): Promise<boolean> {
    const { contact: id } = contact;
    return this.#once(id, { do: 'callback', contact: id, at, ...(mine && { mine }) }, contact);
  }

  /**
   * Compares what was known of a contact with what is known now: what to tell this agent when a colleague who was asked
   * is gone without his doing. Nothing when the call itself is over: the caller is not on hold with him any more.
   */
  lostConsult(before: OngoingCard, after: OngoingCard): 'consultGone' | 'consultLeft' | undefined {
    // Of a place that was not reached its own bar tells.
    if (!before.consult || before.consult.state === 'failed' || after.consult) return undefined;
    const wanted = this.#ended.delete(before.contact);
    if (wanted || (after.state !== 'held' && after.state !== 'connected')) return undefined;
    return before.consult.state === 'talking' ? 'consultLeft' : 'consultGone';
  }

  /** Forgets a contact that is gone. */
  forget(contact: ContactID): void {
    this.#ended.delete(contact);
  }

  async #end(request: Request & { do: 'consult-end' | 'complete-transfer' }): Promise<boolean> {
    this.#ended.add(request.contact);
    const done = await this.#once(request.contact, request);
    if (!done) this.#ended.delete(request.contact);
    return done;
  }

  /** Asks for one thing at a time; what was noted of the contact that leaves is saved first. */
  async #once(id: ContactID, request: Request, leaving?: OngoingCard): Promise<boolean> {
    if (this.busy === id) return false;
    this.busy = id;
    if (leaving) await this.sender.saved(leaving);
    const done = await this.sender.ask(request);
    if (this.busy === id) this.busy = undefined;
    return done;
  }
}
