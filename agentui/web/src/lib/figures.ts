import type { FiguresRow, Interval } from './api';
import type { Language } from './plural';

/** A share of fewer than this says little, and is grey. */
export const fewBelow = 20;

const timeZone = 'Europe/Stockholm';
const shapes: Record<Exclude<Interval, 'total'>, Intl.DateTimeFormatOptions> = {
  hour: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone },
  day: { weekday: 'short', day: 'numeric', month: 'short', timeZone },
  month: { month: 'long', year: 'numeric', timeZone },
};

/** The interval that begins at start, in words: "lör 28 nov. 09:00", "lör 28 nov.", "november 2026". */
export function intervalName(start: string, by: Interval, language: Language): string {
  if (by === 'total') return '';
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'sv', shapes[by]).format(Date.parse(start));
}

/** All who left before an answer, and how many of them at once. */
export function abandonedOf(row: FiguresRow): { count: number; short: number } {
  return (row.abandoned ?? []).reduce(
    (sum, { count, short }) => ({ count: sum.count + count, short: sum.short + short }),
    { count: 0, short: 0 },
  );
}

/** What is neither answered nor abandoned. */
export function otherOf(row: FiguresRow): number {
  return row.calledBack + row.outsideHours + row.refused + row.dropped + row.open;
}

/** The counts of all rows together. Times of rows cannot be added up: percentiles have no sum. */
export function sumOf(rows: readonly FiguresRow[]) {
  const sum = { offered: 0, answered: 0, unreplied: 0, abandoned: 0, short: 0, other: 0, open: 0, within: 0, answerable: 0 };
  for (const row of rows) {
    const { count, short } = abandonedOf(row);
    sum.offered += row.offered;
    sum.answered += row.answered;
    sum.unreplied += row.unreplied;
    sum.abandoned += count;
    sum.short += short;
    sum.other += otherOf(row);
    sum.open += row.open;
    sum.within += row.withinTarget;
    sum.answerable += row.answerable;
  }
  return sum;
}
