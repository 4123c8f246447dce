// What the console's states are made of, as the server would send it (src/lib/protocol.ts): lines, callers, cards, and
// desks with little and much to do. Numbers are from the series that the Swedish regulator keeps for fiction.

export const hello = {
  protocol: 5,
  agent: 'anna',
  name: 'Anna Lind',
  role: 'agent',
  lines: [
    {
      id: 'staff',
      channel: 'voice',
      name: { sv: 'Medarbetare', en: 'Staff' },
      greeting: { sv: 'Välkommen till Service Desk, du talar med Anna.', en: 'Welcome to Service Desk, this is Anna.' },
    },
    {
      id: 'pupils',
      channel: 'voice',
      name: { sv: 'Elever', en: 'Pupils' },
      greeting: { sv: 'Hej! Service Desk, det här är Anna.', en: 'Hi! Service Desk, this is Anna.' },
    },
    {
      id: 'priority',
      channel: 'voice',
      name: { sv: 'Prioriterad linje', en: 'Priority line' },
      greeting: { sv: 'Service Desk, prioriterad linje, Anna.', en: 'Service Desk, priority line, Anna.' },
    },
    { id: 'chat-platform', channel: 'chat', name: { sv: 'Chatt om lärplattformen', en: 'Chat on the learning platform' }, greeting: {} },
    { id: 'mailbox', channel: 'mail', name: { sv: 'E-post', en: 'E-mail' }, greeting: {} },
    { id: 'portal', channel: 'form', name: { sv: 'Portalen', en: 'The portal' }, greeting: {} },
  ],
  pauseReasons: [
    { reason: 'break', limitMs: 15 * 60_000, break: true },
    { reason: 'lunch', limitMs: 45 * 60_000, break: true },
    { reason: 'meeting' },
    { reason: 'other-work' },
  ],
  groups: [
    { id: 'staff', name: { sv: 'Medarbetare', en: 'Staff' } },
    { id: 'pupils', name: { sv: 'Elever', en: 'Pupils' } },
    { id: 'platform', name: { sv: 'Lärplattformen', en: 'Learning platform' } },
    { id: 'network', name: { sv: 'Trådlöst nät', en: 'Wireless network' } },
    { id: 'english', name: { sv: 'Engelska', en: 'English' } },
  ],
  services: [
    {
      id: 'platform',
      name: { sv: 'Lärplattformen', en: 'Learning platform' },
      categories: [
        { id: 'sign-in', name: { sv: 'Inloggning', en: 'Signing in' } },
        { id: 'course', name: { sv: 'Kursrum', en: 'Course rooms' } },
      ],
    },
    { id: 'network', name: { sv: 'Trådlöst nät', en: 'Wireless network' }, categories: [] },
    { id: 'print', name: { sv: 'Utskrift', en: 'Printing' }, categories: [] },
  ],
  publishes: true,
  seesFigures: true,
  destinations: [
    { id: 'administration', name: { sv: 'Administrativ enhet', en: 'Administrative desk' } },
    { id: 'contact-centre', name: { sv: 'Kontaktcenter', en: 'Contact centre' } },
  ],
  supervises: false,
  callsLines: ['staff', 'pupils'],
  outcomeCodes: ['solved', 'question-answered', 'passed-on', 'call-back-promised', 'wrong-number', 'silent-call'],
  wrapUpExtensionMs: 120_000,
  iceServers: [],
};

export const second = 1000;
export const minute = 60 * second;

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
  claimed: { kind: 'claimed', name: 'Leila Farah', address: 'leila.farah@example.org', verification: 'none' },
  signedIn: {
    kind: 'claimed',
    person: 'p-204',
    name: 'Jonas Ek',
    role: 'staff',
    school: 'Björkhagens skola',
    address: 'jonas.ek@example.org',
    verification: 'signed-in',
  },
  unknown: { kind: 'unknown', number: '+46701740655', verification: 'none' },
  withheld: { kind: 'withheld', verification: 'none' },
  protected: { kind: 'protected', verification: 'none' },
};

