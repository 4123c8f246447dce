package ticket

import (
	"svar/contact"
	"svar/identity"
)

// Kind is what a ticket asks for (requirement 1b).
type Kind string

// The kinds.
const (
	Incident Kind = "incident"
	Question Kind = "question"
	Order    Kind = "order"
)

// Status is where a ticket is in its life.
//
//	registered → in-progress → solved → closed
//
// A solved one goes back to in progress when its user writes again. A closed one stays
// closed: who writes to it gets a new ticket that names it.
type Status string

// The statuses (Registrerat, Pågående, Åtgärdat, Stängt).
const (
	Registered Status = "registered"
	InProgress Status = "in-progress"
	Solved     Status = "solved"
	Closed     Status = "closed"
)

// Ticket is one case. Its list of entries is its log.
type Ticket struct {
	Number   contact.TicketNumber `json:"number"`
	Kind     Kind                 `json:"kind"`
	Status   Status               `json:"status"`
	Subject  string               `json:"subject"`
	Service  contact.ServiceID    `json:"service,omitempty"`
	Category string               `json:"category,omitempty"`
	Channel  contact.Channel      `json:"channel"`
	Line     contact.LineID       `json:"line,omitempty"`
	Audience contact.Audience     `json:"audience,omitempty"`
	Language string               `json:"language"`
	// Person is whom it concerns (berörd användare); Reporter told of it (anmälare).
	Person   identity.PersonID `json:"person,omitempty"`
	Reporter Reporter          `json:"reporter"`
	// Follows is the closed ticket that this one goes on with.
	Follows contact.TicketNumber `json:"follows,omitempty"`
	Created contact.Instant      `json:"created"`
	Changed contact.Instant      `json:"changed"`
	Solved  contact.Instant      `json:"solved,omitempty"`
	Closed  contact.Instant      `json:"closed,omitempty"`
	// Contacts are those that are linked to it, in the order of linking.
	Contacts []contact.ID `json:"contacts"`
	// Entries are its log, oldest first. Lists of tickets leave it empty.
	Entries []Entry `json:"entries"`
}

// Reporter is who told of a ticket: a person of the directory, or a claim of a name and an
// address that answers go to.
type Reporter struct {
	Person  identity.PersonID `json:"person,omitempty"`
	Name    string            `json:"name,omitempty"`
	Address string            `json:"address,omitempty"`
}

// EntryKind is what an entry of the log says.
type EntryKind string

// The kinds.
const (
	// FromUser is what the user wrote or the conversation that was held. Answer goes to the
	// user. Note is for the desk alone. StatusChange and Link are what was done.
	FromUser     EntryKind = "from-user"
	Answer       EntryKind = "answer"
	Note         EntryKind = "note"
	StatusChange EntryKind = "status"
	Link         EntryKind = "link"
)

// Public reports whether the user may read entries of the kind.
func (k EntryKind) Public() bool { return k == FromUser || k == Answer || k == StatusChange }

// Entry is one line of the log. It is never changed.
type Entry struct {
	// ID counts the entries of all tickets, from 1.
	ID   int64           `json:"id"`
	At   contact.Instant `json:"at"`
	Kind EntryKind       `json:"kind"`
	// Agent wrote or did it; empty for the user and the system.
	Agent contact.AgentID `json:"agent,omitempty"`
	// Text is plain, at most 100,000 characters.
	Text string `json:"text,omitempty"`
	// Status is set with StatusChange, Contact with Link.
	Status  Status     `json:"status,omitempty"`
	Contact contact.ID `json:"contact,omitempty"`
	// HTML says that the entry has an HTML body, sanitised, that is shown in a frame.
	HTML bool `json:"html,omitempty"`
	// Attachments are its files.
	Attachments []Attachment `json:"attachments,omitempty"`
	// Failed says that it could not be sent to the user, in words.
	Failed string `json:"failed,omitempty"`
}

// Attachment is a file of an entry.
type Attachment struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// Draft is a ticket that is about to be registered, with its first entry.
type Draft struct {
	Ticket
	First Entry
}

// Filter says which tickets are wanted, the newest change first, at most Limit, before the
// ticket Before. Empty fields do not narrow.
type Filter struct {
	Person  identity.PersonID
	Address string
	Status  Status
	// Open leaves out the solved and the closed.
	Open   bool
	Search string
	Before contact.TicketNumber
	Limit  int
}
