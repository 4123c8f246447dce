const zone = 'Europe/Stockholm';

/** English in Stockholm: 24 hours, as everywhere around. */
const locale = (language: string): string => (language === 'en' ? 'en-GB' : language);

/** The time of day, as the desk's clock shows it. */
export function clock(at: number, language: string): string {
  return new Intl.DateTimeFormat(locale(language), { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at);
}

/** A day and time soon to come: the weekday is enough. */
export function when(at: number, language: string): string {
  return new Intl.DateTimeFormat(locale(language), { weekday: 'long', hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at);
}
