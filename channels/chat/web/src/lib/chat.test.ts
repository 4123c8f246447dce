import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import goldenMessages from '../../../testdata/messages.golden.json';
import goldenRequests from '../../../testdata/requests.golden.json';
import { Chat, type Socket } from './chat.svelte';
import type { Line, Message, Request } from './protocol';
import type { Kept, Store } from './stored';

/** A socket to a server that the test plays. */
class FakeSocket implements Socket {
  readyState = 0;
  sent: Request[] = [];
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Request);
  }

  close(): void {
    this.readyState = 3;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.({} as Event);
  }

  says(...messages: Message[]): void {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent<string>);
  }

  breaks(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code } as CloseEvent);
  }
}

class FakeStore implements Store {
  kept: Kept | undefined;
  read(): Kept | undefined {
    return this.kept;
  }
  write(kept: Kept | undefined): void {
    this.kept = kept;
  }
}

const store = new FakeStore();
let sockets: FakeSocket[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  store.kept = undefined;
  sockets = [];
});
afterEach(() => vi.useRealTimers());

function newChat(): Chat {
  const chat = new Chat('chat-staff', 'sv', store, () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  });
  chat.start();
  return chat;
}

function newest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('there is no socket');
  return socket;
}

function welcome(resumed: boolean, token = 'token-1'): Message {
  return { welcome: { token, resumed, name: 'Medarbetare', language: 'sv', languages: ['sv', 'en'] } };
}

function lineOf(sequence: number, id: string, text: string, from: Line['from'] = 'caller'): Line {
  return { sequence, id, from, kind: 'text', text, at: sequence };
}

/** A chat on an open socket, welcomed for the first time. */
function begun(): Chat {
  const chat = newChat();
  newest().opens();
  newest().says(welcome(false), { desk: { open: true, notices: [] } });
  return chat;
}

function write(chat: Chat, text: string): string {
  chat.draft = text;
  chat.send();
  const line = chat.pending.at(-1);
  if (!line) throw new Error('nothing waits');
  return line.id;
}

function sends(socket: FakeSocket): string[] {
  return socket.sent.flatMap((request) => (request.send ? [request.send.text] : []));
}

test('says hello with its topic, and keeps nothing before the first message', () => {
  const chat = begun();
  expect(newest().sent).toEqual([{ hello: { topic: 'chat-staff', language: 'sv' } }]);
  expect(chat.status).toBe('open');
  expect(chat.name).toBe('Medarbetare');
  expect(store.kept).toBeUndefined();
});

test('a text waits until it is acknowledged and its line is there', () => {
  const chat = begun();
  const id = write(chat, 'Hej');
  expect(chat.draft).toBe('');
  expect(store.kept).toEqual({ token: 'token-1', language: 'sv', pending: [{ id, text: 'Hej' }] });
  newest().says({ state: 'waiting' }, { ack: { id, sequence: 4 } });
  expect(chat.pending).toEqual([{ id, text: 'Hej', safe: true }]);
  expect(store.kept?.pending).toEqual([]);
  newest().says({ lines: [lineOf(4, id, 'Hej')] });
  expect(chat.pending).toEqual([]);
  expect(chat.lines.map((line) => line.text)).toEqual(['Hej']);
  expect(chat.phase).toBe('waiting');
});

// chatwoot#14934, chatwoot#995
test('after a cut it resumes behind what it has, and sends again only what is not safe', () => {
  const chat = begun();
  const safe = write(chat, 'ett');
  newest().says({ state: 'waiting' }, { ack: { id: safe, sequence: 4 } }, { lines: [lineOf(4, safe, 'ett')] });
  const kept = write(chat, 'två'); // the server keeps it, but the page does not hear so
  const lost = write(chat, 'tre');
  newest().breaks();
  expect(chat.status).toBe('lost');
  const offline = write(chat, 'fyra');
  vi.advanceTimersByTime(500);
  newest().opens();
  expect(newest().sent).toEqual([{ hello: { topic: 'chat-staff', language: 'sv', resume: 'token-1', after: 4 } }]);
  newest().says(welcome(true), { lines: [lineOf(5, 'x', 'svar', 'agent'), lineOf(6, kept, 'två')] });
  expect(sends(newest())).toEqual([]); // not before all that was missed is there
  newest().says({ state: 'joined' });
  expect(sends(newest())).toEqual(['tre', 'fyra']);
  newest().says(
    { lines: [lineOf(6, kept, 'två')] }, // a line that it has
    { ack: { id: lost, sequence: 7 } },
    { lines: [lineOf(7, lost, 'tre'), lineOf(8, offline, 'fyra')] },
    { ack: { id: offline, sequence: 8 } },
  );
  expect(chat.lines.map((line) => line.text)).toEqual(['ett', 'svar', 'två', 'tre', 'fyra']);
  expect(chat.pending).toEqual([]);
});

