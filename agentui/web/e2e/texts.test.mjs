// Chats, mails, forms and call-backs in the console, against a server that the test plays line by line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, chatLines, contactOf, offerOf, openTickets, textOf } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { open } from './standin.mjs';

const log = (page) => page.getByRole('log', { name: 'Chatten' });
const ongoing = (page, id) => page.locator(`[data-ongoing="${id}"]`);

test('a chat is read and answered; a line is there once it is acknowledged', async () => {
  const { context, page, server } = await open(states.chat);
  assert.equal((await server.asked('chat-follow')).after, 0);
  server.chat('0193-chat', chatLines(Date.now()));
  await log(page).getByText('Almgårdens skola, jag började där i augusti.').waitFor();
  await page.getByLabel('Meddelande').and(page.locator(':focus')).waitFor();

  await page.keyboard.type('Rad ett');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('rad två');
  await page.keyboard.press('Enter');
  const sent = await server.asked('chat-send');
  assert.equal(sent.text, 'Rad ett\nrad två');
  assert.match(sent.message, /^[0-9a-f-]{36}$/);
  assert.equal(await page.getByLabel('Meddelande').inputValue(), '');
  await log(page).locator('.outgoing').getByText('Skickat').waitFor();
  server.chat('0193-chat', [{ sequence: 90, id: sent.message, from: 'agent', agent: 'anna', kind: 'text', text: sent.text, at: Date.now() }]);
  await log(page).locator('.outgoing').waitFor({ state: 'detached' });
  assert.equal(await log(page).getByText('rad två').count(), 1);
  await context.close();
});

test('after a break a chat goes on where it was, and an unacknowledged line is sent again with its id', async () => {
  // chatwoot#14934, chatwoot#995
  const { context, page, server } = await open(states.chat);
  await server.asked('chat-follow');
  server.chat('0193-chat', chatLines(Date.now()));
  await log(page).getByText('Almgårdens skola').waitFor();
  server.replyWith((request) => (request.do === 'chat-send' ? 'unavailable' : undefined));
  await page.getByLabel('Meddelande').fill('Är du kvar?');
  await page.keyboard.press('Enter');
  const first = await server.asked('chat-send');
  await log(page).locator('.outgoing.sending').getByText('Är du kvar?').waitFor();

  server.replyWith(() => undefined);
  server.requests.length = 0;
  await server.close(1011, 'gone');
  assert.equal((await server.asked('chat-follow')).after, chatLines(0).at(-1).sequence);
  assert.equal((await server.asked('chat-send')).message, first.message);
  await context.close();
});

test('a line that the server refuses says why, and its text is not lost', async () => {
  const { context, page, server } = await open(states.chat);
  server.replyWith((request) => (request.do === 'chat-send' ? 'not-yours' : undefined));
  await page.getByLabel('Meddelande').fill('För sent');
  await page.keyboard.press('Enter');
  await log(page).getByText('Inte skickat: Kontakten är hos någon annan.').waitFor();
  await log(page).getByRole('button', { name: 'Ta tillbaka' }).click();
  assert.equal(await page.getByLabel('Meddelande').inputValue(), 'För sent');
  await context.close();
});

test('contacts beside each other: unread lines are counted, digits and clicks choose', async () => {
  const { context, page, server } = await open((now) => ({ ...states.several(now), offer: undefined }));
  await page.getByLabel('Meddelande').and(page.locator(':focus')).waitFor();
  server.chat('0193-chat-2', [{ sequence: 5, id: 'x', from: 'caller', kind: 'text', text: 'Hallå?', at: Date.now() }]);
  await ongoing(page, '0193-chat-2').getByText('1 oläst').waitFor();

  await page.getByLabel('Meddelande').fill('halv mening');
  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await log(page).getByText('Hallå?').waitFor();
  await ongoing(page, '0193-chat-2').getByText('1 oläst').waitFor({ state: 'detached' });
  assert.equal(await page.getByLabel('Meddelande').inputValue(), '');

  await ongoing(page, '0193-mail').click();
  await page.getByRole('textbox', { name: 'Svar till användaren' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('1');
  await page.waitForFunction(() => document.getElementById('chat-message')?.value === 'halv mening');
  await context.close();
});

test('an offer never takes the focus from a chat that is being written', async () => {
  const { context, page, server } = await open(states.chat);
  await page.getByLabel('Meddelande').fill('Jag skri');
  server.state({ ...states.chat(Date.now()), offer: offerOf(Date.now(), callers.claimed, { channel: 'chat', line: 'chat-platform' }) });
  await page.locator('[data-offer]').getByText('Chatt · Chatt om lärplattformen').waitFor();
  await page.keyboard.type('ver');
  assert.equal(await page.getByLabel('Meddelande').inputValue(), 'Jag skriver');
  assert.equal(await page.locator('#ring-announcement').textContent(), 'Chatt om lärplattformen: Chatt från Leila Farah.');
  await context.close();
});

test('a text is taken without a microphone', async () => {
  const { context, page, server } = await open((now) => ({ ...states['ringing-mail'](now), me: { ...states['ringing-mail'](now).me, presence: 'paused' } }));
  await page.locator('[data-offer]').waitFor();
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  });
  await page.keyboard.press('F2');
  assert.equal((await server.asked('accept')).offer, 41);
  await context.close();
});

