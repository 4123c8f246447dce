// The console's states as the server would send them (src/lib/protocol.ts): the story book that the mock server plays,
// that screenshots are taken of, and that the accessibility tests walk through. Numbers are from the series that the
// Swedish regulator keeps for fiction.

export const hello = {
  protocol: 3,
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
  pauseReasons: ['break', 'lunch', 'meeting', 'other-work'],
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
  outcomeCodes: ['solved', 'question-answered', 'passed-on', 'call-back-promised', 'wrong-number', 'silent-call'],
  wrapUpExtensionMs: 120_000,
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
    lastContact: now - 3 * minute,
  };
}

function row(now, n, channel, line, waited, targetMs, extra = {}) {
  return {
    contact: `0193-waiting-${n}`,
    channel,
    line,
    class: 0,
    language: 'sv',
    arrived: now - waited,
    targetMs,
    offered: false,
    ...extra,
  };
}

/** A desk under load. */
function busy(now) {
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
      row(now, 2, 'voice', 'staff', 102 * second, minute, { offered: true }),
      row(now, 3, 'voice', 'staff', 75 * second, minute, { service: 'platform' }),
      row(now, 4, 'chat', 'chat-platform', 40 * second, minute, { service: 'platform', language: 'en' }),
      row(now, 5, 'voice', 'pupils', 18 * second, minute),
      row(now, 6, 'voice', 'staff', 9 * second, minute),
      row(now, 7, 'mail', 'mailbox', 95 * minute, 8 * 60 * minute),
      row(now, 8, 'mail', 'mailbox', 31 * minute, 8 * 60 * minute),
    ],
    queueLength: 8,
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
function texts(now, contacts) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: contacts.every(({ state }) => state === 'wrap-up') ? 'wrap-up' : 'connected', activitySince: now - 95 * second },
    contacts,
  };
}

function held(now) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'held', activitySince: now - 42 * second },
    contacts: [contactOf(now, 'held', callers.known, { code: 'solved' })],
  };
}

