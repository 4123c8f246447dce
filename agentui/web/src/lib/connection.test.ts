import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Connection } from './connection.svelte';
import { serverClock } from './clock.svelte';
import type { OngoingCard } from './protocol';

vi.mock('./session', () => ({ currentSession: () => Promise.resolve({ account: 'anna' }) }));

/** A socket that opens, brings something and closes when the test says so. */
class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  closed = false;
  onmessage: (event: { data: string }) => void = () => {};
  onclose: (event: { code: number }) => void = () => {};
  constructor() {
    sockets.push(this);
  }
  close(): void {
    this.closed = true;
  }
  /** The server greets and tells its state. */
  brings(contacts: Partial<OngoingCard>[] = []): void {
    this.readyState = 1;
    for (const message of [{ hello: {} }, { state: { now: Date.now(), contacts } }]) this.onmessage({ data: JSON.stringify(message) });
  }
}

let sockets: FakeSocket[];
let online: () => void;
let connection: Connection;

beforeEach(async () => {
  sockets = [];
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('location', { href: 'https://desk.example/console/' });
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('addEventListener', (_name: string, listener: () => void) => (online = listener));
  vi.stubGlobal('removeEventListener', () => {});
  connection = new Connection();
  connection.start();
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  connection.stop();
  serverClock.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a socket that brings nothing is given up, and another one tried', async () => {
  expect(sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets).toHaveLength(2);
  sockets[1]?.brings();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sockets).toHaveLength(2);
  expect(connection.status).toBe('open');
});

test('another network has another socket at once: the old one may be dead and not know it', () => {
  sockets[0]?.brings();
  online();
  expect(sockets.map(({ closed }) => closed)).toEqual([true, false]);
  expect(connection.status).toBe('lost');
  sockets[1]?.brings();
  expect(connection.status).toBe('open');
});

test('in a call another network leaves the socket alone: asking for the voice tells whether it lives', () => {
  sockets[0]?.brings([{ channel: 'voice', state: 'held' }]);
  online();
  expect(sockets.map(({ closed }) => closed)).toEqual([false]);
});

test('a greeting that comes again, since the configuration was read anew, is no new socket', () => {
  const opened = vi.fn();
  connection.onOpen = opened;
  sockets[0]?.brings();
  sockets[0]?.brings();
  expect(opened).toHaveBeenCalledTimes(1);
  sockets[0]?.onclose({ code: 1006 });
  online();
  sockets[1]?.brings();
  expect(opened).toHaveBeenCalledTimes(2);
});

test('colleagues stay until the socket brings others', () => {
  const bring = (colleagues?: object[]) =>
    sockets[0]?.onmessage({ data: JSON.stringify({ state: { now: Date.now(), contacts: [], ...(colleagues && { colleagues }) } }) });
  sockets[0]?.brings();
  bring([{ agent: 'bo' }]);
  bring();
  expect(connection.state?.colleagues).toEqual([{ agent: 'bo' }]);
  bring([]);
  bring();
  expect(connection.state?.colleagues).toEqual([]);
});
