import { backoff } from './backoff';
import { makeId } from './id';
import {
  closeCode,
  maxText,
  type Desk,
  type Leave,
  type Line,
  type Message,
  type Phase,
  type RefusalCode,
  type Request,
} from './protocol';
import type { Store } from './stored';

/**
 * - connecting: the first attempt is under way.
 * - open: what is shown is the server's.
 * - lost: it was open; attempts go on.
 * - outdated: the server speaks another version; the page has to be loaded again.
 * - elsewhere: the chat is open in too many other tabs.
 * - no-topic: the page around names a topic that does not exist.
 */
export type Status = 'connecting' | 'open' | 'lost' | 'outdated' | 'elsewhere' | 'no-topic';

/** A text of the visitor's that is not among the server's lines yet. */
export interface Pending {
  id: string;
  text: string;
  /** The server has it; its line is on the way. */
  safe: boolean;
}

/** What the chat needs of a WebSocket. */
export interface Socket {
  readyState: number;
  send(text: string): void;
  close(): void;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<string>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

const openState = 1; // WebSocket.OPEN

/** An answer later than this means that the connection is dead, though nobody has said so yet (a network changed). */
const answerWithin = 12_000;
/** How long to wait before a line is sent again that the server could not take. */
const againAfter: Partial<Record<RefusalCode, number>> = { unavailable: 2000, 'too-fast': 4000 };

/**
 * One visitor's chat: the lines that the server has, those that it has not acknowledged, and the socket, which comes
 * back by itself. What is not acknowledged is sent again under the same id after every break, and so is there once.
 */
export class Chat {
  status = $state<Status>('connecting');
  desk = $state.raw<Desk | undefined>();
  name = $state('');
  languages = $state.raw<string[]>([]);
  lines = $state.raw<Line[]>([]);
  pending = $state.raw<Pending[]>([]);
  /** Where the chat stands; undefined before its first message. */
  phase = $state<Phase | undefined>();
  /** What the visitor is writing, for the chat or to be left. */
  draft = $state('');
  /** Why a text was not sent; it is in the draft again. */
  returned = $state<RefusalCode | undefined>();
  /** The number of the ticket that a text became. */
  ticket = $state('');
  leaving = $state(false);
  /** Why the text could not be left. */
  leaveError = $state<RefusalCode | undefined>();

  #token = '';
  /** The token of a chat that is over, which the next one goes on with. */
  #follows = '';
  #started = false;
  /** The server may be sent to: it has said all that was missed. */
  #ready = false;
  #socket: Socket | undefined;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #again = new Map<string, ReturnType<typeof setTimeout>>();
  #leave: Leave | undefined;
  #stopped = false;

  language = $state('');

  constructor(
    readonly topic: string,
    language: string,
    private readonly store: Store,
    private readonly dial: () => Socket,
  ) {
    const kept = store.read();
    this.language = kept?.language ?? language;
    if (kept) {
      this.#token = kept.token;
      this.#follows = kept.follows ?? '';
      this.#started = true;
      this.pending = kept.pending.map(({ id, text }) => ({ id, text, safe: false }));
    }
  }

  start(): void {
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#discard();
  }

  /** Tries at once instead of when its turn comes. */
  retryNow(): void {
    if (this.#stopped || this.#socket || (this.status !== 'connecting' && this.status !== 'lost')) return;
    clearTimeout(this.#retryTimer);
    this.#open();
  }

  /** Sends the draft, if it can be sent. */
  send(): void {
    const text = this.draft;
    if (text.trim() === '' || [...text].length > maxText || this.phase === 'ended') return;
    this.draft = '';
    this.returned = undefined;
    const line = { id: makeId(), text, safe: false };
    this.pending = [...this.pending, line];
    this.#started = true;
    this.#keep();
    this.#sendLine(line);
  }

  /** Ends the chat. */
  end(): void {
    if (this.phase) this.#ask({ end: {} });
  }

  /** Leaves the draft, which becomes a ticket. Tried again, it is still the same one. */
  leave(name: string, address: string): void {
    const text = this.draft;
    const same = this.#leave?.text === text && this.#leave.name === name && this.#leave.address === address;
    this.#leave = { id: same && this.#leave ? this.#leave.id : makeId(), text, name, address };
    this.leaving = true;
    this.leaveError = undefined;
    this.#ask({ leave: this.#leave });
  }

  /** Begins anew: a chat that goes on with the one that is over, if there was one. */
  reset(language = this.language): void {
    this.language = language;
    if (this.phase === 'ended' && this.#started) this.#follows = this.#token;
    this.#forget();
    this.pending = [];
    this.ticket = '';
    this.returned = undefined;
    clearTimeout(this.#retryTimer);
    this.#discard();
    this.#keep();
    this.#open();
  }

  /** There is no chat, or it is over and forgotten: what was not acknowledged opens a new one. */
  #anew(): void {
    const unsent = this.pending.filter((line) => !line.safe);
    if (this.#token && this.lines.length > 0) this.#follows = this.#token;
    if (unsent.length === 0 && this.lines.length > 0) {
      this.phase = 'ended'; // it stays to be read
    } else {
      this.#forget();
    }
    this.pending = unsent;
    this.#started = unsent.length > 0;
  }

  #forget(): void {
    this.#token = '';
    this.#started = false;
    this.lines = [];
    this.phase = undefined;
  }

  /** Keeps what a reload needs. */
  #keep(): void {
    const pending = this.pending.filter((line) => !line.safe).map(({ id, text }) => ({ id, text }));
    const follows = this.#follows ? { follows: this.#follows } : {};
    this.store.write(this.#started ? { token: this.#token, ...follows, language: this.language, pending } : undefined);
  }

  #open(): void {
    const socket = this.dial();
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      const message = JSON.parse(event.data) as Message;
      this.#receive(message);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#closed(event.code);
    };
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      const resume = this.#started && this.#token ? { resume: this.#token, after: this.lines.at(-1)?.sequence ?? 0 } : {};
      const follows = this.#follows ? { follows: this.#follows } : {};
      socket.send(JSON.stringify({ hello: { topic: this.topic, language: this.language, ...resume, ...follows } } satisfies Request));
      this.#expect();
    };
  }

