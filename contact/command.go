package contact

// Command asks the engine for something. The set is closed: only the types of this
// file are commands. Each is idempotent by what it names (contact, offer, agent):
// sent twice, the second finds the work done and changes nothing, so that a sender
// that missed the reply may send again.
type Command interface{ command() }

// ChangeRules replaces the rules.
type ChangeRules struct {
	Rules Rules `json:"rules"`
}

// ChangeRoster replaces the roster. An agent who is gone from it gets no more
// offers; what he has goes on.
type ChangeRoster struct {
	Roster Roster `json:"roster"`
}

// ReportNode is sent by a node when it starts and when a new leader asks for it.
// Legs are the callers' legs alive on it, sorted. A contact of that node whose leg
// is not among them was lost with the process.
type ReportNode struct {
	Node NodeID  `json:"node"`
	Legs []LegID `json:"legs"`
	// Restarted says that the process is new: its consoles are gone too.
	Restarted bool `json:"restarted,omitempty"`
}

// Arrive puts a contact on record and keeps its place. Sent before anything is
// said to the user. A mail or a form has neither Node nor Leg: nobody is on a line, so no
// fault of a node touches it, and the agent who accepts it has it at once.
type Arrive struct {
	Contact Contact `json:"contact"`
	Node    NodeID  `json:"node"`
	Leg     LegID   `json:"leg"`
}

// Refuse records a contact that was turned away by rule. Response is the SIP
// status code, 400–699.
type Refuse struct {
	Contact  Contact `json:"contact"`
	Response uint16  `json:"response"`
}

// Greet says that the system answered the call (200 OK was sent). A call that was let ring first may wait already,
// be offered, or have an agent's yes.
type Greet struct {
	Contact ID `json:"contact"`
}

// Enqueue says what the contact needs and that it may be offered from now on. Its
// place is still that of its arrival.
type Enqueue struct {
	Contact ID    `json:"contact"`
	Needs   Needs `json:"needs"`
	Class   Class `json:"class,omitempty"`
	// Target is counted in the opening hours Hours, like everything that depends on how long
	// the contact has waited; in all of time when Hours is empty.
	Target Millis  `json:"target_ms"`
	Hours  HoursID `json:"hours,omitempty"`
}

// SetImpact says for how many residents and companies the contact stands (requirement 2.3a): the
// form said so, or an agent or supervisor did. From [Rules.ImpactFrom] on an ordinary contact is
// served as one of [ClassResidentImpact] (2.3b). 0 takes it back.
type SetImpact struct {
	Contact   ID      `json:"contact"`
	Agent     AgentID `json:"agent,omitempty"`
	Residents uint32  `json:"residents"`
}

// Leave says that the user ended the contact: CANCEL, BYE, a closed socket.
type Leave struct {
	Contact ID `json:"contact"`
}

// Drop says that a technical fault ended the contact's leg.
type Drop struct {
	Contact ID `json:"contact"`
}

// AcceptOffer is the agent's answer to an offer.
type AcceptOffer struct {
	Offer OfferID `json:"offer"`
	Agent AgentID `json:"agent"`
	// Confirmed says of a call-back what it says in [TakeCallback].
	Confirmed bool `json:"confirmed,omitempty"`
}

// DeclineOffer is the agent's refusal of an offer.
type DeclineOffer struct {
	Offer  OfferID `json:"offer"`
	Agent  AgentID `json:"agent"`
	Reason string  `json:"reason,omitempty"`
}

// ConfirmConnected says that the node connected both parties of an accepted offer.
type ConfirmConnected struct {
	Offer OfferID `json:"offer"`
	// Leg is the agent's; empty when the user writes.
	Leg LegID `json:"leg"`
}

// FailConnect says that the agent's leg of an offer did not come up, or broke while
// they were connected ([ContactReturned]). The contact goes back to its place, the
// user still on the line.
type FailConnect struct {
	Offer OfferID `json:"offer"`
}

