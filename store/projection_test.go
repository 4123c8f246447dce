package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// everyEvent has each type of contact/event.go once, with every field set that it stores.
var everyEvent = contact.Events{
	contact.LeaderElected{Epoch: 1<<64 - 1, Node: "node-1"},
	contact.RulesChanged{Rules: contact.Rules{OfferTimeout: 15_000, ConnectTimeout: 5_000, MissLimit: 1, OutcomeCodes: []contact.OutcomeCode{"solved"}}},
	contact.RosterChanged{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna", Skills: contact.Needs{{Skill: "staff", Level: 4}}}}}},
	contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg-1"},
	contact.ContactGreeted{Contact: "k"},
	contact.ContactQueued{Contact: "k", Needs: contact.Needs{{Skill: "staff", Level: 1}}, Class: contact.ClassPriorityLine, Target: 60_000},
	contact.ContactOffered{Contact: "k", Offer: 1<<64 - 1, Agent: "anna", Expires: after(30), Why: contact.Why{
		Candidates: 2, Waiting: 3, Rule: contact.LongestIdle, Level: 4, Idle: 9, Relaxed: 1,
	}},
	contact.OfferAccepted{Contact: "k", Offer: 1, Agent: "anna"},
	contact.OfferDeclined{Contact: "k", Offer: 1, Agent: "anna", Reason: "åäö \\u0000 ☎ <&>", Again: after(60)},
	contact.OfferMissed{Contact: "k", Offer: 1, Agent: "anna", Again: after(60)},
	contact.OfferWithdrawn{Contact: "k", Offer: 1, Agent: "anna", Cause: contact.TakeOver},
	contact.ContactConnected{Contact: "k", Offer: 1, Agent: "anna", Leg: "leg-2"},
	contact.ContactReplied{Contact: "k", Agent: "anna"},
	contact.ContactReturned{Contact: "k", Offer: 1, Agent: "anna", Cause: contact.ReturnGivenBack},
	contact.CallbackTaken{Contact: "k", Offer: 1, Agent: "anna", Node: "node-1", Expires: after(45)},
	contact.NeedsRelaxed{Contact: "k", Step: 1, Needs: contact.Needs{{Skill: "staff", Level: 1}}},
	contact.PreferenceEnded{Contact: "k", Agent: "anna", Cause: contact.PreferenceOver},
	contact.ImpactSet{Contact: "k", Agent: "anna", Residents: 1<<32 - 1},
	contact.CallbackScheduled{Contact: "k", By: contact.PartyAgent, Agent: "anna", From: contact.StateWrapUp, At: after(600), For: "anna"},
	contact.CallbackDue{Contact: "k", For: "anna", PreferUntil: after(700)},
	contact.ContactRejoined{Contact: "k", Node: "node-2", Leg: "leg-3"},
	contact.ContactTransferred{Contact: "k", Offer: 1, Agent: "anna", To: contact.Destination{Agent: "bo"}, Until: after(60), Again: after(90)},
	contact.ConsultOffered{Contact: "k", Offer: 2, Agent: "anna", With: "bo", Expires: after(75)},
	contact.ConsultAccepted{Contact: "k", Offer: 2, With: "bo"},
	contact.ConsultConnected{Contact: "k", Offer: 2, With: "bo", Leg: "leg-4"},
	contact.ConsultEnded{Contact: "k", Offer: 2, Agent: "anna", With: "bo", Cause: contact.ConsultCompleted},
	contact.ContactHandedOver{Contact: "k", Agent: "anna", To: "supplier", Until: after(60)},
	contact.OutsideCalled{Contact: "k", Offer: 1<<64 - 1, Agent: "anna", To: "supplier", Blind: true, Expires: after(75)},
	contact.OutsideAnswered{Contact: "k", Offer: 1<<64 - 1, To: "supplier", Leg: "leg-5"},
	contact.OutsideEnded{Contact: "k", Offer: 1<<64 - 1, To: "supplier", Failure: contact.DialBusy},
	contact.ConferenceChanged{Contact: "k", Agent: "anna", On: true},
	contact.SupervisionChanged{Contact: "k", Supervisor: "eva", Mode: contact.SuperviseListen},
	contact.ContactMarked{Contact: "k", Agent: "anna", Mark: contact.MarkThreat},
	contact.CallPlaced{Contact: call("k", after(0)), Node: "node-1", Leg: "leg-1", Agent: "anna", Offer: 1, Expires: after(45)},
	contact.RecordingChanged{
		Contact: "k", Recording: contact.RecordingEnded, Agent: "anna", File: "k.wav", SHA256: "0f", Bytes: 1 << 40, Length: 9, DeleteAfter: after(9000),
	},
	contact.PresencePlanned{Agent: "anna", Presence: contact.Paused, Reason: "lunch"},
	contact.CallbackFailed{Contact: "k", Offer: 1, Agent: "anna", Reason: contact.DialBusy},
	contact.ContactHeld{Contact: "k", Agent: "anna"},
	contact.ContactResumed{Contact: "k", Agent: "anna"},
	contact.ContactHungUp{Contact: "k", Agent: "anna", By: contact.PartyCaller, Until: after(60)},
	contact.WrapUpExtended{Contact: "k", Agent: "anna", Until: after(90)},
	contact.OutcomeChosen{Contact: "k", Agent: "anna", Code: "solved", Ticket: "SD-100001"},
	contact.QualityReported{Contact: "k", Offer: 1, Party: contact.PartyCaller, Quality: contact.Quality{
		Received: 1<<64 - 1, Lost: 1, Jitter: 2, RoundTrip: 1<<32 - 1, RemoteLost: 255,
	}},
	contact.ContactDropped{Contact: "k", From: contact.StateConnected, Agent: "anna"},
	contact.ContactClosed{Contact: "k", End: contact.EndHandled, Waited: 9, Agent: "anna", Code: "solved", Ticket: "SD-100001", Lapsed: true},
	contact.PresenceChanged{Agent: "anna", Presence: contact.Paused, Reason: "lunch", Cause: contact.ByAgent},
	contact.ReachabilityChanged{Agent: "anna", Node: "node-1", Reachable: true},
}

// A type that is added to the closed set must be added above.
func TestEveryEventIsAmongThem(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "contact", "event.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, event := range everyEvent {
		tried[reflect.TypeOf(event).Name()] = true
	}
	for _, declared := range file.Decls {
		if method, is := declared.(*ast.FuncDecl); is && method.Name.Name == "event" {
			name := method.Recv.List[0].Type.(*ast.Ident).Name
			if !tried[name] {
				t.Errorf("%s is not tried", name)
			}
			delete(tried, name)
		}
	}
	if len(tried) > 0 {
		t.Errorf("no events any more: %v", tried)
	}
}

func TestEveryEventComesBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(1), everyEvent...)

	rows, err := s.pool.Query(t.Context(), `select sequence, at, event, coalesce(contact, ''), data from events order by index`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(everyEvent) {
		t.Fatalf("%d events of %d", len(stored), len(everyEvent))
	}
	for i, want := range everyEvent {
		got, err := contact.DecodeEvent(stored[i].Name, stored[i].Data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, %v\nwant %#v", got, err, want)
		}
		if !stored[i].At.Equal(after(1).Time()) || stored[i].Sequence != 1 {
			t.Errorf("%s is at %s in record %d", stored[i].Name, stored[i].At, stored[i].Sequence)
		}
		// A contact's events are found by the contact: none may be left out.
		if ofContact := reflect.ValueOf(want).FieldByName("Contact").IsValid(); ofContact != (stored[i].Contact == "k") {
			t.Errorf("%s is stored as one of contact %q", stored[i].Name, stored[i].Contact)
		}
		if ofAgent := reflect.ValueOf(want).FieldByName("Agent").IsValid(); ofAgent !=
			(count(t, s, `select count(*) from events where index = $1 and agent = 'anna'`, i) == 1) {
			t.Errorf("%s is not stored as one of its agent", stored[i].Name)
		}
	}
}

func TestACallsWholeLife(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	at := func(seconds int) *time.Time { moment := after(seconds).Time(); return &moment }
	want := Contact{ID: "k", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Arrived: *at(0)}
	names := []string{}
	step := func(seconds int, event contact.Event, change func(*Contact)) {
		t.Helper()
		j.record(after(seconds), event)
		change(&want)
		names = append(names, contact.EventName(event))
		got := contacts(t, s)["k"]
		var gotNames []string
		for _, event := range got.Events {
			gotNames = append(gotNames, event.Name)
		}
		if !reflect.DeepEqual(gotNames, names) {
			t.Errorf("the events are %v, want %v", gotNames, names)
		}
		got.Events = nil
		if got = inUTC(got); !reflect.DeepEqual(got, want) {
			t.Errorf("after %s\n got %+v\nwant %+v", contact.EventName(event), got, want)
		}
	}
	step(1, contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"}, func(c *Contact) { c.State = contact.StateArrived })
	step(2, contact.ContactGreeted{Contact: "k"}, func(c *Contact) { c.State, c.Greeted = contact.StateGreeted, at(2) })
	step(8, contact.ContactQueued{Contact: "k", Target: 60_000}, func(c *Contact) { c.State, c.Queued = contact.StateWaiting, at(8) })
	step(9, contact.ContactOffered{Contact: "k", Offer: 1, Agent: "anna"}, func(c *Contact) { c.State = contact.StateOffered })
	step(24, contact.OfferMissed{Contact: "k", Offer: 1, Agent: "anna"}, func(c *Contact) { c.State = contact.StateWaiting })
	step(25, contact.ContactQueued{Contact: "k", Target: 30_000}, func(*Contact) {}) // its wait began before
	step(26, contact.ContactOffered{Contact: "k", Offer: 2, Agent: "bo"}, func(c *Contact) { c.State = contact.StateOffered })
	step(27, contact.OfferAccepted{Contact: "k", Offer: 2, Agent: "bo"}, func(*Contact) {})
	step(28, contact.OfferWithdrawn{Contact: "k", Offer: 2, Agent: "bo", Cause: contact.ConnectFailed}, func(c *Contact) { c.State = contact.StateWaiting })
	step(29, contact.ContactOffered{Contact: "k", Offer: 3, Agent: "bo"}, func(c *Contact) { c.State = contact.StateOffered })
	step(30, contact.ContactConnected{Contact: "k", Offer: 3, Agent: "bo"}, func(c *Contact) {
		c.State, c.Answered, c.Agent = contact.StateConnected, at(30), "bo"
	})
	step(40, contact.ContactReturned{Contact: "k", Offer: 3, Agent: "bo"}, func(c *Contact) { c.State, c.Agent = contact.StateWaiting, "" })
	step(41, contact.ContactOffered{Contact: "k", Offer: 4, Agent: "anna"}, func(c *Contact) { c.State = contact.StateOffered })
	// It is answered once, however often it is connected (chatwoot#12058).
	step(42, contact.ContactConnected{Contact: "k", Offer: 4, Agent: "anna"}, func(c *Contact) { c.State, c.Agent = contact.StateConnected, "anna" })
	step(90, contact.ContactHungUp{Contact: "k", Agent: "anna", By: contact.PartyCaller}, func(c *Contact) { c.State, c.Ended = contact.StateWrapUp, at(90) })
	step(99, contact.ContactClosed{Contact: "k", End: contact.EndHandled, Waited: 30_000, Agent: "anna", Code: "solved"}, func(c *Contact) {
		c.State, c.Closed, c.EndedAs, c.Outcome = contact.StateClosed, at(99), contact.EndHandled, "solved"
	})
}

// inUTC makes times comparable: the driver gives them in the machine's zone.
func inUTC(c Contact) Contact {
	c.Arrived = c.Arrived.UTC()
	for _, moment := range []**time.Time{&c.Greeted, &c.Queued, &c.Answered, &c.CalledBack, &c.Ended, &c.Closed} {
		if *moment != nil {
			utc := (*moment).UTC()
			*moment = &utc
		}
	}
	return c
}

// After a fault the contact goes on as a call-back, and its end says so.
func TestDroppedGoesOnAsCallback(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(1), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(2), contact.ContactQueued{Contact: "k", Target: 60_000}, contact.ContactOffered{Contact: "k", Offer: 1, Agent: "anna"})
	j.record(after(3), contact.ContactConnected{Contact: "k", Offer: 1, Agent: "anna"})
	j.record(after(4), contact.ContactDropped{Contact: "k", From: contact.StateConnected, Agent: "anna"})
	if c := contacts(t, s)["k"]; c.State != contact.StateWaiting || !c.Callback || c.Agent != "" || c.Answered == nil {
		t.Errorf("dropped: %+v", c)
	}
	j.record(after(5), contact.ContactClosed{Contact: "k", End: contact.EndHandled, Stage: contact.StageCallback, Agent: "bo", Code: "solved"})
	if c := contacts(t, s)["k"]; c.State != contact.StateClosed || c.Callback || c.Agent != "bo" || c.Stage != contact.StageCallback {
		t.Errorf("closed: %+v", c)
	} else if want := after(4).Time(); !c.Ended.Equal(want) {
		t.Errorf("the talk ended at %s, want %s, when it broke off", c.Ended, want)
	}
}

