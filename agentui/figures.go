package agentui

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
)

// DayFigures are counts of one day in Europe/Stockholm, of contacts that arrived in it.
type DayFigures struct {
	// Handled counts the contacts that each agent finished.
	Handled map[contact.AgentID]int
	// WithinTarget and Answerable are numerator and denominator of "answered within target".
	WithinTarget, Answerable int
}

// Figures counts stored contacts; the store is one.
type Figures interface {
	Today(ctx context.Context, now time.Time) (DayFigures, error)
}

// figuresEvery is how old shown figures may be; consoles never wait for the database.
const figuresEvery = 10 * time.Second

// figures keeps the figures of the day in memory.
type figures struct {
	source Figures
	stored Contacts
	now    func() contact.Instant
	log    zerolog.Logger
	// read is called after each reading: whether the figures changed, and when the newest
	// stored contact arrived, which is asked for once; 0 otherwise.
	read func(changed bool, last contact.Instant)

	mutex sync.RWMutex
	last  DayFigures
}

func (f *figures) run(ctx context.Context) {
	tick := time.NewTicker(figuresEvery)
	defer tick.Stop()
	asked := false
	for {
		changed := f.readDay(ctx)
		var last contact.Instant
		if !asked {
			last, asked = f.readLast(ctx)
		}
		f.read(changed, last)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readDay reports whether the figures are others than before.
func (f *figures) readDay(ctx context.Context) bool {
	bounded, cancel := context.WithTimeout(ctx, figuresEvery)
	defer cancel()
	day, err := f.source.Today(bounded, f.now().Time())
	if err != nil {
		if ctx.Err() == nil {
			f.log.Warn().Err(err).Msg("the figures of the day could not be read; the last ones are shown")
		}
		return false
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	changed := f.last.WithinTarget != day.WithinTarget || f.last.Answerable != day.Answerable || !maps.Equal(f.last.Handled, day.Handled)
	f.last = day
	return changed
}

// lastContactWithin is how far back "last contact" looks after a start.
const lastContactWithin = 24 * time.Hour

// readLast returns when the newest stored contact arrived that was not refused, and
// whether the database answered.
func (f *figures) readLast(ctx context.Context) (contact.Instant, bool) {
	bounded, cancel := context.WithTimeout(ctx, figuresEvery)
	defer cancel()
	now := f.now().Time()
	list, err := f.stored.Contacts(bounded, ContactFilter{From: now.Add(-lastContactWithin), To: now, Limit: 10})
	if err != nil {
		if ctx.Err() == nil {
			f.log.Warn().Err(err).Msg("the last contact could not be read")
		}
		return 0, false
	}
	for _, stored := range list {
		if stored.End != contact.EndRefused && !stored.Outgoing {
			return contact.InstantOf(stored.Arrived), true
		}
	}
	return 0, true
}

func (f *figures) of(agent contact.AgentID) Today {
	f.mutex.RLock()
	defer f.mutex.RUnlock()
	return Today{Handled: f.last.Handled[agent], WithinTarget: f.last.WithinTarget, Answerable: f.last.Answerable}
}
