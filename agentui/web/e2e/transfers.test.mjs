// How a contact leaves an agent without being finished, against a server that the test plays line by line: sent to a
// colleague or group, after asking him first, or promised to be called back; and what is said of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, contactOf, hello } from '../dev/parts.mjs';
import { scriptServer } from '../dev/script.mjs';
import { states } from '../dev/states.mjs';
import { browser, mock, open } from './standin.mjs';

test('a call is sent to a group by key and search alone, with its note', async () => {
  const { context, page, server } = await open((now) => ({ ...states.connected(now), contacts: [contactOf(now, 'connected', callers.known, { note: '' })] }));
  await page.getByLabel('Anteckning').fill('Hjälp med kursrum');
  await page.keyboard.press('F9');
  const panel = page.getByRole('group', { name: 'Koppla' }).first();
  await page.getByRole('searchbox', { name: 'Sök kollega eller grupp' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.type('trådl');
  await panel.getByRole('button', { name: 'Koppla till Bo Lind' }).waitFor();
  await panel.getByRole('button', { name: 'Koppla till Eva Berg' }).waitFor({ state: 'detached' });
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await panel.getByRole('button', { name: 'Koppla till Trådlöst nät' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  const sent = await server.asked('transfer');
  assert.deepEqual([sent.contact, sent.to], ['0193-ringing', { group: 'network' }]);
  assert.equal((await server.asked('note')).note, 'Hjälp med kursrum');
  await context.close();
});

test('a colleague is asked first: asked, talking, handed over by the same key', async () => {
  const { context, page, server } = await open(states.connected);
  await page.getByRole('button', { name: /^Koppla/ }).first().click();
  assert.ok(await page.getByRole('button', { name: 'Fråga först: Ida Kron' }).isDisabled(), 'who has a break is not asked');
  await page.getByRole('button', { name: 'Fråga först: Bo Lind' }).click();
  assert.deepEqual((await server.asked('consult')).to, { agent: 'bo' });
  server.state(states['consult-asked'](Date.now()));
  const bar = page.getByRole('region', { name: 'Fråga kollega' });
  await bar.getByText('Frågar Bo Lind').waitFor();
  assert.ok(await page.getByRole('button', { name: /^Återuppta/ }).isDisabled(), 'the caller waits for the answer');
  server.state(states['consult-talking'](Date.now()));
  await bar.getByText('Du pratar med Bo Lind').waitFor();
  await page.keyboard.press('F9');
  assert.equal((await server.asked('complete-transfer')).contact, '0193-ringing');
  server.state(states.empty(Date.now()));
  await bar.waitFor({ state: 'detached' });
  assert.equal(await page.getByText('Kollegan svarade inte').count(), 0);
  await context.close();
});

test('a colleague who does not answer is told of; who takes the question back is told of nothing', async () => {
  const { context, page, server } = await open(states['consult-asked']);
  await page.getByText('Frågar Bo Lind').waitFor();
  server.state(states.held(Date.now()));
  await page.getByRole('alert').getByText('Kollegan svarade inte eller avböjde.').waitFor();
  await page.getByRole('alert').getByRole('button').click();
  server.state(states['consult-asked'](Date.now()));
  await page.getByRole('region', { name: 'Fråga kollega' }).getByRole('button', { name: 'Avbryt' }).click();
  await server.asked('consult-end');
  server.state(states.held(Date.now()));
  await page.getByText('Användaren hör musik och inte dig.').waitFor();
  assert.equal(await page.getByText('Kollegan svarade inte').count(), 0);
  await context.close();
});

test('that a colleague is not free is said of him', async () => {
  const { context, page, server } = await open(states.connected);
  server.replyWith((request) => (request.do === 'consult' ? 'not-free' : undefined));
  await page.keyboard.press('F9');
  await page.getByRole('button', { name: 'Fråga först: Eva Berg' }).click();
  await page.getByRole('alert').getByText('Kollegan är inte ledig just nu.').waitFor();
  await context.close();
});

test('who is asked sees by whom, can only talk and leave, and by the key for hanging up too', async () => {
  const { context, page, server } = await open(states['ringing-consult']);
  const card = page.locator('[data-offer]');
  await card.getByText('Bo Lind frågar dig').waitFor();
  assert.equal((await page.locator('#ring-announcement').textContent()).trim(), 'Bo Lind frågar dig om ett samtal på Medarbetare.');
  server.state(states.consulted(Date.now()));
  await page.getByText('Bo Lind frågar dig om det här samtalet').waitFor();
  assert.equal(await page.getByLabel('Anteckning').count(), 0);
  await page.keyboard.press('Shift+F2');
  assert.equal((await server.asked('consult-end')).contact, '0193-ringing');
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'hang-up'), [], 'the caller is not hung up on');
  await context.close();
});

test('a chat is sent on without asking', async () => {
  const { context, page, server } = await open(states.chat);
  await page.getByRole('button', { name: /^Koppla/ }).first().click();
  await page.getByRole('button', { name: 'Koppla till Eva Berg' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Fråga först/ }).count(), 0);
  await page.getByRole('button', { name: 'Koppla till Eva Berg' }).click();
  assert.deepEqual((await server.asked('transfer')).to, { agent: 'eva' });
  await context.close();
});

test('a call-back is promised for a time of tomorrow, by oneself or by whoever is free', async () => {
  const { context, page, server } = await open(states.wrapup);
  await page.getByRole('button', { name: 'Ring upp senare' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Lova' }).click();
  await dialog.getByRole('alert').getByText('Välj en dag och en tid.').waitFor();
  await dialog.getByRole('button', { name: 'I morgon 10:00' }).click();
  await dialog.getByRole('radio', { name: 'Den som är ledig' }).check();
  await dialog.getByRole('button', { name: 'Lova' }).click();
  const { contact, at, mine } = await server.asked('callback');
  assert.deepEqual([contact, mine], ['0193-ringing', undefined]);
  const inStockholm = new Intl.DateTimeFormat('sv', { timeZone: 'Europe/Stockholm', hour: '2-digit', minute: '2-digit' });
  assert.equal(inStockholm.format(at), '10:00');
  assert.ok(at > Date.now() && at < Date.now() + 48 * 3_600_000);
  await dialog.waitFor({ state: 'hidden' });
  await context.close();
});

test('call-backs: mine first, overdue and given-up ones are marked, and one is offered as one', async () => {
  const { context, page, server } = await open(states.callbacks);
  const items = page.getByRole('region', { name: 'Återuppringningar' }).getByRole('listitem');
  await items.first().getByText('Lovad av dig').waitFor();
  await items.first().getByText(/^Skulle ha ringts \d\d:\d\d$/).waitFor();
  await items.nth(1).getByText('Lovad av Eva Berg').waitFor();
  await items.filter({ hasText: 'Okänt nummer' }).getByText('Erbjuds inte mer: ring själv eller avsluta').waitFor();
  server.state(states['ringing-callback'](Date.now()));
  const card = page.locator('[data-offer]');
  await card.getByText('Återuppringning · Medarbetare').waitFor();
  await card.getByText('Du har lovat att ringa upp').waitFor();
  await card.getByRole('button', { name: /^Ring upp/ }).click();
  assert.equal((await server.asked('accept')).offer, 41);
  await context.close();
});

test('for how many a contact stands is kept by Enter, and a slip is said', async () => {
  const { context, page, server } = await open(states.wrapup);
  const field = page.getByRole('textbox', { name: 'Berörda invånare och företag' });
  await field.fill('många');
  await page.getByText('Skriv ett helt tal, högst en miljon.').waitFor();
  await field.fill('1 200');
  await page.keyboard.press('Enter');
  const { contact, residents } = await server.asked('impact');
  assert.deepEqual([contact, residents], ['0193-ringing', 1200]);
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'finish'), [], 'Enter here finishes nothing');
  server.state(states.impact(Date.now()));
  await page.getByRole('definition').getByText(/^1\s200$/).waitFor();
  await context.close();
});

test('why it went this way is told in words, and when it cannot be read that is said', async () => {
  const { context, page } = await open(states.connected);
  await page.locator('.explain').getByRole('button', { name: 'Varför?' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Kravet sänktes efter 30 sekunder till Medarbetare.').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.route('**/explanation*', (route) => route.fulfill({ status: 403, body: '{}' }));
  await page.locator('.explain').getByRole('button', { name: 'Varför?' }).click();
  await dialog.getByText('Du har inte rätt att göra det.').waitFor();
  await context.close();
});

test('the queue says what is needed, what comes next, for whom somebody is kept, and how long it may take', async () => {
  const { context, page } = await open(states.queue);
  const rows = page.getByRole('list', { name: 'I den ordning de erbjuds' }).getByRole('listitem');
  await rows.nth(1).getByText('Trådlöst nät nivå 3').waitFor();
  await rows.nth(1).getByText(/→ om 0:[12]\d: vem som helst/).waitFor();
  await rows.nth(1).getByText(/Berör 1\s200/).waitFor();
  await rows.nth(2).getByText('återuppringning').waitFor();
  await rows.nth(3).getByText(/^väntar på dig i 0:4\d$/).waitFor();
  await rows.nth(3).getByText('cirka 3 min kvar').waitFor();
  await rows.nth(4).getByText(/^väntar på Eva Berg i 0:\d\d$/).waitFor();
  await context.close();
});

test('whoever may not see figures is offered no look at why others wait', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const server = await scriptServer(page, { ...hello, seesFigures: false });
  server.first = () => states.queue(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  const list = page.getByRole('list', { name: 'I den ordning de erbjuds' });
  await list.getByRole('listitem').first().waitFor();
  assert.equal(await list.getByRole('button').count(), 0);
  await context.close();
});
