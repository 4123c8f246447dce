import { expect, test } from 'vitest';
import { backoff } from './backoff';

test('waits double up to eight seconds, and pages do not come back all at once', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => backoff(attempt, 1))).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
  expect(backoff(4, 0)).toBe(4000);
});
