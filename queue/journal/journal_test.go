package journal

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
)

func openJournal(t testing.TB, embedded *Embedded, options ...nats.Option) *Journal {
	t.Helper()
	connection, err := embedded.Connect("test", options...)
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(testContext(t), connection)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func newJournal(t testing.TB) *Journal {
	return openJournal(t, startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()}))
}

// numbered is a record that is told from others by its time.
func numbered(epoch uint64, n int) Record {
	return Record{Format: Format, Epoch: epoch, Engine: 1, Now: contact.Instant(n), Commands: contact.Commands{contact.Tick{}}, Events: contact.Events{}}
}

// fill appends records n to last to a journal that ends at record n-1.
func fill(t testing.TB, j *Journal, n, last int) {
	t.Helper()
	for ; n <= last; n++ {
		sequence, err := j.Append(testContext(t), numbered(1, n), uint64(n-1))
		if err != nil || sequence != uint64(n) {
			t.Fatalf("record %d got sequence %d: %v", n, sequence, err)
		}
	}
}

func TestAppendFences(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		epoch, last uint64
		want        error
	}{
		"another wrote the first record": {1, 0, ErrFenced},
		"another wrote since":            {1, 2, ErrFenced},
		"an older leader wakes up":       {0, 2, ErrFenced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJournal(t)
			fill(t, j, 1, 3)
			if _, err := j.Append(testContext(t), numbered(test.epoch, 9), test.last); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if last, err := j.Last(testContext(t)); err != nil || last != 3 {
				t.Errorf("the journal ends at %d (%v); nothing was to be written", last, err)
			}
		})
	}
	t.Run("the same record from two leaders is one leader's only", func(t *testing.T) {
		t.Parallel()
		j := newJournal(t)
		fill(t, j, 1, 3)
		if _, err := j.Append(testContext(t), numbered(1, 3), 2); !errors.Is(err, ErrFenced) {
			t.Errorf("got %v, want %v", err, ErrFenced)
		}
	})
	t.Run("the late word of an older leader ends no newer one", func(t *testing.T) {
		t.Parallel()
		j := newJournal(t)
		fill(t, j, 1, 3)
		_, err := j.Append(testContext(t), numbered(2, 9), 2)
		if err == nil || errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "record 3 of the older epoch 1") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a record behind the end", func(t *testing.T) {
		t.Parallel()
		j := newJournal(t)
		fill(t, j, 1, 3)
		if _, err := j.Append(testContext(t), numbered(1, 9), 7); err == nil || errors.Is(err, ErrFenced) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an ended context sends nothing", func(t *testing.T) {
		t.Parallel()
		j := newJournal(t)
		ctx, cancel := context.WithCancel(testContext(t))
		cancel()
		if _, err := j.Append(ctx, numbered(1, 1), 0); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if last, err := j.Last(testContext(t)); err != nil || last != 0 {
			t.Errorf("the journal ends at %d (%v)", last, err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		record := numbered(1, 1)
		record.Commands = contact.Commands{contact.DeclineOffer{Reason: strings.Repeat("x", MaxRecord)}}
		if _, err := newJournal(t).Append(testContext(t), record, 0); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
}

// Of many who write at the same place, one succeeds, and every other one knows it.
func TestOneWriterWins(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	var writers []*Journal
	for range 4 {
		writers = append(writers, openJournal(t, embedded))
	}
	for round := range 25 {
		outcomes := make(chan error, len(writers))
		for n, j := range writers {
			record := numbered(uint64(100+n), round)
			go func() {
				_, err := j.Append(context.Background(), record, uint64(round))
				outcomes <- err
			}()
		}
		won := 0
		for range writers {
			if err := <-outcomes; err == nil {
				won++
			}
		}
		if won != 1 {
			t.Fatalf("record %d was written by %d writers", round+1, won)
		}
	}
}

// unreliable is a connection that breaks at the moment that a test names.
type unreliable struct {
	net.Conn
	breaks *breaks
}

type breaks struct {
	// answer: the next answer of the server is lost, and the connection with it.
	answer atomic.Bool
	// question: the next message to the server is.
	question atomic.Bool
	// sent is called when the next message has gone to the server.
	sent atomic.Pointer[context.CancelFunc]
}

func (b *breaks) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return &unreliable{conn, b}, err
}

func (u *unreliable) Read(data []byte) (int, error) {
	n, err := u.Conn.Read(data)
	if err == nil && u.breaks.answer.CompareAndSwap(true, false) {
		_ = u.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func (u *unreliable) Write(data []byte) (int, error) {
	if u.breaks.question.CompareAndSwap(true, false) {
		_ = u.Conn.Close()
		return len(data), nil
	}
	n, err := u.Conn.Write(data)
	if sent := u.breaks.sent.Swap(nil); sent != nil {
		(*sent)()
	}
	return n, err
}

func unreliableJournal(t *testing.T) (*Journal, *breaks) {
	t.Helper()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "secret"})
	b := &breaks{}
	connection, err := Connect(testContext(t), embedded.ClientURL(), "secret", nats.SetCustomDialer(b), nats.ReconnectWait(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	j, err := Open(testContext(t), connection)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, j, 1, 2)
	j.patience = time.Second // that long is waited for the lost answer
	return j, b
}

func TestALostAcknowledgementIsSettled(t *testing.T) {
	t.Parallel()
	j, b := unreliableJournal(t)
	b.answer.Store(true)
	sequence, err := j.Append(testContext(t), numbered(1, 3), 2)
	if err != nil || sequence != 3 {
		t.Errorf("sequence %d: %v; the record was written", sequence, err)
	}
	if b.answer.Load() {
		t.Error("no answer was lost")
	}
	fill(t, j, 4, 4)
}

func TestALostAppendIsUnclear(t *testing.T) {
	t.Parallel()
	j, b := unreliableJournal(t)
	b.question.Store(true)
	if _, err := j.Append(testContext(t), numbered(1, 3), 2); !errors.Is(err, ErrUnclear) || errors.Is(err, ErrFenced) {
		t.Errorf("got %v, want %v", err, ErrUnclear)
	}
	if last, err := j.Last(testContext(t)); err != nil || last != 2 {
		t.Errorf("the journal ends at %d: %v", last, err)
	}
}

// The shutdown that begins while a record is being written does not make its outcome
// unclear.
func TestAnAppendOutlivesItsContext(t *testing.T) {
	t.Parallel()
	j, b := unreliableJournal(t)
	ctx, cancel := context.WithCancel(testContext(t))
	b.sent.Store(&cancel)
	sequence, err := j.Append(ctx, numbered(1, 3), 2)
	if err != nil || sequence != 3 {
		t.Errorf("sequence %d: %v", sequence, err)
	}
	if ctx.Err() == nil {
		t.Error("the context has not ended")
	}
}

func TestAppendWithoutAServerIsUnclear(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	j := openJournal(t, embedded)
	fill(t, j, 1, 1)
	shutDown(t, embedded)
	if _, err := j.Append(testContext(t), numbered(1, 2), 1); !errors.Is(err, ErrUnclear) {
		t.Errorf("got %v, want %v", err, ErrUnclear)
	}
}

// reading collects what is handed to it.
type reading struct{ times []contact.Instant }

func (r *reading) take(sequence uint64, record Record) error {
	if uint64(record.Now) != sequence {
		return errors.New("a record came under another's number")
	}
	r.times = append(r.times, record.Now)
	return nil
}

func instants(from, to int) []contact.Instant {
	var all []contact.Instant
	for n := from; n <= to; n++ {
		all = append(all, contact.Instant(n))
	}
	return all
}

func TestRead(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	var r reading
	if err := j.Read(testContext(t), 1, r.take); err != nil || r.times != nil {
		t.Errorf("an empty journal gave %v: %v", r.times, err)
	}
	fill(t, j, 1, 5)
	for _, from := range []int{0, 1, 3, 5, 6, 9} {
		var r reading
		if err := j.Read(testContext(t), uint64(from), r.take); err != nil || !slices.Equal(r.times, instants(max(from, 1), 5)) {
			t.Errorf("from %d: %v: %v", from, r.times, err)
		}
	}
	enough := errors.New("enough")
	if err := j.Read(testContext(t), 1, func(uint64, Record) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v; the reader's own error ends it", err)
	}
	// Half a journal that is taken for a whole one would be a false state.
	ctx, cancel := context.WithCancel(testContext(t))
	err := j.Read(ctx, 1, func(sequence uint64, _ Record) error {
		if sequence == 2 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a reading that was broken off gave %v", err)
	}
}

func TestFollowSeesWhatIsAppended(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var r reading
	handled := make(chan uint64, 100)
	over := make(chan error, 1)
	go func() {
		over <- j.Follow(ctx, 1, func(sequence uint64, record Record) error {
			if err := r.take(sequence, record); err != nil {
				return err
			}
			handled <- sequence
			return nil
		})
	}()
	for n := 1; n <= 20; n++ {
		fill(t, j, n, n)
		if got := <-handled; got != uint64(n) {
			t.Fatalf("record %d came, %d was appended", got, n)
		}
	}
	fill(t, j, 21, 60)
	for n := uint64(21); n <= 60; n++ {
		if got := <-handled; got != n {
			t.Fatalf("record %d came where %d was due", got, n)
		}
	}
	cancel()
	if err := <-over; err != nil {
		t.Errorf("the end of the context is no error: %v", err)
	}
	if !slices.Equal(r.times, instants(1, 60)) {
		t.Errorf("got %v", r.times)
	}
	if err := j.Follow(ctx, 1, r.take); err != nil {
		t.Errorf("a context that has ended before: %v", err)
	}
}

func TestWhatIsPurgedIsToldFromWhatIsLost(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	fill(t, j, 1, 5)
	if err := j.stream.Purge(testContext(t), jetstream.WithPurgeSequence(4)); err != nil {
		t.Fatal(err)
	}
	var r reading
	if err := j.Read(testContext(t), 4, r.take); err != nil || !slices.Equal(r.times, instants(4, 5)) {
		t.Errorf("%v: %v", r.times, err)
	}
	err := j.Read(testContext(t), 2, r.take)
	if !errors.Is(err, ErrPurged) || !strings.Contains(err.Error(), "begins at record 4; record 2 is purged") {
		t.Errorf("got %v", err)
	}
	if err := j.CheckComplete(testContext(t), 1, 5); !errors.Is(err, ErrStoreDamaged) {
		t.Errorf("got %v; records that are needed are gone", err)
	}
}

// A damaged record that JetStream's index still covers is not sent to readers: nobody may
// read on as if it had not been.
func TestADamagedRecordIsNeverPassedOver(t *testing.T) {
	t.Parallel()
	for name, damaged := range map[string]int{"in the middle": 2, "the last": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			first := startEmbedded(t, EmbeddedConfig{Dir: directory})
			j := openJournal(t, first)
			fill(t, j, 1, 4)
			message, err := j.stream.GetMsg(testContext(t), uint64(damaged))
			if err != nil {
				t.Fatal(err)
			}
			shutDown(t, first)
			block := filepath.Join(directory, filepath.FromSlash(streamsDirectory), recordStream, "msgs", "1.blk")
			stored, err := os.ReadFile(block)
			if err != nil {
				t.Fatal(err)
			}
			at := strings.Index(string(stored), string(message.Data))
			if at < 0 {
				t.Fatal("the record is not in its block")
			}
			overwrite(t, block, int64(at), "#")

			second := openJournal(t, startEmbedded(t, EmbeddedConfig{Dir: directory}))
			var r reading
			err = errors.Join(second.CheckComplete(testContext(t), 1, 4), second.Read(testContext(t), 1, r.take))
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrStoreDamaged) {
				t.Errorf("got %v", err)
			}
			if len(r.times) >= damaged {
				t.Errorf("read on to %v", r.times)
			}
		})
	}
}

