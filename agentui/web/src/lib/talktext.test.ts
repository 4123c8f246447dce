import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sendsWithin, TalkText, TalkTexts } from './talktext.svelte';

class FakeChannel {
  readyState: RTCDataChannelState = 'open';
  onopen: unknown;
  onclose: unknown;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  sent: string[] = [];
  send(text: string): void {
    this.sent.push(text);
  }
}

let channel: FakeChannel;
let text: TalkText;
beforeEach(() => {
  vi.useFakeTimers();
  channel = new FakeChannel();
  text = new TalkText();
  text.use(channel);
});
afterEach(() => vi.useRealTimers());

test('what is typed goes out together, at latest after its time', () => {
  expect(sendsWithin).toBeLessThanOrEqual(300);
  text.type('H');
  text.type('He');
  text.type('Hej');
  expect(channel.sent).toEqual([]);
  vi.advanceTimersByTime(sendsWithin);
  text.type('He');
  vi.advanceTimersByTime(sendsWithin);
  expect(channel.sent).toEqual(['Hej', '\b']);
});

test('a line that is ended goes out at once, and stands among those of both', () => {
  text.type('Hej');
  text.endLine();
  text.endLine();
  vi.advanceTimersByTime(10 * sendsWithin);
  text.type('du');
  vi.advanceTimersByTime(sendsWithin);
  expect(channel.sent).toEqual(['Hej', '\u2028', 'du']);
  expect(text.written).toEqual({ lines: [{ from: 'mine', text: 'Hej' }], open: { theirs: '', mine: 'du' } });
});

test('what was typed without a connection goes out over the next one, once', () => {
  channel.readyState = 'closed';
  text.changed();
  expect(text.open).toBe(false);
  text.type('Hej');
  vi.advanceTimersByTime(sendsWithin);
  expect(channel.sent).toEqual([]);
  const next = new FakeChannel();
  text.use(next);
  text.changed();
  expect([text.open, next.sent]).toEqual([true, ['Hej']]);
});

test('calls have their own texts, which are forgotten with them', () => {
  const texts = new TalkTexts();
  texts.attach(41, channel as unknown as RTCDataChannel);
  channel.onmessage?.({ data: new ArrayBuffer(3) });
  expect(texts.heard).toBeUndefined();
  channel.onmessage?.({ data: 'Hej' });
  expect([texts.heard, texts.of(41).written.open.theirs, texts.of(42).written.open.theirs]).toEqual([41, 'Hej', '']);
  texts.keepOnly(new Set([42]));
  expect([texts.heard, texts.of(41).written.open.theirs]).toEqual([undefined, '']);
});
