import { describe, expect, test } from 'vitest';
import { sv } from './messages/sv';
import type { Caller, ConsoleState, NoticeCard, OngoingCard, RingCard, WaitingLine } from './protocol';
import {
  callerHint,
  callerName,
  callerNumber,
  callerRole,
  canFinish,
  currentContact,
  noticesFor,
  overTarget,
  overdueBy,
  queueTotals,
  shownState,
  whySentence,
} from './shown';

const call = { contact: 'c', channel: 'voice', state: 'connected' } as OngoingCard;
const state = (me: Partial<ConsoleState['me']>, offer?: Partial<RingCard>, contacts = [call]): ConsoleState =>
  ({ me: { presence: 'ready', since: 100, reachable: true, ...me }, offer, contacts }) as ConsoleState;

describe('the one state that is shown', () => {
  test.each([
    ['ready', state({}), 100],
    ['paused', state({ presence: 'paused' }), 100],
    ['signed-out', state({ presence: 'signed-out', reachable: false }), 100],
    ['unreachable', state({ reachable: false }), 100],
    ['offered', state({ activity: 'offered', activitySince: 200 }), 200],
    ['connecting', state({ activity: 'offered', activitySince: 200 }, { accepted: true }), 200],
    ['connected', state({ activity: 'connected', activitySince: 300 }), 300],
    ['dialling', state({ activity: 'dialling', activitySince: 350 }), 350],
    ['writing', state({ activity: 'connected', activitySince: 360 }, undefined, [{ ...call, channel: 'mail' }]), 360],
    ['wrap-up', state({ activity: 'wrap-up', activitySince: 400, presence: 'paused' }), 400],
  ])('%s', (shown, given, since) => expect(shownState('open', given, 0)).toEqual({ shown, since }));

  test('a call goes on without the server, everything else is not known', () => {
    expect(shownState('lost', state({ activity: 'connected', activitySince: 300 }), 900).shown).toBe('connected');
    expect(shownState('lost', state({ activity: 'offered' }), 900)).toEqual({ shown: 'offline', since: 900 });
    expect(shownState('lost', state({}), 900)).toEqual({ shown: 'offline', since: 900 });
    expect(shownState('connecting', undefined, 0)).toEqual({ shown: 'offline', since: 0 });
  });
});

describe('who is calling', () => {
  const known: Caller = {
    kind: 'known',
    name: 'Karin Öst',
    role: 'staff',
    title: 'lärare',
    number: '+46701740612',
    verification: 'number-known',
  };
  test('a known caller', () => {
    expect(callerName(known, sv)).toBe('Karin Öst');
    expect(callerRole(known, sv)).toBe('Medarbetare, lärare');
    expect(callerNumber(known)).toBe('070-174 06 12');
    expect(callerHint(known, sv)).toBe('');
  });
  test('withheld and unknown are two states', () => {
    const withheld: Caller = { kind: 'withheld', verification: 'none' };
    const unknown: Caller = { kind: 'unknown', number: '+46701740655', verification: 'none' };
    expect(callerName(withheld, sv)).toBe('Dolt nummer');
    expect(callerName(unknown, sv)).toBe('Okänt nummer');
    expect(callerNumber(unknown)).toBe('070-174 06 55');
    expect(callerHint(unknown, sv)).toBe('Numret finns inte i registret.');
  });
  test('a protected user is masked by the server; who may see more is told to keep it', () => {
    const masked: Caller = { kind: 'protected', verification: 'none' };
    expect(callerName(masked, sv)).toBe('Skyddad användare');
    expect(callerNumber(masked)).toBe('');
    expect(callerHint(masked, sv)).toBe('Öppnas av behörig grupp.');
    const open: Caller = { ...known, kind: 'protected' };
    expect(callerName(open, sv)).toBe('Karin Öst');
    expect(callerHint(open, sv)).toBe('Skyddade personuppgifter. Lämna inte ut något.');
  });
  test('what a text\'s sender gave is a claim', () => {
    const claimed: Caller = { kind: 'claimed', address: 'karin@skola.example', verification: 'none' };
    expect(callerName(claimed, sv)).toBe('karin@skola.example');
    expect(callerName({ ...claimed, address: '' }, sv)).toBe('Okänd avsändare');
    expect(callerHint({ kind: 'claimed', verification: 'none' }, sv)).toBe('Har inte uppgett något namn.');
    expect(callerHint(claimed, sv)).toBe(sv.caller.claimedHint);
    expect(callerHint({ ...claimed, verification: 'signed-in' }, sv)).toBe('');
  });
});

