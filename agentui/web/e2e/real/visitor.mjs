// A visitor of the city's site, who opens the widget on its page.

import assert from 'node:assert/strict';
import { isAccessible } from './accessible.mjs';

const words = {
  sv: { open: /^Chatta med oss/, frame: 'Chatt', write: 'Skriv ett meddelande', log: 'Meddelanden', sending: 'skickas …', notices: 'Driftinformation' },
  en: { open: /^Chat with us/, frame: 'Chat', write: 'Write a message', log: 'Messages', sending: 'sending …', notices: 'Service status' },
};

export class Visitor {
  /** Errors that a test expects in the browser's log. */
  expected = [];
  #errors = [];

  /** Opens the page. */
  static async open(browser, address, { language = 'sv', viewport = { width: 1280, height: 800 } } = {}) {
    const context = await browser.newContext({ viewport, locale: language, reducedMotion: 'reduce' });
    context.setDefaultTimeout(20_000);
    const visitor = new Visitor();
    visitor.words = words[language];
    visitor.context = context;
    visitor.page = await context.newPage();
    visitor.page.on('pageerror', (error) => visitor.#errors.push(error.message));
    visitor.page.on('console', (message) => message.type() === 'error' && visitor.#errors.push(message.text()));
    await visitor.page.goto(address);
    return visitor;
  }

  get button() {
    return this.page.getByRole('button', { name: this.words.open });
  }

  /** What is in the widget's frame. */
  get chat() {
    return this.page.frameLocator(`iframe[title="${this.words.frame}"]`);
  }

  get log() {
    return this.chat.getByRole('log', { name: this.words.log });
  }

  /** The outage messages above the chat. */
  get notices() {
    return this.chat.getByRole('region', { name: this.words.notices });
  }

  /** Opens the chat by keyboard: behind the page's one link stands the widget. */
  async openChat() {
    await this.button.waitFor();
    await this.page.keyboard.press('Tab');
    await this.page.keyboard.press('Tab');
    await this.button.and(this.page.locator(':focus')).waitFor();
    await this.page.keyboard.press('Enter');
    await this.chat.locator('textarea:focus').waitFor();
  }

  /** Writes a line where the focus is. */
  async write(text) {
    await this.chat.locator('textarea:focus').waitFor();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Waits until everything that was written is safe. */
  sent() {
    return this.chat.getByText(this.words.sending).waitFor({ state: 'detached' });
  }

  reads(text) {
    return this.log.getByText(text, { exact: true }).waitFor();
  }

  /** All texts in the chat, in their order. */
  texts() {
    return this.log.locator('.line .text').allTextContents();
  }

  isAccessible(state, widths) {
    return isAccessible(this.page, state, widths);
  }

  /** What stands on the page and in the chat, for who looks for a failure's cause. */
  async text() {
    const all = this.page.frames().map((frame) => frame.locator('body').innerText({ timeout: 2_000 }).catch((error) => error.message));
    return (await Promise.all(all)).join('\n— in the frame —\n');
  }

  hasNoComplaints() {
    const errors = this.#errors.filter((error) => !this.expected.some((pattern) => pattern.test(error)));
    assert.deepEqual(errors, [], "the visitor's browser logs no error");
  }
}
