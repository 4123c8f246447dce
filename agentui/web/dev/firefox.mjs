// Starts the system's Firefox for tests, by WebDriver BiDi: Debian's own speaks no other protocol that Playwright knows.

import { existsSync } from 'node:fs';
import { firefox } from 'playwright-core';

const places = [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** The tone of the fake microphone, in hertz. */
export const firefoxTone = 1000;

/** Starts a headless Firefox with a fake microphone, which is allowed without asking. */
export async function startFirefox({ preferences = {} } = {}) {
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error('No Firefox was found. Install Debian\'s package "firefox-esr", or name one in FIREFOX.');
  return firefox.launch({
    executablePath,
    channel: 'moz-firefox', // by WebDriver BiDi
    firefoxUserPrefs: {
      'media.navigator.streams.fake': true,
      'media.navigator.audio.fake_frequency': firefoxTone,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      ...preferences,
    },
  });
}
