package contact

import "slices"

// State is where a contact is in its life.
//
//	arrived → greeted → waiting ⇄ offered → connected → wrap-up → closed
//	                       ⇅         ↓         ⇅
//	                       ⇄ ⇄ dialling → connected / held
//
// Every state before connected can end in closed (the caller hung up, the contact
// was refused); every state before closed can go back to waiting as a call-back: after a
// technical fault, because the caller wanted one, or because an agent promised one. A connected
// contact that is transferred waits again. docs/contact-path.md has the diagram.
type State string

// The states.
const (
	// StateNone is that of a contact nobody has heard of.
	StateNone State = ""
	// StateArrived: its first sign came in and is on record; nothing is said yet.
	StateArrived State = "arrived"
	// StateGreeted: a call was answered by the system (200 OK: charging starts) and
	// hears a welcome, a message or a menu. Its place in the queue is already kept.
	StateGreeted State = "greeted"
	// StateWaiting: it may be offered to agents.
	StateWaiting State = "waiting"
	// StateOffered: it is reserved for one agent, who is being rung.
	StateOffered State = "offered"
	// StateDialling: it waited to be called back, or the desk began it, and it is being dialled for an agent.
	StateDialling State = "dialling"
	// StateConnected: agent and user reach each other.
	StateConnected State = "connected"
	// StateHeld: the agent has it, but the user hears music and is not heard.
	StateHeld State = "held"
	// StateWrapUp: the connection is over, the agent has not yet said what came of it.
	StateWrapUp State = "wrap-up"
	// StateClosed: it is accounted for. Nothing follows.
	StateClosed State = "closed"
)

var transitions = map[State][]State{
	StateNone:      {StateArrived, StateDialling, StateClosed},
	StateArrived:   {StateGreeted, StateWaiting, StateClosed},
	StateGreeted:   {StateWaiting, StateClosed},
	StateWaiting:   {StateOffered, StateDialling, StateClosed},
	StateOffered:   {StateWaiting, StateDialling, StateConnected, StateClosed},
	StateDialling:  {StateWaiting, StateConnected, StateClosed},
	StateConnected: {StateHeld, StateWrapUp, StateWaiting, StateClosed},
	StateHeld:      {StateConnected, StateWrapUp, StateWaiting, StateClosed},
	StateWrapUp:    {StateWaiting, StateClosed},
	StateClosed:    nil,
}

// Joined reports whether an agent and the user are connected, on hold or not.
func (s State) Joined() bool { return s == StateConnected || s == StateHeld }

// CanBecome reports whether a contact may go from s to next in one step.
func (s State) CanBecome(next State) bool { return slices.Contains(transitions[s], next) }

// End says how a contact was accounted for when it closed. Every contact has
// exactly one.
type End string

// The ends.
const (
	// EndHandled: an agent answered it and finished it.
	EndHandled End = "handled"
	// EndAbandoned: the user left before an agent answered, at a [Stage].
	EndAbandoned End = "abandoned"
	// EndRefused: it was turned away by rule, with a SIP response.
	EndRefused End = "refused"
	// EndDropped: a technical fault ended it and there is no address to call back.
	EndDropped End = "dropped"
	// EndHandedOver: an agent answered it, and a place outside took it over (requirement 2.2a).
	EndHandedOver End = "handed-over"
	// EndNotReached: the desk began it, and nobody was reached.
	EndNotReached End = "not-reached"
	// EndOutsideHours: it came when the desk was closed, and was told so (requirement D10).
	EndOutsideHours End = "outside-hours"
)

// Stage is how far a contact had come when the user left (requirement 5.10.2c).
type Stage string

// The stages.
const (
	StageBeforeAnswer Stage = "before-answer"
	StageMessage      Stage = "message"
	StageQueue        Stage = "queue"
	StageRinging      Stage = "ringing"
	// StageCallback: it waited to be called back, and was closed without that.
	StageCallback Stage = "call-back"
)

// Party is who did something to a contact.
type Party string

// The parties.
const (
	PartyCaller Party = "caller"
	PartyAgent  Party = "agent"
	PartySystem Party = "system"
)

// SupervisionMode is how a supervisor takes part in a call (requirement 3.2d).
type SupervisionMode string

// The modes.
const (
	// SuperviseListen: he hears both and is heard by nobody.
	SuperviseListen SupervisionMode = "listen"
	// SuperviseWhisper: he hears both and is heard by the agents alone.
	SuperviseWhisper SupervisionMode = "whisper"
	// SuperviseBarge: all hear each other.
	SuperviseBarge SupervisionMode = "barge"
)

// MarkKind is what an agent says of a call with one button.
type MarkKind string

// The marks.
const (
	// MarkThreat: the caller threatens somebody. Supervisors are told at once.
	MarkThreat MarkKind = "threat"
	// MarkNuisance: nobody wants anything of the desk. Who is marked again and again waits longer
	// before he may be offered; he is never refused.
	MarkNuisance MarkKind = "nuisance"
)

// RecordingState is how far the recording of a call is.
type RecordingState string

// The states of a recording.
const (
	RecordingBegun   RecordingState = "begun"
	RecordingPaused  RecordingState = "paused"
	RecordingResumed RecordingState = "resumed"
	RecordingEnded   RecordingState = "ended"
	// RecordingDeclined: the caller wanted none.
	RecordingDeclined RecordingState = "declined"
)

// Presence is what an agent has said of being available. Whether the agent is busy
// is not presence: it follows from contacts and offers.
type Presence string

// The presences.
const (
	SignedOut Presence = "signed-out"
	Ready     Presence = "ready"
	Paused    Presence = "paused"
)

// WithdrawCause is why an offer was taken back without the agent's doing.
type WithdrawCause string

// The causes.
const (
	CallerLeft       WithdrawCause = "caller-left"
	RulesWithdrew    WithdrawCause = "rules"       // of a call-back, which new rules do not allow
	CallerBack       WithdrawCause = "caller-back" // a call-back: its caller rang again
	AgentLeft        WithdrawCause = "agent-left"
	AgentUnreachable WithdrawCause = "agent-unreachable"
	TakeOver         WithdrawCause = "take-over"
	TechnicalFault   WithdrawCause = "technical-fault"
	// ConnectFailed: the agent accepted, but the two could not be connected.
	ConnectFailed WithdrawCause = "connect-failed"
)

// ReturnCause is why a contact that an agent had waits again.
type ReturnCause string

// The causes.
const (
	// ReturnGivenBack: the agent gave it back.
	ReturnGivenBack ReturnCause = "given-back"
	// ReturnUnreachable: the agent's last console was gone for too long (requirement D9).
	ReturnUnreachable ReturnCause = "agent-unreachable"
	// ReturnRoster: the agent is gone from the roster.
	ReturnRoster ReturnCause = "roster"
)

// DialFailure is why the user was not reached by a call of ours.
type DialFailure string

// The failures.
const (
	DialBusy      DialFailure = "busy"
	DialNoAnswer  DialFailure = "no-answer"
	DialRefused   DialFailure = "refused" // by the network or by the guard of outgoing calls
	DialCancelled DialFailure = "cancelled"
	// DialFault: the agent's own voice did not come up.
	DialFault DialFailure = "technical-fault"
)

// MissCause is why an agent did not get an offer that was made to him.
type MissCause string

// The causes.
const (
	// MissedByTime: it ran out.
	MissedByTime MissCause = "not-answered"
	// MissedByFault: the agent's voice could not be connected.
	MissedByFault MissCause = "technical-fault"
	// MissedByReach: the agent's last console was gone.
	MissedByReach MissCause = "unreachable"
)
