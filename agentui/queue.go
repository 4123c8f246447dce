package agentui

import (
	"cmp"
	"slices"

	"svar/contact"
	"svar/queue/bus"
	"svar/routing"
)

// maxQueueRows bounds what one state carries of the queue; the first to be served are shown.
const maxQueueRows = 50

// queueRows returns the first of those that wait, in the order in which they will be served
// as far as it is now, and how many wait in all.
func queueRows(contacts map[contact.ID]bus.ContactView, rules contact.Rules, now contact.Instant) (rows []QueueRow, length int) {
	first := make([]bus.ContactView, 0, maxQueueRows+1)
	for _, view := range contacts {
		if !queues(view, rules, now) {
			continue
		}
		length++
		order := func(a, b bus.ContactView) int { return byUrgency(a, b, now) }
		if len(first) == maxQueueRows && order(first[maxQueueRows-1], view) <= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, view, order)
		first = slices.Insert(first, at, view)
		first = first[:min(len(first), maxQueueRows)]
	}
	rows = make([]QueueRow, len(first))
	for i, view := range first {
		c := view.Contact
		rows[i] = QueueRow{
			Contact: c.ID, Channel: c.Channel, Line: c.Line, Service: c.Service, Party: c.Party, Class: view.Class,
			Language: c.Language, Arrived: c.Arrived, TargetMs: view.Target, Offered: view.State == contact.StateOffered,
			Needs: append(contact.Needs{}, view.StillNeeded...), Relaxed: view.Relaxed, RelaxesAt: view.RelaxesAt, RelaxesTo: view.RelaxesTo,
			RisesAt: view.RisesAt, Residents: view.Residents, Prefer: view.Prefer, PreferUntil: view.PreferUntil, Callback: view.Callback,
		}
	}
	return rows, length
}

// queues reports whether the contact waits in the queue: a call-back does when agents are offered
// it, which a promised one is not before its time.
func queues(view bus.ContactView, rules contact.Rules, now contact.Instant) bool {
	if view.State != contact.StateWaiting && view.State != contact.StateOffered {
		return false
	}
	return !view.Callback || view.State == contact.StateOffered || rules.OfferCallbacks && !view.Exhausted && view.DueAt <= now
}

// byUrgency orders those that wait as the engine does.
func byUrgency(a, b bus.ContactView, now contact.Instant) int {
	return cmp.Or(routing.CompareClaims(claim(a, now), claim(b, now)), cmp.Compare(a.Contact.ID, b.Contact.ID))
}

func claim(v bus.ContactView, now contact.Instant) routing.Claim {
	class := v.Class
	if v.RisesAt != 0 && v.RisesAt <= now {
		class++
	}
	return routing.Claim{
		Class: class, Returned: v.Returned, Waited: max(0, now.Sub(v.Contact.Arrived)), Target: v.Target,
		Arrived: v.Contact.Arrived, Place: v.Place,
	}
}
