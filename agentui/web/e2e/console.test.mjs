// What an agent does with the console, against a server that the test plays line by line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, contactOf, offerOf } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { browser, mock, open } from './standin.mjs';

/** Waits until the microphone is open; the browser may still want a click before it plays anything. */
const soundReady = (page) => page.getByText('Ljud klart').or(page.getByText('Slå på ljudet')).waitFor();

test('signing in: a wrong password is said, the right one opens the console, signing out closes it', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${mock.origin}/console/`);
  await page.getByLabel('Konto').fill('anna');
  await page.getByLabel('Lösenord', { exact: true }).fill('guess');
  await page.getByRole('button', { name: 'Logga in' }).click();
  await page.getByText('Fel konto eller lösenord.').waitFor();
  await page.getByLabel('Lösenord', { exact: true }).fill('svar-demo');
  await page.keyboard.press('Enter');
  await page.getByRole('group', { name: 'Min status' }).getByText('Inte redo').waitFor();
  await page.getByRole('button', { name: 'Meny' }).click();
  await page.getByRole('button', { name: 'Logga ut' }).click();
  await page.getByRole('button', { name: 'Logga in' }).waitFor();
  assert.equal(await page.getByText('Du har blivit utloggad').count(), 0, 'it was the agent, not the server');
  await context.close();
});

test('ready asks for the microphone first; a pause gives its reason', async () => {
  const { context, page, server } = await open(states['not-ready']);
  await page.keyboard.press('r');
  assert.equal((await server.asked('presence')).presence, 'ready');
  server.state(states.empty(Date.now()));
  await soundReady(page);
  await page.keyboard.press('p');
  await page.getByText('Varför pausar du?').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const pause = await server.asked('presence');
  assert.deepEqual([pause.presence, pause.reason], ['paused', 'lunch']);
  server.state(states.paused(Date.now()));
  await page.getByText('Mikrofon av', { exact: true }).waitFor();
  await context.close();
});

test('without a microphone ready is blocked, and the text says why', async () => {
  const { context, page, server } = await open(states['not-ready']);
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  });
  await page.getByRole('button', { name: 'Redo', exact: true }).click();
  await page.getByText('ingen mikrofon hittades').waitFor();
  assert.deepEqual(server.requests, [], 'nothing was asked of the server');
  await context.close();
});

test('who is ready and loses the microphone is paused, and the text says so', async () => {
  const { context, page, server } = await open(states['not-ready']);
  await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const real = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => (window.microphone = await real(constraints));
  });
  await page.keyboard.press('r');
  await server.asked('presence');
  server.state(states.empty(Date.now()));
  await soundReady(page);
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
    window.microphone.getAudioTracks()[0].dispatchEvent(new Event('ended'));
  });
  assert.equal((await server.asked('presence')).presence, 'paused');
  await page.getByText('Mikrofonen försvann.').waitFor();
  await context.close();
});

test('an offer never takes the focus, is said once, and rings only while it is open', async () => {
  const { context, page, server } = await open(states.wrapup);
  const note = page.getByLabel('Anteckning');
  await note.focus();
  await page.evaluate(() => {
    window.said = [];
    window.rings = [];
    const { start, stop } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function () {
      window.rings.push(this.loop ? 'start' : 'once');
      start.call(this);
    };
    AudioBufferSourceNode.prototype.stop = function () {
      window.rings.push('stop');
      stop.call(this);
    };
    const region = document.getElementById('ring-announcement');
    new MutationObserver(() => region.textContent && window.said.push(region.textContent)).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  const offered = () => ({ ...states.wrapup(Date.now()), offer: offerOf(Date.now()) });
  server.state(offered());
  await page.locator('[data-offer]').waitFor();
  server.state(offered());
  server.state(offered());
  await page.waitForFunction(() => document.title === '☎ Medarbetare');
  assert.ok(await note.evaluate((field) => field === document.activeElement), 'the focus stays in the note');
  assert.deepEqual(await page.evaluate(() => window.said), ['Medarbetare: Karin Öst ringer.']);
  assert.deepEqual(await page.evaluate(() => window.rings), ['start']);
  server.state(states.wrapup(Date.now()));
  await page.waitForFunction(() => document.title.startsWith('Efterarbete'));
  assert.deepEqual(await page.evaluate(() => window.rings), ['start', 'stop']);
  await context.close();
});

test('nothing jumps when an offer comes and goes', async () => {
  const { context, page, server } = await open(states.empty);
  const places = () =>
    page.evaluate(() => [...document.querySelectorAll('.panel')].map((panel) => Math.round(panel.getBoundingClientRect().top)));
  await soundReady(page);
  const left = async () => (await places()).slice(0, 3);
  const before = await left();
  for (const caller of Object.values(callers)) {
    server.state({ ...states.empty(Date.now()), offer: offerOf(Date.now(), caller, { offer: Math.random() }) });
    await page.locator('[data-offer]').waitFor();
    assert.deepEqual(await left(), before, caller.kind);
    server.state(states.empty(Date.now()));
    await page.getByText('Nästa kontakt visas här.').waitFor();
  }
  await context.close();
});

test('who is calling, in the words of each kind', async () => {
  const { context, page, server } = await open(states.empty);
  const card = page.locator('[data-offer]');
  const expected = {
    known: ['Karin Öst', 'Medarbetare, lärare', 'Almgårdens skola', '070-174 06 12', 'Numret känt'],
    unknown: ['Okänt nummer', '070-174 06 55', 'Ej verifierad'],
    withheld: ['Dolt nummer'],
    protected: ['Skyddad användare', 'Öppnas av behörig grupp.'],
  };
  for (const [kind, texts] of Object.entries(expected)) {
    server.state({ ...states.ringing(Date.now()), offer: offerOf(Date.now(), callers[kind]) });
    for (const text of texts) await card.getByText(text).first().waitFor();
    await card.getByText('”Välkommen till Service Desk, du talar med Anna.”').or(card.locator('q')).first().waitFor();
  }
  await context.close();
});

test('an offer that went away in the moment of the answer says so (twilio-voice.js#329)', async () => {
  const { context, page, server } = await open(states.ringing);
  server.replyWith((request) => (request.do === 'accept' ? 'offer-gone' : undefined));
  await page.getByRole('button', { name: 'Svara' }).click();
  await server.asked('accept');
  await page.getByRole('alert').getByText('Erbjudandet är borta').waitFor();
  await context.close();
});

test('declining asks the server and nobody else', async () => {
  const { context, page, server } = await open(states.ringing);
  await page.getByRole('button', { name: 'Avböj', exact: true }).click();
  const { offer, reason } = await server.asked('decline');
  assert.deepEqual([offer, reason], [41, undefined]);
  await context.close();
});

test('declining with a reason takes one of the catalogue, by keyboard alone', async () => {
  const { context, page, server } = await open(states.ringing);
  const menu = page.getByRole('button', { name: 'Avböj med orsak' });
  await menu.waitFor();
  assert.equal(await page.locator('.card :focus').count(), 0, 'nothing takes the focus while it rings');
  await menu.press('Enter');
  await page.getByRole('button', { name: 'Mitt i annat arbete' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const { offer, reason } = await server.asked('decline');
  assert.deepEqual([offer, reason], [41, 'not-my-skill']);
  await context.close();
});

test('the note is saved while the call goes on, and finishing needs an outcome', async () => {
  const { context, page, server } = await open((now) => ({
    ...states.connected(now),
    contacts: [contactOf(now, 'connected', callers.known, { note: '' })],
  }));
  await page.getByLabel('Anteckning').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('Låst konto');
  assert.equal((await server.asked('note')).note, 'Låst konto');
  await page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByText('Lägg på först').waitFor();

  const wrapup = states.wrapup(Date.now());
  server.state({ ...wrapup, contacts: wrapup.contacts.map((contact) => ({ ...contact, note: 'Låst konto' })) });
  await page.getByRole('button', { name: /Spara och avsluta/ }).waitFor();
  assert.equal(await page.getByLabel('Anteckning').inputValue(), 'Låst konto');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Välj vad det blev').waitFor();
  await page.keyboard.press('Space');
  await page.keyboard.press('Control+Enter');
  const finish = await server.asked('finish');
  assert.deepEqual([finish.contact, finish.code], ['0193-ringing', 'solved']);
  server.state(states.empty(Date.now()));
  await page.getByText(/Senaste kontakt \d\d:\d\d\./).waitFor();
  await context.close();
});

test('a lost connection is said, work is kept, and what comes after is the server\'s', async () => {
  const { context, page, server } = await open((now) => ({
    ...states.connected(now),
    contacts: [contactOf(now, 'connected', callers.known, { note: '' })],
  }));
  await page.getByLabel('Anteckning').waitFor();
  server.first = () => ({
    ...states.wrapup(Date.now()),
    contacts: [contactOf(Date.now(), 'wrap-up', callers.known, { note: '' })],
  });
  let lost = true;
  await page.route('**/api/v1/session', (route) => (lost ? route.abort() : route.continue()));
  await page.evaluate(() => {
    window.RealSocket = WebSocket;
    window.WebSocket = class extends EventTarget {
      constructor() {
        super();
        setTimeout(() => this.onclose?.({ code: 1006 }));
      }
      close() {}
    };
  });
  await server.close(1011, 'gone');
  await page.getByText(/Kontakten med servern bröts \d\d:\d\d\. Samtalet fortsätter\. Försöker igen\./).waitFor();
  await page.getByLabel('Anteckning').fill('Skrivet under avbrottet');
  await page.getByText(/^Sparad här \d\d:\d\d/).waitFor();

  await page.getByRole('button', { name: 'Försök nu' }).waitFor();
  lost = false;
  // In one step: the console tries by itself too, and then the button is gone before a hand is there.
  await page.evaluate(() => {
    window.WebSocket = window.RealSocket;
    [...document.querySelectorAll('button')].find((button) => button.textContent.trim() === 'Försök nu')?.click();
  });
  assert.equal((await server.asked('note')).note, 'Skrivet under avbrottet');
  await page.getByRole('button', { name: /Spara och avsluta/ }).waitFor();
  assert.equal(await page.getByText('Kontakten med servern bröts').count(), 0);
  await context.close();
});

test('a socket that is closed as signed out leads to the sign-in form', async () => {
  const { context, page, server } = await open(states.empty);
  await server.close(4002, 'signed out');
  await page.getByText('Du har blivit utloggad.').waitFor();
  await context.close();
});

test('a server of another version makes the console load itself again, once', async () => {
  const { context, page, server } = await open(states.empty);
  const loaded = page.waitForEvent('load');
  await server.close(4001, 'reload');
  await loaded;
  await page.getByText(/Senaste kontakt \d\d:\d\d\./).waitFor(); // its socket is open
  await server.close(4001, 'reload');
  await page.getByRole('button', { name: 'Ladda om' }).waitFor();
  await context.close();
});

test('who missed a call comes back with one key', async () => {
  const { context, page, server } = await open(states.missed);
  await page.getByText('Du svarade inte på ett erbjudande och pausades').waitFor();
  await page.keyboard.press('r');
  assert.equal((await server.asked('presence')).presence, 'ready');
  await context.close();
});

test('a call-back is finished with an outcome', async () => {
  const { context, page, server } = await open(states.callbacks);
  await page.getByRole('button', { name: 'Avsluta återuppringning: Karin Öst' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Löst').click();
  await dialog.getByRole('button', { name: 'Avsluta' }).click();
  const finish = await server.asked('finish');
  assert.deepEqual([finish.contact, finish.code], ['0193-c1', 'solved']);
  await dialog.waitFor({ state: 'hidden' });
  await context.close();
});

test('letters can be switched off; the help lists the keys', async () => {
  const { context, page, server } = await open(states['not-ready']);
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Tangenter' });
  await help.getByText('Lägg på').waitFor();
  await help.getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
  await page.keyboard.press('r');
  await page.keyboard.press('?');
  assert.equal(await help.isVisible(), false);
  assert.deepEqual(server.requests, []);
  await context.close();
});

test('on a narrow screen the offer stays in sight on every step', async () => {
  const { context, page, server } = await open(states.wrapup, { context: { viewport: { width: 320, height: 640 } } });
  await page.getByLabel('Anteckning').waitFor();
  server.state({ ...states.wrapup(Date.now()), offer: offerOf(Date.now()) });
  for (const step of ['Kö', 'Kontakt', 'Person']) {
    await page.getByRole('navigation').getByRole('button', { name: step }).click();
    const box = await page.getByRole('button', { name: 'Svara' }).boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= 640, `Svara is on the screen in ${step}`);
  }
  await context.close();
});
