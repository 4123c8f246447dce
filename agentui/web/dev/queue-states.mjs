// The states of the queue's rules: what is taken and planned, why and how long somebody waits, colleagues who are asked,
// calls that are promised, and what is said of it afterwards. They belong to states.mjs.

import { busy, callers, connected, contactOf, held, minute, needsOf, quiet, ringing, row, second, textOf, texts, why, wrapUp } from './parts.mjs';

/** One queue with everything that its rows can say. */
function rules(now) {
  const rows = [
    row(now, 1, 'voice', 'priority', 6 * second, 20 * second, { class: 2, party: 'kc', needs: needsOf('staff'), expectedUntil: now + 25 * second }),
    row(now, 2, 'voice', 'staff', 52 * second, minute, {
      class: 1,
      residents: 1200,
      service: 'network',
      needs: [{ skill: 'network', level: 3 }],
      relaxesAt: now + 20 * second,
      expectedUntil: now + 50 * second,
    }),
    row(now, 3, 'voice', 'staff', 102 * second, minute, { callback: true, relaxed: 1, needs: [], expectedUntil: now + 80 * second }),
    row(now, 4, 'chat', 'chat-platform', 40 * second, minute, {
      service: 'platform',
      prefer: 'anna',
      preferUntil: now + 48 * second,
      needs: needsOf('platform'),
      risesAt: now + 80 * second,
      expectedUntil: now + 130 * second,
    }),
    row(now, 5, 'voice', 'pupils', 18 * second, minute, {
      relaxesAt: now + 42 * second,
      relaxesTo: needsOf('staff'),
      needs: needsOf('english', 'pupils'),
      prefer: 'eva',
      preferUntil: now + 12 * second,
    }),
    row(now, 6, 'mail', 'mailbox', 95 * minute, 8 * 60 * minute, { expectedUntil: now + 22 * minute }),
  ];
  return { ...busy(now), queue: rows, queueLength: rows.length };
}

const bo = { agent: 'bo', name: 'Bo Lind' };

/** A call on hold while a colleague is asked. */
function consulting(now, state, since) {
  const model = held(now);
  const consult = { ...bo, state, since: now - since, ...(state === 'asked' && { expires: now + 9 * second }) };
  return { ...model, contacts: model.contacts.map((contact) => ({ ...contact, consult })) };
}

export const queueStates = {
  'paths-some': (now) => ({ ...quiet(now), me: { ...quiet(now).me, channels: ['chat', 'mail'] } }),
  paths: (now) => ({ ...quiet(now), me: { ...quiet(now).me, channels: ['chat', 'mail'] } }),
  'pause-after': (now) => connected(now),
  planned: (now) => ({ ...connected(now), me: { ...connected(now).me, next: 'paused', nextReason: 'lunch' } }),
  'planned-sign-out': (now) => ({ ...connected(now), me: { ...connected(now).me, next: 'signed-out' } }),
  'paused-overdue': (now) => ({
    ...busy(now),
    me: { presence: 'paused', reason: 'lunch', cause: 'agent', since: now - (48 * minute + 12 * second), overdue: now - (3 * minute + 12 * second), reachable: true },
  }),
  'break-full': quiet,
  'sign-out-open': (now) => texts(now, [textOf(now, 'chat'), textOf(now, 'mail')]),
  queue: rules,
  'ringing-preferred': (now) =>
    ringing(now, callers.known, { residents: 1200, why: { ...why, rule: 'preferred', candidates: 1, class: 1, risen: true } }),
  'ringing-callback': (now) =>
    ringing(now, callers.known, { callback: true, arrived: now - 95 * minute, why: { ...why, rule: 'appointed', candidates: 1 } }),
  'ringing-consult': (now) => ringing(now, callers.known, { consultedBy: bo, service: 'platform' }),
  decline: (now) => ringing(now),
  transfer: (now) => connected(now),
  'transfer-chat': (now) => texts(now, [textOf(now, 'chat')]),
  'consult-asked': (now) => consulting(now, 'asked', 6 * second),
  'consult-talking': (now) => consulting(now, 'talking', 31 * second),
  consulted: (now) => ({
    ...connected(now),
    contacts: [contactOf(now, 'connected', callers.known, { consultedBy: bo, since: now - 12 * second, note: '' })],
  }),
  promise: (now) => wrapUp(now),
  impact: (now) => ({ ...wrapUp(now), contacts: [contactOf(now, 'wrap-up', callers.known, { wrapUpUntil: now + 158 * second, residents: 1200 })] }),
  explanation: (now) => connected(now),
  callbacks: (now) => {
    const card = (n, extra) => ({
      dials: 0,
      dialsLeft: 3,
      contact: `0193-c${n}`,
      line: 'staff',
      caller: callers.known,
      arrived: now - (10 + n) * minute,
      since: now - (8 + n) * minute,
      ...extra,
    });
    return {
      ...busy(now),
      callbacks: [
        card(1),
        card(2, { dueAt: now + 50 * minute, for: 'eva', caller: callers.long }),
        card(3, { dueAt: now - 4 * minute, for: 'anna', tries: 1, caller: { ...callers.known, name: 'Omar Nilsson', number: '+46701740631' } }),
        card(4, { dials: 3, dialsLeft: 0, line: 'pupils', caller: callers.unknown, tries: 3, exhausted: true }),
      ],
    };
  },
};

/** What is done in one of these states before it is looked at. */
export const queueActs = {
  paths: async (page) => {
    await page.locator('[popovertarget="paths"]').click();
    await page.locator('#paths form').waitFor();
  },
  'pause-after': async (page) => {
    await page.locator('[data-contact]').waitFor();
    await page.locator('[popovertarget="pause-reasons"]').click();
  },
  'break-full': async (page) => {
    await page.locator('[popovertarget="pause-reasons"]').click();
    await page.locator('#pause-reasons .reason').first().click();
    await page.getByRole('alert').getByText(/\w/).waitFor();
  },
  'sign-out-open': async (page) => {
    await page.locator('[data-contact]').waitFor();
    await page.locator('[popovertarget="main-menu"]').click();
    await page.locator('#main-menu button').last().click();
    await page.locator('dialog[open]').waitFor();
  },
  queue: (page) => page.locator('#waiting-heading').evaluate((heading) => heading.scrollIntoView()),
  decline: async (page) => {
    await page.locator('[popovertarget="decline-reasons"]').click();
    await page.locator('#decline-reasons button').first().waitFor();
  },
  transfer: openTransfer,
  'transfer-chat': openTransfer,
  promise: async (page) => {
    await page.getByRole('button', { name: /Ring upp senare|Call back later/ }).click();
    await page.locator('dialog[open]').waitFor();
  },
  explanation: async (page) => {
    await page.locator('.explain button').click();
    await page.locator('dialog[open] ol').waitFor();
  },
};

async function openTransfer(page) {
  await page.locator('[data-transfer]').click();
  await page.locator('#transfer li').first().waitFor();
}

/** Requests that are refused in one of these states, with the code. */
export const queueRefusals = { 'break-full': { presence: 'break-full' } };
