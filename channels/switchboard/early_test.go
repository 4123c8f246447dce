package switchboard_test

import (
	"testing"
	"testing/synctest"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// soundingLeg may sound before it is answered.
type soundingLeg struct{ *dialledLeg }

func (l soundingLeg) EarlySound() <-chan struct{} { return l.stream.Heard() }

// withEarlySound lets everybody who is called sound before the answer.
func withEarlySound(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.VoiceGrace = grace
		w.dialler.dress = func(l *dialledLeg) channels.DialledLeg { return soundingLeg{l} }
	}, story)
}

// sounds lets the network say something.
func (l *leg) sounds() {
	l.say()
	synctest.Wait()
}

// RFC 3960: who calls hears the network's own ringing and announcements, and is not heard there before the answer.
func TestAgentHearsWhatSoundsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(w *world) (user *dialledLeg, agent *leg){
		"at once": func(w *world) (*dialledLeg, *leg) {
			user, agent := w.rung(7)
			w.expectHeard(agent, "loop ringing sv")
			expectHearing(w.t, "u: a:", named{"u", newLeg(w.agents.pacer, "silent")}, named{"a", agent})
			user.sounds()
			return user, agent
		},
		"his page is loaded again afterwards": func(w *world) (*dialledLeg, *leg) {
			user, _ := w.rung(7)
			user.sounds()
			agent := w.voice("desk", false)
			up(agent)
			w.expectHeard(agent)
			return user, agent
		},
		"while his page is loaded again": func(w *world) (*dialledLeg, *leg) {
			user, agent := w.rung(7)
			agent.over(channels.EndedByParty)
			synctest.Wait()
			user.sounds()
			agent = w.voice("desk", false)
			up(agent)
			w.expectHeard(agent)
			return user, agent
		},
	} {
		t.Run(name, func(t *testing.T) {
			withEarlySound(t, func(t *testing.T, w *world) {
				user, agent := bring(w)
				both := []named{{"u", user.leg}, {"a", agent}}
				expectHearing(t, "u: a:u", both...)
				w.expect()
				up(user.leg)
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
				expectHearing(t, "u:a a:u", both...)
			})
		})
	}
}

func TestCallThatSoundsAndIsNotAnsweredLeavesNothing(t *testing.T) {
	withEarlySound(t, func(t *testing.T, w *world) {
		user, agent := w.rung(7)
		user.sounds()
		user.failure = contact.DialBusy
		user.over(channels.EndedByParty)
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialBusy})
		if !agent.isOver() || w.board.Live() != 0 || w.personal.legs() != 0 {
			t.Error("something is left of the attempt")
		}
	})
}

// The user, who is on hold, hears nothing of a place that is called; a supervisor hears what the agent hears.
func TestAgentHearsWhatSoundsOfAPlaceOutside(t *testing.T) {
	withEarlySound(t, func(t *testing.T, w *world) {
		caller, anna, place := w.ringingOutside()
		all := []named{{"u", caller}, {"a", anna}, {"p", place.leg}}
		w.expectHeard(anna, "loop ringing sv")
		place.sounds()
		expectHearing(t, "u: a:p p:", all...)
		if err := w.ask(bus.Control{Kind: bus.ControlKey, Agent: "anna", Key: "1"}); err != nil {
			t.Error(err)
		}
		w.expectHeard(place.leg) // a key is no voice to be sent before the answer either
		w.supervise(contact.SuperviseBarge)
		eva := w.agents.last()
		up(eva)
		all = append(all, named{"s", eva})
		expectHearing(t, "u: a:ps p: s:ap", all...)
		w.dispatcher.sent()
		up(place.leg)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
		expectHearing(t, "u: a:ps p:as s:ap", all...)
		w.expectHeard(anna, "loop ringing sv") // never again
	})
}

func TestPlaceThatSoundsAndIsNotAskedAnyMore(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(w *world, place *dialledLeg){
		"it is busy": func(_ *world, place *dialledLeg) { place.over(channels.EndedByParty) },
		"taken back": func(w *world, _ *dialledLeg) { w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8}) },
		"resumed":    func(w *world, _ *dialledLeg) { w.do(bus.ControlResume) },
	} {
		t.Run(name, func(t *testing.T) {
			withEarlySound(t, func(t *testing.T, w *world) {
				caller, anna, place := w.ringingOutside()
				place.sounds()
				happen(w, place)
				synctest.Wait()
				if !place.isOver() {
					t.Error("it rings on")
				}
				w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8}) // what the dispatcher answers
				w.do(bus.ControlResume)
				expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
			})
		})
	}
}

// The agent is gone while the place sounds, and comes back.
func TestAgentsNewVoiceHearsWhatSounds(t *testing.T) {
	withEarlySound(t, func(t *testing.T, w *world) {
		caller, anna, place := w.ringingOutside()
		place.sounds()
		anna.over(channels.EndedByParty)
		synctest.Wait()
		expectHearing(t, "u: p:", named{"u", caller}, named{"p", place.leg})
		if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: "anna"}); err != nil {
			t.Fatal(err)
		}
		anna = w.agents.last()
		up(anna)
		expectHearing(t, "u: a:p p:", named{"u", caller}, named{"a", anna}, named{"p", place.leg})
	})
}

// What is typed goes where the voice goes.
func TestTextIsNotSentBeforeTheAnswer(t *testing.T) {
	withText(t, func(t *testing.T, w *world, _, anna *typingLeg) {
		var place *typingLeg
		w.dialler.dress = func(l *dialledLeg) channels.DialledLeg {
			place = newTypingLeg(l.leg)
			return struct {
				*typingLeg
				soundsAndFails
			}{place, soundingLeg{l}}
		}
		w.askOutside("office")
		place.sounds()
		anna.types("hej")
		expectRead(t, place, "")
		up(place.leg)
		anna.types("hallå")
		expectRead(t, place, "hallå")
		w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8})
		close(place.keys)
	})
}

// soundsAndFails is what a dialled leg adds to one whose party types.
type soundsAndFails interface {
	EarlySound() <-chan struct{}
	Failure() contact.DialFailure
}