// A text is answered by the first thing that is written to its user, not by being opened; what
// it is about is on its row.
func TestATextsWholeLife(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	text := contact.Contact{
		ID: "k", Channel: contact.Mail, Line: "post", Party: "kontaktcenter", Service: "print", Ticket: "SD-100001", Language: "sv", Arrived: after(0),
	}
	j.record(after(1), contact.ContactArrived{Contact: text})
	j.record(after(2), contact.ContactQueued{Contact: "k", Needs: contact.Needs{{Skill: "print", Level: 1}}, Target: 60_000})
	j.record(after(3), contact.ContactConnected{Contact: "k", Offer: 1, Agent: "anna"})
	j.record(after(4), contact.ContactReturned{Contact: "k", Offer: 1, Agent: "anna", Cause: contact.ReturnGivenBack})
	j.record(after(5), contact.ContactQueued{Contact: "k", Needs: contact.Needs{{Skill: "other", Level: 1}}, Target: 60_000})
	j.record(after(6), contact.ContactConnected{Contact: "k", Offer: 2, Agent: "bo"})
	if c := contacts(t, s)["k"]; c.Answered != nil || c.Party != "kontaktcenter" || c.Service != "print" || c.Ticket != "SD-100001" {
		t.Errorf("opened: %+v", c)
	}
	j.record(after(7), contact.ContactReplied{Contact: "k", Agent: "bo"})
	j.record(after(9), contact.ContactClosed{Contact: "k", End: contact.EndHandled, Agent: "bo", Ticket: "SD-100002"})
	if c := inUTC(contacts(t, s)["k"]); c.Answered == nil || !c.Answered.Equal(after(7).Time()) || c.Unreplied || c.Ticket != "SD-100002" {
		t.Errorf("answered: %+v", c)
	}
	if n := count(t, s, `select count(*) from contacts where skill_group = 'print' and replied = $1`, after(7).Time()); n != 1 {
		t.Error("its first group or its first reply is lost")
	}
	text.ID = "spam"
	j.record(after(10), contact.ContactArrived{Contact: text})
	j.record(after(12), contact.ContactClosed{Contact: "spam", End: contact.EndHandled, Agent: "bo", Code: "spam"})
	if c := inUTC(contacts(t, s)["spam"]); c.Answered == nil || !c.Answered.Equal(after(12).Time()) || !c.Unreplied {
		t.Errorf("finished without a reply: %+v", c)
	}
}

