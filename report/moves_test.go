package report_test

import (
	"reflect"
	"testing"

	"svar/contact"
	"svar/report"
)

func handedOver(id contact.ID, agent contact.AgentID) contact.ContactClosed {
	return contact.ContactClosed{Contact: id, End: contact.EndHandedOver, Agent: agent, Code: "solved"}
}

// A call that goes from one agent to another is one contact with a part for each, whether the second was asked
// first or not: asterisk#759, FreePBX/issue-tracker#124
func TestEachAgentHasAPartOfASentCall(t *testing.T) {
	t.Parallel()
	f := foldOf(200_000,
		told{0, arrived("k", contact.Voice, 0)},
		told{10_000, connected("k", 1, "anna")},
		told{15_000, contact.ContactHeld{Contact: "k", Agent: "anna"}},
		told{16_000, contact.ConsultOffered{Contact: "k", Offer: 2, Agent: "anna", With: "bo"}},
		told{17_000, contact.ConsultEnded{Contact: "k", Offer: 2, Agent: "anna", With: "bo", Cause: contact.ConsultMissed}},
		told{18_000, contact.ConsultOffered{Contact: "k", Offer: 3, Agent: "anna", With: "bo"}},
		told{19_000, contact.ConsultConnected{Contact: "k", Offer: 3, With: "bo", Leg: "leg"}},
		told{25_000, contact.ConsultEnded{Contact: "k", Offer: 3, Agent: "anna", With: "bo", Cause: contact.ConsultCompleted}},
		told{30_000, contact.ContactTransferred{Contact: "k", Offer: 3, Agent: "bo", To: contact.Destination{Agent: "cecilia"}}},
		told{50_000, connected("k", 4, "cecilia")},
		told{52_000, contact.ContactHandedOver{Contact: "k", Agent: "cecilia", To: "supplier"}},
		told{60_000, handedOver("k", "cecilia")},
	)
	row := only(t, f)
	if row.Offered != 1 || row.Answered != 1 || row.HandedOver != 1 || row.Transferred != 1 || row.Transfers != 2 || row.Dropped != 0 {
		t.Errorf("got %+v", row)
	}
	if want := (report.Handling{Talk: once(5_000 + 5_000 + 2_000), Held: once(10_000), WrapUp: once(8_000), Total: once(30_000)}); row.Handling != want {
		t.Errorf("got %+v\nwant %+v", row.Handling, want)
	}
	agents := []report.AgentRow{
		{Agent: "anna", Segments: 1, Transferred: 1, Talk: once(5_000), Held: once(10_000), WrapUp: once(0)},
		{Agent: "bo", Segments: 1, Transferred: 1, Talk: once(5_000), Held: once(0), WrapUp: once(0)},
		{Agent: "cecilia", Segments: 1, HandedOver: 1, Talk: once(2_000), Held: once(0), WrapUp: once(8_000)},
	}
	if got := f.Agents(); !reflect.DeepEqual(got, agents) {
		t.Errorf("got %+v\nwant %+v", got, agents)
	}
}

// What an agent promises after an answer stays answered; the promise ends his part, wrap-up included.
func TestAPromiseDoesNotTakeBackAnAnswer(t *testing.T) {
	t.Parallel()
	f := foldOf(900_000,
		told{0, arrived("k", contact.Voice, 0)},
		told{10_000, connected("k", 1, "anna")},
		told{20_000, contact.ContactHungUp{Contact: "k", Agent: "anna", By: contact.PartyCaller}},
		told{25_000, contact.CallbackScheduled{Contact: "k", By: contact.PartyAgent, Agent: "anna", From: contact.StateWrapUp, At: 500_000, For: "anna"}},
		told{500_000, contact.CallbackTaken{Contact: "k", Offer: 2, Agent: "anna", Node: "node-1"}},
		told{510_000, contact.CallbackFailed{Contact: "k", Offer: 2, Agent: "anna", Reason: contact.DialNoAnswer}},
		told{600_000, contact.CallbackTaken{Contact: "k", Offer: 3, Agent: "anna", Node: "node-1"}},
		told{605_000, connected("k", 3, "anna")},
		told{615_000, contact.ContactHungUp{Contact: "k", Agent: "anna", By: contact.PartyCaller}},
		told{616_000, contact.ContactClosed{Contact: "k", End: contact.EndHandled, Agent: "anna", Code: "solved"}},
	)
	row := only(t, f)
	if row.Answered != 1 || row.CalledBack != 0 || row.FromArrival != once(10_000) {
		t.Errorf("got %+v", row)
	}
	if want := (report.Callbacks{Contacts: 1, Reached: 1, Tries: 2}); row.Callbacks != want {
		t.Errorf("got %+v, want %+v", row.Callbacks, want)
	}
	agents := f.Agents()
	if len(agents) != 1 || agents[0].Segments != 2 || agents[0].Promised != 1 || agents[0].Finished != 1 || agents[0].WrapUp.Max != 5_000 {
		t.Errorf("got %+v", agents)
	}
}

