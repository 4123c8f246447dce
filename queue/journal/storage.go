package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Kinds of failure for want of room.
var (
	// ErrNotWritable: nothing can be written now: the disk or the store is full, or may not be written.
	ErrNotWritable = errors.New("the journal cannot be written")
	// ErrNoRoom: what room is left is kept for what goes on already; nothing new is taken in.
	ErrNoRoom = errors.New("too little room is left for anything new")
)

// Level is how much room there is for what is recorded.
type Level int

// The levels, each worse than the one before.
const (
	// Ample is all that a service needs.
	Ample Level = iota
	// Low is a warning: everything works.
	Low
	// Reserved means that only the reserve is left: what goes on is recorded to its end, and
	// nothing new is taken in.
	Reserved
	// Unwritable means that nothing can be recorded.
	Unwritable
)

// Storage is how the place is doing where an embedded server keeps its streams.
type Storage struct {
	Level Level
	// Free is how many bytes can still be written, by the disk or by the limit, whichever is less.
	Free int64
	// Used is how many bytes the streams have, Limit how many they may.
	Used, Limit int64
	// Problem says in plain words what is wrong and what to do; empty when the level is Ample.
	Problem string
	// Since is when this level began.
	Since time.Time
}

// Guard knows whether streams can be written, so that nobody waits for an answer that will not come: after a failed
// write the server never answers again until it has been mended. A nil guard knows nothing. It is safe for concurrent use.
type Guard struct {
	mutex   sync.Mutex
	storage Storage
	// healthy lives while streams can be written; it ends with ErrNotWritable as its cause.
	healthy context.Context
	fail    context.CancelCauseFunc
	// closed says that the server is being ended: streams are not written any more.
	closed bool
}

func newGuard() *Guard {
	g := &Guard{}
	g.healthy, g.fail = context.WithCancelCause(context.Background())
	return g
}

// Storage returns how the place is doing; the zero value when nobody looks.
func (g *Guard) Storage() Storage {
	if g == nil {
		return Storage{}
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.storage
}

// set takes in a new look and returns the one before.
func (g *Guard) set(next Storage) Storage {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	was := g.storage
	if next.Since = was.Since; next.Level != was.Level || was.Since.IsZero() {
		next.Since = time.Now()
	}
	g.storage = next
	broken := g.healthy.Err() != nil
	switch {
	case next.Level == Unwritable && !broken:
		g.fail(fmt.Errorf("%w: %s", ErrNotWritable, next.Problem))
	case next.Level != Unwritable && broken && !g.closed:
		g.healthy, g.fail = context.WithCancelCause(context.Background())
	}
	return was
}

// close lets go of what waits, and of what comes.
func (g *Guard) close() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = true
	g.fail(fmt.Errorf("%w: it is closed", ErrNotWritable))
}

// writable returns a context that lives as long as streams can be written; its cause says why
// they cannot.
func (g *Guard) writable() context.Context {
	if g == nil {
		return context.Background()
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.healthy
}

// takesNew is ErrNoRoom or ErrNotWritable when nothing new may be taken in.
func (g *Guard) takesNew() error {
	switch storage := g.Storage(); storage.Level {
	case Reserved:
		return fmt.Errorf("%w: %s", ErrNoRoom, storage.Problem)
	case Unwritable:
		return fmt.Errorf("%w: %s", ErrNotWritable, storage.Problem)
	case Ample, Low:
	}
	return nil
}

// write does a write that ends when ctx does, or when streams cannot be written. Then that is its error.
func (g *Guard) write(ctx context.Context, do func(context.Context) error) error {
	writable := g.writable()
	if writable.Err() != nil {
		return context.Cause(writable)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(writable, cancel)()
	err := do(ctx)
	if err != nil && writable.Err() != nil {
		return fmt.Errorf("%w (%w)", context.Cause(writable), err)
	}
	return inPlainWords(err)
}

// Option changes how a stream is opened.
type Option func(*opened)

type opened struct{ guard *Guard }

// GuardedBy lets writes fail at once, in plain words, while the guard of an embedded server says that they cannot
// succeed. Without it they wait for an answer until their time is over.
func GuardedBy(g *Guard) Option { return func(o *opened) { o.guard = g } }

func guardOf(options []Option) *Guard {
	var o opened
	for _, option := range options {
		option(&o)
	}
	return o.guard
}
