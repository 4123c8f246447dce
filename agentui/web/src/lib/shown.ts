import type { Status } from './connection.svelte';
import type { Messages } from './i18n.svelte';
import type { Caller, ConsoleState, Instant, OngoingCard, WaitingLine, Why } from './protocol';
import { duration, phoneNumber } from './format';

/** What the agent is doing, as it is shown: one icon, one word, one colour each. */
export type Shown =
  | 'ready'
  | 'offered'
  | 'connecting'
  | 'connected'
  | 'wrap-up'
  | 'paused'
  | 'signed-out'
  | 'unreachable'
  | 'offline';

/** Folds presence, activity and connection into the one state that is shown, with the moment that it began (0: not known). */
export function shownState(
  status: Status,
  state: ConsoleState | undefined,
  lostAt: Instant,
): { shown: Shown; since: Instant } {
  if (!state) return { shown: 'offline', since: 0 };
  const { me, offer } = state;
  const activitySince = me.activitySince ?? me.since;
  // A call goes on without the server's word; everything else does not.
  if (me.activity === 'connected') return { shown: 'connected', since: activitySince };
  if (status !== 'open') return { shown: 'offline', since: lostAt };
  if (me.activity === 'offered') return { shown: offer?.accepted ? 'connecting' : 'offered', since: activitySince };
  if (me.activity === 'wrap-up') return { shown: 'wrap-up', since: activitySince };
  if (me.presence !== 'signed-out' && !me.reachable) return { shown: 'unreachable', since: me.since };
  return { shown: me.presence, since: me.since };
}

/** The name, or the words that stand in its place. */
export function callerName(caller: Caller, t: Messages): string {
  switch (caller.kind) {
    case 'withheld':
      return t.caller.withheld;
    case 'protected':
      return t.caller.protected;
    default:
      return caller.name || t.caller.unknown;
  }
}

/** The number as people write it; empty when none may be shown. */
export function callerNumber(caller: Caller): string {
  return caller.kind === 'withheld' || caller.kind === 'protected' ? '' : phoneNumber(caller.number ?? '');
}

/** Why there is no name, in a sentence; empty when there is one. */
export function callerHint(caller: Caller, t: Messages): string {
  if (caller.kind === 'withheld') return t.caller.withheldHint;
  if (caller.kind === 'protected') return t.caller.protectedHint;
  if (caller.name) return '';
  return caller.number ? t.caller.unknownHint : t.caller.noNumberHint;
}

/** Role and title: "Medarbetare, lärare". */
export function callerRole(caller: Caller, t: Messages): string {
  const role = caller.role ? (t.roles[caller.role] ?? caller.role) : '';
  return [role, caller.title].filter(Boolean).join(', ');
}

/** Why this agent got the offer, in a sentence. */
export function whySentence(why: Why, t: Messages): string {
  const parts = [whyRule(why, t)];
  if (why.level && why.rule !== 'only-candidate') parts.push(t.why.level(why.level));
  if (why.relaxed) parts.push(t.why.relaxed);
  return parts.join(' · ');
}

function whyRule(why: Why, t: Messages): string {
  switch (why.rule) {
    case 'only-candidate':
      return t.why['only-candidate'];
    case 'highest-level':
      return t.why['highest-level'](why.candidates);
    case 'longest-idle':
      return t.why['longest-idle'](why.candidates, duration(why.idle_ms));
    case 'by-name':
      return t.why['by-name'](why.candidates);
    default:
      return why.rule;
  }
}

/** All lines together: how many wait, and since when the one who has waited longest (0: nobody). */
export function queueTotals(lines: readonly WaitingLine[]): { waiting: number; longest: Instant } {
  let waiting = 0;
  let longest: Instant = 0;
  for (const line of lines) {
    waiting += line.waiting;
    if (line.longest && (longest === 0 || line.longest < longest)) longest = line.longest;
  }
  return { waiting, longest };
}

/** By how much the longest wait of a line is over the target; 0 when it is not. */
export function overTarget(line: WaitingLine, now: Instant): number {
  if (!line.longest || line.targetMs <= 0) return 0;
  return Math.max(0, now - line.longest - line.targetMs);
}

/** The contact that the middle shows: the chosen one if it is still there, else the call, else the oldest. */
export function currentContact(contacts: readonly OngoingCard[], chosen: string | undefined): OngoingCard | undefined {
  return (
    contacts.find((contact) => contact.contact === chosen) ??
    contacts.find((contact) => contact.state === 'connected') ??
    contacts[0]
  );
}
