// Takes a picture of each state of the console: node dev/screenshots.mjs FOLDER [state …]
// Widths 320, 768 and 1440, light and dark, Swedish; --en takes English ones. Run "npm run build" first.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBrowser } from './browser.mjs';
import { startMock } from './mock.mjs';
import { openPeer } from './peer.mjs';
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
  await page.locator('.bar .sound').filter({ hasText: /(Bra|Svagt|Dåligt) ljud|(Good|Weak|Poor) sound/ }).waitFor();
}

await mkdir(folder, { recursive: true });
const mock = await startMock();
const browser = await startBrowser();
try {
  for (const state of wanted.length ? wanted : everyState) {
    for (const viewport of sizes) {
      for (const colorScheme of ['light', 'dark']) {
        const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
        await context.addInitScript((tag) => localStorage.setItem('svar.language', JSON.stringify(tag)), language);
        context.setDefaultTimeout(5000);
        const page = await context.newPage();
        if (prepares[state]) await page.addInitScript(prepares[state]);
        if (state.startsWith('connected') || state === 'held') await answerCall(context, page, state);
        else await page.goto(`${mock.origin}/console/?state=${state}${pages[state] ?? ''}`);
        await page.locator('.columns, form').first().waitFor();
        await acts[state]?.(page).catch(() => {}); // on a narrow screen it may be on another step
        await page.waitForTimeout(state in breaks ? 1500 : 500);
        await page.screenshot({ path: join(folder, `${state}-${viewport.width}-${colorScheme}-${language}.png`) });
        await context.close();
      }
    }
  }
} finally {
  await browser.close();
  await mock.stop();
}
