import type { Messages } from './i18n.svelte';
import { duration } from './format';
import type {
  AgentID,
  CallbackCard,
  Channel,
  ColleagueCard,
  GroupInfo,
  Instant,
  LineInfo,
  Millis,
  Need,
  QueueRow,
  SkillID,
} from './protocol';

/** What a group is called in the interface's language. */
export type GroupName = (group: SkillID) => string;

/** What is needed of an agent: "Skolplattformen nivå 3, Engelska", or that anyone will do. The lowest level is not said. */
export function needsWords(needs: readonly Need[] | null | undefined, nameOf: GroupName, t: Messages): string {
  if (!needs?.length) return t.waiting.anyone;
  return needs.map(({ skill, level }) => (level > 1 ? t.waiting.level(nameOf(skill), level) : nameOf(skill))).join(', ');
}

/** The next step of relaxation: "om 0:20: vem som helst"; empty when there is none. */
export function nextStep(row: QueueRow, now: Instant, nameOf: GroupName, t: Messages): string {
  if (!row.relaxesAt) return '';
  const needs = needsWords(row.relaxesTo, nameOf, t);
  return row.relaxesAt > now ? t.waiting.relaxes(duration(row.relaxesAt - now), needs) : t.waiting.relaxesSoon(needs);
}

/** For whom it is kept, and for how long; empty when for nobody, or no longer. */
export function keptFor(row: QueueRow, now: Instant, nameOf: (agent: AgentID) => string, t: Messages): string {
  if (!row.prefer) return '';
  if (!row.preferUntil) return t.waiting.keptForAlone(nameOf(row.prefer));
  return row.preferUntil > now ? t.waiting.keptFor(nameOf(row.prefer), duration(row.preferUntil - now)) : '';
}

/** The minutes that an expected wait is said to be: rounded up, for it is better to be wrong that way; 0 is below one. */
export function expectedMinutes(expected: Millis): number {
  return expected < 60_000 ? 0 : Math.ceil(expected / 60_000);
}

/** A competence group as supervisors see it: who waits for it and who could serve. */
export interface GroupRow {
  group: SkillID;
  waiting: number;
  /** When the one who has waited longest came; 0 when nobody waits. */
  longest: Instant;
  /** Until when the last of them is expected to wait; undefined when nobody can say. */
  expectedUntil: Instant | undefined;
  ready: number;
  agents: number;
}

/**
 * The groups with what waits for each, in the order of the configuration. A contact counts in every group that it needs;
 * groups that nobody needs or has are left out.
 */
export function groupRows(
  groups: readonly GroupInfo[],
  queue: readonly QueueRow[],
  colleagues: readonly ColleagueCard[],
): GroupRow[] {
  const rows = new Map<SkillID, GroupRow>(
    groups.map(({ id }) => [id, { group: id, waiting: 0, longest: 0, expectedUntil: undefined, ready: 0, agents: 0 }]),
  );
  for (const { needs, arrived, expectedUntil } of queue) {
    for (const { skill } of needs ?? []) {
      const row = rows.get(skill);
      if (!row) continue;
      row.waiting++;
      if (row.longest === 0 || arrived < row.longest) row.longest = arrived;
      if (expectedUntil !== undefined) row.expectedUntil = Math.max(row.expectedUntil ?? 0, expectedUntil);
    }
  }
  for (const { state, groups: held } of colleagues) {
    for (const group of held ?? []) {
      const row = rows.get(group);
      if (!row) continue;
      row.agents++;
      if (state === 'ready') row.ready++;
    }
  }
  return [...rows.values()].filter(({ waiting, agents }) => waiting > 0 || agents > 0);
}

/** Call-backs in the order in which one looks for them: mine first, then by when they are due; those without a time last. */
export function callbackOrder(callbacks: readonly CallbackCard[], me: AgentID | undefined): CallbackCard[] {
  const mine = (card: CallbackCard) => card.for !== undefined && card.for === me;
  return [...callbacks].sort(
    (a, b) =>
      Number(mine(b)) - Number(mine(a)) ||
      (a.dueAt || Infinity) - (b.dueAt || Infinity) || // neither has a time: NaN is false too
      a.arrived - b.arrived,
  );
}

/** The contact paths that the desk has, in the order of their first lines. */
export function pathsOf(lines: readonly LineInfo[]): Channel[] {
  return [...new Set(lines.map(({ channel }) => channel))];
}

/** The paths that a ready agent takes, as they are asked for: none are named when all are taken. */
export function pathsAsked(chosen: readonly Channel[], all: readonly Channel[]): Channel[] {
  return all.every((path) => chosen.includes(path)) ? [] : all.filter((path) => chosen.includes(path)).sort();
}

/** Colleagues and groups whose names have all of the words in them. */
export function matching<T>(found: readonly T[], search: string, textOf: (one: T) => string): T[] {
  const words = search.toLocaleLowerCase('sv').split(/\s+/).filter(Boolean);
  return found.filter((one) => {
    const text = textOf(one).toLocaleLowerCase('sv');
    return words.every((word) => text.includes(word));
  });
}

/** Colleagues to send a contact to: those who are ready first, those who cannot take anything last. */
export function colleagueOrder(colleagues: readonly ColleagueCard[], me: AgentID | undefined): ColleagueCard[] {
  const rank = { ready: 0, busy: 1, paused: 2, away: 3 };
  return colleagues
    .filter(({ agent }) => agent !== me)
    .sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name, 'sv'));
}

/** The colleagues in the order in which they stood before, and who has come since after them. */
export function keepingOrder(colleagues: readonly ColleagueCard[], order: readonly AgentID[]): ColleagueCard[] {
  const place = new Map(order.map((agent, at) => [agent, at]));
  const of = ({ agent }: ColleagueCard) => place.get(agent) ?? order.length;
  return [...colleagues].sort((a, b) => of(a) - of(b));
}
