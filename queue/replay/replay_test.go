package replay

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
)

// evenly draws numbers below a bound, all alike: rapid's own ranges prefer small ones.
func evenly(t *rapid.T) func(what string, below int) int {
	return func(what string, below int) int {
		return int(rapid.Uint32().Draw(t, what)>>8) % below
	}
}

// Whatever was decided in whatever world, the recorded commands give the same events again: from the beginning, from
// any record on, and from a snapshot; across splits, deaths of the leader and elections.
func TestReplayDecidesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := evenly(t)
		r := (&world{draw: draw}).day(t, 15+draw("turns", 30))
		all := uint64(len(r.tape.records))
		got, err := Run(t.Context(), &r.tape, Span{})
		if err != nil || got.Difference != nil || got.Records != all || got.First != 1 || got.Last != all || got.NotCompared != 0 {
			t.Fatalf("%d records: %+v, %v", all, got, err)
		}
		first := 1 + uint64(draw("first", int(all)))
		last := first + uint64(draw("last", int(all)))
		part, err := Run(t.Context(), &r.tape, Span{First: first, Last: last})
		if err != nil || part.Difference != nil || part.Before < first-1 && part.Before+part.NotCompared < first-1 {
			t.Fatalf("records %d to %d of %d: %+v, %v", first, last, all, part, err)
		}
		at := uint64(draw("snapshot", int(all)))
		r.tape.snapshot = snapshotAt(t, &r.tape, at)
		saved, err := Run(t.Context(), &r.tape, Span{First: first, Last: last})
		if err != nil || saved.Difference != nil || saved.Records != part.Records || saved.Events != part.Events || saved.Last != part.Last {
			t.Fatalf("with a snapshot at %d: %+v; without it %+v, %v", at, saved, part, err)
		}
		if used := r.tape.readFrom == at+1; used != (at < first && first > 1) && at > 0 {
			t.Fatalf("the snapshot at %d for record %d: read from %d", at, first, r.tape.readFrom)
		}
	})
}

