package dispatch

import (
	"reflect"
	"slices"
	"testing"

	"svar/contact"
	"svar/queue"
)

// What the engine knows of a contact or an agent reaches the nodes and the consoles: nothing
// that a view can show is left out of it.
func TestViewsLackNothing(t *testing.T) {
	t.Parallel()
	of := contact.Contact{ID: "k1", Channel: contact.Voice, Line: "staff", Language: "sv", Arrived: 1}
	state := queue.ContactState{
		Contact: of, Node: "node-1", Leg: "leg", State: contact.StateHeld, Since: 1, Place: 1, Callback: true, Dials: []contact.Instant{1},
		Queued: 1, Needs: contact.Needs{{Skill: "sv", Level: 1}}, Class: 1, Target: 1,
		StillNeeded: contact.Needs{{Skill: "sv", Level: 1}}, Relaxed: 1, Hours: "desk", Residents: 1, Returned: true,
		Prefer: "bo", PreferUntil: 2, PreferRule: contact.Preferred, DueAt: 1, For: "anna", Tries: 1, Exhausted: true, HandedOver: "administration",
		Consult:    &queue.ConsultState{Offer: 2, With: "bo", Since: 1, Expires: 2, Accepted: true, Connected: true, Leg: "leg", To: "administration", Blind: true},
		Conference: true, Supervisors: []queue.Supervision{{Supervisor: "eva", Mode: contact.SuperviseListen}},
		Marks: []contact.MarkKind{contact.MarkThreat}, Recording: contact.RecordingBegun,
		NotReached: &queue.NotReached{To: "supplier", Failure: contact.DialBusy, At: 1},
		Offer: &queue.OfferState{
			Offer: 1, Agent: "anna", Since: 1, Expires: 2, Accepted: true, Confirmed: true, Why: contact.Why{Candidates: 1},
		},
		Agent: "anna", Connected: 1, ConnectedAt: 1, AgentLeg: "agent-leg", Code: "solved", Ticket: "SD-100001", WrapUpUntil: 3, Answered: 1, End: contact.EndHandled,
	}
	agent := queue.AgentState{
		Agent: "anna", Skills: contact.Needs{{Skill: "sv", Level: 1}}, Presence: contact.Paused, Reason: "lunch", Cause: contact.ByAgent, Since: 1,
		Channels: []contact.Channel{contact.Chat}, Next: contact.SignedOut, NextReason: "end", Reserved: 1,
		Nodes: []contact.NodeID{"node-1"}, Contacts: []queue.Held{{Contact: "k1", Channel: contact.Voice}}, Offer: 1,
		Missed: []queue.MissedOffer{{Cause: contact.MissedByReach, Contact: "k1", Line: "staff", Offer: 1, At: 1}},
	}
	outlook := queue.Outlook{RelaxesAt: 1, RelaxesTo: contact.Needs{{Skill: "sv", Level: 1}}, RisesAt: 1}
	shown, shownAgent := contactView(state, outlook), agentView(agent)
	for _, view := range []any{shown, *shown.Offer, *shown.Consult, shown.Supervisors[0], *shown.NotReached, shownAgent, shownAgent.Missed[0]} {
		fields := reflect.ValueOf(view)
		for n := range fields.NumField() {
			if fields.Field(n).IsZero() {
				t.Errorf("%T does not show %s", view, fields.Type().Field(n).Name)
			}
		}
	}
}

// A new leader, new rules and a new roster change more than their events name: whoever follows the queue is
// told to ask for all of it, and for nothing else.
func TestWhatChangesEverythingSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changes := w.changes()
	w.lead()
	w.send(contact.ChangeRules{Rules: rules})
	w.agents("anna")
	w.call("k1")
	told := 0
	records := w.records()
	for next := uint64(1); next <= uint64(len(records)); {
		change := <-changes
		if change.Sequence < next {
			continue // a sign of life
		}
		want := slices.ContainsFunc(records[next-1].Events, func(event contact.Event) bool {
			switch event.(type) {
			case contact.LeaderElected, contact.RulesChanged, contact.RosterChanged:
				return true
			default:
				return false
			}
		})
		if change.Everything != want {
			t.Errorf("%v: everything is %v", records[next-1].Events, change.Everything)
		}
		if want {
			told++
		}
		next++
	}
	if told != 3 {
		t.Errorf("%d of 3 changes of everything", told)
	}
}
