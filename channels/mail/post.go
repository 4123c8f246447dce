package mail

import (
	"context"
	"time"

	"svar/contact"
)

// Post takes the mails. Its methods are called for one mailbox by one goroutine.
type Post interface {
	// Cursor returns how far the mailbox was taken; the zero value when it never was.
	Cursor(ctx context.Context, line contact.LineID) (Cursor, error)
	// Take stores the mail, what follows from it (ticket, contact, receipt) and the cursor in
	// one transaction. A mail that it has already, by line and cursor or by line and
	// Message-ID, only moves the cursor. After an error nothing of it is stored.
	Take(ctx context.Context, mail Incoming) error
	// Quarantine sets a mail aside, where agents see it, and moves the cursor, in one
	// transaction. The reason is for people.
	Quarantine(ctx context.Context, line contact.LineID, at Cursor, raw []byte, reason string) error
}

// Cursor is a mail's place in its mailbox: UIDs grow, as long as UIDVALIDITY is the same
// (RFC 9051 §2.3.1.1).
type Cursor struct {
	UIDValidity uint32
	UID         uint32
}

// Incoming is a mail that came in. Its strings are valid UTF-8 without NUL and within the
// limits of limits.go.
type Incoming struct {
	Line   contact.LineID
	Cursor Cursor
	// MessageID is never empty: a mail without one has one that is made from its bytes, so
	// that two such mails are two (libredesk#122).
	MessageID string
	// From is who claims to have written it; its Address is empty when nobody says.
	From    Address
	To      []Address
	Subject string
	Text    string
	// HTML is sanitised; empty for a mail of plain text.
	HTML        string
	Attachments []Attachment
	// Automatic says that a machine wrote it, or that it is too old to be greeted: it gets no
	// receipt and no other automatic answer.
	Automatic bool
	// Ticket is proved by a signature of ours in what it answers; empty otherwise. Whether its
	// sender takes part in that ticket is for [Post] to judge.
	Ticket contact.TicketNumber
	// Bounce is set when it says that a mail of ours was not delivered.
	Bounce *Bounce
	// References are the Message-IDs that it answers, the nearest last.
	References []string
	// Received is when the mailbox got it.
	Received time.Time
	// Language is a guess, sv or en; empty without one.
	Language string
}

// Address is a person's mail address, with the name that he gives himself.
type Address struct {
	Name    string
	Address string
}

// Attachment is a file of a mail.
type Attachment struct {
	Name string
	// Type is its media type, in lower case and without parameters.
	Type string
	Data []byte
}

// Bounce says which mail of ours was not delivered.
type Bounce struct {
	Ticket contact.TicketNumber
	// Key is the [Outgoing.Key] of that mail; empty when the bounce does not say.
	Key string
}
