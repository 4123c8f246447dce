import { connection } from './connection.svelte';
import { i18n } from './i18n.svelte';
import type { AgentID, DestinationID, SkillID } from './protocol';

/** What a group is called in the interface's language; its id when it has no name. */
export function groupName(group: SkillID): string {
  return i18n.pick(connection.hello?.groups?.find(({ id }) => id === group)?.name) || group;
}

/** What a place outside is called; its id when it has no name. */
export function placeName(place: DestinationID): string {
  return i18n.pick(connection.hello?.destinations?.find(({ id }) => id === place)?.name) || place;
}

/** What a colleague is called; his account's name when he is not signed in. */
export function colleagueName(agent: AgentID): string {
  return connection.state?.colleagues?.find((one) => one.agent === agent)?.name ?? agent;
}

/** The same in a sentence about somebody who is waited for: "dig" of this agent himself. */
export function awaitedName(agent: AgentID): string {
  return agent === connection.hello?.agent ? i18n.t.waiting.you : colleagueName(agent);
}

/** A number of people as it is written: 1 200. */
export function count(n: number): string {
  return new Intl.NumberFormat(i18n.language === 'sv' ? 'sv' : 'en-GB').format(n);
}
