package report

import "svar/contact"

// OutgoingCall is a call that the desk made: to a place outside about a contact, or to a person.
type OutgoingCall struct {
	// Key tells it from others of the same instant.
	Key     string
	Contact contact.ID
	Line    contact.LineID
	// Agent had it made.
	Agent contact.AgentID
	// Destination is the place outside; empty when a person was called.
	Destination contact.DestinationID
	// Blind says that the user was to be handed over as soon as the place answered, TookOver that he was.
	Blind, TookOver bool
	Called          contact.Instant
	// Answered and Ended are 0 when it was not, or is not yet. A call that took the user over is the two parties' own from Ended
	// on: how long they talk is not on record.
	Answered, Ended contact.Instant
	// Failure is why nobody was reached, if nobody was.
	Failure contact.DialFailure
}

// Supervision is a supervisor's part in a talk in one mode.
type Supervision struct {
	// Key tells it from others of the same instant.
	Key        string
	Contact    contact.ID
	Line       contact.LineID
	Supervisor contact.AgentID
	// Agents had the contact meanwhile, in the order in which they were connected with it.
	Agents []contact.AgentID
	Mode   contact.SupervisionMode
	Begun  contact.Instant
	// Ended is 0 while it lasts.
	Ended contact.Instant
}

// MarkedContact is a contact that its agent marked.
type MarkedContact struct {
	// Key tells it from others of the same instant.
	Key     string
	Contact contact.ID
	Line    contact.LineID
	Mark    contact.MarkKind
	Agent   contact.AgentID
	At      contact.Instant
}

// CallFilter says which calls, supervisions or marks are wanted: those that began in [From, To), newest first, at most Limit,
// which must be above 0. An empty Agent (any who has a part in it), Contact or Before does not narrow.
type CallFilter struct {
	From, To contact.Instant
	Agent    contact.AgentID
	Contact  contact.ID
	// Before and BeforeKey are the instant and the key of the last one of the page before; Before is 0 for the newest page.
	Before    contact.Instant
	BeforeKey string
	Limit     int
}
