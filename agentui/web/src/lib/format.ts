import type { Instant, Millis } from './protocol';
import type { Language } from './plural';

/** Times are shown in the desk's own zone, wherever the browser is. */
const timeZone = 'Europe/Stockholm';

const clock = new Intl.DateTimeFormat('sv', { hour: '2-digit', minute: '2-digit', timeZone });
const clockWithSeconds = new Intl.DateTimeFormat('sv', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone,
});
const dates = {
  sv: new Intl.DateTimeFormat('sv', { weekday: 'short', day: 'numeric', month: 'short', timeZone }),
  en: new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone }),
};
const dayKeys = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeZone });
const percents = {
  sv: new Intl.NumberFormat('sv', { style: 'percent', maximumFractionDigits: 0 }),
  en: new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 }),
};
const languageNames = {
  sv: new Intl.DisplayNames('sv', { type: 'language' }),
  en: new Intl.DisplayNames('en', { type: 'language' }),
};

/** The time of day: 09:41. */
export function timeOfDay(at: Instant): string {
  return clock.format(at);
}

/** The time of day with seconds: 09:41:07. */
export function timeOfDayWithSeconds(at: Instant): string {
  return clockWithSeconds.format(at);
}

/** The day: tis 24 nov. */
export function day(at: Instant, language: Language): string {
  return dates[language].format(at);
}

/** The time of day of a moment today, and the day before it of any other. */
export function when(at: Instant, now: Instant, language: Language): string {
  return sameDay(at, now) ? timeOfDay(at) : `${day(at, language)} ${timeOfDay(at)}`;
}

/** Tells whether both moments are on one day of the desk's zone. */
export function sameDay(a: Instant, b: Instant): boolean {
  return dayKeys.format(a) === dayKeys.format(b);
}

/**
 * A length of time as a clock: 0:07, 12:05, 1:02:09. Parts of a second are cut, and what is negative (the clocks of
 * server and browser differ a little) is 0:00.
 */
export function duration(length: Millis): string {
  const seconds = Math.max(0, Math.floor(length / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The whole seconds that are left until the moment, at least 0; a begun second counts. */
export function secondsLeft(until: Instant, now: Instant): number {
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/** A share as a percentage, or "–" of nothing. */
export function share(part: number, whole: number, language: Language): string {
  return whole > 0 ? percents[language].format(part / whole) : '–';
}

/** The size of a file: 812 B, 34 kB, 2,4 MB. */
export function fileSize(bytes: number, language: Language): string {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB'];
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)} ${unit}`;
}

/** The name of a language (BCP 47 tag), with a capital letter. */
export function languageName(tag: string, language: Language): string {
  let name: string | undefined;
  try {
    name = languageNames[language].of(tag);
  } catch {
    // Not a language tag: shown as it is.
  }
  name ??= tag;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

/** Sweden's area codes of two digits, mobile and toll-free ones included; 8 is the only one of a single digit. */
const shortAreas = /^(10|11|13|16|18|19|20|21|23|26|31|33|35|36|40|42|44|46|54|60|63|7\d|90)/;
/** How the digits after the area code are grouped, by their number. */
const groups: Record<number, number[]> = { 5: [3, 2], 6: [2, 2, 2], 7: [3, 2, 2], 8: [3, 3, 2] };

/**
 * A number in E.164 as people write it in Sweden: 08-508 001 00, 070-123 45 67. Numbers of other countries, and
 * Swedish ones of an unusual length, are shown as they are.
 */
export function phoneNumber(number: string): string {
  const digits = /^\+46([1-9]\d{6,9})$/.exec(number)?.[1];
  if (digits === undefined) return number;
  const areaLength = digits.startsWith('8') ? 1 : shortAreas.test(digits) ? 2 : 3;
  const rest = digits.slice(areaLength);
  const lengths = groups[rest.length];
  if (!lengths) return number;
  let from = 0;
  return `0${digits.slice(0, areaLength)}-${lengths.map((length) => rest.slice(from, (from += length))).join(' ')}`;
}

/** A number as somebody types it, written in groups so that it can be read back: what stands between the digits is ours. */
export function typedNumber(typed: string): string {
  const digits = typed.replace(/\D/g, '');
  if (typed.trim().startsWith('+')) return phoneNumber(`+${digits}`);
  if (digits.startsWith('00')) return phoneNumber(`+${digits.slice(2)}`);
  return digits.startsWith('0') ? phoneNumber(`+46${digits.slice(1)}`) : digits;
}
