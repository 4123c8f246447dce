import { backoff } from './backoff';
import {
  closeCode,
  protocolVersion,
  type ChatLines,
  type ConsoleState,
  type Hello,
  type Message,
  type RejectionCode,
  type Request,
  type VoiceSignal,
} from './protocol';
import { serverClock } from './clock.svelte';
import { newWindowId, windowId } from './consoleid';
import { currentSession } from './session';
import { callOf } from './shown';

/** Why a request was not done: a rejection, or the server could not be asked. */
export type Failure = RejectionCode | 'disconnected' | 'timed-out';

/** A request that was not done. */
export class RequestError extends Error {
  constructor(readonly code: Failure) {
    super(code);
  }
}

/**
 * - connecting: the first attempt is under way.
 * - open: the state is the server's.
 * - lost: it was open; attempts go on.
 * - signed-out: the server no longer knows us.
 * - outdated: the server speaks another version; the page has to be loaded again.
 */
export type Status = 'connecting' | 'open' | 'lost' | 'signed-out' | 'outdated';

/** A reply later than this means that the connection is dead, though nobody has said so yet (a lid closed, a network changed). */
const replyTimeout = 8000;
/** A socket that has brought nothing by then is given up: a browser would wait for minutes in a network that is gone. */
const opensWithin = 10_000;

interface Pending {
  resolve: () => void;
  reject: (error: RequestError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * The socket to the server: it keeps the newest whole state, matches replies with requests, and comes back by itself.
 * Requests are never kept for later: an answer given to an offer of a minute ago would be wrong.
 */
export class Connection {
  status = $state<Status>('connecting');
  /** When the connection was lost, by the server's clock; 0 while it is not. */
  lostAt = $state(0);
  hello = $state.raw<Hello | undefined>();
  /** This window's name; empty until the first attempt to connect. */
  window = '';
  /** The last whole value from the server. */
  state = $state.raw<ConsoleState | undefined>();

  /** Called with each voice signal, each state and further lines of chats, in the order in which they came. */
  onSignal: (signal: VoiceSignal) => void = () => {};
  onState: (state: ConsoleState) => void = () => {};
  onChat: (lines: ChatLines) => void = () => {};
  /** Called after the first state of each new socket: requests can be made again. */
  onOpen: () => void = () => {};

  #socket: WebSocket | undefined;
  #pending = new Map<number, Pending>();
  #lastId = 0;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #openTimer: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;
  /** No state has come by this socket yet. */
  #fresh = false;

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.status = 'connecting';
    this.lostAt = 0;
    this.#attempt = 0;
    addEventListener('online', this.#networkChanged);
    void this.#begin();
  }

  async #begin(): Promise<void> {
    this.window ||= await windowId();
    if (!this.#stopped && !this.#socket) this.#open();
  }

  /** Closes the socket for good. */
  stop(): void {
    this.#stopped = true;
    removeEventListener('online', this.#networkChanged);
    clearTimeout(this.#retryTimer);
    this.#discardSocket();
    this.hello = undefined;
    this.state = undefined;
  }

  /** Tries at once instead of when its turn comes. */
  retryNow(): void {
    if (this.#stopped || this.#socket || !this.window) return;
    clearTimeout(this.#retryTimer);
    this.#open();
  }

  /** A socket of the network before may be dead without knowing it. In a call the voice is asked for by it, and that tells. */
  #networkChanged = (): void => {
    if (this.#socket && !callOf(this.state?.contacts ?? [])) this.#lose();
    this.retryNow();
  };

  /** Asks the server for something; resolves when it is done, throws a RequestError when it is not. */
  ask(request: Request): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN || this.status !== 'open') {
      return Promise.reject(new RequestError('disconnected'));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new RequestError('timed-out'));
        if (this.#socket === socket) this.#lose();
      }, replyTimeout);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, ...request }));
    });
  }

  #open(): void {
    const address = new URL(`/console/socket?protocol=${protocolVersion}&console=${this.window}`, location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#fresh = true;
    this.#openTimer = setTimeout(() => this.#lose(), opensWithin);
    socket.onmessage = (event: MessageEvent<string>) => {
      if (this.#socket === socket) this.#receive(JSON.parse(event.data) as Message);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#closed(event.code);
    };
  }

  #receive(message: Message): void {
    clearTimeout(this.#openTimer);
    if (message.hello) {
      this.hello = message.hello; // it comes again when the configuration is read anew
    } else if (message.state) {
      serverClock.sync(message.state.now);
      // The colleagues come when they have changed.
      message.state.colleagues ??= this.#fresh ? [] : (this.state?.colleagues ?? []);
      this.state = message.state;
      this.status = 'open';
      this.lostAt = 0;
      this.#attempt = 0;
      this.onState(message.state);
      if (this.#fresh) {
        this.#fresh = false;
        this.onOpen();
      }
    } else if (message.reply) {
      const pending = this.#pending.get(message.reply.id);
      if (!pending) return;
      this.#pending.delete(message.reply.id);
      clearTimeout(pending.timer);
      if (message.reply.error) pending.reject(new RequestError(message.reply.error));
      else pending.resolve();
    } else if (message.signal) {
      this.onSignal(message.signal);
    } else if (message.chat) {
      this.onChat(message.chat);
    }
  }

  #closed(code: number): void {
    if (code === closeCode.signedOut) this.#end('signed-out');
    else if (code === closeCode.wrongProtocol) this.#end('outdated');
    else if (code === closeCode.replaced) void this.#rename();
    else this.#lose();
  }

  /** Another window has connected by this one's name. */
  async #rename(): Promise<void> {
    this.#discardSocket();
    this.window = await newWindowId();
    if (!this.#stopped && !this.#socket) this.#open();
  }

  #end(status: Status): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#discardSocket();
    this.status = status;
  }

  #lose(): void {
    this.#discardSocket();
    if (this.state && this.status === 'open') {
      this.status = 'lost';
      this.lostAt = serverClock.read();
    }
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.#retry(), backoff(this.#attempt++));
  }

  async #retry(): Promise<void> {
    // A refused handshake looks like a broken one: only the session tells whether we are still known.
    try {
      if (!(await currentSession())) {
        if (!this.#stopped && !this.#socket) this.#end('signed-out');
        return;
      }
    } catch {
      // Not reachable either: the socket's turn.
    }
    if (!this.#stopped && !this.#socket) this.#open();
  }

  #discardSocket(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    clearTimeout(this.#openTimer);
    socket?.close();
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new RequestError('disconnected'));
    }
    this.#pending.clear();
  }
}

export const connection = new Connection();
