/**
 * The messages between console and server, as agentui/protocol.go defines them. That file is the truth: a change
 * begins there, with a new version when an older console could not understand it.
 */

export const protocolVersion = 5;

/** The socket's close codes of our own (RFC 6455 §7.4.2). Replaced: a window with the same id has connected. */
export const closeCode = { wrongProtocol: 4001, signedOut: 4002, replaced: 4003 } as const;

/** Milliseconds since the Unix epoch by the server's clock; 0 or absent means never. */
export type Instant = number;
export type Millis = number;
export type ContactID = string;
export type OfferID = number;
export type LineID = string;
export type OutcomeCode = string;
export type ServiceID = string;
export type AgentID = string;
/** A competence group, or a skill. */
export type SkillID = string;
export type TicketNumber = string;
export type PersonID = string;
/** A place outside the desk. */
export type DestinationID = string;
export type Audience = '' | 'pupil' | 'staff' | 'guardian' | 'contact-centre' | 'supplier';

export type Channel = 'voice' | 'chat' | 'mail' | 'form';
export type Presence = 'signed-out' | 'ready' | 'paused';
export type PresenceCause = 'agent' | 'missed-offers' | 'roster';
export type Activity = '' | 'offered' | 'dialling' | 'connected' | 'held' | 'wrap-up';
export type ContactState =
  | 'arrived'
  | 'greeted'
  | 'waiting'
  | 'offered'
  | 'dialling'
  | 'connected'
  | 'held'
  | 'wrap-up'
  | 'closed';
export type CallerKind = 'known' | 'unknown' | 'claimed' | 'withheld' | 'protected';
export type Verification = 'none' | 'number-known' | 'signed-in';
/** Why an offer was missed: it ran out, the voice did not come up, or the last console was gone. */
export type MissCause = 'not-answered' | 'technical-fault' | 'unreachable';
export type Rule = 'only-candidate' | 'highest-level' | 'longest-idle' | 'by-name' | 'preferred' | 'transferred' | 'appointed';
/** How a supervisor takes part in a call: heard by nobody, by the agents alone, by all. */
export type SupervisionMode = 'listen' | 'whisper' | 'barge';
export type MarkKind = 'threat' | 'nuisance';
export type RecordingState = 'begun' | 'paused' | 'resumed' | 'ended' | 'declined';
/** Why a call of ours reached nobody. */
export type DialFailure = 'busy' | 'no-answer' | 'refused' | 'cancelled' | 'technical-fault';
/** Priority classes: ordinary, resident impact, the priority line. */
export type Class = 0 | 1 | 2;

/** Why a request was refused: the codes of package contact, and "unavailable" of the socket itself. */
export type RejectionCode =
  | 'unknown-contact'
  | 'unknown-agent'
  | 'offer-gone'
  | 'not-yours'
  | 'wrong-state'
  | 'dial-limit'
  | 'not-free'
  | 'break-full'
  | 'unknown-outcome'
  | 'invalid'
  | 'voice-elsewhere'
  | 'unconfirmed'
  | 'not-allowed'
  | 'not-signed-in'
  | 'unavailable';

/** What the console may ask for. The connection adds the id that comes back in the reply. */
export type Request =
  | { do: 'presence'; presence: Presence; reason?: string; channels?: Channel[]; afterContact?: boolean }
  | { do: 'accept'; offer: OfferID }
  | { do: 'decline'; offer: OfferID; reason?: string }
  | { do: 'hang-up'; contact: ContactID }
  | { do: 'hold'; contact: ContactID }
  | { do: 'resume'; contact: ContactID }
  | { do: 'key'; contact: ContactID; key: string }
  | { do: 'voice'; contact: ContactID; take?: boolean }
  | { do: 'echo' }
  | { do: 'echo-end' }
  | { do: 'outcome'; contact: ContactID; code?: OutcomeCode; ticket?: TicketNumber }
  | { do: 'extend'; contact: ContactID }
  | { do: 'note'; contact: ContactID; note: string }
  | { do: 'finish'; contact: ContactID; code?: OutcomeCode; ticket?: TicketNumber }
  | { do: 'give-back'; contact: ContactID }
  | { do: 'dial'; contact: ContactID }
  | { do: 'callback'; contact: ContactID; at: Instant; mine?: boolean }
  | { do: 'transfer'; contact: ContactID; to: TransferTo }
  | { do: 'consult'; contact: ContactID; to: TransferTo }
  | { do: 'consult-end'; contact: ContactID }
  | { do: 'complete-transfer'; contact: ContactID }
  | { do: 'conference'; contact: ContactID; on?: boolean }
  | { do: 'mark'; contact: ContactID; mark: MarkKind }
  | { do: 'recording'; contact: ContactID; on?: boolean }
  | { do: 'supervise'; contact: ContactID; mode?: SupervisionMode }
  | ({ do: 'call'; line: LineID; confirmed?: boolean } & Called)
  | { do: 'impact'; contact: ContactID; residents?: number }
  | { do: 'chat-follow'; contact: ContactID; after: number }
  | { do: 'chat-send'; contact: ContactID; message: string; text: string }
  | { do: 'signal'; offer?: OfferID; contact?: ContactID; leg?: string; payload: SignalPayload };

