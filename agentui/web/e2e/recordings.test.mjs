// A call that is recorded, from its announcement to the supervisor who listens: the built server, a telephone (baresip) as
// the caller, and consoles in a browser.

import assert from 'node:assert/strict';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { secondsOfTone, side } from './real/sound.mjs';
import { story } from './real/story.mjs';

story('a supervisor finds the recording of a call and hears it once he has said why; its agent is offered none', async ({ server, agent, signedIn, call }) => {
  const anna = await agent('anna');
  const caller = await call('recorded');
  await anna.card.waitFor();
  await anna.answer();
  await anna.page.getByText('Spelas in', { exact: true }).waitFor();
  await Promise.all([caller.hearsTone(agentTone, 1), anna.hearsTone(callerTone)]);
  await anna.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await anna.finish();
  const [contact] = await server.contactsOnce('closed');
  assert.equal(await anna.page.getByRole('link', { name: 'Inspelningar' }).count(), 0);

  const eva = await signedIn('eva');
  await eva.page.getByRole('link', { name: 'Inspelningar' }).click();
  const row = eva.page.locator(`[data-recording="${contact.id}"]`);
  await row.getByText('Inspelad linje').waitFor();
  await row.getByText('Anna').waitFor();
  await eva.isAccessible('recordings');
  await row.getByRole('button', { name: /^Lyssna på samtalet/ }).click();
  await eva.page.keyboard.type('Klagomål på bemötandet');
  let sound;
  await eva.page.route('**/recording', async (route) => {
    const response = await route.fetch();
    sound = await response.body();
    await route.fulfill({ response });
  });
  await eva.page.keyboard.press('Enter');
  const player = row.getByLabel('Inspelningen', { exact: true });
  await player.waitFor();
  assert.ok(secondsOfTone(side(sound, 0), callerTone) > 0.5, 'the user is on the left');
  assert.ok(secondsOfTone(side(sound, 1), agentTone) > 0.5, 'the agent is on the right');
  await eva.page.waitForFunction(() => document.querySelector('.player audio').duration > 1);
  await eva.isAccessible('a recording that is heard');
});
