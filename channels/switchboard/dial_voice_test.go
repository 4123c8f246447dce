package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/contact"
)

// An agent who dials reloads his page, or dials in another window than the one that answered.
func TestVoiceIsMadeAnewWhileAUserIsDialled(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(w *world) *leg{
		"before his voice is up": func(w *world) *leg {
			w.takeCallback(7)
			w.answer("desk", `"answer"`)
			return w.voice("laptop", true)
		},
		"after his page was closed": func(w *world) *leg {
			w.takeCallback(7)
			w.agents.last().over(channels.EndedByParty)
			synctest.Wait()
			return w.voice("desk", false)
		},
		"while it rings": func(w *world) *leg {
			w.rung(7)
			return w.voice("desk", false)
		},
		"while it rings, after his page was closed": func(w *world) *leg {
			_, agent := w.rung(7)
			agent.over(channels.EndedByParty)
			synctest.Wait()
			return w.voice("desk", false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				agent := bring(w)
				up(agent)
				w.expect()
				w.expectHeard(agent, "loop ringing sv")
				user := w.dialler.last()
				if user == nil || len(w.dialler.made) != 1 {
					t.Fatal("want the user rung, once")
				}
				up(user.leg)
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
				if !user.hears(agent) || !agent.hears(user.leg) {
					t.Error("the two do not hear each other")
				}
				for _, l := range w.agents.made {
					if l != agent && !l.isOver() {
						t.Error("an earlier leg lives on")
					}
				}
			})
		})
	}
}

// The user answers in the second in which the agent has no voice.
func TestUserWhoAnswersWhileTheAgentsPageIsLoadedWaitsForIt(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		user, agent := w.rung(7)
		agent.over(channels.EndedByParty)
		synctest.Wait()
		up(user.leg)
		w.expect()
		again := w.voice("desk", false)
		up(again)
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: again.ID()})
		if !user.hears(again) {
			t.Error("the user does not hear the agent")
		}
	})
}

func TestAgentWhoseVoiceDoesNotComeBackDialsNobody(t *testing.T) {
	t.Parallel()
	for name, answered := range map[string]bool{"while it rings": false, "after the user answered": true} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				user, agent := w.rung(7)
				agent.over(channels.EndedByParty)
				synctest.Wait()
				if answered {
					up(user.leg)
				}
				time.Sleep(6 * time.Second) // the bubble's clock
				w.expect(contact.FailDial{Offer: 7, Reason: contact.DialFault})
				if !user.isOver() || w.board.Live() != 0 {
					t.Error("something is left of the attempt")
				}
			})
		})
	}
}
