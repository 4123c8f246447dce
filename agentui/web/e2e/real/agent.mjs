// An agent at the console, in a browser of his own.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startBrowser } from '../../dev/browser.mjs';
import { isAccessible } from './accessible.mjs';
import { writeTone } from './sound.mjs';
import { until } from './until.mjs';

/** The tone of every agent's microphone, in hertz. In beats, or the browser's noise suppression takes it for noise. */
export const agentTone = 1000;

/** A Chromium's argument: no UDP leaves it, as in networks that let none through. */
export const noUDP = '--webrtc-ip-handling-policy=disable_non_proxied_udp';

/** Starts a browser whose microphone gives a tone. */
export function startAgentsBrowser(directory, args = []) {
  const microphone = join(directory, 'microphone.wav');
  writeTone(microphone, { frequency: agentTone, rate: 48000, seconds: 4, beats: true });
  return startBrowser({ args: [`--use-file-for-fake-audio-capture=${microphone}`, ...args] });
}

/** Runs in the page from its first moment: what is against the policy, what is announced, how often the microphone is asked for. */
function watch() {
  window.microphoneRequests = 0;
  const { mediaDevices } = navigator; // not there before the page itself is
  if (mediaDevices) {
    const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (constraints) => {
      window.microphoneRequests++;
      return getUserMedia(constraints);
    };
  }
  window.violations = [];
  addEventListener('securitypolicyviolation', (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
  window.announcements = [];
  let last = '';
  new MutationObserver(() => {
    const text = document.getElementById('ring-announcement')?.textContent.trim() ?? '';
    if (text && text !== last) window.announcements.push(text);
    last = text;
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/**
 * The strongest frequency in what an element of the page plays, in hertz; 0 when that is silence. It is recorded and
 * then analysed, since a machine without a sound card runs no live AudioContext in every browser.
 */
async function strongestHeard(element) {
  const { srcObject } = document.getElementById(element);
  if (!srcObject?.active) return 0;
  const recorder = new MediaRecorder(srcObject);
  const parts = [];
  const stopped = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  setTimeout(() => recorder.state === 'recording' && recorder.stop(), 500);
  await stopped;
  const recording = await new Blob(parts).arrayBuffer();
  if (recording.byteLength === 0) return 0;
  const decoder = new OfflineAudioContext(1, 1, 48_000);
  const sound = await decoder.decodeAudioData(recording).catch(() => undefined);
  if (!sound) return 0; // a busy machine may record no more than the head of a file in half a second
  const size = 8192;
  const analysis = new OfflineAudioContext(1, Math.max(sound.length, size), sound.sampleRate);
  const source = new AudioBufferSourceNode(analysis, { buffer: sound });
  const analyser = new AnalyserNode(analysis, { fftSize: size });
  source.connect(analyser).connect(analysis.destination);
  source.start();
  await analysis.startRendering();
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const strongest = levels.indexOf(Math.max(...levels));
  return levels[strongest] > -60 ? (strongest * sound.sampleRate) / size : 0;
}

/** Runs in the page from its first moment, and remembers its connections. */
function rememberConnections() {
  window.connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...settings) {
      super(...settings);
      window.connections.push(this);
    }
  };
}

export class Agent {
  /** Errors that a test expects in the browser's log. */
  expected = [/the server responded with a status of 401/];
  #errors = [];

  /** Opens the sign-in form. */
  static async open(browser, origin, { viewport = { width: 1440, height: 900 } } = {}) {
    const context = await browser.newContext({ viewport, locale: 'sv-SE', reducedMotion: 'reduce' });
    context.setDefaultTimeout(20_000);
    const agent = new Agent();
    agent.context = context;
    agent.page = await context.newPage();
    await agent.#watch(origin);
    return agent;
  }

  async #watch(origin) {
    this.origin = origin;
    await this.page.addInitScript(watch);
    await this.page.addInitScript(rememberConnections);
    this.page.on('pageerror', (error) => this.#errors.push(error.message));
    this.page.on('console', (message) => message.type() === 'error' && this.#errors.push(message.text()));
    await this.page.goto(`${origin}/console/`);
  }

  /** Opens another window of the same agent. */
  async otherWindow() {
    const other = new Agent();
    other.context = this.context;
    other.page = await this.context.newPage();
    await other.#watch(this.origin);
    return other;
  }

  /** Plays what the browser refused to play after a reload, if it did. */
  async listen() {
    await this.page.locator('body').click({ position: { x: 2, y: 2 } });
  }

  /** Lets all packets of voice be lost, or none: only Chromium can. */
  async dropsPackets(all) {
    const devTools = await this.context.newCDPSession(this.page);
    await devTools.send('Network.enable');
    const network = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await devTools.send('Network.emulateNetworkConditions', { ...network, packetLoss: all ? 100 : 0 });
  }

  /** By which transport the voice of the call goes. */
  transport() {
    return this.page.evaluate(async () => {
      const connection = window.connections.findLast(({ connectionState }) => connectionState === 'connected');
      const report = await connection.getStats();
      for (const entry of report.values()) {
        if (entry.type === 'transport') return report.get(report.get(entry.selectedCandidatePairId).localCandidateId).protocol;
      }
      return 'none';
    });
  }

  /** Opens the console signed in, by keyboard. */
  static async signedIn(browser, origin, account, options) {
    const agent = await Agent.open(browser, origin, options);
    await agent.signIn(account, 'svar-demo');
    await agent.shows('Inte redo');
    return agent;
  }

  async signIn(account, password) {
    await this.page.getByLabel('Konto').waitFor();
    await this.page.keyboard.press('Tab');
    await this.page.keyboard.type(account);
    await this.page.keyboard.press('Tab');
    await this.page.keyboard.type(password);
    await this.page.keyboard.press('Enter');
  }

  /** Waits until the agent's own state is shown as this word. */
  shows(state) {
    return this.page.getByRole('group', { name: 'Min status' }).locator('.badge').getByText(state, { exact: true }).waitFor();
  }

  async becomeReady() {
    await this.page.keyboard.press('r');
    await this.shows('Redo');
  }

  /** The offer's card. */
  get card() {
    return this.page.locator('[data-offer]');
  }

  /** The contact that is talked with or wrapped up. */
  get contact() {
    return this.page.locator('[data-contact]');
  }

  /** Waits until so many callers are shown waiting. */
  waiting(count) {
    return this.#figure('I kö', count);
  }

  /** Waits until so many contacts are shown as handled today by this agent. */
  handled(count) {
    return this.#figure('Mina i dag', count);
  }

  #figure(name, value) {
    const figure = this.page.locator('.figures div', { has: this.page.getByText(name, { exact: true }) });
    return figure.getByText(String(value), { exact: true }).waitFor();
  }

  /** The strongest frequency that the agent hears of the caller, in hertz; 0 is silence. */
  heard() {
    return this.page.evaluate(strongestHeard, 'remote-audio');
  }

  /** Waits until the agent hears a tone in the echo call. */
  hearsEcho(frequency) {
    return until(`the echo has ${frequency} Hz`, async () => Math.abs((await this.page.evaluate(strongestHeard, 'echo-audio')) - frequency) < 20);
  }

  /** Waits until the agent hears a tone. */
  hearsTone(frequency) {
    return until(`the agent hears ${frequency} Hz`, async () => Math.abs((await this.heard()) - frequency) < 20);
  }

  /** Answers what rings, by key. */
  async answer() {
    await this.card.waitFor();
    await this.page.keyboard.press('F2');
    await this.shows('I samtal');
    await this.page.getByText('Samtalstid').waitFor();
  }

  /** Finishes what is wrapped up with this outcome; the next contact may come at once. */
  async finishAs(outcome) {
    const wrappedUp = this.page.locator(`[data-contact="${await this.contact.getAttribute('data-contact')}"]`);
    await this.page.getByRole('button', { name: 'Spara och avsluta' }).waitFor();
    await this.page.getByRole('radio', { name: outcome }).check();
    await this.page.keyboard.press('Control+Enter');
    await wrappedUp.waitFor({ state: 'detached' });
  }

  /** Takes the chat that is offered, by key. */
  async takeChat() {
    await this.card.waitFor();
    await this.page.keyboard.press('F2');
    await this.chat.waitFor();
  }

  /** The log of the chat that is open. */
  get chat() {
    return this.page.getByRole('log', { name: 'Chatten' });
  }

  /** Writes a line in the chat that is open. */
  async write(text) {
    await this.page.getByRole('textbox', { name: 'Meddelande' }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  reads(text) {
    return this.chat.getByText(text, { exact: true }).waitFor();
  }

  /** All texts in the chat that is open, in their order. */
  texts() {
    return this.chat.locator('.line .text').allTextContents();
  }

  /** Takes the form or mail that is offered, by key, and sees this text in it. */
  async takeText(text) {
    await this.card.waitFor();
    await this.page.keyboard.press('F2');
    await this.contact.getByText(text).first().waitFor();
  }

  /** Answers the form or mail that is open. */
  async sendAnswer(text) {
    await this.page.getByRole('textbox', { name: 'Svar till användaren' }).fill(text);
    await this.page.getByRole('button', { name: 'Skicka svar' }).click();
    await this.page.getByRole('listitem').getByText(text).waitFor();
  }

  /** Finishes the text that is open with its own ticket. */
  async finishWith(number) {
    await this.page.getByRole('button', { name: `Avsluta med ${number}` }).click();
    await this.contact.waitFor({ state: 'detached' });
  }

  /** Chooses the first outcome and finishes, by keys. */
  async finish() {
    await this.page.getByRole('button', { name: 'Spara och avsluta' }).waitFor();
    await this.page.getByRole('radio', { name: 'Löst' }).check();
    await this.page.keyboard.press('Control+Enter');
    await this.shows('Redo');
    await this.contact.waitFor({ state: 'detached' });
  }

  /** Accessible, and no wider than the screen, on screens of three sizes. */
  isAccessible(state) {
    return isAccessible(this.page, state);
  }

  /** What stands on the page, for who looks for a failure's cause. */
  text() {
    return this.page.locator('body').innerText().catch((error) => error.message);
  }

  /** Sees that the browser had nothing to complain about. */
  async hasNoComplaints() {
    assert.deepEqual(await this.page.evaluate(() => window.violations), [], 'the content security policy is kept');
    const errors = this.#errors.filter((error) => !this.expected.some((pattern) => pattern.test(error)));
    assert.deepEqual(errors, [], 'the browser logs no error');
  }
}
