// Sound with the real server: an agent hears himself, sees how his calls sound, and loses his headset in a call.

import assert from 'node:assert/strict';
import { firefoxTone } from '../dev/firefox.mjs';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';
import { until } from './real/until.mjs';

/** Tries the headset by keyboard alone: the tone of the own microphone comes back. */
async function hearsHimself(agent, tone) {
  await agent.page.getByRole('button', { name: 'Meny' }).focus();
  await agent.page.keyboard.press('Enter');
  await agent.page.getByRole('button', { name: 'Ljud och headset' }).focus();
  await agent.page.keyboard.press('Enter');
  await agent.page.getByRole('button', { name: 'Ring ekosamtalet' }).focus();
  await agent.page.keyboard.press('Enter');
  await agent.page.getByText('Säg något. Du hör dig själv en sekund senare.').waitFor();
  await agent.hearsEcho(tone);
  await agent.page.getByText('Vägen till servern').waitFor();
  await agent.page.getByRole('button', { name: /ljud$/ }).focus();
  await agent.page.keyboard.press('Enter');
  await agent.page.getByText(/^Förlust \d+\.\d %, jitter \d+ ms, fördröjning (\d+ ms|–)$/).waitFor();
  await agent.page.keyboard.press('Escape');
}

async function endsEcho(agent) {
  await agent.page.getByRole('button', { name: 'Avsluta ekosamtalet' }).click();
  await agent.page.getByRole('button', { name: 'Ring ekosamtalet' }).waitFor();
  assert.equal(await agent.page.evaluate(() => document.getElementById('echo-audio').srcObject), null);
}

story('an agent hears himself a second later, before his first call, and nothing of it stays', async ({ server, signedIn, call }) => {
  const anna = await signedIn('anna');
  await hearsHimself(anna, agentTone);
  await anna.isAccessible('echo call');
  await endsEcho(anna);

  // An echo that goes on is over once there is a call.
  await anna.page.getByRole('button', { name: 'Ring ekosamtalet' }).click();
  await anna.hearsEcho(agentTone);
  await anna.becomeReady();
  const caller = await call('staff');
  await anna.answer();
  await Promise.all([caller.hearsTone(agentTone, 1), anna.hearsTone(callerTone)]);
  assert.equal(await anna.page.locator('#echo-audio').count(), 0);
  await anna.page.getByRole('button', { name: /ljud$/ }).focus();
  await anna.page.keyboard.press('Enter');
  await anna.page.getByText(/^Förlust \d+\.\d %, jitter \d+ ms, fördröjning (\d+ ms|–)$/).waitFor();
  await anna.page.keyboard.press('Escape');
  await anna.page.keyboard.press('Shift+F2');
  await anna.finish();
  const [contact, ...others] = await server.contactsOnce('closed');
  assert.deepEqual([contact.agent, others.length], ['anna', 0], 'an echo is no contact');
});

story('an agent in Firefox hears himself a second later', async ({ agentInFirefox }) => {
  const anna = await agentInFirefox('anna');
  await hearsHimself(anna, firefoxTone);
  await anna.isAccessible('echo call');
  await endsEcho(anna);
});

/** Runs in the page: from now on there is no microphone, until one is plugged in again. */
function unplugMicrophone() {
  const { mediaDevices } = navigator;
  const { getUserMedia, enumerateDevices } = mediaDevices;
  const open = window.connections.flatMap((connection) => connection.getSenders().map(({ track }) => track)).filter(Boolean);
  mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  mediaDevices.enumerateDevices = async () => (await enumerateDevices.call(mediaDevices)).filter(({ kind }) => kind !== 'audioinput');
  for (const track of [...open, ...window.microphones]) {
    track.stop();
    track.dispatchEvent(new Event('ended'));
  }
  window.plugIn = () => Object.assign(mediaDevices, { getUserMedia, enumerateDevices }).dispatchEvent(new Event('devicechange'));
}

story('a headset that is unplugged in a call for long: the agent still hears, and is heard again when it is back', async ({ server, signedIn, call }) => {
  const anna = await signedIn('anna');
  await anna.page.evaluate(() => {
    const { mediaDevices } = navigator;
    const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
    window.microphones = [];
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia(constraints);
      window.microphones.push(...stream.getAudioTracks());
      return stream;
    };
  });
  await anna.becomeReady();
  const caller = await call('staff');
  await anna.answer();
  await Promise.all([caller.hearsTone(agentTone, 1), anna.hearsTone(callerTone)]);

  await anna.page.evaluate(unplugMicrophone);
  await anna.page.getByText('Mikrofonen försvann. Användaren hör dig inte.').waitFor();
  await anna.isAccessible('no microphone in a call');
  const from = caller.heard();
  // A leg that sends nothing is given up after five seconds.
  await until('eight seconds pass', () => caller.heard() - from > 8 * 8000);
  assert.equal(caller.tone(agentTone, from + 8000), 0, 'the caller still hears the agent');
  await anna.hearsTone(callerTone);
  await anna.shows('I samtal');

  await anna.page.evaluate(() => window.plugIn());
  await anna.page.getByText('Mikrofonen försvann').waitFor({ state: 'detached' });
  await caller.hearsTone(agentTone, 1);
  await anna.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await anna.finishAs('Löst');
  await anna.shows('Paus'); // who lost the microphone is not offered the next call
  const [contact] = await server.contactsOnce('closed');
  const events = contact.transitions.map(({ event }) => event);
  assert.equal(events.filter((event) => event === 'contact-connected').length, 1, events.join(' '));
  assert.ok(!events.includes('contact-returned'), events.join(' '));
});
