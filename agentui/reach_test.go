package agentui

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

func newTestReach(t *testing.T, q *fakeQueue) *reach {
	t.Helper()
	var tasks sync.WaitGroup
	life, end := context.WithCancel(t.Context())
	r := newReach(life, &tasks, "node-1", q, zerolog.Nop())
	t.Cleanup(func() { end(); r.stop(); tasks.Wait() })
	return r
}

// told returns what the dispatcher was told of anna, in order.
func told(q *fakeQueue) []bool {
	var list []bool
	for _, c := range q.sent() {
		if set, is := c.(contact.SetReachable); is && set.Agent == "anna" && set.Node == "node-1" {
			list = append(list, set.Reachable)
		}
	}
	return list
}

func wantTold(t *testing.T, q *fakeQueue, want ...bool) {
	t.Helper()
	synctest.Wait()
	if got := told(q); !reflect.DeepEqual(got, want) {
		t.Errorf("told %v; want %v", got, want)
	}
}

// twilio-professional-services/flex-project-template#290: no flapping.
func TestReachSurvivesReloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		r := newTestReach(t, q)
		r.opened("anna")
		wantTold(t, q, true)
		r.opened("anna") // a second tab
		r.closed("anna")
		time.Sleep(time.Hour)
		wantTold(t, q, true)
		for range 20 { // reloads
			r.closed("anna")
			time.Sleep(goneAfter - time.Millisecond)
			r.opened("anna")
		}
		wantTold(t, q, true)
		r.closed("anna")
		time.Sleep(goneAfter - time.Millisecond)
		wantTold(t, q, true)
		time.Sleep(2 * time.Millisecond)
		wantTold(t, q, true, false)
		r.opened("anna")
		wantTold(t, q, true, false, true)
	})
}

// What the dispatcher takes last is what is so, however slow it is.
func TestReachTellsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		atOnce := 0
		q.decide = func(context.Context, contact.Command) error {
			if atOnce++; atOnce > 1 {
				t.Error("two commands at once")
			}
			time.Sleep(time.Minute)
			atOnce--
			return nil
		}
		r := newTestReach(t, q)
		r.opened("anna")
		r.closed("anna")
		time.Sleep(30 * time.Second) // gone while the first command is on its way
		r.opened("anna")
		r.closed("anna")
		time.Sleep(time.Hour)
		wantTold(t, q, true, false)
	})
}

func TestReachTellsAgainAfterTheDispatcherForgot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		r := newTestReach(t, q)
		r.heard(bus.AgentView{Agent: "anna"}) // nobody there
		r.opened("anna")
		wantTold(t, q, true)
		r.heard(bus.AgentView{Agent: "anna", Reachable: true})
		wantTold(t, q, true)
		r.heard(bus.AgentView{Agent: "anna", Reachable: false}) // the node was taken for restarted
		wantTold(t, q, true, true)
		r.closed("anna")
		r.heard(bus.AgentView{Agent: "anna", Reachable: false})
		wantTold(t, q, true, true)
	})
}

// The view may be older than the command that is on its way: one more, never a stream.
func TestReachHearsWhileItTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		q.decide = func(context.Context, contact.Command) error { time.Sleep(time.Second); return nil }
		r := newTestReach(t, q)
		r.opened("anna")
		synctest.Wait()
		for range 5 {
			r.heard(bus.AgentView{Agent: "anna"})
		}
		time.Sleep(time.Minute)
		wantTold(t, q, true, true)
	})
}

func TestReachDoesNotLoopWhenItIsRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		q.decide = func(context.Context, contact.Command) error {
			return &contact.Rejection{Code: contact.UnknownAgent}
		}
		r := newTestReach(t, q)
		r.opened("anna")
		time.Sleep(time.Hour)
		wantTold(t, q, true)
		r.heard(bus.AgentView{Agent: "anna"}) // gone from the roster while the console is open
		time.Sleep(time.Hour)
		wantTold(t, q, true, true)
	})
}

func TestReachEndsWithTheNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		q.decide = func(ctx context.Context, _ contact.Command) error { <-ctx.Done(); return ctx.Err() }
		var tasks sync.WaitGroup
		life, end := context.WithCancel(t.Context())
		r := newReach(life, &tasks, "node-1", q, zerolog.Nop())
		r.opened("anna")
		synctest.Wait()
		end()
		r.closed("anna")
		r.stop()
		tasks.Wait()
		time.Sleep(time.Hour)
		wantTold(t, q, true)
	})
}
