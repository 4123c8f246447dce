import type { Request } from './protocol';
import { readStored, removeStored, storedKeys, writeStored } from './stored';

/** After this long without a key the note goes to the server. */
const pause = 800;
/** Local copies of contacts that are long over are thrown away. */
const keptFor = 24 * 60 * 60 * 1000;

/**
 * - empty: nothing was written.
 * - saving: on its way.
 * - saved: the server has it.
 * - local: only this browser has it; it goes to the server as soon as that can be reached.
 */
export type DraftStatus = 'empty' | 'saving' | 'saved' | 'local';

interface StoredDraft {
  text: string;
  code: string;
  ticket?: string;
  unsent: boolean;
  at: number;
}

/** How a draft reaches the server, and what time it is there. */
export interface Server {
  ask(request: Request): Promise<void>;
  now(): number;
}

/** The agent's note, outcome and linked ticket of one contact, while they are being written. */
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
  /** Somebody writes in this window: what the server has is older. */
  #touched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<boolean> | undefined;

  constructor(
    readonly contact: string,
    agent: string,
    note: string,
    private readonly server: Server,
  ) {
    this.#key = `note.${agent}.${contact}`;
    this.text = note;
    const stored = readStored(this.#key) as StoredDraft | undefined;
    if (stored) {
      this.code = stored.code;
      this.ticket = stored.ticket ?? '';
      if (stored.unsent && stored.text !== note) {
        this.text = stored.text;
        this.status = 'local';
        this.savedAt = stored.at;
        this.#touched = this.#unsent = true;
        this.#schedule();
      }
    }
  }

  /** Takes what the server has, unless somebody writes here. */
  adopt(note: string): void {
    if (!this.#touched) this.text = note;
  }

  write(text: string): void {
    this.text = text;
    this.#touched = this.#unsent = true;
    this.#keep();
    this.#schedule();
  }

  choose(code: string): void {
    this.code = code;
    this.#keep();
  }

  /** Notes that the contact belongs to the ticket now. */
  link(ticket: string): void {
    this.ticket = ticket;
    this.#keep();
  }

  /** Sends what was not sent. Returns whether the server has it all. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    while (this.#sending) await this.#sending;
    if (!this.#unsent) return true;
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
    this.#unsent = false;
    removeStored(this.#key);
  }

  async #send(): Promise<boolean> {
    const text = this.text;
    this.status = 'saving';
    try {
      await this.server.ask({ do: 'note', contact: this.contact, note: text });
    } catch {
      this.status = 'local';
      return false;
    }
    this.status = 'saved';
    this.savedAt = this.server.now();
    if (this.text === text) {
      this.#unsent = false;
      this.#keep();
      return true;
    }
    this.#schedule();
    return false;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), pause);
  }

  #keep(): void {
    this.savedAt = this.server.now();
    const stored: StoredDraft = { text: this.text, code: this.code, ticket: this.ticket, unsent: this.#unsent, at: this.savedAt };
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
    for (const key of storedKeys(`note.${agent}.`)) {
      const stored = readStored(key) as StoredDraft | undefined;
      if (!stored || Date.now() - stored.at > keptFor) removeStored(key);
    }
  }

  /** The draft of a contact; note is what the server has. */
  of(contact: string, note: string): Draft {
    let draft = this.#drafts.get(contact);
    if (!draft) {
      draft = new Draft(contact, this.agent, note, this.server);
      this.#drafts.set(contact, draft);
    }
    return draft;
  }

  /** Takes what the server has of these contacts. */
  adopt(notes: Iterable<{ contact: string; note?: string }>): void {
    for (const { contact, note } of notes) this.#drafts.get(contact)?.adopt(note ?? '');
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
