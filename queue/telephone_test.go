package queue_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"svar/contact"
	"svar/queue"
)

// What cannot have happened around a call is refused by the fold: a damaged journal is not taken for the truth.
func TestApplyRefusesWhatNoTelephoneDoes(t *testing.T) {
	t.Parallel()
	call := contact.Contact{ID: "k1", Channel: contact.Voice, Line: "staff", Arrived: 1}
	out := contact.Contact{ID: "out", Channel: contact.Voice, Line: "staff", Outgoing: true, Arrived: 1}
	talk := []contact.Event{
		contact.ContactArrived{Contact: call, Node: "node-1", Leg: "leg"},
		contact.RosterChanged{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna"}, {ID: "bo"}}}},
		contact.ContactQueued{Contact: "k1", Target: 1000},
		contact.ContactOffered{Contact: "k1", Offer: 1, Agent: "anna", Expires: 100},
		contact.OfferAccepted{Contact: "k1", Offer: 1, Agent: "anna"},
		contact.ContactConnected{Contact: "k1", Offer: 1, Agent: "anna", Leg: "agent-leg"},
	}
	then := func(events []contact.Event, more ...contact.Event) []contact.Event {
		return append(slices.Clone(events), more...)
	}
	held := then(talk, contact.ContactHeld{Contact: "k1", Agent: "anna"})
	calledBy := func(offer contact.OfferID) contact.OutsideCalled {
		return contact.OutsideCalled{Contact: "k1", Offer: offer, Agent: "anna", To: "supplier", Expires: 100}
	}
	called := then(held, calledBy(2))
	answer := contact.OutsideAnswered{Contact: "k1", Offer: 2, To: "supplier", Leg: "outside"}
	answered := then(called, answer)
	three := contact.ConferenceChanged{Contact: "k1", Agent: "anna", On: true}
	listened := then(talk, contact.SupervisionChanged{Contact: "k1", Supervisor: "eva", Mode: contact.SuperviseListen})
	placed := contact.CallPlaced{Contact: out, Node: "node-1", Leg: "leg-out", Agent: "bo", Offer: 2, Expires: 100}
	for name, events := range map[string][]contact.Event{
		"called about a call not held":  then(talk, calledBy(2)),
		"called by another":             then(held, contact.OutsideCalled{Contact: "k1", Offer: 2, Agent: "bo", To: "supplier"}),
		"called twice":                  then(called, calledBy(3)),
		"answered, not called":          then(held, answer),
		"another place answers":         then(called, contact.OutsideAnswered{Contact: "k1", Offer: 2, To: "office", Leg: "outside"}),
		"answered twice":                then(answered, answer),
		"ended, not called":             then(held, contact.OutsideEnded{Contact: "k1", Offer: 2, To: "supplier"}),
		"taken over before it answers":  then(called, contact.ContactHandedOver{Contact: "k1", Agent: "anna", To: "supplier", Offer: 2}),
		"taken over by another call":    then(answered, contact.ContactHandedOver{Contact: "k1", Agent: "anna", To: "supplier", Offer: 3}),
		"hung up while it is called":    then(called, contact.ContactHungUp{Contact: "k1", Agent: "anna"}),
		"three of two":                  then(held, three),
		"three before it answers":       then(called, three),
		"three twice":                   then(answered, three, three),
		"three of another's":            then(answered, contact.ConferenceChanged{Contact: "k1", Agent: "bo", On: true}),
		"listens to one who waits":      then(talk[:3], contact.SupervisionChanged{Contact: "k1", Supervisor: "eva", Mode: contact.SuperviseListen}),
		"hung up while somebody hears":  then(listened, contact.ContactHungUp{Contact: "k1", Agent: "anna"}),
		"marked by another":             then(talk, contact.ContactMarked{Contact: "k1", Agent: "bo", Mark: contact.MarkThreat}),
		"marked twice":                  then(talk, contact.ContactMarked{Contact: "k1", Agent: "anna", Mark: contact.MarkThreat}, contact.ContactMarked{Contact: "k1", Agent: "anna", Mark: contact.MarkThreat}),
		"placed twice":                  then(talk, placed, placed),
		"placed for nobody":             then(talk[:1], placed),
		"placed while another is rung":  then(talk, contact.CallPlaced{Contact: contact.Contact{ID: "o2", Channel: contact.Voice, Outgoing: true}, Agent: "bo", Offer: 9}, placed),
		"placed, and came in":           then(talk, contact.CallPlaced{Contact: contact.Contact{ID: "in", Channel: contact.Voice}, Agent: "bo", Offer: 2}),
		"recording paused, never begun": then(talk, contact.RecordingChanged{Contact: "k1", Recording: contact.RecordingPaused}),
		"recorded, nobody":              {contact.RecordingChanged{Contact: "k9", Recording: contact.RecordingBegun}},
	} {
		e := queue.New()
		for _, event := range events[:len(events)-1] {
			if err := e.Apply(event, 10); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := e.Apply(events[len(events)-1], 10); err == nil {
			t.Errorf("%s: was applied", name)
		}
	}
}

// What is out of range is refused before anything is looked at.
func TestCommandsOfTheTelephoneAreChecked(t *testing.T) {
	t.Parallel()
	out := contact.Contact{ID: "out", Channel: contact.Voice, Line: "staff", Language: "sv", Outgoing: true, Arrived: 1}
	of := func(change func(*contact.Contact)) contact.Command {
		c := out
		change(&c)
		return contact.PlaceCall{Contact: c, Agent: "anna", Node: "node-1", Leg: "leg"}
	}
	ended := func(change func(*contact.ReportRecording)) contact.Command {
		v := contact.ReportRecording{Contact: "k1", Recording: contact.RecordingEnded, File: "k1.wav", SHA256: strings.Repeat("0f", 32), Bytes: 44, Length: 1}
		change(&v)
		return v
	}
	for name, command := range map[string]contact.Command{
		"to an agent and outside":      contact.Transfer{Contact: "k1", Agent: "anna", To: contact.Destination{Agent: "bo", Outside: "supplier"}},
		"to a group and outside":       contact.Consult{Contact: "k1", Agent: "anna", To: contact.Destination{Needs: contact.Needs{{Skill: "sv", Level: 1}}, Outside: "supplier"}},
		"to nowhere":                   contact.Transfer{Contact: "k1", Agent: "anna"},
		"to a place with a long name":  contact.Transfer{Contact: "k1", Agent: "anna", To: contact.Destination{Outside: contact.DestinationID(strings.Repeat("x", 129))}},
		"a supervisor without name":    contact.Supervise{Contact: "k1", Mode: contact.SuperviseListen},
		"a mode that is none":          contact.Supervise{Contact: "k1", Supervisor: "eva", Mode: "shout"},
		"no mark":                      contact.Mark{Contact: "k1", Agent: "anna"},
		"called, but coming in":        of(func(c *contact.Contact) { c.Outgoing = false }),
		"called by mail":               of(func(c *contact.Contact) { c.Channel = contact.Mail }),
		"called by no line":            of(func(c *contact.Contact) { c.Line = "" }),
		"called by nobody":             contact.PlaceCall{Contact: out, Node: "node-1", Leg: "leg"},
		"called from nowhere":          contact.PlaceCall{Contact: out, Agent: "anna", Leg: "leg"},
		"called without leg":           contact.PlaceCall{Contact: out, Agent: "anna", Node: "node-1"},
		"coming in, but called":        contact.Arrive{Contact: out, Node: "node-1", Leg: "leg"},
		"no state of a recording":      contact.ReportRecording{Contact: "k1"},
		"a state that is none":         contact.ReportRecording{Contact: "k1", Recording: "lost"},
		"a file before the end":        contact.ReportRecording{Contact: "k1", Recording: contact.RecordingBegun, File: "k1.wav"},
		"a checksum that is none":      ended(func(v *contact.ReportRecording) { v.SHA256 = strings.Repeat("zz", 32) }),
		"half a checksum":              ended(func(v *contact.ReportRecording) { v.SHA256 = "0f" }),
		"less than nothing":            ended(func(v *contact.ReportRecording) { v.Bytes = -1 }),
		"longer than two days":         ended(func(v *contact.ReportRecording) { v.Length = 49 * 3600_000 }),
		"a file with a line feed":      ended(func(v *contact.ReportRecording) { v.File = "a\nb" }),
		"kept until before the world":  ended(func(v *contact.ReportRecording) { v.DeleteAfter = -1 }),
		"paused by a name without end": contact.ReportRecording{Contact: "k1", Recording: contact.RecordingPaused, Agent: contact.AgentID(strings.Repeat("x", 129))},
	} {
		events, err := queue.New().Step(command, begin)
		if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || rejection.Code != contact.Invalid || len(events) > 0 {
			t.Errorf("%s: %v, %v", name, events, err)
		}
	}
}

// No more supervisors are in a call than the mix is built for.
func TestFewListenAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for _, line := range []string{
		"node-1 leads", "agents anna", "anna opens console", "anna ready", "k1 arrives", "k1 queues", "anna accepts 1", "offer 1 connected",
		"s1 listens k1", "s2 listens k1", "s3 whispers k1", "s4 listens k1",
	} {
		s.play(line)
	}
	if told := s.play("s5 listens k1"); !strings.HasSuffix(told[0], "rejected: not-free") {
		t.Errorf("a fifth: %v", told)
	}
	if told := s.play("s4 barges k1"); !strings.HasSuffix(told[0], "s4 is in k1: barge") {
		t.Errorf("one of them changes his mode: %v", told)
	}
	state, _ := s.engine.Contact("k1")
	if len(state.Supervisors) != 4 {
		t.Errorf("in the call are %v", state.Supervisors)
	}
}

// What was answered for a blind transfer is handed over, even if the last leader got no further than to record the answer.
func TestABlindTransferIsNotLeftHalfDone(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for _, line := range []string{
		"node-1 leads", "rules dials=3 all-dials=9 codes=solved", "agents anna", "anna opens console", "anna ready", "k1 arrives", "k1 queues", "anna accepts 1",
		"offer 1 connected", "anna transfers k1 to outside=supplier",
	} {
		s.play(line)
	}
	if err := s.engine.Apply(contact.OutsideAnswered{Contact: "k1", Offer: 2, To: "supplier", Leg: "outside"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.play("node-2 leads")
	if told := s.play("offer 2 connected"); len(told) != 1 || !strings.Contains(told[0], "k1 is handed over by anna to supplier (offer 2)") {
		t.Errorf("the node says again that it answered: %v", told)
	}
	if got := s.engine.HandedOver(defaultNode); !slices.Equal(got, []contact.ID{"k1"}) {
		t.Errorf("handed over are %v", got)
	}
}
