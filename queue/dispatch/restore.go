package dispatch

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"svar/queue"
	"svar/queue/journal"
)

// restore returns the engine in the state after the journal's last record, whose
// sequence it returns too. It begins at the newest snapshot that can be trusted. A
// journal that has lost records, or ends before the record seen, is refused.
func restore(ctx context.Context, j *journal.Journal, seen uint64, log zerolog.Logger) (*queue.Engine, uint64, error) {
	engine, last := newest(ctx, j, log)
	if err := j.CheckComplete(ctx, last+1, max(seen, last)); err != nil {
		return nil, 0, fmt.Errorf("restore the queue: %w", err)
	}
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
