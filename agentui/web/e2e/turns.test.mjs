// The other turns that a call takes, with the same real parts as calls.test.mjs: nobody answers, somebody declines, the
// caller leaves, the server dies.

import assert from 'node:assert/strict';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

story('the caller hangs up in the talk', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff');
  await anna.answer();
  await anna.hearsTone(callerTone);
  await caller.hangUp();
  await anna.shows('Efterarbete');
  await anna.finish();
  const [contact] = await server.contactsOnce('closed');
  assert.deepEqual([contact.end, contact.outcome], ['handled', 'solved']);
});

story('a declined call waits on and is offered to somebody else', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const bo = await agent('bo');
  const caller = await call('staff');
  await anna.card.getByText('Karin Holm').waitFor();
  await anna.page.getByRole('button', { name: 'Avböj', exact: true }).click();
  await bo.card.getByText('Karin Holm').waitFor();
  await anna.card.waitFor({ state: 'detached' });
  await bo.answer();
  await Promise.all([caller.hearsTone(agentTone, 0.5), bo.hearsTone(callerTone)]);
  await bo.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await bo.finish();
  const [contact] = await server.contactsOnce('closed');
  assert.equal(contact.agent, 'bo');
});

// freeswitch#1216: one agent who does not answer does not halt the queue.
story('who does not answer is paused, sees what was missed, and comes back with one click', async ({ agent, call }) => {
  const anna = await agent('anna');
  await call('staff');
  await anna.card.waitFor();
  await anna.shows('Paus');
  await anna.page.getByText('Du svarade inte på ett erbjudande och pausades').waitFor();
  await anna.page.getByRole('region', { name: 'Missade' }).getByRole('listitem').waitFor();
  await anna.waiting(1);
  await anna.isAccessible('missed');
  await anna.page.getByRole('button', { name: 'Bli redo igen' }).click();
  await anna.answer();
}, { SVAR_DESK_OFFER_TIMEOUT: '4s' });

// asterisk#1006, opensips#2679: wrap-up ends when it is said to, not before and not much later.
story('a wrap-up that is forgotten runs out, with what was chosen so far; one that is made longer does not', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const forgotten = await call('staff');
  await anna.answer();
  await forgotten.hangUp();
  await anna.shows('Efterarbete');
  await anna.page.getByText(/^Efterarbetet gick ut \d\d:\d\d, avslutad som ej angivet\.$/).waitFor();
  await anna.shows('Redo');
  const [lapsed] = await server.contactsOnce('closed');
  assert.deepEqual([lapsed.end, lapsed.outcome], ['handled', 'not-stated']);
  await anna.page.getByRole('button', { name: 'Visa mina senaste' }).click();
  await anna.page.locator('#own-contacts').getByText('Efterarbetet gick ut').waitFor();

  const longer = await call('staff');
  await anna.answer();
  await longer.hangUp();
  await anna.shows('Efterarbete');
  await anna.page.getByRole('button', { name: 'till efterarbetet' }).click();
  await anna.page.getByRole('timer').getByText(/^10:0\d kvar$/).waitFor();
  await anna.finish();
}, { SVAR_DESK_WRAP_UP_LIMIT: '6s', SVAR_DESK_WRAP_UP_EXTENSION: '10m' });

// twilio-voice.js#329: the ring stops when the caller has left.
story('a caller who leaves while it rings takes the card along', async ({ server, agent, call }) => {
  const anna = await agent('anna');
  const caller = await call('staff');
  await anna.card.waitFor();
  await caller.hangUp();
  await anna.card.waitFor({ state: 'detached' });
  await anna.shows('Redo');
  const [contact] = await server.contactsOnce('closed');
  assert.deepEqual([contact.end, contact.stage], ['abandoned', 'ringing']);
});

// freeswitch#2540, #1973: nobody stays in a call that is over.
story('a server that dies in the talk comes back, ends the call and keeps it for a call-back', async (scene) => {
  const anna = await scene.agent('anna');
  anna.expected.push(/WebSocket connection to .* failed/, /net::ERR_CONNECTION_REFUSED/);
  const caller = await scene.call('staff');
  await anna.answer();
  await anna.hearsTone(callerTone);

  await scene.server.kill();
  await anna.page
    .getByText(/^Kontakten med servern bröts \d\d:\d\d\. Samtalet fortsätter\. Försöker igen\.$/)
    .waitFor();
  scene.server = await scene.server.restart();
  await caller.wasEnded();
  await anna.page.getByText('Kontakten med servern bröts').waitFor({ state: 'hidden' });
  await anna.contact.waitFor({ state: 'detached' });
  const finish = anna.page.getByRole('button', { name: 'Avsluta återuppringning: Karin Holm' });
  await finish.waitFor();
  assert.equal(await anna.heard(), 0);
  const [open] = await scene.server.contactsOnce('waiting');
  assert.equal(open.callback, true);

  await finish.click();
  const dialog = anna.page.getByRole('dialog');
  await dialog.getByText('Löst').click();
  await dialog.getByRole('button', { name: 'Avsluta' }).click();
  await finish.waitFor({ state: 'detached' });
  const [contact, ...others] = await scene.server.contactsOnce('closed');
  assert.deepEqual(others, [], 'nothing is counted twice');
  assert.deepEqual([contact.end, contact.stage, contact.outcome], ['handled', 'call-back', 'solved']);
  assert.equal(contact.transitions.filter(({ event }) => event === 'contact-dropped').length, 1);
});
