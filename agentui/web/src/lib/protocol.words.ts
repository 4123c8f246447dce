/** The words of the messages between console and server: ids, times, and the closed sets of what may stand somewhere. */

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

/** Texts by language tag. */
export type Texts = Partial<Record<string, string>>;
