import { beforeEach, expect, test } from 'vitest';
import type { OngoingCard, Request } from './protocol';
import { Sending } from './sending.svelte';

const call = { contact: 'c', channel: 'voice', state: 'held' } as OngoingCard;
const asking = { ...call, consult: { agent: 'bo', name: 'Bo', state: 'asked', since: 1 } } as OngoingCard;

let log: (Request | string)[];
let refuse: boolean;
let sending: Sending;
beforeEach(() => {
  log = [];
  refuse = false;
  sending = new Sending({
    ask: (request) => {
      log.push(request);
      return Promise.resolve(!refuse);
    },
    saved: ({ contact }) => Promise.resolve(log.push(`saved ${contact}`)),
    colleagueNotFree: () => log.push('not free'),
  });
});

test('what was noted is on the server before the contact leaves', async () => {
  expect(await sending.send(call, { group: 'platform' }, false)).toBe(true);
  expect(await sending.promise(call, 5000, true)).toBe(true);
  expect(await sending.promise(call, 5000, false)).toBe(true);
  expect(log).toEqual([
    'saved c',
    { do: 'transfer', contact: 'c', to: { group: 'platform' } },
    'saved c',
    { do: 'callback', contact: 'c', at: 5000, mine: true },
    'saved c',
    { do: 'callback', contact: 'c', at: 5000 },
  ]);
});

test('that nobody is free is said of the colleague who was asked for', async () => {
  refuse = true;
  expect(await sending.send(call, { agent: 'bo' }, true)).toBe(false);
  expect(log.at(-1)).toBe('not free');
  expect(sending.busy).toBeUndefined();
});

test('nothing is asked for twice', async () => {
  const [first, second] = await Promise.all([sending.endConsult('c'), sending.endConsult('c')]);
  expect([first, second]).toEqual([true, false]);
  expect(log).toHaveLength(1);
});

test('a colleague who is gone is news, but not to who has ended the question himself', async () => {
  expect(sending.lostConsult(asking, call)).toBe('consultGone');
  expect(sending.lostConsult(asking, asking)).toBeUndefined();
  expect(sending.lostConsult(call, call)).toBeUndefined();

  await sending.endConsult('c');
  expect(sending.lostConsult(asking, call)).toBeUndefined();
  expect(sending.lostConsult(asking, call), 'the next question is another one').toBe('consultGone');

  refuse = true;
  await sending.complete('c');
  expect(sending.lostConsult(asking, call), 'it was refused, so it is not over').toBe('consultGone');
});

test('a colleague who hangs up after talking has answered; a call that is over leaves nobody on hold', () => {
  const talking = { ...call, consult: { agent: 'bo', name: 'Bo', state: 'talking', since: 1 } } as OngoingCard;
  expect(sending.lostConsult(talking, call)).toBe('consultLeft');
  const over = { ...call, state: 'wrap-up' } as OngoingCard;
  expect(sending.lostConsult(asking, over)).toBeUndefined();
  expect(sending.lostConsult(talking, over)).toBeUndefined();
});
