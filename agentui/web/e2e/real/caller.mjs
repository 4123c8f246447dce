// A caller with a real telephone: baresip, which plays a tone and records what it hears.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './processes.mjs';
import { read, recorded, secondsOfSound, secondsOfTone, writeTone } from './sound.mjs';
import { until } from './until.mjs';

/** The tone of every caller, in hertz. */
export const callerTone = 440;

/** Where baresip's modules are: it does not know it without its own configuration. */
function modulePath() {
  const libraries = ['/usr/lib', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`), '/usr/local/lib'];
  const path = libraries.map((library) => `${library}/baresip/modules`).find((folder) => existsSync(`${folder}/sndfile.so`));
  return path ?? assert.fail('The modules of baresip were not found. Install Debian\'s package "baresip-core".');
}

// Ports are free ones. What is heard is recorded by a filter on its way to the player; the player goes nowhere.
const config = (directory) => `
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
module_path ${modulePath()}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
audio_source aufile,${directory}/tone.wav
audio_player aubridge,none
audio_alert aubridge,none
ausrc_srate 8000
auplay_srate 8000
audio_channels 1
snd_path ${directory}
ringback_disabled yes
statmode_default off
`;

/** Makes callers whose files lie below directory. */
export function makeCallers(directory) {
  const open = [];
  return {
    /** Rings a line. from is the SIP address that the caller says is his. */
    async call({ number, address }, from = 'sip:+46701740605@127.0.0.1') {
      const own = mkdtempSync(join(directory, 'caller-'));
      writeTone(join(own, 'tone.wav'), { frequency: callerTone, rate: 8000, seconds: 120 });
      writeFileSync(join(own, 'config'), config(own));
      writeFileSync(join(own, 'accounts'), `<${from}>;regint=0;audio_codecs=pcma\n`);
      writeFileSync(join(own, 'contacts'), '\n');
      const phone = start('baresip', ['-f', own, '-e', `/dial sip:${number}@${address}`]);
      const caller = new Caller(phone, own);
      open.push(caller);
      await until('the call is answered', () => phone.out.includes('Call established') && caller.recording).catch((error) =>
        assert.fail(`${error.message}; baresip said:\n${phone.out}${phone.errors}`),
      );
      return caller;
    },

    /** Ends those that a failed test has left. */
    async end() {
      for (const caller of open.splice(0)) await caller.hangUp();
    },
  };
}

class Caller {
  #phone;
  #directory;

  constructor(phone, directory) {
    this.#phone = phone;
    this.#directory = directory;
  }

  /** The recording's path, once there is one. */
  get recording() {
    const name = readdirSync(this.#directory).find((file) => /dec.*\.wav$/.test(file));
    return name && join(this.#directory, name);
  }

  /** How many samples the caller has heard so far. */
  heard() {
    return recorded(this.recording);
  }

  /** Seconds of the tone of this frequency in what was heard from the given sample on. */
  tone(frequency, from = 0) {
    return secondsOfTone(read(this.recording, from), frequency);
  }

  /** Waits until the caller has heard so many further seconds that are not silence. */
  hears(what, seconds, from = this.heard()) {
    return until(`the caller hears ${what}`, () => secondsOfSound(read(this.recording, from)) >= seconds);
  }

  /** Waits until the caller has heard so many further seconds of a tone. */
  hearsTone(frequency, seconds, from = this.heard()) {
    return until(`the caller hears ${frequency} Hz`, () => this.tone(frequency, from) >= seconds);
  }

  /** Waits until the other side has pressed these keys, no two alike in a row. Baresip tells of a key once or twice, by its version. */
  wasPressed(keys) {
    return until(`the keys ${keys} come`, () => {
      const told = [...this.#phone.out.matchAll(/received (?:in-band DTMF )?event: '(.)'/g)].map(([, key]) => key);
      return told.filter((key, at) => key !== told[at - 1]).join('') === keys;
    });
  }

  /** Waits until the other side has ended the call. */
  async wasEnded() {
    await until('the call is ended by the other side', () => /terminated \(duration/.test(this.#phone.out));
  }

  async hangUp() {
    this.#phone.kill('SIGTERM');
    await until('baresip ends after SIGTERM', () => this.#phone.ended);
  }
}
