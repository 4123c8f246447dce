package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
	"svar/queue/bus"
	"svar/queue/journal"
)

func (w *world) snapshots() jetstream.ObjectStore {
	w.t.Helper()
	js, err := jetstream.New(w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := js.ObjectStore(testContext(w.t), "SNAPSHOTS")
	if err != nil {
		w.t.Fatal(err)
	}
	return store
}

// restored is the engine that a leader would begin with.
func (w *world) restored() (string, uint64) {
	w.t.Helper()
	engine, last, err := restore(testContext(w.t), w.journal, 0, zerolog.New(w.log))
	if err != nil {
		w.t.Fatal(err)
	}
	return bytesOf(w.t, engine), last
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	written, err := w.snapshots().Watch(testContext(t), jetstream.UpdatesOnly())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	over := make(chan error, 1)
	go func() { over <- Snapshotter{Journal: w.journal, Log: zerolog.New(w.log), Every: 5}.Run(ctx) }()
	l := w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna", "bo")
	w.call("k1")
	w.call("k2")
	for range 2 {
		if info := <-written.Updates(); info == nil || info.Size == 0 {
			t.Fatalf("got %+v", info)
		}
	}
	for n := range 3 {
		w.call(contact.ID(fmt.Sprintf("c%d", n)))
	}
	l.stop()
	// The follower may be behind when it is told to end: what it has read is saved.
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if err := written.Stop(); err != nil {
		t.Error(err)
	}
	snapshot, err := w.journal.LoadSnapshot(testContext(t))
	if err != nil || snapshot == nil {
		t.Fatalf("got %v: %v", snapshot, err)
	}
	if snapshot.Sequence < 10 || snapshot.Sequence > w.last() {
		t.Errorf("the snapshot is of record %d of %d", snapshot.Sequence, w.last())
	}
	half := queue.New()
	for _, r := range w.records()[:snapshot.Sequence] {
		if err := fold(half, r.sequence, r.Record); err != nil {
			t.Fatal(err)
		}
	}
	if string(snapshot.State) != bytesOf(t, half) {
		t.Error("the snapshot is not the state at its record")
	}
	whole := bytesOf(t, w.folded())
	if state, last := w.restored(); state != whole || last != w.last() {
		t.Error("from the snapshot another state comes than from the whole journal")
	}

	const warning = "the snapshot is not used; the whole journal is read"
	if w.log.has(warning) {
		t.Error("a good snapshot was not used")
	}
	// Without the snapshot the journal still has everything.
	for name, damaged := range map[string]string{
		"no JSON":         "?",
		"another state":   `{"format":1,"engine":1,"sequence":3,"sha256":"00","state":"e30="}`,
		"a newer format":  `{"format":99}`,
		"a newer engine":  snapshotOf(t, queue.EngineVersion+1, snapshot.State),
		"a strange state": snapshotOf(t, queue.EngineVersion, []byte("{}")),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.snapshots().PutString(testContext(t), "engine", damaged); err != nil {
				t.Fatal(err)
			}
			if state, last := w.restored(); state != whole || last != w.last() {
				t.Error("another state came")
			}
			w.log.await(warning)
		})
	}
	// One that is ahead of the journal says that records are lost.
	if err := w.journal.SaveSnapshot(testContext(t), queue.EngineVersion, w.last()+1, []byte(whole)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := restore(testContext(t), w.journal, 0, zerolog.Nop()); !errors.Is(err, journal.ErrStoreDamaged) {
		t.Errorf("got %v", err)
	}
}

func snapshotOf(t *testing.T, engine int, state []byte) string {
	t.Helper()
	w := newWorld(t)
	if err := w.journal.SaveSnapshot(testContext(t), engine, 1, state); err != nil {
		t.Fatal(err)
	}
	data, err := w.snapshots().GetString(testContext(t), "engine")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestASnapshotterRefusesADamagedJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	record := turn{now: 1, steps: []step{{events: []contact.Event{contact.ContactGreeted{Contact: "nobody"}}}}}.record(1)
	if _, err := w.journal.Append(testContext(t), record, 0); err != nil {
		t.Fatal(err)
	}
	if err := (Snapshotter{Journal: w.journal, Log: zerolog.Nop()}).Run(testContext(t)); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	l, _ := w.begin(0)
	err := <-l.result
	l.result <- nil
	if !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), "record 1") {
		t.Errorf("the dispatcher says %v", err)
	}
}

