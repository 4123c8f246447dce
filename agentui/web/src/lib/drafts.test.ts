import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RequestError, type Failure } from './connection.svelte';
import { Drafts, type Server } from './drafts.svelte';
import type { Request } from './protocol';
import { stubStorage } from './storage.fake';
import { storedKeys } from './stored';

/** A server that keeps notes, or cannot be reached. */
class Desk implements Server {
  notes: string[] = [];
  /** Outcome and ticket of each choice, as "code/ticket". */
  choices: string[] = [];
  reachable = true;
  /** What it says to a choice. */
  refuses: Failure | undefined;
  refusals: Failure[] = [];
  time = 1_000_000;
  ask(request: Request): Promise<void> {
    if (!this.reachable) return Promise.reject(new RequestError('disconnected'));
    if (request.do === 'note') this.notes.push(request.note);
    if (request.do === 'outcome') {
      if (this.refuses) return Promise.reject(new RequestError(this.refuses));
      this.choices.push(`${request.code ?? ''}/${request.ticket ?? ''}`);
    }
    return Promise.resolve();
  }
  now = () => this.time;
  refused = (code: Failure) => void this.refusals.push(code);
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
    const draft = new Drafts('anna', desk).of('c1', {});
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
    const draft = drafts.of('c1', {});
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
    const first = new Drafts('anna', desk).of('c1', { note: 'Låst' });
    first.write('Låst konto');
    first.choose('solved');
    await first.flush();
    desk.reachable = true;
    const second = new Drafts('anna', desk).of('c1', { note: 'Låst' });
    expect(second.text).toBe('Låst konto');
    expect(second.code).toBe('solved');
    expect(await second.flush()).toBe(true);
    expect(desk.notes).toEqual(['Låst konto']);
  });

  test('that is written here is not overwritten by what the server had before', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    const draft = drafts.of('c1', {});
    drafts.adopt([{ contact: 'c1', note: 'from another window' }]);
    expect(draft.text).toBe('from another window');
    draft.write('here');
    await draft.flush();
    drafts.adopt([{ contact: 'c1', note: 'from another window' }]);
    expect(draft.text).toBe('here');
  });

  test('that another window wrote later is shown here too, and the next key here does not undo it', async () => {
    const drafts = new Drafts('anna', new Desk());
    const draft = drafts.of('c1', {});
    draft.write('here');
    await draft.flush();
    drafts.adopt([{ contact: 'c1', note: 'here' }]);
    drafts.adopt([{ contact: 'c1', note: 'here, and there' }]);
    expect(draft.text).toBe('here, and there');
    draft.write('here, and there, and here');
    drafts.adopt([{ contact: 'c1', note: 'elsewhere' }]);
    expect(draft.text).toBe('here, and there, and here');
  });

  test('does not jump back when the server shows late what was sent before', async () => {
    const drafts = new Drafts('anna', new Desk());
    const draft = drafts.of('c1', {});
    draft.write('a');
    await draft.flush();
    draft.write('ab');
    await draft.flush();
    for (const note of ['', 'a', 'ab']) {
      drafts.adopt([{ contact: 'c1', note }]);
      expect(draft.text).toBe('ab');
    }
  });

  test('that the server has is not kept in the browser', async () => {
    const desk = new Desk();
    const draft = new Drafts('anna', desk).of('c1', {});
    desk.reachable = false;
    draft.write('Låst konto');
    await draft.flush();
    expect(storedKeys('note.')).toHaveLength(1);
    desk.reachable = true;
    await draft.flush();
    expect(storedKeys('note.')).toEqual([]);
  });

  test('of yesterday leaves the browser whoever signs in', () => {
    const desk = new Desk();
    desk.time = Date.now() - 25 * 60 * 60 * 1000;
    desk.reachable = false;
    new Drafts('anna', desk).of('c1', {}).write('yesterday');
    new Drafts('bo', desk);
    expect(storedKeys('note.')).toEqual([]);
  });

  test('of another agent or of yesterday is not shown', async () => {
    const desk = new Desk();
    desk.time = Date.now() - 25 * 60 * 60 * 1000;
    desk.reachable = false;
    new Drafts('anna', desk).of('c1', {}).write('yesterday');
    desk.time = Date.now();
    new Drafts('anna', desk).of('c2', {}).write('today');
    expect(new Drafts('anna', desk).of('c1', {}).text).toBe('');
    expect(new Drafts('anna', desk).of('c2', {}).text).toBe('today');
    expect(new Drafts('bo', desk).of('c2', {}).text).toBe('');
  });

  test('is forgotten here when the contact is finished', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    drafts.of('c1', {}).write('done');
    drafts.discard('c1');
    await vi.advanceTimersByTimeAsync(5000);
    expect(desk.notes).toEqual([]);
    expect(new Drafts('anna', desk).of('c1', {}).text).toBe('');
  });
});

