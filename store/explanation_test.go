package store

import (
	"reflect"
	"slices"
	"testing"

	"svar/contact"
	"svar/report"
)

// What was recorded of a contact is read back as it was, and nothing of others.
func TestRecordedOfAContact(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	arrived := contact.ContactArrived{Contact: call("0190-a", after(0)), Node: "node-1", Leg: "leg"}
	other := contact.ContactArrived{Contact: call("0190-b", after(0)), Node: "node-1", Leg: "leg"}
	offered := contact.ContactOffered{Contact: "0190-a", Offer: 1, Agent: "anna", Expires: after(20), Why: contact.Why{Candidates: 2, Rule: contact.LongestIdle}}
	j.record(after(1), arrived, other)
	j.record(after(2), contact.PresenceChanged{Agent: "anna", Presence: contact.Ready}, offered)
	got, err := s.Recorded(t.Context(), "0190-a")
	want := []report.Recorded{{Sequence: 1, At: after(1), Event: arrived}, {Sequence: 2, At: after(2), Event: offered}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := s.Recorded(t.Context(), "nobody"); err != nil || len(got) != 0 {
		t.Errorf("of nobody: %+v, %v", got, err)
	}
	for prefix, want := range map[string][]contact.ID{
		"0190-a": {"0190-a"}, "0190": {"0190-a", "0190-b"}, "": {"0190-a", "0190-b"}, "0191": nil, "%": nil, "0190_": nil,
	} {
		if got, err := s.ContactsBeginning(t.Context(), prefix, 2); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", prefix, got, err, want)
		}
	}
	if got, err := s.ContactsBeginning(t.Context(), "0190", 1); err != nil || len(got) != 1 {
		t.Errorf("at most one: %v, %v", got, err)
	}
}
