// The states of the telephone: places outside, conferences, supervisors, calls of our own, recordings, text beside the voice,
// desk phones. They belong to states.mjs.

import { busy, callers, connected, contactOf, hello, held, minute, quiet, ringing, second, wrapUp } from './parts.mjs';

const place = { agent: '', name: '', outside: 'administration' };

/** The call with something more to it. */
const call = (now, extra, model = connected(now)) => ({ ...model, contacts: model.contacts.map((contact) => ({ ...contact, ...extra })) });

const outside = (now, consult) => call(now, { consult: { ...place, since: now - 9 * second, ...consult } }, held(now));

const talk = (now, n, agent, name, extra = {}) => ({
  contact: `0193-talk-${n}`,
  line: n % 2 ? 'staff' : 'pupils',
  agent: { agent, name },
  state: 'connected',
  since: now - n * 47 * second,
  ...extra,
});

/** What a supervisor sees of others' calls. */
const supervised = (now, mode) => ({
  ...busy(now),
  talks: [
    ...(mode ? [talk(now, 2, 'hassan', 'Hassan Amiri-Lundqvist', { mode })] : []),
    talk(now, 4, 'ida', 'Ida Kron', { marks: ['threat'] }),
    talk(now, 1, 'bo', 'Bo Lind', { state: 'held', marks: ['nuisance'] }),
    talk(now, 3, 'anna', 'Anna Lind'),
  ],
});

export const phoneStates = {
  'transfer-outside': (now) => connected(now),
  'outside-asked': (now) => outside(now, { state: 'asked', expires: now + 21 * second }),
  'outside-blind': (now) => outside(now, { state: 'asked', blind: true, expires: now + 21 * second }),
  'outside-talking': (now) => outside(now, { state: 'talking' }),
  'outside-failed': (now) => outside(now, { state: 'failed', failure: 'busy' }),
  conference: (now) => call(now, { conference: true, consult: { agent: 'bo', name: 'Bo Lind', state: 'talking', since: now - 42 * second } }),
  recording: (now) => call(now, { recording: 'begun' }),
  'recording-paused': (now) => call(now, { recording: 'paused' }),
  'recording-declined': (now) => call(now, { recording: 'declined' }),
  'mark-sure': (now) => connected(now),
  marked: (now) => call(now, { marks: ['threat'] }),
  'marked-wrapup': (now) => call(now, { marks: ['nuisance'] }, wrapUp(now)),
  supervised: (now) => call(now, { supervisors: [{ agent: 'eva', name: 'Eva Berg' }] }),
  'call-number': quiet,
  'call-unconfirmed': quiet,
  'call-person': (now) => call(now, {}, wrapUp(now)),
  'dialling-out': (now) => ({
    ...busy(now),
    me: { ...quiet(now).me, activity: 'dialling', activitySince: now - 6 * second },
    contacts: [contactOf(now, 'dialling', callers.known, { since: now - 6 * second, answered: 0, note: '', outgoing: true })],
  }),
  'not-reached': (now) => ({ ...quiet(now), notReached: { contact: '0193-placed', failure: 'no-answer', at: now - 3 * second } }),
  talks: (now) => supervised(now),
  'talks-none': (now) => ({ ...quiet(now), talks: [] }),
  listening: (now) => supervised(now, 'listen'),
  whispering: (now) => supervised(now, 'whisper'),
  recordings: quiet,
  'recordings-listen': quiet,
  'recordings-none': quiet,
  'ticket-recordings': quiet,
  'desk-phone': (now) => ({ ...quiet(now), me: { ...quiet(now).me, phone: true } }),
  'desk-phone-ringing': (now) => ({ ...ringing(now), me: { ...ringing(now).me, phone: true } }),
  'desk-phone-call': (now) => ({ ...connected(now), me: { ...connected(now).me, phone: true, since: now - 4 * minute } }),
  text: (now) => connected(now),
  'text-held': (now) => held(now),
};

/** States in which the user's side takes text. */
export const takesText = ['text', 'text-held'];

/** Who is signed in, in states of somebody else than the agent. */
const supervisor = { ...hello, supervises: true };
export const greetings = Object.fromEntries(
  ['talks', 'talks-none', 'listening', 'whispering', 'recordings', 'recordings-listen', 'recordings-none', 'ticket-recordings'].map((state) => [state, supervisor]),
);

export const phonePages = {
  talks: '#talks',
  'talks-none': '#talks',
  recordings: '#recordings',
  'recordings-listen': '#recordings',
  'recordings-none': '#recordings',
  'ticket-recordings': '#tickets/SD-100240',
};

/** Opens the text beside the voice, unless what the user has written did. */
async function openText(page) {
  const button = page.getByRole('button', { name: 'Text', exact: true });
  await button.waitFor();
  if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
}

/** What is done in one of these states before it is looked at. */
export const phoneActs = {
  'transfer-outside': async (page) => {
    await page.locator('[data-transfer]').click();
    await page.locator('#transfer li').last().scrollIntoViewIfNeeded();
  },
  // Of all days: soon after midnight there would be none.
  recordings: async (page) => {
    await page.getByRole('button', { name: /Alla dagar|All days/ }).click();
    await page.locator('[data-recording]').nth(3).waitFor();
  },
  'recordings-listen': async (page) => {
    await page.getByRole('button', { name: /Alla dagar|All days/ }).click();
    await page.locator('[data-recording] button').nth(1).click();
    await page.locator('.player input').fill('Klagomål på bemötandet, ärende SD-100231');
  },
  'recordings-none': (page) => page.getByText(/Inga inspelningar i urvalet|No such recordings/).waitFor(),
  'ticket-recordings': (page) => page.getByRole('link', { name: /2 inspelningar|2 recordings/ }).waitFor(),
  'mark-sure': async (page) => {
    await page.locator('.marks button').first().click();
    await page.locator('.marks .sure').waitFor();
  },
  'call-number': async (page) => {
    await page.locator('.columns[aria-busy=false]').waitFor(); // before it the key means nothing
    await page.keyboard.press('c');
    await page.locator('dialog[open] input').fill('0701740699');
  },
  'call-unconfirmed': async (page) => {
    await page.locator('.columns[aria-busy=false]').waitFor(); // before it the key means nothing
    await page.keyboard.press('c');
    await page.locator('dialog[open] input').fill('0701740699');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open] .look').waitFor();
  },
  'call-person': async (page) => {
    await page.getByRole('button', { name: /^(Ring|Call) Karin Öst$/ }).click();
    await page.locator('dialog[open] .number').waitFor();
  },
  'text-held': async (page) => {
    await openText(page);
    await page.locator('.pane input').waitFor();
  },
  text: async (page) => {
    await openText(page);
    await page.locator('.pane input').fill('Vilken skola gäller det?');
    await page.keyboard.press('Enter');
    await page.locator('.pane input').fill('Jag ser');
  },
};

/** Requests that are refused in one of these states, with the code. */
export const phoneRefusals = { 'call-unconfirmed': { call: 'unconfirmed' } };
