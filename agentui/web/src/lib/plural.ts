/** The languages of the console. */
export type Language = 'sv' | 'en';

const rules = { sv: new Intl.PluralRules('sv'), en: new Intl.PluralRules('en') };

/** Returns the form that the language's plural rules choose for n. */
export function plural(language: Language, n: number, forms: { one: string; other: string }): string {
  return rules[language].select(n) === 'one' ? forms.one : forms.other;
}
