import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RequestError, type Failure } from './connection.svelte';
import type { PeerHealth } from './peer';
import type { ConsoleState, OngoingCard, RingCard } from './protocol';
import { VoiceKeeper, type KeptVoice } from './voicekeeper';

/** A voice whose connections the test makes and breaks. */
class FakeVoice implements KeptVoice {
  elsewhere = new Set<number>();
  accepted = new Set<number>();
  state: PeerHealth | 'none' = 'none';
  health = () => this.state;
  isAccepted = (offer: number) => this.accepted.has(offer);
  given = (offer: number) => {
    this.elsewhere.delete(offer);
    this.accepted.add(offer);
  };
  letGo = (offer: number) => {
    this.accepted.delete(offer);
    this.elsewhere.add(offer);
  };
}

const call = { contact: 'c1', offer: 41, channel: 'voice', state: 'connected' } as OngoingCard;
const inCall = (state: OngoingCard['state'] = 'connected') => ({ contacts: [{ ...call, state }] }) as unknown as ConsoleState;
const ringing = { contacts: [], offer: { offer: 41, contact: 'c1', channel: 'voice' } as unknown as RingCard } as unknown as ConsoleState;
const nothing = { contacts: [] } as unknown as ConsoleState;

let voice: FakeVoice;
let asked: unknown[];
let refusal: Failure | undefined;
let online: boolean;
let keeper: VoiceKeeper;

beforeEach(() => {
  vi.useFakeTimers();
  voice = new FakeVoice();
  asked = [];
  refusal = undefined;
  online = true;
  keeper = new VoiceKeeper(voice, {
    ready: () => online,
    ask: (request) => {
      asked.push(request);
      return refusal ? Promise.reject(new RequestError(refusal)) : Promise.resolve();
    },
  });
});
afterEach(() => {
  keeper.stop();
  vi.useRealTimers();
});

const settle = (time = 0) => vi.advanceTimersByTimeAsync(time);
const once = [{ do: 'voice', contact: 'c1' }];

describe('a page that was loaded in mid-call', () => {
  test.each(['connected', 'held', 'dialling'] as const)('asks for the voice at once (%s)', async (state) => {
    keeper.follow(inCall(state), 0);
    await settle();
    expect(asked).toEqual(once);
    expect(voice.accepted.has(41)).toBe(true);
  });

  test('asks again when nothing comes of it', async () => {
    keeper.follow(inCall(), 0);
    await settle(7000);
    expect(asked).toHaveLength(1);
    await settle(1500);
    expect(asked).toHaveLength(2);
    voice.state = 'connected';
    keeper.consider();
    await settle(60_000);
    expect(asked).toHaveLength(2);
  });

  test('leaves a voice alone that lives in another window, however long', async () => {
    refusal = 'voice-elsewhere';
    keeper.follow(inCall(), 0);
    await settle();
    expect(voice.elsewhere.has(41)).toBe(true);
    keeper.follow(inCall(), 0);
    await settle(60_000);
    expect(asked).toHaveLength(1);
  });

  test('tries again, more and more seldom, while the node does not answer', async () => {
    refusal = 'unavailable';
    keeper.follow(inCall(), 0);
    await settle(60_000);
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(20);
    refusal = undefined;
    await settle(8000);
    expect(voice.accepted.has(41)).toBe(true);
  });

  test('waits for the server while there is no socket', async () => {
    online = false;
    keeper.follow(inCall(), 0);
    await settle(30_000);
    expect(asked).toEqual([]);
    online = true;
    keeper.follow(inCall(), 0);
    await settle();
    expect(asked).toEqual(once);
  });
});

