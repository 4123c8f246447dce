// The real server: bin/svar serve, with a data directory of its own and on free ports.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendants, lives, start } from './processes.mjs';
import { until } from './until.mjs';

const binary = fileURLToPath(new URL('../../../../bin/svar', import.meta.url));

// The desk never closes, and what the lines say is short and without a menu, so that a test reaches the queue soon, at
// any hour; everything else is as it is delivered.
const settings = (site) => `
hours: {weekly: {everyday: ["00:00-24:00"]}}
prompts:
  - name: welcome-staff
    text: {sv: Välkommen till Service Desk., en: Welcome to Service Desk.}
  - name: welcome-pupils
    text: {sv: Hej! Du har kommit till Service Desk., en: Hi! You have reached Service Desk.}
  - name: recorded
    text: {sv: Samtalet spelas in. Tryck 9 om du inte vill., en: The call is recorded. Press 9 to decline.}
  - name: chat-queued
    text: {sv: Tack för ditt meddelande. Du står i kö., en: Thank you for your message. You are in the queue.}
lines:
  - id: staff
    number: "+46850800100"
    audience: staff
    language: sv
    look_up: true
    name: {sv: Medarbetare, en: Staff}
    greeting: {sv: "Service Desk, det här är …", en: "Service Desk, this is …"}
    flow:
      - say: welcome-staff
      - notices: true
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
  - id: pupils
    number: "+4620000000"
    audience: pupil
    language: sv
    look_up: false
    name: {sv: Elev, en: Pupils}
    greeting: {sv: "Hej, du har kommit till Service Desk, jag heter …", en: "Hi, this is Service Desk, my name is …"}
    flow:
      - say: welcome-pupils
      - notices: true
      - queue: {needs: [{skill: pupils, level: 1}], target: 60s, music: queue-music}
  - id: recorded
    number: "+46850800180"
    audience: staff
    language: sv
    look_up: true
    name: {sv: Inspelad linje, en: Recorded line}
    greeting: {sv: "Service Desk, det här är …", en: "Service Desk, this is …"}
    recording: {on: true, announcement: recorded, decline_key: "9", retention: 720h}
    flow:
      - say: welcome-staff
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
chat: {origins: ["${site}"]}
`;

/** Makes a directory that is there until the tests end. The database's own user may pass through it. */
export function makeDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'svar-e2e-'));
  chmodSync(directory, 0o755);
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/**
 * Starts servers in below directory. The first one makes a data directory with an empty database, which takes some
 * seconds; each server gets a copy. site is the origin of pages that have the widget.
 */
export async function makeServers(directory, site) {
  if (!existsSync(binary)) throw new Error(`There is no ${binary}: run "make build" first.`);
  const config = join(directory, 'svar.yaml');
  writeFileSync(config, settings(site));
  const blank = join(directory, 'blank');
  const maker = await serve(blank, config);
  await maker.stop();

  let count = 0;
  return async (environment) => {
    const data = join(directory, `data-${++count}`);
    execFileSync('cp', ['-a', '--reflink=auto', blank, data]);
    return serve(data, config, environment);
  };
}

async function serve(data, config, environment = {}) {
  const child = start(binary, ['serve', '--data', data, '--config', config, '--log-format', 'json'], {
    environment: {
      SVAR_HTTP_ADDRESS: '127.0.0.1:0',
      SVAR_PHONE_ADDRESS: '127.0.0.1:0',
      SVAR_VOICE_ADDRESS: '127.0.0.1:0',
      ...environment,
    },
  });
  const complaint = () => `\nsvar said:\n${child.out}${child.errors}`;
  await until('svar says that it is ready', () => /^ {2}Demo/m.test(child.out) || child.ended, 60_000);
  assert.ok(!child.ended, `svar ended at once.${complaint()}`);
  const origin = /Console +(http:\/\/[^/]+)\/console/.exec(child.out)[1];
  const lines = [...child.out.matchAll(/sip:(\+\d+)@(\S+)/g)].map(([, number, address]) => ({ number, address }));

  return {
    origin,
    lines: { staff: lines[0], pupils: lines[1], recorded: lines[2] },
    get log() {
      return child.errors;
    },

    /** Ends it as an administrator would, and sees that nothing is left and that the log is clean. */
    async stop() {
      const below = descendants(child.pid);
      child.kill('SIGTERM');
      await until('svar ends after SIGTERM', () => child.ended, 60_000);
      assert.equal(await child.exited, 0, `the exit status.${complaint()}`);
      assert.deepEqual(below.filter(lives), [], 'no process is left');
      for (const line of child.errors.split('\n').filter(Boolean)) {
        const { level } = JSON.parse(line);
        assert.ok(['debug', 'info', 'warn'].includes(level), `an error in the log: ${line}`);
      }
      assert.doesNotMatch(child.errors, /Holm|70174060\d/, 'names and numbers of callers are not logged');
    },

    /** Ends it as a power failure would; the database dies with it. */
    async kill() {
      const below = descendants(child.pid);
      assert.ok(below.length > 0, 'the database runs below the server');
      child.kill('SIGKILL');
      assert.equal(await child.exited, 'SIGKILL');
      await until('the database is gone too', () => !below.some(lives));
    },

    /** Starts it again, after a kill, with the same data and at the same addresses. */
    restart() {
      return serve(data, config, {
        ...environment,
        SVAR_HTTP_ADDRESS: new URL(origin).host,
        SVAR_PHONE_ADDRESS: lines[0].address,
      });
    },

    /** The contacts, once the newest of them is in this state in the database. */
    contactsOnce(state) {
      return until(`the newest contact is ${state} in the database`, async () => {
        const contacts = await this.contacts();
        return contacts[0]?.state === state && contacts;
      });
    },

    /** The contacts, once there are so many in the database and all of them are closed. */
    allClosed(count) {
      return until(`${count} contacts are closed in the database`, async () => {
        const contacts = await this.contacts();
        return contacts.length === count && contacts.every(({ state }) => state === 'closed') && contacts;
      });
    },

    /** The contacts as a supervisor sees them, newest first. */
    async contacts() {
      const session = await fetch(`${origin}/api/v1/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: origin },
        body: JSON.stringify({ account: 'eva', password: 'svar-demo' }),
      });
      assert.equal(session.status, 204);
      const cookie = session.headers.getSetCookie()[0].split(';')[0];
      const answer = await fetch(`${origin}/api/v1/contacts`, { headers: { Cookie: cookie } });
      assert.equal(answer.status, 200);
      return (await answer.json()).contacts;
    },
  };
}
