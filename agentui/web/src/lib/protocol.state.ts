/** What the console shows, as agentui/protocol_state.go and protocol_cards.go define it. */

import type { Activity, AgentID, Audience, CallerKind, Channel, Class, ContactID, ContactState, DestinationID, DialFailure, Instant, LineID, MarkKind, Millis, MissCause, OfferID, OutcomeCode, Presence, PresenceCause, RecordingState, Rule, ServiceID, SkillID, SupervisionMode, Texts, TicketNumber, Verification } from './protocol.words';

/** Everything that the console shows, as one whole value. Lists may be null when they are empty. */
export interface ConsoleState {
  now: Instant;
  connected: boolean;
  me: Me;
  offer?: RingCard;
  contacts: OngoingCard[] | null;
  waiting: WaitingLine[] | null;
  /** Who waits, in the order of serving, at most 50; queueLength counts all. */
  queue: QueueRow[] | null;
  queueLength: number;
  /** Those that stand now, blocked ones included. */
  notices: NoticeCard[] | null;
  callbacks: CallbackCard[] | null;
  missed: MissedCard[] | null;
  /** The last call that the agent placed, when it reached nobody. */
  notReached?: NotReachedCard;
  /** The calls that a supervisor may take part in. */
  talks?: TalkCard[] | null;
  today: Today;
  agents: AgentCounts;
  /** All who are signed in, by name. Left out when they are those that this socket brought last. */
  colleagues?: ColleagueCard[] | null;
  /** The trunks by which no call can be expected to go through now. */
  trunksDown?: string[];
  /** When the newest contact of any line arrived. */
  lastContact?: Instant;
}

export interface QueueRow {
  contact: ContactID;
  channel: Channel;
  line: LineID;
  service?: ServiceID;
  party?: string;
  class: Class;
  language: string;
  arrived: Instant;
  targetMs: Millis;
  offered: boolean;
  /** What is still needed of an agent; empty for anybody. */
  needs: Need[] | null;
  /** How many steps it has been relaxed; relaxesAt is when the next one comes, relaxesTo what is needed then. */
  relaxed?: number;
  relaxesAt?: Instant;
  relaxesTo?: Need[] | null;
  /** When it comes into the next class. */
  risesAt?: Instant;
  residents?: number;
  /** The agent whom it is kept for, until preferUntil. */
  prefer?: AgentID;
  preferUntil?: Instant;
  /** A call-back whose turn comes. */
  callback?: boolean;
  /** Until when it is expected to wait; absent when nobody can say. */
  expectedUntil?: Instant;
}

export interface Need {
  skill: SkillID;
  /** 1–5 */
  level: number;
}

/** An agent who is signed in. */
export interface ColleagueCard {
  agent: AgentID;
  name: string;
  state: 'ready' | 'busy' | 'paused' | 'away';
  since: Instant;
  reason?: string;
  overdue?: Instant;
  groups: SkillID[] | null;
}

/** An outage message (contact.Notice). Without lines or audiences, nobody is left out. */
export interface Notice {
  id: string;
  service?: ServiceID;
  lines?: LineID[] | null;
  audiences?: Audience[] | null;
  text: Texts;
  from: Instant;
  until?: Instant;
  published: Instant;
  by: string;
  withdrawn?: Instant;
  withdrawnBy?: string;
}

export interface NoticeCard extends Notice {
  /** The City's embargo silences it. */
  blocked: boolean;
}

export interface Me {
  presence: Presence;
  reason?: string;
  cause?: PresenceCause;
  since: Instant;
  /** When a pause has lasted too long. */
  overdue?: Instant;
  /** What is taken while ready; everything when it is empty. */
  channels?: Channel[] | null;
  /** What comes after the last contact, and its reason. */
  next?: Presence;
  nextReason?: string;
  reachable: boolean;
  /** His desk phone rings instead of the browser. */
  phone?: boolean;
  activity?: Activity;
  activitySince?: Instant;
}

export interface Caller {
  kind: CallerKind;
  person?: string;
  name?: string;
  role?: string;
  title?: string;
  school?: string;
  number?: string;
  address?: string;
  verification: Verification;
}

/** What a card shows of a contact besides who it is from. */
export interface Details {
  service?: ServiceID;
  party?: string;
  subject?: string;
  /** For how many residents and companies it stands. */
  residents?: number;
  /** The one that a mail or a form belongs to. */
  ticket?: TicketNumber;
  /** The person's newest open ones, at most 3. */
  tickets?: TicketRow[] | null;
}