describe('outcome and ticket', () => {
  test('go to the server at once, together', async () => {
    const desk = new Desk();
    const draft = new Drafts('anna', desk).of('c1', {});
    draft.choose('solved');
    await vi.advanceTimersByTimeAsync(0);
    draft.link('SD-1');
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.choices).toEqual(['solved/', 'solved/SD-1']);
    expect(draft.status).toBe('saved');
  });

  test('are the server\'s, as another window chose them', () => {
    const drafts = new Drafts('anna', new Desk());
    const draft = drafts.of('c1', { code: 'solved', chosenTicket: 'SD-1' });
    expect([draft.code, draft.ticket]).toEqual(['solved', 'SD-1']);
    drafts.adopt([{ contact: 'c1', code: 'passed-on' }]);
    expect([draft.code, draft.ticket]).toEqual(['passed-on', '']);
  });

  test('chosen here do not jump back while the server still says what was before', async () => {
    const desk = new Desk();
    const drafts = new Drafts('anna', desk);
    const draft = drafts.of('c1', { code: 'passed-on' });
    draft.choose('solved');
    drafts.adopt([{ contact: 'c1', code: 'passed-on' }]);
    expect(draft.code).toBe('solved');
    await vi.advanceTimersByTimeAsync(0);
    drafts.adopt([{ contact: 'c1', code: 'passed-on' }]);
    expect(draft.code).toBe('solved');
    drafts.adopt([{ contact: 'c1', code: 'solved' }]);
    drafts.adopt([{ contact: 'c1', code: 'wrong-number' }]);
    expect(draft.code).toBe('wrong-number');
  });

  test('that are refused are not chosen, and it is said; the note goes on', async () => {
    const desk = new Desk();
    desk.refuses = 'unknown-outcome';
    const draft = new Drafts('anna', desk).of('c1', { code: 'passed-on' });
    draft.write('Låst konto');
    draft.choose('gone');
    await vi.advanceTimersByTimeAsync(0);
    expect(draft.code).toBe('passed-on');
    expect(desk.refusals).toEqual(['unknown-outcome']);
    expect(desk.notes).toEqual(['Låst konto']);
    expect(await draft.flush()).toBe(true);
  });

  test('that were chosen while the server was away are sent after a reload', async () => {
    const desk = new Desk();
    desk.time = Date.now();
    desk.reachable = false;
    const before = new Drafts('anna', desk).of('c1', {});
    before.choose('solved');
    before.link('SD-1');
    await vi.advanceTimersByTimeAsync(0);
    expect(before.status).toBe('local');
    desk.reachable = true;
    const drafts = new Drafts('anna', desk);
    const draft = drafts.of('c1', {});
    expect([draft.code, draft.ticket]).toEqual(['solved', 'SD-1']);
    drafts.flushAll();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.choices).toEqual(['solved/SD-1']);
  });

  test('that the server has are not kept in the browser', async () => {
    const desk = new Desk();
    desk.time = Date.now();
    new Drafts('anna', desk).of('c1', {}).choose('solved');
    await vi.advanceTimersByTimeAsync(0);
    expect(new Drafts('anna', desk).of('c1', {}).code).toBe('');
  });
});
