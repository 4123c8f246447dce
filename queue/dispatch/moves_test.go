package dispatch

import (
	"slices"
	"testing"

	"svar/contact"
	"svar/queue/bus"
)

// next returns the next order, which must be of the kind, for the offer and the agent.
func (w *world) next(orders <-chan bus.Order, kind bus.OrderKind, offer contact.OfferID, agent contact.AgentID) {
	w.t.Helper()
	if o := <-orders; o.Kind != kind || o.Contact != "k1" || o.Offer != offer || o.Agent != agent {
		w.t.Errorf("ordered %+v, want %s of offer %d for %s", o, kind, offer, agent)
	}
}

// shownAt returns what the change of the sequence shows of an agent and of a contact.
func (w *world) shownAt(changes <-chan bus.Change, sequence uint64, agents ...contact.AgentID) (bus.ContactView, []bus.AgentView) {
	w.t.Helper()
	for change := range changes {
		if change.Sequence != sequence || len(change.Contacts) == 0 {
			continue
		}
		views := make([]bus.AgentView, 0, len(agents))
		for _, agent := range agents {
			at := slices.IndexFunc(change.Agents, func(v bus.AgentView) bool { return v.Agent == agent })
			if at < 0 {
				w.t.Fatalf("the change %+v does not show %s", change, agent)
			}
			views = append(views, change.Agents[at])
		}
		return change.Contacts[0], views
	}
	return bus.ContactView{}, nil
}

// talk is a world in which anna talks with k1 by offer 1, and bo is free.
type talk struct {
	*world
	leader *leader
}

func talking(t *testing.T) (*talk, <-chan bus.Order, <-chan bus.Change) {
	t.Helper()
	w := &talk{world: newWorld(t)}
	orders, changes := w.orders("node-1"), w.changes()
	w.leader = w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna", "bo")
	w.send(contact.SetPresence{Agent: "bo", Presence: contact.Paused})
	w.call("k1")
	w.send(contact.AcceptOffer{Offer: 1, Agent: "anna"}, contact.ConfirmConnected{Offer: 1, Leg: "anna-leg"}, contact.SetPresence{Agent: "bo", Presence: contact.Ready})
	w.next(orders, bus.OrderRing, 1, "anna")
	w.next(orders, bus.OrderConnect, 1, "anna")
	return w, orders, changes
}

// A colleague who is asked is asked of the node like by an offer; completed, the first agent is free and
// everybody is told so. What follows is about the voice of the one who has the call: asterisk#759
func TestAConsultationIsOrderedAndShown(t *testing.T) {
	t.Parallel()
	w, orders, changes := talking(t)
	w.send(contact.Consult{Contact: "k1", Agent: "anna", To: contact.Destination{Agent: "bo"}})
	w.next(orders, bus.OrderConsult, 2, "bo")
	if view, agents := w.shownAt(changes, w.last(), "bo"); view.Consult == nil || view.Agent != "anna" || agents[0].Offer != 2 {
		t.Errorf("asked: %+v, %+v", view, agents)
	}
	w.send(contact.AcceptOffer{Offer: 2, Agent: "bo"}, contact.ConfirmConnected{Offer: 2, Leg: "bo-leg"})
	w.next(orders, bus.OrderConsultConnect, 2, "bo")
	w.send(contact.CompleteTransfer{Contact: "k1", Agent: "anna"})
	w.next(orders, bus.OrderHandOver, 2, "bo")
	view, agents := w.shownAt(changes, w.last(), "anna", "bo")
	if view.Consult != nil || view.Agent != "bo" || view.ConnectedBy != 2 || len(agents[0].Contacts) != 0 || !slices.Equal(agents[1].Contacts, []contact.ID{"k1"}) {
		t.Errorf("completed: %+v, %+v", view, agents)
	}
	w.send(contact.Transfer{Contact: "k1", Agent: "bo", To: contact.Destination{Agent: "anna"}})
	w.next(orders, bus.OrderWithdraw, 2, "bo")
	w.next(orders, bus.OrderRing, 3, "anna")
}

