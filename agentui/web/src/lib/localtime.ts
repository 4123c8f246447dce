import type { Instant } from './protocol';

/** Times are those of the desk, wherever the browser is. */
const timeZone = 'Europe/Stockholm';
const parts = new Intl.DateTimeFormat('sv', {
  timeZone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** How far the desk's clocks are ahead of UTC at the moment. */
function ahead(at: Instant): number {
  const shown = Object.fromEntries(parts.formatToParts(at).map(({ type, value }) => [type, Number(value)])) as Record<
    'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
    number
  >;
  const asUtc = Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute, shown.second);
  return asUtc - Math.floor(at / 1000) * 1000;
}

/**
 * The moment that clocks in Stockholm show as "2026-11-28T09:30", as a field of the kind datetime-local gives it;
 * undefined when it is none. An hour that the change to summer time leaves out is the one after it.
 */
export function instantOf(local: string): Instant | undefined {
  const asUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(local) ? Date.parse(`${local.slice(0, 16)}:00Z`) : NaN;
  if (Number.isNaN(asUtc)) return undefined;
  const guess = asUtc - ahead(asUtc);
  return asUtc - ahead(guess);
}

/** The day in Stockholm, as a field of the kind date has it: 2026-11-28. */
export function dateOf(at: Instant): string {
  return parts.format(at).slice(0, 10);
}

/** The day so many days later, by the calendar. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
