const zone = 'Europe/Stockholm';

/** The time of day, as the desk's clock shows it. */
export function clock(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at);
}

/** A day and time soon to come: the weekday is enough. */
export function when(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: 'long', hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at);
}