  #receive(message: Message): void {
    if (message.welcome) {
      this.#heard();
      this.#attempt = 0;
      this.status = 'open';
      this.name = message.welcome.name;
      this.language = message.welcome.language;
      this.languages = message.welcome.languages;
      if (!message.welcome.resumed) this.#anew();
      this.#token = message.welcome.token;
      this.#keep();
      if (!message.welcome.resumed) this.#flush();
    }
    if (message.desk) this.desk = message.desk;
    if (message.lines) this.#add(message.lines);
    if (message.state) {
      this.phase = message.state;
      if (!this.#ready) this.#flush();
    }
    if (message.ack) {
      const { id } = message.ack;
      this.#heard();
      this.pending = this.pending
        .map((line) => (line.id === id ? { ...line, safe: true } : line))
        .filter((line) => !this.lines.some((shown) => shown.id === line.id));
      this.#keep();
      if (this.pending.some((line) => !line.safe)) this.#expect();
    }
    if (message.left && message.left.id === this.#leave?.id) {
      this.#heard();
      this.#leave = undefined;
      this.leaving = false;
      this.ticket = message.left.ticket;
      this.draft = '';
      this.returned = undefined;
    }
    if (message.refused) this.#refused(message.refused.code, message.refused.id);
  }

  #add(lines: Line[]): void {
    const last = this.lines.at(-1)?.sequence ?? 0;
    const further = lines.filter((line) => line.sequence > last);
    this.lines = [...this.lines, ...further];
    this.pending = this.pending.filter((line) => !further.some((shown) => shown.id === line.id));
    this.#keep();
  }

  #refused(code: RefusalCode, id: string): void {
    this.#heard();
    if (id === this.#leave?.id) {
      this.leaving = false;
      this.leaveError = code;
      return;
    }
    const line = this.pending.find((pending) => pending.id === id);
    const wait = againAfter[code];
    if (!line) return;
    if (wait !== undefined) {
      clearTimeout(this.#again.get(id));
      this.#again.set(
        id,
        setTimeout(() => {
          this.#again.delete(id);
          const still = this.pending.find((pending) => pending.id === id && !pending.safe);
          if (still && this.#ready) this.#sendLine(still);
        }, wait),
      );
      return;
    }
    // Nothing that somebody wrote is thrown away: it goes back to where it can be changed.
    this.pending = this.pending.filter((pending) => pending.id !== id);
    this.#started = this.#started && (this.lines.length > 0 || this.pending.length > 0);
    this.draft = this.draft === '' ? line.text : `${line.text}\n${this.draft}`;
    this.returned = code;
    this.#keep();
  }

  /** Sends whatever the server has not acknowledged. */
  #flush(): void {
    this.#ready = true;
    for (const line of this.pending) {
      if (!line.safe) this.#sendLine(line);
    }
    if (this.leaving && this.#leave) this.#ask({ leave: this.#leave });
  }

  #sendLine(line: Pending): void {
    this.#ask({ send: { id: line.id, text: line.text } });
  }

  #ask(request: Request): void {
    if (!this.#ready || this.#socket?.readyState !== openState) return;
    this.#socket.send(JSON.stringify(request));
    if (request.send || request.leave) this.#expect();
  }

  /** An answer is expected from now on. */
  #expect(): void {
    this.#deadline ??= setTimeout(() => this.#lose(), answerWithin);
  }

  #heard(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #closed(code: number): void {
    if (code === closeCode.wrongProtocol) this.#finish('outdated');
    else if (code === closeCode.noTopic) this.#finish('no-topic');
    else if (code === closeCode.elsewhere) this.#finish('elsewhere');
    else this.#lose();
  }

  #finish(status: Status): void {
    this.#discard();
    this.status = status;
  }

  #lose(): void {
    this.#discard();
    if (this.status === 'open') this.status = 'lost';
    if (!this.#stopped) this.#retryTimer = setTimeout(() => this.#open(), backoff(this.#attempt++));
  }

  #discard(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#ready = false;
    this.#heard();
    for (const timer of this.#again.values()) clearTimeout(timer);
    this.#again.clear();
    socket?.close();
  }
}