/** Where a contact is sent: to a colleague, to whoever is in the group, or to a place outside. */
export type TransferTo =
  | { agent: AgentID; group?: undefined; outside?: undefined }
  | { group: SkillID; agent?: undefined; outside?: undefined }
  | { outside: DestinationID; agent?: undefined; group?: undefined };

/** Who is called: a person of the directory, the user of a ticket, or a number as it was typed. */
export type Called = { person: PersonID } | { ticket: TicketNumber } | { number: string };

/** Why an offer is declined, as it is put on record: codes, for what is typed may be about a person. The catalogue has the words. */
export const declineReasons = ['busy', 'not-my-skill', 'conflict', 'technical'] as const;

/** For so many residents and companies a contact may stand at most. */
export const residentsLimit = 1_000_000;
/** At most this many characters of a note are kept. */
export const noteLimit = 10_000;
/** The longest line of a chat, in characters. */
export const chatLimit = 4000;

/** Exactly one field is set. */
export interface Message {
  hello?: Hello;
  state?: ConsoleState;
  reply?: Reply;
  signal?: VoiceSignal;
  chat?: ChatLines;
}

export interface Hello {
  protocol: number;
  agent: string;
  name: string;
  role: string;
  lines: LineInfo[] | null;
  pauseReasons: PauseInfo[] | null;
  /** Skills and competence groups, in the order of the configuration. */
  groups: GroupInfo[] | null;
  outcomeCodes: OutcomeCode[] | null;
  services: ServiceInfo[] | null;
  /** May publish outage messages and set embargoes. */
  publishes: boolean;
  /** May read the figures of all. */
  seesFigures: boolean;
  /** The places outside that a call may be handed over to. */
  destinations: DestinationInfo[] | null;
  /** May take part in others' calls. */
  supervises: boolean;
  /** The lines whose number may be called by; empty for who may make no calls. */
  callsLines: LineID[] | null;
  /** How much longer 'extend' makes a wrap-up. */
  wrapUpExtensionMs: Millis;
  iceServers: IceServer[] | null;
}

/** Texts by language tag. */
export type Texts = Partial<Record<string, string>>;

export interface ServiceInfo {
  id: ServiceID;
  name: Texts | null;
  categories: CategoryInfo[] | null;
}

/** A reason to pause: after limitMs it is overdue; of a break only so many may be at once. */
export interface PauseInfo {
  reason: string;
  limitMs?: Millis;
  break?: boolean;
}

export interface GroupInfo {
  id: SkillID;
  name: Texts | null;
}

export interface CategoryInfo {
  id: string;
  name: Texts | null;
}

/** A phone line, a chat topic, a mailbox or the portal's form. */
export interface LineInfo {
  id: LineID;
  channel: Channel;
  name: Texts | null;
  greeting: Texts | null;
}

export interface DestinationInfo {
  id: DestinationID;
  name: Texts | null;
}

export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface Reply {
  id: number;
  error?: RejectionCode;
}

export type SignalPayload =
  | { sdp: { type: 'offer' | 'answer'; sdp: string }; candidate?: undefined }
  | { candidate: RTCIceCandidateInit; sdp?: undefined };

/**
 * A message of the set-up of an offer's voice; offer 0 is the echo call or, with a contact, a supervisor's voice in it. Bound comes instead of a payload: the window
 * in which the voice lives, every other one lets go of it.
 */
export interface VoiceSignal {
  offer: OfferID;
  contact?: ContactID;
  bound?: string;
  /** A voice may be made anew within one offer: the answer repeats which one it is for. */
  leg?: string;
  payload?: SignalPayload;
}

/** Further lines of a chat that the console follows, in order. */
export interface ChatLines {
  contact: ContactID;
  lines: ChatLine[] | null;
}

/** A line that the stream has. Sequences of one chat rise and have gaps. */
export interface ChatLine {
  sequence: number;
  id: string;
  from: 'caller' | 'agent' | 'system';
  kind: 'text' | 'prompt' | 'joined' | 'left' | 'ended';
  text?: string;
  at: Instant;
  agent?: string;
}

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
