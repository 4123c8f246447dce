// Every state of the console: accessible (axe), nothing that the content security policy forbids, no error in the
// browser's log, no horizontal scrolling on any screen and none when it is enlarged, nothing that moves for those who
// want no motion. What contrast there is depends on the theme alone and what room there is on the language alone, so two
// looks are enough.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from '../dev/browser.mjs';
import { startMock } from '../dev/mock.mjs';
import { acts, breaks, everyState, pages, prepares, signedOutStates } from '../dev/states.mjs';
import { bearsEnlarging, isAccessible } from './real/accessible.mjs';

const looks = [
  { language: 'sv', colorScheme: 'light', widths: [320, 1440] },
  { language: 'en', colorScheme: 'dark', widths: [768] },
];

/** What the browser may say: asking who is signed in, a socket that the stand-in breaks, a mail's script that its frame must not run. */
const expected = /401 \(|WebSocket connection to .* failed|Blocked script execution in '.*\/html'/;

let mock;
let browser;
before(async () => {
  mock = await startMock();
  browser = await startBrowser();
  for (const look of looks) {
    const viewport = { width: 1440, height: 900 };
    look.context = await browser.newContext({ viewport, colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    look.context.setDefaultTimeout(20_000);
    // The policy is looked after by listening for violations; axe itself is let past it.
    await look.context.addInitScript((tag) => {
      if (window !== top) return; // a mail in its frame has neither storage nor scripts
      localStorage.clear();
      localStorage.setItem('svar.language', JSON.stringify(tag));
      window.violations = [];
      addEventListener('securitypolicyviolation', (event) => {
        window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    }, look.language);
  }
});
after(async () => {
  await browser?.close();
  await mock?.stop();
});

for (const state of everyState) {
  test(state, async () => {
    for (const { language, colorScheme, widths, context } of looks) {
      const page = await context.newPage();
      const errors = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !expected.test(message.text())) errors.push(message.text());
      });

      if (prepares[state]) await page.addInitScript(prepares[state]);
      await page.goto(`${mock.origin}/console/?state=${state}${pages[state] ?? ''}`);
      await page.locator(signedOutStates.includes(state) ? 'form' : '.columns, form').first().waitFor();
      await acts[state]?.(page);
      if (state in breaks) await page.getByText(language === 'sv' ? 'Försöker igen' : 'Trying again').waitFor();

      const look = `${state}, ${language}, ${colorScheme}`;
      assert.deepEqual(await page.evaluate(() => window.violations), [], 'the policy is kept');
      await isAccessible(page, look, widths);
      // Bars that run out may go on by whole seconds.
      const moving = await page.evaluate(() =>
        document.getAnimations().filter(({ playState, effect }) => playState === 'running' && !effect.getTiming().easing.startsWith('steps')).length);
      assert.equal(moving, 0, `${look}: something moves`);
      // What is open on a wide screen would cover the parts of a narrow one.
      await page.keyboard.press('Escape');
      await bearsEnlarging(page, look, page.locator('nav button'));
      assert.deepEqual(errors, [], 'the browser has nothing to complain about');
      await page.close();
    }
  });
}
