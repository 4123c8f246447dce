import { expect, test } from 'vitest';
import { abandonedOf, intervalName, otherOf, sumOf } from './figures';
import type { FiguresRow } from './api';
import { fileSize } from './format';
import type { ChatLine } from './protocol';
import { placeOf } from './route.svelte';
import { proposedSubject } from './subject';

test('the address names the page, and nothing else is taken from it', () => {
  expect(placeOf('')).toEqual({ page: 'work' });
  expect(placeOf('#tickets')).toEqual({ page: 'tickets' });
  expect(placeOf('#tickets/SD-100240')).toEqual({ page: 'tickets', ticket: 'SD-100240' });
  expect(placeOf('#tickets/../../x')).toEqual({ page: 'tickets' });
  expect(placeOf('#tickets/<b>')).toEqual({ page: 'tickets' });
  expect(placeOf('#notices')).toEqual({ page: 'notices' });
  expect(placeOf('#talks')).toEqual({ page: 'talks' });
  expect(placeOf('#recordings')).toEqual({ page: 'recordings' });
  expect(placeOf('#recordings/SD-100240')).toEqual({ page: 'recordings', about: 'SD-100240' });
  expect(placeOf('#recordings/<b>')).toEqual({ page: 'recordings' });
  expect(placeOf('#elsewhere')).toEqual({ page: 'work' });
});

test('a ticket\'s subject is proposed from what there is', () => {
  const said = (text: string) => [{ from: 'system', kind: 'prompt', text: 'Välkommen' }, { from: 'caller', kind: 'text', text }] as ChatLine[];
  expect(proposedSubject('Fel i schemat', said('Hej'), 'not')).toBe('Fel i schemat');
  expect(proposedSubject(undefined, said('Hej'), '\n  Låst konto\nÖppnat')).toBe('Låst konto');
  expect(proposedSubject('', said('Kommer inte in\noch så'), '')).toBe('Kommer inte in');
  expect(proposedSubject(undefined, [], '')).toBe('');
  const long = proposedSubject('ord '.repeat(60), [], '');
  expect(long.length).toBeLessThanOrEqual(102);
  expect(long.endsWith('ord …')).toBe(true);
});

test('a file\'s size', () => {
  expect([fileSize(812, 'sv'), fileSize(2400, 'sv'), fileSize(184_320, 'sv'), fileSize(2_400_000, 'en')]).toEqual([
    '812 B', '2,4 kB', '184 kB', '2.4 MB',
  ]);
});

const row: FiguresRow = {
  start: '2026-11-28T08:00:00+01:00', channel: 'voice', line: 'staff', audience: 'staff',
  offered: 20, answered: 12, unreplied: 0, handedOver: 0, transfers: 0,
  abandoned: [{ stage: 'queue', count: 2, short: 1 }, { stage: 'ringing', count: 1, short: 0 }],
  calledBack: 1, outsideHours: 1, refused: 1, dropped: 1, open: 1,
  fromArrival: { n: 12, meanMs: 1, medianMs: 1, p90Ms: 1, maxMs: 1 },
  fromQueue: { n: 12, meanMs: 1, medianMs: 1, p90Ms: 1, maxMs: 1 },
  withinTarget: 10, answerable: 14,
};

test('a row of figures adds up, and so do rows', () => {
  expect(abandonedOf(row)).toEqual({ count: 3, short: 1 });
  expect(row.answered + abandonedOf(row).count + otherOf(row)).toBe(row.offered);
  const sum = sumOf([row, { ...row, abandoned: null }]);
  expect([sum.offered, sum.answered, sum.abandoned, sum.other, sum.within, sum.answerable, sum.open]).toEqual(
    [40, 24, 3, 10, 20, 28, 2],
  );
});

test('an interval has the name that its calendar gives it', () => {
  expect(intervalName(row.start, 'hour', 'sv')).toBe('lör 28 nov. 08:00');
  expect(intervalName(row.start, 'day', 'en')).toBe('Sat 28 Nov');
  expect(intervalName('2026-11-01T00:00:00+01:00', 'month', 'sv')).toBe('november 2026');
  expect(intervalName(row.start, 'total', 'sv')).toBe('');
});
