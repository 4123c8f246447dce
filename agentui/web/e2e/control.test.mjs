// What an agent does with a call and after it, against a server that the test plays line by line: hold, keypad, outcome
// from the first second on, a wrap-up that runs out, one's own last contacts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, contactOf, openTickets } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { open } from './standin.mjs';

/** A state with this one contact instead of the story book's. */
const withContact = (state, kind, extra) => (now) => ({ ...states[state](now), contacts: [contactOf(now, kind, callers.known, extra)] });
const noted = { note: '' };

test('a call is put on hold and taken back by a key that works while typing', async () => {
  const { context, page, server } = await open(withContact('connected', 'connected', noted));
  await page.getByLabel('Anteckning').focus();
  await page.keyboard.press('F4');
  assert.equal((await server.asked('hold')).contact, '0193-ringing');
  server.state(states.held(Date.now()));
  await page.getByText('Användaren hör musik och inte dig.').waitFor();
  await page.getByRole('group', { name: 'Min status' }).getByText('Vänteläge').waitFor();
  await page.locator('[data-contact] .clock').getByText(/^0:4\d$/).waitFor();
  await page.getByRole('button', { name: 'Återuppta' }).click();
  assert.equal((await server.asked('resume')).contact, '0193-ringing');
  server.state(states.connected(Date.now()));
  await page.getByRole('button', { name: 'Vänteläge' }).waitFor();
  await page.locator('[data-contact] .clock').getByText(/^3:0\d$/).waitFor();
  await context.close();
});

test('the buttons of a call stand in one order, whatever its state', async () => {
  const { context, page, server } = await open(states.connected);
  const order = async () =>
    (await page.getByRole('toolbar', { name: 'Samtal' }).locator('.word').allInnerTexts()).map((word) => word.trim());
  assert.deepEqual(await order(), ['Mikrofon', 'Vänteläge', 'Knappsats', 'Koppla', 'Lägg på']);
  server.state(states.held(Date.now()));
  await page.getByRole('button', { name: 'Återuppta' }).waitFor();
  assert.deepEqual(await order(), ['Mikrofon', 'Återuppta', 'Knappsats', 'Koppla', 'Lägg på']);
  await context.close();
});

