import { describe, expect, test } from 'vitest';
import { duration, languageName, phoneNumber, typedNumber, sameDay, secondsLeft, share, timeOfDay, when } from './format';

describe('duration', () => {
  test.each([
    [0, '0:00'],
    [7_999, '0:07'],
    [60_000, '1:00'],
    [725_000, '12:05'],
    [3_729_000, '1:02:09'],
    [-1, '0:00'],
  ])('%i ms is %s', (length, text) => expect(duration(length)).toBe(text));
});

test('a begun second of an offer counts as left', () => {
  expect(secondsLeft(10_000, 0)).toBe(10);
  expect(secondsLeft(10_000, 9_001)).toBe(1);
  expect(secondsLeft(10_000, 10_000)).toBe(0);
  expect(secondsLeft(10_000, 99_000)).toBe(0);
});

describe('times are those of Stockholm', () => {
  test('winter and summer', () => {
    expect(timeOfDay(Date.UTC(2026, 10, 24, 8, 41))).toBe('09:41');
    expect(timeOfDay(Date.UTC(2026, 6, 1, 7, 41))).toBe('09:41');
  });
  test('another day is named', () => {
    const now = Date.UTC(2026, 10, 24, 8, 41);
    expect(when(now, now, 'sv')).toBe('09:41');
    expect(when(now - 24 * 3_600_000, now, 'sv')).toBe('mån 23 nov. 09:41');
  });
  test('the day changes at midnight there', () => {
    const before = Date.UTC(2026, 10, 24, 22, 59);
    expect(sameDay(before, Date.UTC(2026, 10, 24, 23, 0))).toBe(false);
    expect(sameDay(before, Date.UTC(2026, 10, 23, 23, 0))).toBe(true);
  });
});

describe('phone numbers as people write them', () => {
  test.each([
    ['+46850800100', '08-508 001 00'],
    ['+46701740612', '070-174 06 12'],
    ['+4620000000', '020-00 00 00'],
    ['+46313900600', '031-390 06 00'],
    ['+46155123456', '0155-12 34 56'],
    ['+4790123456', '+4790123456'],
    ['anonymous', 'anonymous'],
    ['', ''],
  ])('%s is %s', (number, text) => expect(phoneNumber(number)).toBe(text));
});

test('a share of nothing is not a number', () => {
  expect(share(0, 0, 'sv')).toBe('–');
  expect(share(81, 97, 'en')).toBe('84%');
  expect(share(81, 97, 'sv')).toMatch(/^84\s%$/);
});

test('languages by name, what is no tag as it is', () => {
  expect(languageName('sv', 'sv')).toBe('Svenska');
  expect(languageName('sv', 'en')).toBe('Swedish');
  expect(languageName('?', 'sv')).toBe('?');
});

test('a number that is typed is read back in groups, whatever stands between its digits', () => {
  for (const typed of ['0701740699', '070-174 06 99', '+46 70 174 06 99', '0046701740699', ' (070) 1740699 ']) expect(typedNumber(typed)).toBe('070-174 06 99');
  expect(typedNumber('+47 22 12 34 56')).toBe('+4722123456');
  expect(typedNumber('112')).toBe('112');
  expect(typedNumber('')).toBe('');
});
