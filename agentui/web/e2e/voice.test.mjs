// A call's voice through the console, with a second page of the same browser as the server's end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPeer } from '../dev/peer.mjs';
import { scriptServer } from '../dev/script.mjs';
import { callers, contactOf, offerOf } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { until } from './real/until.mjs';
import { browser, mock, open } from './standin.mjs';

/** Plays the node's leg of an offer towards a window. */
async function openLeg(context, page, server, tone, leg) {
  const peer = await openPeer(context, { tone, onSignal: (payload) => server.signal(41, payload, leg) });
  server.onSignal = (payload, _offer, answered) => {
    if (answered === leg) void peer.signal(payload);
  };
  await page.bringToFront();
  return peer;
}

const hears = (page, tone) => until(`the agent hears ${tone} Hz`, async () => Math.abs((await page.evaluate(heardTone)) - tone) < 20);
const isHeard = (peer) => until('the agent is heard', async () => (await peer.level()) > 0.05);

/** The strongest frequency that the page plays from the caller, in hertz; 0 when it is silent. */
const heardTone = () => {
  const element = document.getElementById('remote-audio');
  if (!element.srcObject) return 0;
  if (window.listening?.stream !== element.srcObject) {
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 8192;
    audio.createMediaStreamSource(element.srcObject).connect(analyser);
    window.listening = { stream: element.srcObject, audio, analyser };
  }
  const { audio, analyser } = window.listening;
  const levels = new Uint8Array(analyser.frequencyBinCount);
  analyser.getByteFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  return levels[loudest] > 100 ? (loudest * audio.sampleRate) / analyser.fftSize : 0;
};

