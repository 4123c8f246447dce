package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"svar/queue"
	"svar/queue/journal"
)

// restore returns the engine in the state after the journal's last record, whose
// sequence it returns too. It begins at the newest snapshot that can be trusted.
func restore(ctx context.Context, j *journal.Journal, log zerolog.Logger) (*queue.Engine, uint64, error) {
	engine, last := newest(ctx, j, log)
	err := j.Read(ctx, last+1, func(sequence uint64, r journal.Record) error {
		last = sequence
		return fold(engine, sequence, r)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("restore the queue: %w", err)
	}
	return engine, last, nil
}

// newest returns the engine of the newest snapshot and its sequence, or a new engine and
// 0: a snapshot only saves time, the journal has everything.
func newest(ctx context.Context, j *journal.Journal, log zerolog.Logger) (*queue.Engine, uint64) {
	snapshot, err := j.LoadSnapshot(ctx)
	if err == nil && snapshot == nil {
		return queue.New(), 0
	}
	if err == nil && snapshot.Engine != queue.EngineVersion {
		err = fmt.Errorf("it is of engine version %d, this is %d", snapshot.Engine, queue.EngineVersion)
	}
	if err == nil {
		var engine *queue.Engine
		if engine, err = queue.Restore(snapshot.State); err == nil {
			return engine, snapshot.Sequence
		}
	}
	log.Warn().Err(err).Msg("the snapshot is not used; the whole journal is read")
	return queue.New(), 0
}

func fold(engine *queue.Engine, sequence uint64, r journal.Record) error {
	for _, event := range r.Events {
		if err := engine.Apply(event, r.Now); err != nil {
			return fmt.Errorf("%w: record %d: %w", journal.ErrDamaged, sequence, err)
		}
	}
	return nil
}

// snapshotEvery is how many records may lie behind a snapshot: so many are folded in well
// under a second.
const snapshotEvery = 10_000

// Snapshotter folds the journal beside the dispatcher and writes snapshots.
type Snapshotter struct {
	Journal *journal.Journal
	Log     zerolog.Logger
	// Every is how many records pass between two snapshots; 0 means 10,000.
	Every uint64
}

// snapshotTime bounds the writing of one snapshot.
const snapshotTime = 30 * time.Second

// Run follows the journal until ctx ends, and leaves a snapshot of the end behind.
func (s Snapshotter) Run(ctx context.Context) error {
	every := s.Every
	if every == 0 {
		every = snapshotEvery
	}
	engine, last := newest(ctx, s.Journal, s.Log)
	saved := last
	save := func() error {
		state, err := engine.Snapshot()
		if err != nil {
			return err
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTime)
		defer cancel()
		if err := s.Journal.SaveSnapshot(bounded, queue.EngineVersion, last, state); err != nil {
			return err
		}
		saved = last
		return nil
	}
	err := s.Journal.Follow(ctx, last+1, func(sequence uint64, r journal.Record) error {
		if err := fold(engine, sequence, r); err != nil {
			return err
		}
		if last = sequence; last-saved < every {
			return nil
		}
		if err := save(); err != nil {
			s.Log.Warn().Err(err).Msg("a snapshot could not be written; the next one is tried later")
			saved = last // not again at every record
		}
		return nil
	})
	if err == nil && last > saved {
		err = save()
	}
	if err != nil {
		return fmt.Errorf("write snapshots: %w", err)
	}
	return nil
}
