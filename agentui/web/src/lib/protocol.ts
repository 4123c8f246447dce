/**
 * The messages between console and server, as agentui/protocol.go defines them. That file is the truth: a change
 * begins there, with a new version when an older console could not understand it.
 */

export const protocolVersion = 1;

/** The socket's close codes of our own (RFC 6455 §7.4.2). */
export const closeCode = { wrongProtocol: 4001, signedOut: 4002 } as const;

/** Milliseconds since the Unix epoch by the server's clock; 0 or absent means never. */
export type Instant = number;
export type Millis = number;
export type ContactID = string;
export type OfferID = number;
export type LineID = string;
export type OutcomeCode = string;

export type Channel = 'voice' | 'chat' | 'mail' | 'form';
export type Presence = 'signed-out' | 'ready' | 'paused';
export type PresenceCause = 'agent' | 'missed-offers' | 'roster';
export type Activity = '' | 'offered' | 'connected' | 'wrap-up';
export type ContactState =
  | 'arrived'
  | 'greeted'
  | 'waiting'
  | 'offered'
  | 'connected'
  | 'wrap-up'
  | 'closed';
export type CallerKind = 'known' | 'unknown' | 'withheld' | 'protected';
export type Verification = 'none' | 'number-known';
export type Rule = 'only-candidate' | 'highest-level' | 'longest-idle' | 'by-name';

/** Why a request was refused: the codes of package contact, and "unavailable" of the socket itself. */
export type RejectionCode =
  | 'unknown-contact'
  | 'unknown-agent'
  | 'offer-gone'
  | 'not-yours'
  | 'wrong-state'
  | 'unknown-outcome'
  | 'invalid'
  | 'not-signed-in'
  | 'unavailable';

/** What the console may ask for. The connection adds the id that comes back in the reply. */
export type Request =
  | { do: 'presence'; presence: Presence; reason?: string }
  | { do: 'accept'; offer: OfferID }
  | { do: 'decline'; offer: OfferID; reason?: string }
  | { do: 'hang-up'; contact: ContactID }
  | { do: 'note'; contact: ContactID; note: string }
  | { do: 'finish'; contact: ContactID; code: OutcomeCode }
  | { do: 'signal'; offer: OfferID; payload: SignalPayload };

/** At most this many characters of a note are kept. */
export const noteLimit = 10_000;

/** Exactly one field is set. */
export interface Message {
  hello?: Hello;
  state?: ConsoleState;
  reply?: Reply;
  signal?: VoiceSignal;
}

export interface Hello {
  protocol: number;
  agent: string;
  name: string;
  role: string;
  lines: LineInfo[] | null;
  pauseReasons: string[] | null;
  outcomeCodes: OutcomeCode[] | null;
  iceServers: IceServer[] | null;
}

/** Texts by language tag. */
export type Texts = Partial<Record<string, string>>;

export interface LineInfo {
  id: LineID;
  name: Texts | null;
  greeting: Texts | null;
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

export interface VoiceSignal {
  offer: OfferID;
  payload: SignalPayload;
}

/** Everything that the console shows, as one whole value. Lists may be null when they are empty. */
export interface ConsoleState {
  now: Instant;
  connected: boolean;
  me: Me;
  offer?: RingCard;
  contacts: OngoingCard[] | null;
  waiting: WaitingLine[] | null;
  callbacks: CallbackCard[] | null;
  missed: MissedCard[] | null;
  today: Today;
  agents: AgentCounts;
  /** When the newest contact of any line arrived. */
  lastContact?: Instant;
}

export interface Me {
  presence: Presence;
  reason?: string;
  cause?: PresenceCause;
  since: Instant;
  reachable: boolean;
  activity?: Activity;
  activitySince?: Instant;
}

export interface Caller {
  kind: CallerKind;
  name?: string;
  role?: string;
  title?: string;
  school?: string;
  number?: string;
  verification: Verification;
}

export interface RingCard {
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
}

export interface Why {
  candidates: number;
  waiting: number;
  rule: Rule;
  level?: number;
  idle_ms: Millis;
  relaxed?: number;
}

export interface OngoingCard {
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
}

export interface WaitingLine {
  line: LineID;
  waiting: number;
  greeted: number;
  longest?: Instant;
  targetMs: Millis;
}

export interface CallbackCard {
  contact: ContactID;
  line: LineID;
  caller: Caller;
  arrived: Instant;
  since: Instant;
}

export interface MissedCard {
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
