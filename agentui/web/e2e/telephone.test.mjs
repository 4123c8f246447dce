// The telephone beyond answering, against a server that the test plays line by line: places outside and conferences, calls of
// the agent's own, marks, recordings, desk phones, and supervisors in others' calls.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callers, contactOf, hello, offerOf } from '../dev/parts.mjs';
import { openPeer } from '../dev/peer.mjs';
import { scriptServer } from '../dev/script.mjs';
import { states } from '../dev/states.mjs';
import { until } from './real/until.mjs';
import { browser, mock, open } from './standin.mjs';

const supervisor = { ...hello, supervises: true };

test('a place outside is found by key and search, called for the caller, and told of when it does not answer', async () => {
  const { context, page, server } = await open(states.connected);
  await page.keyboard.press('F9');
  await page.keyboard.type('administrativ');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('button', { name: 'Fråga först: Administrativ enhet' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.deepEqual((await server.asked('transfer')).to, { outside: 'administration' });
  server.state(states['outside-blind'](Date.now()));
  const bar = page.getByRole('region', { name: 'Fråga kollega' });
  await bar.getByText('Ringer Administrativ enhet. Användaren kopplas när de svarar.').waitFor();
  server.state(states['outside-failed'](Date.now()));
  await bar.getByText('Administrativ enhet nåddes inte: det är upptaget.').waitFor();
  assert.equal(await page.getByText('Kollegan svarade inte').count(), 0, 'its own bar says it');
  // The call is the agent's again: what was in vain keeps him from nothing.
  await page.keyboard.press('F4');
  assert.equal((await server.asked('resume')).contact, '0193-ringing');
  assert.ok(await page.locator('[data-transfer]').isEnabled());
  await context.close();
});

test('who is consulted becomes a third in the talk by key, and no longer, and takes it over', async () => {
  const { context, page, server } = await open(states['outside-talking']);
  await page.getByText('Du pratar med Administrativ enhet').waitFor();
  await page.keyboard.press('Shift+F9');
  const { contact, on } = await server.asked('conference');
  assert.deepEqual([contact, on], ['0193-ringing', true]);
  server.state(states.conference(Date.now()));
  await page.getByText('Konferens: du, användaren och Bo Lind').waitFor();
  await page.getByRole('button', { name: /^Avsluta konferensen/ }).click();
  assert.equal((await server.asked('conference')).on, undefined);
  await page.keyboard.press('F9');
  await server.asked('complete-transfer');
  await context.close();
});

test('a typed number is read back, wants a second look when nobody vouches for it, and the call is shown as outgoing', async () => {
  const { context, page, server } = await open(states.empty, { reply: ({ do: what, confirmed }) => (what === 'call' && !confirmed ? 'unconfirmed' : undefined) });
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'Ring upp' });
  await dialog.getByLabel('Nummer', { exact: true }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').getByText('Skriv ett telefonnummer.').waitFor();
  await page.keyboard.type('0701740699');
  await dialog.getByRole('status').getByText('070-174 06 99').waitFor();
  await dialog.getByLabel('Visa numret för').selectOption({ label: 'Elever' });
  await dialog.getByLabel('Nummer', { exact: true }).focus();
  await page.keyboard.press('Enter');
  const { number, line, confirmed } = await server.asked('call');
  assert.deepEqual([number, line, confirmed], ['0701740699', 'pupils', undefined]);
  await dialog.getByText('Ingen går i god för numret.').waitFor();
  // Another number is looked at anew.
  await dialog.getByLabel('Nummer', { exact: true }).fill('0701740655');
  await dialog.getByRole('button', { name: 'Ring', exact: true }).click();
  assert.equal((await server.asked('call')).confirmed, undefined);
  await dialog.getByRole('button', { name: 'Numret stämmer, ring' }).click();
  const second = await server.asked('call');
  assert.deepEqual([second.number, second.confirmed], ['0701740655', true]);
  await dialog.waitFor({ state: 'hidden' });
  server.state(states['dialling-out'](Date.now()));
  await page.getByText('Det ringer hos den du ringer upp.').waitFor();
  await page.getByText(/^Utgående · Samtal · Medarbetare$/).waitFor();
  assert.equal(await page.getByText('Välkommen till Service Desk, du talar med Anna.').count(), 0, 'nobody who is called is greeted');
  server.state(states['not-reached'](Date.now()));
  const told = page.getByRole('status').filter({ hasText: 'Ingen nåddes: inget svar.' });
  await told.waitFor();
  await told.getByRole('button', { name: 'Stäng' }).click();
  await told.waitFor({ state: 'detached' });
  await context.close();
});

test('a call-back to a number that nobody vouches for is dialled after a yes alone, and so is an offered one', async () => {
  const unconfirmed = ({ do: what, confirmed }) => ((what === 'dial' || what === 'accept') && !confirmed ? 'unconfirmed' : undefined);
  const { context, page, server } = await open(states.callbacks, { reply: unconfirmed });
  const dial = page.getByRole('region', { name: 'Återuppringningar' }).getByRole('button', { name: 'Ring upp Karin Öst' });
  const dialog = page.getByRole('dialog', { name: 'Ring upp 070-174 06 12?' });
  await dial.click();
  assert.equal((await server.asked('dial')).confirmed, undefined);
  await dialog.getByText('Karin Öst').waitFor();
  await dialog.getByText('Ingen går i god för numret.').waitFor();
  await dialog.getByRole('button', { name: 'Avbryt' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await dial.click();
  assert.equal((await server.asked('dial')).confirmed, undefined, 'the no is forgotten, and nothing was dialled');
  await dialog.getByRole('button', { name: 'Numret stämmer, ring' }).click();
  const second = await server.asked('dial');
  assert.deepEqual([second.contact, second.confirmed], ['0193-c1', true]);
  await dialog.waitFor({ state: 'hidden' });

  const offered = (now) => ({ ...states.callbacks(now), offer: offerOf(now, callers.known, { callback: true }) });
  server.state(offered(Date.now()));
  await page.locator('[data-offer]').waitFor();
  await page.keyboard.press('F2');
  assert.equal((await server.asked('accept')).confirmed, undefined);
  await dialog.waitFor();
  server.state(states.callbacks(Date.now())); // it was offered to somebody else meanwhile
  await dialog.waitFor({ state: 'hidden' });
  server.state(offered(Date.now()));
  await page.locator('[data-offer]').waitFor();
  await page.keyboard.press('F2');
  assert.equal((await server.asked('accept')).confirmed, undefined);
  await dialog.getByRole('button', { name: 'Numret stämmer, ring' }).click();
  assert.equal((await server.asked('accept')).confirmed, true);
  await context.close();
});

test('the person at hand, and the user of a ticket, are called; what the dial plan refuses is said', async () => {
  let refusal;
  const { context, page, server } = await open(states.wrapup, { reply: ({ do: what }) => (what === 'call' ? refusal : undefined) });
  refusal = 'not-allowed';
  await page.getByRole('button', { name: 'Ring Karin Öst' }).click();
  const dialog = page.getByRole('dialog', { name: 'Ring upp' });
  await dialog.getByText('070-174 06 12').waitFor();
  await dialog.getByRole('button', { name: 'Ring', exact: true }).click();
  assert.equal((await server.asked('call')).number, '+46701740612');
  await dialog.getByRole('alert').getByText('Det numret får inte ringas härifrån.').waitFor();
  await page.keyboard.press('Escape');
  refusal = undefined;
  await page.goto(`${mock.origin}/console/?state=empty#tickets/SD-100241`);
  await page.getByRole('button', { name: 'Ring användaren' }).click();
  await dialog.getByRole('button', { name: 'Ring', exact: true }).click();
  const { ticket, number } = await server.asked('call');
  assert.deepEqual([ticket, number], ['SD-100241', undefined]);
  await context.close();
});

test('who may make no calls is offered none', async () => {
  const { context, page } = await open(states.wrapup, { greeting: { ...hello, callsLines: [] } });
  await page.getByText('Karin Öst').first().waitFor();
  assert.equal(await page.getByRole('button', { name: /^Ring (Karin|ett)/ }).count(), 0);
  await page.keyboard.press('Escape'); // out of the note
  await page.keyboard.press('c');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Tangenter' }).waitFor(); // keys are heard
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await context.close();
});

test('a threat is marked by two presses of a small button; one press alone marks nothing', async () => {
  const { context, page, server } = await open(states.connected);
  const marks = page.getByRole('group', { name: 'Märk samtalet' });
  await marks.getByRole('button', { name: 'Busringning' }).click();
  await marks.getByRole('button', { name: 'Hot' }).click();
  await marks.getByRole('button', { name: 'Bekräfta hot' }).waitFor();
  await marks.getByRole('button', { name: 'Busringning' }).waitFor();
  await page.keyboard.press('Enter'); // the focus stayed on it
  const { contact, mark } = await server.asked('mark');
  assert.deepEqual([contact, mark], ['0193-ringing', 'threat']);
  server.state(states.marked(Date.now()));
  await marks.getByText('Märkt som hot').waitFor();
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'mark'), [], 'nothing else was marked');
  await context.close();
});

test('a recording is seen, and paused and resumed by one key', async () => {
  const { context, page, server } = await open(states.recording);
  await page.getByText('Spelas in', { exact: true }).waitFor();
  await page.keyboard.press('Shift+F8');
  assert.equal((await server.asked('recording')).on, undefined);
  server.state(states['recording-paused'](Date.now()));
  await page.getByText('Inspelningen är pausad').waitFor();
  await page.keyboard.press('Shift+F8');
  assert.equal((await server.asked('recording')).on, true);
  server.state(states.connected(Date.now()));
  await page.getByText('Inspelningen är pausad').waitFor({ state: 'detached' });
  await page.keyboard.press('Shift+F8');
  await page.keyboard.press('F4');
  await server.asked('hold');
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'recording'), [], 'what is not recorded is not paused');
  await context.close();
});

