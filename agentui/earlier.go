package agentui

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

const (
	// maxEarlier is how many earlier tickets a card shows.
	maxEarlier = 3
	// earlierFresh is for how long what was read counts, earlierKept for how long it is kept.
	earlierFresh = 15 * time.Second
	earlierKept  = 10 * time.Minute
	// maxEarlierKept bounds for how many people tickets are kept, maxEarlierReads how many are
	// read at once.
	maxEarlierKept  = 2_000
	maxEarlierReads = 8
)

// earlierTickets knows the open tickets of those whose contacts are shown. No card waits for
// the database: it is drawn with what is known, and again when more is.
type earlierTickets struct {
	tickets Tickets
	people  People
	log     zerolog.Logger
	now     func() time.Time
	// begin runs a task that the surface waits for at its end; read is called after one.
	begin func(task func(ctx context.Context))
	read  func()

	mutex   sync.Mutex
	by      map[owner]*ownTickets
	reading int
	// failed says that a card lacks what could not be read.
	failed bool
}

// owner is whose tickets they are: a person, or else who has a mail address; or it is one
// ticket by its number.
type owner struct {
	person  contact.PersonID
	address string
	number  contact.TicketNumber
}

type ownTickets struct {
	list []ticket.Ticket
	// at is when the reading began; reading says that it goes on, read that one succeeded.
	at      time.Time
	reading bool
	read    bool
}

func newEarlierTickets(tickets Tickets, people People, now func() time.Time, log zerolog.Logger) *earlierTickets {
	return &earlierTickets{tickets: tickets, people: people, now: now, log: log, by: map[owner]*ownTickets{}}
}

// of returns the newest open tickets of the party, but the one that the contact is about.
func (e *earlierTickets) of(viewer identity.Viewer, who party, but contact.TicketNumber) []TicketRow {
	rows := []TicketRow{}
	key := owner{person: who.Person}
	if key.person == "" {
		key.address = strings.ToLower(who.address)
	}
	if key == (owner{}) {
		return rows
	}
	directory := e.people.Directory()
	tickets, _ := e.known(key)
	for _, t := range tickets {
		// An address proves nothing: what it leads to may be somebody else's.
		if len(rows) < maxEarlier && t.Number != but && !hides(directory, viewer, t.Person, t.Reporter.Person) {
			rows = append(rows, ticketRow(t))
		}
	}
	return rows
}

// writer returns whom the viewer may see behind a text that nobody signed in for but that
// goes on with a ticket: the ticket says whose it is. Until it was read he is unknown, since
// he may be protected.
func (e *earlierTickets) writer(viewer identity.Viewer, who party, number contact.TicketNumber) party {
	tickets, read := e.known(owner{number: number})
	if !read {
		return party{Caller: Caller{Kind: string(identity.CallerUnknown), Verification: string(identity.NotVerified)}}
	}
	for _, t := range tickets {
		if hides(e.people.Directory(), viewer, t.Person, t.Reporter.Person) {
			return maskedCaller
		}
		who.Person = cmp.Or(t.Person, t.Reporter.Person)
	}
	return who
}

// known returns what is known now, and has it read when that is too old. The second value is
// false when it was never read.
func (e *earlierTickets) known(key owner) ([]ticket.Ticket, bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	own, now := e.by[key], e.now()
	switch {
	case own == nil:
		e.forget(now)
		if len(e.by) >= maxEarlierKept {
			return nil, false
		}
		own = &ownTickets{}
		e.by[key] = own
	case own.reading || now.Sub(own.at) < earlierFresh:
		return own.list, own.read
	}
	if e.reading < maxEarlierReads {
		e.reading++
		own.at, own.reading = now, true
		e.begin(func(ctx context.Context) { e.readOne(ctx, key, own) })
	}
	return own.list, own.read
}

// forget drops what nobody asked for lately. The lock is held.
func (e *earlierTickets) forget(now time.Time) {
	for key, own := range e.by {
		if !own.reading && now.Sub(own.at) >= earlierKept {
			delete(e.by, key)
		}
	}
}

func (e *earlierTickets) readOne(ctx context.Context, key owner, own *ownTickets) {
	bounded, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	list, err := e.find(bounded, key)
	e.mutex.Lock()
	e.reading--
	own.reading = false
	e.failed = e.failed || err != nil
	changed := err == nil && (len(list) > 0 || len(own.list) > 0 || !own.read && key.number != "")
	if err == nil {
		own.list, own.read = list, true
	}
	e.mutex.Unlock()
	if err != nil && ctx.Err() == nil {
		e.log.Warn().Err(err).Msg("earlier tickets could not be read; cards are shown without them")
	}
	if changed {
		e.read()
	}
}

func (e *earlierTickets) find(ctx context.Context, key owner) ([]ticket.Ticket, error) {
	if key.number == "" {
		return e.tickets.Tickets(ctx, ticket.Filter{Person: key.person, Address: key.address, Open: true, Limit: maxEarlier + 1})
	}
	t, err := e.tickets.Ticket(ctx, key.number)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // nobody's
	}
	if err != nil {
		return nil, err
	}
	t.Entries = nil
	return []ticket.Ticket{t}, nil
}

// again reports whether something could not be read since it was asked last: a card that is
// drawn anew has it read again.
func (e *earlierTickets) again() bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	failed := e.failed
	e.failed = false
	return failed
}

// changed has everything read anew: a ticket was written to here.
func (e *earlierTickets) changed() {
	e.mutex.Lock()
	for _, own := range e.by {
		own.at = time.Time{}
	}
	e.mutex.Unlock()
	e.read()
}
