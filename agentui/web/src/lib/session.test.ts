import { afterEach, expect, test, vi } from 'vitest';
import { currentSession } from './session';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test('asking for the session is given up when the network is gone, so that the next attempt comes', async () => {
  const limit = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
  vi.stubGlobal('fetch', (_address: string, { signal }: RequestInit) => {
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const asked = currentSession();
  limit.abort(new DOMException('', 'TimeoutError'));
  await expect(asked).rejects.toThrow();
});
