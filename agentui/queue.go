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
func queueRows(contacts map[contact.ID]bus.ContactView, now contact.Instant) (rows []QueueRow, length int) {
	first := make([]bus.ContactView, 0, maxQueueRows+1)
	for _, view := range contacts {
		if view.Callback || view.State != contact.StateWaiting && view.State != contact.StateOffered {
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
		}
	}
	return rows, length
}

// byUrgency orders those that wait as the engine does.
func byUrgency(a, b bus.ContactView, now contact.Instant) int {
	return cmp.Or(routing.CompareClaims(claim(a), claim(b), now), cmp.Compare(a.Contact.ID, b.Contact.ID))
}

func claim(v bus.ContactView) routing.Claim {
	return routing.Claim{Class: v.Class, Target: v.Target, Arrived: v.Contact.Arrived, Place: v.Place}
}
