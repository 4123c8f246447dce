import { newId } from './chat.svelte';
import { readKept, writeKept } from './stored';

/** A page that is loaded again may come before the old one has let go of its name. */
const oldPageLeaves = 500;

/**
 * The name by which the server knows this window (console= of the socket). It is kept over a reload, so that the voice
 * of a call finds back to its window; a window that was duplicated has a copy of the name, and takes one of its own.
 */
export async function windowId(): Promise<string> {
  const kept = readKept('console');
  if (typeof kept === 'string' && (await claim(kept))) return kept;
  return newWindowId();
}

/** Takes another name: somebody else has this one. */
export async function newWindowId(): Promise<string> {
  const id = newId();
  writeKept('console', id);
  await claim(id);
  return id;
}

/** Holds the name as long as the page lives. Returns false when another window of this browser has it. */
function claim(id: string): Promise<boolean> {
  // Only secure pages have locks, and only they have a microphone: without one, no voice is fought for.
  if (!('locks' in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(`svar.console.${id}`, { signal: AbortSignal.timeout(oldPageLeaves) }, () => {
        resolve(true);
        return new Promise<never>(() => {});
      })
      .catch(() => resolve(false));
  });
}
