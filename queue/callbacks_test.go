package queue

import (
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
}