// Whoever is reached after a fault that came before any answer was called back.
func TestACallbackIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(1), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(2), contact.ContactDropped{Contact: "k", From: contact.StateWaiting})
	j.record(after(3), contact.CallbackTaken{Contact: "k", Offer: 1, Agent: "anna", Node: "node-1"})
	if c := contacts(t, s)["k"]; c.State != contact.StateDialling || !c.Callback {
		t.Errorf("dialling: %+v", c)
	}
	j.record(after(4), contact.CallbackFailed{Contact: "k", Offer: 1, Agent: "anna", Reason: contact.DialBusy})
	if c := contacts(t, s)["k"]; c.State != contact.StateWaiting || !c.Callback || c.CalledBack != nil {
		t.Errorf("busy: %+v", c)
	}
	j.record(after(5), contact.CallbackTaken{Contact: "k", Offer: 2, Agent: "bo", Node: "node-1"}, contact.ContactConnected{Contact: "k", Offer: 2, Agent: "bo"})
	j.record(after(6), contact.ContactReturned{Contact: "k", Offer: 2, Agent: "bo"}, contact.ContactConnected{Contact: "k", Offer: 3, Agent: "anna"})
	if c := inUTC(contacts(t, s)["k"]); c.Answered != nil || c.CalledBack == nil || !c.CalledBack.Equal(after(5).Time()) || c.Callback {
		t.Errorf("reached: %+v", c)
	}
}

