package agentui

import (
	"slices"
	"testing"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// The queue is shown in the order in which the engine serves it: who has waited his way up, who lost his
// agent, and a mail that waited overnight by the hours in which the desk was open.
func TestQueueIsShownInTheOrderOfTheEngine(t *testing.T) {
	t.Parallel()
	now := contact.InstantOf(time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)) // 08:00 in Stockholm
	desk := contact.HoursRule{ID: "desk", Zone: "Europe/Stockholm"}
	for day := range desk.Weekly {
		desk.Weekly[day] = []contact.DayWindow{{From: 7 * 3600_000, To: 22 * 3600_000}}
	}
	contacts := map[contact.ID]bus.ContactView{}
	waits := func(id contact.ID, ago, target contact.Millis, change func(*bus.ContactView)) {
		view := bus.ContactView{Contact: contact.Contact{ID: id, Arrived: now.Add(-ago)}, State: contact.StateWaiting, Target: target, Place: uint64(len(contacts))}
		change(&view)
		contacts[id] = view
	}
	const minute = contact.Millis(60_000)
	waits("mail", 10*60*minute, 8*60*minute, func(v *bus.ContactView) { v.Hours = "desk" }) // one of its ten hours counts: 12.5 %
	waits("call", minute/2, minute, func(*bus.ContactView) {})
	waits("lost", 1, minute, func(v *bus.ContactView) { v.Returned = true })
	waits("risen", minute, minute, func(v *bus.ContactView) { v.RisesAt = now })
	waits("priority", 1, minute, func(v *bus.ContactView) { v.Class = contact.ClassPriorityLine })
	rows, _ := queueRows(contacts, contact.Rules{Hours: []contact.HoursRule{desk}}, now)
	var shown []contact.ID
	for _, row := range rows {
		shown = append(shown, row.Contact)
	}
	if want := []contact.ID{"priority", "risen", "lost", "call", "mail"}; !slices.Equal(shown, want) {
		t.Errorf("shown as %v, want %v", shown, want)
	}
}
