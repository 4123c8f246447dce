package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// What goes on beside a talk has rows of its own: places outside, supervisors and marks, each with when it was.
func TestTheTelephoneIsProjected(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(0), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(5), contact.OutsideCalled{Contact: "k", Offer: 2, Agent: "anna", To: "supplier", Expires: after(35)})
	j.record(after(9), contact.OutsideEnded{Contact: "k", Offer: 2, To: "supplier", Failure: contact.DialBusy})
	j.record(after(10), contact.OutsideCalled{Contact: "k", Offer: 3, Agent: "anna", To: "supplier", Blind: true, Expires: after(40)})
	j.record(after(14), contact.OutsideAnswered{Contact: "k", Offer: 3, To: "supplier", Leg: "outside"})
	j.record(after(20), contact.SupervisionChanged{Contact: "k", Supervisor: "eva", Mode: contact.SuperviseListen})
	j.record(after(30), contact.SupervisionChanged{Contact: "k", Supervisor: "eva", Mode: contact.SuperviseBarge})
	j.record(after(40), contact.SupervisionChanged{Contact: "k", Supervisor: "eva"}, contact.ContactMarked{Contact: "k", Agent: "anna", Mark: contact.MarkThreat})
	j.record(after(50), contact.ContactHandedOver{Contact: "k", Agent: "anna", To: "supplier", Offer: 3})

	told := func(query string) string {
		t.Helper()
		rows, err := s.pool.Query(t.Context(), query, noon)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "; ")
	}
	for query, want := range map[string]string{
		`select concat_ws(' ', offer, agent, destination, blind, extract(epoch from called - $1)::int, extract(epoch from answered - $1)::int,
			extract(epoch from ended - $1)::int, failure, took_over) from outside_calls order by offer`: "2 anna supplier f 5 9 busy f; 3 anna supplier t 10 14 50  t",
		`select concat_ws(' ', supervisor, mode, extract(epoch from begun - $1)::int, extract(epoch from ended - $1)::int) from supervisions order by begun`: "eva listen 20 30; eva barge 30 40",
		`select concat_ws(' ', mark, agent, extract(epoch from at - $1)::int) from contact_marks`:                                                            "threat anna 40",
	} {
		if got := told(query); got != want {
			t.Errorf("%s\ngives %q, want %q", query, got, want)
		}
	}
}

// A call that the desk began is on file with what came of it, and in no figure of those that came in.
func TestOutgoingCallsCountApart(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	placed := func(id contact.ID, at int) contact.CallPlaced {
		c := call(id, after(at))
		c.Outgoing = true
		return contact.CallPlaced{Contact: c, Node: "node-1", Leg: "leg", Agent: "anna", Offer: contact.OfferID(at), Expires: after(at + 30)}
	}
	j.record(after(1), placed("reached", 1))
	j.record(after(9), contact.ContactConnected{Contact: "reached", Offer: 1, Agent: "anna", Leg: "agent-leg"})
	j.record(after(69), contact.ContactHungUp{Contact: "reached", Agent: "anna", By: contact.PartyAgent})
	j.record(after(79), contact.ContactClosed{Contact: "reached", End: contact.EndHandled, Agent: "anna", Code: "solved", Waited: 8_000})
	j.record(after(80), placed("unreached", 80))
	j.record(after(99), contact.ContactClosed{Contact: "unreached", End: contact.EndNotReached, Failure: contact.DialBusy, Agent: "anna", Waited: 19_000})

	if got := count(t, s, `select count(*) from contacts where outgoing and ended_as = 'not-reached' and failure = 'busy' and state = 'closed'`); got != 1 {
		t.Errorf("%d calls are on file as not reached", got)
	}
	query := report.Query{From: noon, To: noon.AddDate(0, 0, 1), By: report.Total, Now: after(3600).Time()}
	rows, err := s.ContactFigures(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].Outgoing != (report.Outgoing{Calls: 2, Reached: 1}) || rows[0].Offered != 0 || rows[0].Answered != 0 ||
		rows[0].Answerable != 0 || rows[0].StrictAnswerable != 0 || rows[0].Handling.Total.N != 0 {
		t.Errorf("the figures are %+v", rows)
	}
	agents, err := s.AgentFigures(t.Context(), query)
	if err != nil || len(agents) != 1 || agents[0].Segments != 1 || agents[0].Talk.Mean != 60_000 || agents[0].WrapUp.Mean != 10_000 {
		t.Errorf("Anna's part is %+v, %v", agents, err)
	}
	if day, err := s.Figures(t.Context(), noon, noon.AddDate(0, 0, 1), after(3600).Time(), 0); err != nil || day.Answerable != 0 || day.Handled["anna"] != 1 {
		t.Errorf("the day is %+v, %v", day, err)
	}
}

