import { afterEach, expect, test, vi } from 'vitest';
import { makeId } from './id';

afterEach(() => vi.unstubAllGlobals());

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('ids are UUIDs, on pages without HTTPS too', () => {
  expect(makeId()).toMatch(form);
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
  const ids = new Set(Array.from({ length: 100 }, makeId));
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(form);
});