test('keys are pressed by mouse and by the digits of the keyboard, shown while the keypad is open, and kept nowhere', async () => {
  const { context, page, server } = await open(withContact('connected', 'connected', noted));
  const pressed = page.getByRole('status', { name: 'Tryckt' });
  await page.getByRole('button', { name: 'Knappsats' }).click();
  const keypad = page.getByRole('group', { name: 'Knappsats' });
  await keypad.getByRole('button', { name: '5', exact: true }).click();
  const first = await server.asked('key');
  assert.deepEqual([first.contact, first.key], ['0193-ringing', '5']);
  for (const key of ['1', '#', '*', '0']) {
    await page.keyboard.press(key);
    assert.equal((await server.asked('key')).key, key);
  }
  assert.equal(await pressed.innerText(), '51#*0');
  await page.keyboard.press('Escape');
  await keypad.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Knappsats' }).click();
  await keypad.getByText('Inget tryckt än').waitFor();
  await page.keyboard.press('Escape');
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(stored, /51#\*0/);
  await context.close();
});

test('a key that is pressed before the focus is in the opened keypad counts, and one before it is open does not', async () => {
  const { context, page, server } = await open(withContact('connected', 'connected', noted));
  const button = page.getByRole('button', { name: 'Knappsats' });
  await button.evaluate((element) => {
    const type = (key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    type('6');
    element.click();
    type('7'); // the toggle event, which moves the focus, has not come yet
  });
  assert.equal((await server.asked('key')).key, '7');
  await page.getByRole('status', { name: 'Tryckt' }).getByText('7', { exact: true }).waitFor();
  await context.close();
});

test('digits outside the keypad press nothing, and a key that is refused says why', async () => {
  const { context, page, server } = await open(withContact('connected', 'connected', noted));
  await page.getByLabel('Anteckning').fill('');
  await page.keyboard.type('12');
  await server.asked('note');
  server.replyWith((request) => (request.do === 'key' ? 'wrong-state' : undefined));
  await page.getByRole('button', { name: 'Knappsats' }).click();
  await page.keyboard.press('7');
  assert.equal((await server.asked('key')).key, '7', 'the first key that was pressed');
  await page.getByText('Det går inte just nu.').waitFor();
  await context.close();
});

test('the outcome is on the server from the first second on, and so is the linked ticket', async () => {
  const tickets = openTickets(Date.now());
  const { context, page, server } = await open(withContact('connected', 'connected', { ...noted, tickets }));
  await page.getByText('Fråga besvarad').click();
  const chosen = await server.asked('outcome');
  assert.deepEqual([chosen.contact, chosen.code, chosen.ticket], ['0193-ringing', 'question-answered', undefined]);
  await page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
  await page.getByRole('button', { name: /SD-100231/ }).click();
  const linked = await server.asked('outcome');
  assert.deepEqual([linked.code, linked.ticket], ['question-answered', 'SD-100231']);

  // Loaded again, or in another window: it is the server's word.
  server.first = () => withContact('wrapup', 'wrap-up', { ...noted, code: 'question-answered', chosenTicket: 'SD-100231' })(Date.now());
  await page.reload();
  await page.getByRole('radio', { name: 'Fråga besvarad' }).and(page.locator(':checked')).waitFor();
  await page.getByText('Kontakten hör till SD-100231.').waitFor();
  await page.keyboard.press('Control+Enter');
  const finish = await server.asked('finish');
  assert.deepEqual([finish.code, finish.ticket], ['question-answered', 'SD-100231']);
  await context.close();
});

test('an outcome that another window chose is shown here; one that is refused is taken back, in words', async () => {
  const { context, page, server } = await open(withContact('wrapup', 'wrap-up', noted));
  server.state(withContact('wrapup', 'wrap-up', { ...noted, code: 'passed-on' })(Date.now()));
  await page.getByRole('radio', { name: 'Skickat vidare' }).and(page.locator(':checked')).waitFor();
  server.replyWith((request) => (request.do === 'outcome' ? 'unknown-outcome' : undefined));
  await page.getByText('Fel nummer').click();
  await page.getByRole('alert').getByText('Utfallet finns inte längre.').waitFor();
  await page.getByRole('radio', { name: 'Skickat vidare' }).and(page.locator(':checked')).waitFor();
  await context.close();
});

test('a wrap-up counts down, is told of at a few moments only, and is made longer by a key that works while typing', async () => {
  const wrapUp = (left) => (now) => withContact('wrapup', 'wrap-up', { ...noted, since: now - 130_000, wrapUpUntil: now + left })(now);
  const { context, page, server } = await open(wrapUp(170_000));
  const timer = page.getByRole('timer');
  await timer.getByText(/^2:[45]\d kvar$/).waitFor();
  const said = page.locator('[data-contact] .clock [role=status]');
  assert.equal(await said.textContent(), '');
  server.state(wrapUp(62_500)(Date.now()));
  await timer.getByText(/^1:0\d kvar$/).waitFor();
  await page.getByText('1 minut kvar av efterarbetet.').waitFor({ state: 'attached' });
  const first = await timer.innerText();
  await page.waitForFunction((was) => document.querySelector('[role=timer]').innerText !== was, first);
  assert.match(await said.textContent(), /^1 minut kvar/, 'it is said once, though the digits change');

  await page.getByLabel('Anteckning').focus();
  await page.keyboard.press('Shift+F4');
  assert.equal((await server.asked('extend')).contact, '0193-ringing');
  server.state(withContact('wrapup', 'wrap-up', { ...noted, wrapUpUntil: Date.now() + 170_000 })(Date.now()));
  await timer.getByText(/^2:[45]\d kvar$/).waitFor();
  await page.getByRole('button', { name: '+2 min till efterarbetet' }).click();
  await server.asked('extend');
  await context.close();
});

test('a wrap-up that ran out is told, and leads to what the agent had last', async () => {
  const now = Date.now();
  const { context, page, server } = await open(withContact('wrapup', 'wrap-up', { ...noted, wrapUpUntil: now - 100 }));
  await page.getByLabel('Anteckning').waitFor();
  server.state(states.empty(Date.now()));
  await page.getByText(/^Efterarbetet gick ut \d\d:\d\d, avslutad som ej angivet\.$/).waitFor();
  await page.getByRole('button', { name: 'Visa mina senaste' }).click();
  const own = page.locator('#own-contacts');
  await own.locator('summary').and(page.locator(':focus')).waitFor();
  await own.getByText('Karin Öst').waitFor();
  await own.getByText('Ej angivet').waitFor();
  await own.getByText('Efterarbetet gick ut').waitFor();
  assert.equal(await page.getByText(/^Efterarbetet gick ut \d\d/).count(), 0, 'who has looked need not be told again');
  await context.close();
});

test('who finishes in time is told of nothing', async () => {
  const { context, page, server } = await open((now) => withContact('wrapup', 'wrap-up', { ...noted, code: 'solved', wrapUpUntil: now - 100 })(now));
  await page.getByRole('button', { name: /Spara och avsluta/ }).click();
  await server.asked('finish');
  server.state(states.empty(Date.now()));
  await page.getByText(/Senaste kontakt \d\d:\d\d\./).waitFor();
  assert.equal(await page.getByText('Efterarbetet gick ut').count(), 0);
  await context.close();
});

test("one's own last contacts: how each ended, its ticket, and more of them", async () => {
  const { context, page } = await open(states.empty);
  const own = page.locator('#own-contacts');
  await own.getByText('Mina senaste').click();
  await own.getByText('Skyddad användare').waitFor();
  await own.getByText('Bröts av ett fel').waitFor();
  assert.equal(await own.getByText('Dolt nummer').count(), 0);
  await own.getByRole('button', { name: 'Visa fler' }).click();
  await own.getByText('Dolt nummer').waitFor();
  await own.getByText('Gick tillbaka till kön').waitFor();
  await own.getByRole('button', { name: 'Visa fler' }).waitFor({ state: 'detached' });
  await own.getByRole('link', { name: 'Öppna ärende SD-100231' }).click();
  await page.getByRole('heading', { name: /kursrummet för åk 7/ }).waitFor();
  await context.close();
});

test("one's own last contacts that cannot be read say so, and are read again", async () => {
  const { context, page } = await open(states.empty);
  let failing = true;
  await page.route('**/api/v1/me/contacts*', (route) => (failing ? route.fulfill({ status: 503, body: '{}' }) : route.continue()));
  const own = page.locator('#own-contacts');
  await own.getByText('Mina senaste').click();
  await own.getByRole('alert').waitFor();
  failing = false;
  await own.getByRole('alert').getByRole('button').click();
  await own.getByText('Karin Öst').waitFor();
  await own.getByRole('alert').waitFor({ state: 'detached' });
  await context.close();
});

test('what was missed says why, when, on which line and by which channel', async () => {
  const { context, page } = await open(states.missed);
  const missed = page.getByRole('region', { name: 'Missade' }).getByRole('listitem');
  assert.match((await missed.allInnerTexts()).join('\n').replaceAll(/\s+/g, ' '),
    /Samtal, Medarbetare \d\d:\d\d Inte besvarat .*Elever .*Ljudet kopplades inte upp .*Chatt, .*Konsolen hade ingen kontakt/);
  await context.close();
});

test('without the server the call goes on, and what cannot be asked for cannot be pressed', async () => {
  const { context, page, server } = await open(states.connected);
  const buttons = page.getByRole('toolbar', { name: 'Samtal' });
  await buttons.getByRole('button', { name: 'Vänteläge' }).and(page.locator(':enabled')).waitFor();
  await page.route('**/api/v1/session', (route) => route.abort());
  await page.evaluate(() => {
    window.WebSocket = class {
      close() {}
    };
  });
  await server.close(1011, 'gone');
  await page.getByText(/Kontakten med servern bröts \d\d:\d\d\. Samtalet fortsätter\. Försöker igen\./).waitFor();
  for (const name of ['Vänteläge', 'Knappsats', 'Lägg på']) {
    assert.ok(await buttons.getByRole('button', { name }).isDisabled(), name);
  }
  await page.keyboard.press('F4');
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'hold'), []);
  await context.close();
});