test('a chat is given back, or ended and then finished', async () => {
  const { context, page, server } = await open(states.chat);
  await page.getByLabel('Meddelande').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('alert').getByText('Chatten pågår').waitFor();
  await page.getByRole('button', { name: 'Lämna tillbaka till kön' }).click();
  assert.equal((await server.asked('give-back')).contact, '0193-chat');
  server.state(states.empty(Date.now()));
  await page.getByText(/Senaste kontakt/).waitFor();

  server.state(states.chat(Date.now()));
  await page.getByRole('button', { name: 'Avsluta chatten' }).click();
  assert.equal((await server.asked('hang-up')).contact, '0193-chat');
  server.state(states['chat-wrapup'](Date.now()));
  await page.getByText('Löst', { exact: true }).click();
  await page.keyboard.press('Control+Enter');
  const finish = await server.asked('finish');
  assert.deepEqual([finish.contact, finish.code, finish.ticket], ['0193-chat', 'solved', undefined]);
  await context.close();
});

test('a mail is shown in its frame without scripts, answered, and finished with its ticket', async () => {
  const { context, page, server, posts } = await open(states.mail);
  const messages = [];
  await page.exposeFunction('heard', (message) => messages.push(message));
  await page.evaluate(() => addEventListener('message', ({ data }) => window.heard(String(data))));
  const frame = page.locator('iframe');
  assert.equal(await frame.getAttribute('sandbox'), '');
  await page.frameLocator('iframe').getByText('visar fel salar sedan i måndags').waitFor();
  assert.deepEqual(messages, [], 'no script of the mail has run');
  await page.getByText('Tack! Onsdagen är fortfarande fel.').waitFor();
  await page.getByRole('link', { name: 'schema vecka 48.pdf, 184 kB' }).waitFor();

  await page.getByRole('textbox', { name: 'Svar till användaren' }).fill('Nu är onsdagen rättad.');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('alert').getByText('Svaret är inte skickat.').waitFor();
  await page.getByRole('button', { name: 'Skicka svar' }).click();
  await page.getByRole('listitem').getByText('Nu är onsdagen rättad.').waitFor();
  assert.deepEqual(posts.at(-1), {
    path: '/api/v1/tickets/SD-100240/entries',
    body: { kind: 'answer', text: 'Nu är onsdagen rättad.', contact: '0193-mail' },
  });
  assert.equal(await page.getByRole('textbox', { name: 'Svar till användaren' }).inputValue(), '');

  await page.getByRole('button', { name: 'Avsluta med SD-100240' }).click();
  const finish = await server.asked('finish');
  assert.deepEqual([finish.contact, finish.ticket, finish.code], ['0193-mail', 'SD-100240', undefined]);
  await context.close();
});

test('a begun answer is still there after a reload, and a new entry is shown before it is sent', async () => {
  const { context, page } = await open(states.form);
  const answer = page.getByRole('textbox', { name: 'Svar till användaren' });
  await answer.fill('Vi byter accesspunkten.');
  await page.reload();
  await answer.waitFor();
  assert.equal(await answer.inputValue(), 'Vi byter accesspunkten.');
  await page.evaluate(() =>
    fetch('/api/v1/tickets/SD-100241/entries', { method: 'POST', body: JSON.stringify({ kind: 'answer', text: 'Bo svarar.' }) }),
  );
  await page.getByRole('button', { name: 'Skicka svar' }).click();
  await page.getByRole('alert').getByText('Något nytt har kommit').waitFor();
  await page.getByText('Bo svarar.').waitFor();
  await page.getByRole('button', { name: 'Skicka ändå' }).click();
  await page.getByRole('listitem').getByText('Vi byter accesspunkten.').waitFor();
  await context.close();
});