test('with a desk phone one is ready without a microphone, and lifts its receiver to answer', async () => {
  const phone = (state) => (now) => ({ ...states[state](now), me: { ...states[state](now).me, phone: true } });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  });
  const server = await scriptServer(page);
  server.first = () => phone('not-ready')(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.locator('.columns[aria-busy=false]').waitFor();
  await page.keyboard.press('r');
  assert.equal((await server.asked('presence')).presence, 'ready');
  server.state(phone('empty')(Date.now()));
  await page.getByRole('banner').getByText('Bordstelefon').waitFor();
  server.state(phone('ringing')(Date.now()));
  await page.locator('[data-offer]').getByText('Lyft luren på bordstelefonen för att svara.').waitFor();
  await page.keyboard.press('F2');
  await page.getByRole('alert').getByText('Lyft luren på bordstelefonen för att svara.').waitFor();
  server.state(phone('connected')(Date.now()));
  await page.getByText('Ljudet är i bordstelefonen.').waitFor();
  await page.keyboard.press('F4');
  await server.asked('hold');
  await page.keyboard.press('Shift+F2');
  await server.asked('hang-up');
  for (const never of ['accept', 'voice']) assert.deepEqual(server.requests.filter(({ do: what }) => what === never), [], `${never} is the phone's`);
  await context.close();
});

