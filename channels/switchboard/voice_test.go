package switchboard_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

const grace = 30 * time.Second

// withGrace lets the story's agents keep a caller while their voice is gone.
func withGrace(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(_ *world, config *switchboard.Config) { config.VoiceGrace = grace }, story)
}

// answer lets a window of anna's answer the newest leg's offer.
func (w *world) answer(console, payload string) {
	w.dispatcher.signal(bus.Signal{Agent: "anna", Contact: "c1", Offer: 7, Console: console, Payload: json.RawMessage(payload)})
	synctest.Wait()
}

// voice asks for anna's voice in a window, and returns the leg that was made for it.
func (w *world) voice(console string, take bool) *leg {
	w.t.Helper()
	before := w.agents.last()
	if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: console, Take: take}); err != nil {
		w.t.Fatalf("the voice in %s: %v", console, err)
	}
	made := w.agents.last()
	if made == before {
		w.t.Fatal("no leg was made")
	}
	return made
}

// up lets a leg come up.
func up(l *leg) {
	close(l.up)
	synctest.Wait()
}

// told returns where the agent's windows were told that the voice lives, since the last time.
func (w *world) told() (bound []string) {
	for _, signal := range w.dispatcher.toAgent {
		if signal.Bound != "" {
			bound = append(bound, signal.Bound)
		}
	}
	w.dispatcher.toAgent = nil
	return bound
}

func (w *world) expectBound(want ...string) {
	w.t.Helper()
	if got := w.told(); !reflect.DeepEqual(got, want) {
		w.t.Errorf("the windows were told of %q, want %q", got, want)
	}
}

// inTalk lets the two talk, with anna's voice in the window "desk".
func (w *world) inTalk() (caller, agent *leg) {
	w.t.Helper()
	caller = w.queued()
	w.order(bus.OrderRing, 7)
	w.answer("desk", `"answer"`)
	w.order(bus.OrderConnect, 7)
	agent = w.agents.last()
	up(agent)
	w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
	w.expectBound("desk")
	return caller, agent
}

// asterisk#176: both windows answer, one has the voice. flex-project-template#303: the other
// one hears so and rings no longer.
func TestFirstWindowThatAnswersHasTheVoice(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		w.queued()
		w.order(bus.OrderRing, 7)
		agent := w.agents.last()
		agent.send(json.RawMessage(`"offer"`))
		w.answer("desk", `"answer of desk"`)
		w.answer("laptop", `"answer of laptop"`)
		w.answer("desk", `"candidate of desk"`)
		agent.send(json.RawMessage(`"candidate"`))
		if want := []string{`"answer of desk"`, `"candidate of desk"`}; !reflect.DeepEqual(agent.signals, want) {
			t.Errorf("the leg got %q, want %q", agent.signals, want)
		}
		want := []bus.Signal{
			{Leg: agent.ID(), Payload: json.RawMessage(`"offer"`)},
			{Bound: "desk"},
			{Leg: agent.ID(), Console: "desk", Payload: json.RawMessage(`"candidate"`)},
		}
		for at := range want {
			want[at].Node, want[at].Agent, want[at].Contact, want[at].Offer = "node-a", "anna", "c1", 7
		}
		if got := w.dispatcher.toAgent; !reflect.DeepEqual(got, want) {
			t.Errorf("the windows got\n  %+v\nwant\n  %+v", got, want)
		}
	})
}

// A message for the leg before must not be taken for an answer to the next one's offer.
func TestLateAnswerToAnEarlierLegIsPassedOver(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		_, first := w.inTalk()
		second := w.voice("desk", false)
		third := w.voice("desk", false)
		if !second.isOver() || third.isOver() || first.isOver() {
			t.Error("want the newest leg to come up, and the first to carry the talk meanwhile")
		}
		for _, l := range []*leg{second, third} {
			w.dispatcher.signal(bus.Signal{
				Agent: "anna", Contact: "c1", Offer: 7, Console: "desk", Leg: l.ID(), Payload: json.RawMessage(`"to ` + string(l.ID()) + `"`),
			})
		}
		synctest.Wait()
		if want := []string{`"to ` + string(third.ID()) + `"`}; !reflect.DeepEqual(third.signals, want) || len(second.signals) != 0 {
			t.Errorf("the newest leg got %q and the one before %q", third.signals, second.signals)
		}
	})
}

