// A call that holds: put on hold, reloaded, cut off, in two windows, and over TCP alone. Voice is proven by tones both
// ways after each of them, in Chromium and in Debian's Firefox.

import assert from 'node:assert/strict';
import { firefoxTone } from '../dev/firefox.mjs';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

/** Sees that both hear each other from now on. */
const talk = (agent, caller, tone) => Promise.all([caller.hearsTone(tone, 1), agent.hearsTone(callerTone)]);

/** Sees that the caller hears music and nothing of the agent, who hears silence. */
async function holdsTheLine(agent, caller, tone) {
  await agent.shows('Vänteläge');
  await caller.hears('what was on its way and then the music', 0.5);
  const from = caller.heard();
  await caller.hears('the music', 1, from);
  assert.equal(caller.tone(tone, from), 0, 'the caller hears the agent on hold');
  assert.equal(await agent.heard(), 0, 'the agent hears the caller on hold');
}

/** A call is in one piece when it was answered once and by one agent. */
async function wasOneTalk(server) {
  const [contact, ...others] = await server.contactsOnce('closed');
  assert.deepEqual(others, []);
  const events = contact.transitions.map(({ event }) => event);
  assert.equal(events.filter((event) => event === 'contact-connected').length, 1, events.join(' '));
  assert.ok(!events.includes('contact-returned'), events.join(' '));
  return events;
}

async function finishes(agent, caller) {
  await agent.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await agent.finish();
}

for (const [name, ready, tone] of [
  ['Chromium', ({ agent }) => agent('anna'), agentTone],
  ['Firefox', ({ agentInFirefox }) => agentInFirefox('anna'), firefoxTone],
]) {
  story(`hold, resume and a reload in ${name}`, async (scene) => {
    const anna = await ready(scene);
    const caller = await scene.call('staff');
    await anna.answer();
    await talk(anna, caller, tone);

    await anna.page.keyboard.press('F4');
    await holdsTheLine(anna, caller, tone);
    await anna.page.keyboard.press('F4');
    await anna.shows('I samtal');
    await talk(anna, caller, tone);

    await anna.page.reload();
    await anna.shows('I samtal');
    await anna.listen();
    await talk(anna, caller, tone);

    await anna.page.keyboard.press('F4');
    await holdsTheLine(anna, caller, tone);
    await anna.page.reload();
    await holdsTheLine(anna, caller, tone);
    await anna.page.keyboard.press('F4');
    await anna.shows('I samtal');
    await anna.listen();
    await talk(anna, caller, tone);
    await finishes(anna, caller);

    const events = await wasOneTalk(scene.server);
    assert.equal(events.filter((event) => event === 'contact-held').length, 2);
    assert.equal(events.filter((event) => event === 'contact-resumed').length, 2);
  });
}

story('the socket alone is lost: the talk goes on', async ({ server, wiredAgent, call }) => {
  const anna = await wiredAgent('anna');
  const caller = await call('staff');
  await anna.answer();
  anna.expected.push(/WebSocket connection .* failed|Failed to load resource/);
  anna.wire.cut();
  await anna.page.getByText(/Kontakten med servern bröts .* Samtalet fortsätter/).waitFor();
  await talk(anna, caller, agentTone);
  anna.wire.mend();
  await anna.page.getByText(/Kontakten med servern bröts/).waitFor({ state: 'detached' });
  await talk(anna, caller, agentTone);
  await finishes(anna, caller);
  await wasOneTalk(server);
});

story('the whole network is lost for a while: the same call comes back', async ({ server, wiredAgent, call }) => {
  const anna = await wiredAgent('anna');
  const caller = await call('staff');
  await anna.answer();
  await talk(anna, caller, agentTone);
  anna.expected.push(/WebSocket connection .* failed|Failed to load resource/);
  anna.wire.cut();
  await anna.dropsPackets(true);
  const from = caller.heard();
  await caller.hears('the music, since the agent is gone', 2, from);
  await anna.dropsPackets(false);
  anna.wire.mend();
  await anna.page.getByText(/Kontakten med servern bröts/).waitFor({ state: 'detached' });
  await anna.shows('I samtal');
  await talk(anna, caller, agentTone);
  await finishes(anna, caller);
  await wasOneTalk(server);
});

story('two windows are one agent, with the voice in one of them', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const other = await anna.otherWindow();
  const caller = await call('staff');
  await other.card.waitFor();
  await anna.answer();
  await talk(anna, caller, agentTone);
  await other.shows('I samtal');
  await other.page.getByText('Ljudet är i ett annat fönster.').waitFor();
  await other.page.getByRole('button', { name: 'Ta hit ljudet' }).click();
  await anna.page.getByText('Ljudet är i ett annat fönster.').waitFor();
  await talk(other, caller, agentTone);
  assert.equal(await anna.heard(), 0, 'the first window still plays');
  await finishes(other, caller);
  await anna.shows('Redo');
  await wasOneTalk(server);
});

story('voice over TCP alone, where the network lets no UDP through', async ({ server, agentWithoutUDP, call }) => {
  const anna = await agentWithoutUDP('anna');
  const caller = await call('staff');
  await anna.answer();
  await talk(anna, caller, agentTone);
  assert.equal(await anna.transport(), 'tcp');
  await finishes(anna, caller);
  await wasOneTalk(server);
});

story('keys go to the caller, and stand nowhere', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff');
  await anna.answer();
  await talk(anna, caller, agentTone);
  await anna.page.getByRole('button', { name: 'Knappsats' }).click();
  await anna.page.keyboard.type('42#');
  await caller.wasPressed('42#');
  await anna.page.keyboard.press('Escape');
  await finishes(anna, caller);
  await wasOneTalk(server);
  assert.doesNotMatch(server.log, /42#/);
});
