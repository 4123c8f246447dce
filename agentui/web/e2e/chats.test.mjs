// Chats end to end, with nothing played by the test: the widget on a page of another origin, the built server, and the
// console. What is written is compared on both sides.

import assert from 'node:assert/strict';
import { story } from './real/story.mjs';

story('a chat from the page to a ticket', async ({ server, agent, chatter }) => {
  const anna = await agent('anna');
  const visitor = await chatter('chat-staff');
  await visitor.isAccessible('the widget, closed', [320, 1440]);
  await visitor.openChat();
  await visitor.write('Jag kommer inte in i lärplattformen.');
  await visitor.sent();
  await visitor.chat.getByText('Du står i kö.').first().waitFor();

  for (const text of ['Fråga Service Desk', 'Okänd avsändare']) await anna.card.getByText(text).waitFor();
  await anna.isAccessible('a chat is offered');
  await anna.takeChat();
  await visitor.chat.getByText('Du chattar med en handläggare.').waitFor();
  await anna.write('Hej! Vilket konto gäller det?');
  await visitor.reads('Hej! Vilket konto gäller det?');
  await visitor.write('Mitt eget.');
  await anna.reads('Mitt eget.');
  await visitor.sent();
  const written = [
    'Jag kommer inte in i lärplattformen.',
    'Tack för ditt meddelande. Du står i kö.',
    'Hej! Vilket konto gäller det?',
    'Mitt eget.',
  ];
  assert.deepEqual((await anna.texts()).toSorted(), written.toSorted());
  assert.deepEqual(await visitor.texts(), await anna.texts(), 'both read the same, in the same order');
  await anna.isAccessible('a chat');

  await visitor.chat.getByRole('button', { name: 'Avsluta chatten' }).click();
  await visitor.chat.getByText('Chatten är avslutad.').waitFor();
  await anna.page.getByRole('region', { name: 'Ärende' }).getByText('Incident').click();
  await anna.page.getByRole('button', { name: 'Skapa och avsluta' }).click();
  await anna.contact.waitFor({ state: 'detached' });

  const [contact, ...others] = await server.contactsOnce('closed');
  assert.deepEqual(others, []);
  const { channel, line, end, agent: by } = contact;
  assert.deepEqual({ channel, line, end, agent: by }, { channel: 'chat', line: 'chat-staff', end: 'handled', agent: 'anna' });
  await anna.page.getByRole('link', { name: 'Ärenden', exact: true }).click();
  const ticket = anna.page.getByRole('region', { name: 'Ärenden' }).getByRole('link', { name: /SD-\d+/ });
  await ticket.getByText('Jag kommer inte in i lärplattformen.').waitFor();
});

// chatwoot#14934, chatwoot#995: what was written while the net was away is there once, on both sides.
story('neither a cut wire nor a reload loses or doubles a line', async ({ agent, chatter }) => {
  const anna = await agent('anna');
  const visitor = await chatter('chat-staff');
  visitor.expected.push(/WebSocket connection to .* failed/, /net::ERR_/);
  await visitor.openChat();
  await visitor.write('Före avbrottet');
  await anna.takeChat();
  await anna.write('Jag läser');
  await visitor.reads('Jag läser');

  visitor.wire.cut();
  await visitor.chat.getByText('Anslutningen är bruten.').waitFor();
  await visitor.write('Under avbrottet, ett');
  await visitor.write('Under avbrottet, två');
  await visitor.reads('Under avbrottet, två');
  await anna.write('Svar under avbrottet');
  await anna.reads('Svar under avbrottet');
  visitor.wire.mend();
  await visitor.reads('Svar under avbrottet');
  await anna.reads('Under avbrottet, två');
  await visitor.sent();

  await visitor.page.reload();
  await visitor.openChat();
  await visitor.reads('Svar under avbrottet');
  await visitor.write('Efter omladdningen');
  await anna.reads('Efter omladdningen');
  await visitor.sent();
  await anna.page.reload();
  await anna.reads('Efter omladdningen');

  const texts = await visitor.texts();
  assert.deepEqual(await anna.texts(), texts, 'both read the same, in the same order');
  assert.deepEqual(texts.filter((text) => !text.startsWith('Tack för')), [
    'Före avbrottet', 'Jag läser', 'Svar under avbrottet', 'Under avbrottet, ett', 'Under avbrottet, två', 'Efter omladdningen',
  ]);
});

story('the widget is accessible on phones and screens, in both languages, by day and by night', async ({ chatter }) => {
  for (const language of ['sv', 'en']) {
    const visitor = await chatter('chat-staff', { language });
    await visitor.openChat();
    await visitor.write('Hello?');
    await visitor.sent();
    for (const colorScheme of ['light', 'dark']) {
      await visitor.page.emulateMedia({ colorScheme });
      await visitor.isAccessible(`the widget, ${language}, ${colorScheme}`, [320, 1440]);
    }
  }
});

story("the portal's own page has the widget", async ({ agent, portalChatter }) => {
  const anna = await agent('anna');
  const visitor = await portalChatter();
  await visitor.isAccessible('the portal with the widget', [320, 1440]);
  await visitor.button.press('Enter');
  await visitor.write('Hej från portalen');
  await anna.takeChat();
  await anna.reads('Hej från portalen');
  await visitor.sent();
});