test('a supervisor listens with a closed microphone, whispers with an open one, and leaves; the mode is always seen', async () => {
  const { context, page, server } = await open(states.talks, { greeting: supervisor, hash: '#talks' });
  await page.getByRole('status').getByText('Hot i samtalet hos Ida Kron').waitFor();
  const row = page.locator('[data-talk]').filter({ hasText: 'Bo Lind' });
  await row.getByText('Busringning').waitFor();
  await row.getByRole('button', { name: 'Lyssna på Bo Lind' }).click();
  const { contact, mode } = await server.asked('supervise');
  assert.deepEqual([contact, mode], ['0193-talk-1', 'listen']);
  const show = (wanted) => {
    const state = states.talks(Date.now());
    server.state({ ...state, talks: state.talks.map((talk) => (talk.contact === contact ? { ...talk, mode: wanted } : talk)) });
  };
  show('listen');
  const peer = await openPeer(context, { tone: 500, onSignal: (payload) => server.superviseSignal(contact, payload, 'leg-1') });
  server.onSignal = (payload, offer, leg, of) => {
    if (offer === 0 && leg === 'leg-1' && of === contact) void peer.signal(payload);
  };
  await page.bringToFront();
  const own = page.getByRole('region', { name: 'Delta' });
  await own.getByText('Du lyssnar på Bo Lind. Ingen hör dig.').waitFor();
  await until('the voice stands', async () => (await peer.state()) === 'connected');
  await page.waitForFunction(() => document.getElementById('talk-audio').srcObject?.getAudioTracks().length === 1);
  await until('who listens is silent', async () => (await peer.level()) < 0.01);
  await page.getByRole('link', { name: 'Arbetsplats' }).click();
  await own.getByRole('button', { name: 'Viska till Bo Lind' }).click();
  assert.equal((await server.asked('supervise')).mode, 'whisper');
  show('whisper');
  await own.getByText('Du viskar till Bo Lind. Användaren hör dig inte.').waitFor();
  await until('who whispers is heard', async () => (await peer.level()) > 0.05);
  show('listen');
  await until('the server\'s word closes the microphone', async () => (await peer.level()) < 0.01);
  await own.getByRole('button', { name: 'Lämna samtalet' }).click();
  const left = await server.asked('supervise');
  assert.deepEqual([left.contact, left.mode], [contact, undefined]);
  await until('the voice is over', async () => (await peer.state()) !== 'connected');
  show(undefined);
  await own.waitFor({ state: 'detached' });
  await context.close();
});

