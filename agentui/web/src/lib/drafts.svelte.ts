import { RequestError, type Failure } from './connection.svelte';
import type { Request } from './protocol';
import { readStored, removeStored, storedKeys, writeStored } from './stored';

/** After this long without a key the note goes to the server. */
const pause = 800;
/** Local copies of contacts that are long over are thrown away. */
const keptFor = 24 * 60 * 60 * 1000;

/** States come many times a second: more notes than this are never on their way. */
const sentKept = 20;

/**
 * - empty: nothing was written.
 * - saving: on its way.
 * - saved: the server has it.
 * - local: only this browser has it; it goes to the server as soon as that can be reached.
 */
export type DraftStatus = 'empty' | 'saving' | 'saved' | 'local';

interface StoredDraft {
  text: string;
  code?: string;
  ticket?: string;
  /** What the server does not have yet. */
  unsent: boolean;
  unsentChoice?: boolean;
  at: number;
}

/** How a draft reaches the server, and what time it is there. */
export interface Server {
  ask(request: Request): Promise<void>;
  now(): number;
  /** Called when a choice was not passed on but refused: it is not chosen then. */
  refused(code: Failure): void;
}

/** What the server has of a contact (OngoingCard). */
export interface Kept {
  note?: string;
  code?: string;
  chosenTicket?: string;
}

/** Failures that pass: the same is sent again. Any other is an answer. */
const passing: ReadonlySet<Failure> = new Set<Failure>(['disconnected', 'timed-out', 'unavailable']);

/** The agent's note, outcome and linked ticket of one contact, while they are being written and chosen. */
export class Draft {
  text = $state('');
  code = $state('');
  /** The ticket that the agent made for the contact or linked it to. */
  ticket = $state('');
  status = $state<DraftStatus>('empty');
  /** When it was last saved, by the server's clock. */
  savedAt = $state(0);

  #key: string;
  #unsent = false;
  #unsentChoice = false;
  /** The server's newest note and choice; what it says again does not undo what is written and chosen here. */
  #serverNote: string;
  #serverCode: string;
  #serverTicket: string;
  /** The notes that were sent from here and that the server has not shown yet, oldest first. */
  #sent: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<boolean> | undefined;

