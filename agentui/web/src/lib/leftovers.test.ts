import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AnswerDrafts } from './answers.svelte';
import { Chats, type Server } from './chat.svelte';
import { storedKeys, writeStored } from './stored';
import { stubStorage } from './storage.fake';

beforeEach(stubStorage);
afterEach(() => vi.unstubAllGlobals());

const hour = 60 * 60 * 1000;

test.each([
  ['an answer', 'answer', () => new AnswerDrafts('bo')],
  ['a line of a chat', 'chat', () => new Chats('bo', {} as Server)],
])('%s that somebody else left unsent goes from the browser after a day', (_what, kind, signIn) => {
  writeStored(`${kind}.anna.old`, { text: 'hers', at: Date.now() - 25 * hour });
  writeStored(`${kind}.anna.new`, { text: 'hers', at: Date.now() - hour });
  signIn();
  expect(storedKeys(kind)).toEqual([`${kind}.anna.new`]);
});
