// Sound against the stand-in: which devices are used and what happens when they come and go, the level, notifications.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, offerOf } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { open as openConsole } from './standin.mjs';

/** Runs in the page from its first moment: devices can be unplugged, and are asked for by name. */
function watchDevices() {
  const { mediaDevices } = navigator;
  if (!mediaDevices) return;
  const gone = new Set();
  const tracks = new Set();
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  const enumerateDevices = mediaDevices.enumerateDevices.bind(mediaDevices);
  mediaDevices.enumerateDevices = async () => (await enumerateDevices()).filter(({ label, kind }) => !gone.has(label) && !gone.has(kind));
  mediaDevices.getUserMedia = async ({ audio }) => {
    if (gone.has('audioinput')) throw new DOMException('', 'NotFoundError');
    const [wanted] = (await mediaDevices.enumerateDevices()).filter(({ deviceId }) => deviceId === audio.deviceId?.ideal);
    const stream = await getUserMedia({ audio: { ...audio, deviceId: wanted ? { exact: wanted.deviceId } : undefined } });
    for (const track of stream.getAudioTracks()) tracks.add(track);
    return stream;
  };
  /** The microphone that is open; the newest one's name. */
  window.microphone = () => [...tracks].findLast(({ readyState }) => readyState === 'live')?.label;
  /** Takes a device away by its label, or all of a kind. */
  window.unplug = (what) => {
    gone.add(what);
    for (const track of tracks) {
      if (track.readyState !== 'live' || (track.label !== what && what !== 'audioinput')) continue;
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
    mediaDevices.dispatchEvent(new Event('devicechange'));
  };
  window.plugIn = (what) => {
    gone.delete(what);
    mediaDevices.dispatchEvent(new Event('devicechange'));
  };
  window.sinks = [];
  const { setSinkId } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.setSinkId = function (id) {
    window.sinks.push(id);
    return setSinkId.call(this, id);
  };
}

/** Runs in the page from its first moment: what notifications there were, in a window that counts as hidden or not. */
function watchNotifications() {
  window.notifications = [];
  window.hiddenNow = false;
  Object.defineProperty(document, 'hidden', { get: () => window.hiddenNow });
  window.Notification = class {
    static permission = 'default';
    static async requestPermission() {
      window.askedAt = window.notifications.length;
      return (window.Notification.permission = 'granted');
    }
    constructor(title, { body }) {
      window.notifications.push(this);
      this.text = `${title} | ${body}`;
    }
    close() {
      this.closed = true;
    }
  };
}

const open = (state, { prepare = watchDevices, hash, reducedMotion = 'no-preference', first } = {}) =>
  openConsole(first, { state, prepare, hash, context: { reducedMotion } });

const inUse = (page, label) => page.waitForFunction((wanted) => window.microphone() === wanted, label);

test('a headset is chosen by keyboard, used at once, and used again after a reload', async () => {
  const { context, page } = await open('empty', { hash: '#sound' });
  await page.getByText('Mikrofonen hör dig.').waitFor();
  const choice = page.getByLabel('Tala i');
  await choice.locator('option', { hasText: 'Fake Audio Input 2' }).waitFor({ state: 'attached' });
  await choice.focus();
  await page.keyboard.type('Fake Audio Input 2');
  await page.keyboard.press('Enter');
  await inUse(page, 'Fake Audio Input 2');
  await page.getByLabel('Lyssna i').selectOption({ label: 'Fake Audio Output 1' });
  await page.getByLabel('Ring i').selectOption({ label: 'Fake Audio Output 2' });

  await page.reload();
  await inUse(page, 'Fake Audio Input 2');
  for (const [label, device] of [['Tala i', 'Fake Audio Input 2'], ['Lyssna i', 'Fake Audio Output 1'], ['Ring i', 'Fake Audio Output 2']]) {
    await page.getByLabel(label).locator('option:checked', { hasText: device }).waitFor({ state: 'attached' });
  }
  const heard = await page.evaluate(() => document.getElementById('remote-audio').sinkId);
  const [wanted] = await page.evaluate(async () =>
    (await navigator.mediaDevices.enumerateDevices()).filter(({ label }) => label === 'Fake Audio Output 1').map(({ deviceId }) => deviceId));
  assert.equal(heard, wanted, 'callers are heard in the chosen device');
  await context.close();
});

test('a headset that is unplugged is replaced and told of, and used again when it is back', async () => {
  const { context, page } = await open('empty', { hash: '#sound' });
  await page.getByLabel('Tala i').selectOption({ label: 'Fake Audio Input 1' });
  await inUse(page, 'Fake Audio Input 1');
  await page.evaluate(() => window.unplug('Fake Audio Input 1'));
  await page.getByText(/^Fake Audio Input 1 kopplades ur\. Mikrofonen är nu Fake Default Audio Input\.$/).waitFor();
  await page.getByText('Fake Audio Input 1 är inte ansluten. Systemets mikrofon används tills den är tillbaka.').waitFor();
  await inUse(page, 'Fake Default Audio Input');
  await page.evaluate(() => window.plugIn('Fake Audio Input 1'));
  await inUse(page, 'Fake Audio Input 1');
  await page.getByText('kopplades ur').waitFor({ state: 'detached' });
  await context.close();
});

test('callers are heard in the system’s device while the chosen one is unplugged', async () => {
  const { context, page } = await open('empty', { hash: '#sound' });
  await page.getByText('Mikrofonen hör dig.').waitFor();
  await page.getByLabel('Lyssna i').selectOption({ label: 'Fake Audio Output 1' });
  await page.waitForFunction(() => document.getElementById('remote-audio').sinkId !== '');
  await page.evaluate(() => window.unplug('Fake Audio Output 1'));
  await page.getByText('Fake Audio Output 1 kopplades ur. Ljudet hörs nu i systemets val.').waitFor();
  await page.waitForFunction(() => document.getElementById('remote-audio').sinkId === '');
  await page.evaluate(() => window.plugIn('Fake Audio Output 1'));
  await page.waitForFunction(() => document.getElementById('remote-audio').sinkId !== '');
  await page.getByText('kopplades ur').waitFor({ state: 'detached' });
  await context.close();
});

test('without a microphone Redo is refused in words with a way to the sound page, and comes once there is one', async () => {
  const { context, page, server } = await open('not-ready', { first: states['not-ready'] });
  await page.evaluate(() => window.unplug('audioinput'));
  await page.keyboard.press('r');
  await page.getByText('Du kan inte bli redo: ingen mikrofon hittades.').waitFor();
  await page.getByRole('link', { name: 'Ljud och headset' }).click();
  await page.getByRole('heading', { name: 'Ljud och headset' }).waitFor();
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'presence'), []);
  await page.evaluate(() => window.plugIn('audioinput'));
  await page.getByText('Du kan inte bli redo').first().waitFor({ state: 'detached' });
  await page.keyboard.press('r');
  assert.equal((await server.asked('presence')).presence, 'ready');
  await context.close();
});

