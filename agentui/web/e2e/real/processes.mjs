// Child processes of the tests: none outlives them, however they end. The kernel sees to it (setpriv --pdeathsig), since
// a test that is killed can see to nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';

// An interrupted test still runs what is to be done at its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/**
 * Starts a program. The result has its output so far, stdout and stderr together in text and apart, and exited: the
 * promise of its exit status (a number, or the name of the signal that ended it).
 */
export function start(command, args, { environment = {} } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const started = { pid: child.pid, out: '', errors: '', kill: (signal) => child.kill(signal), ended: false };
  child.stdout.setEncoding('utf8').on('data', (text) => (started.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (started.errors += text));
  child.on('error', (error) => (started.errors += `${command}: ${error.message}\n`));
  started.exited = once(child, 'close').then(([code, signal]) => {
    started.ended = true;
    return signal ?? code;
  });
  return started;
}

/** The processes below pid: children, their children and so on. */
export function descendants(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat) parents.set(Number(name), stat.parent);
  }
  const found = [];
  for (let level = [pid]; level.length > 0; ) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([child]) => child);
    found.push(...level);
  }
  return found;
}

/** Whether a process lives; a zombie does not. */
export function lives(pid) {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

function statOf(pid) {
  try {
    // The name in brackets may hold anything; state and parent stand behind it.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
