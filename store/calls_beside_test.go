package store

import (
	"reflect"
	"testing"

	"svar/contact"
	"svar/report"
)

// What the desk called, who listened to whom and who was marked is read back in pages, by time, agent and contact.
func TestTheLogOfCalls(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	line := call("k", after(0)).Line
	j.record(after(0), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(2), contact.ContactConnected{Contact: "k", Offer: 1, Agent: "anna", Leg: "agent-leg"})
	j.record(after(5), contact.OutsideCalled{Contact: "k", Offer: 2, Agent: "anna", To: "supplier", Expires: after(35)})
	j.record(after(9), contact.OutsideEnded{Contact: "k", Offer: 2, To: "supplier", Failure: contact.DialBusy})
	j.record(after(10), contact.OutsideCalled{Contact: "k", Offer: 3, Agent: "anna", To: "supplier", Blind: true, Expires: after(40)})
	j.record(after(14), contact.OutsideAnswered{Contact: "k", Offer: 3, To: "supplier", Leg: "outside"})
	j.record(after(20), contact.SupervisionChanged{Contact: "k", Supervisor: "eva", Mode: contact.SuperviseListen})
	j.record(after(30), contact.SupervisionChanged{Contact: "k", Supervisor: "eva", Mode: contact.SuperviseBarge})
	j.record(after(40), contact.SupervisionChanged{Contact: "k", Supervisor: "eva"}, contact.ContactMarked{Contact: "k", Agent: "anna", Mark: contact.MarkThreat})
	j.record(after(50), contact.ContactHandedOver{Contact: "k", Agent: "anna", To: "supplier", Offer: 3})
	// Bo calls somebody, whom Anna has in the end; and somebody who is not reached. Both at one moment.
	ours := call("ours", after(60))
	ours.Outgoing = true
	vain := ours
	vain.ID = "vain"
	j.record(after(60), contact.CallPlaced{Contact: ours, Node: "node-1", Leg: "leg", Agent: "bo", Offer: 4, Expires: after(90)})
	j.record(after(60), contact.CallPlaced{Contact: vain, Node: "node-1", Leg: "leg", Agent: "bo", Offer: 5, Expires: after(90)})
	j.record(after(65), contact.ContactConnected{Contact: "ours", Offer: 4, Agent: "bo", Leg: "agent-leg"}, contact.ContactMarked{Contact: "ours", Agent: "bo", Mark: contact.MarkNuisance})
	j.record(after(70), contact.SupervisionChanged{Contact: "ours", Supervisor: "eskil", Mode: contact.SuperviseWhisper})
	j.record(after(72), contact.ContactClosed{Contact: "vain", End: contact.EndNotReached, Failure: contact.DialNoAnswer, Agent: "bo", Waited: 12_000})
	j.record(after(80), contact.ContactTransferred{Contact: "ours", Offer: 4, Agent: "bo", To: contact.Destination{Agent: "anna"}})
	j.record(after(85), contact.ContactConnected{Contact: "ours", Offer: 6, Agent: "anna", Leg: "agent-leg"})

	all := report.CallFilter{From: after(0), To: after(3600), Limit: 10}
	calls, err := s.OutgoingCalls(t.Context(), all)
	wantCalls := []report.OutgoingCall{
		{Key: "vain", Contact: "vain", Line: line, Agent: "bo", Called: after(60), Ended: after(72), Failure: contact.DialNoAnswer},
		{Key: "ours", Contact: "ours", Line: line, Agent: "bo", Called: after(60), Answered: after(65)},
		{Key: "k.3", Contact: "k", Line: line, Agent: "anna", Destination: "supplier", Blind: true, TookOver: true, Called: after(10), Answered: after(14), Ended: after(50)},
		{Key: "k.2", Contact: "k", Line: line, Agent: "anna", Destination: "supplier", Called: after(5), Ended: after(9), Failure: contact.DialBusy},
	}
	if err != nil || !reflect.DeepEqual(calls, wantCalls) {
		t.Errorf("calls, %v:\n got %+v\nwant %+v", err, calls, wantCalls)
	}
	supervisions, err := s.Supervisions(t.Context(), all)
	if err != nil || len(supervisions) != 3 {
		t.Fatalf("supervisions are %+v, %v", supervisions, err)
	}
	wantSupervisions := []report.Supervision{
		{Key: supervisions[0].Key, Contact: "ours", Line: line, Supervisor: "eskil", Agents: []contact.AgentID{"bo", "anna"}, Mode: contact.SuperviseWhisper, Begun: after(70)},
		{Key: supervisions[1].Key, Contact: "k", Line: line, Supervisor: "eva", Agents: []contact.AgentID{"anna"}, Mode: contact.SuperviseBarge, Begun: after(30), Ended: after(40)},
		{Key: supervisions[2].Key, Contact: "k", Line: line, Supervisor: "eva", Agents: []contact.AgentID{"anna"}, Mode: contact.SuperviseListen, Begun: after(20), Ended: after(30)},
	}
	if !reflect.DeepEqual(supervisions, wantSupervisions) {
		t.Errorf("supervisions:\n got %+v\nwant %+v", supervisions, wantSupervisions)
	}
	marks, err := s.Marks(t.Context(), all)
	wantMarks := []report.MarkedContact{
		{Key: "ours.nuisance", Contact: "ours", Line: line, Mark: contact.MarkNuisance, Agent: "bo", At: after(65)},
		{Key: "k.threat", Contact: "k", Line: line, Mark: contact.MarkThreat, Agent: "anna", At: after(40)},
	}
	if err != nil || !reflect.DeepEqual(marks, wantMarks) {
		t.Errorf("marks, %v:\n got %+v\nwant %+v", err, marks, wantMarks)
	}

	// counted is how many of each there are.
	counted := func(change func(*report.CallFilter)) [3]int {
		t.Helper()
		f := all
		change(&f)
		calls, err1 := s.OutgoingCalls(t.Context(), f)
		supervisions, err2 := s.Supervisions(t.Context(), f)
		marks, err3 := s.Marks(t.Context(), f)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		return [3]int{len(calls), len(supervisions), len(marks)}
	}
	for _, test := range []struct {
		name   string
		change func(*report.CallFilter)
		want   [3]int
	}{
		{"a minute", func(f *report.CallFilter) { f.From, f.To = after(5), after(60) }, [3]int{2, 2, 1}},
		{"up to an instant", func(f *report.CallFilter) { f.To = after(10) }, [3]int{1, 0, 0}},
		{"who called, or was listened to", func(f *report.CallFilter) { f.Agent = "anna" }, [3]int{2, 3, 1}},
		{"who listened", func(f *report.CallFilter) { f.Agent = "eva" }, [3]int{0, 2, 0}},
		{"a contact", func(f *report.CallFilter) { f.Contact = "ours" }, [3]int{1, 1, 1}},
		{"a page", func(f *report.CallFilter) { f.Limit = 1 }, [3]int{1, 1, 1}},
		{"after one of two of a moment", func(f *report.CallFilter) { f.Before, f.BeforeKey = after(60), "vain" }, [3]int{3, 2, 1}},
		{"after the last", func(f *report.CallFilter) { f.Before, f.BeforeKey = after(5), "k.2" }, [3]int{0, 0, 0}},
	} {
		if got := counted(test.change); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
