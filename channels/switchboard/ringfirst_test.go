package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// ringingLeg is a caller's that can be let ring.
type ringingLeg struct{ *leg }

func (l ringingLeg) Ringing() { l.note("rings") }

// free is what the dispatcher says while somebody can be asked at once.
var free = bus.Wait{Known: true, Agents: 1}

// ring lets a caller come in on the line that rings first.
func (w *world) ring() *leg {
	w.t.Helper()
	caller := ringingLeg{newLeg(w.agents.pacer, "caller-leg")}
	c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "rings", Arrived: w.arrived}
	if err := w.board.Arrive(w.t.Context(), c, contact.Personal{}, caller); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return caller.leg
}

func (w *world) expectAnswered(caller *leg, want bool) {
	w.t.Helper()
	if caller.answered.Load() != want {
		w.t.Fatalf("the caller is answered: %t, want %t", !want, want)
	}
}

// whileFree tells a story in which an agent is free.
func whileFree(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(w *world, _ *switchboard.Config) { w.dispatcher.wait = free }, story)
}

func (w *world) says(wait bus.Wait) {
	w.dispatcher.mutex.Lock()
	defer w.dispatcher.mutex.Unlock()
	w.dispatcher.wait = wait
}

// arrivedAt is the record of a caller on that line.
func (w *world) arrivedOn(line contact.LineID) contact.Arrive {
	return contact.Arrive{Node: "node-a", Leg: "caller-leg", Contact: contact.Contact{
		ID: "c1", Channel: contact.Voice, Line: line, Audience: contact.AudienceStaff, Language: "sv", Arrived: 1,
	}}
}

func TestCallRingsWhileAnAgentIsFreeAndIsAnsweredByHim(t *testing.T) {
	whileFree(t, func(t *testing.T, w *world) {
		caller := w.ring()
		w.expectHeard(caller, "rings")
		w.expectAnswered(caller, false)
		w.expect(w.arrivedOn("rings"), enqueued) // in the queue before he is greeted
		w.order(bus.OrderRing, 7)
		w.expectAnswered(caller, false)
		w.order(bus.OrderConnect, 7)
		w.expectAnswered(caller, true)
		w.expect(contact.Greet{Contact: "c1"})
		agent := w.agents.last()
		up(agent)
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
		w.expectHeard(caller, "rings", "loop music sv") // no welcome: an agent comes
		if !agent.hears(caller) || !caller.hears(agent) {
			t.Error("the two do not hear each other")
		}
	})
}

func TestCallIsAnsweredWhenItHasRungForLong(t *testing.T) {
	whileFree(t, func(_ *testing.T, w *world) {
		caller := w.ring()
		w.expect(w.arrivedOn("rings"), enqueued)
		time.Sleep(20*time.Second - 1) // the bubble's clock
		synctest.Wait()
		w.expectAnswered(caller, false)
		time.Sleep(1 * time.Nanosecond)
		w.expect(contact.Greet{Contact: "c1"})
		w.expectHeard(caller, "rings", "play welcome sv")
		caller.endPrompt()
		w.expect() // queued already
		w.expectHeard(caller, "rings", "play welcome sv", "loop music sv")
	})
}

func TestCallIsAnsweredWhenTheLastFreeAgentDeclines(t *testing.T) {
	whileFree(t, func(_ *testing.T, w *world) {
		caller := w.ring()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderWithdraw, 7) // somebody else is free
		w.expectAnswered(caller, false)
		w.order(bus.OrderRing, 8)
		w.says(bus.Wait{Known: true, Agents: 1, Expected: 40_000})
		w.order(bus.OrderWithdraw, 8)
		w.expectAnswered(caller, true)
		w.expectHeard(caller, "rings", "play welcome sv")
	})
}

