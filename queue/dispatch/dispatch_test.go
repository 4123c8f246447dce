package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
	"svar/queue/bus"
	"svar/queue/journal"
)

func TestACallFromArrivalToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders, elsewhere, changes := w.orders("node-1"), w.orders("node-2"), w.changes()
	w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	w.call("k1")

	ring := <-orders
	w.send(contact.AcceptOffer{Offer: ring.Offer, Agent: "anna"})
	connect := <-orders
	w.send(contact.ConfirmConnected{Offer: ring.Offer, Leg: "leg-anna"}, contact.HangUp{Contact: "k1", Agent: "anna"})
	release := <-orders
	w.send(contact.Finish{Contact: "k1", Agent: "anna", Code: "solved"})

	records := w.records()
	for n, got := range []struct {
		order bus.Order
		kind  bus.OrderKind
		event contact.Event
	}{
		{ring, bus.OrderRing, contact.ContactOffered{}},
		{connect, bus.OrderConnect, contact.OfferAccepted{}},
		{release, bus.OrderRelease, contact.ContactHungUp{}},
	} {
		o := got.order
		if o.Kind != got.kind || o.Epoch != 1 || o.Number != uint64(n+1) || o.Contact != "k1" {
			t.Errorf("order %d is %+v, want a %s", n+1, o, got.kind)
		}
		if event := records[o.Sequence-1].Events[o.Index]; contact.EventName(event) != contact.EventName(got.event) {
			t.Errorf("the order %+v points at %s", o, contact.EventName(event))
		}
	}
	if len(elsewhere) > 0 || len(orders) > 0 {
		t.Errorf("%d orders too many, %d to another node", len(orders), len(elsewhere))
	}

	// Every record has its change, in order, and the last one of a contact is its end.
	var states []contact.State
	for next := uint64(1); next <= uint64(len(records)); {
		change := <-changes
		if change.Sequence == next-1 && change.Contacts == nil && change.Agents == nil {
			continue // a sign of life
		}
		if change.Sequence != next || change.Now != records[next-1].Now {
			t.Fatalf("the change %+v came where %d was due", change, next)
		}
		next++
		for _, view := range change.Contacts {
			states = append(states, view.State)
		}
	}
	states = slices.Compact(states)
	want := []contact.State{
		contact.StateArrived, contact.StateGreeted, contact.StateOffered, contact.StateConnected, contact.StateWrapUp, contact.StateClosed,
	}
	if !slices.Equal(states, want) {
		t.Errorf("the consoles saw %v, want %v", states, want)
	}
}

func TestNothingIsRecordedOrPublishedForANo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lead()
	w.send(contact.ChangeRules{Rules: rules}, arrive("k1"))
	last, orders, changes := w.last(), w.orders("node-1"), w.changes()
	w.refused(contact.AcceptOffer{Offer: 99, Agent: "anna"}, contact.OfferGone)
	w.refused(contact.SetPresence{Agent: "nobody", Presence: contact.Ready}, contact.UnknownAgent)
	again := arrive("k1")
	again.Contact.Arrived++
	w.send(again, contact.ChangeRules{Rules: rules}, contact.Tick{}) // done before
	if got := w.last(); got != last {
		t.Errorf("%d records were written", got-last)
	}
	if life := <-changes; life.Sequence != last || life.Epoch != 1 || life.Contacts != nil || life.Agents != nil || life.Rules != nil {
		t.Errorf("got %+v; the next is a sign of life", life)
	}
	if len(orders) > 0 {
		t.Errorf("%d orders", len(orders))
	}
}

func TestTimeAloneDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders, changes := w.orders("node-1"), w.changes()
	w.lead()
	short := rules
	short.OfferTimeout = 20
	w.send(contact.ChangeRules{Rules: short})
	w.agents("anna")
	w.call("k1")
	if ring, withdraw := <-orders, <-orders; ring.Kind != bus.OrderRing || withdraw.Kind != bus.OrderWithdraw || ring.Offer != withdraw.Offer {
		t.Errorf("got %+v and %+v", ring, withdraw)
	}
	for change := range changes {
		at := slices.IndexFunc(change.Agents, func(a bus.AgentView) bool { return len(a.Missed) > 0 })
		if at < 0 {
			continue
		}
		if a := change.Agents[at]; a.Presence != contact.Paused || a.Cause != contact.ByMisses || len(a.Contacts) > 0 || a.Offer != 0 {
			t.Errorf("the agent who missed is %+v", a)
		}
		if c := change.Contacts[0]; c.State != contact.StateWaiting || c.Offer != nil {
			t.Errorf("the contact is %+v", c)
		}
		if record := w.records()[change.Sequence-1]; contact.CommandName(record.Commands[0]) != "tick" {
			t.Errorf("the cause is %T", record.Commands[0])
		}
		return
	}
}

func TestQuestionsAreAnsweredFromTheState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.lead()
	orders := w.orders("node-1")
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna", "bo")
	w.call("k1")
	other := arrive("k2")
	other.Node = "node-2"
	w.send(other)
	ring := <-orders

	view, err := w.bus.AskView(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if view.Epoch != 1 || view.Sequence != w.last() || view.Now == 0 || view.Rules.OfferTimeout != rules.OfferTimeout ||
		len(view.Contacts) != 2 || len(view.Agents) != 2 || view.Contacts[0].Offer.Offer != ring.Offer || view.Contacts[1].State != contact.StateArrived {
		t.Errorf("got %+v", view)
	}
	state, err := w.bus.AskNodeState(testContext(t), "node-1")
	if err != nil || state.Epoch != 1 || state.Number != ring.Number || len(state.Contacts) != 1 || state.Contacts[0].Contact.ID != "k1" {
		t.Errorf("got %+v: %v", state, err)
	}
	// Both agents are on duty, one of them asked about k1.
	wait, err := w.bus.AskWait(testContext(t), bus.WaitQuestion{Channel: contact.Voice, Target: 60_000})
	if err != nil || wait.Agents != 2 {
		t.Errorf("expected to wait %+v: %v", wait, err)
	}
	l.stop()
	if _, err := w.bus.AskView(testContext(t)); err == nil {
		t.Error("a dispatcher that has ended answers")
	}
}

func TestATurnThatCannotBeRecordedIsVoid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := w.orders("node-1")
	turns := make(chan Turn, 1000)
	_, dispatcher := w.beginObserved(0, func(turn Turn) { turns <- turn })
	<-dispatcher.Ready()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	w.send(arrive("k1"), contact.Greet{Contact: "k1"})
	before := w.last()
	if state := dispatcher.State(); !state.Leading || state.Failure != nil || state.Since.IsZero() {
		t.Errorf("while it leads its state is %+v", state)
	}
	w.limit(int64(before)) // as a full disk would

	sent := make(chan error, 1)
	go func() { sent <- w.bus.Send(context.Background(), enqueue("k1")) }()
	for turn := range turns {
		if turn.Failed {
			if turn.Commands != 1 || turn.Events == 0 || turn.Append == 0 {
				t.Errorf("the turn that failed is %+v", turn)
			}
			break
		}
	}
	w.log.await("a turn could not be recorded: nothing is decided until the journal can be written; talks go on")
	if state := dispatcher.State(); state.Leading || state.Failure == nil || state.Since.IsZero() {
		t.Errorf("while it cannot record its state is %+v", state)
	}
	// Nobody waits for long who comes meanwhile: a caller has to be turned away.
	fault := (*bus.Fault)(nil)
	if _, err := w.bus.AskView(testContext(t)); !errors.As(err, &fault) || fault.Text != errAway.Error() {
		t.Errorf("a question about a void state got the answer %v", err)
	}
	if last := w.last(); last != before {
		t.Errorf("%d records were written", last-before)
	}
	if len(orders) > 0 {
		t.Errorf("an order for what is not on record: %+v", <-orders)
	}
	w.limit(-1)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	for o := range orders {
		if o.Epoch < 2 {
			t.Errorf("the order %+v is of the void epoch", o)
		}
		if o.Kind == bus.OrderRing {
			break
		}
	}
	queued := 0
	for _, r := range w.records() {
		for _, event := range r.Events {
			if _, is := event.(contact.ContactQueued); is {
				queued++
			}
		}
	}
	if queued != 1 {
		t.Errorf("the command is on record %d times", queued)
	}
	if state := dispatcher.State(); !state.Leading || state.Failure != nil {
		t.Errorf("when it records again its state is %+v", state)
	}
}