test('a ticket is made in two clicks, with a subject from the note, and the call is finished with it', async () => {
  const { context, page, server, posts } = await open(states['wrapup-tickets']);
  const panel = page.getByRole('region', { name: 'Ärende' });
  await panel.getByText('Incident').click();
  assert.equal(await panel.getByLabel('Rubrik').inputValue(), 'Kan inte logga in i lärplattformen efter byte av lösenord.');
  assert.equal(await panel.getByLabel('Tjänst').inputValue(), 'platform');
  await panel.getByRole('button', { name: 'Skapa och avsluta' }).click();
  const finish = await server.asked('finish');
  assert.match(finish.ticket, /^SD-\d+$/);
  assert.deepEqual(posts.at(-1).body, {
    kind: 'incident',
    subject: 'Kan inte logga in i lärplattformen efter byte av lösenord.',
    contact: '0193-ringing',
    service: 'platform',
    note: 'Kan inte logga in i lärplattformen efter byte av lösenord.',
  });
  await context.close();
});

test('a call is linked to an earlier ticket and finished with it: two clicks', async () => {
  const { context, page, server, posts } = await open(states['wrapup-tickets']);
  await page.getByRole('button', { name: 'Koppla kontakten till SD-100231' }).click();
  await page.getByRole('status').getByText('Kontakten hör till').waitFor();
  await page.getByRole('button', { name: 'Avsluta med SD-100231' }).click();
  assert.deepEqual(posts.at(-1), { path: '/api/v1/tickets/SD-100231/contacts', body: { contact: '0193-ringing' } });
  assert.equal((await server.asked('finish')).ticket, 'SD-100231');
  await context.close();
});

test('the ring card has the matching outage and the open tickets, and does not grow out of its slot', async () => {
  const { context, page, server } = await open(states.empty);
  const below = () => page.locator('.lists').evaluate((lists) => Math.round(lists.getBoundingClientRect().top));
  await page.getByText('Nästa kontakt visas här.').waitFor();
  const before = await below();
  const now = Date.now();
  server.state({ ...states.several(now), offer: offerOf(now, callers.long, { tickets: openTickets(now), service: 'platform' }), contacts: [] });
  const card = page.locator('[data-offer]');
  await card.getByText('Lärplattformen är långsam.').waitFor();
  await card.getByText('2 öppna ärenden: SD-100231, SD-100198').waitFor();
  assert.equal(await below(), before);
  await context.close();
});

test('a call-back is dialled without a number being typed, and can be cancelled', async () => {
  const { context, page, server } = await open(states.callbacks);
  const list = page.getByRole('region', { name: 'Återuppringningar' });
  await list.getByRole('listitem').filter({ hasText: 'Karin Öst' }).getByText('3 försök kvar').waitFor();
  assert.ok(await list.getByRole('button', { name: 'Ring upp Okänt nummer' }).isDisabled(), 'no tries are left');
  await list.getByRole('button', { name: 'Ring upp Karin Öst' }).click();
  assert.equal((await server.asked('dial')).contact, '0193-c1');
  server.state({
    ...states.dialling(Date.now()),
    contacts: [contactOf(Date.now(), 'dialling', callers.known, { contact: '0193-c1', answered: 0, note: '' })],
  });
  await page.getByText('Det ringer hos användaren.').waitFor();
  await page.getByRole('button', { name: 'Avbryt' }).click();
  assert.equal((await server.asked('hang-up')).contact, '0193-c1');
  await context.close();
});

test('who waits stands in one list, in the order of serving', async () => {
  const { context, page } = await open(states.paused);
  const rows = page.getByRole('list', { name: 'I den ordning de erbjuds' }).getByRole('listitem');
  await rows.first().waitFor();
  const names = await rows.locator('.name').allTextContents();
  assert.deepEqual(names.slice(0, 4), ['Prioriterad linje', 'Medarbetare', 'Medarbetare', 'Chatt om lärplattformen']);
  await rows.nth(0).getByText('Prioriterad', { exact: true }).waitFor();
  await rows.nth(1).getByText(/över mål/).waitFor();
  assert.equal(await rows.count(), 8);
  await context.close();
});

test('two texts are written beside each other without their drafts mixing', async () => {
  const { context, page } = await open((now) => ({
    ...states.chat(now),
    contacts: [textOf(now, 'form'), textOf(now, 'mail')],
  }));
  const answer = page.getByRole('textbox', { name: 'Svar till användaren' });
  await answer.fill('Om nätet');
  await ongoing(page, '0193-mail').click();
  await page.waitForFunction(() => document.querySelector('[data-contact]')?.dataset.contact === '0193-mail');
  await answer.fill('Om schemat');
  await ongoing(page, '0193-form').click();
  await page.waitForFunction(() => document.querySelector('[data-contact]')?.dataset.contact === '0193-form');
  await answer.waitFor();
  assert.equal(await answer.inputValue(), 'Om nätet');
  await context.close();
});