test('a supervisor whose page was loaded anew takes the sound back', async () => {
  const { context, page, server } = await open(states.listening, { greeting: supervisor });
  const own = page.getByRole('region', { name: 'Delta' });
  await own.getByText('Du lyssnar på Hassan Amiri-Lundqvist. Ingen hör dig.').waitFor();
  await own.getByRole('button', { name: 'Hör här' }).click();
  const { contact, take } = await server.asked('voice');
  assert.deepEqual([contact, take], ['0193-talk-2', true]);
  await own.getByRole('button', { name: 'Hör här' }).waitFor({ state: 'detached' });
  assert.deepEqual(server.requests.filter(({ do: what }) => what === 'supervise'), [], 'it is on record already');
  await context.close();
});

test('the agent sees who whispers; who is no supervisor has no list of talks', async () => {
  const { context, page } = await open(states.supervised, { hash: '#talks' });
  await page.getByText('Karin Öst').first().waitFor();
  assert.equal(await page.getByRole('link', { name: 'Samtal' }).count(), 0);
  assert.equal(await page.locator('[data-talk]').count(), 0);
  await page.goto(`${mock.origin}/console/?state=empty#`);
  await page.getByText('Eva Berg hörs av dig i samtalet').waitFor();
  await context.close();
});

test('recordings are found by day, agent and ticket, and led to from a ticket', async () => {
  const { context, page } = await open(states.empty, { state: 'recordings', greeting: supervisor, hash: '#tickets/SD-100240' });
  await page.getByRole('link', { name: '2 inspelningar' }).click();
  const list = page.getByRole('region', { name: 'Inspelningar' });
  const rows = list.getByRole('listitem');
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2, 'those of the ticket, of whatever day');
  assert.equal(await list.getByLabel('Ärende eller kontakt').inputValue(), 'SD-100240');
  await list.getByLabel('Handläggare').selectOption({ label: 'Bo Lind' });
  await rows.nth(1).waitFor({ state: 'detached' });
  await rows.getByText('Bo Lind').waitFor();
  await list.getByLabel('Handläggare').selectOption({ label: 'Alla' });
  await list.getByLabel('Ärende eller kontakt').fill('');
  await page.keyboard.press('Enter');
  await rows.nth(3).waitFor();
  await list.getByRole('button', { name: 'Visa fler' }).click();
  await rows.nth(4).waitFor();
  await list.getByLabel('Dag').fill('2020-01-01');
  await list.getByText('Inga inspelningar i urvalet.').waitFor();
  await list.getByRole('button', { name: 'Alla dagar' }).click();
  await rows.nth(3).waitFor();
  await context.close();
});

test('who is no supervisor finds no recordings', async () => {
  const { context, page } = await open(states.empty, { state: 'recordings', hash: '#recordings' });
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  assert.equal(await page.getByRole('link', { name: 'Inspelningar' }).count(), 0);
  assert.equal(await page.getByRole('region', { name: 'Inspelningar' }).count(), 0);
  await page.goto(`${mock.origin}/console/?state=recordings#tickets/SD-100240`);
  await page.getByRole('heading', { name: 'Fel i schemat sedan i måndags' }).waitFor();
  assert.deepEqual(asked.filter((path) => path.includes('recording')), [], 'the server is not even asked');
  await context.close();
});

