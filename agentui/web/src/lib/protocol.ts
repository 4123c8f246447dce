import type { ConsoleState } from './protocol.state';
import type { AgentID, Channel, ContactID, DestinationID, Instant, LineID, MarkKind, Millis, OfferID, OutcomeCode, PersonID, Presence, RejectionCode, ServiceID, SkillID, SupervisionMode, Texts, TicketNumber } from './protocol.words';

export type * from './protocol.state';
export type * from './protocol.words';

/**
 * The messages between console and server, as agentui/protocol*.go define them. Those files are the truth: a change
 * begins there, with a new version when an older console could not understand it.
 */

export const protocolVersion = 5;

/** The socket's close codes of our own (RFC 6455 §7.4.2). Replaced: a window with the same id has connected. */
export const closeCode = { wrongProtocol: 4001, signedOut: 4002, replaced: 4003 } as const;

/** What the console may ask for. The connection adds the id that comes back in the reply. */
export type Request =
  | { do: 'presence'; presence: Presence; reason?: string; channels?: Channel[]; afterContact?: boolean }
  | { do: 'accept'; offer: OfferID; confirmed?: boolean }
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
  | { do: 'dial'; contact: ContactID; confirmed?: boolean }
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
  /** Instead of a payload: the user's side takes text beside the voice, or no longer does; until it is said, it takes none. */
  text?: boolean;
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