// However a consultation ends, it is his voice that the order ends, and not that of the agent who has the call.
func TestAConsultationThatEndsLeavesTheCall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]contact.Command{
		"declined":  contact.DeclineOffer{Offer: 2, Agent: "bo"},
		"cancelled": contact.EndConsult{Contact: "k1", Agent: "anna"},
		"failed":    contact.FailConnect{Offer: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, orders, changes := talking(t)
			w.send(contact.Consult{Contact: "k1", Agent: "anna", To: contact.Destination{Agent: "bo"}})
			w.next(orders, bus.OrderConsult, 2, "bo")
			if name == "failed" {
				w.send(contact.AcceptOffer{Offer: 2, Agent: "bo"})
				w.next(orders, bus.OrderConsultConnect, 2, "bo")
			}
			w.send(end)
			w.next(orders, bus.OrderConsultEnd, 2, "bo")
			if view, agents := w.shownAt(changes, w.last(), "bo"); view.State != contact.StateHeld || view.Agent != "anna" || view.ConnectedBy != 1 || len(agents[0].Contacts) != 0 {
				t.Errorf("shown are %+v, %+v", view, agents)
			}
		})
	}
}

// A new leader lets the asking of before end, and tells the node.
func TestATakeOverEndsAConsultation(t *testing.T) {
	t.Parallel()
	w, orders, changes := talking(t)
	w.send(contact.Consult{Contact: "k1", Agent: "anna", To: contact.Destination{Agent: "bo"}})
	w.next(orders, bus.OrderConsult, 2, "bo")
	w.leader.stop()
	w.lead()
	w.next(orders, bus.OrderConsultEnd, 2, "bo")
	if o := <-orders; o.Kind != bus.OrderReconcile {
		t.Errorf("ordered %+v", o)
	}
	if view, agents := w.shownAt(changes, w.last(), "anna", "bo"); view.Agent != "anna" || view.Consult != nil || agents[1].Offer != 0 {
		t.Errorf("shown are %+v, %+v", view, agents)
	}
	state, err := w.bus.AskNodeState(testContext(t), "node-1")
	if err != nil || len(state.Contacts) != 1 || state.Contacts[0].State != contact.StateHeld || state.Contacts[0].Consult != nil {
		t.Errorf("the node is to have %+v: %v", state, err)
	}
}

// Who chose to be called back is let go, and agents are asked about him without a word to any node: he is dialled
// by the node of the agent who accepts. When he rings again, his new node rings whoever is asked.
func TestACallbackIsOrderedOnlyWhenItIsDialled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders, others := w.orders("node-1"), w.orders("node-2")
	w.lead()
	offering := rules
	offering.OfferCallbacks, offering.DialsPerContact, offering.DialsPerHour, offering.RetryAfter = true, 3, 100, 1
	w.send(contact.ChangeRules{Rules: offering})
	command := arrive("k1")
	command.Contact.Callable = true
	w.send(command, contact.Greet{Contact: "k1"}, enqueue("k1"), contact.ScheduleCallback{Contact: "k1"})
	w.next(orders, bus.OrderRelease, 0, "")
	w.agents("anna")
	w.send(contact.TakeCallback{Contact: "k1", Agent: "anna", Node: "node-2"})
	w.next(others, bus.OrderDial, 1, "anna")
	w.send(contact.FailDial{Offer: 1, Reason: contact.DialBusy})
	w.next(others, bus.OrderWithdraw, 1, "anna")
	w.send(contact.Rejoin{Contact: "k1", Node: "node-1", Leg: "again"})
	for o := range orders { // what was said to the node about offers of the call-back means nothing to it
		if o.Kind == bus.OrderRing {
			if o.Agent != "anna" {
				t.Errorf("ordered %+v", o)
			}
			return
		}
		if o.Kind != bus.OrderWithdraw {
			t.Errorf("ordered %+v", o)
		}
	}
}
