import { readStored, writeStored } from './stored';

/** What an agent chooses for this browser, beside language and ring sound. */
class Settings {
  /** Single letters are commands (WCAG 2.1.4 asks that this can be switched off). */
  letterKeys = $state(readStored('letterKeys') !== false);

  setLetterKeys(on: boolean): void {
    this.letterKeys = on;
    writeStored('letterKeys', on);
  }
}

export const settings = new Settings();
