package report

import "svar/contact"

// RecordedCall is a call of which a recording is kept.
type RecordedCall struct {
	Contact contact.ID
	Line    contact.LineID
	// Agents had it, in the order in which they were connected with it.
	Agents []contact.AgentID
	// Ticket is the one that it was closed with; empty when there is none.
	Ticket   contact.TicketNumber
	Outgoing bool
	Arrived  contact.Instant
	// Length is how long the recording is, pauses left out.
	Length contact.Millis
	// DeleteAfter is until when it may be kept; 0 when nobody said so.
	DeleteAfter contact.Instant
}

// RecordedCallFilter says which recorded calls are wanted: those that arrived in [From, To) and whose recording may be kept at Now,
// newest first, at most Limit, which must be above 0. An empty Agent (one of those who had it), Ticket (that it was closed with or is
// linked to), Contact or Before does not narrow. Before is the contact that the page before ended with; nothing comes before
// one that is not there.
type RecordedCallFilter struct {
	From, To contact.Instant
	Agent    contact.AgentID
	Ticket   contact.TicketNumber
	Contact  contact.ID
	Before   contact.ID
	Now      contact.Instant
	Limit    int
}