describe('a call that was answered here', () => {
  beforeEach(() => {
    voice.accepted.add(41);
    voice.state = 'connected';
    keeper.follow(inCall(), 0);
  });

  test('is asked for nothing while it is heard', async () => {
    await settle(60_000);
    expect(asked).toEqual([]);
  });

  test('asks for a new voice when it is no longer heard', async () => {
    await settle(5000);
    voice.state = 'broken';
    keeper.consider();
    await settle();
    expect(asked).toEqual(once);
    voice.state = 'new';
    keeper.consider();
    await settle(5000);
    expect(asked).toHaveLength(1);
    voice.state = 'broken';
    keeper.consider();
    await settle();
    expect(asked).toHaveLength(2);
  });

  test('asks when the network has changed, though nothing seems broken, and once', async () => {
    keeper.networkChanged();
    await settle(30_000);
    expect(asked).toEqual(once);
  });

  test('keeps a change of network in mind until the server can be asked', async () => {
    online = false;
    keeper.networkChanged();
    await settle(30_000);
    expect(asked).toEqual([]);
    online = true;
    keeper.follow(inCall(), 0);
    await settle();
    expect(asked).toEqual(once);
  });

  test('is let go of when another window has it', async () => {
    await settle(5000);
    refusal = 'voice-elsewhere';
    voice.state = 'broken';
    keeper.consider();
    await settle(30_000);
    expect(asked).toHaveLength(1);
    expect(voice.accepted.has(41)).toBe(false);
  });

  test('asks for nothing after it is over', async () => {
    keeper.follow(nothing, 0);
    voice.state = 'broken';
    keeper.consider();
    keeper.networkChanged();
    await settle(30_000);
    expect(asked).toEqual([]);
  });
});

describe('what rings', () => {
  test('gets its voice by itself; a page loaded meanwhile asks for it, and does not speak', async () => {
    keeper.follow(ringing, 0);
    await settle(1000);
    expect(asked).toEqual([]);
    await settle(1000);
    expect(asked).toEqual(once);
    expect(voice.accepted.has(41)).toBe(false);
  });

  test.each([
    ['rang while there was no socket', () => keeper.follow(ringing, 0)],
    ['rang when the page was loaded', () => (keeper = new VoiceKeeper(voice, { ready: () => true, ask: async (request) => void asked.push(request) })).follow(ringing, 0)],
  ])('and %s is asked for at once', async (_when, begin) => {
    begin();
    keeper.reopened();
    await settle();
    expect(asked).toEqual(once);
  });

  test('is not asked for while it is being answered here', async () => {
    keeper.follow(inCall(), 41);
    await settle(5000);
    expect(asked).toEqual([]);
  });

  test('of a chat has no voice', async () => {
    const offer = { ...ringing.offer, channel: 'chat' } as RingCard;
    keeper.follow({ ...ringing, offer }, 0);
    keeper.follow({ contacts: [{ ...call, channel: 'chat' }] } as unknown as ConsoleState, 0);
    await settle(30_000);
    expect(asked).toEqual([]);
  });
});

describe('a call whose answer nobody here knows of, though its voice is bound here', () => {
  beforeEach(() => {
    keeper.follow(ringing, 0);
    voice.state = 'connected';
  });

  test('is heard here after a moment: the reply was lost, or the window that answered is gone', async () => {
    await settle(5000);
    keeper.follow(inCall(), 0);
    await settle(1000);
    expect(asked).toEqual([]); // the window that answered comes first
    await settle(1000);
    expect(asked).toEqual(once);
    expect(voice.accepted.has(41)).toBe(true);
    await settle(60_000);
    expect(asked).toHaveLength(1);
  });

  test('is left to the window that answered and took it', async () => {
    keeper.follow(inCall(), 0);
    await settle(1000);
    voice.letGo(41);
    await settle(60_000);
    expect(asked).toEqual([]);
  });

  test('is not asked for while it rings', async () => {
    await settle(60_000);
    expect(asked).toEqual([]);
  });
});

test.each(['done', 'refused'])('an answer about a call that is over concerns no other call (%s)', async (how) => {
  let answer: () => void = () => {};
  keeper = new VoiceKeeper(voice, {
    ready: () => true,
    ask: (request) => {
      asked.push(request);
      return new Promise((resolve, reject) => {
        answer = () => (how === 'done' ? resolve() : reject(new RequestError('voice-elsewhere')));
      });
    },
  });
  keeper.follow(inCall(), 0);
  keeper.follow({ contacts: [{ ...call, offer: 42, contact: 'c2' }] } as unknown as ConsoleState, 0);
  answer();
  await settle();
  expect([voice.accepted.has(41), voice.elsewhere.has(41)]).toEqual([false, false]);
  expect(asked).toEqual([...once, { do: 'voice', contact: 'c2' }]);
});

test('the agent takes the voice from another window', async () => {
  voice.elsewhere.add(41);
  keeper.follow(inCall(), 0);
  await keeper.take(41, 'c1');
  expect(asked).toEqual([{ do: 'voice', contact: 'c1', take: true }]);
  expect([voice.accepted.has(41), voice.elsewhere.has(41)]).toEqual([true, false]);
  refusal = 'wrong-state';
  await expect(keeper.take(41, 'c1')).rejects.toThrow('wrong-state');
});