// A queue is never kept ringing.
func TestCallIsAnsweredAtOnceWhenItIsToWaitOrToHearSomething(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world){
		"everybody is busy":   func(w *world) { w.dispatcher.wait = bus.Wait{Known: true, Agents: 3, Expected: 1} },
		"nobody can say":      func(w *world) { w.dispatcher.wait = bus.Wait{} },
		"a message is due":    func(w *world) { w.dispatcher.wait = free; w.notices.publish(nil, notice("outage")) },
		"the desk has closed": func(w *world) { w.dispatcher.wait = free; w.arrived = contact.InstantOf(time.Unix(13*3600, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(w *world, _ *switchboard.Config) { prepare(w) }, func(t *testing.T, w *world) {
				caller := w.ring()
				w.expectAnswered(caller, true)
				if heard := caller.heard(); len(heard) == 0 || heard[0] == "rings" {
					t.Errorf("heard %q", heard)
				}
			})
		})
	}
}

// What is published while it rings is told before an agent answers.
func TestMessageThatComesWhileItRingsIsTold(t *testing.T) {
	whileFree(t, func(_ *testing.T, w *world) {
		caller := w.ring()
		w.notices.publish(nil, notice("outage"))
		synctest.Wait()
		w.expectAnswered(caller, true)
		caller.endPrompt()
		w.expectHeard(caller, "rings", "play welcome sv", "play notice sv outage")
	})
}

func TestCallerWhoHangsUpWhileItRingsHasLeft(t *testing.T) {
	whileFree(t, func(t *testing.T, w *world) {
		caller := w.ring()
		w.order(bus.OrderRing, 7)
		w.dispatcher.sent()
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
		w.expectAnswered(caller, false)
		if !w.agents.last().isOver() || w.board.Live() != 0 {
			t.Error("something goes on")
		}
	})
}

func TestAnAgentWhoIsGoneBeforeTheAnswerLeavesMusic(t *testing.T) {
	whileFree(t, func(_ *testing.T, w *world) {
		caller := w.ring()
		w.order(bus.OrderConnect, 7)
		w.order(bus.OrderWithdraw, 7)
		w.expectAnswered(caller, true)
		w.expectHeard(caller, "rings", "loop music sv")
	})
}

// Requirement 3.2f.
func TestWhoWaitsIsToldHisPlaceAndWait(t *testing.T) {
	inWorldOf(t, func(w *world, _ *switchboard.Config) {
		w.dispatcher.wait = bus.Wait{Known: true, Agents: 2, Ahead: 2, Expected: 170_000}
	}, func(_ *testing.T, w *world) {
		caller := w.callOn("told", contact.Personal{})
		close(caller.promptOver) // prompts are over at once
		time.Sleep(30*time.Second - 1)
		w.expectHeard(caller, "loop music sv")
		time.Sleep(1 * time.Nanosecond)
		want := []string{
			"loop music sv", "play place sv Du är nummer tre i kön.",
			"play wait sv Den beräknade väntetiden är ungefär tre minuter.", "loop music sv",
		}
		w.expectHeard(caller, want...)
		time.Sleep(10 * time.Second)
		want = append(want, "play tip sv", "loop music sv")
		w.expectHeard(caller, want...)
		w.says(bus.Wait{}) // nobody is there any more: nothing is said of it
		time.Sleep(time.Minute)
		w.expectHeard(caller, want...)
	})
}

// Whoever is connected in the middle of an announcement hears no more of it.
func TestAgentCutsAnAnnouncement(t *testing.T) {
	inWorldOf(t, func(w *world, _ *switchboard.Config) {
		w.dispatcher.wait = bus.Wait{Known: true, Agents: 1}
	}, func(_ *testing.T, w *world) {
		caller := w.callOn("told", contact.Personal{})
		time.Sleep(30 * time.Second)
		w.order(bus.OrderConnect, 7)
		up(w.agents.last())
		w.expectHeard(caller, "loop music sv", "play place sv Du är näst på tur i kön.", "cut")
	})
}
