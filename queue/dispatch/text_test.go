package dispatch

import (
	"slices"
	"testing"

	"svar/contact"
	"svar/queue/bus"
)

// A mail is on no node: nobody is ordered to do anything, and the consoles see all of it.
func TestAMailFromArrivalToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders, changes := w.orders("node-1"), w.changes()
	first, decided := w.begin(0)
	<-decided.Ready()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	mail := contact.Arrive{Contact: arrive("m1").Contact}
	mail.Contact.Channel, mail.Contact.Ticket = contact.Mail, "SD-100234"
	w.send(mail, enqueue("m1"), contact.AcceptOffer{Offer: 1, Agent: "anna"}, contact.Reply{Contact: "m1", Agent: "anna"})

	first.stop() // a successor calls the nodes of open contacts
	second, succeeded := w.begin(0)
	<-succeeded.Ready()
	w.send(contact.ReportNode{Node: "node-1", Legs: []contact.LegID{}}, contact.Finish{Contact: "m1", Agent: "anna", Ticket: "SD-100234"})

	var states []contact.State
	var answered contact.Instant
	for change := range changes {
		for _, view := range change.Contacts {
			states = append(states, view.State)
			answered = max(answered, view.Answered)
			if view.Node != "" || view.Leg != "" || view.Place != 1 {
				t.Errorf("the mail is shown as %+v", view)
			}
		}
		for _, view := range change.Agents {
			if view.Offer != 0 && !slices.Equal(view.Contacts, []contact.ID{"m1"}) {
				t.Errorf("asked for the mail, anna is shown as %+v", view)
			}
		}
		if len(states) > 0 && states[len(states)-1] == contact.StateClosed {
			break
		}
	}
	want := []contact.State{contact.StateArrived, contact.StateOffered, contact.StateConnected, contact.StateClosed}
	if states = slices.Compact(states); !slices.Equal(states, want) || answered == 0 {
		t.Errorf("the consoles saw %v, answered at %d", states, answered)
	}
	second.stop()
	if len(orders)+len(decided.numbers)+len(succeeded.numbers) > 0 {
		t.Errorf("%d orders came, by leaders who counted %v and %v", len(orders), decided.numbers, succeeded.numbers)
	}
}

// The node of the agent's console dials, and has the contact from then on.
func TestACallbackIsDialledByItsNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.orders("node-1"), w.orders("node-2")
	w.lead()
	dialling := rules
	dialling.DialsPerContact, dialling.DialsPerHour = 2, 10
	w.send(contact.ChangeRules{Rules: dialling})
	call := arrive("k1")
	call.Contact.Callable = true
	w.send(call, contact.Drop{Contact: "k1"})
	if release := <-first; release.Kind != bus.OrderRelease || release.Contact != "k1" {
		t.Errorf("got %+v when it broke", release)
	}
	w.agents("anna")
	take := contact.TakeCallback{Contact: "k1", Agent: "anna", Node: "node-2", Confirmed: true}
	w.send(take, take)
	dial := <-second
	if want := (bus.Order{
		Epoch: 1, Sequence: dial.Sequence, Index: dial.Index, Number: 1, Kind: bus.OrderDial, Contact: "k1", Offer: 1, Agent: "anna", Leg: "leg-k1", Confirmed: true,
	}); dial != want {
		t.Errorf("ordered %+v, want %+v", dial, want)
	}
	state, err := w.bus.AskNodeState(testContext(t), "node-2")
	if err != nil || len(state.Contacts) != 1 {
		t.Fatalf("node-2 is told %+v, %v", state, err)
	}
	if c := state.Contacts[0]; c.State != contact.StateDialling || c.Offer == nil || c.Offer.Agent != "anna" || !c.Offer.Confirmed || !c.Callback || len(c.Dials) != 1 {
		t.Errorf("while it is dialled it is shown as %+v", c)
	}
	w.send(contact.FailDial{Offer: 1, Reason: contact.DialBusy})
	if withdraw := <-second; withdraw.Kind != bus.OrderWithdraw || withdraw.Offer != 1 || withdraw.Number != 2 {
		t.Errorf("got %+v when it was busy", withdraw)
	}
	w.send(take, contact.ConfirmConnected{Offer: 2, Leg: "leg-anna"})
	if again := <-second; again.Kind != bus.OrderDial || again.Offer != 2 {
		t.Errorf("got %+v when it was tried again", again)
	}
	w.send(contact.HangUp{Contact: "k1", Agent: "anna"})
	if release := <-second; release.Kind != bus.OrderRelease {
		t.Errorf("got %+v at its end", release)
	}
	if len(first) > 0 {
		t.Errorf("%d orders to the node that had it before", len(first))
	}
}

// Whoever writes with a user needs no leg; nobody hears an agent without one.
func TestAChatIsConnectedWithoutALegAndACallIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := w.orders("node-1")
	w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna", "bo")
	chat := arrive("k1")
	chat.Contact.Channel = contact.Chat
	w.send(chat, enqueue("k1"))
	ring := <-orders
	w.send(contact.AcceptOffer{Offer: ring.Offer, Agent: ring.Agent}, contact.ConfirmConnected{Offer: ring.Offer})
	state, err := w.bus.AskNodeState(testContext(t), "node-1")
	if err != nil || len(state.Contacts) != 1 || state.Contacts[0].State != contact.StateConnected {
		t.Fatalf("node-1 is told %+v, %v", state, err)
	}

	w.call("k2")
	for ring = range orders {
		if ring.Contact == "k2" {
			break
		}
	}
	w.send(contact.AcceptOffer{Offer: ring.Offer, Agent: ring.Agent})
	w.refused(contact.ConfirmConnected{Offer: ring.Offer}, contact.Invalid)
	w.send(contact.ConfirmConnected{Offer: ring.Offer, Leg: "leg-bo"})
}
