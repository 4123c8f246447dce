package dispatch

import (
	"testing"

	"svar/contact"
	"svar/queue/bus"
)

// dialling is a world in which anna talks with k1 by offer 1, and the desk may dial.
func dialling(t *testing.T) (*talk, <-chan bus.Order, <-chan bus.Change) {
	t.Helper()
	w, orders, changes := talking(t)
	dials := rules
	dials.DialsPerContact, dials.DialsPerHour = 3, 100
	w.send(contact.ChangeRules{Rules: dials})
	return w, orders, changes
}

func (w *world) consultOutside() {
	w.t.Helper()
	w.send(contact.Consult{Contact: "k1", Agent: "anna", To: contact.Destination{Outside: "supplier"}})
}

// A place outside is called by a leg whose id follows from the offer, and takes the user over by one order. From then on nothing
// that becomes of the contact is told to the node that keeps the two connected, and it is told whom not to let go.
func TestAPlaceOutsideIsOrderedAndShown(t *testing.T) {
	t.Parallel()
	w, orders, changes := dialling(t)
	w.consultOutside()
	called := <-orders
	if called.Kind != bus.OrderOutside || called.Offer != 2 || called.To != "supplier" || called.Agent != "anna" || called.Leg == "" {
		t.Errorf("ordered %+v", called)
	}
	view, _ := w.shownAt(changes, w.last())
	if view.State != contact.StateHeld || view.Consult == nil || view.Consult.To != "supplier" || view.Consult.With != "" || view.Consult.Leg != called.Leg {
		t.Errorf("called: %+v, %+v", view, view.Consult)
	}
	w.send(contact.FailDial{Offer: 2, Reason: contact.DialBusy})
	if o := <-orders; o.Kind != bus.OrderOutsideEnd || o.Offer != 2 || o.To != "supplier" {
		t.Errorf("ordered %+v", o)
	}
	if view, _ := w.shownAt(changes, w.last()); view.Consult != nil || view.NotReached == nil || view.NotReached.Failure != contact.DialBusy || view.NotReached.To != "supplier" {
		t.Errorf("not reached: %+v, %+v", view, view.NotReached)
	}
	w.send(contact.Transfer{Contact: "k1", Agent: "anna", To: contact.Destination{Outside: "supplier"}})
	again := <-orders
	if again.Kind != bus.OrderOutside || again.Offer != 3 || again.Leg == called.Leg {
		t.Errorf("ordered %+v after %+v", again, called)
	}
	w.send(contact.ConfirmConnected{Offer: 3, Leg: again.Leg})
	if o := <-orders; o.Kind != bus.OrderOutsideTake || o.Offer != 3 || o.To != "supplier" || o.Contact != "k1" {
		t.Errorf("ordered %+v", o)
	}
	w.handedOver(1)
	w.send(contact.Finish{Contact: "k1", Agent: "anna", Code: "solved"})
	w.handedOver(0)
	w.leader.stop()
	w.lead()
	if o := <-orders; o.Kind != bus.OrderReconcile { // though none of its contacts is open
		t.Errorf("ordered %+v", o)
	}
}

// handedOver checks that the node is told of the one contact that it may not let go, with so many contacts open.
func (w *world) handedOver(open int) {
	w.t.Helper()
	state, err := w.bus.AskNodeState(testContext(w.t), "node-1")
	if err != nil || len(state.Contacts) != open || len(state.HandedOver) != 1 || state.HandedOver[0] != "k1" {
		w.t.Errorf("the node is to have %+v: %v", state, err)
	}
}

// Whoever hears a call is ordered in, and out when it is over.
func TestWhoHearsACallIsOrderedAndShown(t *testing.T) {
	t.Parallel()
	w, orders, changes := dialling(t)
	w.send(contact.Supervise{Contact: "k1", Supervisor: "eva", Mode: contact.SuperviseListen})
	if o := <-orders; o.Kind != bus.OrderSupervise || o.Contact != "k1" || o.Agent != "eva" || o.Mode != contact.SuperviseListen {
		t.Errorf("ordered %+v", o)
	}
	w.consultOutside()
	w.next(orders, bus.OrderOutside, 2, "anna")
	w.send(contact.ConfirmConnected{Offer: 2, Leg: "outside"}, contact.SetConference{Contact: "k1", Agent: "anna", On: true})
	if o := <-orders; o.Kind != bus.OrderConference || o.Contact != "k1" || !o.On {
		t.Errorf("ordered %+v", o)
	}
	view, _ := w.shownAt(changes, w.last())
	if !view.Conference || view.State != contact.StateConnected || len(view.Supervisors) != 1 || view.Supervisors[0].Supervisor != "eva" {
		t.Errorf("shown is %+v", view)
	}
	w.send(contact.Leave{Contact: "k1"})
	for _, want := range []bus.OrderKind{bus.OrderOutsideEnd, bus.OrderSupervise, bus.OrderRelease} {
		if o := <-orders; o.Kind != want || o.Mode != "" {
			t.Errorf("ordered %+v, want %s", o, want)
		}
	}
}

// A call that the desk begins is dialled by the node that was named, on the leg that was named; not reached, it is over for
// the node too.
func TestACallOfOursIsOrderedAndShown(t *testing.T) {
	t.Parallel()
	w, _, changes := dialling(t)
	orders := w.orders("node-2")
	c := contact.Contact{ID: "out", Channel: contact.Voice, Line: "staff", Language: "sv", Outgoing: true, Arrived: 1}
	w.send(contact.PlaceCall{Contact: c, Agent: "bo", Node: "node-2", Leg: "leg-out"})
	if o := <-orders; o.Kind != bus.OrderDial || o.Contact != "out" || o.Offer != 2 || o.Agent != "bo" || o.Leg != "leg-out" {
		t.Errorf("ordered %+v", o)
	}
	view, agents := w.shownAt(changes, w.last(), "bo")
	if view.State != contact.StateDialling || !view.Contact.Outgoing || view.Offer == nil || !view.Offer.Accepted || agents[0].Offer != 2 {
		t.Errorf("shown are %+v, %+v", view, agents)
	}
	w.send(contact.HangUp{Contact: "out", Agent: "bo"})
	if o := <-orders; o.Kind != bus.OrderRelease || o.Contact != "out" {
		t.Errorf("ordered %+v", o)
	}
	view, agents = w.shownAt(changes, w.last(), "bo")
	if view.End != contact.EndNotReached || view.NotReached == nil || view.NotReached.Failure != contact.DialCancelled || agents[0].Offer != 0 || len(agents[0].Contacts) != 0 {
		t.Errorf("shown are %+v, %+v", view, agents)
	}
}