test('after a reload it has the token and what was not safe', () => {
  const first = begun();
  const id = write(first, 'Hej');
  first.stop();
  const chat = newChat();
  newest().opens();
  expect(newest().sent[0]?.hello).toEqual({ topic: 'chat-staff', language: 'sv', resume: 'token-1', after: 0 });
  newest().says(welcome(true), { state: 'waiting' });
  expect(newest().sent[1]).toEqual({ send: { id, text: 'Hej' } });
  expect(chat.pending).toHaveLength(1);
});

test('a chat that the server has forgotten is begun anew with what was not safe', () => {
  store.kept = { token: 'old', language: 'sv', pending: [{ id: 'a', text: 'Hallå?' }] };
  const chat = newChat();
  newest().opens();
  newest().says(welcome(false, 'token-2'));
  expect(newest().sent[1]).toEqual({ send: { id: 'a', text: 'Hallå?' } });
  expect(store.kept).toEqual({ token: 'token-2', language: 'sv', pending: [{ id: 'a', text: 'Hallå?' }] });
  expect(chat.lines).toEqual([]);
});

test('a chat that ended meanwhile stays to be read', () => {
  const chat = begun();
  const id = write(chat, 'Hej');
  newest().says({ state: 'waiting' }, { ack: { id, sequence: 4 } }, { lines: [lineOf(4, id, 'Hej')] });
  newest().breaks();
  vi.advanceTimersByTime(500);
  newest().opens();
  newest().says(welcome(false, 'token-2'));
  expect(chat.phase).toBe('ended');
  expect(chat.lines).toHaveLength(1);
  expect(store.kept).toBeUndefined();
  chat.reset();
  newest().opens();
  expect(newest().sent[0]?.hello?.follows).toBe('token-1');
});

test('the language that was chosen outlives a reload', () => {
  store.kept = { token: 't', language: 'en', pending: [] };
  newChat();
  newest().opens();
  expect(newest().sent[0]?.hello?.language).toBe('en');
});

test('what the server cannot take now is sent again by itself', () => {
  const chat = begun();
  const id = write(chat, 'Hej');
  newest().says({ refused: { code: 'unavailable', id } });
  expect(sends(newest())).toEqual(['Hej']);
  vi.advanceTimersByTime(2000);
  expect(sends(newest())).toEqual(['Hej', 'Hej']);
  newest().says({ refused: { code: 'too-fast', id } });
  vi.advanceTimersByTime(4000);
  expect(sends(newest())).toEqual(['Hej', 'Hej', 'Hej']);
  newest().says({ ack: { id, sequence: 4 } });
  expect(chat.pending[0]?.safe).toBe(true);
});

// RocketChat#20899
test('a text that cannot be sent is given back, and can be left', () => {
  const chat = begun();
  const id = write(chat, 'Skrivaren är trasig');
  chat.draft = 'och nätet';
  newest().says({ refused: { code: 'closed', id } });
  expect(chat.draft).toBe('Skrivaren är trasig\noch nätet');
  expect(chat.returned).toBe('closed');
  expect(chat.pending).toEqual([]);
  expect(store.kept).toBeUndefined();

  chat.leave('Kim', 'kim@');
  const first = newest().sent.at(-1)?.leave;
  expect(first).toEqual({ id: first?.id, text: chat.draft, name: 'Kim', address: 'kim@' });
  newest().says({ refused: { code: 'invalid-address', id: first?.id ?? '' } });
  expect(chat.leaveError).toBe('invalid-address');
  chat.leave('Kim', 'kim@example.com');
  const second = newest().sent.at(-1)?.leave;
  expect(second?.id).not.toBe(first?.id); // another text, another ticket
  newest().breaks();
  vi.advanceTimersByTime(500);
  newest().opens();
  newest().says(welcome(false));
  expect(newest().sent.at(-1)?.leave).toEqual(second); // the same text, the same ticket
  newest().says({ left: { id: second?.id ?? '', ticket: 'SD-100234' } });
  expect(chat.ticket).toBe('SD-100234');
  expect(chat.leaving).toBe(false);
  expect(chat.draft).toBe('');
});