func TestPageThatIsLoadedAgainWhileItRingsGetsTheVoiceBack(t *testing.T) {
	t.Parallel()
	for name, closed := range map[string]bool{"the old page said that it closes": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				caller := w.queued()
				w.order(bus.OrderRing, 7)
				first := w.agents.last()
				w.answer("desk", `"answer"`)
				if closed {
					first.over(channels.EndedByParty)
				}
				w.expect() // the offer goes on
				second := w.voice("desk", false)
				w.answer("desk", `"answer again"`)
				if !first.isOver() || !reflect.DeepEqual(second.signals, []string{`"answer again"`}) {
					t.Errorf("the first leg is over: %t; the second got %q", first.isOver(), second.signals)
				}
				w.order(bus.OrderConnect, 7)
				up(second)
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: second.ID()})
				if !second.hears(caller) || !caller.hears(second) {
					t.Error("the two do not hear each other")
				}
				time.Sleep(time.Minute) // the bubble's clock
				w.expect()
			})
		})
	}
}

// The agent's only window is closed while it rings and does not come back: the caller is not
// kept for somebody who is not there.
func TestPageThatIsClosedWhileItRingsIsNotWaitedForLong(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.agents.last().over(channels.EndedByParty)
		time.Sleep(4 * time.Second) // the bubble's clock
		w.expect()
		time.Sleep(2 * time.Second)
		w.expect(contact.FailConnect{Offer: 7})
		if caller.isOver() {
			t.Error("the caller's leg is over")
		}
	})
}

func TestFaultWhileItRingsEndsTheOfferAtOnce(t *testing.T) {
	withGrace(t, func(_ *testing.T, w *world) {
		w.queued()
		w.order(bus.OrderRing, 7)
		w.agents.last().over(channels.EndedByFault)
		w.expect(contact.FailConnect{Offer: 7})
	})
}

// He accepts in the window that is left, whichever comes first.
func TestAcceptingWithoutAVoiceMakesOne(t *testing.T) {
	t.Parallel()
	for name, closedFirst := range map[string]bool{"closed, then accepted": true, "accepted, then closed": false} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				caller := w.queued()
				w.order(bus.OrderRing, 7)
				first := w.agents.last()
				w.answer("desk", `"answer"`)
				if !closedFirst {
					w.order(bus.OrderConnect, 7)
				}
				first.over(channels.EndedByParty)
				synctest.Wait()
				if closedFirst {
					w.order(bus.OrderConnect, 7)
				}
				second := w.agents.last()
				if second == first {
					t.Fatal("no leg was made")
				}
				w.told()
				w.answer("laptop", `"answer"`)
				w.expectBound("laptop")
				up(second)
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: second.ID()})
				if !second.hears(caller) {
					t.Error("the agent does not hear the caller")
				}
				time.Sleep(time.Minute) // the bubble's clock
				w.expect()
			})
		})
	}
}

// The same window answers again: the others, which answered too, must hear so again.
func TestWindowsAreToldAgainOfAVoiceThatAllWereAskedFor(t *testing.T) {
	withGrace(t, func(_ *testing.T, w *world) {
		w.queued()
		w.order(bus.OrderConnect, 7)
		w.answer("desk", `"answer"`)
		w.agents.last().over(channels.EndedByParty)
		synctest.Wait()
		w.answer("desk", `"answer again"`)
		w.expectBound("desk", "desk")
	})
}

// The window in which the agent accepts takes the voice from the one that answered first.
func TestWindowThatAcceptsTakesTheVoice(t *testing.T) {
	t.Parallel()
	for name, acceptFirst := range map[string]bool{"accepted, then taken": true, "taken, then accepted": false} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				caller := w.queued()
				w.order(bus.OrderRing, 7)
				first := w.agents.last()
				w.answer("laptop", `"answer"`)
				w.refused(contact.VoiceElsewhere, bus.Control{Kind: bus.ControlVoice, Console: "desk"})
				if acceptFirst {
					w.order(bus.OrderConnect, 7)
				}
				second := w.voice("desk", true)
				if !acceptFirst {
					w.order(bus.OrderConnect, 7)
				}
				w.expectBound("laptop", "desk")
				if !first.isOver() {
					t.Error("the other window has a voice still")
				}
				w.answer("laptop", `"late"`)
				if len(second.signals) != 0 {
					t.Error("the other window reached the leg")
				}
				up(second)
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: second.ID()})
				if !second.hears(caller) {
					t.Error("the agent does not hear the caller")
				}
			})
		})
	}
}
