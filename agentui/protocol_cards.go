package agentui

import "svar/contact"

// Caller is who is calling, as far as this agent may see.
type Caller struct {
	// Kind is "known" (one person of the directory), "unknown" (a number nobody has, or
	// several have), "claimed" (a text: Name and Address are what the sender gave),
	// "withheld", or "protected" (masked: only Kind is set, unless this agent is in the group
	// that may see protected people; then the rest is set too).
	Kind    string           `json:"kind"`
	Person  contact.PersonID `json:"person,omitempty"`
	Name    string           `json:"name,omitempty"`
	Role    string           `json:"role,omitempty"`
	Title   string           `json:"title,omitempty"`
	School  string           `json:"school,omitempty"`
	Number  string           `json:"number,omitempty"`
	Address string           `json:"address,omitempty"`
	// Verification is how sure we are of it: "none", "number-known", "signed-in"
	// (requirement 5.2p).
	Verification string `json:"verification"`
}

// RingCard is an open offer to this agent.
type RingCard struct {
	Offer    contact.OfferID `json:"offer"`
	Contact  contact.ID      `json:"contact"`
	Channel  contact.Channel `json:"channel"`
	Line     contact.LineID  `json:"line"`
	Language string          `json:"language"`
	Caller   Caller          `json:"caller"`
	// Arrived is when the caller's waiting began.
	Arrived contact.Instant `json:"arrived"`
	Since   contact.Instant `json:"since"`
	Expires contact.Instant `json:"expires"`
	// Accepted is true while the two are being connected.
	Accepted bool        `json:"accepted"`
	Why      contact.Why `json:"why"`
	// Callback says that accepting dials the caller.
	Callback bool `json:"callback,omitempty"`
	// ConsultedBy is the colleague who asks; the caller is on hold with him.
	ConsultedBy *Colleague `json:"consultedBy,omitempty"`
	Details
}

// Colleague names an agent.
type Colleague struct {
	Agent contact.AgentID `json:"agent"`
	Name  string          `json:"name"`
}

// ConsultCard is a colleague who is asked about a contact, or a place outside that is called. State is "asked",
// "accepted", "talking", or, for a place that was not reached, "failed".
type ConsultCard struct {
	Colleague
	// Outside is set instead of the colleague: a place outside is called. Blind says that the caller goes to it
	// when it answers. Failure is why it was not reached, shown until something else is done.
	Outside contact.DestinationID `json:"outside,omitempty"`
	Blind   bool                  `json:"blind,omitempty"`
	Failure contact.DialFailure   `json:"failure,omitempty"`
	State   string                `json:"state"`
	Since   contact.Instant       `json:"since"`
	Expires contact.Instant       `json:"expires,omitempty"`
}

// Details are what a card shows of a contact besides who it is from.
type Details struct {
	Service contact.ServiceID `json:"service,omitempty"`
	Party   contact.PartyID   `json:"party,omitempty"`
	Subject string            `json:"subject,omitempty"`
	// Residents is for how many residents and companies the contact stands.
	Residents uint32 `json:"residents,omitempty"`
	// Ticket is the one that a mail or a form belongs to.
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	// Tickets are the person's newest open ones, at most 3.
	Tickets []TicketRow `json:"tickets"`
}

// TicketRow is a ticket in a list.
type TicketRow struct {
	Number  contact.TicketNumber `json:"number"`
	Kind    string               `json:"kind"`
	Status  string               `json:"status"`
	Subject string               `json:"subject"`
	Service contact.ServiceID    `json:"service,omitempty"`
	Created contact.Instant      `json:"created"`
	Changed contact.Instant      `json:"changed"`
}

