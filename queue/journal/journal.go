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
	// ErrPurged: a record was asked for that was purged by rule.
	ErrPurged = errors.New("the journal does not go back so far")
	// ErrFenced: another leader has written. The caller's state is void.
	ErrFenced = errors.New("another leader has written to the journal")
	// ErrUnclear: whether a record was written cannot be told now.
	ErrUnclear = errors.New("it is unclear whether the journal took the record")
)

const (
	recordStream  = "JOURNAL"
	recordSubject = "svar.journal"
	// snapshotBucket is that of the object store.
	snapshotBucket = "SNAPSHOTS"
	// askTime bounds one question to the server, so that an append is settled within twice
	// of it.
	askTime = 5 * time.Second
	// readerTime is how long the server remembers a reader that is gone.
	readerTime = 30 * time.Second
)

// Journal is the stream of records. One leader appends; anybody may read. Its methods
// may be called concurrently.
type Journal struct {
	js        jetstream.JetStream
	stream    jetstream.Stream
	snapshots jetstream.ObjectStore
	guard     *Guard
	appended  appended
	// patience bounds one question to the server.
	patience time.Duration
}

// Open makes the journal on the server behind conn, or finds it there.
func Open(ctx context.Context, conn *nats.Conn, options ...Option) (*Journal, error) {
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
		Bucket: snapshotBucket, Description: "Svar: the engine's state at a sequence of the journal",
		Storage: jetstream.FileStorage,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store of snapshots: %w", err)
	}
	return &Journal{js: js, stream: stream, snapshots: snapshots, guard: guardOf(options), patience: askTime}, nil
}

// CheckComplete refuses a journal that has lost records, before anything is appended to it; see [CheckComplete]. next
// is the first record that will be read, seen the newest that anybody else knows.
func (j *Journal) CheckComplete(ctx context.Context, next, seen uint64) error {
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	return CheckComplete(ctx, j.stream, next, seen)
}

// Append writes a record behind the one at sequence last (0: it is the first), and
// returns its own sequence when it is on disk.
//
// After any error the caller's state is void and must be read anew: usually nothing was
// written, but an error of kind [ErrUnclear] leaves that open. [ErrFenced] means that a
// leader of this epoch or a newer one has written; the caller leads no more.
//
// Once the record is sent, its outcome is awaited even when ctx ends, for 10 s at the
// most: whether it was written matters to everybody. [ErrNotWritable] says in plain words why nothing can be written.
func (j *Journal) Append(ctx context.Context, record Record, last uint64) (uint64, error) {
	data, err := record.Encode()
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("append to the journal: %w", err)
	}
	if err := j.Writable(); err != nil {
		return 0, fmt.Errorf("append to the journal: %w", err)
	}
	bounded := context.WithoutCancel(ctx)
	try, cancel := context.WithTimeout(j.guard.writable(), j.patience)
	defer cancel()
	j.appended.keep(last+1, data, record) // before: followers may have it sooner than we hear that it is written
	ack, err := j.js.Publish(try, recordSubject, data, jetstream.WithExpectLastSequence(last), jetstream.WithRetryAttempts(0))
	refused := (*jetstream.APIError)(nil)
	switch {
	case err == nil:
		return ack.Sequence, nil
	case errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return 0, j.overtaken(bounded, record.Epoch, last, err)
	case refused != nil:
		return 0, fmt.Errorf("append to the journal: %w", inPlainWords(err))
	default:
		if cause := context.Cause(try); errors.Is(cause, ErrNotWritable) {
			err = cause
		}
		return j.settle(bounded, record.Epoch, data, last, err)
	}
}

// Writable says why the journal cannot be written; nil when nobody knows that it cannot be.
func (j *Journal) Writable() error { return context.Cause(j.guard.writable()) }

// Size is how much the journal holds.
type Size struct {
	// First and Last are sequences; what was before the first is purged. Both are 0 when it is empty.
	First, Last uint64
	Bytes       uint64
}

// Size returns how much the journal holds now.
func (j *Journal) Size(ctx context.Context) (Size, error) {
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return Size{}, fmt.Errorf("ask for the journal's size: %w", err)
	}
	return Size{First: info.State.FirstSeq, Last: info.State.LastSeq, Bytes: info.State.Bytes}, nil
}

// settle finds out what became of an append whose outcome is unclear: it was written
// if the next record has its very bytes (they hold epoch, time and commands).
func (j *Journal) settle(ctx context.Context, epoch uint64, data []byte, last uint64, cause error) (uint64, error) {
	ask, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	next, err := j.stream.GetMsg(ask, last+1)
	switch {
	case err == nil && bytes.Equal(next.Data, data):
		return next.Sequence, nil
	case err == nil:
		return 0, fenced(epoch, next, cause)
	case errors.Is(err, jetstream.ErrMsgNotFound):
		// It may still be on its way. It is void as soon as another record is written.
		return 0, fmt.Errorf("%w: %w", ErrUnclear, cause)
	default:
		return 0, fmt.Errorf("%w: %w; and asking for it failed: %w", ErrUnclear, cause, err)
	}
}