// limit lets the journal take no more than so many records; -1 lifts it.
func (w *world) limit(records int64) {
	w.t.Helper()
	js, err := jetstream.New(w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(testContext(w.t), "JOURNAL")
	if err != nil {
		w.t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxMsgs, config.Discard = records, jetstream.DiscardNew
	if _, err := js.UpdateStream(testContext(w.t), config); err != nil {
		w.t.Fatal(err)
	}
}

// A leader that was paused and wakes up can ring nobody.
func TestTheNewerLeaderFencesTheOlder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := w.orders("node-1")
	old := w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	w.lead()
	w.call("k1") // both hear it
	if err := <-old.result; !errors.Is(err, journal.ErrFenced) {
		t.Errorf("the older leader ended with %v, want %v", err, journal.ErrFenced)
	}
	old.result <- nil
	if ring := <-orders; ring.Kind != bus.OrderRing || ring.Epoch != 2 || ring.Number != 1 {
		t.Errorf("got %+v", ring)
	}
	epoch := uint64(0)
	for _, r := range w.records() {
		if r.Epoch < epoch {
			t.Errorf("record %d of epoch %d follows epoch %d", r.sequence, r.Epoch, epoch)
		}
		epoch = r.Epoch
	}
	if len(orders) > 0 {
		t.Errorf("%+v as well", <-orders)
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := w.orders("node-1")
	first := w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	w.call("k1")
	ring := <-orders
	first.stop()
	before := bytesOf(t, w.folded())
	last := w.last()
	w.lead()

	// The open offer is withdrawn without a miss, and the node is told to ask.
	withdraw, reconcile := <-orders, <-orders
	if withdraw.Kind != bus.OrderWithdraw || withdraw.Offer != ring.Offer || withdraw.Epoch != 2 || withdraw.Number != 1 || withdraw.Sequence != last+1 {
		t.Errorf("got %+v", withdraw)
	}
	if reconcile.Kind != bus.OrderReconcile || reconcile.Number != 2 || reconcile.Epoch != 2 {
		t.Errorf("got %+v", reconcile)
	}
	view, err := w.bus.AskView(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if a := view.Agents[0]; a.Presence != contact.Ready || a.Missed != nil {
		t.Errorf("anna is %+v", a)
	}
	// When the nodes had time to report, it is offered anew: nobody sends anything.
	if again := <-orders; again.Kind != bus.OrderRing || again.Offer <= ring.Offer || again.Contact != "k1" || again.Number != 3 {
		t.Errorf("got %+v", again)
	}
	if strings.Contains(before, `"epoch":2`) {
		t.Error("the state before is not the state before")
	}
}

func TestAShorterJournalIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	l.stop()
	last := w.last()
	refused, _ := w.begin(last + 1)
	err := <-refused.result
	refused.result <- nil
	if !errors.Is(err, journal.ErrStoreDamaged) || !strings.Contains(err.Error(), "ends at record 2, but record 3 was written. Restore its directory from a backup") {
		t.Errorf("got %v", err)
	}
	if got := w.last(); got != last {
		t.Error("something was appended to it")
	}
}
