// The console's states as the server would send them (src/lib/protocol.ts): the story book that the mock server plays,
// that screenshots are taken of, and that the accessibility tests walk through. Those of the queue's rules are in
// queue-states.mjs, those of the telephone in phone-states.mjs.

import {
  busy,
  callers,
  connected,
  contactOf,
  held,
  minute,
  notices,
  offerOf,
  openTickets,
  quiet,
  ringing,
  second,
  textOf,
  texts,
  why,
  wrapUp,
} from './parts.mjs';
import { phoneActs, phonePages, phoneRefusals, phoneStates } from './phone-states.mjs';
import { queueActs, queueRefusals, queueStates } from './queue-states.mjs';

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
  unreachable: (now) => ({ ...quiet(now), me: { ...quiet(now).me, reachable: false } }),
  degraded: (now) => ({ ...connected(now), connected: false }),
  'trunk-down': (now) => ({ ...quiet(now), trunksDown: ['operator'] }),
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
  ...queueStates,
  ...phoneStates,
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
  ...phonePages,
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
  ...queueActs,
  ...phoneActs,
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
export const refusals = { elsewhere: { voice: 'voice-elsewhere' }, refused: { hold: 'unavailable' }, ...queueRefusals, ...phoneRefusals };

/** After this long the socket of a state breaks and does not come back. */
export const breaks = { disconnected: 400, 'disconnected-ready': 400 };

/** States whose socket the server closes at once, with this code. */
export const closes = { 'signed-out': 4002 };
