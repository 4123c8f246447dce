// Takes a picture of each state of the console: node dev/screenshots.mjs FOLDER [state …]
// Widths 320, 768 and 1440, light and dark, Swedish; --en takes English ones. --docs takes what the documentation has:
// one picture of each state, or of those that are named, and a few of narrow screens, in the dark and in English. Run "npm run build" first.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBrowser } from './browser.mjs';
import { startMock } from './mock.mjs';
import { openPeer } from './peer.mjs';
import { takesText } from './phone-states.mjs';
import { takePicture } from './picture.mjs';
import { scriptServer } from './script.mjs';
import { acts, breaks, everyState, pages, prepares, states } from './states.mjs';

const options = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
const [folder = 'screenshots', ...wanted] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const language = options.has('--en') ? 'en' : 'sv';
const sizes = [
  { width: 1440, height: 900 },
  { width: 768, height: 1024 },
  { width: 320, height: 640 },
];

/** States of a call whose sound goes the way of the browser. */
const heardHere = new Set([
  'held', 'keypad', 'transfer-outside', 'outside-asked', 'outside-blind', 'outside-talking', 'outside-failed', 'conference', 'recording',
  'recording-paused', 'recording-declined', 'mark-sure', 'marked', 'supervised', 'text', 'text-held',
]);

/** Brings a page into a call whose sound really is here: the far end is another page of the same browser. */
async function answerCall(context, page, state) {
  const server = await scriptServer(page);
  server.first = () => states.ringing(Date.now());
  await page.goto(`${mock.origin}/console/?state=empty`);
  await page.locator('[data-offer]').waitFor();
  const peer = await openPeer(context, { tone: 440, onSignal: (payload) => server.signal(41, payload) });
  server.onSignal = (payload) => void peer.signal(payload);
  await page.bringToFront();
  await page.keyboard.press('F2');
  await server.asked('accept');
  server.state(states[state](Date.now()));
  await page.locator('.bar .voice').filter({ hasText: /(Bra|Svagt|Dåligt) ljud|(Good|Weak|Poor) sound/ }).waitFor();
  if (takesText.includes(state)) {
    server.takesText(41, true);
    await peer.type('Kan vi skriva? Jag hör inte så bra.\u2028');
    await page.locator('.pane [role=log] p').waitFor();
  }
}

/** What the pictures are of: a state on a screen in a theme and a language, by the picture's name. */
function* wantedLooks() {
  const wide = { width: 1280, height: 800 };
  if (options.has('--docs')) {
    const plain = { viewport: wide, colorScheme: 'light', language: 'sv' };
    for (const state of wanted.length ? wanted : everyState) yield { ...plain, state, name: state };
    if (wanted.length) return;
    for (const state of ['ringing', 'connected', 'wrapup', 'sound']) {
      yield { ...plain, state, name: `${state}-narrow`, viewport: { width: 320, height: 640 } };
    }
    for (const state of ['ringing', 'held', 'several']) yield { ...plain, state, name: `${state}-dark`, colorScheme: 'dark' };
    for (const state of ['ringing', 'wrapup']) yield { ...plain, state, name: `${state}-english`, language: 'en' };
    return;
  }
  for (const state of wanted.length ? wanted : everyState) {
    for (const viewport of sizes) {
      for (const colorScheme of ['light', 'dark']) {
        yield { state, viewport, colorScheme, language, name: `${state}-${viewport.width}-${colorScheme}-${language}` };
      }
    }
  }
}

await mkdir(folder, { recursive: true });
const mock = await startMock();
const browser = await startBrowser();
try {
  for (const { state, viewport, colorScheme, language, name } of wantedLooks()) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
    context.setDefaultTimeout(10_000);
    await context.addInitScript((tag) => {
      if (window !== top) return; // a mail in its frame has no storage
      localStorage.setItem('svar.language', JSON.stringify(tag));
      localStorage.setItem('svar.notifications', 'false');
    }, language);
    const page = await context.newPage();
    if (prepares[state]) await page.addInitScript(prepares[state]);
    if (state.startsWith('connected') || heardHere.has(state)) await answerCall(context, page, state);
    else await page.goto(`${mock.origin}/console/?state=${state}${pages[state] ?? ''}`);
    await page.locator('.columns, form').first().waitFor();
    await acts[state]?.(page).catch(() => {}); // on a narrow screen it may be on another step
    await page.waitForTimeout(state in breaks ? 1500 : 500);
    await takePicture(page, join(folder, `${name}.png`));
    await context.close();
  }
} finally {
  await browser.close();
  await mock.stop();
}
