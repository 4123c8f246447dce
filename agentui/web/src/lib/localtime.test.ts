import { expect, test } from 'vitest';
import { addDays, dateOf, instantOf } from './localtime';

test.each([
  ['winter', '2026-11-28T09:30', '2026-11-28T08:30:00Z'],
  ['summer', '2026-07-01T09:30', '2026-07-01T07:30:00Z'],
  ['before summer time', '2026-03-29T01:59', '2026-03-29T00:59:00Z'],
  ['after its beginning', '2026-03-29T03:00', '2026-03-29T01:00:00Z'],
  ['after its end', '2026-10-25T03:00', '2026-10-25T02:00:00Z'],
  ['New Year', '2027-01-01T00:00', '2026-12-31T23:00:00Z'],
])('a time of the desk is a moment: %s', (_name, local, utc) => expect(instantOf(local)).toBe(Date.parse(utc)));

test('what is no time is none', () => expect([instantOf(''), instantOf('soon')]).toEqual([undefined, undefined]));

test('days are those of the desk, and of the calendar', () => {
  expect(dateOf(Date.parse('2026-11-27T23:30:00Z'))).toBe('2026-11-28');
  expect(addDays('2026-03-01', -1)).toBe('2026-02-28');
  expect(addDays('2026-10-24', 2)).toBe('2026-10-26');
});
