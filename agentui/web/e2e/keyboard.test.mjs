// A working day without a mouse, at the real server with a real caller: every step by keys alone, and what a screen
// reader is told of it.

import assert from 'node:assert/strict';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

/** More stops than a page of the console has. */
const mostStops = 120;

/** Moves the focus by Tab to what is wanted; fails when it cannot be reached. */
async function tabTo(page, what) {
  await what.waitFor();
  for (let stops = 0; stops < mostStops; stops++) {
    if (await what.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`no Tab leads to ${what}`);
}

/** Presses a button that was reached by Tab. */
async function press(page, name, key = 'Enter') {
  await tabTo(page, page.getByRole('button', { name }).and(page.locator(':visible')).first());
  await page.keyboard.press(key);
}

/** Where the focus is, for comparing. */
const focusOf = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent.trim()}`;
  });

story('a whole day by keyboard alone', async ({ server, visitor, call }) => {
  const anna = await visitor();
  const { page } = anna;
  await anna.signIn('anna', 'svar-demo');
  await anna.shows('Inte redo');
  await press(page, /^Bli redo/);
  await anna.shows('Redo');

  const caller = await call('staff');
  await anna.card.waitFor();
  await press(page, /^Svara/);
  await anna.shows('I samtal');
  await Promise.all([caller.hearsTone(agentTone, 1), anna.hearsTone(callerTone)]);

  await press(page, /^Vänteläge/);
  await anna.shows('Vänteläge');
  await press(page, /^Återuppta/);
  await anna.shows('I samtal');

  await press(page, /^Knappsats/);
  await page.keyboard.type('7#');
  await caller.wasPressed('7#');
  await page.keyboard.press('Escape');

  await tabTo(page, page.getByLabel('Anteckning'));
  await page.keyboard.type('Låst konto, öppnat.');
  await page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
  await page.keyboard.press('F4'); // keys of a call work while typing
  await anna.shows('Vänteläge');
  await page.keyboard.press('F4');
  await anna.shows('I samtal');
  await page.getByLabel('Anteckning').and(page.locator(':focus')).waitFor();

  await press(page, /^Lägg på/);
  await caller.wasEnded();
  await anna.shows('Efterarbete');
  await tabTo(page, page.getByRole('radio').first());
  await page.keyboard.press('Space');
  await press(page, /^Spara och avsluta/);
  await anna.contact.waitFor({ state: 'detached' });
  await anna.shows('Redo');

  await press(page, /^Paus/);
  await page.getByText('Varför pausar du?').waitFor();
  await press(page, 'Lunch');
  await anna.shows('Paus');
  await press(page, 'Meny');
  await press(page, 'Logga ut');
  await page.getByRole('button', { name: 'Logga in' }).waitFor();

  const [contact, ...others] = await server.contactsOnce('closed');
  assert.deepEqual([contact.agent, contact.end, others.length], ['anna', 'handled', 0]);
});

story('whoever uses a screen reader hears line and name once, and keeps the place', async ({ agent, call }) => {
  const anna = await agent('anna');
  const { page } = anna;
  await tabTo(page, page.getByRole('link', { name: 'Ärenden' }));
  await page.keyboard.press('Enter');
  const search = page.getByRole('searchbox').or(page.getByRole('textbox')).first();
  await tabTo(page, search);
  await page.keyboard.type('skriv');
  const before = await focusOf(page);

  const live = page.locator('#ring-announcement');
  assert.deepEqual([await live.getAttribute('aria-live'), await live.textContent()], ['assertive', '']);
  await call('staff');
  await anna.card.waitFor();
  await page.keyboard.type('are');
  assert.equal(await search.inputValue(), 'skrivare', 'what is typed goes where it went before');
  assert.equal(await focusOf(page), before);
  assert.equal((await live.textContent()).trim(), 'Medarbetare: Karin Holm ringer.');
  assert.equal(await page.locator('[aria-live=assertive]').filter({ hasText: 'Karin Holm' }).count(), 1);
  // The seconds that are left count down on the card, and are told to nobody.
  assert.equal(await anna.card.getByRole('timer').getAttribute('aria-live'), 'off');
  assert.deepEqual(await page.evaluate(() => window.announcements), ['Medarbetare: Karin Holm ringer.']);
});
