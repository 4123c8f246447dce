const first = 500;
const longest = 8000;

/**
 * How long to wait before try number attempt (from 0) to reach the server again, in milliseconds: doubling up to eight
 * seconds, and a random part of it, so that a school full of pages does not come back in the same instant.
 */
export function backoff(attempt: number, random: number = Math.random()): number {
  const ceiling = Math.min(longest, first * 2 ** attempt);
  return Math.round(ceiling * (0.5 + random / 2));
}
