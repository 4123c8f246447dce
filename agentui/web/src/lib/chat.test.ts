import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Chats, newId, type Chat, type Server } from './chat.svelte';
import type { ChatLine, Request } from './protocol';
import { stubStorage } from './storage.fake';

type Send = Extract<Request, { do: 'chat-send' }>;

/** A server that keeps lines once by their id; the network in front of it can be cut, before or after a line is kept. */
class Stream implements Server {
  lines: ChatLine[] = [];
  asked: Request[] = [];
  cut: '' | 'before' | 'after' = '';
  refuse = '';
  chats: Chats | undefined;
  #ids = 0;

  async ask(request: Request): Promise<void> {
    this.asked.push(request);
    await Promise.resolve();
    if (this.cut === 'before') throw { code: 'disconnected' };
    if (request.do === 'chat-follow') {
      this.chats?.receive({ contact: request.contact, lines: this.lines.filter((line) => line.sequence > request.after) });
    }
    if (request.do === 'chat-send') {
      if (this.refuse) throw { code: this.refuse };
      this.keep(request);
      if (this.cut === 'after') throw { code: 'timed-out' };
    }
  }
  keep({ contact, message, text }: Send): void {
    if (this.lines.some((line) => line.id === message)) return;
    const line = this.#line({ id: message, from: 'agent', text });
    this.chats?.receive({ contact, lines: [line] });
  }
  say(text: string, contact = 'c1'): void {
    const line = this.#line({ id: `user-${text}`, from: 'caller', text });
    if (!this.cut) this.chats?.receive({ contact, lines: [line] });
  }
  #line(line: Pick<ChatLine, 'id' | 'from' | 'text'>): ChatLine {
    const kept: ChatLine = { ...line, sequence: (this.lines.at(-1)?.sequence ?? 0) + 3, kind: 'text', at: 1 };
    this.lines.push(kept);
    return kept;
  }
  now = () => Date.now();
  newId = () => `id-${++this.#ids}`;
}

const texts = (chat: Chat) => chat.lines.map((line) => line.text);

let stream: Stream;
let chats: Chats;
function open(): Chat {
  chats = new Chats('anna', stream);
  stream.chats = chats;
  return chats.of('c1');
}
async function write(chat: Chat, text: string): Promise<void> {
  chat.write(text);
  chat.send();
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  stubStorage();
  vi.useFakeTimers();
  stream = new Stream();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a chat', () => {
  test('shows a line as sending until the stream has it', async () => {
    const chat = open();
    await vi.advanceTimersByTimeAsync(0);
    chat.write('  Hej!  ');
    chat.send();
    expect(chat.outgoing).toMatchObject([{ text: 'Hej!', status: 'sending' }]);
    expect(chat.draft).toBe('');
    await vi.advanceTimersByTimeAsync(0);
    expect(chat.outgoing).toEqual([]);
    expect(texts(chat)).toEqual(['Hej!']);
  });

  test('goes on after a break without a gap and without a double', async () => {
    // chatwoot#14934
    const chat = open();
    stream.say('ett');
    stream.cut = 'after';
    await write(chat, 'två');
    stream.cut = 'before';
    await write(chat, 'tre');
    stream.say('fyra');
    expect(chat.outgoing.map(({ text, status }) => [text, status])).toEqual([['tre', 'sending']]);

    stream.cut = '';
    chats.resumeAll();
    await vi.advanceTimersByTimeAsync(0);
    expect(texts(chat)).toEqual(['ett', 'två', 'fyra', 'tre']);
    expect(chat.outgoing).toEqual([]);
    expect(stream.lines.map((line) => line.text)).toEqual(['ett', 'två', 'fyra', 'tre']);
  });

  test('sends the same id again when nobody knows whether a line arrived', async () => {
    const chat = open();
    stream.chats = undefined;
    stream.cut = 'after';
    await write(chat, 'Hej');
    stream.cut = '';
    stream.chats = chats;
    chats.resumeAll();
    await vi.advanceTimersByTimeAsync(0);
    const sent = stream.asked.filter((request) => request.do === 'chat-send') as Send[];
    expect(sent.map(({ message }) => message)).toEqual(['id-1', 'id-1']);
    expect(texts(chat)).toEqual(['Hej']);
  });

  test('keeps what was written over a reload, and its order', async () => {
    stream.cut = 'before';
    const before = open();
    await write(before, 'ett');
    await write(before, 'två');
    before.write('halv');

    stream.cut = '';
    const after = open();
    expect(after.draft).toBe('halv');
    await vi.advanceTimersByTimeAsync(0);
    expect(texts(after)).toEqual(['ett', 'två']);
  });

  test('asks only for what it does not have', async () => {
    const chat = open();
    await vi.advanceTimersByTimeAsync(0);
    stream.say('ett');
    stream.say('två');
    chats.resumeAll();
    await vi.advanceTimersByTimeAsync(0);
    expect(stream.asked.filter((request) => request.do === 'chat-follow').map(({ after }) => after)).toEqual([0, 6]);
    expect(texts(chat)).toEqual(['ett', 'två']);
  });

  test('tries again by itself while the server cannot reach the stream', async () => {
    const chat = open();
    await vi.advanceTimersByTimeAsync(0);
    stream.refuse = 'unavailable';
    await write(chat, 'Hej');
    expect(chat.outgoing).toMatchObject([{ status: 'sending' }]);
    stream.refuse = '';
    await vi.advanceTimersByTimeAsync(10_000);
    expect(texts(chat)).toEqual(['Hej']);
  });

  test('says when a line was refused, and gives its text back', async () => {
    const chat = open();
    stream.refuse = 'not-yours';
    await write(chat, 'För sent');
    expect(chat.outgoing).toMatchObject([{ status: 'refused', reason: 'not-yours' }]);
    chats.resumeAll();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stream.asked.filter((request) => request.do === 'chat-send')).toHaveLength(1);
    chat.takeBack('id-1');
    expect(chat.outgoing).toEqual([]);
    expect(chat.draft).toBe('För sent');
  });

  test('counts what the user wrote and nobody has seen, over a reload too', async () => {
    const chat = open();
    stream.say('ett');
    await write(chat, 'svar');
    expect(chat.unread).toBe(1);
    chat.markRead();
    expect(chat.unread).toBe(0);
    stream.say('två');
    const again = open();
    await vi.advanceTimersByTimeAsync(0);
    expect(again.unread).toBe(1);
  });

  test('is forgotten here when the agent has it no more', async () => {
    const chat = open();
    stream.cut = 'before';
    await write(chat, 'hemligt');
    chats.discard('c1');
    stream.cut = '';
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stream.lines).toEqual([]);
    expect(open().outgoing).toEqual([]);
  });
});

test('ids are UUIDs, also where the browser makes none', () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(newId()).toMatch(shape);
  const { getRandomValues } = crypto;
  vi.stubGlobal('crypto', { getRandomValues: getRandomValues.bind(crypto) });
  const ids = [newId(), newId()];
  for (const id of ids) expect(id).toMatch(shape);
  expect(ids[0]).not.toBe(ids[1]);
});