// OngoingCard is a contact that this agent is connected with, holds or wraps up.
type OngoingCard struct {
	Contact  contact.ID      `json:"contact"`
	Offer    contact.OfferID `json:"offer"`
	Channel  contact.Channel `json:"channel"`
	Line     contact.LineID  `json:"line"`
	Language string          `json:"language"`
	Caller   Caller          `json:"caller"`
	State    contact.State   `json:"state"`
	Since    contact.Instant `json:"since"`
	Arrived  contact.Instant `json:"arrived"`
	Answered contact.Instant `json:"answered"`
	// Note is what was kept last by DoNote.
	Note string `json:"note,omitempty"`
	// Code and ChosenTicket are what was kept last by DoOutcome.
	Code         contact.OutcomeCode  `json:"code,omitempty"`
	ChosenTicket contact.TicketNumber `json:"chosenTicket,omitempty"`
	// WrapUpUntil is when wrap-up runs out and the contact is closed by itself; 0 means never.
	WrapUpUntil contact.Instant `json:"wrapUpUntil,omitempty"`
	// Replied is when an agent first answered a text; 0 when not yet.
	Replied contact.Instant `json:"replied,omitempty"`
	// Consult is a colleague who is asked. ConsultedBy, instead, is the colleague whose contact it
	// is: this agent is the one who was asked.
	Consult     *ConsultCard `json:"consult,omitempty"`
	ConsultedBy *Colleague   `json:"consultedBy,omitempty"`
	// Conference says that all three hear each other. Supervisors are in the call in a mode that its agents are
	// heard by; one who only listens is not told of.
	Conference  bool        `json:"conference,omitempty"`
	Supervisors []Colleague `json:"supervisors,omitempty"`
	// Marks are what was said of the call; Recording how far its recording is, empty when there is none.
	Marks     []contact.MarkKind     `json:"marks,omitempty"`
	Recording contact.RecordingState `json:"recording,omitempty"`
	// Outgoing says that the desk called.
	Outgoing bool `json:"outgoing,omitempty"`
	Details
}

// NotReachedCard is a call that the agent placed and that reached nobody.
type NotReachedCard struct {
	Contact contact.ID          `json:"contact"`
	Failure contact.DialFailure `json:"failure,omitempty"`
	At      contact.Instant     `json:"at"`
}

// TalkCard is a call that goes on, for supervisors: who has it, and since when. Mode is this supervisor's in it.
type TalkCard struct {
	Contact contact.ID              `json:"contact"`
	Line    contact.LineID          `json:"line"`
	Agent   Colleague               `json:"agent"`
	State   contact.State           `json:"state"`
	Since   contact.Instant         `json:"since"`
	Mode    contact.SupervisionMode `json:"mode,omitempty"`
	Marks   []contact.MarkKind      `json:"marks,omitempty"`
}

// WaitingLine is who waits on one line: those being greeted are counted apart.
type WaitingLine struct {
	Line     contact.LineID  `json:"line"`
	Waiting  int             `json:"waiting"`
	Greeted  int             `json:"greeted"`
	Longest  contact.Instant `json:"longest,omitempty"`
	TargetMs contact.Millis  `json:"targetMs"`
}

// CallbackCard is a caller who is to be called back: after a technical fault, because he chose it,
// or because an agent promised it.
type CallbackCard struct {
	// DueAt is when it is promised or tried again; 0 when its turn alone decides. For is the agent
	// who promised it himself.
	DueAt contact.Instant `json:"dueAt,omitempty"`
	For   contact.AgentID `json:"for,omitempty"`
	// Tries is how often he was dialled in vain. Exhausted says that nobody is offered it any more.
	Tries     uint8 `json:"tries,omitempty"`
	Exhausted bool  `json:"exhausted,omitempty"`
	// Dials is how often he was dialled in the last hour, DialsLeft how often he may be now.
	Dials     int `json:"dials"`
	DialsLeft int `json:"dialsLeft"`
	// Agent is who dials him now.
	Agent contact.AgentID `json:"agent,omitempty"`

	Contact contact.ID      `json:"contact"`
	Line    contact.LineID  `json:"line"`
	Caller  Caller          `json:"caller"`
	Arrived contact.Instant `json:"arrived"`
	Since   contact.Instant `json:"since"`
}

// MissedCard is an offer that this agent missed.
type MissedCard struct {
	Cause   contact.MissCause `json:"cause"`
	Channel contact.Channel   `json:"channel,omitempty"`
	Contact contact.ID        `json:"contact"`
	Line    contact.LineID    `json:"line,omitempty"`
	At      contact.Instant   `json:"at"`
}
