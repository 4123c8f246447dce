package agentui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
)

// AccessLog keeps who looked at whom; the store is one.
type AccessLog interface {
	LogAccess(ctx context.Context, list []identity.Access) error
}

// The surfaces on which people are shown. The log has them by these names for ever.
const (
	surfaceRing       = "ring-card"
	surfaceOngoing    = "ongoing"
	surfaceCallbacks  = "call-backs"
	surfaceTicket     = "ticket"
	surfaceList       = "ticket-list"
	surfaceSearch     = "ticket-search"
	surfaceHTML       = "ticket-html"
	surfaceAttachment = "attachment"
	surfaceRecording  = "recording"
	// surfaceOwnContacts is the list of contacts that the account had itself.
	surfaceOwnContacts = "own-contacts"
)

const (
	// accessBatch is how many looks one write carries, accessBuffered how many wait for a
	// database that does not answer: some days of them.
	accessBatch    = 500
	accessBuffered = 50_000
	// accessTime bounds one write, accessLast the last ones at the end.
	accessTime  = 5 * time.Second
	accessLast  = 3 * time.Second
	accessRetry = 5 * time.Second
)

// look is what makes two looks one: within an hour they are logged once.
type look struct {
	account string
	surface string
	contact contact.ID
	ticket  contact.TicketNumber
	person  contact.PersonID
	// reason is why he looked, where that is asked for.
	reason string
}

// accesses log looks at people. Those that a console shows are logged behind it, since no
// console waits for the database; those that are asked for by HTTP are logged first.
type accesses struct {
	target AccessLog
	now    func() time.Time
	log    zerolog.Logger

	mutex sync.Mutex
	// hour is the one whose looks are in seen.
	hour time.Time
	seen map[look]bool
	// lists are the last list that each account was shown, by its number.
	lists   map[string]uint64
	waiting []identity.Access
	lost    int
	wake    chan struct{}
}

func newAccesses(target AccessLog, now func() time.Time, log zerolog.Logger) *accesses {
	return &accesses{target: target, now: now, log: log, seen: map[look]bool{}, lists: map[string]uint64{}, wake: make(chan struct{}, 1)}
}

// noticed takes a look in that a console is about to show. It never blocks.
func (a *accesses) noticed(l look) {
	if l.account == "" {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	now := a.turn()
	if a.seen[l] {
		return
	}
	a.seen[l] = true
	if len(a.waiting) >= accessBuffered {
		a.lost++
		return
	}
	a.waiting = append(a.waiting, l.at(now))
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// listed takes in that the account is about to be shown a list, whose number changes with
// whom it shows: what a thousand consoles show ten times a second is looked at once.
func (a *accesses) listed(account string, list uint64, surface string, cards []CallbackCard) {
	a.mutex.Lock()
	a.turn()
	before := a.lists[account]
	a.lists[account] = list
	a.mutex.Unlock()
	if before == list {
		return
	}
	for _, card := range cards {
		if card.Caller.Person != "" {
			a.noticed(look{account: account, surface: surface, contact: card.Contact, person: card.Caller.Person})
		}
	}
}

// turn forgets the looks of the hour before. The lock is held.
func (a *accesses) turn() time.Time {
	now := a.now()
	if hour := now.Truncate(time.Hour); !hour.Equal(a.hour) {
		a.hour = hour
		clear(a.seen)
		clear(a.lists)
	}
	return now
}

func (l look) at(now time.Time) identity.Access {
	return identity.Access{
		At: now, Account: l.account, Surface: l.surface, Contact: string(l.contact), Ticket: string(l.ticket), Person: l.person, Reason: l.reason,
	}
}

// before logs looks that an answer is about to show. After an error nothing may be shown.
func (a *accesses) before(ctx context.Context, looks ...look) error {
	a.mutex.Lock()
	now := a.turn()
	var fresh []identity.Access
	for _, l := range looks {
		if l.reason != "" || !a.seen[l] { // what has to be explained is logged each time
			fresh = append(fresh, l.at(now))
		}
	}
	a.mutex.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, accessTime)
	defer cancel()
	if err := a.target.LogAccess(bounded, fresh); err != nil {
		return fmt.Errorf("log a look at people: %w", err)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.turn(); a.hour.Equal(now.Truncate(time.Hour)) {
		for _, l := range looks {
			a.seen[l] = true
		}
	}
	return nil
}

// run writes what consoles have shown until ctx ends, and then what is left.
func (a *accesses) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			a.writeLast()
			return
		case <-a.wake:
		}
		if a.write(ctx) {
			continue
		}
		pause := time.NewTimer(accessRetry)
		select {
		case <-ctx.Done():
		case <-pause.C:
			a.again()
		}
		pause.Stop()
	}
}

func (a *accesses) again() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// writeLast gives the database a last chance. What it does not take is lost, and said so.
func (a *accesses) writeLast() {
	bounded, cancel := context.WithTimeout(context.Background(), accessLast)
	defer cancel()
	if !a.write(bounded) {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		a.log.Error().Int("looks", len(a.waiting)).Msg("looks at people could not be logged before the end")
	}
}

// write hands over all that waits, and reports whether the database took it.
func (a *accesses) write(ctx context.Context) bool {
	for {
		a.mutex.Lock()
		batch, lost := slices.Clone(a.waiting[:min(len(a.waiting), accessBatch)]), a.lost
		a.mutex.Unlock()
		if lost > 0 {
			a.log.Error().Int("looks", lost).Msg("more looks at people wait for the log than can; the newest were not kept")
		}
		if len(batch) == 0 {
			return true
		}
		bounded, cancel := context.WithTimeout(ctx, accessTime)
		err := a.target.LogAccess(bounded, batch)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn().Err(err).Int("looks", len(batch)).Msg("looks at people could not be logged; trying again")
			}
			return false
		}
		a.mutex.Lock()
		a.waiting, a.lost = slices.Delete(a.waiting, 0, len(batch)), a.lost-lost
		a.mutex.Unlock()
	}
}
