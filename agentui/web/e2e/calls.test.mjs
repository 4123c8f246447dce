// Calls end to end, with nothing played by the test: the built server, a telephone (baresip) as the caller, and the
// console in a browser as the agent. Voice is proven by tones: the caller's telephone plays one, the agent's microphone
// another, and each is sought at the other end.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Agent, agentTone, startAgentsBrowser } from './real/agent.mjs';
import { callerTone, makeCallers } from './real/caller.mjs';
import { makeDirectory, makeServers } from './real/server.mjs';
import { until } from './real/until.mjs';

let directory;
let browser;
let startServer;
let callers;
let server;
before(async () => {
  directory = makeDirectory();
  callers = makeCallers(directory.path);
  [browser, startServer] = await Promise.all([startAgentsBrowser(directory.path), makeServers(directory.path)]);
});
after(async () => {
  await browser?.close();
  directory.remove();
});
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await callers.end();
  for (const context of browser.contexts()) await context.close();
  await server.stop();
});

test('a call from the first ring to the record', async () => {
  const anna = await Agent.signedIn(browser, server.origin, 'anna');
  const caller = await callers.call(server.lines.staff);
  await anna.page.getByText('1 hör välkomsten').waitFor();
  await caller.hears('the welcome', 0.5, 0);
  await anna.waiting(1);
  await caller.hears('the music of the queue', 1);

  const menu = anna.page.getByRole('button', { name: 'Meny' });
  await menu.focus();
  await anna.page.keyboard.press('r');
  await anna.card.waitFor();
  await anna.shows('Erbjuds');
  for (const text of ['Medarbetare', 'Karin Holm', 'Lärare', 'Ekbackens skola', '070-174 06 05', 'Numret känt']) {
    await anna.card.getByText(text).first().waitFor();
  }
  await menu.and(anna.page.locator(':focus')).waitFor();
  assert.equal(await anna.heard(), 0, 'nothing of the caller before the answer');

  await anna.answer();
  const answered = caller.heard();
  assert.equal(caller.tone(agentTone, 0), 0, 'nothing of the agent before the answer');
  await Promise.all([
    caller.hearsTone(agentTone, 1),
    until("the agent hears the caller's tone", async () => Math.abs((await anna.heard()) - callerTone) < 20),
  ]);
  assert.ok(caller.heard() > answered);
  assert.deepEqual(await anna.page.evaluate(() => window.announcements), ['Medarbetare: Karin Holm ringer.']);

  await anna.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await anna.shows('Efterarbete');
  assert.equal(await anna.heard(), 0);
  await anna.page.getByLabel('Anteckning').fill('Låst konto, öppnat.');
  await anna.page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
  await anna.finish();

  const [contact, ...others] = await until('the contact is closed', async () => {
    const contacts = await server.contacts();
    return contacts[0]?.state === 'closed' && contacts;
  });
  assert.deepEqual(others, []);
  const { line, end, agent, outcome } = contact;
  assert.deepEqual({ line, end, agent, outcome }, { line: 'staff', end: 'handled', agent: 'anna', outcome: 'solved' });
  const times = ['arrived', 'greeted', 'queued', 'answered', 'ended', 'closed'].map((name) => contact[name]);
  assert.deepEqual(times.toSorted(), times, 'its times stand in order');
  assert.deepEqual(
    contact.transitions.map(({ event }) => event),
    ['contact-arrived', 'contact-greeted', 'contact-queued', 'contact-offered', 'offer-accepted', 'contact-connected', 'contact-hung-up', 'contact-closed'],
  );
  await anna.close();
});
