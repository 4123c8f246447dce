package store

import (
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// An agent finds the own last contacts again: those given back, those that broke and those
// that go on too, each once, with the own times and never with another's (asterisk#759).
func TestAgentContacts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	connected := func(id contact.ID, offer contact.OfferID, agent contact.AgentID) contact.ContactConnected {
		return contact.ContactConnected{Contact: id, Offer: offer, Agent: agent}
	}
	for _, id := range []contact.ID{"done", "passed", "broken", "now"} {
		j.record(after(1), contact.ContactArrived{Contact: call(id, after(0)), Node: "node-1", Leg: "leg"})
		j.record(after(2), contact.ContactQueued{Contact: id, Target: 60_000})
	}
	// with anna, back, with bo, back, and with anna again, twice on hold
	j.record(after(10), connected("passed", 1, "anna"))
	j.record(after(15), contact.ContactReturned{Contact: "passed", Offer: 1, Agent: "anna"})
	j.record(after(20), connected("passed", 2, "bo"))
	j.record(after(60), contact.ContactReturned{Contact: "passed", Offer: 2, Agent: "bo", Cause: contact.ReturnGivenBack})
	j.record(after(70), connected("passed", 3, "anna"))
	j.record(after(71), contact.ContactHeld{Contact: "passed", Agent: "anna"})
	j.record(after(74), contact.ContactResumed{Contact: "passed", Agent: "anna"})
	j.record(after(80), contact.ContactHeld{Contact: "passed", Agent: "anna"})
	j.record(after(81), contact.ContactHungUp{Contact: "passed", Agent: "anna", By: contact.PartyCaller, Until: after(90)})
	for _, q := range []contact.QualityReported{
		{Party: contact.PartyCaller, Quality: contact.Quality{Received: 900, Lost: 100, Jitter: 5_000, RoundTrip: 40_000}},
		{Party: contact.PartyAgent, Quality: contact.Quality{Received: 1000, Jitter: 7_000, RoundTrip: 9_000, RemoteLost: 64}},
	} {
		q.Contact, q.Offer = "passed", 3
		j.record(after(82), q)
	}
	j.record(after(90), contact.ContactClosed{Contact: "passed", End: contact.EndHandled, Waited: 10_000, Agent: "anna", Code: "none-given", Lapsed: true})
	// others
	j.record(after(30), connected("broken", 4, "anna"))
	j.record(after(32), contact.ContactHeld{Contact: "broken", Agent: "anna"})
	j.record(after(36), contact.ContactClosed{Contact: "broken", End: contact.EndDropped, Agent: "anna"})
	j.record(after(40), connected("done", 5, "anna"), contact.ContactHungUp{Contact: "done", Agent: "anna"})
	j.record(after(44), contact.ContactClosed{Contact: "done", End: contact.EndHandled, Agent: "anna", Code: "solved", Ticket: "SD-100001"})
	j.record(after(95), connected("now", 6, "anna"))
	j.record(after(96), contact.ContactHeld{Contact: "now", Agent: "anna"})

	row := func(id contact.ID, state contact.State, change func(*report.AgentContact)) report.AgentContact {
		c := report.AgentContact{Contact: id, Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Person: "p-1", State: state, Arrived: after(0)}
		change(&c)
		return c
	}
	want := []report.AgentContact{
		row("now", contact.StateHeld, func(c *report.AgentContact) { c.Taken, c.Answered = after(95), after(95) }),
		row("passed", contact.StateClosed, func(c *report.AgentContact) {
			c.End, c.Code, c.Parted, c.Lapsed = contact.EndHandled, "none-given", report.PartedFinished, true
			c.Taken, c.Answered, c.Closed = after(70), after(10), after(90)
			c.Talk, c.Held, c.WrapUp = 12_000, 4_000, 9_000
			c.Quality = &report.CallQuality{Loss: 100_000, RemoteLoss: 250_000, Jitter: 7_000, RoundTrip: 40_000}
		}),
		row("done", contact.StateClosed, func(c *report.AgentContact) {
			c.End, c.Code, c.Ticket, c.Parted = contact.EndHandled, "solved", "SD-100001", report.PartedFinished
			c.Taken, c.Answered, c.Closed, c.WrapUp = after(40), after(40), after(44), 4_000
		}),
		row("broken", contact.StateClosed, func(c *report.AgentContact) {
			c.End, c.Parted = contact.EndDropped, report.PartedDropped
			c.Taken, c.Answered, c.Closed, c.Talk, c.Held = after(30), after(30), after(36), 2_000, 4_000
		}),
	}
	read := func(agent contact.AgentID, before contact.Instant, limit int) []report.AgentContact {
		t.Helper()
		list, err := s.AgentContacts(t.Context(), agent, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := read("anna", after(1000), 10); !reflect.DeepEqual(got, want) {
		t.Errorf("anna had\n%+v\nwant\n%+v", got, want)
	}
	if got := read("anna", after(95), 2); !reflect.DeepEqual(got, want[1:3]) {
		t.Errorf("the second page is\n%+v\nwant\n%+v", got, want[1:3])
	}
	if got := read("bo", after(1000), 10); len(got) != 1 || got[0].Contact != "passed" || got[0].Parted != report.PartedReturned || got[0].Talk != 40_000 || got[0].Lapsed {
		t.Errorf("bo had %+v", got)
	}
	if got := read("cecilia", after(1000), 10); len(got) != 0 {
		t.Errorf("cecilia had %+v", got)
	}
}

// What was recorded before there were segments has them too.
func TestOlderConnectionsBecomeSegments(t *testing.T) {
	t.Parallel()
	connString := emptied(t)
	connection := connect(t, connString)
	migrator, err := newMigrator(t.Context(), connection)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrator.MigrateTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	for i, e := range []struct {
		seconds        int
		event, contact string
		agent, data    string
	}{
		{10, "contact-connected", "k", "anna", `{"offer": 18446744073709551615}`},
		{20, "contact-returned", "k", "anna", `{}`},
		{30, "contact-connected", "k", "bo", `{"offer": 2}`},
		{35, "contact-connected", "open", "cecilia", `{"offer": 3}`},
		{40, "contact-hung-up", "k", "bo", `{}`},
		{41, "contact-connected", "broken", "anna", `{"offer": 4}`},
		{42, "contact-dropped", "broken", "anna", `{}`},
		{43, "contact-closed", "broken", "bo", `{"end": "handled"}`},
		{44, "contact-closed", "k", "bo", `{"end": "handled"}`},
		{50, "contact-connected", "lost", "anna", `{"offer": 5}`},
		{51, "contact-closed", "lost", "anna", `{"end": "dropped"}`},
		{60, "contact-connected", "wraps", "david", `{"offer": 6}`},
		{61, "contact-hung-up", "wraps", "david", `{}`},
	} {
		if _, err := connection.Exec(t.Context(), `insert into events (sequence, index, at, event, contact, agent, data) values (1, $1, $2, $3, $4, $5, $6)`,
			i, after(e.seconds).Time(), e.event, e.contact, e.agent, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := Migrate(t.Context(), connString); err != nil {
		t.Fatal(err)
	}
	rows, err := connection.Query(t.Context(), `
		select format('%s %s %s %s: talk %s, wrap-up %s, %s, %s', contact, offer, agent, parted, talk_ms, wrap_up_ms,
			case when ended is null then 'goes on' else 'ended' end, case when finished is null then 'unfinished' else 'finished' end)
		from contact_segments order by connected`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"k 18446744073709551615 anna returned: talk 10000, wrap-up 0, ended, unfinished",
		"k 2 bo finished: talk 10000, wrap-up 4000, ended, finished",
		"open 3 cecilia : talk 0, wrap-up 0, goes on, unfinished",
		"broken 4 anna dropped: talk 1000, wrap-up 0, ended, unfinished",
		"lost 5 anna dropped: talk 1000, wrap-up 0, ended, finished",
		"wraps 6 david : talk 1000, wrap-up 0, ended, unfinished",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
