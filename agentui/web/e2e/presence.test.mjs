// What an agent takes and when he leaves, against a server that the test plays line by line: contact paths, pauses with
// their limits, what is planned for after the last contact, and signing out with contacts at hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { states } from '../dev/states.mjs';
import { open as openConsole } from './standin.mjs';

async function open(first) {
  const opened = await openConsole(first);
  return { ...opened, status: opened.page.getByRole('group', { name: 'Min status' }) };
}

test('an agent takes some contact paths only; the server keeps which, and ready again means the same ones', async () => {
  const { context, page, server, status } = await open(states['not-ready']);
  await status.getByRole('button', { name: 'Vad jag tar emot' }).click();
  for (const name of ['Telefon', 'Formulär']) await page.getByRole('checkbox', { name }).uncheck();
  await page.locator('#paths').getByRole('button', { name: 'Bli redo' }).click();
  const asked = await server.asked('presence');
  assert.deepEqual([asked.presence, asked.channels], ['ready', ['chat', 'mail']]);
  server.state(states['paths-some'](Date.now()));
  await status.getByText('Tar chatt, e-post').waitFor();

  const { me } = states['paths-some'](Date.now());
  server.state({ ...states.paused(Date.now()), me: { ...me, presence: 'paused', reason: 'lunch' } });
  await status.getByText('Lunch').waitFor();
  await page.keyboard.press('r');
  assert.deepEqual((await server.asked('presence')).channels, ['chat', 'mail']);
  await context.close();
});

test('at least one contact path is taken, and all of them are named by none', async () => {
  const { context, page, server, status } = await open(states['paths-some']);
  await status.getByRole('button', { name: 'Vad jag tar emot' }).click();
  for (const name of ['Chatt', 'E-post']) await page.getByRole('checkbox', { name }).uncheck();
  await page.getByRole('alert').getByText('Välj minst en kontaktväg.').waitFor();
  await page.locator('#paths').getByRole('button', { name: 'Ändra' }).click({ force: true });
  for (const name of ['Telefon', 'Chatt', 'E-post', 'Formulär']) await page.getByRole('checkbox', { name }).check();
  await page.locator('#paths').getByRole('button', { name: 'Ändra' }).click();
  const asked = await server.asked('presence');
  assert.deepEqual([asked.presence, asked.channels], ['ready', undefined], 'and it was not asked for with none');
  await context.close();
});

test('a pause beside a contact comes after it, unless it is wanted now; one key takes it back', async () => {
  const { context, page, server, status } = await open(states.connected);
  await page.locator('[data-contact]').waitFor();
  await status.getByRole('button', { name: 'Paus' }).click();
  await page.getByRole('button', { name: 'Lunch högst 45 min' }).click();
  const asked = await server.asked('presence');
  assert.deepEqual([asked.presence, asked.reason, asked.afterContact], ['paused', 'lunch', true]);
  server.state(states.planned(Date.now()));
  await status.getByText('Lunch efter pågående').waitFor();
  await page.locator('body').click({ position: { x: 700, y: 5 } });
  await page.keyboard.press('Escape');
  await page.keyboard.press('r');
  assert.equal((await server.asked('presence')).presence, 'ready');
  server.state(states.connected(Date.now()));
  await status.getByText('Lunch efter pågående').waitFor({ state: 'detached' });

  await status.getByRole('button', { name: 'Paus' }).click();
  await page.getByRole('radio', { name: 'Nu', exact: true }).check();
  await page.getByRole('button', { name: 'Rast högst 15 min' }).click();
  assert.equal((await server.asked('presence')).afterContact, undefined);
  await context.close();
});

test('that too many have a break already is said in words', async () => {
  const { context, page, server, status } = await open(states.empty);
  server.replyWith((request) => (request.do === 'presence' ? 'break-full' : undefined));
  await status.getByRole('button', { name: 'Paus' }).click();
  await page.getByRole('button', { name: 'Rast högst 15 min' }).click();
  await page.getByRole('alert').getByText('Så många som får ha rast samtidigt har det redan.').waitFor();
  await context.close();
});

test('a pause says until when, and by how much it is over', async () => {
  const { context, server, status } = await open((now) => {
    const model = states.paused(now);
    return { ...model, me: { ...model.me, overdue: now + 60_000 } };
  });
  await status.getByText(/^Lunch · till \d\d:\d\d$/).waitFor();
  server.state(states['paused-overdue'](Date.now()));
  await status.getByText(/^\+3:1\d över$/).waitFor();
  await context.close();
});

test('signing out with contacts says which, and offers to do it after them', async () => {
  const { context, page, server } = await open(states['sign-out-open']);
  await page.locator('[data-contact]').waitFor();
  await page.getByRole('button', { name: 'Meny' }).click();
  await page.getByRole('button', { name: 'Logga ut' }).click();
  const dialog = page.getByRole('dialog', { name: 'Du har kontakter kvar' });
  assert.equal(await dialog.getByRole('listitem').count(), 2);
  await dialog.getByRole('button', { name: 'Logga ut efter pågående' }).click();
  const asked = await server.asked('presence');
  assert.deepEqual([asked.presence, asked.afterContact], ['signed-out', true]);
  await dialog.waitFor({ state: 'hidden' });
  server.state({ ...states['sign-out-open'](Date.now()), me: states['planned-sign-out'](Date.now()).me });
  await page.getByText('Loggas ut efter pågående').waitFor();
  server.state(states['not-ready'](Date.now()));
  await page.getByRole('button', { name: 'Logga in' }).waitFor();
  await context.close();
});

test("while it rings, the window's title has the line and nobody's name", async () => {
  const { context, page } = await open(states.ringing);
  await page.waitForFunction(() => document.title === '☎ Medarbetare');
  await page.waitForFunction(() => document.title === 'Kontakt väntar på svar');
  await context.close();
});
