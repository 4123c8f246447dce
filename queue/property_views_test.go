package queue_test

import (
	"reflect"
	"slices"

	"svar/contact"
	"svar/queue"
)

// shown is what is shown of the queue outside it.
type shown struct {
	contacts map[contact.ID]any
	agents   map[contact.AgentID]any
}

// views returns what is shown of every contact and agent, without what is the engine's own business.
func views(e *queue.Engine) shown {
	out := shown{map[contact.ID]any{}, map[contact.AgentID]any{}}
	for _, k := range e.Contacts() {
		k.NeedsSince, k.QueuedClass, k.SentBy, k.AgentLeg, k.TakenAt, k.LapseCode, k.Measured, k.PassedOver = 0, 0, "", "", 0, "", nil, nil
		look := e.Outlook(k.Contact.ID)
		look.Class, look.Risen = 0, false // whoever looks reckons them from RisesAt
		out.contacts[k.Contact.ID] = struct {
			queue.ContactState
			queue.Outlook
		}{k, look}
	}
	for _, a := range e.Agents() {
		reachable := a.Reachable()
		a.Nodes, a.Gone, a.ReadySince, a.UnreachableSince, a.IdleSince, a.MissedInRow, a.Declined = nil, false, 0, 0, 0, 0, 0
		out.agents[a.Agent] = struct {
			queue.AgentState
			reachable bool
		}{a, reachable}
	}
	return out
}

// tells checks that the events name every contact and agent whose view they change: what they do not name
// would be shown as it was until somebody asks for everything.
func (c *checker) tells(before shown, events []contact.Event) {
	contacts, agents, everything := queue.Changed(events)
	if everything {
		return
	}
	after := views(c.engine)
	for id, now := range after.contacts {
		if !slices.Contains(contacts, id) && !reflect.DeepEqual(before.contacts[id], now) {
			c.t.Fatalf("%#v does not name %s:\n%+v\n%+v", events, id, before.contacts[id], now)
		}
	}
	for id := range before.contacts {
		if _, open := after.contacts[id]; !open && !slices.Contains(contacts, id) {
			c.t.Fatalf("%#v does not name %s, which is over", events, id)
		}
	}
	for id, now := range after.agents {
		if !slices.Contains(agents, id) && !reflect.DeepEqual(before.agents[id], now) {
			c.t.Fatalf("%#v does not name %s:\n%+v\n%+v", events, id, before.agents[id], now)
		}
	}
	for id := range before.agents {
		if _, known := after.agents[id]; !known && !slices.Contains(agents, id) {
			c.t.Fatalf("%#v does not name %s, who is gone", events, id)
		}
	}
}
