// Outage messages end to end: published once, they stand wherever users look, until they are silenced or withdrawn.

import assert from 'node:assert/strict';
import { story } from './real/story.mjs';

const outage = 'Skolplattformen går inte att nå just nu.';

story('an outage message stands in chats, consoles and the portal, is silenced by an embargo, and is withdrawn', async (scene) => {
  const anna = await scene.signedIn('anna');
  const eva = await scene.signedIn('eva');
  const chatting = await scene.chatter('chat-platform');
  await chatting.openChat();
  await chatting.write('Skolplattformen startar inte.');
  await chatting.sent();

  await eva.page.getByRole('link', { name: 'Driftmeddelanden', exact: true }).click();
  await eva.page.getByLabel('Text på svenska').fill(outage);
  await eva.page.getByLabel('Tjänst').first().selectOption('school-platform');
  await eva.page.getByRole('button', { name: 'Publicera driftmeddelande' }).click();
  await eva.page.getByText('Meddelandet är publicerat.').waitFor();
  await chatting.notices.getByText(outage).waitFor();
  await anna.page.getByRole('status').getByText(outage).waitFor();
  const late = await scene.chatter('chat-platform');
  await late.openChat();
  await late.notices.getByText(outage).waitFor();
  const reader = await scene.user();
  const onPortal = reader.page.getByRole('region', { name: 'Aktuella driftmeddelanden' });
  await onPortal.getByText(outage).waitFor();
  await reader.isAccessibleInBoth('the start page with an outage message');
  await late.isAccessible('the widget with an outage message', [320, 1440]);
  await eva.isAccessible('outage messages');

  await eva.page.getByLabel('Stadens kontaktperson').fill('Maria Strand');
  await eva.page.getByLabel('Vad spärren gäller').fill('Allt om Skolplattformen');
  await eva.page.getByRole('button', { name: 'Sätt spärr' }).click();
  for (const visitor of [chatting, late]) await visitor.notices.waitFor({ state: 'detached' });
  await anna.page.getByRole('status').getByText('Spärrad').waitFor();
  await eva.page.getByRole('region', { name: 'Gäller nu' }).getByText('Spärrad').first().waitFor();
  await reader.page.reload();
  assert.equal(await onPortal.count(), 0, 'the embargo silences the portal');
  await eva.isAccessible('a blocked outage message');

  await eva.page.getByRole('button', { name: /^Häv spärren:/ }).click();
  await eva.page.getByRole('dialog').getByRole('button', { name: 'Häv spärren' }).click();
  for (const visitor of [chatting, late]) await visitor.notices.getByText(outage).waitFor();
  await anna.page.getByRole('status').getByText('Spärrad').waitFor({ state: 'detached' });

  await eva.page.getByRole('button', { name: `Ta tillbaka: ${outage}` }).click();
  await eva.page.getByRole('dialog').getByRole('button', { name: 'Ta tillbaka' }).click();
  for (const visitor of [chatting, late]) await visitor.notices.waitFor({ state: 'detached' });
  await anna.page.getByRole('status').getByText(outage).waitFor({ state: 'detached' });
});
