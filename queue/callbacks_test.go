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
}
