import { en } from './messages/en';
import { sv } from './messages/sv';
import type { Language } from './plural';
import type { Texts } from './protocol';
import { readStored, writeStored } from './stored';

export type { Language } from './plural';

/** The shape of a catalogue: the keys are those of the Swedish one, texts with something in them are functions. */
export type Messages = typeof sv;

const catalogues: Record<Language, Messages> = { sv, en };

/** The language of the interface and its texts. Swedish until the user chooses another. */
class I18n {
  language = $state<Language>(storedLanguage());
  readonly t = $derived(catalogues[this.language]);

  /** Takes the language that is kept: another window of the browser may have chosen. */
  follow = (): void => {
    this.language = storedLanguage();
  };

  choose(language: Language): void {
    this.language = language;
    writeStored('language', language);
  }

  /** The text in the interface's language, else in Swedish, else in whichever there is. */
  pick(texts: Texts | null | undefined): string {
    if (!texts) return '';
    return texts[this.language] ?? texts['sv'] ?? Object.values(texts).find((text) => text !== undefined) ?? '';
  }

  /** The word for a code of the server's; a code without a word is shown as it is. */
  word(table: Record<string, string>, code: string | undefined): string {
    if (!code) return '';
    return table[code] ?? code;
  }
}

function storedLanguage(): Language {
  return readStored('language') === 'en' ? 'en' : 'sv';
}

export const i18n = new I18n();
