package agentui

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

// Waits says how long a contact is expected to wait; *bus.Bus is one.
type Waits interface {
	AskWait(ctx context.Context, q bus.WaitQuestion) (bus.Wait, error)
}

const (
	// waitsEvery is how often the expected waits are asked for while a console is open: people
	// plan in quarters of a minute, and each question costs the dispatcher a look at every agent.
	waitsEvery = 5 * time.Second
	// maxWaits is for how many contacts they are asked for, from the head of the queue.
	maxWaits = 20
)

// waits are the expected waits of those at the head of the queue, as they were told last.
type waits struct {
	source Waits
	log    zerolog.Logger

	mutex sync.Mutex
	until map[contact.ID]contact.Instant
}

// fill sets what is known of the rows. The time that is left is shown, and it is never less
// than nothing.
func (w *waits) fill(rows []QueueRow) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for i := range rows {
		if until, known := w.until[rows[i].Contact]; known {
			rows[i].ExpectedUntil = until
		}
	}
}

// watchWaits asks anew, again and again, until ctx ends.
func (u *UI) watchWaits(ctx context.Context) {
	u.watch(ctx, waitsEvery, func() (changed bool) {
		var rows []QueueRow // while nobody looks nothing is asked, and what was told is forgotten: it grows old
		if u.consoles.count() > 0 {
			rows = u.states.sharedNow(ctx).masked.Queue
		}
		return u.waits.ask(ctx, rows, u.instant())
	})
}

// watch looks again and again until ctx ends, and tells the consoles when what they share is otherwise.
func (u *UI) watch(ctx context.Context, every time.Duration, look func() (changed bool)) {
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if look() {
			u.board.touch()
			u.consoles.changed()
		}
	}
}

// ask takes the expected waits of the first rows over, and reports whether any is another one. A
// dispatcher that cannot be asked leaves them all unknown.
func (w *waits) ask(ctx context.Context, rows []QueueRow, now contact.Instant) (changed bool) {
	bounded, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	until := map[contact.ID]contact.Instant{}
	for _, row := range rows[:min(len(rows), maxWaits)] {
		if row.Offered {
			continue
		}
		wait, err := w.source.AskWait(bounded, bus.WaitQuestion{Contact: row.Contact})
		if err != nil {
			w.log.Debug().Err(err).Msg("no dispatcher told how long contacts are expected to wait")
			clear(until)
			break
		}
		if wait.Known {
			until[row.Contact] = now.Add(wait.Expected)
		}
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	nearly := func(a, b contact.Instant) bool { return max(a, b).Sub(min(a, b)) < contact.MillisOf(time.Second) }
	changed = !maps.EqualFunc(w.until, until, nearly)
	if changed {
		w.until = until
	}
	return changed
}

// touch lets the shared part of states be made anew.
func (b *Board) touch() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.version++
}