// A conference is no hold: agent and user talk (measure: talk time).
func TestAConferenceIsTalk(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(0), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(10), contact.ContactConnected{Contact: "k", Offer: 1, Agent: "anna", Leg: "agent-leg"})
	j.record(after(20), contact.ContactHeld{Contact: "k", Agent: "anna"})
	j.record(after(30), contact.ConferenceChanged{Contact: "k", Agent: "anna", On: true})
	j.record(after(50), contact.ConferenceChanged{Contact: "k", Agent: "anna"})
	j.record(after(55), contact.ContactHungUp{Contact: "k", Agent: "anna", By: contact.PartyCaller})
	j.record(after(60), contact.ContactClosed{Contact: "k", End: contact.EndHandled, Agent: "anna", Code: "solved"})
	query := report.Query{From: noon, To: noon.AddDate(0, 0, 1), By: report.Total, Now: after(3600).Time()}
	rows, err := s.ContactFigures(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].Handling.Talk.Mean != 30_000 || rows[0].Handling.Held.Mean != 15_000 {
		t.Errorf("the figures are %+v", rows)
	}
	fold := report.NewContactFold(query)
	if err := s.Cohort(t.Context(), query, fold.Add); err != nil {
		t.Fatal(err)
	}
	if folded := fold.Total(); folded.Handling != rows[0].Handling {
		t.Errorf("SQL says %+v, the fold %+v", rows[0].Handling, folded.Handling)
	}
}

// A call that rings first waits before it is greeted: being answered later moves it nowhere.
func TestGreetedWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(0), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(1), contact.ContactQueued{Contact: "k", Target: 60_000})
	j.record(after(9), contact.ContactGreeted{Contact: "k"})
	if got := contacts(t, s)["k"]; got.State != contact.StateWaiting || got.Greeted == nil || !got.Greeted.Equal(after(9).Time()) {
		t.Errorf("it is %+v", got)
	}
}

// A recording is there until its time is over and somebody says that its file is deleted; a projection that is made anew does
// not bring it back.
func TestRecordingsAreKeptForTheirTime(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	ended := func(id contact.ID, file string, at, keep int) contact.RecordingChanged {
		e := contact.RecordingChanged{Contact: id, Recording: contact.RecordingEnded, File: file, SHA256: strings.Repeat("0", 64), Bytes: 44, Length: 2_000}
		if e.DeleteAfter = after(at + keep); keep == 0 {
			e.DeleteAfter = 0
		}
		return e
	}
	j.record(after(0), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	j.record(after(1), contact.RecordingChanged{Contact: "k", Recording: contact.RecordingBegun})
	if _, err := s.RecordingOf(t.Context(), "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a recording that goes on: %v", err)
	}
	j.record(after(10), ended("k", "k-1.wav", 10, 100))
	j.record(after(20), ended("k", "k-2.wav", 20, 50), ended("other", "other.wav", 20, 0))
	newest, err := s.RecordingOf(t.Context(), "k")
	until := after(70).Time()
	want := Recording{Contact: "k", File: "k-2.wav", SHA256: strings.Repeat("0", 64), Bytes: 44, Length: 2_000, Ended: after(20).Time(), DeleteAfter: &until}
	newest.Ended = newest.Ended.UTC()
	if newest.DeleteAfter != nil {
		*newest.DeleteAfter = newest.DeleteAfter.UTC()
	}
	if err != nil || !reflect.DeepEqual(newest, want) {
		t.Errorf("got %+v, %v", newest, err)
	}
	due := func(at time.Time) string {
		t.Helper()
		list, err := s.RecordingsDue(t.Context(), at, 10)
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, r := range list {
			files = append(files, r.File)
		}
		return strings.Join(files, " ")
	}
	if got := due(after(69).Time()); got != "" {
		t.Errorf("due too early: %s", got)
	}
	if got := due(after(200).Time()); got != "k-2.wav k-1.wav" {
		t.Errorf("due are %s", got)
	}
	for range 2 { // said again, it is done
		if err := s.MarkRecordingDeleted(t.Context(), "k", "k-2.wav", after(71)); err != nil {
			t.Fatal(err)
		}
	}
	if got := due(after(200).Time()); got != "k-1.wav" {
		t.Errorf("due are %s", got)
	}
	if got, err := s.RecordingOf(t.Context(), "k"); err != nil || got.File != "k-1.wav" {
		t.Errorf("the newest is %+v, %v", got, err)
	}
	if state := count(t, s, `select count(*) from contacts where id = 'k' and recording = 'ended'`); state != 1 {
		t.Error("the contact does not say how far its recording is")
	}
}
