package agentui

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// countingConsoles are so many agents' consoles of which nobody reads, and how often the shared part was made anew.
func countingConsoles(n int) (s *consoles, renewed *atomic.Int64) {
	renewed = new(atomic.Int64)
	s = &consoles{open: map[contact.AgentID][]*console{}, renew: func() { renewed.Add(1) }}
	for i := range n {
		agent := contact.AgentID(fmt.Sprint(i))
		s.add(&console{agent: agent, id: "window", dirty: make(chan struct{}, 1), shared: make(chan time.Duration, 1)})
	}
	return s, renewed
}

// What everybody sees changes with every contact: a large desk is told of it less often, and not all in one moment; each
// agent is told of his own at once.
func TestWhatAllShowIsToldAtAPaceThatTheDeskBears(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		consoles int
		every    time.Duration
	}{{1, stateEvery}, {100, stateEvery}, {1000, time.Second}, {3000, 3 * time.Second}} {
		t.Run(fmt.Sprint(one.consoles), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, renewed := countingConsoles(one.consoles)
				const rounds = 5
				told := 0
				for end := time.Now().Add(rounds * one.every); time.Now().Before(end); time.Sleep(time.Millisecond) {
					s.changed()
					select {
					case within := <-s.open["0"][0].shared:
						told++
						if within != one.every-stateEvery {
							t.Fatalf("within %s", within)
						}
					default:
					}
				}
				if made := int(renewed.Load()); told != rounds || made < told || made > told+1 {
					t.Errorf("told %d times, made %d times in %d times %s", told, made, rounds, one.every)
				}
				s.changedFor("0")
				if len(s.open["0"][0].dirty) != 1 {
					t.Error("his own waits")
				}
				time.Sleep(one.every)
				synctest.Wait()
				if changes, toldOf := s.news(); changes != toldOf {
					t.Errorf("told of %d of %d: the last change was kept back", toldOf, changes)
				}
			})
		})
	}
}

// A busy desk's list of colleagues is long and changes all the time: it is sent as often as the socket of everybody bears,
// and the newest one at last.
func TestTheListOfColleaguesKeepsAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.ui.consoles.colleaguesPerSecond = 10 // one of them takes longer
		bo := bus.AgentView{Agent: "bo", Presence: contact.Ready, Since: 1}
		w.merge(bo)
		c := w.console("anna")
		if s := c.state(anyState); len(s.Colleagues) != 1 {
			t.Fatalf("the first state has not the list: %+v", s.Colleagues)
		}
		synctest.Wait()
		c.received()
		began, lists := time.Now(), 0
		for since := contact.Instant(2); since <= 100; since++ {
			bo.Since = since
			w.merge(bo)
			w.ui.consoles.changed()
			time.Sleep(stateEvery)
		}
		for last := false; !last; {
			if s := c.state(anyState); s.Colleagues != nil {
				lists++
				last = s.Colleagues[0].Since == bo.Since
			}
		}
		if atMost := int(time.Since(began)/w.ui.consoles.colleaguesEvery(30)) + 1; lists < 2 || lists > atMost {
			t.Errorf("%d lists in %s", lists, time.Since(began))
		}
	})
}

// The queue does not wait for the list of colleagues: who is told of both when the list is due sees callers seconds too late.
func TestTheQueueIsShownWhileTheListOfColleaguesWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.ui.consoles.colleaguesPerSecond = 1 // it is not due before long
		bo := bus.AgentView{Agent: "bo", Presence: contact.Ready, Since: 1}
		w.merge(bo)
		c := w.console("anna")
		c.state(func(s *ConsoleState) bool { return len(s.Colleagues) == 1 })
		time.Sleep(stateEvery)
		bo.Since = 2
		w.merge(bo)
		w.ui.consoles.changed()
		if s := c.state(anyState); s.Colleagues != nil {
			t.Fatal("the list does not wait")
		}
		began := time.Now()
		w.merge(bo, written("call", contact.Voice, 1, 60_000))
		w.ui.consoles.changed()
		c.state(func(s *ConsoleState) bool { return s.QueueLength == 1 })
		if took := time.Since(began); took > 2*stateEvery {
			t.Errorf("shown after %s", took)
		}
		if s := c.state(func(s *ConsoleState) bool { return s.Colleagues != nil }); s.Colleagues[0].Since != 2 {
			t.Errorf("the list is %+v", s.Colleagues)
		}
	})
}
