import type { Status } from './connection.svelte';
import type { Messages } from './i18n.svelte';
import type { Caller, ConsoleState, ConsultCard, Instant, LineID, Me, Millis, NoticeCard, OngoingCard, QueueRow, Rule, WaitingLine, Why } from './protocol';
import { duration, phoneNumber } from './format';

/** What the agent is doing, as it is shown: one icon, one word, one colour each. */
export type Shown =
  | 'ready'
  | 'offered'
  | 'connecting'
  | 'connected'
  | 'held'
  | 'dialling'
  | 'writing'
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
  const call = callOf(state.contacts ?? []);
  if (call && (me.activity === 'connected' || me.activity === 'held')) return { shown: me.activity, since: activitySince };
  if (status !== 'open') return { shown: 'offline', since: lostAt };
  if (me.activity === 'offered') return { shown: offer?.accepted ? 'connecting' : 'offered', since: activitySince };
  if (me.activity === 'dialling') return { shown: 'dialling', since: activitySince };
  if (me.activity === 'connected') return { shown: 'writing', since: activitySince };
  if (me.activity === 'wrap-up') return { shown: 'wrap-up', since: activitySince };
  if (me.presence !== 'signed-out' && !me.reachable) return { shown: 'unreachable', since: me.since };
  return { shown: me.presence, since: me.since };
}

/** By how much a pause has lasted too long; 0 when it has not. */
export function overdueBy({ presence, overdue }: Me, now: Instant): Millis {
  return presence === 'paused' && overdue ? Math.max(0, now - overdue) : 0;
}

/** The call that is going on, on hold or being dialled; texts are none. */
export function callOf(contacts: readonly OngoingCard[]): OngoingCard | undefined {
  return contacts.find(
    ({ channel, state }) => channel === 'voice' && (state === 'connected' || state === 'held' || state === 'dialling'),
  );
}

/** Who is asked about the contact, or called for it, and not in vain: until that is over nothing else can be done with it. */
export function consulting({ consult }: OngoingCard): ConsultCard | undefined {
  return consult?.state === 'failed' ? undefined : consult;
}

/** Tells whether a contact can be finished as it stands: nobody has to hang up a mail. */
export function canFinish({ channel, state }: OngoingCard): boolean {
  return state === 'wrap-up' || (state === 'connected' && (channel === 'mail' || channel === 'form'));
}

/** The name, or the words that stand in its place. */
export function callerName(caller: Caller, t: Messages): string {
  switch (caller.kind) {
    case 'withheld':
      return t.caller.withheld;
    case 'protected':
      return caller.name || t.caller.protected;
    default:
      return caller.name || caller.address || (caller.kind === 'claimed' ? t.caller.unnamed : t.caller.unknown);
  }
}

/** The number as people write it; empty when none may be shown. */
export function callerNumber(caller: Caller): string {
  return caller.kind === 'withheld' ? '' : phoneNumber(caller.number ?? '');
}

/** Why there is no name, in a sentence; empty when there is one. */
export function callerHint(caller: Caller, t: Messages): string {
  if (caller.kind === 'withheld') return t.caller.withheldHint;
  if (caller.kind === 'protected') return caller.name ? t.caller.protectedOpen : t.caller.protectedHint;
  if (caller.kind === 'claimed' && !caller.name && !caller.address) return t.caller.unnamedHint;
  if (caller.kind === 'claimed') return caller.verification === 'signed-in' ? '' : t.caller.claimedHint;
  if (caller.name) return '';
  return caller.number ? t.caller.unknownHint : t.caller.noNumberHint;
}

/** Role and title: "Medarbetare, lärare". */
export function callerRole(caller: Caller, t: Messages): string {
  const role = caller.role ? (t.roles[caller.role] ?? caller.role) : '';
  return [role, caller.title].filter(Boolean).join(', ');
}

/** The rules that have compared what agents can. */
const chosenBySkill: Rule[] = ['highest-level', 'longest-idle', 'by-name'];

/** Why this agent got the offer, in a sentence. */
export function whySentence(why: Why, t: Messages): string {
  const parts = [whyRule(why, t)];
  if (why.class === 2) parts.push(t.why.priority);
  else if (why.risen) parts.push(t.why.risen);
  else if (why.class === 1) parts.push(t.why.resident);
  if (why.returned) parts.push(t.why.returned);
  if (why.level && chosenBySkill.includes(why.rule)) parts.push(t.why.level(why.level));
  if (why.relaxed) parts.push(t.why.relaxed);
  return parts.join(' · ');
}

function whyRule(why: Why, t: Messages): string {
  switch (why.rule) {
    case 'only-candidate':
    case 'preferred':
    case 'transferred':
    case 'appointed':
      return t.why[why.rule];
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

/** By how much a contact that waits is over its target; 0 when it is not. */
export function queueOver(row: QueueRow, now: Instant): number {
  return row.targetMs > 0 ? Math.max(0, now - row.arrived - row.targetMs) : 0;
}

/** The outage messages that stand now, blocked ones included. */
export function standing(notices: readonly NoticeCard[], now: Instant): NoticeCard[] {
  return notices.filter((notice) => !notice.withdrawn && notice.from <= now && (!notice.until || now < notice.until));
}

/** The outage messages that concern a contact of the line and service now; those that are blocked come with their mark. */
export function noticesFor(
  notices: readonly NoticeCard[],
  { line, service }: { line: LineID; service?: string | undefined },
  now: Instant,
): NoticeCard[] {
  return standing(notices, now).filter(
    (notice) =>
      (!notice.lines?.length || notice.lines.includes(line)) &&
      (!notice.service || !service || notice.service === service),
  );
}

/** The contact that the middle shows: the chosen one if it is still there, else the call, else the oldest. */
export function currentContact(contacts: readonly OngoingCard[], chosen: string | undefined): OngoingCard | undefined {
  return (
    contacts.find((contact) => contact.contact === chosen) ??
    callOf(contacts) ??
    contacts[0]
  );
}

/** Tells of a contact that is gone whether its wrap-up ran out: clocks may differ a little. */
export function hasLapsed({ state, wrapUpUntil }: OngoingCard, goneAt: Instant): boolean {
  return state === 'wrap-up' && wrapUpUntil !== undefined && wrapUpUntil > 0 && goneAt >= wrapUpUntil - 500;
}

/** The wrap-up to make longer: that of the contact that is shown, else the one that runs out first. */
export function firstToLapse(shown: OngoingCard | undefined, contacts: readonly OngoingCard[]): OngoingCard | undefined {
  const limited = contacts.filter(({ state, wrapUpUntil }) => state === 'wrap-up' && wrapUpUntil);
  if (shown && limited.includes(shown)) return shown;
  return limited.sort((a, b) => (a.wrapUpUntil ?? 0) - (b.wrapUpUntil ?? 0))[0];
}
