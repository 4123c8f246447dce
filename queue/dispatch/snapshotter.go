package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"svar/queue"
	"svar/queue/journal"
)

const (
	// snapshotEvery is how many records may lie behind a snapshot: so many are folded in
	// well under a second.
	snapshotEvery = 10_000
	// snapshotTime bounds the writing of one snapshot.
	snapshotTime = 30 * time.Second
)

// Snapshotter folds the journal beside the dispatcher and writes snapshots.
type Snapshotter struct {
	Journal *journal.Journal
	Log     zerolog.Logger
	// Every is how many records pass between two snapshots; 0 means 10,000.
	Every uint64
}

// Run follows the journal until ctx ends, and leaves a snapshot of the end behind. A lost
// connection is waited for; a journal that cannot be read is an error.
func (s Snapshotter) Run(ctx context.Context) error {
	w := snapshotWriter{Snapshotter: s}
	w.engine, w.last = newest(ctx, s.Journal, s.Log)
	w.saved = w.last
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := s.Journal.Follow(ctx, w.last+1, func(sequence uint64, r journal.Record) error { return w.take(ctx, sequence, r) })
		for _, final := range []error{journal.ErrDamaged, journal.ErrPurged, journal.ErrUnknownFormat} {
			if errors.Is(err, final) {
				return struct{}{}, backoff.Permanent(err)
			}
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		s.Log.Warn().Err(err).Dur("again_in", wait).Msg("the journal cannot be followed for snapshots now")
	}))
	if ctx.Err() != nil {
		err = nil // it was told to end
		if w.last > w.saved {
			err = w.save(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("write snapshots: %w", err)
	}
	return nil
}

// snapshotWriter is a Snapshotter at work.
type snapshotWriter struct {
	Snapshotter
	engine *queue.Engine
	// last is the sequence of the last record folded in, saved that of the last snapshot.
	last, saved uint64
}

func (w *snapshotWriter) take(ctx context.Context, sequence uint64, r journal.Record) error {
	if err := fold(w.engine, sequence, r); err != nil {
		return err
	}
	if w.last = sequence; w.last-w.saved < cmp.Or(w.Every, snapshotEvery) {
		return nil
	}
	if err := w.save(ctx); err != nil {
		w.Log.Warn().Err(err).Msg("a snapshot could not be written; the next one is tried later")
		w.saved = w.last // not again at every record
	}
	return nil
}

// save writes even when ctx has ended: the last one is written then.
func (w *snapshotWriter) save(ctx context.Context) error {
	state, err := w.engine.Snapshot()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTime)
	defer cancel()
	if err := w.Journal.SaveSnapshot(ctx, queue.EngineVersion, w.last, state); err != nil {
		return err
	}
	w.saved = w.last
	return nil
}
