// The console's states as the server would send them (src/lib/protocol.ts): the story book that the mock server plays,
// that screenshots are taken of, and that the accessibility tests walk through. Numbers are from the series that the
// Swedish regulator keeps for fiction.

export const hello = {
  protocol: 1,
  agent: 'anna',
  name: 'Anna Lind',
  role: 'agent',
  lines: [
    {
      id: 'staff',
      name: { sv: 'Medarbetare', en: 'Staff' },
      greeting: { sv: 'Välkommen till Service Desk, du talar med Anna.', en: 'Welcome to Service Desk, this is Anna.' },
    },
    {
      id: 'pupils',
      name: { sv: 'Elever', en: 'Pupils' },
      greeting: { sv: 'Hej! Service Desk, det här är Anna.', en: 'Hi! Service Desk, this is Anna.' },
    },
    {
      id: 'priority',
      name: { sv: 'Prioriterad linje', en: 'Priority line' },
      greeting: { sv: 'Service Desk, prioriterad linje, Anna.', en: 'Service Desk, priority line, Anna.' },
    },
  ],
  pauseReasons: ['break', 'lunch', 'meeting', 'other-work'],
  outcomeCodes: ['solved', 'question-answered', 'passed-on', 'call-back-promised', 'wrong-number', 'silent-call'],
  iceServers: [],
};

const second = 1000;
const minute = 60 * second;

export const callers = {
  known: {
    kind: 'known',
    name: 'Karin Öst',
    role: 'staff',
    title: 'lärare',
    school: 'Almgårdens skola',
    number: '+46701740612',
    verification: 'number-known',
  },
  long: {
    kind: 'known',
    name: 'Alexandra Hammarström-Lövenskiöld',
    role: 'staff',
    title: 'biträdande rektor med ansvar för särskilt stöd',
    school: 'Internationella gymnasiet vid Södra stadsporten',
    number: '+46846500420',
    verification: 'number-known',
  },
  unknown: { kind: 'unknown', number: '+46701740655', verification: 'none' },
  withheld: { kind: 'withheld', verification: 'none' },
  protected: { kind: 'protected', verification: 'none' },
};

/** A quiet desk with a ready agent. */
function quiet(now) {
  return {
    now,
    connected: true,
    me: { presence: 'ready', since: now - 4 * minute, reachable: true },
    contacts: [],
    waiting: [
      { line: 'staff', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'pupils', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'priority', waiting: 0, greeted: 0, targetMs: 0 },
    ],
    callbacks: [],
    missed: [],
    today: { handled: 12, withinTarget: 81, answerable: 97 },
    agents: { ready: 3, busy: 6, paused: 2 },
    lastContact: now - 3 * minute,
  };
}

/** A desk under load. */
function busy(now) {
  return {
    ...quiet(now),
    waiting: [
      { line: 'staff', waiting: 3, greeted: 1, longest: now - 102 * second, targetMs: minute },
      { line: 'pupils', waiting: 1, greeted: 0, longest: now - 18 * second, targetMs: minute },
      { line: 'priority', waiting: 0, greeted: 0, targetMs: 0 },
    ],
    agents: { ready: 0, busy: 9, paused: 2 },
  };
}

const why = { candidates: 3, waiting: 4, rule: 'longest-idle', level: 3, idle_ms: 252_000 };

export function offerOf(now, caller = callers.known, extra = {}) {
  return {
    offer: 41,
    contact: '0193-ringing',
    channel: 'voice',
    line: 'staff',
    language: 'sv',
    caller,
    arrived: now - 34 * second,
    since: now - 4 * second,
    expires: now + 11 * second,
    accepted: false,
    why,
    ...extra,
  };
}

export function contactOf(now, state, caller = callers.known, extra = {}) {
  return {
    contact: '0193-ringing',
    offer: 41,
    channel: 'voice',
    line: 'staff',
    language: 'sv',
    caller,
    state,
    since: now - (state === 'connected' ? 187 : 22) * second,
    arrived: now - 245 * second,
    answered: now - 211 * second,
    note: 'Kan inte logga in i lärplattformen efter byte av lösenord.',
    ...extra,
  };
}

function ringing(now, caller, extra) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'offered', activitySince: now - 4 * second },
    offer: offerOf(now, caller, extra),
  };
}

function connected(now, caller) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'connected', activitySince: now - 187 * second },
    contacts: [contactOf(now, 'connected', caller)],
  };
}

function wrapUp(now) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'wrap-up', activitySince: now - 22 * second },
    contacts: [contactOf(now, 'wrap-up')],
  };
}

/** Each state by its name: what the server sends for the moment now. */
export const states = {
  'not-ready': (now) => ({
    ...quiet(now),
    me: { presence: 'signed-out', since: now - 10 * second, reachable: true },
    today: { handled: 0, withinTarget: 4, answerable: 5 },
  }),
  empty: quiet,
  ringing: (now) => ringing(now),
  'ringing-long': (now) => ringing(now, callers.long, { why: { ...why, relaxed: 1 } }),
  'ringing-unknown': (now) => ringing(now, callers.unknown, { line: 'pupils' }),
  'ringing-withheld': (now) => ringing(now, callers.withheld, { why: { ...why, rule: 'only-candidate', candidates: 1 } }),
  'ringing-protected': (now) => ringing(now, callers.protected, { why: { ...why, rule: 'highest-level' } }),
  accepted: (now) => ringing(now, callers.known, { accepted: true }),
  connected: (now) => connected(now),
  'connected-pausing': (now) => ({
    ...connected(now),
    me: { ...connected(now).me, presence: 'paused', reason: 'lunch', cause: 'agent' },
  }),
  wrapup: wrapUp,
  paused: (now) => ({
    ...busy(now),
    me: { presence: 'paused', reason: 'lunch', cause: 'agent', since: now - 12 * minute, reachable: true },
  }),
  missed: (now) => ({
    ...busy(now),
    me: { presence: 'paused', cause: 'missed-offers', since: now - 40 * second, reachable: true },
    missed: [
      { contact: '0193-m1', line: 'staff', at: now - 40 * second },
      { contact: '0193-m2', line: 'pupils', at: now - 95 * minute },
    ],
  }),
  callbacks: (now) => ({
    ...busy(now),
    callbacks: [
      {
        contact: '0193-c1',
        line: 'staff',
        caller: callers.known,
        arrived: now - 14 * minute,
        since: now - 9 * minute,
      },
      {
        contact: '0193-c2',
        line: 'pupils',
        caller: callers.unknown,
        arrived: now - 31 * minute,
        since: now - 30 * minute,
      },
    ],
  }),
  unreachable: (now) => ({ ...quiet(now), me: { ...quiet(now).me, reachable: false } }),
  degraded: (now) => ({ ...connected(now), connected: false }),
  disconnected: (now) => connected(now),
  'disconnected-ready': quiet,
};

/** After this long the socket of a state breaks and does not come back. */
export const breaks = { disconnected: 400, 'disconnected-ready': 400 };
