// What the tests against the stand-in share: one stand-in and one browser for each file of tests, and the console opened in it.

import { after, before } from 'node:test';
import { startBrowser } from '../dev/browser.mjs';
import { startMock } from '../dev/mock.mjs';
import { hello } from '../dev/parts.mjs';
import { scriptServer } from '../dev/script.mjs';

export let mock;
export let browser;
before(async () => {
  mock = await startMock();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await mock?.stop();
});

/**
 * Opens the console signed in, and waits until it shows something. Posts are what it sends by HTTP, as path and body.
 * @param {(now: number) => object} [first] the state that a server shows first which the test plays itself; without it the
 * stand-in plays the one that is named
 * @param {object} [options]
 * @param {string} [options.state] the stand-in's state
 * @param {string} [options.hash] the page, as the address names it
 * @param {object} [options.greeting] what the server says of the agent
 * @param {(request: object) => string | undefined} [options.reply] the error that a request is refused with
 * @param {Function} [options.prepare] runs in the page before anything else
 * @param {import('playwright-core').BrowserContextOptions} [options.context]
 */
export async function open(first, { state = 'empty', hash = '', greeting = hello, reply, prepare, context: options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  if (prepare) await page.addInitScript(prepare);
  let server;
  if (first) {
    server = await scriptServer(page, greeting);
    if (reply) server.replyWith(reply);
    server.first = () => first(Date.now());
  }
  const posts = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') posts.push({ path: new URL(request.url()).pathname, body: request.postDataJSON() });
  });
  await page.goto(`${mock.origin}/console/?state=${state}${hash}`);
  await page.locator('.columns[aria-busy=false]').waitFor();
  return { context, page, server, posts };
}
