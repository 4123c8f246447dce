// The portal end to end: the user's browser runs no scripts, and the console answers.

import assert from 'node:assert/strict';
import { story } from './real/story.mjs';

story('a user reports without scripts, gets the number at once, is answered and writes back', async ({ agent, user }) => {
  const anna = await agent('anna');
  const karin = await user();
  await karin.page.getByRole('link', { name: '08-508 001 00' }).waitFor();
  await karin.isAccessibleInBoth('the start page');

  await karin.page.getByRole('banner').getByRole('link', { name: 'Logga in' }).click();
  await karin.isAccessibleInBoth('sign-in');
  await karin.page.getByRole('banner').getByRole('link', { name: 'Anmäl ett ärende' }).click();
  karin.expected.push(/the server responded with a status of 4(01|22|29)/);
  await karin.signIn('karin', 'wrong-guess');
  await karin.page.getByRole('alert').getByText('Användarnamnet eller lösenordet stämmer inte.').waitFor();
  await karin.signIn('karin');
  await karin.page.getByRole('heading', { name: 'Anmäl ett ärende' }).waitFor();
  await karin.isAccessibleInBoth('the report');
  await karin.page.getByRole('button', { name: 'Skicka' }).click();
  await karin.page.getByRole('alert').getByRole('link', { name: 'Välj vad det gäller.' }).waitFor();
  await karin.isAccessible('a report with faults');

  await karin.page.getByRole('radio', { name: 'Något fungerar inte' }).check();
  await karin.page.getByLabel('Tjänst').selectOption({ label: 'Skolplattformen: Inloggning' });
  await karin.page.getByLabel('Rubrik').fill('Kommer inte in i Skolplattformen');
  await karin.page.getByLabel('Beskriv med egna ord').fill('Sedan i morse.\nLösenordet är nytt.');
  await karin.page.getByRole('button', { name: 'Skicka' }).click();
  const number = await karin.page.getByRole('status').locator('strong').textContent();
  assert.match(number, /^SD-\d+$/);
  await karin.isAccessible('a ticket that was received');

  await anna.card.getByText('Portalen').first().waitFor();
  await anna.isAccessible('a form is offered');
  await anna.takeText('Lösenordet är nytt.');
  await anna.isAccessible('a form');
  await anna.sendAnswer('Nu är ditt konto upplåst.');
  await anna.finishWith(number);

  await karin.page.getByRole('banner').getByRole('link', { name: 'Mina ärenden' }).click();
  await karin.isAccessibleInBoth('my tickets');
  await karin.page.getByRole('link', { name: `${number}: Kommer inte in i Skolplattformen` }).click();
  await karin.page.getByRole('article').getByText('Nu är ditt konto upplåst.').waitFor();
  await karin.page.getByLabel('Skriv till oss i ärendet').fill('Tack, nu går det bra.');
  await karin.page.getByRole('button', { name: 'Skicka' }).click();
  await karin.page.getByRole('article').getByText('Tack, nu går det bra.').waitFor();
  await karin.isAccessibleInBoth('a ticket');
  await anna.takeText('Tack, nu går det bra.');

  const elsa = await user();
  elsa.expected.push(/the server responded with a status of 404/);
  await elsa.page.getByRole('banner').getByRole('link', { name: 'Logga in' }).click();
  await elsa.signIn('elsa');
  await elsa.page.goto(`${elsa.origin}/tickets/${number}`);
  await elsa.page.getByRole('heading', { name: 'Sidan finns inte' }).waitFor();
  await elsa.isAccessible('no such page');
});
