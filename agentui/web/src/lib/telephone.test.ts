import { beforeEach, expect, test, vi } from 'vitest';
import { RequestError } from './connection.svelte';
import type { Caller, OngoingCard, Request } from './protocol';
import { isRecording, Telephone } from './telephone.svelte';

let asked: Request[];
let refusal: RequestError | undefined;
let canTalk: boolean;
let telephone: Telephone;
beforeEach(() => {
  asked = [];
  refusal = undefined;
  canTalk = true;
  const ask = (request: Request) => {
    asked.push(request);
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  };
  telephone = new Telephone({ ask, tell: (request) => ask(request).then(() => true), canTalk: () => Promise.resolve(canTalk) });
});

const outgoing = { contact: 'c', outgoing: true } as OngoingCard;

test('a number that nobody vouches for is called after a second look alone', async () => {
  refusal = new RequestError('unconfirmed');
  expect(await telephone.call({ number: '070-174 06 99' }, 'staff', false)).toBe('unconfirmed');
  expect([telephone.failure, telephone.expects(outgoing)]).toEqual([undefined, false]);
  refusal = undefined;
  expect(await telephone.call({ number: '070-174 06 99' }, 'staff', true)).toBe('done');
  expect(asked).toEqual([
    { do: 'call', number: '070-174 06 99', line: 'staff' },
    { do: 'call', number: '070-174 06 99', line: 'staff', confirmed: true },
  ]);
});

test('a call-back to a number that nobody vouches for waits for a yes, and nothing is dialled by a no', async () => {
  const caller = { kind: 'unknown', number: '+46701740699', verification: 'none' } as Caller;
  refusal = new RequestError('unconfirmed');
  const refused = telephone.callBack({ do: 'dial', contact: 'c' }, caller);
  await vi.waitFor(() => expect(telephone.confirming?.caller).toBe(caller));
  telephone.confirming?.answer(false);
  expect(await refused).toBe(false);
  const wanted = telephone.callBack({ do: 'accept', offer: 7 }, caller);
  await vi.waitFor(() => expect(telephone.confirming?.request).toEqual({ do: 'accept', offer: 7 }));
  refusal = undefined;
  telephone.confirming?.answer(true);
  expect(await wanted).toBe(true);
  expect(telephone.confirming).toBeUndefined();
  expect(asked).toEqual([
    { do: 'dial', contact: 'c' },
    { do: 'accept', offer: 7 },
    { do: 'accept', offer: 7, confirmed: true },
  ]);
});

test('a call-back to a number that is vouched for asks nothing, and another refusal is told', async () => {
  const caller = { kind: 'known', verification: 'none' } as Caller;
  expect(await telephone.callBack({ do: 'dial', contact: 'c' }, caller)).toBe(true);
  refusal = new RequestError('dial-limit');
  await expect(telephone.callBack({ do: 'dial', contact: 'c' }, caller)).rejects.toBe(refusal);
  expect(telephone.confirming).toBeUndefined();
});

test('the call that was asked for here is known once, and no other one', async () => {
  await telephone.call({ person: 'p' }, 'staff', false);
  expect(telephone.expects({ contact: 'd' } as OngoingCard)).toBe(false);
  expect([telephone.expects(outgoing), telephone.expects(outgoing)]).toEqual([true, false]);
});

test('what is refused is said beside it', async () => {
  refusal = new RequestError('not-allowed');
  expect(await telephone.call({ person: 'p' }, 'staff', false)).toBe('failed');
  expect(telephone.failure).toBe('not-allowed');
  telephone.open({ name: '', number: '' });
  expect(telephone.failure).toBeUndefined();
});

test('nobody is called who could not be talked to', async () => {
  canTalk = false;
  expect(await telephone.call({ person: 'p' }, 'staff', false)).toBe('failed');
  expect(asked).toEqual([]);
});

test('the recording is paused while it is on, and goes on when it is paused; else the key does nothing', async () => {
  for (const recording of ['begun', 'paused', 'resumed', 'ended', 'declined', undefined] as const) {
    await telephone.toggleRecording({ contact: 'c', recording } as OngoingCard);
  }
  expect(asked).toEqual([
    { do: 'recording', contact: 'c' },
    { do: 'recording', contact: 'c', on: true },
    { do: 'recording', contact: 'c' },
  ]);
  expect([isRecording('begun'), isRecording('paused'), isRecording(undefined)]).toEqual([true, false, false]);
});
