import { describe, expect, test } from 'vitest';
import { en } from './messages/en';
import { sv } from './messages/sv';
import type { CallbackCard, Channel, ColleagueCard, LineInfo, QueueRow } from './protocol';
import {
  callbackOrder,
  colleagueOrder,
  expectedMinutes,
  groupRows,
  keepingOrder,
  keptFor,
  matching,
  needsWords,
  nextStep,
  pathsAsked,
  pathsOf,
} from './queueing';

const now = 1_000_000;
const names: Record<string, string> = { platform: 'Lärplattformen', english: 'Engelska', staff: 'Medarbetare' };
const nameOf = (id: string) => names[id] ?? id;
const rowOf = (row: Partial<QueueRow>): QueueRow => ({ needs: [], arrived: now - 60_000, ...row }) as QueueRow;

describe('what is needed', () => {
  test('in words: the lowest level is not said, nobody special is anyone', () => {
    expect(needsWords([{ skill: 'platform', level: 3 }, { skill: 'english', level: 1 }], nameOf, sv)).toBe('Lärplattformen nivå 3, Engelska');
    expect(needsWords([], nameOf, sv)).toBe('vem som helst');
    expect(needsWords(null, nameOf, en)).toBe('anyone');
    expect(needsWords([{ skill: 'new', level: 1 }], nameOf, sv)).toBe('new');
  });
  test('and what will be needed next', () => {
    expect(nextStep(rowOf({ relaxesAt: now + 20_000 }), now, nameOf, sv)).toBe('om 0:20: vem som helst');
    expect(nextStep(rowOf({ relaxesAt: now + 75_000, relaxesTo: [{ skill: 'staff', level: 1 }] }), now, nameOf, en)).toBe('in 1:15: Medarbetare');
    expect(nextStep(rowOf({ relaxesAt: now - 1 }), now, nameOf, sv)).toBe('strax: vem som helst');
    expect(nextStep(rowOf({}), now, nameOf, sv)).toBe('');
  });
});

test('for whom somebody is kept, as long as that lasts', () => {
  expect(keptFor(rowOf({ prefer: 'bo', preferUntil: now + 48_000 }), now, () => 'Bo Lind', sv)).toBe('väntar på Bo Lind i 0:48');
  expect(keptFor(rowOf({ prefer: 'bo' }), now, () => 'Bo Lind', sv)).toBe('väntar på Bo Lind');
  expect(keptFor(rowOf({ prefer: 'bo', preferUntil: now }), now, () => 'Bo Lind', sv)).toBe('');
  expect(keptFor(rowOf({}), now, () => 'Bo Lind', sv)).toBe('');
});

test.each([[0, 0], [59_999, 0], [60_000, 1], [60_001, 2], [22 * 60_000, 22]])(
  'an expected wait of %d ms is said as %d minutes: never shorter than it is',
  (expected, minutes) => expect(expectedMinutes(expected)).toBe(minutes),
);

describe('the groups', () => {
  const groups = ['staff', 'platform', 'english', 'unused'].map((id) => ({ id, name: null }));
  const need = (...skills: string[]) => skills.map((skill) => ({ skill, level: 1 }));
  const agents = [
    { agent: 'a', state: 'ready', groups: ['staff', 'platform'] },
    { agent: 'b', state: 'busy', groups: ['staff'] },
    { agent: 'c', state: 'ready', groups: null },
  ] as ColleagueCard[];
  test('say who waits for each, and who could serve; a contact counts in each group that it needs', () => {
    const queue = [
      rowOf({ needs: need('platform', 'staff'), arrived: 500, expectedUntil: 9000 }),
      rowOf({ needs: need('staff'), arrived: 300, expectedUntil: 4000 }),
      rowOf({ needs: need('english'), arrived: 700 }),
      rowOf({ needs: [] }),
    ];
    expect(groupRows(groups, queue, agents)).toEqual([
      { group: 'staff', waiting: 2, longest: 300, expectedUntil: 9000, ready: 1, agents: 2 },
      { group: 'platform', waiting: 1, longest: 500, expectedUntil: 9000, ready: 1, agents: 1 },
      { group: 'english', waiting: 1, longest: 700, expectedUntil: undefined, ready: 0, agents: 0 },
    ]);
  });
});

test('call-backs: mine first, then by when they are due, those without a time last', () => {
  const card = (contact: string, extra: Partial<CallbackCard>) => ({ contact, arrived: 1, ...extra }) as CallbackCard;
  const cards = [
    card('no time, later', { arrived: 9 }),
    card('no time', {}),
    card('due', { dueAt: 50, for: 'bo' }),
    card('mine, later', { dueAt: 90, for: 'anna' }),
    card('mine', { dueAt: 60, for: 'anna' }),
  ];
  expect(callbackOrder(cards, 'anna').map(({ contact }) => contact)).toEqual(['mine', 'mine, later', 'due', 'no time', 'no time, later']);
  expect(callbackOrder([card('a', { for: undefined as never }), card('b', { dueAt: 1 })], undefined).map(({ contact }) => contact)).toEqual(['b', 'a']);
});

test('contact paths are those of the lines; all of them together are named by none', () => {
  const lines = ['voice', 'voice', 'chat', 'mail'].map((channel) => ({ channel })) as LineInfo[];
  const all = pathsOf(lines);
  expect(all).toEqual(['voice', 'chat', 'mail']);
  expect(pathsAsked(['mail', 'chat'], all)).toEqual(['chat', 'mail']);
  expect(pathsAsked(['mail', 'chat', 'voice'], all)).toEqual([]);
  expect(pathsAsked(['mail', 'form' as Channel], all)).toEqual(['mail']);
});

test('whom to send to: who is ready first, never oneself, found by name or group', () => {
  const colleagues = [
    { agent: 'ida', name: 'Ida', state: 'paused' },
    { agent: 'eva', name: 'Eva', state: 'busy' },
    { agent: 'bo', name: 'Bo', state: 'ready' },
    { agent: 'anna', name: 'Anna', state: 'ready' },
    { agent: 'asa', name: 'Åsa', state: 'ready' },
  ] as ColleagueCard[];
  const order = colleagueOrder(colleagues, 'anna');
  expect(order.map(({ agent }) => agent)).toEqual(['bo', 'asa', 'eva', 'ida']);
  const text = ({ name }: ColleagueCard) => `${name} Lärplattformen`;
  expect(matching(order, 'ås PLATT', text).map(({ agent }) => agent)).toEqual(['asa']);
  expect(matching(order, ' ', text)).toHaveLength(4);
  expect(matching(order, 'nobody', text)).toEqual([]);
});

test('a list that is open keeps its order, whatever becomes of the colleagues', () => {
  const of = (agent: string, state: string) => ({ agent, state }) as ColleagueCard;
  const now = [of('ida', 'ready'), of('nils', 'ready'), of('bo', 'busy'), of('asa', 'away')];
  expect(keepingOrder(now, ['asa', 'bo', 'ida']).map(({ agent }) => agent)).toEqual(['asa', 'bo', 'ida', 'nils']);
});