// Who chose to be called back is reached by that; who rings again before is answered like anybody else.
func TestACallbackIsReachedOrRejoined(t *testing.T) {
	t.Parallel()
	chosen := func(id contact.ID) []told {
		return []told{
			{0, arrived(id, contact.Voice, 0)},
			{1_000, contact.ContactQueued{Contact: id, Target: 60_000}},
			{30_000, contact.CallbackScheduled{Contact: id, By: contact.PartyCaller, From: contact.StateWaiting}},
		}
	}
	events := append(chosen("called"),
		told{40_000, contact.CallbackTaken{Contact: "called", Offer: 1, Agent: "anna", Node: "node-1"}},
		told{50_000, connected("called", 1, "anna")})
	events = append(events, chosen("rang")...)
	events = append(events,
		told{55_000, contact.ContactRejoined{Contact: "rang", Node: "node-1", Leg: "leg"}},
		told{58_000, connected("rang", 2, "bo")})
	events = append(events, chosen("gave-up")...)
	events = append(events,
		told{56_000, contact.ContactRejoined{Contact: "gave-up", Node: "node-1", Leg: "leg"}},
		told{70_000, closed("gave-up", contact.EndAbandoned, contact.StageQueue, 70_000)})
	events = append(events, chosen("waits")...)
	row := only(t, foldOf(80_000, events...))
	if row.Offered != 4 || row.Answered != 1 || row.CalledBack != 1 || row.Open != 1 || row.Abandoned[2].Count != 1 {
		t.Errorf("got %+v", row)
	}
	if want := (report.Callbacks{Contacts: 4, Reached: 1, Tries: 1, Rejoined: 2}); row.Callbacks != want {
		t.Errorf("got %+v, want %+v", row.Callbacks, want)
	}
	if row.WithinTarget != 2 || row.Answerable != 4 { // the one who gave up, and the one who waits past 61 s now
		t.Errorf("%d of %d", row.WithinTarget, row.Answerable)
	}
}

// A conference is talk, not hold, and what the desk began itself is counted apart: in no figure of those that came in, but in
// its agent's part.
func TestConferencesAndOutgoingCalls(t *testing.T) {
	t.Parallel()
	out := arrived("out", contact.Voice, 0).Contact
	out.Outgoing = true
	f := foldOf(200_000,
		told{0, arrived("k", contact.Voice, 0)},
		told{10_000, connected("k", 1, "anna")},
		told{15_000, contact.ContactHeld{Contact: "k", Agent: "anna"}},
		told{18_000, contact.ConferenceChanged{Contact: "k", Agent: "anna", On: true}},
		told{28_000, contact.ConferenceChanged{Contact: "k", Agent: "anna"}},
		told{30_000, contact.ContactHandedOver{Contact: "k", Agent: "anna", To: "supplier", Offer: 2}},
		told{36_000, handedOver("k", "anna")},
		told{40_000, contact.CallPlaced{Contact: out, Node: "node-1", Leg: "leg", Agent: "bo", Offer: 3}},
		told{45_000, connected("out", 3, "bo")},
		told{65_000, contact.ContactHungUp{Contact: "out", Agent: "bo", By: contact.PartyAgent}},
		told{70_000, contact.ContactClosed{Contact: "out", End: contact.EndHandled, Agent: "bo", Code: "solved"}},
	)
	row := only(t, f)
	if row.Offered != 1 || row.Answered != 1 || row.HandedOver != 1 || row.Outgoing != (report.Outgoing{Calls: 1, Reached: 1}) {
		t.Errorf("got %+v", row)
	}
	if want := (report.Handling{Talk: once(15_000), Held: once(5_000), WrapUp: once(6_000), Total: once(26_000)}); row.Handling != want {
		t.Errorf("got %+v\nwant %+v", row.Handling, want)
	}
	agents := []report.AgentRow{
		{Agent: "anna", Segments: 1, HandedOver: 1, Talk: once(15_000), Held: once(5_000), WrapUp: once(6_000)},
		{Agent: "bo", Segments: 1, Finished: 1, Talk: once(20_000), Held: once(0), WrapUp: once(5_000)},
	}
	if got := f.Agents(); !reflect.DeepEqual(got, agents) {
		t.Errorf("got %+v\nwant %+v", got, agents)
	}
}