test('the microphone is tried before work, and let go of afterwards', async () => {
  const { context, page } = await open('not-ready', { hash: '#sound' });
  await page.getByRole('button', { name: 'Prova mikrofonen' }).waitFor();
  assert.equal(await page.evaluate(() => window.microphone()), undefined, 'nothing is asked for before the agent asks');
  await page.getByRole('button', { name: 'Prova mikrofonen' }).click();
  await page.getByText('Mikrofonen hör dig.').waitFor();
  await page.getByRole('link', { name: 'Arbetsplats' }).click();
  await page.waitForFunction(() => window.microphone() === undefined);
  await context.close();
});

for (const reducedMotion of ['no-preference', 'reduce']) {
  test(`the level moves, and rests in a hidden window (motion: ${reducedMotion})`, async () => {
    const { context, page } = await open('empty', {
      hash: '#sound',
      reducedMotion,
      prepare: () => {
        window.hiddenNow = false;
        Object.defineProperty(document, 'hidden', { get: () => window.hiddenNow });
      },
    });
    const meter = page.getByRole('meter', { name: 'Nivå' });
    await page.getByText('Mikrofonen hör dig.').waitFor();
    const level = () => meter.getAttribute('aria-valuenow');
    const moves = (from) => page.waitForFunction((was) => document.querySelector('[role=meter]').ariaValueNow !== was, from);
    await moves(await level());
    await page.evaluate(() => {
      window.hiddenNow = true;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    const still = await page.evaluate(async () => {
      const meter = document.querySelector('[role=meter]');
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const from = meter.ariaValueNow;
      // As many pictures as a second has: a meter that is drawn would have moved.
      for (let i = 0; i < 60; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
      return meter.ariaValueNow === from;
    });
    assert.ok(still, 'a hidden meter is not drawn');
    const rested = await level();
    await page.evaluate(() => {
      window.hiddenNow = false;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await moves(rested);
    await context.close();
  });
}

test('notifications are asked for when the agent is ready, never at load, and name the line but nobody', async () => {
  const { context, page, server } = await open('empty', { prepare: watchNotifications, first: states['not-ready'] });
  assert.equal(await page.getByText('Vill du få en notis').count(), 0);
  server.state(states.empty(Date.now()));
  await page.getByText('Vill du få en notis').waitFor();
  assert.equal(await page.evaluate(() => window.askedAt), undefined, 'the browser asks only after yes');
  await page.getByRole('button', { name: 'Slå på notiser' }).click();
  await page.getByText('Vill du få en notis').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => window.askedAt), 0);

  const ring = (offer, caller) => server.state({ ...states.ringing(Date.now()), offer: offerOf(Date.now(), caller, { offer }) });
  const shown = () => page.evaluate(() => window.notifications.map(({ text, closed = false }) => ({ text, closed })));
  ring(71, callers.known);
  await page.locator('[data-offer="71"]').waitFor();
  assert.deepEqual(await shown(), [], 'who looks at the window needs none');
  server.state(states.empty(Date.now()));
  await page.locator('[data-offer="71"]').waitFor({ state: 'detached' });

  await page.evaluate(() => (window.hiddenNow = true));
  for (const [offer, caller] of [[72, callers.known], [73, callers.protected]]) {
    ring(offer, caller);
    await page.locator(`[data-offer="${offer}"]`).waitFor();
  }
  const text = 'Medarbetare: väntar på svar | Samtal erbjuds dig.';
  assert.deepEqual(await shown(), [{ text, closed: true }, { text, closed: false }]);
  server.state(states.empty(Date.now()));
  await page.locator('[data-offer]').waitFor({ state: 'detached' });
  assert.ok((await shown()).every(({ closed }) => closed), 'it goes with the offer');
  await context.close();
});

test('who wants no notifications is not asked again, and can change that', async () => {
  const { context, page } = await open('empty', { prepare: watchNotifications });
  await page.getByRole('button', { name: 'Nej tack' }).click();
  await page.getByText('Vill du få en notis').waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText('Senaste kontakt').waitFor();
  assert.equal(await page.getByText('Vill du få en notis').count(), 0);
  await page.getByRole('button', { name: 'Meny' }).click();
  await page.getByRole('button', { name: 'Ljud och headset' }).click();
  await page.getByText('Notiser är av.').waitFor();
  await page.getByRole('button', { name: 'Slå på notiser' }).click();
  await page.getByText('Notiser är på.').waitFor();
  await context.close();
});

test('the echo call goes with words when the server refuses it or is gone, and not during a call', async () => {
  const { context, page, server } = await open('empty', { hash: '#sound', first: states.empty });
  server.replyWith((request) => (request.do === 'echo' ? 'unavailable' : undefined));
  await page.getByRole('button', { name: 'Ring ekosamtalet' }).click();
  await server.asked('echo');
  await server.asked('echo-end');
  await page.getByText('Servern når inte kön just nu. Försök igen om en stund.').waitFor();
  server.replyWith(() => undefined);
  await page.getByRole('button', { name: 'Ring ekosamtalet' }).click();
  await server.asked('echo');
  await page.getByText('Kopplar upp …').waitFor();
  server.state(states.connected(Date.now()));
  await server.asked('echo-end');
  await page.getByText('Ekosamtalet går inte under ett samtal.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Ring ekosamtalet' }).isDisabled());
  await context.close();
});
