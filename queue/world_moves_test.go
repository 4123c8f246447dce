package queue_test

import (
	"fmt"

	"svar/contact"
	"svar/queue"
)

// move draws what sends a contact on, or asks about it.
func (w *world) move() contact.Command {
	id, agent := w.call()
	switch w.pick("move", 12) {
	case 0:
		return contact.Transfer{Contact: id, Agent: agent, To: w.destination()}
	case 1:
		id, agent = w.text()
		return contact.Transfer{Contact: id, Agent: agent, To: w.destination()}
	case 2, 3, 4, 5:
		return contact.Consult{Contact: id, Agent: agent, To: w.destination()}
	case 6:
		id, agent = w.consulted()
		return contact.EndConsult{Contact: id, Agent: agent}
	case 7, 8:
		return contact.CompleteTransfer{Contact: id, Agent: agent}
	case 9:
		id, agent = w.held()
		return contact.HandOver{Contact: id, Agent: agent, To: "supplier"}
	default:
		id = w.callback()
		return contact.Rejoin{Contact: id, Node: w.node(), Leg: contact.LegID(fmt.Sprintf("leg-%s-%d", id, w.pick("leg", 100)))}
	}
}

// destination is a colleague or a group, or one that nobody can mean.
func (w *world) destination() contact.Destination {
	switch needs := w.needs(3); {
	case w.oneIn(2, "to an agent"):
		return contact.Destination{Agent: w.agent()}
	case w.oneIn(6, "outside"):
		return contact.Destination{Outside: "supplier"}
	case w.oneIn(8, "to neither"):
		return contact.Destination{Agent: w.agent(), Needs: needs}
	default:
		return contact.Destination{Needs: needs}
	}
}

// consulted names a contact that a colleague is asked about, with either of the two; else any.
func (w *world) consulted() (contact.ID, contact.AgentID) {
	for _, c := range w.engine.Contacts() {
		if c.Consult != nil && !w.oneIn(3, "another") {
			return c.Contact.ID, []contact.AgentID{c.Agent, c.Consult.With}[w.pick("which", 2)]
		}
	}
	return w.call()
}

// goOn draws what would come next at a desk that works: few contacts would come to an agent, and hardly one to
// a second, if everything were drawn alike.
func (w *world) goOn() contact.Command {
	for _, a := range w.engine.Agents() {
		if (a.Presence != contact.Ready || len(a.Channels) > 0) && a.Reachable() && !a.Gone && w.oneIn(2, "back at work") {
			return contact.SetPresence{Agent: a.Agent, Presence: contact.Ready}
		}
		if !a.Reachable() && !a.Gone && w.oneIn(4, "a console again") {
			return contact.SetReachable{Agent: a.Agent, Node: w.node(), Reachable: true}
		}
	}
	open := w.engine.Contacts()
	if len(open) == 0 {
		return w.arrive()
	}
	for _, c := range open {
		if c.Consult != nil && !w.oneIn(3, "another") {
			return w.next(c)
		}
	}
	return w.next(open[w.pick("goes on", len(open))])
}

// next is what would come next to the contact.
func (w *world) next(c queue.ContactState) contact.Command {
	id := c.Contact.ID
	switch {
	case c.State == contact.StateArrived, c.State == contact.StateGreeted:
		return contact.Enqueue{Contact: id, Target: 60_000}
	case c.Offer != nil && !c.Offer.Accepted:
		return contact.AcceptOffer{Offer: c.Offer.Offer, Agent: c.Offer.Agent}
	case c.Offer != nil:
		return contact.ConfirmConnected{Offer: c.Offer.Offer, Leg: "agent-leg"}
	case c.Consult != nil && !c.Consult.Accepted:
		return contact.AcceptOffer{Offer: c.Consult.Offer, Agent: c.Consult.With}
	case c.Consult != nil && !c.Consult.Connected:
		return contact.ConfirmConnected{Offer: c.Consult.Offer, Leg: "colleague-leg"}
	case c.Consult != nil && w.oneIn(3, "the colleague leaves"):
		return contact.EndConsult{Contact: id, Agent: c.Consult.With}
	case c.Consult != nil:
		return contact.CompleteTransfer{Contact: id, Agent: c.Agent}
	case c.State.Joined() && c.Contact.Channel == contact.Voice && !w.oneIn(4, "no consultation"):
		return contact.Consult{Contact: id, Agent: c.Agent, To: w.destination()}
	case c.State.Joined():
		return contact.Transfer{Contact: id, Agent: c.Agent, To: w.destination()}
	case c.State == contact.StateWrapUp:
		return contact.Finish{Contact: id, Agent: c.Agent, Ticket: "SD-100234"}
	case c.Callback:
		return contact.TakeCallback{Contact: id, Agent: w.agent(), Node: w.node()}
	default:
		return contact.Tick{}
	}
}