// A node with thousands of calls restarts: what follows is more than a record holds.
func TestAStepMayBeLargerThanARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	const calls = 1300
	var senders sync.WaitGroup
	for sender := range 50 {
		senders.Go(func() {
			for n := sender; n < calls; n += 50 {
				id := contact.ID(fmt.Sprintf("%0124d", n))
				if err := w.bus.Send(context.Background(), arrive(id)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	before := w.last()
	changes := w.changes()
	w.send(contact.ReportNode{Node: "node-1", Restarted: true})
	records := w.records()[before:]
	if len(records) < 2 {
		t.Fatalf("it is in %d record", len(records))
	}
	closed := 0
	for n, r := range records {
		if r.More != (n < len(records)-1) || (len(r.Commands) == 1) != (n == 0) {
			t.Errorf("record %d of %d: more is %v, and it has %d commands", n+1, len(records), r.More, len(r.Commands))
		}
		closed += len(r.Events)
	}
	if open := len(w.folded().Contacts()); closed != calls || open != 0 {
		t.Errorf("%d events, and %d contacts are open", closed, open)
	}
	views := 0
	for next := before + 1; next <= w.last(); {
		change := <-changes
		if change.Sequence < next {
			continue // a sign of life
		}
		if change.Sequence != next {
			t.Fatalf("the change of record %d came where %d was due", change.Sequence, next)
		}
		next++
		views += len(change.Contacts)
	}
	if views != calls {
		t.Errorf("the consoles saw %d contacts", views)
	}
}

func TestLongRosters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lead()
	roster := func(agents int) contact.ChangeRoster {
		var out contact.Roster
		for n := range agents {
			out.Agents = append(out.Agents, contact.Agent{ID: contact.AgentID(fmt.Sprintf("%0120d", n)), Skills: contact.Needs{}})
		}
		return contact.ChangeRoster{Roster: out}
	}
	before := w.last()
	w.send(roster(1500)) // command and event do not fit into one record
	if records := w.records()[before:]; len(records) != 2 || len(records[0].Commands) != 1 || len(records[1].Events) != 1 || !records[0].More || records[1].More {
		t.Errorf("it is in %d records", len(records))
	}
	if got := len(w.folded().Agents()); got != 1500 {
		t.Errorf("%d agents", got)
	}
	before = w.last()
	w.refused(roster(2000), contact.Invalid) // no record can hold it, and no epoch is spent on it
	if got := w.last(); got != before {
		t.Errorf("%d records were written", got-before)
	}
}

func TestSplitKeepsEverythingInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var whole turn
		whole.now, whole.more = 7, rapid.Bool().Draw(t, "more")
		offer := contact.OfferID(0)
		for n := range rapid.IntRange(1, 4).Draw(t, "steps") {
			s := step{touched: touched{contacts: []bus.ContactView{{Leg: contact.LegID(fmt.Sprint(n))}}}}
			if rapid.Bool().Draw(t, "command") {
				offer++
				s.command = contact.FailConnect{Offer: offer}
			}
			for range rapid.IntRange(1, 5).Draw(t, "events") {
				offer++
				s.events = append(s.events, contact.OfferAccepted{Offer: offer})
			}
			whole.steps = append(whole.steps, s)
		}
		want := whole.record(1)
		got := journal.Record{Commands: contact.Commands{}, Events: contact.Events{}}
		var views []bus.ContactView
		var pieces func(turn)
		pieces = func(t turn) {
			if first, rest, able := t.split(); able {
				pieces(first)
				pieces(rest)
				return
			}
			record := t.record(1)
			got.Commands, got.Events = append(got.Commands, record.Commands...), append(got.Events, record.Events...)
			got.Format, got.Epoch, got.Engine, got.Now, got.More = record.Format, record.Epoch, record.Engine, record.Now, record.More
			if len(record.Commands)+len(record.Events) != 1 {
				panic("a piece can be split further")
			}
			for _, s := range t.steps {
				if views = append(views, s.touched.contacts...); len(s.touched.contacts) > 0 && record.More && !whole.more {
					panic("views go with the last part of their step")
				}
			}
		}
		pieces(whole)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, want)
		}
		if len(views) != len(whole.steps) {
			t.Fatalf("%d views of %d steps", len(views), len(whole.steps))
		}
	})
}