func TestASnapshotIsReplaced(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	first := startEmbedded(t, EmbeddedConfig{Dir: directory})
	j := openJournal(t, first)
	if s, err := j.LoadSnapshot(testContext(t)); s != nil || err != nil {
		t.Fatalf("a new journal has the snapshot %v: %v", s, err)
	}
	large := []byte(strings.Repeat("state ", 100_000)) // over the store's pieces of 128 KB
	for n, state := range [][]byte{[]byte("first"), large} {
		if err := j.SaveSnapshot(testContext(t), 1, uint64(n), state); err != nil {
			t.Fatal(err)
		}
	}
	shutDown(t, first)
	j = openJournal(t, startEmbedded(t, EmbeddedConfig{Dir: directory}))
	s, err := j.LoadSnapshot(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.Sequence != 1 || s.Engine != 1 || string(s.State) != string(large) {
		t.Errorf("got %d bytes of sequence %d", len(s.State), s.Sequence)
	}
	if _, err := j.snapshots.PutString(testContext(t), snapshotName, "no snapshot"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.LoadSnapshot(testContext(t)); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v, want %v", err, ErrDamaged)
	}
}

func TestTheJournalTakesNothingBack(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	fill(t, j, 1, 2)
	if err := j.stream.DeleteMsg(testContext(t), 1); err == nil {
		t.Error("a record was deleted")
	}
}
