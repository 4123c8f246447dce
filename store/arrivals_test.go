package store

import (
	"slices"
	"testing"
	"time"

	"svar/contact"
)

// A day is simulated with those who came to the queue: of the entrance, by the channel, in the time.
func TestQueuedArrivals(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	for id, seconds := range map[contact.ID]int{"late": 50, "early": 10, "before": 9, "end": 60, "not-queued": 20} {
		c := call(id, after(seconds))
		j.record(after(100), contact.ContactArrived{Contact: c, Node: "node-1", Leg: contact.LegID(id)})
		if id != "not-queued" {
			j.record(after(100), contact.ContactQueued{Contact: id, Target: 60_000})
		}
	}
	line := call("early", after(0)).Line
	at := func(seconds int) time.Time { return after(seconds).Time() }
	for _, test := range []struct {
		line    contact.LineID
		channel contact.Channel
		want    []time.Time
	}{{line, contact.Voice, []time.Time{at(10), at(50)}}, {line, contact.Chat, nil}, {"elsewhere", contact.Voice, nil}} {
		got, err := s.QueuedArrivals(t.Context(), test.line, test.channel, at(10), at(60))
		if err != nil || !slices.EqualFunc(got, test.want, time.Time.Equal) {
			t.Errorf("%s by %s: %v, %v; want %v", test.line, test.channel, got, err, test.want)
		}
	}
}