// Hold says that the agent put a connected call on hold: the user hears music, the agent
// nothing. The node did it already.
type Hold struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// Resume says that the agent took a held call back.
type Resume struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// ChooseOutcome keeps what the agent has chosen so far, from the moment he has the contact:
// it replaces what was chosen before, and both empty takes it away. It is what the contact
// is closed with when its wrap-up runs out.
type ChooseOutcome struct {
	Contact ID           `json:"contact"`
	Agent   AgentID      `json:"agent"`
	Code    OutcomeCode  `json:"code,omitempty"`
	Ticket  TicketNumber `json:"ticket,omitempty"`
}

// ExtendWrapUp gives the agent [Rules.WrapUpExtension] more from now, or what is left if
// that is longer.
type ExtendWrapUp struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// ReportQuality says how well one party's voice came in over a connection that is over. It
// is taken while the contact is open, and is best effort.
type ReportQuality struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	// Party is whose leg was measured: the caller's or the agent's.
	Party   Party   `json:"party"`
	Quality Quality `json:"quality"`
}

// HangUp is the agent's end of a connected or held contact, or of one that is being dialled.
type HangUp struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// Finish ends wrap-up with an outcome code, with the ticket that the contact is linked
// to, or with both; one of them is needed (requirement 5.2c). A text may be finished
// while it is connected: nobody has to hang up a mail. A contact that waits to be called
// back may be finished too, by any agent who is signed in.
type Finish struct {
	Contact ID           `json:"contact"`
	Agent   AgentID      `json:"agent"`
	Code    OutcomeCode  `json:"code,omitempty"`
	Ticket  TicketNumber `json:"ticket,omitempty"`
}

// Reply says that the agent answered a text: what he wrote is safe. The first one is the
// contact's answer (measure: answer time).
type Reply struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// GiveBack puts a connected text back into the queue, in its old place and with what was
// written. A call is transferred instead.
type GiveBack struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// CloseOutsideHours closes a contact that heard that the desk is closed (requirement D10).
type CloseOutsideHours struct {
	Contact ID `json:"contact"`
}

// TakeCallback reserves a contact that waits to be called back for an agent who is free
// for a call. Node is the one that is to dial, which is the agent's console's.
type TakeCallback struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
	Node    NodeID  `json:"node"`
	// Confirmed says that the agent has looked at the number and wants it called. Without, only one that
	// somebody vouches for is ([Personal.Vouched]).
	Confirmed bool `json:"confirmed,omitempty"`
}

// ScheduleCallback lets a call go on as a call-back, in its place and as the same contact: the
// caller chose that while he waited (Agent is empty then), or the agent who has the contact, in
// talk or wrap-up, promised it.
type ScheduleCallback struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent,omitempty"`
	// At is when it is due; 0, or an instant that is over, means when its turn comes.
	At Instant `json:"at,omitempty"`
	// Mine says that Agent is to call himself. He is asked first, for [Rules.AppointmentWait];
	// then anybody who fits is.
	Mine bool `json:"mine,omitempty"`
}

// Rejoin says that a caller who waits to be called back rings again: he takes the place that
// his call-back has, as the same contact, on a new leg.
type Rejoin struct {
	Contact ID     `json:"contact"`
	Node    NodeID `json:"node"`
	Leg     LegID  `json:"leg"`
}

// Destination is where a contact is sent: exactly one of its fields is set.
type Destination struct {
	// Agent is asked alone, for [Rules.TransferWait]; then anybody who has what it needs.
	Agent AgentID `json:"agent,omitempty"`
	// Needs replace those that the contact had: a competence group, at a level.
	Needs Needs `json:"needs,omitempty"`
	// Outside is a place outside the desk, by telephone; only a call can be sent there.
	Outside DestinationID `json:"outside,omitempty"`
}

// Transfer sends a connected contact, or a held one, from its agent to another agent or group.
// It waits in its old place again, the user with music, and the agent is free. To a place outside it is
// called for the user ([OutsideCalled] with Blind): the contact stays its agent's, on hold, until that place
// answers, and is handed over in that moment.
type Transfer struct {
	Contact ID          `json:"contact"`
	Agent   AgentID     `json:"agent"`
	To      Destination `json:"to"`
}

