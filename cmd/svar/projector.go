package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"svar/queue/journal"
	"svar/store"
)

// startProjection folds the journal into PostgreSQL for as long as the App lives. While
// the database is away nothing is lost: it catches up. At the end it waits, for a while,
// until the last record is projected.
func (a *App) startProjection(context.Context) error {
	if !a.options.Config.NATS.Engine {
		return nil
	}
	a.run("the projection", func(ctx context.Context) error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, a.project(ctx) },
			persistence(), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
				a.options.Log.Warn().Err(err).Dur("again_in", wait).Msg("the journal is not projected now; it will catch up")
			}))
		if ctx.Err() != nil {
			err = nil // closed
		}
		return err
	})
	a.onClose("the projection's rest", func(ctx context.Context) error {
		if err := a.waitProjected(ctx); err != nil {
			a.options.Log.Warn().Err(err).Msg("the projection is behind; the next start catches up")
		}
		return nil
	})
	return nil
}

// retryAtMost is how long a part waits at most before it tries again what failed.
const retryAtMost = 5 * time.Second

// persistence is how the parts that need the database wait for it.
func persistence() backoff.RetryOption {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = retryAtMost
	return backoff.WithBackOff(wait)
}

// databaseTime bounds one question to the database of those that go on without it: one that does
// not answer for so long is away.
const databaseTime = 15 * time.Second

const (
	// projectAtOnce is how many records are projected in one transaction at most.
	projectAtOnce = 128
	// projectEvents is how many events end a transaction: records that are full by hundreds would take longer together than the
	// database may, and those that do not fit in are tried again in vain for ever.
	projectEvents = 4096
	// projectEvery is the time between the starts of two transactions at least, unless one is full: a busy desk has thousands of
	// records a second, and nobody looks at what is in the database as often.
	projectEvery = 25 * time.Millisecond
)

func (a *App) project(ctx context.Context) error {
	last, err := a.projected(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	turns, followed := make(chan store.Turn, projectAtOnce), make(chan error, 1)
	go func() {
		defer close(turns)
		followed <- a.journal.Follow(ctx, last+1, func(sequence uint64, r journal.Record) error {
			select {
			case turns <- store.Turn{Sequence: sequence, Now: r.Now, Events: r.Events}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	failed := a.projectTurns(ctx, turns)
	stop()
	return errors.Join(failed, <-followed)
}

// projectTurns projects until there are no more turns.
func (a *App) projectTurns(ctx context.Context, turns <-chan store.Turn) error {
	next := time.NewTimer(0)
	defer next.Stop()
	for first := range turns {
		together := gather(first, turns, next.C)
		next.Reset(projectEvery)
		if err := a.projectTogether(ctx, together); err != nil {
			return err
		}
	}
	return nil
}

// gather returns the first turn and those that come behind it until it is time, as far as one transaction takes them.
func gather(first store.Turn, turns <-chan store.Turn, until <-chan time.Time) []store.Turn {
	together, events := []store.Turn{first}, len(first.Events)
	for len(together) < projectAtOnce && events < projectEvents {
		select {
		case turn, more := <-turns:
			if !more {
				return together
			}
			together, events = append(together, turn), events+len(turn.Events)
		case <-until:
			return together
		}
	}
	return together
}

func (a *App) projectTogether(ctx context.Context, turns []store.Turn) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	return a.store.Project(ctx, turns...)
}

func (a *App) projected(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	return a.store.Projected(ctx)
}

// catchUpTime bounds how long an end waits for the projection.
const catchUpTime = 5 * time.Second

// waitProjected returns when the whole journal, as it stands now, is in PostgreSQL.
func (a *App) waitProjected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	last, err := a.journal.Last(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := a.store.Projected(ctx)
		if err != nil {
			return err
		}
		if done >= last {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d records are projected: %w", done, last, ctx.Err())
		case <-tick.C:
		}
	}
}
