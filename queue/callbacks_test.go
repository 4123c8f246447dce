package queue

import (
	"errors"
	"fmt"
	"testing"

	"svar/contact"
)

// What broken calls leave behind is bounded: the memory of every node holds it.
func TestCallbacksAreBounded(t *testing.T) {
	t.Parallel()
	e := New()
	const arrived = maxCallbacks + 7
	for n := range arrived {
		c := contact.Contact{
			ID: contact.ID(fmt.Sprintf("c%05d", n)), Channel: contact.Voice, Line: "staff", Language: "sv", Callable: true, Arrived: 1,
		}
		if _, err := e.Step(contact.Arrive{Contact: c, Node: "node", Leg: contact.LegID(fmt.Sprintf("l%05d", n))}, 1); err != nil {
			t.Fatal(err)
		}
	}
	events, err := e.Step(contact.ReportNode{Node: "node", Restarted: true}, 2)
	if err != nil {
		t.Fatal(err)
	}
	dropped, closed := 0, 0
	for _, event := range events {
		switch event := event.(type) {
		case contact.ContactDropped:
			dropped++
		case contact.ContactClosed:
			if event.End != contact.EndDropped {
				t.Errorf("closed as %s", event.End)
			}
			closed++
		}
	}
	if dropped != maxCallbacks || closed != arrived-maxCallbacks {
		t.Errorf("%d call-backs and %d closed, want %d and %d", dropped, closed, maxCallbacks, arrived-maxCallbacks)
	}
	// Nor may one more choose to be called back: he is told so, and stays on the line.
	late := contact.Contact{ID: "late", Channel: contact.Voice, Line: "staff", Language: "sv", Callable: true, Arrived: 3}
	for _, command := range []contact.Command{contact.Arrive{Contact: late, Node: "node", Leg: "leg"}, contact.Greet{Contact: "late"}} {
		if _, err := e.Step(command, 3); err != nil {
			t.Fatal(err)
		}
	}
	_, err = e.Step(contact.ScheduleCallback{Contact: "late"}, 3)
	if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || rejection.Code != contact.WrongState {
		t.Errorf("one more call-back: %v", err)
	}
	// One who rings again, or is done with, makes room for one more; so it is after a restart too.
	for _, command := range []contact.Command{
		contact.ChangeRules{Rules: contact.Rules{OfferTimeout: 1, ConnectTimeout: 1, OutcomeCodes: []contact.OutcomeCode{"solved"}}},
		contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna"}}}},
		contact.SetReachable{Agent: "anna", Node: "node", Reachable: true},
		contact.SetPresence{Agent: "anna", Presence: contact.Paused},
		contact.Rejoin{Contact: "c00000", Node: "node", Leg: "again"},
		contact.Finish{Contact: "c00001", Agent: "anna", Code: "solved"},
		contact.ScheduleCallback{Contact: "late"},
		contact.ScheduleCallback{Contact: "c00000"},
	} {
		if _, err := e.Step(command, 4); err != nil {
			t.Fatalf("%#v: %v", command, err)
		}
	}
	snapshot, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if e.callbacks != maxCallbacks || again.callbacks != maxCallbacks {
		t.Errorf("%d call-backs are counted, %d after a restart, of %d", e.callbacks, again.callbacks, maxCallbacks)
	}
}