export type TicketKind = 'incident' | 'question' | 'order';
export type TicketStatus = 'registered' | 'in-progress' | 'solved' | 'closed';

/** A ticket in a list. */
export interface TicketRow {
  number: TicketNumber;
  kind: TicketKind;
  status: TicketStatus;
  subject: string;
  service?: ServiceID;
  created: Instant;
  changed: Instant;
}

export interface RingCard extends Details {
  offer: OfferID;
  contact: ContactID;
  channel: Channel;
  line: LineID;
  language: string;
  caller: Caller;
  arrived: Instant;
  since: Instant;
  expires: Instant;
  accepted: boolean;
  why: Why;
  /** Accepting dials the caller. */
  callback?: boolean;
  /** The colleague who asks; the caller is on hold with him. */
  consultedBy?: Colleague;
}

export interface Colleague {
  agent: AgentID;
  name: string;
}

/** A colleague who is asked about a contact or, with outside, a place that is called. */
export interface ConsultCard extends Colleague {
  outside?: DestinationID;
  /** The caller is handed over when the place answers. */
  blind?: boolean;
  state: 'asked' | 'accepted' | 'talking' | 'failed';
  /** Why the place was not reached. */
  failure?: DialFailure;
  since: Instant;
  expires?: Instant;
}

export interface Why {
  candidates: number;
  waiting: number;
  rule: Rule;
  level?: number;
  idle_ms: Millis;
  relaxed?: number;
  /** The class that it was served in; risen when it waited its way up to it. */
  class?: Class;
  risen?: boolean;
  waited_ms?: Millis;
  target_ms?: Millis;
  /** It went first in its class, because its agent was lost. */
  returned?: boolean;
}

export interface OngoingCard extends Details {
  contact: ContactID;
  offer: OfferID;
  channel: Channel;
  line: LineID;
  language: string;
  caller: Caller;
  state: ContactState;
  since: Instant;
  arrived: Instant;
  answered: Instant;
  note?: string;
  /** The outcome and the linked ticket, as they were kept last by 'outcome'. */
  code?: OutcomeCode;
  chosenTicket?: TicketNumber;
  /** When the wrap-up runs out and the contact is closed by itself. */
  wrapUpUntil?: Instant;
  /** When an agent first answered a text. */
  replied?: Instant;
  /** A colleague who is asked. */
  consult?: ConsultCard;
  /** The colleague whose contact it is: this agent is the one who was asked. */
  consultedBy?: Colleague;
  /** Caller, agent and whoever is consulted hear each other. */
  conference?: boolean;
  /** Those who are heard by the agents; who only listens is not told of. */
  supervisors?: Colleague[];
  marks?: MarkKind[];
  /** How far its recording is; absent when there is none. */
  recording?: RecordingState;
  /** The desk called. */
  outgoing?: boolean;
}

/** A call that the agent placed and that reached nobody. */
export interface NotReachedCard {
  contact: ContactID;
  failure?: DialFailure;
  at: Instant;
}

/** A call that goes on, for supervisors. */
export interface TalkCard {
  contact: ContactID;
  line: LineID;
  agent: Colleague;
  state: ContactState;
  since: Instant;
  /** This supervisor's own in it. */
  mode?: SupervisionMode;
  marks?: MarkKind[];
}

export interface WaitingLine {
  line: LineID;
  waiting: number;
  greeted: number;
  longest?: Instant;
  targetMs: Millis;
}

export interface CallbackCard {
  /** When it is promised or tried again; absent when its turn alone decides. */
  dueAt?: Instant;
  /** The agent who promised it himself. */
  for?: AgentID;
  /** How often it was dialled in vain. */
  tries?: number;
  /** Nobody is offered it any more. */
  exhausted?: boolean;
  /** How often the number was dialled in the last hour, and how often it may be now. */
  dials: number;
  dialsLeft: number;
  /** Who dials it now. */
  agent?: string;
  contact: ContactID;
  line: LineID;
  caller: Caller;
  arrived: Instant;
  since: Instant;
}

export interface MissedCard {
  cause?: MissCause;
  channel?: Channel;
  contact: ContactID;
  line?: LineID;
  at: Instant;
}

export interface Today {
  handled: number;
  withinTarget: number;
  answerable: number;
}

export interface AgentCounts {
  ready: number;
  busy: number;
  paused: number;
}