/** Who is signed in beside the agent. */
export const colleagues = (now) => [
  { agent: 'anna', name: 'Anna Lind', state: 'busy', since: now - 4 * minute, groups: ['platform', 'pupils', 'staff'] },
  { agent: 'bo', name: 'Bo Lind', state: 'ready', since: now - 9 * minute, groups: ['network', 'staff'] },
  { agent: 'eva', name: 'Eva Berg', state: 'busy', since: now - 50 * minute, groups: ['english', 'platform', 'staff'] },
  { agent: 'hassan', name: 'Hassan Amiri-Lundqvist', state: 'ready', since: now - 2 * minute, groups: ['platform', 'pupils'] },
  { agent: 'ida', name: 'Ida Kron', state: 'paused', reason: 'lunch', since: now - 51 * minute, overdue: now - 6 * minute, groups: ['pupils'] },
  { agent: 'jon', name: 'Jon Ask', state: 'away', since: now - minute, groups: ['staff'] },
];

/** A quiet desk with a ready agent. */
export function quiet(now) {
  return {
    now,
    connected: true,
    me: { presence: 'ready', since: now - 4 * minute, reachable: true },
    contacts: [],
    waiting: [
      { line: 'staff', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'pupils', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'priority', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'chat-platform', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'mailbox', waiting: 0, greeted: 0, targetMs: 0 },
      { line: 'portal', waiting: 0, greeted: 0, targetMs: 0 },
    ],
    queue: [],
    queueLength: 0,
    notices: [],
    callbacks: [],
    missed: [],
    today: { handled: 12, withinTarget: 81, answerable: 97 },
    agents: { ready: 3, busy: 6, paused: 2 },
    colleagues: colleagues(now),
    lastContact: now - 3 * minute,
  };
}

/** Skills at the lowest level. */
export const needsOf = (...skills) => skills.map((skill) => ({ skill, level: 1 }));

export function row(now, n, channel, line, waited, targetMs, extra = {}) {
  return {
    contact: `0193-waiting-${n}`,
    channel,
    line,
    class: 0,
    language: 'sv',
    arrived: now - waited,
    targetMs,
    offered: false,
    needs: needsOf(line === 'pupils' ? 'pupils' : 'staff'),
    ...extra,
  };
}

/** A desk under load. */
export function busy(now) {
  return {
    ...quiet(now),
    waiting: [
      { line: 'staff', waiting: 3, greeted: 1, longest: now - 102 * second, targetMs: minute },
      { line: 'pupils', waiting: 1, greeted: 0, longest: now - 18 * second, targetMs: minute },
      { line: 'priority', waiting: 1, greeted: 0, longest: now - 6 * second, targetMs: 20 * second },
      { line: 'chat-platform', waiting: 1, greeted: 0, longest: now - 40 * second, targetMs: minute },
      { line: 'mailbox', waiting: 2, greeted: 0, longest: now - 95 * minute, targetMs: 8 * 60 * minute },
      { line: 'portal', waiting: 0, greeted: 0, targetMs: 0 },
    ],
    queue: [
      row(now, 1, 'voice', 'priority', 6 * second, 20 * second, { class: 2, party: 'kc' }),
      row(now, 2, 'voice', 'staff', 102 * second, minute, { offered: true, relaxed: 1 }),
      row(now, 3, 'voice', 'staff', 75 * second, minute, {
        service: 'platform',
        needs: [{ skill: 'platform', level: 3 }, ...needsOf('staff')],
        relaxesAt: now + 20 * second,
        relaxesTo: needsOf('staff'),
        expectedUntil: now + 50 * second,
      }),
      row(now, 4, 'chat', 'chat-platform', 40 * second, minute, {
        service: 'platform',
        language: 'en',
        needs: needsOf('english', 'platform'),
        expectedUntil: now + 130 * second,
      }),
      row(now, 5, 'voice', 'pupils', 18 * second, minute),
      row(now, 6, 'voice', 'staff', 9 * second, minute),
      row(now, 7, 'mail', 'mailbox', 95 * minute, 8 * 60 * minute),
      row(now, 8, 'mail', 'mailbox', 31 * minute, 8 * 60 * minute),
    ],
    queueLength: 8,
    agents: { ready: 0, busy: 9, paused: 2 },
  };
}

export const why = { candidates: 3, waiting: 4, rule: 'longest-idle', level: 3, idle_ms: 252_000 };

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
    tickets: [],
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
    since: now - ({ connected: 187, held: 42 }[state] ?? 22) * second,
    arrived: now - 245 * second,
    answered: now - 211 * second,
    note: 'Kan inte logga in i lärplattformen efter byte av lösenord.',
    ...extra,
  };
}

