import { describe, expect, test } from 'vitest';
import { sv } from './messages/sv';
import { protocolVersion, type ConsoleState, type Message, type Request } from './protocol';
import { groupRows } from './queueing';
import { callerName, canFinish, noticesFor, queueOver, queueTotals, shownState } from './shown';

// The server's golden messages: what they say has to be understood here, or the version has to be a new one.
const golden = import.meta.glob<unknown>('../../../testdata/protocol/*.json', { eager: true, import: 'default' });
const named = (start: string) =>
  Object.entries(golden)
    .map(([path, content]) => [path.replace(/^.*\/|\.json$/g, ''), content] as const)
    .filter(([name]) => name.startsWith(start));

/** Every request that the console can make: a new kind without a line here does not compile. */
const requests: Record<Request['do'], string[]> = {
  presence: ['presence', 'reason', 'channels', 'afterContact'],
  accept: ['offer', 'confirmed'],
  decline: ['offer', 'reason'],
  'hang-up': ['contact'],
  hold: ['contact'],
  resume: ['contact'],
  key: ['contact', 'key'],
  voice: ['contact', 'take'],
  echo: [],
  'echo-end': [],
  outcome: ['contact', 'code', 'ticket'],
  extend: ['contact'],
  note: ['contact', 'note'],
  finish: ['contact', 'code', 'ticket'],
  'give-back': ['contact'],
  dial: ['contact', 'confirmed'],
  callback: ['contact', 'at', 'mine'],
  transfer: ['contact', 'to'],
  consult: ['contact', 'to'],
  'consult-end': ['contact'],
  'complete-transfer': ['contact'],
  conference: ['contact', 'on'],
  mark: ['contact', 'mark'],
  recording: ['contact', 'on'],
  supervise: ['contact', 'mode'],
  call: ['person', 'ticket', 'number', 'line', 'confirmed'],
  impact: ['contact', 'residents'],
  'chat-follow': ['contact', 'after'],
  'chat-send': ['contact', 'message', 'text'],
  signal: ['offer', 'contact', 'leg', 'payload'],
};

describe('the server\'s golden messages', () => {
  test('are there', () => expect(named('message-').length).toBeGreaterThan(5));

  test.each(named('message-'))('%s is one that the console knows', (_name, content) => {
    const keys = Object.keys(content as Message);
    expect(keys).toHaveLength(1);
    expect(['hello', 'state', 'reply', 'signal', 'chat']).toContain(keys[0]);
  });

  test('are of this version', () => {
    const hello = Object.fromEntries(named('message-hello'))['message-hello'] as Message;
    expect(hello.hello?.protocol).toBe(protocolVersion);
    expect(hello.hello?.lines?.every((line) => ['voice', 'chat', 'mail', 'form'].includes(line.channel))).toBe(true);
  });

  test('of a full state can all be shown', () => {
    const state = (Object.fromEntries(named('message-state-full'))['message-state-full'] as Message).state!;
    const words = { ...sv.state, ...sv.channels };
    expect(words).toHaveProperty(shownState('open', state, 0).shown);
    for (const contact of state.contacts ?? []) {
      expect(callerName(contact.caller, sv)).not.toBe('');
      expect(sv.channels).toHaveProperty(contact.channel);
      expect(typeof canFinish(contact)).toBe('boolean');
    }
    expect(state.queueLength).toBeGreaterThanOrEqual(state.queue?.length ?? 0);
    for (const row of state.queue ?? []) expect(queueOver(row, state.now)).toBeGreaterThanOrEqual(0);
    for (const callback of state.callbacks ?? []) expect(callback.dialsLeft).toBeGreaterThanOrEqual(0);
    for (const notice of state.notices ?? []) expect(typeof notice.blocked).toBe('boolean');
    expect(queueTotals(state.waiting ?? []).waiting).toBeGreaterThanOrEqual(0);
    expect(noticesFor(state.notices ?? [], { line: 'nowhere' }, state.now)).toBeInstanceOf(Array);
  });

  test.each(named('request-'))('%s is what the console would send', (_name, content) => {
    const { id, do: what, ...fields } = content as Request & { id: number };
    expect(id).toBeGreaterThan(0);
    expect(Object.keys(requests)).toContain(what);
    for (const field of Object.keys(fields)) expect(requests[what]).toContain(field);
  });
});

test('a wait that the server foretells is shown with the group that it is needed of', () => {
  const { state } = golden['../../../testdata/protocol/message-state-full.json'] as { state: ConsoleState };
  const queue = state.queue ?? [];
  const needed = queue.flatMap((row) => (row.expectedUntil === undefined ? [] : (row.needs ?? [])));
  const groups = needed.map(({ skill }) => ({ id: skill, name: null }));
  expect(groups.length).toBeGreaterThan(0);
  for (const row of groupRows(groups, queue, [])) expect(row.expectedUntil).toBeGreaterThan(state.now);
});
