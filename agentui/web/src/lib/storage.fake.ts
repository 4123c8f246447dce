import { vi } from 'vitest';

/** Puts a localStorage in place that lives as long as the test; undone by vi.unstubAllGlobals. */
export function stubStorage(): void {
  const kept = new Map<string, string>();
  // Keys are properties of a real Storage; the getter keeps Object.keys honest.
  vi.stubGlobal('localStorage', new Proxy({} as Record<string, unknown>, {
    get: (_target, name: string) =>
      ({
        getItem: (key: string) => kept.get(key) ?? null,
        setItem: (key: string, value: string) => kept.set(key, value),
        removeItem: (key: string) => kept.delete(key),
      })[name],
    ownKeys: () => [...kept.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  }));
}
