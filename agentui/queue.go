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
	clocks := clocksOf(rules)
	first := make([]turn, 0, maxQueueRows+1)
	for _, view := range contacts {
		if !queues(view, rules, now) {
			continue
		}
		length++
		own := turn{view: view, claim: claim(view, clocks[view.Hours], now)}
		if len(first) == maxQueueRows && byUrgency(first[maxQueueRows-1], own) <= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, own, byUrgency)
		first = slices.Insert(first, at, own)
		first = first[:min(len(first), maxQueueRows)]
	}
	rows = make([]QueueRow, len(first))
	for i, turn := range first {
		view, c := turn.view, turn.view.Contact
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

// turn is a contact that waits, with what decides whose turn it is.
type turn struct {
	view  bus.ContactView
	claim routing.Claim
}

// byUrgency orders those that wait as the engine does.
func byUrgency(a, b turn) int {
	return cmp.Or(routing.CompareClaims(a.claim, b.claim), cmp.Compare(a.view.Contact.ID, b.view.Contact.ID))
}

// claim is what the contact has to say for being served before others, on its own clock; nil counts
// all of time.
func claim(v bus.ContactView, clock *contact.Clock, now contact.Instant) routing.Claim {
	class := v.Class
	if v.RisesAt != 0 && v.RisesAt <= now {
		class++
	}
	waited := now.Sub(v.Contact.Arrived)
	if clock != nil {
		waited = clock.At(now) - clock.At(v.Contact.Arrived)
	}
	return routing.Claim{
		Class: class, Returned: v.Returned, Waited: max(0, waited), Target: v.Target, Arrived: v.Contact.Arrived, Place: v.Place,
	}
}

// clocksOf returns a clock for each of the opening hours. The engine has taken the rules, so that each of
// them makes sense.
func clocksOf(rules contact.Rules) map[contact.HoursID]*contact.Clock {
	clocks := make(map[contact.HoursID]*contact.Clock, len(rules.Hours))
	for _, hours := range rules.Hours {
		if clock, err := contact.NewClock(hours); err == nil {
			clocks[hours.ID] = clock
		}
	}
	return clocks
}
