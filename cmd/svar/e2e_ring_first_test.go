package main

import (
	"slices"
	"testing"

	"svar/contact"
)

// A line that lets its callers ring first answers when the agent does, and charges nothing before.
func TestALineRingsFirst(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	records, anna := app.records(t), app.agent(t, ringFirstDesk)
	anna.Ready()
	caller := dial(t, call{scenario: "rings-first", to: app.phone.Address(), number: ringFirstDesk.number})
	card := anna.Ring()
	talk := anna.Accept(card)
	anna.HangUp(talk)
	caller.Wait() // its scenario fails without 180 before 200
	anna.Finish(talk.Contact, "solved")
	closed := records.closed(t, ringFirstDesk.id)
	events := names(closed)
	if queued, greeted, accepted := slices.Index(events, "contact-queued"), slices.Index(events, "contact-greeted"),
		slices.Index(events, "offer-accepted"); queued < 0 || greeted < accepted || accepted < queued || closed.End != contact.EndHandled {
		t.Errorf("it ended as %s after %v; it waits, is accepted, and only then answered", closed.End, events)
	}
}
