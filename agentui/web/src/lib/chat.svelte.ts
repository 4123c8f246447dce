import { backoff } from './backoff';
import type { ChatLine, ChatLines, Instant, RejectionCode, Request } from './protocol';
import { readStored, removeStored, storedKeys, writeStored } from './stored';

/** What was written here and did not reach the stream within this time is thrown away. */
const keptFor = 24 * 60 * 60 * 1000;

/**
 * - sending: on its way, or it goes as soon as the server can be reached.
 * - sent: the stream has it; the line itself has not come yet.
 * - refused: the server said no, and will say so again.
 */
export type OutgoingStatus = 'sending' | 'sent' | 'refused';

/** A line that was written here. Its id makes sure that it is in the chat once, however often it is sent. */
export interface Outgoing {
  id: string;
  text: string;
  at: Instant;
  status: OutgoingStatus;
  reason?: string;
}

interface Stored {
  draft: string;
  unsent: { id: string; text: string; at: Instant }[];
  read: number;
  at: number;
}

/** How a chat reaches the server. Why a request failed stands in the error's code. */
export interface Server {
  ask(request: Request): Promise<void>;
  now(): number;
  newId(): string;
}

/** Failures after which the same line is sent again: nobody knows whether it arrived, or it did not. */
const passing = new Set(['disconnected', 'timed-out', 'unavailable']);

function codeOf(error: unknown): string {
  const code = (error as { code?: RejectionCode | string }).code;
  return typeof code === 'string' ? code : 'unavailable';
}

/** One chat of this agent: the lines that the stream has, and what was written here and is not there yet. */
export class Chat {
  lines = $state.raw<readonly ChatLine[]>([]);
  outgoing = $state.raw<readonly Outgoing[]>([]);
  draft = $state('');
  /** The newest line that was in sight. */
  read = $state(0);
  /** The lines so far have come. */
  loaded = $state(false);

  #key: string;
  #sending = false;
  #following = false;
  #ended = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly contact: string,
    agent: string,
    private readonly server: Server,
  ) {
    this.#key = `chat.${agent}.${contact}`;
    const stored = readStored(this.#key) as Stored | undefined;
    if (!stored) return;
    this.draft = stored.draft;
    this.read = stored.read;
    this.outgoing = stored.unsent.map((line) => ({ ...line, status: 'sending' as const }));
  }

  get newest(): number {
    return this.lines.at(-1)?.sequence ?? 0;
  }

  /** Lines of the user's that were not in sight yet. */
  get unread(): number {
    return this.lines.filter((line) => line.from === 'caller' && line.sequence > this.read).length;
  }

  get closed(): boolean {
    return this.lines.some((line) => line.kind === 'ended');
  }

  /**
   * Asks for what came after the newest line here, and sends again what is not there yet; after a break both sides go
   * on without a gap and without a double (chatwoot#14934).
   */
  resume(): void {
    this.#attempt = 0;
    void this.#follow();
    void this.#sendNext();
  }

  receive(lines: readonly ChatLine[]): void {
    this.loaded = true;
    const seen = new Set(this.lines.map((line) => line.sequence));
    const fresh = lines.filter((line) => !seen.has(line.sequence));
    if (fresh.length === 0) return;
    this.lines = [...this.lines, ...fresh].sort((a, b) => a.sequence - b.sequence);
    const kept = new Set(fresh.map((line) => line.id));
    if (this.outgoing.some((line) => kept.has(line.id))) {
      this.outgoing = this.outgoing.filter((line) => !kept.has(line.id));
      this.#keep();
    }
  }

  write(draft: string): void {
    this.draft = draft;
    this.#keep();
  }

  send(): void {
    const text = this.draft.trim();
    if (!text) return;
    const line: Outgoing = { id: this.server.newId(), text, at: this.server.now(), status: 'sending' };
    this.outgoing = [...this.outgoing, line];
    this.draft = '';
    this.#keep();
    void this.#sendNext();
  }

  /** Takes a refused line away; its text goes back to where it can be changed, if nothing else is written there. */
  takeBack(id: string): void {
    const line = this.outgoing.find((one) => one.id === id);
    if (!line || line.status !== 'refused') return;
    this.outgoing = this.outgoing.filter((one) => one.id !== id);
    if (!this.draft) this.draft = line.text;
    this.#keep();
  }

  /** Everything that is here was in sight. */
  markRead(): void {
    if (this.newest <= this.read) return;
    this.read = this.newest;
    this.#keep();
  }

  discard(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    removeStored(this.#key);
  }

  async #follow(): Promise<void> {
    // What is under way by a socket that breaks fails before the next one is there.
    if (this.#following || this.#ended) return;
    this.#following = true;
    try {
      await this.server.ask({ do: 'chat-follow', contact: this.contact, after: this.newest });
      this.loaded = true;
    } catch (error) {
      // A broken socket comes back by itself and resumes; what the server could not do now is asked for again.
      if (codeOf(error) === 'unavailable') this.#again();
    } finally {
      this.#following = false;
    }
  }

  /** One line after the other, so that they stand in the order in which they were written. */
  async #sendNext(): Promise<void> {
    if (this.#sending || this.#ended) return;
    this.#sending = true;
    try {
      for (;;) {
        const line = this.outgoing.find((one) => one.status === 'sending');
        if (!line || this.#ended) return;
        try {
          await this.server.ask({ do: 'chat-send', contact: this.contact, message: line.id, text: line.text });
          this.#set(line.id, { status: 'sent' });
        } catch (error) {
          const code = codeOf(error);
          if (passing.has(code)) {
            if (code === 'unavailable') this.#again();
            return;
          }
          this.#set(line.id, { status: 'refused', reason: code });
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#follow();
      void this.#sendNext();
    }, backoff(this.#attempt++));
  }

  #set(id: string, change: Partial<Outgoing>): void {
    this.outgoing = this.outgoing.map((line) => (line.id === id ? { ...line, ...change } : line));
    this.#keep();
  }

  #keep(): void {
    if (this.#ended) return;
    const unsent = this.outgoing
      .filter((line) => line.status === 'sending')
      .map(({ id, text, at }) => ({ id, text, at }));
    const stored: Stored = { draft: this.draft, unsent, read: this.read, at: this.server.now() };
    writeStored(this.#key, stored);
  }
}

/** The chats of one agent, by contact. */
export class Chats {
  #chats = new Map<string, Chat>();

  constructor(
    private readonly agent: string,
    private readonly server: Server,
  ) {
    // Of everybody who has used this browser: they may never come back to it.
    for (const key of storedKeys('chat.')) {
      const stored = readStored(key) as Stored | undefined;
      if (!stored || Date.now() - stored.at > keptFor) removeStored(key);
    }
  }

  /** The chat of a contact; one that is new here is followed at once. */
  of(contact: string): Chat {
    let chat = this.#chats.get(contact);
    if (!chat) {
      chat = new Chat(contact, this.agent, this.server);
      this.#chats.set(contact, chat);
      chat.resume();
    }
    return chat;
  }

  receive({ contact, lines }: ChatLines): void {
    this.#chats.get(contact)?.receive(lines ?? []);
  }

  /** The socket is new: everything goes on where it was. */
  resumeAll(): void {
    for (const chat of this.#chats.values()) chat.resume();
  }

  discard(contact: string): void {
    this.#chats.get(contact)?.discard();
    this.#chats.delete(contact);
  }
}

/** A UUID (version 4). crypto.randomUUID is there only over https and on the machine itself. */
export function newId(): string {
  if ('randomUUID' in crypto) return crypto.randomUUID();
  const bytes = (crypto as Crypto).getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