// Consult asks another agent, or the one of a group whom routing prefers, while the user of the
// call hears music. He is asked like by an offer and answers like one ([AcceptOffer],
// [DeclineOffer]); the node then connects the two agents ([ConfirmConnected]). It is rejected as
// not-free when nobody there is free. A place outside is called instead ([OutsideCalled]); it answers the
// telephone ([ConfirmConnected]) or does not ([FailDial]).
type Consult struct {
	Contact ID          `json:"contact"`
	Agent   AgentID     `json:"agent"`
	To      Destination `json:"to"`
}

// EndConsult ends the asking or the talk between the two agents, or the call to a place outside; the user stays on
// hold with his agent, or connected when they all heard each other. Either of them may say so, and the node for a place that
// hangs up.
type EndConsult struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// CompleteTransfer leaves the user to the agent who was consulted, once those two talk. The
// agent who transfers is free. A place outside that was consulted takes the user over ([ContactHandedOver]).
type CompleteTransfer struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// HandOver says that a place outside has taken the user over; the node keeps the two connected.
// The agent's wrap-up begins, and the contact ends as handed over (requirement 2.2a).
type HandOver struct {
	Contact ID            `json:"contact"`
	Agent   AgentID       `json:"agent"`
	To      DestinationID `json:"to"`
}

// SetConference lets the agent, the user and whoever is consulted hear each other, or ends that: the
// user is on hold again. It is the agent's who has the contact.
type SetConference struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
	On      bool    `json:"on"`
}

// Supervise lets a supervisor hear a connected call, in a mode that may change; empty ends it. Who may
// is decided before: the engine knows no roles. It needs no offer and no room.
type Supervise struct {
	Contact    ID              `json:"contact"`
	Supervisor AgentID         `json:"supervisor"`
	Mode       SupervisionMode `json:"mode,omitempty"`
}

// Mark puts on record what an agent says of a call that he has, in talk or wrap-up. It is not taken back.
type Mark struct {
	Contact ID       `json:"contact"`
	Agent   AgentID  `json:"agent"`
	Mark    MarkKind `json:"mark"`
}

// PlaceCall makes a contact that the desk begins: an agent calls a person, or the user of a ticket. Contact.Outgoing
// is set and Contact.Line is the line whose number is shown. The number to be called is in [Personal] before.
// It reserves the agent like [TakeCallback] and is dialled by Node.
type PlaceCall struct {
	Contact Contact `json:"contact"`
	Agent   AgentID `json:"agent"`
	Node    NodeID  `json:"node"`
	Leg     LegID   `json:"leg"`
}

// ReportRecording says what became of the recording of a call; the node did it already.
type ReportRecording struct {
	Contact   ID             `json:"contact"`
	Recording RecordingState `json:"recording"`
	// Agent is who paused or resumed it.
	Agent AgentID `json:"agent,omitempty"`
	// File, SHA256 (hexadecimal), Bytes and Length are set when it ended.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	Length Millis `json:"length_ms,omitempty"`
	// DeleteAfter is until when the file may be kept, by its line's rule; set when it ended.
	DeleteAfter Instant `json:"delete_after,omitempty"`
}

// FailDial says that the call which an offer made did not come about. The contact waits
// to be called back again; one that the desk began is closed ([EndNotReached]); about a place outside, the user stays
// on hold with his agent. Only [DialFault] pauses the agent, whose voice it is about, and not when a place outside was called.
type FailDial struct {
	Offer  OfferID     `json:"offer"`
	Reason DialFailure `json:"reason"`
}

// SetPresence is the agent's own word. Reason is a pause reason, only with Paused.
type SetPresence struct {
	Agent    AgentID  `json:"agent"`
	Presence Presence `json:"presence"`
	Reason   string   `json:"reason,omitempty"`
	// Channels are those that a ready agent takes, sorted; all when empty.
	Channels []Channel `json:"channels,omitempty"`
	// After lets the agent first end what he has: nothing more is offered, and he is paused or
	// signed out when his last contact is closed. Any later word of his replaces it. Not with Ready.
	After bool `json:"after,omitempty"`
}