// overtaken says why the server did not take a record: who wrote in its place?
func (j *Journal) overtaken(ctx context.Context, epoch, last uint64, cause error) error {
	ask, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	next, err := j.stream.GetMsg(ask, last+1)
	if err != nil {
		return fmt.Errorf("append to the journal behind record %d: %w; and reading what stands there failed: %w", last, cause, err)
	}
	return fenced(epoch, next, cause)
}

// fenced is the error of a leader of the epoch who met a record that is not its own. One
// of an older epoch is the late word of a leader who has ended: it must be read, and
// does not end this leader.
func fenced(epoch uint64, met *jetstream.RawStreamMsg, cause error) error {
	record, err := Decode(met.Data)
	if err != nil {
		return fmt.Errorf("append to the journal: %w; record %d stands there: %w", cause, met.Sequence, err)
	}
	if record.Epoch < epoch {
		return fmt.Errorf("append to the journal: record %d of the older epoch %d came first: %w", met.Sequence, record.Epoch, cause)
	}
	return fmt.Errorf("%w: record %d is of epoch %d, this leader's is %d", ErrFenced, met.Sequence, record.Epoch, epoch)
}

// Last returns the sequence of the last record, 0 when there is none.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the end of the journal: %w", err)
	}
	return info.State.LastSeq, nil
}

// Read hands the records from sequence from (1 is the first) up to the last one to
// handle, in order. An error of handle ends it. [ErrDamaged] means that one of them
// is not there or cannot be read.
func (j *Journal) Read(ctx context.Context, from uint64, handle func(sequence uint64, r Record) error) error {
	last, err := j.Last(ctx)
	if err != nil || from > last {
		return err
	}
	// The last one must be there, or the reader would wait for it without end: a damaged
	// record is never sent, and shows only by the one behind it.
	if err := j.mustHave(ctx, last); err != nil {
		return err
	}
	reached := false
	err = j.Follow(ctx, from, func(sequence uint64, r Record) error {
		if err := handle(sequence, r); err != nil {
			return err
		}
		if reached = sequence >= last; reached {
			return errReached
		}
		return nil
	})
	switch {
	case reached && errors.Is(err, errReached):
		return nil
	case err == nil:
		return fmt.Errorf("read the journal: %w", context.Cause(ctx))
	default:
		return err
	}
}

// errReached ends Follow from within.
var errReached = errors.New("the end is reached")

func (j *Journal) mustHave(ctx context.Context, sequence uint64) error {
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	_, err := j.stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("%w: record %d cannot be read any more. Restore the journal's directory from a backup", ErrDamaged, sequence)
	}
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return nil
}

// Follow hands the records from sequence from on to handle, in order, those to come
// included, until ctx ends (nil is returned) or handle fails. No record is ever passed
// over: a gap is [ErrDamaged]. Any other error is the connection's, and Follow may be
// called again behind the last record that was handled. Records are shared with other followers: handle may keep them
// but not change them.
func (j *Journal) Follow(ctx context.Context, from uint64, handle func(sequence uint64, r Record) error) error {
	err := j.follow(ctx, max(from, 1), handle)
	select {
	case <-ctx.Done():
		if errors.Is(err, ctx.Err()) {
			return nil
		}
	default:
	}
	return err
}

func (j *Journal) follow(ctx context.Context, from uint64, handle func(sequence uint64, r Record) error) error {
	consumer, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, InactiveThreshold: readerTime,
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	defer messages.Stop()
	for expected := from; ; expected++ {
		message, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		if meta.Sequence.Stream != expected {
			return j.gap(ctx, expected, meta.Sequence.Stream)
		}
		record, err := j.appended.decode(expected, message.Data())
		if err != nil {
			return fmt.Errorf("record %d: %w", expected, err)
		}
		if err := handle(expected, record); err != nil {
			return err
		}
	}
}

// gap tells records that were purged by rule from such as were lost.
func (j *Journal) gap(ctx context.Context, expected, met uint64) error {
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("look at the journal's stream: %w", err)
	}
	if info.State.FirstSeq > expected {
		return fmt.Errorf("%w: the journal begins at record %d; record %d is purged", ErrPurged, info.State.FirstSeq, expected)
	}
	return fmt.Errorf("%w: record %d follows where %d is expected. Restore the journal's directory from a backup", ErrDamaged, met, expected)
}
