package agentui

import (
	"context"
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
	now    func() contact.Instant
	log    zerolog.Logger

	mutex sync.RWMutex
	last  DayFigures
}

func (f *figures) run(ctx context.Context) {
	tick := time.NewTicker(figuresEvery)
	defer tick.Stop()
	for {
		f.read(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (f *figures) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, figuresEvery)
	defer cancel()
	day, err := f.source.Today(ctx, f.now().Time())
	if err != nil {
		if ctx.Err() == nil {
			f.log.Warn().Err(err).Msg("the figures of the day could not be read; the last ones are shown")
		}
		return
	}
	f.mutex.Lock()
	f.last = day
	f.mutex.Unlock()
}

func (f *figures) of(agent contact.AgentID) Today {
	f.mutex.RLock()
	defer f.mutex.RUnlock()
	return Today{Handled: f.last.Handled[agent], WithinTarget: f.last.WithinTarget, Answerable: f.last.Answerable}
}
