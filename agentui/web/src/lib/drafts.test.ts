import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Drafts, type Server } from './drafts.svelte';
import type { Request } from './protocol';
import { stubStorage } from './storage.fake';

/** A server that keeps notes, or cannot be reached. */
class Desk implements Server {
  notes: string[] = [];
  reachable = true;
  time = 1_000_000;
  ask(request: Request): Promise<void> {
    if (!this.reachable) return Promise.reject(new Error('disconnected'));
    if (request.do === 'note') this.notes.push(request.note);
    return Promise.resolve();
  }
  now = () => this.time;
}

beforeEach(() => {
  stubStorage();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a note', () => {
  test('goes to the server when the typing pauses', async () => {
    const desk = new Desk();
    const draft = new Drafts('anna', desk).of('c1', '');
    draft.write('Lås');
    await vi.advanceTimersByTimeAsync(500);
    draft.write('Låst konto');
    await vi.advanceTimersByTimeAsync(500);
    expect(desk.notes).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(desk.notes).toEqual(['Låst konto']);
    expect(draft.status).toBe('saved');
    expect(draft.savedAt).toBe(desk.time);
  });

  test('is kept here while the server is away, and sent when it is back', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    const draft = drafts.of('c1', '');
    desk.reachable = false;
    draft.write('Låst konto');
    expect(await draft.flush()).toBe(false);
    expect(draft.status).toBe('local');
    desk.reachable = true;
    drafts.flushAll();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.notes).toEqual(['Låst konto']);
    expect(draft.status).toBe('saved');
  });

  test('survives a reload that came before it was sent, outcome included', async () => {
    const desk = new Desk();
    desk.time = Date.now();
    desk.reachable = false;
    const first = new Drafts('anna', desk).of('c1', 'Låst');
    first.write('Låst konto');
    first.choose('solved');
    await first.flush();
    desk.reachable = true;
    const second = new Drafts('anna', desk).of('c1', 'Låst');
    expect(second.text).toBe('Låst konto');
    expect(second.code).toBe('solved');
    expect(await second.flush()).toBe(true);
    expect(desk.notes).toEqual(['Låst konto']);
  });

  test('that is written here is not overwritten by what the server had before', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    const draft = drafts.of('c1', '');
    drafts.adopt([{ contact: 'c1', note: 'from another window' }]);
    expect(draft.text).toBe('from another window');
    draft.write('here');
    await draft.flush();
    drafts.adopt([{ contact: 'c1', note: 'from another window' }]);
    expect(draft.text).toBe('here');
  });

  test('of another agent or of yesterday is not shown', async () => {
    const desk = new Desk();
    desk.time = Date.now() - 25 * 60 * 60 * 1000;
    desk.reachable = false;
    new Drafts('anna', desk).of('c1', '').write('yesterday');
    desk.time = Date.now();
    new Drafts('anna', desk).of('c2', '').write('today');
    expect(new Drafts('anna', desk).of('c1', '').text).toBe('');
    expect(new Drafts('anna', desk).of('c2', '').text).toBe('today');
    expect(new Drafts('bo', desk).of('c2', '').text).toBe('');
  });

  test('is forgotten here when the contact is finished', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    drafts.of('c1', '').write('done');
    drafts.discard('c1');
    await vi.advanceTimersByTimeAsync(5000);
    expect(desk.notes).toEqual([]);
    expect(new Drafts('anna', desk).of('c1', '').text).toBe('');
  });
});
