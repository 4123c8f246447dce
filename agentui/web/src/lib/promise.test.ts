import { expect, test } from 'vitest';
import { residentsOf } from './impact';
import { promiseProblem, quickTimes } from './promise';

/** A moment by the clocks of Stockholm in winter. */
const at = (time: string, day = '2026-11-27') => Date.parse(`${day}T${time}:00+01:00`);

test('in an hour to whole five minutes, and the usual times that are not too near', () => {
  expect(quickTimes(at('12:41'))).toEqual([
    { kind: 'hour', at: at('13:45') },
    { kind: 'today', at: at('15:00') },
    { kind: 'today', at: at('17:00') },
    { kind: 'tomorrow', at: at('08:00', '2026-11-28') },
    { kind: 'tomorrow', at: at('10:00', '2026-11-28') },
    { kind: 'tomorrow', at: at('13:00', '2026-11-28') },
    { kind: 'tomorrow', at: at('15:00', '2026-11-28') },
    { kind: 'tomorrow', at: at('17:00', '2026-11-28') },
  ]);
  expect(quickTimes(at('12:30'))[1]).toEqual({ kind: 'today', at: at('13:00') });
  expect(quickTimes(at('21:00')).filter(({ kind }) => kind === 'today')).toEqual([]);
});

test('tomorrow is the next day of the calendar, when the clocks change too', () => {
  const tomorrow = quickTimes(Date.parse('2026-10-24T22:30:00+02:00')).find(({ kind }) => kind === 'tomorrow');
  expect(tomorrow?.at).toBe(Date.parse('2026-10-25T08:00:00+01:00'));
});

test.each([
  ['missing', undefined],
  ['past', at('12:00')],
  ['tooFar', at('12:01', '2026-12-27')],
  [undefined, at('12:01')],
  [undefined, at('12:00', '2026-12-27')],
])('a promise: %s', (problem, moment) => expect(promiseProblem(moment, at('12:00'))).toBe(problem));

test.each([
  ['', 0],
  [' 40 ', 40],
  ['1 200', 1200],
  ['1\u00a0000\u00a0000', 1_000_000],
  ['1000001', undefined],
  ['many', undefined],
  ['-4', undefined],
  ['3,5', undefined],
])('the number of residents %j is %s', (typed, residents) => expect(residentsOf(typed)).toBe(residents));