export function ringing(now, caller, extra) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'offered', activitySince: now - 4 * second },
    offer: offerOf(now, caller, extra),
  };
}

export function connected(now, caller) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'connected', activitySince: now - 187 * second },
    contacts: [contactOf(now, 'connected', caller)],
  };
}

export const openTickets = (now) => [
  ticketRow('SD-100231', 'incident', 'in-progress', 'Kommer inte in i kursrummet för åk 7', now - 26 * 60 * minute),
  ticketRow('SD-100198', 'order', 'registered', 'Ny dator till vikarie', now - 4 * 24 * 60 * minute),
];

export function ticketRow(number, kind, status, subject, changed, service = 'platform') {
  return { number, kind, status, subject, service, created: changed - 60 * minute, changed };
}

/** What a text is beside a call: chats, a mail and a form, as one agent may have them. */
export function textOf(now, channel, extra = {}) {
  const all = {
    chat: {
      contact: '0193-chat',
      offer: 51,
      line: 'chat-platform',
      caller: callers.claimed,
      service: 'platform',
      subject: '',
    },
    mail: {
      contact: '0193-mail',
      offer: 52,
      line: 'mailbox',
      caller: callers.claimed,
      subject: 'Fel i schemat sedan i måndags',
      ticket: 'SD-100240',
    },
    form: {
      contact: '0193-form',
      offer: 53,
      line: 'portal',
      caller: callers.signedIn,
      service: 'network',
      subject: 'Nätet i sal B214 är borta',
      ticket: 'SD-100241',
    },
  };
  return {
    channel,
    language: 'sv',
    state: 'connected',
    since: now - 95 * second,
    arrived: now - 160 * second,
    answered: now - 95 * second,
    note: '',
    tickets: [],
    ...all[channel],
    ...extra,
  };
}

/** The lines of the chat that the story book has. */
export const chatLines = (now) =>
  [
    { from: 'system', kind: 'prompt', text: 'Välkommen till Service Desk. En handläggare svarar strax.', at: now - 160 * second },
    { from: 'caller', kind: 'text', text: 'Hej! Jag kommer inte in i kursrummet för 7B.', at: now - 155 * second },
    { from: 'caller', kind: 'text', text: 'Det står "åtkomst nekad" sedan i fredags.\nJag har provat två webbläsare.', at: now - 140 * second },
    { from: 'system', kind: 'joined', agent: 'anna', at: now - 95 * second },
    { from: 'agent', kind: 'text', agent: 'anna', text: 'Hej Leila, det ska vi ordna. Vilken skola gäller det?', at: now - 70 * second },
    { from: 'caller', kind: 'text', text: 'Almgårdens skola, jag började där i augusti.', at: now - 20 * second },
  ].map((line, index) => ({ sequence: 10 + index * 3, id: `line-${index}`, ...line }));

export const notices = (now, blocked = false) => [
  {
    id: '0193-n1',
    service: 'platform',
    text: { sv: 'Lärplattformen är långsam. Vi arbetar med felet.', en: 'The learning platform is slow. We are working on it.' },
    from: now - 40 * minute,
    published: now - 40 * minute,
    by: 'eva',
    blocked,
  },
  {
    id: '0193-n2',
    lines: ['pupils'],
    audiences: ['pupil'],
    text: { sv: 'Skrivarna i biblioteket är ur funktion till klockan 15.' },
    from: now - 10 * minute,
    until: now + 180 * minute,
    published: now - 12 * minute,
    by: 'eva',
    blocked,
  },
];

/** An agent with texts, of which one is shown. */
export function texts(now, contacts) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: contacts.every(({ state }) => state === 'wrap-up') ? 'wrap-up' : 'connected', activitySince: now - 95 * second },
    contacts,
  };
}

export function held(now) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'held', activitySince: now - 42 * second },
    contacts: [contactOf(now, 'held', callers.known, { code: 'solved' })],
  };
}

export function wrapUp(now) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'wrap-up', activitySince: now - 22 * second },
    contacts: [contactOf(now, 'wrap-up', callers.known, { wrapUpUntil: now + 158 * second })],
  };
}
