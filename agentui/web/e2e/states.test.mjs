// Every state of the console: accessible (axe), nothing that the content security policy forbids, no error in the
// browser's log, no horizontal scrolling on a screen of 320 pixels (WCAG 1.4.10), in both languages and both themes.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { startBrowser } from '../dev/browser.mjs';
import { startMock } from '../dev/mock.mjs';
import { breaks, opens, pages, states } from '../dev/states.mjs';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const looks = [
  { language: 'sv', colorScheme: 'light', widths: [1440, 768] },
  { language: 'en', colorScheme: 'dark', widths: [1440, 320] },
];

let mock;
let browser;
before(async () => {
  mock = await startMock();
  browser = await startBrowser();
  for (const look of looks) {
    const viewport = { width: 1440, height: 900 };
    look.context = await browser.newContext({ viewport, colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    // The policy is looked after by listening for violations; axe itself is let past it.
    await look.context.addInitScript((tag) => {
      if (window !== top) return; // a mail in its frame has neither storage nor scripts
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

for (const state of ['sign-in', ...Object.keys(states)]) {
  test(state, async () => {
    for (const { language, colorScheme, widths, context } of looks) {
      const page = await context.newPage();
      const errors = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        // The stand-in's mail has a script, which its frame must not run.
        const expected = /401 \(|WebSocket connection to .* failed|Blocked script execution in '.*\/html'/.test(message.text());
        if (message.type() === 'error' && !expected) errors.push(message.text());
      });

      await page.goto(`${mock.origin}/console/?state=${state}${pages[state] ?? ''}`);
      await page.locator(state === 'sign-in' ? 'form' : '.columns').waitFor();
      if (opens[state]) await page.locator(opens[state]).click();
      if (state in breaks) await page.getByText(language === 'sv' ? 'Försöker igen' : 'Trying again').waitFor();

      assert.deepEqual(await page.evaluate(() => window.violations), [], 'the policy is kept');
      await page.evaluate(axeSource);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`),
          [],
          `axe at ${width} pixels, ${language}, ${colorScheme}`,
        );
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} pixels too wide at ${width}`);
      }
      assert.deepEqual(errors, [], 'the browser has nothing to complain about');
      await page.close();
    }
  });
}
