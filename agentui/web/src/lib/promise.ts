import { addDays, dateOf, instantOf } from './localtime';
import type { Instant } from './protocol';

const hour = 3_600_000;

/** A call-back is promised for at most so long ahead, in days. */
export const promiseDays = 30;

/** A time that is offered at one press. */
export interface QuickTime {
  kind: 'hour' | 'today' | 'tomorrow';
  at: Instant;
}

/** Times of the day that people agree upon, by the desk's clock. */
const agreed = ['08:00', '10:00', '13:00', '15:00', '17:00'];

/** In an hour, and those of the usual times of today and tomorrow that are at least half an hour away. */
export function quickTimes(now: Instant): QuickTime[] {
  const inAnHour = Math.ceil((now + hour) / 300_000) * 300_000;
  const times: QuickTime[] = [{ kind: 'hour', at: inAnHour }];
  for (const [kind, days] of [['today', 0], ['tomorrow', 1]] as const) {
    for (const time of agreed) {
      const at = instantOf(`${addDays(dateOf(now), days)}T${time}`);
      if (at !== undefined && at >= now + hour / 2) times.push({ kind, at });
    }
  }
  return times;
}

/** Why a call-back cannot be promised for the moment; undefined when it can. */
export function promiseProblem(at: Instant | undefined, now: Instant): 'missing' | 'past' | 'tooFar' | undefined {
  if (at === undefined) return 'missing';
  if (at <= now) return 'past';
  return at > now + promiseDays * 24 * hour ? 'tooFar' : undefined;
}
