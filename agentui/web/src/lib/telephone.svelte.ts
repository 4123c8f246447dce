import { RequestError, type Failure } from './connection.svelte';
import type { Called, Caller, ContactID, LineID, MarkKind, OngoingCard, Request } from './protocol';

/** What calls back: the offer of a call-back, or one of the list. */
export type CallBack = Extract<Request, { do: 'accept' | 'dial' }>;

/** A number that nobody vouches for, which waits for the agent's yes before it is called. */
export interface Confirming {
  request: CallBack;
  caller: Caller;
  answer(yes: boolean): void;
}

/** What the telephone needs of the console. */
export interface TelephoneServer {
  /** Carries out a request; throws a RequestError. */
  ask(request: Request): Promise<void>;
  /** The same; what was refused is said, and false. */
  tell(request: Request): Promise<boolean>;
  /** There is something to talk into: a microphone, or a desk phone. */
  canTalk(): Promise<boolean>;
}

/** Whom the agent is about to call. Without called a number is typed. */
export interface Placing {
  called?: Called;
  /** Who it is, as far as that may be shown. */
  name: string;
  /** The number that is called, where it is known here. */
  number: string;
}

/** What came of asking for a call. */
export type Placed = 'done' | 'unconfirmed' | 'failed';

/** What an agent does with telephones besides answering: calls of his own, marks, recordings. */
export class Telephone {
  /** The dialog of a call is open. */
  placing = $state.raw<Placing | undefined>();
  calling = $state(false);
  /** Why the call that was asked for last is not made. */
  failure = $state<Failure | undefined>();
  /** What is being put on record, so that it is asked for once. */
  marking = $state<MarkKind | undefined>();
  /** The call-back about which the agent is asked. */
  confirming = $state.raw<Confirming | undefined>();
  /** The call that reached nobody and was read. */
  dismissed = $state<ContactID | undefined>();
  #expecting = false;

  constructor(private readonly server: TelephoneServer) {}

  /** Asks for whom to call: the dialog opens. */
  open(placing: Placing): void {
    this.failure = undefined;
    this.placing = placing;
  }

  /** Calls somebody by the number of a line. A number that nobody vouches for wants to be looked at first. */
  async call(called: Called, line: LineID, confirmed: boolean): Promise<Placed> {
    if (this.calling) return 'failed';
    this.calling = true;
    this.failure = undefined;
    // The state that shows the call may come before the reply.
    this.#expecting = true;
    try {
      if (!(await this.server.canTalk())) throw new RequestError('wrong-state');
      await this.server.ask({ do: 'call', ...called, line, ...(confirmed && { confirmed }) });
      return 'done';
    } catch (error) {
      this.#expecting = false;
      const code = error instanceof RequestError ? error.code : 'unavailable';
      if (code === 'unconfirmed') return 'unconfirmed';
      this.failure = code;
      return 'failed';
    } finally {
      this.calling = false;
    }
  }

  /**
   * Calls somebody back. A number that nobody vouches for is called after the agent's yes alone; false when he said no.
   * Throws a RequestError.
   */
  async callBack(request: CallBack, caller: Caller): Promise<boolean> {
    try {
      await this.server.ask(request);
      return true;
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'unconfirmed') throw error;
    }
    this.confirming?.answer(false);
    const yes = await new Promise<boolean>((answer) => (this.confirming = { request, caller, answer }));
    this.confirming = undefined;
    if (yes) await this.server.ask({ ...request, confirmed: true });
    return yes;
  }

  /** Tells, once, whether this is the call that was asked for in this window. */
  expects({ outgoing }: OngoingCard): boolean {
    if (!outgoing || !this.#expecting) return false;
    this.#expecting = false;
    return true;
  }

  /** Puts on record what the agent says of the call. */
  async mark(contact: ContactID, mark: MarkKind): Promise<void> {
    if (this.marking) return;
    this.marking = mark;
    await this.server.tell({ do: 'mark', contact, mark });
    this.marking = undefined;
  }

  /** Pauses the recording of the call, or goes on with it; nothing when none is made. */
  async toggleRecording({ contact, recording }: OngoingCard): Promise<void> {
    if (!isRecording(recording) && recording !== 'paused') return;
    const on = recording === 'paused';
    await this.server.tell({ do: 'recording', contact, ...(on && { on }) });
  }
}

/** What is said now is recorded. */
export function isRecording(recording: OngoingCard['recording']): boolean {
  return recording === 'begun' || recording === 'resumed';
}
