// A user of the portal, whose browser runs no scripts.

import assert from 'node:assert/strict';
import { isAccessible } from './accessible.mjs';

export class User {
  /** Errors that a test expects in the browser's log. */
  expected = [];
  #errors = [];

  /** Opens the portal's start page. */
  static async open(browser, origin) {
    const viewport = { width: 1280, height: 800 };
    const context = await browser.newContext({ viewport, locale: 'sv-SE' });
    context.setDefaultTimeout(20_000);
    const user = new User();
    user.context = context;
    user.origin = origin;
    user.page = await context.newPage();
    user.page.on('console', (message) => message.type() === 'error' && user.#errors.push(message.text()));
    user.devTools = await context.newCDPSession(user.page);
    await user.#letScriptsRun(false);
    await user.page.goto(`${origin}/`);
    return user;
  }

  /** Fills in the sign-in form that is shown. */
  async signIn(name, password = 'svar-demo') {
    await this.page.getByLabel('Användarnamn').fill(name);
    await this.page.getByLabel('Lösenord').fill(password);
    await this.page.getByRole('button', { name: 'Logga in' }).click();
  }

  /** Signs in as Karin and reports a fault; returns the ticket's number. */
  async report(subject) {
    await this.page.getByRole('banner').getByRole('link', { name: 'Anmäl ett ärende' }).click();
    await this.signIn('karin');
    await this.page.getByRole('radio', { name: 'Något fungerar inte' }).check();
    await this.page.getByLabel('Rubrik').fill(subject);
    await this.page.getByLabel('Beskriv med egna ord').fill(subject);
    await this.page.getByRole('button', { name: 'Skicka' }).click();
    return this.page.getByRole('status').locator('strong').textContent();
  }

  #letScriptsRun(may) {
    return this.devTools.send('Emulation.setScriptExecutionDisabled', { value: !may });
  }

  /** Accessible on phones and screens, by day and by night. Only axe's own script runs, in the page as it stands. */
  async isAccessible(state) {
    await this.#letScriptsRun(true);
    for (const colorScheme of ['light', 'dark']) {
      await this.page.emulateMedia({ colorScheme });
      await isAccessible(this.page, `${state}, ${colorScheme}`, [320, 1440]);
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
    await this.#letScriptsRun(false);
  }

  /** The same in English, of a page that can be asked for again. */
  async isAccessibleInBoth(state) {
    await this.isAccessible(`${state}, sv`);
    await this.page.getByRole('link', { name: 'In English' }).click();
    await this.page.locator('html[lang=en]').waitFor();
    await this.isAccessible(`${state}, en`);
    await this.page.getByRole('link', { name: 'På svenska' }).click();
    await this.page.locator('html[lang=sv]').waitFor();
  }

  /** What stands on the page, for who looks for a failure's cause. */
  text() {
    return this.page.locator('body').innerText().catch((error) => error.message);
  }

  hasNoComplaints() {
    const errors = this.#errors.filter((error) => !this.expected.some((pattern) => pattern.test(error)));
    assert.deepEqual(errors, [], "the user's browser logs no error");
  }
}