function wrapUp(now) {
  return {
    ...busy(now),
    me: { ...quiet(now).me, activity: 'wrap-up', activitySince: now - 22 * second },
    contacts: [contactOf(now, 'wrap-up', callers.known, { wrapUpUntil: now + 158 * second })],
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
  held,
  keypad: (now) => connected(now),
  elsewhere: (now) => connected(now),
  wrapup: wrapUp,
  lapsed: (now) => ({ ...wrapUp(now), contacts: [contactOf(now, 'wrap-up', callers.known, { wrapUpUntil: now })] }),
  own: quiet,
  'wrapup-soon': (now) => ({
    ...wrapUp(now),
    contacts: [contactOf(now, 'wrap-up', callers.known, { since: now - 155 * second, wrapUpUntil: now + 25 * second, code: 'solved', chosenTicket: 'SD-100231' })],
  }),
  paused: (now) => ({
    ...busy(now),
    me: { presence: 'paused', reason: 'lunch', cause: 'agent', since: now - 12 * minute, reachable: true },
  }),
  missed: (now) => ({
    ...busy(now),
    me: { presence: 'paused', cause: 'missed-offers', since: now - 40 * second, reachable: true },
    missed: [
      { contact: '0193-m1', channel: 'voice', line: 'staff', cause: 'not-answered', at: now - 40 * second },
      { contact: '0193-m2', channel: 'voice', line: 'pupils', cause: 'technical-fault', at: now - 95 * minute },
      { contact: '0193-m3', channel: 'chat', line: 'chat-platform', cause: 'unreachable', at: now - 97 * minute },
    ],
  }),
  chat: (now) => texts(now, [textOf(now, 'chat')]),
  'chat-wrapup': (now) => texts(now, [textOf(now, 'chat', { state: 'wrap-up', since: now - 12 * second })]),
  mail: (now) => texts(now, [textOf(now, 'mail', { caller: { ...callers.signedIn, name: 'Leila Farah' }, tickets: openTickets(now) })]),
  form: (now) => texts(now, [textOf(now, 'form')]),
  several: (now) => ({
    ...texts(now, [
      textOf(now, 'chat'),
      textOf(now, 'chat', { contact: '0193-chat-2', offer: 54, caller: callers.protected, line: 'chat-platform' }),
      textOf(now, 'mail'),
    ]),
    offer: offerOf(now, callers.long, { tickets: openTickets(now), service: 'platform' }),
    notices: notices(now),
    me: { ...quiet(now).me, activity: 'offered', activitySince: now - 4 * second },
  }),
  'ringing-chat': (now) =>
    ringing(now, callers.claimed, { channel: 'chat', line: 'chat-platform', service: 'platform', subject: 'Kommer inte in i kursrummet' }),
  'ringing-mail': (now) =>
    ringing(now, callers.claimed, { channel: 'mail', line: 'mailbox', subject: 'Fel i schemat sedan i måndags', ticket: 'SD-100240' }),
  'wrapup-tickets': (now) => ({
    ...wrapUp(now),
    contacts: [contactOf(now, 'wrap-up', callers.known, { tickets: openTickets(now), service: 'platform' })],
  }),
  dialling: (now) => ({
    ...busy(now),
    me: { ...quiet(now).me, activity: 'dialling', activitySince: now - 6 * second },
    contacts: [contactOf(now, 'dialling', callers.known, { since: now - 6 * second, answered: 0, note: '' })],
  }),
  outage: (now) => ({ ...busy(now), notices: notices(now) }),
  'outage-blocked': (now) => ({ ...busy(now), notices: notices(now, true) }),
  tickets: quiet,
  ticket: quiet,
  notices: (now) => ({ ...busy(now), notices: notices(now) }),
  'notices-blocked': (now) => ({ ...busy(now), notices: notices(now, true) }),
  figures: busy,
  callbacks: (now) => ({
    ...busy(now),
    callbacks: [
      {
        dials: 0,
        dialsLeft: 3,
        contact: '0193-c1',
        line: 'staff',
        caller: callers.known,
        arrived: now - 14 * minute,
        since: now - 9 * minute,
      },
      {
        dials: 3,
        dialsLeft: 0,
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
  refused: connected,
  'signed-out': quiet,
  'no-microphone': (now) => ({ ...quiet(now), me: { presence: 'signed-out', since: now - 10 * second, reachable: true } }),
  'headset-gone': (now) => connected(now),
  menu: quiet,
  'pause-reasons': quiet,
  help: quiet,
  sound: quiet,
  'sound-missing': quiet,
  'sound-denied': (now) => ({ ...quiet(now), me: { presence: 'paused', reason: 'technical', since: now - minute, reachable: true } }),
};

/** The page of a state that is not the work place, as the address names it. */
export const pages = {
  tickets: '#tickets',
  ticket: '#tickets/SD-100240',
  notices: '#notices',
  'notices-blocked': '#notices',
  figures: '#figures',
  sound: '#sound',
  'sound-missing': '#sound',
  'sound-denied': '#sound',
};

/** What runs in the page before anything else of a state. */
export const prepares = {
  'no-microphone': noMicrophone,
  'sound-denied': noMicrophone,
  'headset-gone': loseHeadset,
  'sound-missing': () =>
    localStorage.setItem(
      'svar.devices',
      JSON.stringify({ input: { id: 'gone', label: 'Jabra Evolve2 30' }, output: { id: 'gone', label: 'Jabra Evolve2 30' } }),
    ),
};

function noMicrophone() {
  if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
}

/** The second microphone that is asked for is another one than the first, which is gone. */
function loseHeadset() {
  const { mediaDevices } = navigator;
  if (!mediaDevices) return;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  let first;
  mediaDevices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    const [track] = stream.getAudioTracks();
    if (!first) {
      first = track;
      Object.defineProperty(track, 'label', { value: 'Jabra Evolve2 30' });
      // Later than the console has begun to listen for it.
      setTimeout(() => track.dispatchEvent(new Event('ended')), 100);
    }
    return stream;
  };
}

/** What is done in a state before it is looked at, at the page as it is on a wide screen. */
export const acts = {
  keypad: (page) => page.locator('[popovertarget="keypad"]').click(),
  own: (page) => page.locator('#own-contacts summary').click(),
  'sign-in-wrong': async (page) => {
    await page.locator('[name=account]').fill('anna');
    await page.locator('[name=password]').fill('guess');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(/\w/).waitFor();
  },
  refused: async (page) => {
    await page.locator('[data-contact]').waitFor(); // a key does nothing before there is a call
    await page.keyboard.press('F4');
    await page.getByRole('alert').getByText(/\w/).waitFor();
  },
  'no-microphone': async (page) => {
    await page.keyboard.press('r');
    await page.locator('.banners .danger').waitFor();
  },
  'headset-gone': (page) => page.locator('.banners .warning').waitFor(),
  'signed-out': (page) => page.locator('form').waitFor(),
  menu: (page) => page.locator('[popovertarget="main-menu"]').click(),
  'pause-reasons': (page) => page.keyboard.press('p'),
  help: (page) => page.keyboard.press('?'),
  sound: hearsMicrophone,
  'sound-missing': hearsMicrophone,
  'sound-denied': async (page) => {
    await page.getByRole('button', { name: /Prova mikrofonen|Try the microphone/ }).click();
    await page.locator('.bad').waitFor();
  },
};

function hearsMicrophone(page) {
  return page.getByText(/Mikrofonen hör dig|The microphone hears you/).waitFor();
}

/** States of the sign-in form: nobody is signed in. */
export const signedOutStates = ['sign-in', 'sign-in-wrong'];

/** Everything that the console can look like: what the accessibility tests and the pictures go through. */
export const everyState = [...signedOutStates, ...Object.keys(states)];

/** What comes after the first state, at once. */
export const then = { lapsed: quiet };

/** Requests that are refused in a state, with the code. */
export const refusals = { elsewhere: { voice: 'voice-elsewhere' }, refused: { hold: 'unavailable' } };

/** After this long the socket of a state breaks and does not come back. */
export const breaks = { disconnected: 400, 'disconnected-ready': 400 };

/** States whose socket the server closes at once, with this code. */
export const closes = { 'signed-out': 4002 };
