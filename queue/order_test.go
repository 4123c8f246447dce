package queue

import (
	"testing"

	"svar/contact"
)

// The alarms of contacts that are gone are not kept until their time comes.
func TestVoidAlarmsAreSwept(t *testing.T) {
	t.Parallel()
	e := New()
	rules := DefaultRules()
	rules.Groups = []contact.GroupRule{{Group: "sv", Relax: []contact.Relaxation{{After: 24 * 3600_000, Kind: contact.RelaxAnyone}}}}
	step := func(command contact.Command) {
		t.Helper()
		if _, err := e.Step(command, 1000); err != nil {
			t.Fatal(err)
		}
	}
	step(contact.ChangeRules{Rules: rules})
	stays := contact.ID("stays")
	for n := range 3 * minSweep {
		id := contact.ID(rune(0x4e00 + n))
		if n == 0 {
			id = stays
		}
		step(contact.Arrive{Contact: contact.Contact{ID: id, Channel: contact.Voice, Arrived: 1}, Node: "node-1", Leg: "leg"})
		step(contact.Enqueue{Contact: id, Needs: contact.Needs{{Skill: "sv", Level: 1}}, Target: 1000})
		if id != stays {
			step(contact.Leave{Contact: id})
		}
	}
	if len(e.alarms) > minSweep+1 {
		t.Errorf("%d alarms for one contact", len(e.alarms))
	}
	if at, due := e.Deadline(); !due || at != 1000+24*3600_000 {
		t.Errorf("the alarm of the one that stays is at %d (%v)", at, due)
	}
}

// What is remembered of who handled what is bounded in number and in time, the oldest is forgotten first,
// and what was handled again is as new.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var m memory
	person := func(n int) handled { return handled{Person: contact.PersonID(rune(0x4e00 + n))} }
	note := func(n int, at, before contact.Instant) {
		h := person(n)
		h.Agent, h.At = "anna", at
		m.note(h, before)
	}
	knows := func(n int) bool { _, known := m.last[person(n)]; return known }
	for n := range maxHandled {
		note(n, contact.Instant(n+1), 0)
	}
	note(0, maxHandled+1, 0)
	note(maxHandled, maxHandled+2, 0)
	if len(m.last) != maxHandled || !knows(0) || knows(1) || !knows(2) || !knows(maxHandled) {
		t.Errorf("%d are remembered, the first %v, the second %v", len(m.last), knows(0), knows(1))
	}
	for n := range 5 * maxHandled { // the same again and again
		note(0, contact.Instant(2*maxHandled+n), 0)
	}
	if len(m.noted) > 2*maxHandled || len(m.list()) != maxHandled {
		t.Errorf("%d notes, %d in the list", len(m.noted), len(m.list()))
	}
	note(7, 10*maxHandled, 10*maxHandled-1)
	if len(m.last) != 1 || !knows(7) {
		t.Errorf("%d are remembered after their time", len(m.last))
	}
}

// The lines that contacts stood in while they were kept for somebody are gone with them.
func TestLinesOfKeepingsAreForgotten(t *testing.T) {
	t.Parallel()
	e := New()
	for n := range 3 {
		c := &entry{ContactState: ContactState{Contact: contact.Contact{ID: contact.ID(rune('a' + n)), Channel: contact.Voice}}}
		e.keep(c, contact.AgentID(rune('a'+n)), 0, contact.Preferred)
		e.lineUp(c)
		e.restand(c, func() { e.unkeep(c) })
	}
	if len(e.lines) != 1 || len(e.byRanking) != 1 || len(e.keptFor) != 0 {
		t.Errorf("%d lines of %d rankings, %d agents", len(e.lines), len(e.byRanking), len(e.keptFor))
	}
}