// The ticket that an agent chose gets the contact, once, and one that is not there stops
// nobody.
func TestAFinishedContactIsLinked(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), nil)
	link(t, s, number, "linked")
	j := journal{t: t, store: s}
	for _, id := range []contact.ID{"linked", "chosen", "lost"} {
		j.record(after(1), contact.ContactArrived{Contact: call(id, after(0)), Node: "node-1", Leg: "leg"})
	}
	closed := contact.ContactClosed{End: contact.EndHandled, Agent: "bo", Ticket: number}
	lost := closed
	lost.Contact, lost.Ticket = "lost", "SD-999999"
	closed.Contact = "linked"
	j.record(after(75), closed)
	if got := ticketOf(t, s, number); got.Changed != after(70) || len(got.Entries) != 2 {
		t.Errorf("linked before, it is changed again: %+v", got)
	}
	closed.Contact = "chosen"
	j.record(after(80), closed)
	j.record(after(81), lost)
	got := ticketOf(t, s, number)
	last := got.Entries[len(got.Entries)-1]
	if len(got.Entries) != 3 || got.Changed != after(80) || last.Kind != ticket.Link || last.Contact != "chosen" || last.Agent != "bo" || last.At != after(80) {
		t.Errorf("got %+v", got)
	}
	if folded, err := ticket.Fold(got, got.Entries); err != nil || !reflect.DeepEqual(folded, got) {
		t.Errorf("the log says %+v, %v", folded, err)
	}
	if c := contacts(t, s)["lost"]; c.Ticket != "SD-999999" || c.State != contact.StateClosed {
		t.Errorf("got %+v", c)
	}
}

// A refused contact never arrived, and is one of its cohort all the same.
func TestRefusedIsARow(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	refused := call("k", after(0))
	refused.Line = ""
	j.record(after(1), contact.ContactClosed{Contact: "k", End: contact.EndRefused, Response: 404, Waited: 1000, Refused: &refused})
	c := contacts(t, s)["k"]
	if c.State != contact.StateClosed || c.EndedAs != contact.EndRefused || c.Closed == nil || !c.Arrived.Equal(noon) || len(c.Events) != 1 {
		t.Errorf("got %+v", c)
	}
	if count(t, s, `select response from contacts`) != 404 {
		t.Error("the response is lost")
	}
}

// The projector may hand in what it handed in before: nothing is counted twice (asterisk PR#1741).
func TestARecordIsProjectedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(1), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(2), contact.ContactGreeted{Contact: "k"})
	before := contacts(t, s)
	for _, sequence := range []uint64{1, 2} {
		if err := s.Project(t.Context(), Turn{Sequence: sequence, Now: after(9), Events: contact.Events{contact.ContactClosed{Contact: "k", End: contact.EndAbandoned}}}); err != nil {
			t.Fatal(err)
		}
	}
	if now := contacts(t, s); !reflect.DeepEqual(now, before) {
		t.Errorf("a record that was known changed the contacts: %+v", now)
	}
	if last, err := s.Projected(t.Context()); err != nil || last != 2 {
		t.Errorf("projected to %d, %v", last, err)
	}
}

