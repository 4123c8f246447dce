package agentui

import (
	"context"
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
}

// owner is whose tickets they are: a person, or else who has a mail address.
type owner struct {
	person  contact.PersonID
	address string
}

type ownTickets struct {
	list []ticket.Ticket
	// at is when the reading began; reading says that it goes on.
	at      time.Time
	reading bool
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
	for _, t := range e.known(key) {
		// An address proves nothing: what it leads to may be somebody else's.
		if len(rows) < maxEarlier && t.Number != but && !hides(directory, viewer, t.Person, t.Reporter.Person) {
			rows = append(rows, ticketRow(t))
		}
	}
	return rows
}

// known returns what is known now, and has it read when that is too old.
func (e *earlierTickets) known(key owner) []ticket.Ticket {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	own, now := e.by[key], e.now()
	switch {
	case own == nil:
		e.forget(now)
		if len(e.by) >= maxEarlierKept {
			return nil
		}
		own = &ownTickets{}
		e.by[key] = own
	case own.reading || now.Sub(own.at) < earlierFresh:
		return own.list
	}
	if e.reading < maxEarlierReads {
		e.reading++
		own.at, own.reading = now, true
		e.begin(func(ctx context.Context) { e.readOne(ctx, key, own) })
	}
	return own.list
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
	list, err := e.tickets.Tickets(bounded, ticket.Filter{Person: key.person, Address: key.address, Open: true, Limit: maxEarlier + 1})
	e.mutex.Lock()
	e.reading--
	own.reading = false
	changed := err == nil && (len(list) > 0 || len(own.list) > 0)
	if err == nil {
		own.list = list
	}
	e.mutex.Unlock()
	if err != nil && ctx.Err() == nil {
		e.log.Warn().Err(err).Msg("earlier tickets could not be read; cards are shown without them")
	}
	if changed {
		e.read()
	}
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