test('the voice is set up while it rings, and goes both ways only once the agent has answered', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const server = await scriptServer(page);
  server.first = () => states.empty(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.locator('.columns[aria-busy=false]').waitFor();

  const peer = await openPeer(context, { tone: 700, onSignal: (payload) => server.signal(41, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  server.state(states.ringing(Date.now()));
  await page.locator('[data-offer="41"]').waitFor();
  await page.bringToFront();
  await until('the connection stands while it rings', async () => (await peer.state()) === 'connected');
  assert.equal(await page.evaluate(heardTone), 0, 'nothing of the caller is played before the answer');
  assert.ok((await peer.level()) < 0.01, 'the microphone is silent before the answer');

  await page.keyboard.press('F2');
  const accept = await server.asked('accept');
  assert.equal(accept.offer, 41);
  server.state(states.accepted(Date.now()));
  server.state({
    ...states.connected(Date.now()),
    contacts: [contactOf(Date.now(), 'connected')],
  });
  await page.locator('[data-contact]').waitFor();
  await until('the agent hears the caller\'s tone', async () => Math.abs((await page.evaluate(heardTone)) - 700) < 20);
  await until('the caller hears the microphone', async () => (await peer.level()) > 0.05);

  await page.keyboard.press('F8');
  await page.getByRole('button', { name: 'Mikrofon av' }).waitFor();
  await until('F8 silences the microphone', async () => (await peer.level()) < 0.01);
  await page.keyboard.press('F8');
  await until('F8 opens it again', async () => (await peer.level()) > 0.05);

  await page.keyboard.press('Shift+F2');
  assert.equal((await server.asked('hang-up')).contact, '0193-ringing');
  server.state(states.wrapup(Date.now()));
  await until('the connection is closed after the call', async () => (await peer.state()) !== 'connected');
  assert.equal(await page.evaluate(() => document.getElementById('remote-audio').srcObject), null);
  await context.close();
});

test('a call-back that is dialled here has its voice here', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const server = await scriptServer(page);
  server.first = () => states.callbacks(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.getByRole('button', { name: 'Ring upp Karin Öst' }).click();
  await server.asked('dial');

  const dialled = (state) => ({
    ...states[state](Date.now()),
    contacts: [contactOf(Date.now(), state, callers.known, { contact: '0193-c1', offer: 61 })],
  });
  const peer = await openPeer(context, { tone: 600, onSignal: (payload) => server.signal(61, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  server.state(dialled('dialling'));
  await page.bringToFront();
  await page.getByText('Det ringer hos användaren.').waitFor();
  server.state(dialled('connected'));
  await page.getByText('Samtalstid').waitFor();
  await until('the agent hears who was called', async () => Math.abs((await page.evaluate(heardTone)) - 600) < 20);
  await until('who was called hears the agent', async () => (await peer.level()) > 0.05);
  server.state(states.empty(Date.now()));
  await until('the connection is closed', async () => (await peer.state()) !== 'connected');
  await context.close();
});

test('an offer that is gone closes its connection and stops ringing (twilio-voice.js#329)', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const server = await scriptServer(page);
  server.first = () => states.empty(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.locator('.columns[aria-busy=false]').waitFor();

  const peer = await openPeer(context, { tone: 500, onSignal: (payload) => server.signal(41, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  server.state({ ...states.ringing(Date.now()), offer: offerOf(Date.now()) });
  await page.bringToFront();
  await until('the connection stands while it rings', async () => (await peer.state()) === 'connected');
  assert.match(await page.title(), /^(☎ Medarbetare|Kontakt väntar på svar)$/);

  server.state(states.empty(Date.now()));
  await page.getByText('Nästa kontakt visas här.').waitFor();
  await until('the connection is closed', async () => (await peer.state()) !== 'connected');
  assert.match(await page.title(), /^Redo/);
  await context.close();
});

test('a page that is loaded again in mid-call is back in the call, by the same name, and as silent as before', async () => {
  const { context, page, server } = await open(states.ringing);
  assert.equal((await server.asked('voice')).take, undefined, 'a page that is loaded while it rings asks for its voice');
  const before = await openLeg(context, page, server, 700, 'leg-1');
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.bound(41, 'here');
  server.state(states.connected(Date.now()));
  await hears(page, 700);
  await page.keyboard.press('F8');
  await page.getByRole('button', { name: 'Mikrofon av' }).waitFor();
  const name = server.window;
  assert.match(name, /^[0-9a-f-]{36}$/);

  server.first = () => states.connected(Date.now());
  await page.reload();
  const asked = await server.asked('voice');
  assert.deepEqual([asked.contact, asked.take], ['0193-ringing', undefined]);
  assert.equal(server.window, name);
  const after = await openLeg(context, page, server, 500, 'leg-2');
  await hears(page, 500);
  assert.ok((await after.level()) < 0.01, 'who was silent does not speak because of a reload');
  await page.keyboard.press('F8');
  await isHeard(after);
  await until('the page of before is gone', async () => (await before.state()) !== 'connected');
  await context.close();
});

test('a connection that breaks in the talk is asked for again; the old one carries the talk until the new one stands', async () => {
  const { context, page, server } = await open(states.ringing);
  assert.equal((await server.asked('voice')).take, undefined, 'a page that is loaded while it rings asks for its voice');
  const before = await openLeg(context, page, server, 700, 'leg-1');
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.state(states.connected(Date.now()));
  await hears(page, 700);

  // A change of network: the browser says so, and nothing seems broken yet.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await server.asked('voice');
  await hears(page, 700);
  const second = await openLeg(context, page, server, 500, 'leg-2');
  await hears(page, 500);
  await isHeard(second);
  await until('the old connection is closed', async () => (await before.state()) !== 'connected');

  await second.close();
  await server.asked('voice');
  const third = await openLeg(context, page, server, 900, 'leg-3');
  await hears(page, 900);
  await isHeard(third);
  await context.close();
});

test('two windows are one agent with one voice: it lives in the one that was bound, and comes when it is taken', async () => {
  const { context, page, server } = await open(states.connected, {
    reply: (request) => (request.do === 'voice' && !request.take ? 'voice-elsewhere' : undefined),
  });
  await page.getByText('Ljudet är i ett annat fönster.').waitFor();
  await server.asked('voice');
  assert.ok(await page.getByRole('button', { name: 'Vänteläge' }).isEnabled(), 'what the node does can be asked for from here');
  await page.getByRole('button', { name: 'Ta hit ljudet' }).click();
  assert.equal((await server.asked('voice')).take, true);
  const peer = await openLeg(context, page, server, 700, 'leg-1');
  await hears(page, 700);
  await isHeard(peer);

  server.bound(41, 'another-window');
  await page.getByText('Ljudet är i ett annat fönster.').waitFor();
  await until('this window lets go', async () => (await peer.state()) !== 'connected');
  await context.close();
});

test('the window in which the agent answers gets the voice, wherever it was set up', async () => {
  const { context, page, server } = await open(states.ringing);
  assert.equal((await server.asked('voice')).take, undefined, 'a page that is loaded while it rings asks for its voice');
  const lost = await openLeg(context, page, server, 700, 'leg-1');
  server.bound(41, 'another-window');
  await until('this window lets go while it rings', async () => (await lost.state()) !== 'connected');
  await page.keyboard.press('F2');
  await server.asked('accept');
  assert.equal((await server.asked('voice')).take, true);
  server.state(states.connected(Date.now()));
  const peer = await openLeg(context, page, server, 500, 'leg-2');
  await hears(page, 500);
  await isHeard(peer);
  await context.close();
});

test('an answer takes the voice too when it is learned only afterwards that it lives elsewhere', async () => {
  const { context, page, server } = await open(states.ringing);
  assert.equal((await server.asked('voice')).take, undefined, 'a page that is loaded while it rings asks for its voice');
  await openLeg(context, page, server, 700, 'leg-1');
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.state(states.connected(Date.now()));
  await page.getByRole('toolbar', { name: 'Samtal' }).waitFor();
  server.bound(41, 'another-window');
  assert.equal((await server.asked('voice')).take, true);
  await openLeg(context, page, server, 500, 'leg-2');
  await hears(page, 500);
  await context.close();
});

test('a tab that was duplicated has a name of its own', async () => {
  const { context, page, server } = await open(states.empty);
  await page.getByText('Nästa kontakt visas här.').waitFor();
  const [copy] = await Promise.all([context.waitForEvent('page'), page.evaluate(() => void window.open(location.href))]);
  await copy.locator('.columns[aria-busy=false]').waitFor(); // its own name is asked for before the socket opens
  const names = await Promise.all([page, copy].map((one) => one.evaluate(() => sessionStorage.getItem('svar.console'))));
  assert.equal(names[0], JSON.stringify(server.window));
  assert.match(names[1], /^"[0-9a-f-]{36}"$/);
  assert.notEqual(names[0], names[1]);
  await context.close();
});

test('sound that the browser does not play after a reload is noticed, and one click lets it be heard', async () => {
  const { context, page, server } = await open(states.connected, {
    prepare: () => {
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function () {
        return window.clicked ? play.call(this) : Promise.reject(new DOMException('', 'NotAllowedError'));
      };
      addEventListener('pointerdown', () => (window.clicked = true), true);
    },
  });
  await server.asked('voice');
  await openLeg(context, page, server, 700, 'leg-1');
  await page.getByRole('button', { name: 'Klicka för att höra' }).click();
  await page.getByRole('button', { name: 'Klicka för att höra' }).waitFor({ state: 'detached' });
  await hears(page, 700);
  await context.close();
});
