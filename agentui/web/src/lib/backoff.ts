import type { Millis } from './protocol';

const first: Millis = 500;
const longest: Millis = 8000;

/**
 * How long to wait before try number attempt (from 0) to reach the server again: doubling up to eight seconds, and a
 * random part of it, so that a desk full of consoles does not come back in the same instant.
 */
export function backoff(attempt: number, random: number = Math.random()): Millis {
  const ceiling = Math.min(longest, first * 2 ** attempt);
  return Math.round(ceiling * (0.5 + random / 2));
}
