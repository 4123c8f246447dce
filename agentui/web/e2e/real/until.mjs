// Waiting for what other processes do: by asking again until it is so, within a generous limit.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

/** Waits until condition gives something true, and returns it; fails with what was waited for after limit milliseconds. */
export async function until(what, condition, limit = 20_000) {
  const end = Date.now() + limit;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > end) assert.fail(`not within ${limit / 1000} s: ${what}`);
    await pause(50);
  }
}