// A leader is killed at any moment, again and again, while calls come in: nothing that
// was confirmed is lost, nothing happens twice.
func TestKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna", "bo", "cid")
	const senders, calls = 8, 8
	random := rand.New(rand.NewPCG(1, 2))
	confirmed := make(chan contact.ID, senders*calls)
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := range calls {
				id := contact.ID(fmt.Sprintf("k%d-%d", sender, n))
				for _, command := range []contact.Command{arrive(id), contact.Greet{Contact: id}, enqueue(id), contact.Leave{Contact: id}} {
					if err := w.bus.Send(context.Background(), command); err != nil {
						t.Error(err)
					}
				}
				confirmed <- id
			}
		})
	}
	finished := make(chan struct{})
	go func() {
		all.Wait()
		close(finished)
	}()
	kills := 0
	for leader := first; ; kills++ {
		for range 1 + random.IntN(12) { // so many calls, then it dies in the middle of the next
			select {
			case <-confirmed:
				continue
			case <-finished:
			}
			break
		}
		leader.kill()
		leader.result <- nil
		select {
		case <-finished:
			w.checkLives(senders * calls)
			t.Logf("%d kills, %d records", kills+1, w.last())
			return
		default:
		}
		leader = w.lead()
	}
}

// checkLives checks that each of so many calls has exactly one life on record.
func (w *world) checkLives(calls int) {
	w.t.Helper()
	lives := map[contact.ID][]string{}
	for _, r := range w.records() {
		for _, event := range r.Events {
			if id, _ := queue.Touched(event); id != "" {
				switch event.(type) {
				case contact.ContactArrived, contact.ContactGreeted, contact.ContactQueued, contact.ContactClosed:
					lives[id] = append(lives[id], contact.EventName(event))
				}
			}
		}
	}
	want := []string{"contact-arrived", "contact-greeted", "contact-queued", "contact-closed"}
	for id, life := range lives {
		if !slices.Equal(life, want) {
			w.t.Errorf("the life of %s was %v", id, life)
		}
	}
	if len(lives) != calls || len(w.folded().Contacts()) != 0 {
		w.t.Errorf("%d lives are on record and %d are open, %d were confirmed", len(lives), len(w.folded().Contacts()), calls)
	}
}

// A dispatcher that is told to end while commands come in ends without an error: what it had
// not recorded, its senders send again.
func TestTheEndInTheMiddleOfWorkIsOrderly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		l := w.lead()
		ctx, enough := context.WithCancel(testContext(t))
		var senders sync.WaitGroup
		for s := range 8 {
			senders.Go(func() {
				for ctx.Err() == nil {
					_ = w.bus.Send(ctx, contact.SetReachable{Agent: contact.AgentID(fmt.Sprintf("a%d", s)), Node: "node-1"})
					_ = w.bus.Send(ctx, arrive(contact.ID(fmt.Sprint("k", rand.Uint64()))))
				}
			})
		}
		if err := w.bus.Send(ctx, arrive(contact.ID(fmt.Sprint("k", rand.Uint64())))); err != nil {
			t.Error(err)
		}
		l.stop()
		enough()
		senders.Wait()
	}
}

// Commands that wait when the dispatcher ends are answered: their senders need not wait.
func TestTheEndTurnsWaitingCommandsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := New(Config{Bus: w.bus, Log: zerolog.Nop()})
	stop, err := w.bus.ServeCommands(func(in bus.Incoming) {
		d.incoming <- in
		d.turnAway()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	command, err := json.Marshal(map[string]any{"commands": contact.Commands{contact.Tick{}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.conn.RequestWithContext(testContext(t), "svar.v5.command", command)
	if err != nil || !strings.Contains(string(answer.Data), errOver.Error()) {
		t.Errorf("got %v: %v", answer, err)
	}
}

func BenchmarkTurns(b *testing.B) {
	for _, senders := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			w := newWorld(b)
			w.lead()
			before := w.last()
			work := make(chan int)
			var all sync.WaitGroup
			for range senders {
				all.Go(func() {
					for n := range work {
						if err := w.bus.Send(context.Background(), arrive(contact.ID(fmt.Sprintf("k%d", n)))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ResetTimer()
			for n := range b.N {
				work <- n
			}
			close(work)
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			b.ReportMetric(float64(w.last()-before)/b.Elapsed().Seconds(), "turns/s")
		})
	}
}