// SetReachable is sent by the node that holds the agent's console sockets: with
// Reachable when the first opens, without when the last has been gone for 10 s.
type SetReachable struct {
	Agent     AgentID `json:"agent"`
	Node      NodeID  `json:"node"`
	Reachable bool    `json:"reachable"`
}

// Tick lets time pass: whatever was due is decided. It says that time alone was
// the cause; every command lets time pass as well.
type Tick struct{}

func (ChangeRules) command()       {}
func (ChangeRoster) command()      {}
func (ReportNode) command()        {}
func (Arrive) command()            {}
func (Refuse) command()            {}
func (Greet) command()             {}
func (Enqueue) command()           {}
func (Leave) command()             {}
func (Drop) command()              {}
func (AcceptOffer) command()       {}
func (DeclineOffer) command()      {}
func (ConfirmConnected) command()  {}
func (FailConnect) command()       {}
func (HangUp) command()            {}
func (Hold) command()              {}
func (Resume) command()            {}
func (ChooseOutcome) command()     {}
func (ExtendWrapUp) command()      {}
func (ReportQuality) command()     {}
func (Finish) command()            {}
func (SetPresence) command()       {}
func (SetReachable) command()      {}
func (Reply) command()             {}
func (GiveBack) command()          {}
func (CloseOutsideHours) command() {}
func (TakeCallback) command()      {}
func (SetImpact) command()         {}
func (ScheduleCallback) command()  {}
func (Rejoin) command()            {}
func (Transfer) command()          {}
func (Consult) command()           {}
func (EndConsult) command()        {}
func (CompleteTransfer) command()  {}
func (HandOver) command()          {}
func (SetConference) command()     {}
func (Supervise) command()         {}
func (Mark) command()              {}
func (PlaceCall) command()         {}
func (ReportRecording) command()   {}
func (FailDial) command()          {}
func (Tick) command()              {}

// Rejection is the engine's no to a command: nothing happened and nothing is on
// record. It is an error; callers find it by errors.As, through the bus too.
type Rejection struct {
	Code RejectionCode `json:"code"`
}

// RejectionCode is why a command was rejected. Surfaces have words for each.
type RejectionCode string

// The codes.
const (
	// UnknownContact: there is none of that id, or it is closed long ago.
	UnknownContact RejectionCode = "unknown-contact"
	// UnknownAgent: the roster has none of that name.
	UnknownAgent RejectionCode = "unknown-agent"
	// OfferGone: the offer ran out, was withdrawn or answered.
	OfferGone RejectionCode = "offer-gone"
	// NotYours: the offer or contact is another agent's.
	NotYours RejectionCode = "not-yours"
	// WrongState: the contact is not in a state that allows it.
	WrongState RejectionCode = "wrong-state"
	// DialLimit: the contact, or the desk, was dialled as often as the rules allow for now.
	DialLimit RejectionCode = "dial-limit"
	// NotFree: the agent has no room for another contact of that channel now.
	NotFree RejectionCode = "not-free"
	// BreakFull: as many of one of the agent's groups are on a break as may be at once.
	BreakFull RejectionCode = "break-full"
	// UnknownOutcome: the code is not in the rules.
	UnknownOutcome RejectionCode = "unknown-outcome"
	// Invalid: a field is outside its range.
	Invalid RejectionCode = "invalid"
	// VoiceElsewhere: the agent's voice lives in another window or on another device.
	VoiceElsewhere RejectionCode = "voice-elsewhere"
	// Unconfirmed: nobody vouches for the number; the agent is to look at it first.
	Unconfirmed RejectionCode = "unconfirmed"
	// NotAllowed: the dial plan does not allow the number, or nobody carries it.
	NotAllowed RejectionCode = "not-allowed"
	// NotSignedIn: the agent is not signed in or has no console that is reachable.
	NotSignedIn RejectionCode = "not-signed-in"
)

func (r *Rejection) Error() string { return "rejected: " + string(r.Code) }
