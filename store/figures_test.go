package store

import (
	"reflect"
	"testing"
	"time"

	"svar/contact"
)

// Each contact arrives at noon, waits from 10 s on with a target of 60 s, and is looked at
// 10 minutes later.
func TestFigures(t *testing.T) {
	t.Parallel()
	const id, anna = contact.ID("k"), contact.AgentID("anna")
	type step struct {
		at    int
		event contact.Event
	}
	arrived := step{0, contact.ContactArrived{Contact: call(id, after(0)), Node: "node-1", Leg: "leg"}}
	queued := step{10, contact.ContactQueued{Contact: id, Target: 60_000}}
	connected := func(at int) step { return step{at, contact.ContactConnected{Contact: id, Offer: 1, Agent: anna}} }
	dropped := func(at int) step { return step{at, contact.ContactDropped{Contact: id}} }
	handled := func(at int) step {
		return step{at, contact.ContactClosed{Contact: id, End: contact.EndHandled, Agent: anna, Code: "solved"}}
	}
	ended := func(at int, end contact.End, stage contact.Stage) step {
		return step{at, contact.ContactClosed{Contact: id, End: end, Stage: stage, Waited: contact.Millis(at) * 1000}}
	}
	refused := call(id, after(0))
	tests := map[string]struct {
		steps              []step
		within, answerable int
	}{
		"answered in time, counted from the queue": {[]step{arrived, queued, connected(70)}, 1, 1},
		"answered late":                   {[]step{arrived, queued, connected(71)}, 0, 1},
		"answered, then handled":          {[]step{arrived, queued, connected(20), handled(500)}, 1, 1},
		"answered, then waits again":      {[]step{arrived, queued, connected(20), {30, contact.ContactReturned{Contact: id}}}, 1, 1},
		"answered, broken, never called":  {[]step{arrived, queued, connected(20), dropped(30)}, 1, 1},
		"the target was raised":           {[]step{arrived, queued, {20, contact.ContactQueued{Contact: id, Target: 120_000}}, connected(100)}, 1, 1},
		"abandoned in the queue":          {[]step{arrived, queued, ended(20, contact.EndAbandoned, contact.StageQueue)}, 0, 1},
		"abandoned while it rang":         {[]step{arrived, queued, ended(20, contact.EndAbandoned, contact.StageRinging)}, 0, 1},
		"abandoned at once":               {[]step{arrived, ended(4, contact.EndAbandoned, contact.StageQueue)}, 0, 0},
		"abandoned after just 5 s":        {[]step{arrived, ended(5, contact.EndAbandoned, contact.StageQueue)}, 0, 1},
		"abandoned in the message":        {[]step{arrived, ended(20, contact.EndAbandoned, contact.StageMessage)}, 0, 0},
		"abandoned before the answer":     {[]step{arrived, ended(20, contact.EndAbandoned, contact.StageBeforeAnswer)}, 0, 0},
		"dropped":                         {[]step{arrived, queued, ended(20, contact.EndDropped, contact.StageQueue)}, 0, 1},
		"dropped in the message":          {[]step{arrived, ended(20, contact.EndDropped, contact.StageMessage)}, 0, 1},
		"refused":                         {[]step{{1, contact.ContactClosed{Contact: id, End: contact.EndRefused, Response: 503, Refused: &refused}}}, 0, 0},
		"waits past its target":           {[]step{arrived, queued}, 0, 1},
		"waits within its target":         {[]step{arrived, {550, contact.ContactQueued{Contact: id, Target: 60_000}}}, 0, 0},
		"waits for just its target":       {[]step{arrived, {540, contact.ContactQueued{Contact: id, Target: 60_000}}}, 0, 0},
		"hears a message":                 {[]step{arrived}, 0, 0},
		"to be called back, past target":  {[]step{arrived, queued, dropped(20)}, 0, 1},
		"called back in time":             {[]step{arrived, queued, dropped(20), handled(60)}, 1, 1},
		"called back late":                {[]step{arrived, queued, dropped(20), handled(500)}, 0, 1},
		"called back, never had a target": {[]step{arrived, dropped(5), handled(60)}, 0, 1},
	}
	s := newStore(t) // one for all, since there are many cases
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := s.pool.Exec(t.Context(), `truncate contacts, events; update projection set sequence = 0`); err != nil {
				t.Fatal(err)
			}
			j := journal{t: t, store: s}
			want := Day{Handled: map[contact.AgentID]int{}, WithinTarget: test.within, Answerable: test.answerable}
			var events []recorded
			for _, step := range test.steps {
				j.record(after(step.at), step.event)
				events = append(events, recorded{step.event, after(step.at)})
				if closed, is := step.event.(contact.ContactClosed); is && closed.End == contact.EndHandled {
					want.Handled[anna]++
				}
			}
			const short = 5 * time.Second
			got, err := s.Figures(t.Context(), noon, noon.Add(time.Hour), after(600).Time(), short)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			// The slow twin, which the random streams rely on, says the same.
			if slow := slowFigures(events, after(600)); !reflect.DeepEqual(slow, want) {
				t.Errorf("the twin says %+v, want %+v", slow, want)
			}
			// It is one of the day in which it arrived, and of no other.
			other, err := s.Figures(t.Context(), noon.Add(-time.Hour), noon, after(600).Time(), short)
			if nothing := (Day{Handled: map[contact.AgentID]int{}}); err != nil || !reflect.DeepEqual(other, nothing) {
				t.Errorf("the hour before has %+v, %v", other, err)
			}
		})
	}
}
