import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AnswerDraft, AnswerDrafts } from './answers.svelte';
import { ApiError, query, type Entry, type Ticket } from './api';
import { sv } from './messages/sv';
import { stubStorage } from './storage.fake';
import { failureWords, newestExchange, TicketView, type TicketServer } from './ticketing.svelte';

const entry = (id: number, kind: Entry['kind']): Entry => ({ id, kind, at: id, text: `${id}` });

class Desk implements TicketServer {
  entries: Entry[] = [entry(1, 'from-user')];
  failing: unknown;
  added: unknown[] = [];
  read = (): Promise<Ticket> => {
    if (this.failing) return Promise.reject(this.failing);
    return Promise.resolve({ number: 'SD-1', entries: [...this.entries] } as unknown as Ticket);
  };
  add = (_number: string, added: object): Promise<void> => {
    if (this.failing) return Promise.reject(this.failing);
    this.added.push(added);
    this.entries.push(entry(this.entries.length + 1, 'answer'));
    return Promise.resolve();
  };
  setStatus = () => Promise.resolve();
}

beforeEach(stubStorage);
afterEach(() => void vi.unstubAllGlobals());

describe('an answer', () => {
  test('goes out with the contact that it answers, and its draft is gone', async () => {
    const desk = new Desk();
    const view = new TicketView('SD-1', desk);
    await view.load();
    const draft = new AnswerDraft('anna', 'SD-1');
    draft.write(' Klart. ', newestExchange(view.ticket!));
    expect(await view.answer(draft, 'c1')).toBe('sent');
    expect(desk.added).toEqual([{ kind: 'answer', text: 'Klart.', contact: 'c1' }]);
    expect(draft.text).toBe('');
    expect(view.ticket?.entries).toHaveLength(2);
  });

  test('stops once when something came that its writer has not seen', async () => {
    // chatwoot#14934: a warning on a stale reply.
    const desk = new Desk();
    const view = new TicketView('SD-1', desk);
    await view.load();
    const draft = new AnswerDraft('anna', 'SD-1');
    draft.write('Har du provat?', newestExchange(view.ticket!));
    desk.entries.push(entry(2, 'from-user'));
    expect(await view.answer(draft, undefined)).toBe('stale');
    expect(desk.added).toEqual([]);
    expect(view.ticket?.entries).toHaveLength(2);
    expect(await view.answer(draft, undefined)).toBe('sent');
  });

  test('is not held up by notes and changes of status', async () => {
    const desk = new Desk();
    const view = new TicketView('SD-1', desk);
    await view.load();
    const draft = new AnswerDraft('anna', 'SD-1');
    draft.write('Klart.', newestExchange(view.ticket!));
    desk.entries.push(entry(2, 'note'), entry(3, 'status'), entry(4, 'link'));
    expect(await view.answer(draft, undefined)).toBe('sent');
  });

  test('that could not be sent is still there, after a reload too', async () => {
    const desk = new Desk();
    const view = new TicketView('SD-1', desk);
    await view.load();
    new AnswerDrafts('anna').of('SD-1').write('Klart.', 1);
    desk.failing = new ApiError(503, '');
    const draft = new AnswerDrafts('anna').of('SD-1');
    expect(await view.answer(draft, undefined)).toBe('failed');
    expect(view.problem).toBe(desk.failing);
    expect(new AnswerDrafts('anna').of('SD-1').text).toBe('Klart.');
    expect(new AnswerDrafts('bo').of('SD-1').text).toBe('');
  });
});

test('a failure is said in words, the server\'s when it has some', () => {
  const words = (problem: unknown) => failureWords(problem, sv.failures);
  expect(words(new ApiError(0, ''))).toBe(sv.failures.unreachable);
  expect(words(new ApiError(503, 'x'))).toBe(sv.failures.unreachable);
  expect(words(new ApiError(403, ''))).toBe(sv.failures.forbidden);
  expect(words(new ApiError(404, ''))).toBe(sv.failures.missing);
  expect(words(new ApiError(422, 'rubriken saknas'))).toBe('Det gick inte: rubriken saknas');
  expect(words(new TypeError())).toBe(sv.failures.unknown);
});

test('a query leaves out what is empty', () => {
  expect(query({ search: 'åk 7', status: '', open: true, before: undefined })).toBe('?search=%C3%A5k+7&open=true');
  expect(query({ open: false })).toBe('');
});
