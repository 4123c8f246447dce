package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/queue/journal"
)

// waitingCallers knows who waits to be called back, by the numbers that they rang from: numbers are in
// no record of the queue. It follows the queue and reads each caller once. What it has not heard
// of yet costs a caller his place only; the dispatcher refuses what is over.
type waitingCallers struct {
	changes  agentui.Changes
	personal *journal.Personal
	log      zerolog.Logger
	// marked, when set, is told of contacts that were marked as a nuisance, again and again.
	marked func(ctx context.Context, id contact.ID)

	mutex sync.RWMutex
	kept  map[contact.ID]waitingCaller

	// What follows belongs to run's goroutine.

	epoch, sequence uint64
}

type waitingCaller struct {
	contact contact.Contact
	number  identity.Number
}

const (
	// changesAtOnce is how many changes may wait; a further one is lost, which is noticed.
	changesAtOnce = 1024
	// waitingTime bounds one question about those who wait.
	waitingTime = 5 * time.Second
)

func newWaitingCallers(changes agentui.Changes, personal *journal.Personal, log zerolog.Logger) *waitingCallers {
	return &waitingCallers{changes: changes, personal: personal, log: log, kept: map[contact.ID]waitingCaller{}}
}

// Waiting implements [switchboard.Callbacks].
func (w *waitingCallers) Waiting(number identity.Number) (contact.Contact, bool) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	oldest := contact.Contact{}
	for _, caller := range w.kept { // at most some thousands, as many as the queue takes
		if caller.number == number && (oldest.ID == "" || caller.contact.Arrived < oldest.Arrived) {
			oldest = caller.contact
		}
	}
	return oldest, oldest.ID != ""
}

// run follows the queue until ctx ends.
func (w *waitingCallers) run(ctx context.Context) error {
	incoming := make(chan bus.Change, changesAtOnce)
	stop, err := w.changes.FollowChanges(func(change bus.Change) {
		select {
		case incoming <- change:
		default: // the next one shows the gap
		}
	})
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return stop()
		case change := <-incoming:
			w.take(ctx, change)
		}
	}
}

// take takes a change in, or the whole when one is missing.
func (w *waitingCallers) take(ctx context.Context, change bus.Change) {
	switch {
	case change.Epoch < w.epoch, change.Epoch == w.epoch && change.Sequence <= w.sequence:
		return
	case change.Epoch == w.epoch && change.Sequence == w.sequence+1 && !change.Everything && len(change.Contacts)+len(change.Agents) > 0:
		w.note(ctx, change.Contacts)
		w.sequence = change.Sequence
		return
	}
	asking, cancel := context.WithTimeout(ctx, waitingTime)
	defer cancel()
	view, err := w.changes.AskView(asking)
	if err != nil {
		w.log.Debug().Err(err).Msg("no dispatcher told who waits to be called back") // the next sign of life asks again
		return
	}
	open := make(map[contact.ID]bool, len(view.Contacts))
	for _, c := range view.Contacts {
		open[c.Contact.ID] = true
	}
	w.mutex.Lock()
	for id := range w.kept {
		if !open[id] {
			delete(w.kept, id)
		}
	}
	w.mutex.Unlock()
	w.note(ctx, view.Contacts)
	w.epoch, w.sequence = view.Epoch, view.Sequence
}

// note keeps those of the contacts that wait to be called back, and no others of them.
func (w *waitingCallers) note(ctx context.Context, views []bus.ContactView) {
	for _, view := range views {
		id := view.Contact.ID
		if w.marked != nil && slices.Contains(view.Marks, contact.MarkNuisance) {
			w.marked(ctx, id)
		}
		w.mutex.RLock()
		_, kept := w.kept[id]
		w.mutex.RUnlock()
		waits := view.Callback && (view.State == contact.StateWaiting || view.State == contact.StateOffered)
		if waits == kept {
			continue
		}
		who := contact.Personal{}
		if waits {
			var err error
			if who, err = w.read(ctx, id); err != nil {
				w.log.Warn().Err(err).Str("contact", string(id)).Msg("the number of a caller who waits could not be read; if he rings again he is a new contact")
			}
		}
		w.mutex.Lock()
		if waits && who.Vouched && who.Number != "" {
			w.kept[id] = waitingCaller{contact: view.Contact, number: who.Number}
		} else {
			delete(w.kept, id)
		}
		w.mutex.Unlock()
	}
}

func (w *waitingCallers) read(ctx context.Context, id contact.ID) (contact.Personal, error) {
	ctx, cancel := context.WithTimeout(ctx, waitingTime)
	defer cancel()
	return w.personal.Personal(ctx, id)
}
