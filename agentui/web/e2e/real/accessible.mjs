// What is accessible: nothing that axe-core finds, in any frame, and no page that is wider than its screen.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Sees that the page is accessible on screens of these widths. state says what the page shows. */
export async function isAccessible(page, state, widths = [320, 768, 1440]) {
  const { width, height } = page.viewportSize();
  for (const size of widths) {
    await page.setViewportSize({ width: size, height: 900 });
    for (const frame of page.frames()) {
      if (!(await isShown(frame))) continue;
      const where = `${state}, ${size} pixels, ${new URL(frame.url()).pathname}`;
      assert.deepEqual(await findings(frame), [], `axe, ${where}`);
      const overflow = await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${where}: ${overflow} pixels too wide`);
    }
  }
  await page.setViewportSize({ width, height });
}

async function isShown(frame) {
  if (!frame.parentFrame()) return true;
  return (await frame.frameElement()).isVisible();
}

/** What axe finds in the frame itself; frames within it are asked by themselves. */
async function findings(frame) {
  if (!(await frame.evaluate(() => 'axe' in window))) await frame.evaluate(axeSource);
  const { violations } = await frame.evaluate(() => window.axe.run({ resultTypes: ['violations'], iframes: false }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
}
