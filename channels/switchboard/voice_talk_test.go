package switchboard_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// Make before break: the caller hears the agent over the old leg until the new one is up.
func TestVoiceIsMadeAnewWithoutAGap(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		second := w.voice("desk", false)
		if !first.hears(caller) || !caller.hears(first) {
			t.Error("the talk does not go on over the old leg")
		}
		heard := len(caller.heard())
		up(second)
		if !second.hears(caller) || !caller.hears(second) || !first.isOver() {
			t.Error("the talk does not go on over the new leg alone")
		}
		if len(caller.heard()) != heard {
			t.Errorf("the caller heard %q", caller.heard())
		}
		w.expectBound() // the window knows
		time.Sleep(2 * grace)
		w.expect() // nobody else has to know
	})
}

func TestPageThatIsLoadedAgainInTheTalkGetsTheVoiceBack(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		first.over(channels.EndedByParty)
		w.expect()
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
		time.Sleep(grace - time.Second) // the bubble's clock
		second := w.voice("desk", false)
		up(second)
		if !second.hears(caller) || !caller.hears(second) {
			t.Error("the two do not hear each other")
		}
		time.Sleep(2 * grace)
		w.expect()
		// and again: each loss has a grace of its own
		second.over(channels.EndedByFault)
		time.Sleep(grace - time.Second)
		w.expect()
		up(w.voice("desk", false))
		time.Sleep(2 * grace)
		w.expect()
	})
}

// He lifts the laptop's lid instead: nobody has the voice, so that any window may have it.
func TestLostVoiceMayComeBackInAnotherWindow(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		first.over(channels.EndedByFault)
		synctest.Wait()
		second := w.voice("laptop", false)
		w.refused(contact.VoiceElsewhere, bus.Control{Kind: bus.ControlVoice, Console: "desk"}) // it is on its way
		w.expectBound()
		up(second)
		w.expectBound("laptop")
		if !second.hears(caller) {
			t.Error("the agent does not hear the caller")
		}
	})
}

func TestVoiceIsTakenFromAnotherWindowInTheTalk(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		w.refused(contact.VoiceElsewhere, bus.Control{Kind: bus.ControlVoice, Console: "laptop"})
		w.refused(contact.NotYours, bus.Control{Kind: bus.ControlVoice, Console: "laptop", Take: true, Agent: "bo"})
		second := w.voice("laptop", true)
		w.expectBound() // the old window keeps the talk until the new one has it
		if !first.hears(caller) {
			t.Error("the talk does not go on over the old leg")
		}
		up(second)
		w.expectBound("laptop")
		if !second.hears(caller) || !first.isOver() {
			t.Error("the voice did not move")
		}
		w.refused(contact.VoiceElsewhere, bus.Control{Kind: bus.ControlVoice, Console: "desk"})
	})
}

// freeswitch#1062, opensips#3123: an agent whose voice is gone is not in a call for ever.
func TestGraceRunsOut(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		first.over(channels.EndedByFault)
		time.Sleep(grace - time.Second) // the bubble's clock
		w.expect()
		second := w.voice("desk", false) // but it does not come up
		time.Sleep(2 * time.Second)
		w.expect(contact.FailConnect{Offer: 7})
		if !second.isOver() {
			t.Error("the agent's leg lives on")
		}
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv", "loop music sv")
		w.refused(contact.NotYours, bus.Control{Kind: bus.ControlVoice, Console: "desk"})
		w.order(bus.OrderWithdraw, 7) // what the dispatcher answers
		w.order(bus.OrderRing, 8)
		w.order(bus.OrderConnect, 8)
		up(w.agents.last())
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: w.agents.last().ID()})
		if !w.agents.last().hears(caller) {
			t.Error("the next agent does not hear the caller")
		}
	})
}

func TestCallThatEndsInTheGrace(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world, caller *leg)
		want   []contact.Command
		waits  bool
	}{
		"the caller hangs up": {func(_ *world, caller *leg) { caller.over(channels.EndedByParty) }, []contact.Command{contact.Leave{Contact: "c1"}}, false},
		"the agent hangs up":  {func(w *world, _ *leg) { w.do(bus.ControlHangUp) }, []contact.Command{contact.HangUp{Contact: "c1", Agent: "anna"}}, false},
		"it is released":      {func(w *world, _ *leg) { w.order(bus.OrderRelease, 0) }, nil, false},
		"it is withdrawn":     {func(w *world, _ *leg) { w.order(bus.OrderWithdraw, 7) }, nil, true},
		"somebody else rings": {func(w *world, _ *leg) { w.order(bus.OrderRing, 8) }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				caller, first := w.inTalk()
				first.over(channels.EndedByFault)
				synctest.Wait()
				second := w.voice("desk", false) // on its way
				story.happen(w, caller)
				w.expect(story.want...)
				if !second.isOver() {
					t.Error("the agent's leg lives on") // freeswitch#2529
				}
				if (w.board.Live() == 1) != story.waits {
					t.Errorf("%d calls", w.board.Live())
				}
				time.Sleep(2 * grace)
				w.expect() // and its time runs out for nobody
			})
		})
	}
}

