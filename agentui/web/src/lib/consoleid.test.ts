import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newWindowId, windowId } from './consoleid';

/** What two windows of one browser share, and what each has for itself. */
let held: Set<string>;
let kept: Map<string, string>;

/** Locks as navigator.locks has them, but for the time that somebody waits for one that is taken. */
const locks = {
  request: (name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<unknown>) => {
    expect(signal).toBeInstanceOf(AbortSignal);
    if (held.has(name)) return Promise.reject(new DOMException('', 'AbortError'));
    held.add(name);
    return hold();
  },
};

beforeEach(() => {
  held = new Set();
  kept = new Map();
  vi.stubGlobal('navigator', { locks });
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
});
afterEach(() => vi.unstubAllGlobals());

test('a window keeps its name over a reload', async () => {
  const first = await windowId();
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  held.clear(); // the page is gone, and with it what it held
  expect(await windowId()).toBe(first);
});

test('a duplicated tab takes a name of its own, and keeps that', async () => {
  const first = await windowId();
  const second = await windowId(); // with a copy of what the first kept, while that one lives
  expect(second).not.toBe(first);
  held.delete(`svar.console.${second}`);
  expect(await windowId()).toBe(second);
});

test('a name that the server gave away is replaced', async () => {
  const first = await windowId();
  const second = await newWindowId();
  expect(second).not.toBe(first);
  held.delete(`svar.console.${second}`);
  expect(await windowId()).toBe(second);
});

test('without locks, as on a page without https, there is a name all the same', async () => {
  vi.stubGlobal('navigator', {});
  expect(await windowId()).toBe(await windowId());
});