test('why an offer came here, in a sentence', () => {
  const why = { candidates: 3, waiting: 4, rule: 'longest-idle', level: 3, idle_ms: 252_000 } as const;
  expect(whySentence(why, sv)).toBe('Ledig längst (4:12) av 3 med rätt kompetens · nivå 3');
  expect(whySentence({ ...why, rule: 'only-candidate', relaxed: 1 }, sv)).toBe(
    'Du är den enda som är ledig med rätt kompetens · kraven är sänkta efter väntetiden',
  );
  expect(whySentence({ ...why, rule: 'preferred', class: 1, risen: true }, sv)).toBe('Du hjälpte personen eller ärendet senast · har väntat sig före');
  expect(whySentence({ ...why, rule: 'transferred', class: 2, returned: true }, sv)).toBe(
    'En kollega har kopplat kontakten till dig · prioriterad linje · tillbaka i kön, går före',
  );
  expect(whySentence({ ...why, rule: 'appointed', class: 1 }, sv)).toBe('Du har lovat att ringa upp · påverkar invånare');
});

test('a pause is overdue when its time is over, and nothing else is', () => {
  const me = { presence: 'paused', since: 0, overdue: 5000, reachable: true } as const;
  expect([overdueBy(me, 5000), overdueBy(me, 8000)]).toEqual([0, 3000]);
  expect(overdueBy({ ...me, presence: 'ready' }, 8000)).toBe(0);
  expect(overdueBy({ ...me, overdue: 0 }, 8000)).toBe(0);
});

describe('the queue', () => {
  const line = (waiting: number, longest?: number): WaitingLine =>
    ({ line: 'x', waiting, greeted: 0, longest, targetMs: 60_000 }) as WaitingLine;
  test('all lines together', () => {
    expect(queueTotals([])).toEqual({ waiting: 0, longest: 0 });
    expect(queueTotals([line(2, 500), line(0), line(1, 300)])).toEqual({ waiting: 3, longest: 300 });
  });
  test('over target begins when the target has passed', () => {
    expect(overTarget(line(1, 1_000), 61_000)).toBe(0);
    expect(overTarget(line(1, 1_000), 103_000)).toBe(42_000);
    expect(overTarget(line(0), 103_000)).toBe(0);
    expect(overTarget({ ...line(1, 1_000), targetMs: 0 }, 103_000)).toBe(0);
  });
});

test('an outage message concerns the lines and the service that it names, while it stands', () => {
  const notice: NoticeCard = {
    id: 'n', text: { sv: 'Fel' }, from: 100, until: 200, published: 90, by: 'eva', blocked: false,
    lines: ['staff'], service: 'platform',
  };
  const concerned = (change: Partial<NoticeCard>, line: string, service: string | undefined, now = 150) =>
    noticesFor([{ ...notice, ...change }], { line, service }, now).length > 0;
  expect(concerned({}, 'staff', undefined)).toBe(true);
  expect(concerned({}, 'staff', 'network')).toBe(false);
  expect(concerned({}, 'pupils', 'platform')).toBe(false);
  expect(concerned({ lines: [] }, 'pupils', 'platform')).toBe(true);
  expect(concerned({}, 'staff', 'platform', 99)).toBe(false);
  expect(concerned({}, 'staff', 'platform', 200)).toBe(false);
  expect(concerned({ until: 0 }, 'staff', 'platform', 900)).toBe(true);
});

test('a mail is finished as it stands, a chat and a call are ended first', () => {
  const can = (channel: string, at: string) => canFinish({ channel, state: at } as OngoingCard);
  expect([can('mail', 'connected'), can('form', 'connected'), can('chat', 'wrap-up'), can('voice', 'wrap-up')]).toEqual(
    [true, true, true, true],
  );
  expect([can('chat', 'connected'), can('voice', 'connected'), can('voice', 'dialling')]).toEqual([false, false, false]);
});

test('the middle shows the chosen contact, else the call', () => {
  const card = (contact: string, contactState: string) => ({ contact, state: contactState, channel: 'voice' }) as OngoingCard;
  const contacts = [card('a', 'wrap-up'), card('b', 'connected')];
  expect(currentContact(contacts, 'a')?.contact).toBe('a');
  expect(currentContact(contacts, 'gone')?.contact).toBe('b');
  expect(currentContact([], 'a')).toBeUndefined();
});
