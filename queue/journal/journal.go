package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The kinds of errors.
var (
	// ErrTooLarge: a record is over [MaxRecord].
	ErrTooLarge = errors.New("the record is too large")
	// ErrDamaged: a record or snapshot cannot be read.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrUnknownFormat: it was written by a version that this one does not know.
	ErrUnknownFormat = errors.New("the journal has an unknown format")
	// ErrFenced: another leader has written. The caller's state is void.
	ErrFenced = errors.New("another leader has written to the journal")
)

const (
	recordStream  = "JOURNAL"
	recordSubject = "svar.journal"
	// askTime bounds one question to the server.
	askTime = 5 * time.Second
)

// Journal is the stream of records. One leader appends; anybody may read. Its methods
// may be called concurrently.
type Journal struct {
	js        jetstream.JetStream
	stream    jetstream.Stream
	snapshots jetstream.ObjectStore
}

// Open makes the journal on the server behind conn, or finds it there.
func Open(ctx context.Context, conn *nats.Conn) (*Journal, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: recordStream, Subjects: []string{recordSubject},
		Description: "Svar: what was decided, turn by turn",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		MaxMsgSize: MaxRecord, DenyDelete: true,
		// The expected last sequence makes appends exactly once; ids would only cost memory.
		Duplicates: time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("open the journal's stream: %w", err)
	}
	snapshots, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: "SNAPSHOTS", Description: "Svar: the engine's state at a sequence of the journal",
		Storage: jetstream.FileStorage,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store of snapshots: %w", err)
	}
	return &Journal{js: js, stream: stream, snapshots: snapshots}, nil
}

// Append writes a record behind the one at sequence last (0: it is the first), and
// returns its own sequence when it is on disk. [ErrFenced] means that somebody else
// has written since. After any other error nothing was written.
func (j *Journal) Append(ctx context.Context, record Record, last uint64) (uint64, error) {
	data, err := record.Encode()
	if err != nil {
		return 0, err
	}
	try, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	ack, err := j.js.Publish(try, recordSubject, data, jetstream.WithExpectLastSequence(last), jetstream.WithRetryAttempts(0))
	if err == nil {
		return ack.Sequence, nil
	}
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) && refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, fmt.Errorf("append to the journal: %w", err)
	}
	return j.settle(ctx, data, last, err)
}

// settle finds out what became of an append whose outcome is unclear: it was written
// if the next record has its very bytes (they hold epoch, time and commands).
func (j *Journal) settle(ctx context.Context, data []byte, last uint64, cause error) (uint64, error) {
	ask, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	next, err := j.stream.GetMsg(ask, last+1)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, fmt.Errorf("append to the journal: %w", cause)
	case err != nil:
		return 0, fmt.Errorf("%w: an append failed (%w), and whether it was written cannot be told: %w", ErrFenced, cause, err)
	case bytes.Equal(next.Data, data):
		return next.Sequence, nil
	default:
		return 0, fmt.Errorf("%w: at sequence %d", ErrFenced, last+1)
	}
}

// Last returns the sequence of the last record, 0 when there is none.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the end of the journal: %w", err)
	}
	return info.State.LastSeq, nil
}

// Read hands the records from sequence from (1 is the first) up to the last one to
// handle, in order. An error of handle ends it.
func (j *Journal) Read(ctx context.Context, from uint64, handle func(sequence uint64, r Record) error) error {
	last, err := j.Last(ctx)
	if err != nil || from > last {
		return err
	}
	done := errors.New("read to the end")
	err = j.Follow(ctx, from, func(sequence uint64, r Record) error {
		if err := handle(sequence, r); err != nil {
			return err
		}
		if sequence >= last {
			return done
		}
		return nil
	})
	if errors.Is(err, done) {
		return nil
	}
	return err
}

// Follow hands the records from sequence from on to handle, in order, those to come
// included, until ctx ends (nil is returned) or handle fails.
func (j *Journal) Follow(ctx context.Context, from uint64, handle func(sequence uint64, r Record) error) error {
	consumer, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	})
	if err != nil {
		return followError(ctx, err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return followError(ctx, err)
	}
	defer messages.Stop()
	for expected := max(from, 1); ; expected++ {
		message, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return followError(ctx, err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return followError(ctx, err)
		}
		if meta.Sequence.Stream != expected {
			return fmt.Errorf("%w: record %d follows where %d is expected", ErrDamaged, meta.Sequence.Stream, expected)
		}
		record, err := Decode(message.Data())
		if err != nil {
			return fmt.Errorf("record %d: %w", expected, err)
		}
		if err := handle(expected, record); err != nil {
			return err
		}
	}
}

func followError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("read the journal: %w", err)
}