func snapshotAt(t failer, s *tape, sequence uint64) *journal.Snapshot {
	engine := queue.New()
	for _, record := range s.records[:sequence] {
		for _, event := range record.Events {
			if err := engine.Apply(event, record.Now); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
	state, err := engine.Snapshot()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &journal.Snapshot{Engine: queue.EngineVersion, Sequence: sequence, State: state}
}

// A span in time begins and ends with the records of those instants.
func TestReplayOfATime(t *testing.T) {
	t.Parallel()
	r := ordinary(t)
	from, to := monday+2_000, monday+4_000
	got, err := Run(t.Context(), &r.tape, Span{From: from, To: to})
	if err != nil || got.Difference != nil || got.First != 4 || got.Last != 5 || got.Before != 3 || got.Records != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	r.tape.snapshot = snapshotAt(t, &r.tape, 3)
	if got, err := Run(t.Context(), &r.tape, Span{From: from, To: to}); err != nil || got.First != 4 || got.Last != 5 || r.tape.readFrom != 4 {
		t.Errorf("from the snapshot: read from %d, %+v, %v", r.tape.readFrom, got, err)
	}
	r.tape.snapshot = snapshotAt(t, &r.tape, 5)
	if got, err := Run(t.Context(), &r.tape, Span{From: from, To: to}); err != nil || got.First != 4 || r.tape.readFrom != 1 {
		t.Errorf("a snapshot that is too new: read from %d, %+v, %v", r.tape.readFrom, got, err)
	}
}

// ordinary is a call that is offered, missed and answered: election 1, desk 2, arrival 3, queue 4, answer 5, talk 6.
func ordinary(t failer) *recorder {
	r := &recorder{t: t, engine: queue.New()}
	rules := queue.DefaultRules()
	rules.OutcomeCodes = []contact.OutcomeCode{"solved"}
	r.elect(monday)
	commands := []contact.Command{contact.ChangeRules{Rules: rules}, contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna"}, {ID: "bo"}}}}}
	for _, agent := range []contact.AgentID{"anna", "bo"} {
		commands = append(commands, contact.SetReachable{Agent: agent, Node: "node-1", Reachable: true}, contact.SetPresence{Agent: agent, Presence: contact.Ready})
	}
	r.turn(monday, false, false, commands...)
	call := contact.Contact{ID: "k1", Channel: contact.Voice, Line: "staff", Language: "sv", Arrived: monday + 1_000}
	r.turn(monday+1_000, false, false, contact.Arrive{Contact: call, Node: "node-1", Leg: "leg"})
	r.turn(monday+2_000, false, false, contact.Enqueue{Contact: "k1", Target: 60_000})
	r.turn(monday+3_000, false, false, contact.AcceptOffer{Offer: 1, Agent: "anna"})
	r.turn(monday+4_000, false, false, contact.ConfirmConnected{Offer: 1, Leg: "agent-leg"}, contact.Leave{Contact: "k1"})
	if len(r.tape.records) != 6 {
		t.Fatalf("%d records", len(r.tape.records))
	}
	return r
}

// A record that was changed afterwards is found, and told where and how.
func TestReplayFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tamper func(records []journal.Record)
		want   Difference
		words  [2]string // of the recorded and the decided event
	}{
		"another reason": {
			func(records []journal.Record) {
				offered := records[3].Events[1].(contact.ContactOffered)
				offered.Why.Candidates = 1
				records[3].Events[1] = offered
			},
			Difference{Sequence: 4, Command: "enqueue", Kind: OtherEvent},
			[2]string{`"candidates":1`, `"candidates":2`},
		},
		"another agent": {
			func(records []journal.Record) {
				offered := records[3].Events[1].(contact.ContactOffered)
				offered.Agent = "bo"
				records[3].Events[1] = offered
			},
			Difference{Sequence: 4, Command: "enqueue", Kind: OtherEvent},
			[2]string{`"agent":"bo"`, `"agent":"anna"`},
		},
		"an event is gone": {
			func(records []journal.Record) { records[3].Events = records[3].Events[:1] },
			Difference{Sequence: 4, Command: "enqueue", Kind: NotRecorded},
			[2]string{"", `"contact-offered"`},
		},
		"an event too many": {
			func(records []journal.Record) {
				records[4].Events = append(records[4].Events, contact.ContactGreeted{Contact: "k1"})
			},
			Difference{Sequence: 5, Command: "accept-offer", Kind: NotDecided},
			[2]string{`"contact-greeted"`, ""},
		},
		"a command that was rejected": {
			func(records []journal.Record) {
				records[4].Commands = contact.Commands{contact.AcceptOffer{Offer: 9, Agent: "anna"}}
			},
			Difference{Sequence: 5, Command: "accept-offer", Kind: Rejected, Rejection: contact.OfferGone},
			[2]string{`"offer-accepted"`, ""},
		},
		"a command without consequence": {
			func(records []journal.Record) {
				records[4].Commands = contact.Commands{contact.Tick{}}
			},
			Difference{Sequence: 5, Command: "tick", Kind: NotDecided},
			[2]string{`"offer-accepted"`, ""},
		},
		"no command": {
			func(records []journal.Record) { records[4].Commands = contact.Commands{} },
			Difference{Sequence: 5, Kind: NotDecided},
			[2]string{`"offer-accepted"`, ""},
		},
		"a clock that was turned back": {
			func(records []journal.Record) { records[4].Now = monday },
			Difference{Sequence: 5, Command: "accept-offer", Kind: OtherTime},
			[2]string{},
		},
		"a later time": {
			func(records []journal.Record) { records[3].Now += 500 },
			Difference{Sequence: 4, Command: "enqueue", Kind: OtherEvent},
			[2]string{`"expires"`, `"expires"`},
		},
		"an election": {
			func(records []journal.Record) {
				records[0].Events = contact.Events{contact.LeaderElected{Epoch: 1, Node: "node-1"}, contact.ContactGreeted{Contact: "k1"}}
			},
			Difference{Sequence: 1, Kind: NotDecided},
			[2]string{`"contact-greeted"`, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ordinary(t)
			test.tamper(r.tape.records)
			got, err := Run(t.Context(), &r.tape, Span{})
			if err != nil || got.Difference == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			d := *got.Difference
			recorded, decided := string(d.Recorded), string(d.Decided)
			d.Recorded, d.Decided = nil, nil
			if data, _ := json.Marshal(d); string(data) != string(mustMarshal(t, test.want)) {
				t.Errorf("%s; want %+v", data, test.want)
			}
			for i, text := range []string{recorded, decided} {
				if test.want.Kind != OtherTime && (!strings.Contains(text, test.words[i]) || (text == "") != (test.words[i] == "")) {
					t.Errorf("event %d of the two is %q; want %q in it", i, text, test.words[i])
				}
			}
			if got.Last != test.want.Sequence-1 {
				t.Errorf("compared up to %d", got.Last)
			}
		})
	}
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What another version of the engine decided is folded, not judged.
func TestReplayOfAnotherEngine(t *testing.T) {
	t.Parallel()
	r := ordinary(t)
	offered := r.tape.records[3].Events[1].(contact.ContactOffered)
	offered.Why.Candidates = 7
	r.tape.records[3].Events[1] = offered
	for i := range 4 {
		r.tape.records[i].Engine = queue.EngineVersion - 1
	}
	got, err := Run(t.Context(), &r.tape, Span{})
	if err != nil || got.Difference != nil || got.NotCompared != 4 || got.Records != 2 || got.First != 5 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Records that cannot have followed one another are damage, not a difference.
func TestReplayOfADamagedJournal(t *testing.T) {
	t.Parallel()
	r := ordinary(t)
	r.tape.records = slices.Delete(r.tape.records, 2, 3) // the arrival
	if got, err := Run(t.Context(), &r.tape, Span{First: 5}); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReplayOfNothing(t *testing.T) {
	t.Parallel()
	if got, err := Run(t.Context(), &tape{}, Span{}); err != nil || got != (Result{}) {
		t.Errorf("%+v, %v", got, err)
	}
	r := ordinary(t)
	if got, err := Run(t.Context(), &r.tape, Span{First: 99}); err != nil || got.Records != 0 || got.Before != 6 {
		t.Errorf("behind the end: %+v, %v", got, err)
	}
}
