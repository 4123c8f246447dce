// Calls end to end, with nothing played by the test: the built server, a telephone (baresip) as the caller, and the
// console in a browser as the agent. Voice is proven by tones: the caller's telephone plays one, the agent's microphone
// another, and each is sought at the other end.

import assert from 'node:assert/strict';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

story('signing in by keyboard alone, and becoming ready', async ({ visitor }) => {
  const anna = await visitor();
  await anna.isAccessible('sign-in');
  await anna.signIn('anna', 'wrong-guess');
  await anna.page.getByRole('alert').getByText('Fel konto eller lösenord').waitFor();
  await anna.page.getByLabel('Lösenord', { exact: true }).and(anna.page.locator(':focus')).waitFor();
  await anna.page.keyboard.type('svar-demo');
  await anna.page.keyboard.press('Enter');
  await anna.shows('Inte redo');
  await anna.isAccessible('not ready');
  assert.equal(await anna.page.evaluate(() => window.microphoneRequests), 0, 'the microphone is left alone until it is needed');
  await anna.becomeReady();
  assert.equal(await anna.page.evaluate(() => window.microphoneRequests), 1);
  await anna.isAccessible('ready');
});

story('a call from its first ring to the record', async ({ server, signedIn, call }) => {
  const anna = await signedIn('anna');
  const [caller] = await Promise.all([call('staff'), anna.page.getByText('1 hör välkomsten').waitFor()]);
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
  assert.equal(await anna.heard(), 0, 'nothing of the caller is heard before the answer');

  await anna.answer();
  await Promise.all([caller.hearsTone(agentTone, 1), anna.hearsTone(callerTone)]);
  assert.deepEqual(await anna.page.evaluate(() => window.announcements), ['Medarbetare: Karin Holm ringer.'], 'announced once');

  await anna.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await anna.shows('Efterarbete');
  assert.equal(await anna.heard(), 0);
  await anna.page.getByLabel('Anteckning').fill('Låst konto, öppnat.');
  await anna.page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
  await anna.finish();

  const [contact, ...others] = await server.contactsOnce('closed');
  assert.deepEqual(others, []);
  const { line, end, agent, outcome } = contact;
  assert.deepEqual({ line, end, agent, outcome }, { line: 'staff', end: 'handled', agent: 'anna', outcome: 'solved' });
  const times = ['arrived', 'greeted', 'queued', 'answered', 'ended', 'closed'].map((name) => Date.parse(contact[name]));
  assert.deepEqual(times.toSorted((a, b) => a - b), times, 'its times stand in order');
  const events = contact.transitions.map(({ event }) => event);
  assert.deepEqual(
    events.filter((event) => event !== 'quality-reported'),
    [
      'contact-arrived', 'contact-greeted', 'contact-queued', 'contact-offered',
      'offer-accepted', 'contact-connected', 'contact-hung-up', 'outcome-chosen', 'contact-closed',
    ],
  );
  assert.equal(events.filter((event) => event === 'quality-reported').length, 2, "each side's voice is on record");
});

story('not a tone of the agent reaches the caller before the answer', async ({ agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff');
  await anna.card.waitFor();
  await caller.hears('the music of the queue while it rings', 2);
  assert.equal(caller.tone(agentTone), 0);
  await anna.answer();
  await caller.hearsTone(agentTone, 0.5);
});

story('each state of a call is accessible on every screen', async ({ agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff');
  await anna.card.waitFor();
  await anna.isAccessible('ringing');
  await anna.answer();
  await anna.isAccessible('in call');
  await caller.hangUp();
  await anna.shows('Efterarbete');
  await anna.isAccessible('wrap-up');
  await anna.finish();
}, { SVAR_DESK_OFFER_TIMEOUT: '60s' });

story('a withheld number is served all the same', async ({ agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff', 'sip:anonymous@anonymous.invalid');
  await anna.card.getByText('Dolt nummer', { exact: true }).waitFor();
  await anna.answer();
  await Promise.all([caller.hearsTone(agentTone, 0.5), anna.hearsTone(callerTone)]);
});

story("the pupils' line has its own greeting and looks nobody up", async ({ agent, call }) => {
  const anna = await agent('anna');
  await call('pupils');
  await anna.card.getByText('Elev', { exact: true }).waitFor();
  await anna.card.getByText('Hej, du har kommit till Service Desk, jag heter …').waitFor();
  assert.doesNotMatch(await anna.card.innerText(), /Karin|Holm|Ekbacken/);
  await anna.answer();
});
