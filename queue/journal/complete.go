package journal

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// CheckComplete refuses a stream that has lost records. It is for streams that are only appended to and purged from the
// front, and must be asked before anything is appended.
//
// JetStream needs this from outside: when it rebuilds its index after a crash and meets a damaged record, it cuts the
// block there without an error. Then records are missing in the middle, or the last sequence is lower than it was, and the
// next append would give an old number to a new record.
//
// next is the first sequence that will be read (the snapshot's plus one, or 1); seen is the highest sequence that
// anybody else has recorded (the snapshot, the projection), 0 when nobody has. The error is ErrStoreDamaged. A damaged record that the index
// still covers shows only when it is read, as jetstream.ErrMsgNotFound: readers must not skip it.
func CheckComplete(ctx context.Context, stream jetstream.Stream, next, seen uint64) error {
	info, err := stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("look at the journal's stream: %w", err)
	}
	name, state := info.Config.Name, info.State
	switch {
	case state.LastSeq < seen:
		return fmt.Errorf("%w: the stream %s ends at record %d, but record %d was written. Restore its directory from a backup",
			ErrStoreDamaged, name, state.LastSeq, seen)
	case next <= state.LastSeq && state.FirstSeq > next:
		return fmt.Errorf("%w: the stream %s begins at record %d, but record %d is needed. Restore its directory from a backup",
			ErrStoreDamaged, name, state.FirstSeq, next)
	case state.Msgs > 0 && state.Msgs != state.LastSeq-state.FirstSeq+1:
		return fmt.Errorf("%w: between its records %d and %d the stream %s has only %d. Restore its directory from a backup",
			ErrStoreDamaged, state.FirstSeq, state.LastSeq, name, state.Msgs)
	}
	return nil
}
