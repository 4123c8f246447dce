package portal

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

// Config is what the portal is made of. Names are by language tag: sv, which is always there,
// and en.
type Config struct {
	// Catalogue holds until the first [Portal.Reconfigure].
	Catalogue Catalogue
	Notices   Notices
	Users     Users
	Desk      Desk
	// Tokens are the design tokens, as custom properties of CSS: those of the console.
	Tokens []byte
	// SessionKey signs the sessions; at least 32 bytes.
	SessionKey []byte
	// FormLine is the entrance that reports come in by, and whose outage messages are shown.
	FormLine contact.LineID
	// BaseURL is where people reach the portal: https://… makes its cookies Secure though a
	// proxy speaks plain HTTP to us. It may be empty.
	BaseURL string
	Now     func() time.Time
	Log     zerolog.Logger
}

// Catalogue is what the portal shows of the desk. It may be replaced while people are on its
// pages; its lists must not be changed any more.
type Catalogue struct {
	Lines         []Line
	ChatTopics    []Topic
	MailAddresses []string
	Hours         contact.Hours
	Services      []Service
}

// Line is a number that people can ring.
type Line struct {
	Name     map[string]string
	Number   identity.Number
	Audience contact.Audience
}

// Topic is what a chat can be opened about.
type Topic struct {
	Line contact.LineID
	Name map[string]string
}

// Service is what somebody may report about.
type Service struct {
	ID         contact.ServiceID
	Name       map[string]string
	Categories []Category
}

// Category is a part of a service.
type Category struct {
	ID   string
	Name map[string]string
}

// Notices know the outage messages.
type Notices interface {
	Notices() contact.Notices
}

// User is somebody who is signed in. It is personal data.
type User struct {
	Person   identity.PersonID
	Name     string
	Audience contact.Audience
}

// String keeps personal data out of logs that print a User by mistake.
func (u User) String() string { return "user (not shown)" }

// ErrWrongPassword says that the name or the password is wrong. It never says which.
var ErrWrongPassword = errors.New("the name or the password is wrong")

// ErrNotFound says that there is no such ticket, or that it is somebody else's.
var ErrNotFound = errors.New("there is no such ticket of this user")

// Users are those who may sign in. The portal limits how often it is tried.
type Users interface {
	// SignIn returns who has the name and the password, or [ErrWrongPassword]. address is
	// the peer's, without the port.
	SignIn(ctx context.Context, name, password, address string) (User, error)
	// User returns somebody who signed in before; false when he is gone.
	User(id identity.PersonID) (User, bool)
}

// Report is what a user reports.
type Report struct {
	// ID names the form that was sent: the same one makes one ticket, however often it comes.
	ID       string
	User     User
	Kind     ticket.Kind
	Service  contact.ServiceID
	Category string
	Subject  string
	Text     string
	Language string
}

// Desk keeps the tickets. What belongs to somebody else is [ErrNotFound].
type Desk interface {
	Report(ctx context.Context, report Report) (contact.TicketNumber, error)
	// TicketsOf returns the person's tickets without their entries, the newest change first.
	TicketsOf(ctx context.Context, person identity.PersonID) ([]ticket.Ticket, error)
	TicketOf(ctx context.Context, person identity.PersonID, number contact.TicketNumber) (ticket.Ticket, error)
	// WriteBack adds what the user wrote. id is as in [Report]. A closed ticket is a
	// [*ticket.Refusal] with [ticket.RefusedClosed].
	WriteBack(ctx context.Context, user User, number contact.TicketNumber, id, text, language string) error
}

func (c Config) check() error {
	if c.Notices == nil || c.Users == nil || c.Desk == nil || c.Now == nil || c.FormLine == "" || len(c.Tokens) == 0 {
		return errors.New("the portal misses one of its parts")
	}
	return nil
}