test('a connection that does not answer is given up', () => {
  const chat = begun();
  write(chat, 'Hej');
  vi.advanceTimersByTime(12_000);
  expect(chat.status).toBe('lost');
  vi.advanceTimersByTime(8000);
  expect(sockets).toHaveLength(2);
});

test('it tries again less and less often, and at once when the network is back', () => {
  const chat = newChat();
  for (let tries = 1; tries < 8; tries++) {
    newest().breaks();
    vi.advanceTimersByTime(8000);
    expect(sockets).toHaveLength(tries + 1);
  }
  newest().breaks();
  chat.retryNow();
  chat.retryNow();
  expect(sockets).toHaveLength(9);
});

test('some ends are for good', () => {
  const outdated = newChat();
  newest().breaks(4400);
  expect(outdated.status).toBe('outdated');
  const nowhere = newChat();
  newest().breaks(4404);
  expect(nowhere.status).toBe('no-topic');
  const third = newChat();
  newest().breaks(4409);
  expect(third.status).toBe('elsewhere');
  outdated.retryNow();
  vi.advanceTimersByTime(60_000);
  expect(sockets).toHaveLength(3);
});

test('after the end nothing is sent until a new one is begun', () => {
  const chat = begun();
  const id = write(chat, 'Hej');
  newest().says({ state: 'waiting' }, { ack: { id, sequence: 4 } }, { lines: [lineOf(4, id, 'Hej')] });
  chat.end();
  expect(newest().sent.at(-1)).toEqual({ end: {} });
  newest().says({ state: 'ended' });
  chat.draft = 'Hej igen';
  chat.send();
  expect(chat.pending).toEqual([]);
  chat.reset();
  newest().opens();
  expect(newest().sent).toEqual([{ hello: { topic: 'chat-staff', language: 'sv', follows: 'token-1' } }]);
  expect(chat.lines).toEqual([]);
  expect(store.kept).toBeUndefined();
  expect(chat.draft).toBe('Hej igen');
  newest().says(welcome(false, 'token-2'));
  chat.send();
  newest().breaks();
  newChat(); // a reload before the server has the first text
  newest().opens();
  expect(newest().sent[0]?.hello).toEqual({ topic: 'chat-staff', language: 'sv', resume: 'token-2', after: 0, follows: 'token-1' });
});

test('texts are counted in characters, not in halves of them', () => {
  const chat = begun();
  chat.draft = '\u{1F600}'.repeat(4001);
  chat.send();
  expect(chat.pending).toEqual([]);
  chat.draft = '\u{1F600}'.repeat(4000);
  chat.send();
  expect(chat.pending).toHaveLength(1);
});

test('the messages of the server, as its own golden file has them, are understood', () => {
  const chat = begun();
  newest().says(...(goldenMessages as Message[]));
  expect(chat.name).toBe('Medarbetare');
  expect(chat.desk?.notices[0]?.text).toBe('Nätet är nere');
  expect(chat.lines.map((line) => line.kind)).toEqual(['text', 'joined']);
  expect(chat.phase).toBe('ended');
});

test('what is sent has the form of the golden file', () => {
  const forms = new Set((goldenRequests as Request[]).map(form));
  store.kept = { token: 't', language: 'sv', pending: [{ id: 'a', text: 'Hej' }] };
  const chat = newChat();
  newest().opens();
  newest().says(welcome(true), { state: 'waiting' });
  chat.end();
  chat.draft = 'x';
  chat.leave('', '');
  for (const request of newest().sent) expect(forms).toContain(form(request));
});

/** The names in a request, without what they hold. Empty fields may be left out. */
function form(request: Request): string {
  return Object.entries(request)
    .map(([name, value]) => `${name}:${Object.entries(value as object).filter(([, field]) => field !== '').map(([field]) => field)}`)
    .join();
}