  constructor(
    readonly contact: string,
    agent: string,
    kept: Kept,
    private readonly server: Server,
  ) {
    this.#key = `note.${agent}.${contact}`;
    this.text = this.#serverNote = kept.note ?? '';
    this.code = this.#serverCode = kept.code ?? '';
    this.ticket = this.#serverTicket = kept.chosenTicket ?? '';
    const stored = readStored(this.#key) as StoredDraft | undefined;
    if (!stored) return;
    if (stored.unsentChoice) {
      this.code = stored.code ?? '';
      this.ticket = stored.ticket ?? '';
      this.#unsentChoice = true;
    }
    if (stored.unsent && stored.text !== this.text) {
      this.text = stored.text;
      this.#unsent = true;
    }
    if (this.#unsent || this.#unsentChoice) {
      this.status = 'local';
      this.savedAt = stored.at;
      this.#schedule();
    }
  }

  /** Takes what the server has, unless something newer is written or chosen here. */
  adopt({ note = '', code = '', chosenTicket = '' }: Kept): void {
    this.#adoptNote(note);
    if (code !== this.#serverCode || chosenTicket !== this.#serverTicket) {
      this.#serverCode = code;
      this.#serverTicket = chosenTicket;
      if (!this.#unsentChoice) [this.code, this.ticket] = [code, chosenTicket];
    }
  }

  /** What was written in another window is shown here too, or the next key here would undo it. */
  #adoptNote(note: string): void {
    if (note === this.#serverNote) return;
    this.#serverNote = note;
    const mine = this.#sent.indexOf(note);
    if (mine >= 0) this.#sent.splice(0, mine + 1);
    else if (!this.#unsent) this.text = note;
  }

  write(text: string): void {
    this.text = text;
    this.#unsent = true;
    this.#keep();
    this.#schedule();
  }

  /** Chooses the outcome, and keeps that on the server: it is on record from now on, whatever happens to this window. */
  choose(code: string): void {
    this.code = code;
    this.#chosen();
  }

  /** Links the contact to the ticket, kept as the outcome is. */
  link(ticket: string): void {
    this.ticket = ticket;
    this.#chosen();
  }

  #chosen(): void {
    this.#unsentChoice = true;
    this.#keep();
    void this.flush();
  }

  /** Sends what was not sent. Returns whether the server has it all. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    while (this.#sending) await this.#sending;
    if (!this.#unsent && !this.#unsentChoice) return true;
    this.#sending = this.#send();
    try {
      return await this.#sending;
    } finally {
      this.#sending = undefined;
    }
  }

  /** Forgets it: the contact is finished. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#unsent = this.#unsentChoice = false;
    removeStored(this.#key);
  }

  async #send(): Promise<boolean> {
    const { text, code, ticket } = this;
    this.status = 'saving';
    try {
      if (this.#unsentChoice) await this.#sendChoice(code, ticket);
      if (this.#unsent) await this.#sendNote(text);
    } catch {
      this.status = 'local';
      return false;
    }
    this.status = 'saved';
    this.savedAt = this.server.now();
    const rest = this.text !== text || this.#unsentChoice;
    if (this.text === text) this.#unsent = false;
    this.#keep();
    if (rest) this.#schedule();
    return !rest;
  }

  #sendNote(note: string): Promise<void> {
    // A state may show it before the reply comes.
    if (this.#sent.at(-1) !== note) this.#sent = [...this.#sent.slice(-sentKept), note];
    return this.server.ask({ do: 'note', contact: this.contact, note });
  }

  async #sendChoice(code: string, ticket: string): Promise<void> {
    try {
      await this.server.ask({ do: 'outcome', contact: this.contact, ...(code && { code }), ...(ticket && { ticket }) });
    } catch (error) {
      if (!(error instanceof RequestError) || passing.has(error.code)) throw error;
      this.#unsentChoice = false;
      [this.code, this.ticket] = [this.#serverCode, this.#serverTicket];
      this.server.refused(error.code);
      return;
    }
    // Something else was chosen meanwhile: that is sent next.
    if (this.code === code && this.ticket === ticket) this.#unsentChoice = false;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), pause);
  }

  /** Keeps what the server does not have yet, and nothing else: several people may use this browser. */
  #keep(): void {
    this.savedAt = this.server.now();
    if (!this.#unsent && !this.#unsentChoice) return removeStored(this.#key);
    const stored: StoredDraft = { text: this.text, unsent: this.#unsent, at: this.savedAt };
    if (this.#unsentChoice) Object.assign(stored, { code: this.code, ticket: this.ticket, unsentChoice: true });
    writeStored(this.#key, stored);
  }
}

/** The drafts of one agent, by contact. */
export class Drafts {
  #drafts = new Map<string, Draft>();

  constructor(
    private readonly agent: string,
    private readonly server: Server,
  ) {
    // Of everybody who has used this browser: they may never come back to it.
    for (const key of storedKeys('note.')) {
      const stored = readStored(key) as StoredDraft | undefined;
      if (!stored || Date.now() - stored.at > keptFor) removeStored(key);
    }
  }

  /** The draft of a contact; kept is what the server has. */
  of(contact: string, kept: Kept): Draft {
    let draft = this.#drafts.get(contact);
    if (!draft) {
      draft = new Draft(contact, this.agent, kept, this.server);
      this.#drafts.set(contact, draft);
    }
    return draft;
  }

  /** Takes what the server has of these contacts. */
  adopt(contacts: Iterable<Kept & { contact: string }>): void {
    for (const kept of contacts) this.#drafts.get(kept.contact)?.adopt(kept);
  }

  /** Sends what could not be sent. */
  flushAll(): void {
    for (const draft of this.#drafts.values()) if (draft.status === 'local') void draft.flush();
  }

  discard(contact: string): void {
    this.#drafts.get(contact)?.discard();
    this.#drafts.delete(contact);
  }
}
