// One queue: whatever way people come, they wait in one list, and one agent's console answers them in its order.

import assert from 'node:assert/strict';
import { agentTone } from './real/agent.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

story('a form, a chat and a call wait in one list, and are served by how much of their time they have waited', async (scene) => {
  const anna = await scene.signedIn('anna');
  const karin = await scene.user();
  const number = await karin.report('Skrivaren är trasig');
  await anna.waiting(1);
  const visitor = await scene.chatter('chat-staff');
  await visitor.openChat();
  await visitor.write('Var hittar jag schemat?');
  await anna.waiting(2);
  const caller = await scene.call('staff', 'sip:+46701740607@127.0.0.1');
  await anna.waiting(3);
  const list = anna.page.getByRole('list', { name: 'I den ordning de erbjuds' });
  assert.deepEqual(await list.locator('.name').allTextContents(), ['Fråga Service Desk', 'Medarbetare', 'Portalen']);
  await anna.isAccessible('three ways in one list');

  await anna.page.keyboard.press('r');
  await anna.takeChat();
  await anna.reads('Var hittar jag schemat?');
  await anna.write('På startsidan.');
  await visitor.reads('På startsidan.');
  assert.equal(await anna.card.count(), 0, 'nobody rings beside a chat');
  await anna.page.getByRole('button', { name: 'Avsluta chatten' }).click();
  await visitor.chat.getByText('Chatten är avslutad.').waitFor();
  await anna.finishAs('Löst');

  await anna.answer();
  await Promise.all([caller.hearsTone(agentTone, 0.5), anna.hearsTone(callerTone)]);
  await caller.hangUp();
  await anna.finishAs('Fråga besvarad');

  await anna.takeText('Skrivaren är trasig');
  await anna.sendAnswer('En tekniker kommer i dag.');
  await anna.finishWith(number);
  await anna.handled(3);

  const contacts = await scene.server.allClosed(3);
  assert.deepEqual(
    contacts.map(({ channel, end, agent }) => [channel, end, agent]).toSorted(),
    [['chat', 'handled', 'anna'], ['form', 'handled', 'anna'], ['voice', 'handled', 'anna']],
  );
});
