// A call's voice through the console, with a second page of the same browser as the server's end.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from '../dev/browser.mjs';
import { startMock } from '../dev/mock.mjs';
import { openPeer } from '../dev/peer.mjs';
import { scriptServer } from '../dev/script.mjs';
import { callers, contactOf, offerOf, states } from '../dev/states.mjs';

let mock;
let browser;
before(async () => {
  mock = await startMock();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.stop();
});

/** The strongest frequency that the page plays from the caller, in hertz; 0 when it is silent. */
const heardTone = () => {
  const element = document.getElementById('remote-audio');
  if (!element.srcObject) return 0;
  window.listening ??= (() => {
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 8192;
    audio.createMediaStreamSource(element.srcObject).connect(analyser);
    return { audio, analyser };
  })();
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
  await page.getByText('Nästa kontakt visas här.').waitFor();

  const peer = await openPeer(context, { tone: 700, onSignal: (payload) => server.signal(41, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  server.state(states.ringing(Date.now()));
  await page.locator('[data-offer="41"]').waitFor();
  await page.bringToFront();
  await until(async () => (await peer.state()) === 'connected', 'the connection stands while it rings');
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
  await until(async () => Math.abs((await page.evaluate(heardTone)) - 700) < 20, "the agent hears the caller's tone");
  await until(async () => (await peer.level()) > 0.05, 'the caller hears the microphone');

  await page.keyboard.press('F8');
  await page.getByRole('button', { name: 'Mikrofon av' }).waitFor();
  await until(async () => (await peer.level()) < 0.01, 'F8 silences the microphone');
  await page.keyboard.press('F8');
  await until(async () => (await peer.level()) > 0.05, 'F8 opens it again');

  await page.keyboard.press('Shift+F2');
  assert.equal((await server.asked('hang-up')).contact, '0193-ringing');
  server.state(states.wrapup(Date.now()));
  await until(async () => (await peer.state()) !== 'connected', 'the connection is closed after the call');
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
  await until(async () => Math.abs((await page.evaluate(heardTone)) - 600) < 20, 'the agent hears who was called');
  await until(async () => (await peer.level()) > 0.05, 'who was called hears the agent');
  server.state(states.empty(Date.now()));
  await until(async () => (await peer.state()) !== 'connected', 'the connection is closed');
  await context.close();
});

test('an offer that is gone closes its connection and stops ringing (twilio-voice.js#329)', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const server = await scriptServer(page);
  server.first = () => states.empty(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.getByText('Nästa kontakt visas här.').waitFor();

  const peer = await openPeer(context, { tone: 500, onSignal: (payload) => server.signal(41, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  server.state({ ...states.ringing(Date.now()), offer: offerOf(Date.now()) });
  await page.bringToFront();
  await until(async () => (await peer.state()) === 'connected', 'the connection stands while it rings');
  assert.match(await page.title(), /Karin Öst|Samtal väntar/);

  server.state(states.empty(Date.now()));
  await page.getByText('Nästa kontakt visas här.').waitFor();
  await until(async () => (await peer.state()) !== 'connected', 'the connection is closed');
  assert.match(await page.title(), /^Redo/);
  await context.close();
});

/** Waits until the condition holds; the test's own time limit is the only one. */
async function until(condition, what) {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`never: ${what}`);
}
