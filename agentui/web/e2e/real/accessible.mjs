// What is accessible: nothing that axe-core finds, in any frame, and no page that is wider than its screen.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** axe-core, to be put into a page; isAccessible does that by itself where it is missing. */
export const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Screens that the page has to fit on. */
const screens = [320, 768, 1440];

/**
 * Sees that the page fits on every screen, and is accessible on screens of these widths. state says what the page shows.
 */
export async function isAccessible(page, state, widths = screens) {
  const { width, height } = page.viewportSize();
  for (const size of screens) {
    await page.setViewportSize({ width: size, height: 900 });
    for (const frame of page.frames()) {
      if (!(await isShown(frame))) continue;
      const where = `${state}, ${size} pixels, ${new URL(frame.url()).pathname}`;
      if (widths.includes(size)) assert.deepEqual(await findings(frame), [], `axe, ${where}`);
      await fits(frame, where);
    }
  }
  await page.setViewportSize({ width, height });
}

/** Tells whether the frame is seen and can be looked into. */
async function isShown(frame) {
  if (!frame.parentFrame()) return true;
  const element = await frame.frameElement();
  // Where no script may run, as in a mail, axe cannot either; what a mail says is not ours.
  const sandbox = await element.getAttribute('sandbox');
  return (sandbox === null || sandbox.includes('allow-scripts')) && (await element.isVisible());
}

/** What axe finds in the frame itself; frames within it are asked by themselves. */
async function findings(frame) {
  if (!(await frame.evaluate(() => 'axe' in window))) await frame.evaluate(axeSource);
  // Without preloading: our style sheets are of our own origin, so that axe can read them as they are.
  const { violations } = await frame.evaluate(() => window.axe.run({ resultTypes: ['violations'], iframes: false, preload: false }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
}

async function fits(frame, where) {
  const overflow = await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${where}: ${overflow} pixels too wide`);
}

/**
 * Sees that the page bears what people do to read it: the text spacing of WCAG 1.4.12, and a screen of 1280 × 1024
 * pixels at 400 % (1.4.10), on which a page may be scrolled one way only and no text is cut off. steps are the buttons
 * that a narrow screen has for the parts of the page.
 */
export async function bearsEnlarging(page, state, steps) {
  const { width, height } = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 256 });
  await page.evaluate(() => {
    // As a sheet of the page's own: the content security policy lets no style element in.
    const spacing = new CSSStyleSheet();
    spacing.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, spacing];
  });
  const look = async (part) => {
    const where = `${state}, enlarged and spaced${part}`;
    await fits(page, where);
    assert.deepEqual(await page.evaluate(cutOff), [], `cut off, ${where}`);
  };
  await look('');
  for (const step of (await steps?.all()) ?? []) {
    await step.click();
    await look(`, ${(await step.innerText()).trim()}`);
  }
  await page.evaluate(() => (document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1)));
  await page.setViewportSize({ width, height });
}

/** Runs in the page: texts that stand in a box too small for them, without being meant to be shortened there. */
function cutOff() {
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const hides = [style.overflowX, style.overflowY].some((way) => way === 'hidden' || way === 'clip');
    if (!hides || element.closest('.visually-hidden') || style.clipPath !== 'none' || element.clientWidth <= 1) continue;
    if (element.tagName === 'svg' || style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none' || !element.textContent.trim()) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const across = element.scrollWidth - element.clientWidth;
    const down = element.scrollHeight - element.clientHeight;
    if (across > 1 || down > 1) found.push(`${element.tagName.toLowerCase()}.${element.className}: ${across} × ${down}, ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}
