package agentui

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

// runBoard runs a board over a fake queue inside a bubble.
func runBoard(t *testing.T, q *fakeQueue) (*Board, *atomic.Int64) {
	t.Helper()
	b := NewBoard(q, zerolog.Nop())
	var updates atomic.Int64
	b.updated = func(bus.Change) { updates.Add(1) }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- b.Run(ctx) }()
	go func() { q.live(ctx); ended <- nil }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	synctest.Wait()
	return b, &updates
}

func (b *Board) isConnected() bool {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	return b.connected
}

func (b *Board) holds(id contact.ID) bool {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	_, open := b.contacts[id]
	return open
}

func TestBoardAsksForTheWholeAfterAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		b, _ := runBoard(t, q)
		q.contacts(waitingContact("a", "staff", 1))
		if synctest.Wait(); !b.holds("a") || q.timesAsked() != 1 {
			t.Fatalf("a change in order: held %v, asked %d times", b.holds("a"), q.timesAsked())
		}
		q.record([]bus.ContactView{waitingContact("b", "staff", 2)}, nil) // lost on the way
		q.contacts(waitingContact("c", "staff", 3))
		if synctest.Wait(); !b.holds("a") || !b.holds("b") || !b.holds("c") || q.timesAsked() != 2 {
			t.Errorf("after a gap: a %v, b %v, c %v, asked %d times", b.holds("a"), b.holds("b"), b.holds("c"), q.timesAsked())
		}
	})
}

// A lost last change is noticed by the sign of life, not by the next call.
func TestBoardNoticesALostLastChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		b, _ := runBoard(t, q)
		q.record([]bus.ContactView{waitingContact("a", "staff", 1)}, nil)
		time.Sleep(1100 * time.Millisecond)
		if synctest.Wait(); !b.holds("a") {
			t.Error("the lost change was not asked for")
		}
	})
}

// A change that does not tell all is no reason to go on with what was true before it.
func TestBoardAsksWhenEverythingMayHaveChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		b, _ := runBoard(t, q)
		change := q.record([]bus.ContactView{waitingContact("a", "staff", 1)}, nil)
		q.set(func() { q.view.Contacts = append(q.view.Contacts, waitingContact("b", "staff", 2)) })
		change.Everything = true
		q.send(change)
		if synctest.Wait(); !b.holds("a") || !b.holds("b") || q.timesAsked() != 2 {
			t.Errorf("a %v, b %v, asked %d times", b.holds("a"), b.holds("b"), q.timesAsked())
		}
	})
}

func TestBoardRefusesOlderLeadersAndRepetitions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		q.view.Epoch = 3
		b, updates := runBoard(t, q)
		before := updates.Load()
		q.send(bus.Change{Epoch: 2, Sequence: 11, Contacts: []bus.ContactView{waitingContact("ghost", "staff", 1)}})
		q.send(bus.Change{Epoch: 3, Sequence: 10, Contacts: []bus.ContactView{waitingContact("ghost", "staff", 1)}})
		q.send(bus.Change{Epoch: 3, Sequence: 9, Contacts: []bus.ContactView{waitingContact("ghost", "staff", 1)}})
		if synctest.Wait(); b.holds("ghost") || q.timesAsked() != 1 || updates.Load() != before {
			t.Errorf("held %v, asked %d times, %d updates", b.holds("ghost"), q.timesAsked(), updates.Load()-before)
		}
		// A new leader goes on where the old one stopped.
		q.set(func() { q.view.Epoch = 4 })
		q.contacts(waitingContact("a", "staff", 1))
		if synctest.Wait(); !b.holds("a") || q.timesAsked() != 1 {
			t.Errorf("the new leader's first change: held %v, asked %d times", b.holds("a"), q.timesAsked())
		}
		// A view of the old leader that comes late changes nothing.
		q.set(func() { q.view = bus.View{Epoch: 3, Sequence: 99} })
		b.load(t.Context())
		if !b.holds("a") {
			t.Error("an older leader's view was taken")
		}
		q.set(func() { q.view = bus.View{Epoch: 4, Sequence: 10} })
		b.load(t.Context())
		if !b.holds("a") {
			t.Error("an older view was taken")
		}
		q.set(func() { q.view.Sequence = 11 })
	})
}

func TestBoardTellsThatTheDispatcherIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		b, updates := runBoard(t, q)
		q.contacts(waitingContact("a", "staff", 1))
		time.Sleep(time.Minute)
		if !b.isConnected() {
			t.Fatal("signs of life came, but the board is not connected")
		}
		q.set(func() { q.silent, q.viewErr = true, errFake })
		before := updates.Load()
		time.Sleep(staleAfter + 2*time.Second)
		if synctest.Wait(); b.isConnected() || updates.Load() != before+1 {
			t.Fatalf("silent: connected %v, %d updates", b.isConnected(), updates.Load()-before)
		}
		if !b.holds("a") {
			t.Error("what was known last is shown no more")
		}
		q.set(func() { q.silent, q.viewErr = false, nil })
		q.record([]bus.ContactView{{Contact: contact.Contact{ID: "a"}, State: contact.StateClosed}}, nil)
		time.Sleep(2 * time.Second)
		if synctest.Wait(); !b.isConnected() || b.holds("a") {
			t.Errorf("back: connected %v, holds what closed meanwhile: %v", b.isConnected(), b.holds("a"))
		}
	})
}

// A question that hangs does not hide that the dispatcher is silent.
func TestBoardNoticesSilenceWhileItAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &hangingQueue{fakeQueue: newFakeQueue()}
		b := NewBoard(q, zerolog.Nop())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		synctest.Wait()
		q.hang.Store(true)
		q.send(bus.Change{Epoch: 1, Sequence: 20}) // a gap: it asks, and hangs for askTime
		time.Sleep(staleAfter + time.Second + time.Millisecond)
		if synctest.Wait(); b.isConnected() {
			t.Error("still connected")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type hangingQueue struct {
	*fakeQueue
	hang atomic.Bool
}

func (q *hangingQueue) AskView(ctx context.Context) (bus.View, error) {
	if q.hang.Load() {
		<-ctx.Done()
		return bus.View{}, ctx.Err()
	}
	return q.fakeQueue.AskView(ctx)
}

// Changes that come in while the whole is on its way are not lost, whichever is first.
func TestBoardTakesChangesDuringALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &racingQueue{fakeQueue: newFakeQueue()}
		b := NewBoard(q, zerolog.Nop())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		synctest.Wait()
		if !b.holds("during") || !b.isConnected() {
			t.Errorf("held %v, connected %v, asked %d times", b.holds("during"), b.isConnected(), q.timesAsked())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// racingQueue publishes a change after it made the first view and before it hands it over.
type racingQueue struct{ *fakeQueue }

func (q *racingQueue) AskView(ctx context.Context) (bus.View, error) {
	view, err := q.fakeQueue.AskView(ctx)
	if q.timesAsked() == 1 {
		q.contacts(waitingContact("during", "staff", 1))
	}
	return view, err
}

func TestBoardRemembersTheLastContact(t *testing.T) {
	t.Parallel()
	b := NewBoard(newFakeQueue(), zerolog.Nop())
	b.remember(100)
	b.remember(50)
	b.merge(bus.Change{Contacts: []bus.ContactView{waitingContact("a", "staff", 200)}})
	refused := waitingContact("b", "staff", 300)
	refused.State, refused.End = contact.StateClosed, contact.EndRefused
	b.merge(bus.Change{Contacts: []bus.ContactView{refused}})
	closed := waitingContact("a", "staff", 200)
	closed.State, closed.End = contact.StateClosed, contact.EndAbandoned
	b.merge(bus.Change{Contacts: []bus.ContactView{closed}})
	if b.lastContact != 200 {
		t.Errorf("the last contact arrived at %d; want 200", b.lastContact)
	}
}
