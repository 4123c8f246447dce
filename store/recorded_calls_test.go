package store

import (
	"reflect"
	"strings"
	"testing"

	"svar/contact"
	"svar/report"
)

// Recorded calls are found by when they came, who had them and what they were about, for as long as their recording is kept.
func TestRecordedCallsAreFound(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	number := openTicket(t, s, formDraft(), nil)
	recorded := func(id contact.ID, at, keep int, agents ...contact.AgentID) {
		t.Helper()
		c := call(id, after(at))
		j.record(after(at), contact.ContactArrived{Contact: c, Node: "node-1", Leg: "leg"})
		for n, agent := range agents {
			j.record(after(at+1+n), contact.ContactConnected{Contact: id, Offer: contact.OfferID(at + n), Agent: agent, Leg: "agent-leg"})
		}
		e := contact.RecordingChanged{Contact: id, Recording: contact.RecordingEnded, File: string(id) + ".wav", SHA256: strings.Repeat("0", 64), Bytes: 44, Length: 2_000}
		if keep > 0 {
			e.DeleteAfter = after(keep)
		}
		j.record(after(at+9), e)
	}
	recorded("one", 0, 1_000, "anna")
	recorded("two", 20, 0, "bo", "anna")
	recorded("due", 40, 90, "anna")
	recorded("gone", 60, 1_000, "anna")
	if err := s.MarkRecordingDeleted(t.Context(), "gone", "gone.wav", after(70)); err != nil {
		t.Fatal(err)
	}
	j.record(after(80), contact.ContactArrived{Contact: call("unrecorded", after(80)), Node: "node-1", Leg: "leg"})
	recorded("three", 90, 1_000, "bo")
	// A second file of the same call, a longer one.
	j.record(after(99), contact.RecordingChanged{Contact: "three", Recording: contact.RecordingEnded, File: "three-2.wav", SHA256: strings.Repeat("0", 64), Bytes: 44, Length: 5_000})
	j.record(after(100), contact.ContactHungUp{Contact: "one", Agent: "anna", By: contact.PartyAgent},
		contact.ContactClosed{Contact: "one", End: contact.EndHandled, Agent: "anna", Ticket: number})
	if err := s.LinkContact(t.Context(), number, "two", "anna", after(101)); err != nil {
		t.Fatal(err)
	}

	all := report.RecordedCallFilter{To: after(1_000), Now: after(100), Limit: 10}
	list := func(change func(*report.RecordedCallFilter)) string {
		t.Helper()
		filter := all
		change(&filter)
		calls, err := s.RecordedCalls(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range calls {
			ids = append(ids, string(c.Contact))
		}
		return strings.Join(ids, " ")
	}
	for _, test := range []struct {
		name   string
		change func(*report.RecordedCallFilter)
		want   string
	}{
		{"all", func(*report.RecordedCallFilter) {}, "three two one"},
		{"before it was due", func(f *report.RecordedCallFilter) { f.Now = after(89) }, "three due two one"},
		{"a day", func(f *report.RecordedCallFilter) { f.From, f.To = after(20), after(90) }, "two"},
		{"an agent's", func(f *report.RecordedCallFilter) { f.Agent = "anna" }, "two one"},
		{"a ticket's, closed with it and linked", func(f *report.RecordedCallFilter) { f.Ticket = number }, "two one"},
		{"another ticket's", func(f *report.RecordedCallFilter) { f.Ticket = "SD-1" }, ""},
		{"one contact's", func(f *report.RecordedCallFilter) { f.Contact = "two" }, "two"},
		{"one that was not recorded", func(f *report.RecordedCallFilter) { f.Contact = "unrecorded" }, ""},
		{"a page", func(f *report.RecordedCallFilter) { f.Limit = 2 }, "three two"},
		{"the next page", func(f *report.RecordedCallFilter) { f.Before = "two" }, "one"},
		{"after one that is not there", func(f *report.RecordedCallFilter) { f.Before = "nothing" }, ""},
	} {
		if got := list(test.change); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	calls, err := s.RecordedCalls(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	want := []report.RecordedCall{
		{Contact: "three", Line: calls[0].Line, Agents: []contact.AgentID{"bo"}, Arrived: after(90), Length: 5_000},
		{Contact: "two", Line: calls[1].Line, Agents: []contact.AgentID{"bo", "anna"}, Arrived: after(20), Length: 2_000},
		{Contact: "one", Line: calls[2].Line, Agents: []contact.AgentID{"anna"}, Ticket: number, Arrived: after(0), Length: 2_000, DeleteAfter: after(1_000)},
	}
	if !reflect.DeepEqual(calls, want) {
		t.Errorf("got %+v\nwant %+v", calls, want)
	}
}
