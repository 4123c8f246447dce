package report

import (
	"svar/contact"
)

// AgentContact is a contact that an agent had, as the agent looks back on it: also one that
// was given back, that broke, or that still goes on. Times are those of this agent's own
// segments, never of another's (asterisk#759).
type AgentContact struct {
	Contact  contact.ID       `json:"contact"`
	Channel  contact.Channel  `json:"channel"`
	Line     contact.LineID   `json:"line"`
	Audience contact.Audience `json:"audience"`
	// Person is whom the directory knew by the number; empty when nobody or several.
	Person contact.PersonID `json:"person,omitempty"`
	// State is the contact's now; End is set when it is closed.
	State contact.State `json:"state"`
	End   contact.End   `json:"end,omitempty"`
	// Parted is how the agent's last segment ended; empty while the agent has the contact.
	Parted Parted `json:"parted,omitempty"`
	// Code and Ticket are those that the contact was closed with.
	Code   contact.OutcomeCode  `json:"code,omitempty"`
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	// Taken is when the agent and the contact were connected last: the order of the list, and
	// what the next page begins before.
	Taken contact.Instant `json:"taken"`
	// Arrived, Answered and Closed are the contact's; 0 when it did not happen.
	Arrived  contact.Instant `json:"arrived"`
	Answered contact.Instant `json:"answered,omitempty"`
	Closed   contact.Instant `json:"closed,omitempty"`
	// Talk, Held and WrapUp are of the agent's connections that are over: see [Segment].
	Talk   contact.Millis `json:"talkMs"`
	Held   contact.Millis `json:"heldMs"`
	WrapUp contact.Millis `json:"wrapUpMs"`
	// Lapsed says that wrap-up ran out before this agent finished it.
	Lapsed bool `json:"lapsed,omitempty"`
	// Quality is the contact's; nil when none was reported.
	Quality *CallQuality `json:"quality,omitempty"`
}
