// The pages beside the work place: tickets, outage messages, figures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptServer } from '../dev/script.mjs';
import { hello, offerOf } from '../dev/parts.mjs';
import { states } from '../dev/states.mjs';
import { browser, mock, open as openConsole } from './standin.mjs';

const open = (state, hash) => openConsole(undefined, { state, hash });

test('tickets are searched, opened, noted, and change status', async () => {
  const { context, page, posts } = await open('tickets', '#tickets');
  const list = page.getByRole('region', { name: 'Ärenden' });
  await list.getByRole('link').nth(3).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.getByLabel('Sök ärende').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('schemat');
  await list.getByRole('link').nth(1).waitFor({ state: 'detached' });
  await list.getByRole('link', { name: 'SD-100240' }).click();
  await page.getByRole('heading', { name: 'Fel i schemat sedan i måndags' }).waitFor();

  await page.getByRole('button', { name: 'Intern anteckning' }).click();
  await page.getByRole('textbox', { name: 'Intern anteckning' }).fill('Ringt skolan.');
  await page.getByRole('button', { name: 'Spara anteckning' }).click();
  await page.getByRole('article').getByText('Ringt skolan.').waitFor();
  assert.deepEqual(posts.at(-1).body, { kind: 'note', text: 'Ringt skolan.' });

  await page.getByRole('group', { name: 'Byt status' }).getByRole('button', { name: 'Åtgärdat' }).click();
  await page.getByText(/^Status: Åtgärdat/).waitFor();
  await page.goBack();
  await page.getByText('Välj ett ärende i listan.').waitFor();
  await context.close();
});

test('a ticket that may not be seen says so', async () => {
  const { context, page } = await open('empty', '#tickets/SD-999999');
  await page.getByRole('alert').getByText('Det finns inte, eller du får inte se det.').waitFor();
  await context.close();
});

test('an outage message is published, stands, and is withdrawn by one action', async () => {
  const { context, page, posts } = await open('outage', '#notices');
  await page.getByRole('button', { name: 'Publicera driftmeddelande' }).click();
  await page.getByRole('alert').getByText('Skriv en text på svenska.').waitFor();
  assert.deepEqual(posts, []);
  await page.getByLabel('Text på svenska').fill('Trådlösa nätet är nere på Södermalm.');
  await page.getByLabel('Tjänst').first().selectOption('network');
  await page.getByRole('checkbox', { name: 'Elever' }).check();
  await page.getByLabel('Till', { exact: true }).fill('2020-01-01T08:00');
  await page.getByRole('alert').getByText('Sluttiden måste ligga efter').waitFor();
  await page.getByLabel('Till', { exact: true }).fill('2099-01-01T08:00');
  await page.getByRole('button', { name: 'Publicera driftmeddelande' }).click();
  await page.getByText('Meddelandet är publicerat.').waitFor();
  assert.deepEqual(posts.at(-1), {
    path: '/api/v1/notices',
    body: {
      lines: ['pupils'],
      audiences: [],
      text: { sv: 'Trådlösa nätet är nere på Södermalm.' },
      service: 'network',
      until: Date.parse('2099-01-01T07:00:00Z'),
    },
  });
  const standing = page.getByRole('region', { name: 'Gäller nu' });
  await standing.getByText('Trådlösa nätet').waitFor();

  await page.getByRole('button', { name: 'Ta tillbaka: Trådlösa nätet är nere på Södermalm.' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Ta tillbaka' }).click();
  await standing.getByText('Trådlösa nätet').waitFor({ state: 'detached' });
  await page.getByRole('region', { name: 'Logg' }).getByText(/Tillbakataget \d\d:\d\d av anna/).waitFor();
  await context.close();
});

test('the City\'s embargo marks what it silences, and is lifted', async () => {
  const { context, page, posts } = await open('outage', '#notices');
  await page.getByRole('button', { name: 'Sätt spärr' }).click();
  await page.getByRole('alert').getByText('Fyll i kontaktperson').waitFor();
  await page.getByLabel('Stadens kontaktperson').fill('Maria Strand');
  await page.getByLabel('Vad spärren gäller').fill('Allt om nätet');
  await page.getByRole('button', { name: 'Sätt spärr' }).click();
  const standing = page.getByRole('region', { name: 'Gäller nu' });
  await standing.getByText('Spärrad').first().waitFor();
  assert.deepEqual(posts.at(-1).body, { contact: 'Maria Strand', scope: 'Allt om nätet' });
  await page.getByRole('button', { name: 'Häv spärren: Allt om nätet' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Häv spärren' }).click();
  await standing.getByText('Spärrad').first().waitFor({ state: 'detached' });
  await page.getByRole('region', { name: 'Logg' }).getByText(/Hävd \d\d:\d\d/).waitFor();
  await context.close();
});

test('every agent sees a blocked message as blocked, on every page; an agent cannot publish', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const server = await scriptServer(page, { ...hello, publishes: false, seesFigures: false });
  server.first = () => states['outage-blocked'](Date.now());
  await page.goto(`${mock.origin}/console/?state=outage-blocked`);
  await page.getByRole('status').getByText('Spärrad').waitFor();
  await page.getByRole('link', { name: 'Driftmeddelanden', exact: true }).click();
  await page.getByText('Arbetsledare publicerar driftmeddelanden.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Publicera driftmeddelande' }).count(), 0);
  assert.equal(await page.getByRole('button', { name: /Ta tillbaka/ }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Siffror' }).count(), 0);
  await context.close();
});

test('figures: choices show at once, shares of few are grey, the CSV has the same choices', async () => {
  const { context, page } = await open('figures', '#figures');
  const table = page.getByRole('table');
  await table.getByText('Prioriterad linje').first().waitFor();
  assert.equal(await table.locator('td.few').first().isVisible(), true);
  await page.getByLabel('Kontaktväg').selectOption('mail');
  await table.getByText('Prioriterad linje').first().waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Per', exact: true }).selectOption('total');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  const address = new URL(await page.getByRole('link', { name: 'Hämta som CSV' }).getAttribute('href'), mock.origin);
  assert.equal(address.pathname, '/api/v1/figures.csv');
  assert.deepEqual([address.searchParams.get('by'), address.searchParams.get('channel')], ['total', 'mail']);
  assert.match(address.searchParams.get('from'), /^\d{4}-\d\d-\d\d$/);
  await context.close();
});

test('an offer stays in sight on every page, and answering leads back to the work place', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const server = await scriptServer(page);
  server.first = () => states.empty(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty#notices`);
  await page.getByLabel('Text på svenska').fill('Ett utkast');
  server.state({ ...states.ringing(Date.now()), offer: offerOf(Date.now()) });
  await page.locator('[data-offer]').waitFor();
  assert.equal(await page.getByLabel('Text på svenska').inputValue(), 'Ett utkast');
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.state(states.connected(Date.now()));
  await page.locator('[data-contact]').waitFor();
  assert.equal(new URL(page.url()).hash, '');
  await context.close();
});