// Records that wait are written together; some of them may be known already.
func TestRecordsAreProjectedTogether(t *testing.T) {
	t.Parallel()
	one, together := newStore(t), newStore(t)
	turns := []Turn{
		{Sequence: 1, Now: after(1), Events: contact.Events{contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"}}},
		{Sequence: 2, Now: after(2)},
		{Sequence: 3, Now: after(3), Events: contact.Events{contact.ContactGreeted{Contact: "k"}}},
		{Sequence: 4, Now: after(9), Events: contact.Events{contact.ContactClosed{Contact: "k", End: contact.EndAbandoned}}},
	}
	for _, turn := range turns {
		if err := one.Project(t.Context(), turn); err != nil {
			t.Fatal(err)
		}
	}
	for _, some := range [][]Turn{turns[:2], turns, turns[1:3]} {
		if err := together.Project(t.Context(), some...); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := contacts(t, together), contacts(t, one); !reflect.DeepEqual(got, want) {
		t.Errorf("contacts %+v, want %+v", got, want)
	}
	if last, err := together.Projected(t.Context()); err != nil || last != 4 {
		t.Errorf("projected to %d, %v", last, err)
	}
	if err := together.Project(t.Context(), Turn{Sequence: 5, Now: after(9)}, Turn{Sequence: 7, Now: after(9)}); err == nil || !strings.Contains(err.Error(), "record 6 is expected") {
		t.Errorf("error = %v", err)
	}
	if last, err := together.Projected(t.Context()); err != nil || last != 4 {
		t.Errorf("projected to %d, %v: half of what was handed in stayed", last, err)
	}
}

func TestARecordThatIsNotTheNextIsRefused(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	arrived := contact.Events{contact.ContactArrived{Contact: call("k", after(0))}}
	err := s.Project(t.Context(), Turn{Sequence: 2, Now: after(1), Events: arrived})
	if err == nil || !strings.Contains(err.Error(), "record 2") || !strings.Contains(err.Error(), "record 1 is expected") {
		t.Errorf("error = %v", err)
	}
	if last, err := s.Projected(t.Context()); err != nil || last != 0 || len(contacts(t, s)) != 0 {
		t.Errorf("projected to %d, %v", last, err)
	}
}

// A record is written whole or not at all.
func TestARecordThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if _, err := s.pool.Exec(t.Context(), `alter table events add check (event <> 'contact-greeted')`); err != nil {
		t.Fatal(err)
	}
	err := s.Project(t.Context(), Turn{Sequence: 1, Now: after(1), Events: contact.Events{contact.ContactArrived{Contact: call("k", after(0))}, contact.ContactGreeted{Contact: "k"}}})
	if err == nil || !strings.Contains(err.Error(), "project record 1") {
		t.Errorf("error = %v", err)
	}
	if last, err := s.Projected(t.Context()); err != nil || last != 0 || len(contacts(t, s)) != 0 {
		t.Errorf("projected to %d, %v", last, err)
	}
}

// What somebody types must not stop the projection for ever (glpi#24200): PostgreSQL
// knows no NUL.
func TestNULIsReplaced(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	nul := call("k\x00", after(0))
	nul.Line = "a\x00b"
	j.record(after(1), contact.ContactArrived{Contact: nul, Node: "node\x00", Leg: "leg"})
	j.record(after(2), contact.OfferDeclined{Contact: "k\x00", Agent: "anna", Reason: "\x00 \\u0000 \x00"})
	c := contacts(t, s)["k\uFFFD"]
	if c.Line != "a\uFFFDb" || len(c.Events) != 2 {
		t.Fatalf("got %+v", c)
	}
	event, err := contact.DecodeEvent(c.Events[1].Name, c.Events[1].Data)
	if declined, is := event.(contact.OfferDeclined); err != nil || !is || declined.Reason != "\uFFFD \\u0000 \uFFFD" {
		t.Errorf("got %#v, %v", event, err)
	}
}
