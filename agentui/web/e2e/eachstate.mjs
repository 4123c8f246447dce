// A state of the console: accessible (axe), nothing that the content security policy forbids, no error in the browser's
// log, no horizontal scrolling on any screen and none when it is enlarged, nothing that moves for those who want no
// motion. What contrast there is depends on the theme alone and what room there is on the language alone, so two looks
// are enough. A state is opened once and changes its look as it stands, in a page that is used again: most of the time
// would go to opening pages. Files of tests share this, each with states of its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from '../dev/browser.mjs';
import { startMock } from '../dev/mock.mjs';
import { acts, breaks, pages, prepares, signedOutStates } from '../dev/states.mjs';
import { axeSource, bearsEnlarging, isAccessible } from './real/accessible.mjs';

const looks = [
  { language: 'sv', colorScheme: 'light', widths: [320, 1440] },
  { language: 'en', colorScheme: 'dark', widths: [768] },
];

/** What the browser may say: asking who is signed in, a socket that the stand-in breaks, a mail's script that its frame must not run. */
const expected = /401 \(|WebSocket connection to .* failed|Blocked script execution in '.*\/html'/;

let mock;
let browser;
let context;
/** The page that the next state may use; errors are those of the state in it. */
let free;
let errors = [];

before(async () => {
  mock = await startMock();
  browser = await startBrowser();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(20_000);
  // The policy is looked after by listening for violations; axe itself is let past it.
  await context.addInitScript(axeSource);
  await context.addInitScript(() => {
    if (window !== top) return; // a mail in its frame has neither storage nor scripts
    localStorage.clear();
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) => {
      window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
});
after(async () => {
  await browser?.close();
  await mock?.stop();
});

/** A page for a state: the one that is free, unless the state changes what runs in it. */
async function pageFor(state) {
  errors = [];
  const used = prepares[state] ? undefined : free;
  if (used) {
    free = undefined;
    return used;
  }
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) errors.push(message.text());
  });
  if (prepares[state]) await page.addInitScript(prepares[state]);
  return page;
}

/** Gives the page its look, as if it was chosen in another window and by the system. */
async function dress(page, { language, colorScheme }) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate((tag) => {
    localStorage.setItem('svar.language', JSON.stringify(tag));
    dispatchEvent(new StorageEvent('storage', { key: 'svar.language' }));
  }, language);
  await page.waitForFunction((tag) => document.documentElement.lang === tag, language);
}

/** Tests each of the states. */
export function testEach(states) {
  for (const state of states) testState(state);
}

function testState(state) {
  test(state, async () => {
    const page = await pageFor(state);
    await page.emulateMedia({ colorScheme: looks[0].colorScheme });
    await page.goto(`${mock.origin}/console/?state=${state}${pages[state] ?? ''}`);
    await page.locator(signedOutStates.includes(state) ? 'form' : '.columns, form').first().waitFor();
    await acts[state]?.(page);
    if (state in breaks) await page.getByText('Försöker igen').waitFor();

    for (const look of looks) {
      const { language, colorScheme, widths } = look;
      await dress(page, look);
      const name = `${state}, ${language}, ${colorScheme}`;
      await isAccessible(page, name, widths);
      // Bars that run out may go on by whole seconds.
      const moving = await page.evaluate(() =>
        document.getAnimations().filter(({ playState, effect }) => playState === 'running' && !effect.getTiming().easing.startsWith('steps')).length);
      assert.equal(moving, 0, `${name}: something moves`);
    }
    // What is open on a wide screen would cover the parts of a narrow one.
    await page.keyboard.press('Escape');
    for (const look of looks) {
      await dress(page, look);
      await bearsEnlarging(page, `${state}, ${look.language}`, page.locator('nav button'));
    }
    assert.deepEqual(await page.evaluate(() => window.violations), [], 'the policy is kept');
    assert.deepEqual(errors, [], 'the browser has nothing to complain about');
    // One that failed on the way, or runs what only its state has, is not used again.
    if (prepares[state]) await page.close();
    else free = page;
  });
}