test('a recording is fetched with its reason beside the address, and what is refused is said', async () => {
  const { context, page } = await open(states.empty, { state: 'recordings', greeting: supervisor, hash: '#recordings' });
  await page.getByRole('button', { name: 'Alla dagar' }).click();
  await page.getByRole('button', { name: /^Lyssna på samtalet/ }).nth(1).click();
  const row = page.locator('[data-recording].open');
  const reason = row.getByLabel('Varför behöver du lyssna?');
  await reason.and(page.locator(':focus')).waitFor();
  const listen = row.getByRole('button', { name: 'Lyssna', exact: true });
  assert.ok(await listen.isDisabled(), 'without a reason nothing is fetched');
  let status = 404;
  let asked;
  await page.route('**/api/v1/contacts/*/recording', (route) => {
    asked = route.request();
    return status === 200 ? route.fallback() : route.fulfill({ status, contentType: 'application/problem+json', body: '{}' });
  });
  await reason.fill('Klagomål på bemötandet');
  await listen.click();
  await row.getByRole('alert').getByText('Inspelningen finns inte längre.').waitFor();
  assert.ok(!asked.url().includes('Klagom'), 'addresses end up in logs');
  assert.equal(decodeURIComponent(await asked.headerValue('svar-reason')), 'Klagomål på bemötandet');
  status = 403;
  await listen.click();
  await row.getByRole('alert').getByText('Du har inte rätt att göra det.').waitFor();
  status = 200;
  await listen.click();
  const player = row.getByLabel('Inspelningen', { exact: true });
  await player.and(page.locator(':focus')).waitFor();
  await page.waitForFunction(() => document.querySelector('.player audio').duration === 0.5, undefined, { timeout: 20_000 });
  await row.getByRole('button', { name: 'Stäng' }).click();
  await player.waitFor({ state: 'detached' });
  await context.close();
});

test('text beside the voice is seen as it is typed, both ways, and said line by line', async () => {
  const { context, page, server } = await open(states.ringing);
  const peer = await openPeer(context, { tone: 500, onSignal: (payload) => server.signal(41, payload, 'leg-1') });
  server.onSignal = (payload) => void peer.signal(payload);
  await page.bringToFront();
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.state({ ...states.connected(Date.now()), contacts: [contactOf(Date.now(), 'connected', callers.known)] });
  await until('the channel is open', async () => (await peer.textState()) === 'open');
  await page.getByRole('group', { name: 'Märk samtalet' }).waitFor();
  const offered = page.getByRole('button', { name: 'Text', exact: true });
  assert.equal(await offered.count(), 0, 'no field is offered that nobody reads');
  server.takesText(41, true);
  await offered.waitFor();
  await peer.type('Jag hör intte');
  const pane = page.getByRole('region', { name: 'Text i samtalet' });
  await pane.getByText('Jag hör intte').waitFor();
  const said = pane.getByRole('log');
  assert.equal((await said.textContent()).trim(), '', 'half a line is not said');
  await peer.type('\b\b\bte\u2028');
  await said.getByText('Jag hör inte').waitFor();
  await pane.getByLabel('Skriv till användaren').fill('Då skriver vi');
  await until('what is typed has come', async () => (await peer.text()) === 'Då skriver vi');
  await pane.getByLabel('Skriv till användaren').fill('Då skriver jag');
  await page.keyboard.press('Enter');
  await until('it was mended and ended', async () => (await peer.text()) === 'Då skriver vi\b\bjag\u2028');
  await said.getByText('Då skriver jag').waitFor();
  assert.equal(await pane.getByLabel('Skriv till användaren').inputValue(), '');
  server.state({ ...states.held(Date.now()), contacts: [contactOf(Date.now(), 'held', callers.known)] });
  await pane.getByText('I vänteläge ser användaren inte det du skriver.').waitFor();
  assert.ok(await pane.getByLabel('Skriv till användaren').isDisabled());
  server.state({ ...states.connected(Date.now()), contacts: [contactOf(Date.now(), 'connected', callers.known)] });
  await pane.getByLabel('Skriv till användaren').and(page.locator(':enabled')).waitFor();
  server.takesText(41, false);
  await pane.getByText('Användarens telefon tar inte emot text.').waitFor();
  assert.ok(await pane.getByLabel('Skriv till användaren').isDisabled());
  await said.getByText('Då skriver jag').waitFor(); // what was said stays in sight
  await context.close();
});