// An agent may hold and take back while his voice is gone: what was said last counts.
func TestHoldAndVoiceAreTwoThings(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, first := w.inTalk()
		w.do(bus.ControlHold)
		second := w.voice("desk", false)
		up(second)
		if second.hears(caller) || caller.hears(second) || !first.isOver() {
			t.Error("a new voice ended the hold")
		}
		second.over(channels.EndedByParty)
		synctest.Wait()
		up(w.voice("desk", false))
		third := w.agents.last()
		if third.hears(caller) {
			t.Error("a voice that came back ended the hold")
		}
		w.do(bus.ControlResume)
		if !third.hears(caller) || !caller.hears(third) {
			t.Error("the two do not hear each other after the hold")
		}
		third.over(channels.EndedByParty)
		synctest.Wait()
		w.do(bus.ControlHold)
		w.do(bus.ControlResume)
		up(w.voice("desk", false))
		if !w.agents.last().hears(caller) {
			t.Error("the two do not hear each other after the loss")
		}
		w.expect(
			contact.Hold{Contact: "c1", Agent: "anna"}, contact.Resume{Contact: "c1", Agent: "anna"},
			contact.Hold{Contact: "c1", Agent: "anna"}, contact.Resume{Contact: "c1", Agent: "anna"},
		)
	})
}

// The old leg breaks while the new one comes up: it goes on with that.
func TestOldLegMayBreakBeforeTheNewOneIsUp(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]time.Duration{"with a grace": grace, "without": 0} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(_ *world, config *switchboard.Config) { config.VoiceGrace = d }, func(t *testing.T, w *world) {
				caller, first := w.inTalk()
				second := w.voice("desk", false)
				first.over(channels.EndedByParty)
				w.expect()
				up(second)
				w.expect()
				if !second.hears(caller) {
					t.Error("the agent does not hear the caller")
				}
			})
		})
	}
}

func TestNewLegThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		grace  time.Duration
		happen func(old, made *leg)
		want   []contact.Command
	}{
		"while the old one lives": {grace, func(_, made *leg) { made.over(channels.EndedByFault) }, nil},
		"in its time":             {grace, func(*leg, *leg) { time.Sleep(time.Minute) }, nil},
		"after the old one broke": {0, func(old, made *leg) {
			old.over(channels.EndedByFault)
			synctest.Wait()
			made.over(channels.EndedByFault)
		}, []contact.Command{contact.FailConnect{Offer: 7}}},
		"ever": {0, func(old, _ *leg) { old.over(channels.EndedByFault); time.Sleep(time.Minute) }, []contact.Command{contact.FailConnect{Offer: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(_ *world, config *switchboard.Config) { config.VoiceGrace = story.grace }, func(t *testing.T, w *world) {
				caller, old := w.inTalk()
				made := w.voice("desk", false)
				story.happen(old, made)
				w.expect(story.want...)
				if !made.isOver() {
					t.Error("the leg that did not come up is left")
				}
				if story.want == nil && (!old.hears(caller) || !caller.hears(old)) {
					t.Error("the talk did not go on over the old leg")
				}
			})
		})
	}
}

func TestVoiceThatCannotBeMade(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, agent := w.inTalk()
		w.agents.refuse = errors.New("no room for another leg")
		if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk"}); err == nil || errors.Is(err, errUnanswered) {
			t.Errorf("the window was told %v", err)
		}
		if !agent.hears(caller) {
			t.Error("the talk did not go on")
		}
		w.expect()
	})
}

// flex-project-template#290: a network that flaps costs some legs, not one a second for hours.
func TestVoiceIsNotMadeAnewForEver(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, _ := w.inTalk()
		made := 0
		for range 100 {
			if w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk"}) == nil {
				made++
			}
		}
		if made != 10 {
			t.Errorf("%d legs were made in no time, want 10", made)
		}
		alive := 0
		for _, l := range w.agents.made {
			if !l.isOver() {
				alive++
			}
		}
		if alive != 2 {
			t.Errorf("%d legs live, want the one that carries the talk and the newest", alive)
		}
		up(w.agents.last())
		if !w.agents.last().hears(caller) {
			t.Error("the agent does not hear the caller")
		}
	})
}
