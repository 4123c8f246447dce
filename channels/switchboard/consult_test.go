package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// orderFor is order for the colleague.
func (w *world) orderFor(kind bus.OrderKind, offer contact.OfferID) {
	w.number++
	w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: kind, Contact: "c1", Offer: offer, Agent: "bo"})
	synctest.Wait()
}

// asked lets anna, who has a caller, ask bo.
func (w *world) asked() (caller, anna, bo *leg) {
	w.t.Helper()
	caller, anna = w.connected()
	w.orderFor(bus.OrderConsult, 8)
	bo = w.agents.last()
	if bo == anna {
		w.t.Fatal("the colleague is not rung")
	}
	return caller, anna, bo
}

// conferring lets the two talk.
func (w *world) conferring() (caller, anna, bo *leg) {
	w.t.Helper()
	caller, anna, bo = w.asked()
	w.orderFor(bus.OrderConsultConnect, 8)
	up(bo)
	w.expect(contact.ConfirmConnected{Offer: 8, Leg: bo.ID()})
	return caller, anna, bo
}

// expectTalk compares who of the three hear each other.
func (w *world) expectTalk(legs map[string]*leg, want string) {
	w.t.Helper()
	synctest.Wait()
	got := ""
	for _, pair := range [][2]string{{"caller", "anna"}, {"caller", "bo"}, {"anna", "bo"}} {
		a, b := legs[pair[0]], legs[pair[1]]
		if a.hears(b) != b.hears(a) {
			w.t.Errorf("only one of %s and %s hears the other", pair[0], pair[1])
		}
		if a.hears(b) {
			got += pair[0] + "-" + pair[1]
		}
	}
	if got != want {
		w.t.Errorf("%q talk, want %q", got, want)
	}
}

func TestColleagueIsAskedWhileTheUserHearsMusic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.asked()
		all := map[string]*leg{"caller": caller, "anna": anna, "bo": bo}
		w.expectTalk(all, "")
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
		w.expect() // the dispatcher knows that he is on hold
		w.orderFor(bus.OrderConsultConnect, 8)
		w.expectTalk(all, "")
		up(bo)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: bo.ID()})
		w.expectTalk(all, "anna-bo")
		w.orderFor(bus.OrderConsultConnect, 8) // again
		w.expect()
		w.orderFor(bus.OrderHandOver, 8)
		w.expectTalk(all, "caller-bo")
		if !anna.isOver() {
			t.Error("the leg of the agent who sent the call on lives on") // freeswitch#2529
		}
		w.expect()
		w.orderFor(bus.OrderHandOver, 8)
		w.orderFor(bus.OrderConsultEnd, 8) // late
		w.expectTalk(all, "caller-bo")
		w.refused(contact.NotYours, bus.Control{Kind: bus.ControlHangUp})
		if err := w.ask(bus.Control{Kind: bus.ControlHangUp, Agent: "bo"}); err != nil {
			t.Errorf("the new agent cannot hang up: %v", err)
		}
		w.expect(contact.HangUp{Contact: "c1", Agent: "bo"})
		if !caller.isOver() || !bo.isOver() {
			t.Error("a leg lives on")
		}
	})
}

// onHold is said whenever the dispatcher ends a consultation whose user is.
var onHold = contact.Hold{Contact: "c1", Agent: "anna"}

// Whatever ends the asking leaves the user on hold with the agent who has the call, who takes him back.
func TestConsultationThatEndsLeavesTheUserOnHold(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		bring  func(w *world) (caller, anna, bo *leg)
		happen func(w *world, bo *leg)
		want   []contact.Command
	}{
		"declined":                    {(*world).asked, func(w *world, _ *leg) { w.orderFor(bus.OrderConsultEnd, 8) }, []contact.Command{onHold}},
		"taken back":                  {(*world).conferring, func(w *world, _ *leg) { w.orderFor(bus.OrderConsultEnd, 8) }, []contact.Command{onHold}},
		"the colleague's voice fails": {(*world).asked, func(_ *world, bo *leg) { bo.over(channels.EndedByFault) }, []contact.Command{contact.FailConnect{Offer: 8}}},
		"it breaks in the talk":       {(*world).conferring, func(_ *world, bo *leg) { bo.over(channels.EndedByFault) }, []contact.Command{contact.FailConnect{Offer: 8}}},
		"the colleague hangs up": {(*world).conferring, func(w *world, _ *leg) {
			_ = w.ask(bus.Control{Kind: bus.ControlHangUp, Agent: "bo"})
		}, []contact.Command{contact.EndConsult{Contact: "c1", Agent: "bo"}}},
		"it does not come up": {(*world).asked, func(w *world, _ *leg) {
			w.orderFor(bus.OrderConsultConnect, 8)
			time.Sleep(31 * time.Second) // the bubble's clock
		}, []contact.Command{contact.FailConnect{Offer: 8}}},
		"orders were lost": {(*world).conferring, func(w *world, _ *leg) {
			w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7})
		}, []contact.Command{onHold}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna, bo := story.bring(w)
				story.happen(w, bo)
				w.expect(story.want...)
				w.orderFor(bus.OrderConsultEnd, 8) // what the dispatcher answers
				w.expect(onHold)
				if !bo.isOver() || anna.isOver() || caller.isOver() {
					t.Error("want the colleague's leg ended, and no other")
				}
				all := map[string]*leg{"caller": caller, "anna": anna, "bo": bo}
				w.expectTalk(all, "")
				w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
				w.orderFor(bus.OrderConsult, 8) // the same again asks nobody
				if w.agents.last() != bo {
					t.Error("the colleague is rung again")
				}
				w.do(bus.ControlResume)
				w.expectTalk(all, "caller-anna")
				w.expect(contact.Resume{Contact: "c1", Agent: "anna"})
			})
		})
	}
}

func TestAgentWhoTakesTheUserBackEndsTheConsultation(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		w.do(bus.ControlResume)
		w.expectTalk(map[string]*leg{"caller": caller, "anna": anna, "bo": bo}, "caller-anna")
		if !bo.isOver() {
			t.Error("the colleague's leg lives on")
		}
		w.expect(contact.EndConsult{Contact: "c1", Agent: "anna"}, contact.Resume{Contact: "c1", Agent: "anna"})
	})
}

// asterisk#1557: what ends the call ends all three legs; what takes it from the agent, his and the colleague's.
func TestCallThatEndsInAConsultation(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world, caller, anna *leg)
		want   []contact.Command
		waits  bool
	}{
		"the caller hangs up": {func(_ *world, caller, _ *leg) { caller.over(channels.EndedByParty) }, []contact.Command{contact.Leave{Contact: "c1"}}, false},
		"the agent hangs up":  {func(w *world, _, _ *leg) { w.do(bus.ControlHangUp) }, []contact.Command{contact.HangUp{Contact: "c1", Agent: "anna"}}, false},
		"it is released":      {func(w *world, _, _ *leg) { w.order(bus.OrderRelease, 0) }, nil, false},
		"the agent is lost":   {func(_ *world, _, anna *leg) { anna.over(channels.EndedByFault) }, []contact.Command{contact.FailConnect{Offer: 7}}, true},
		"it is sent on":       {func(w *world, _, _ *leg) { w.order(bus.OrderWithdraw, 7) }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna, bo := w.conferring()
				story.happen(w, caller, anna)
				w.expect(story.want...)
				if !anna.isOver() || !bo.isOver() || caller.isOver() == story.waits {
					t.Errorf("over: anna %t, bo %t, caller %t", anna.isOver(), bo.isOver(), caller.isOver())
				}
				if !story.waits {
					return
				}
				w.orderFor(bus.OrderConnect, 9)
				up(w.agents.last())
				w.expect(contact.ConfirmConnected{Offer: 9, Leg: w.agents.last().ID()})
				if !w.agents.last().hears(caller) {
					t.Error("the next agent does not hear the caller")
				}
			})
		})
	}
}

// The colleague hung up in the moment in which the user became his: nobody may be left with music for ever.
func TestUserWhoIsLeftToAColleagueWhoIsGoneWaitsAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, _ := w.conferring()
		_ = w.ask(bus.Control{Kind: bus.ControlHangUp, Agent: "bo"})
		w.orderFor(bus.OrderHandOver, 8)
		w.expect(contact.EndConsult{Contact: "c1", Agent: "bo"}, contact.FailConnect{Offer: 8})
		if !anna.isOver() || caller.isOver() {
			t.Error("want the agent's leg ended and the caller's alive")
		}
	})
}

func TestLostOrdersOfAConsultationAreMadeUpFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna := w.connected()
		w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7, Consult: &bus.ConsultView{Offer: 8, With: "bo", Accepted: true}})
		bo := w.agents.last()
		up(bo)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: bo.ID()})
		all := map[string]*leg{"caller": caller, "anna": anna, "bo": bo}
		w.expectTalk(all, "anna-bo")
		w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7, Consult: &bus.ConsultView{Offer: 8, With: "bo", Accepted: true, Connected: true}})
		w.expectTalk(all, "anna-bo")
		w.lose(bus.ContactView{State: contact.StateConnected, Agent: "bo", ConnectedBy: 8})
		w.expectTalk(all, "caller-bo")
		w.lose(bus.ContactView{State: contact.StateConnected, Agent: "bo", ConnectedBy: 8})
		w.expectTalk(all, "caller-bo")
		w.expect()
	})
}

// The pages of both may be loaded again while the two talk, and the colleague's after he has the user.
func TestVoicesAreMadeAnewInAConsultation(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		again := func(agent contact.AgentID, former *leg) *leg {
			former.over(channels.EndedByParty)
			synctest.Wait()
			if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: agent}); err != nil {
				t.Fatalf("%s asks for the voice: %v", agent, err)
			}
			made := w.agents.last()
			up(made)
			return made
		}
		anna = again("anna", anna)
		w.expectTalk(map[string]*leg{"caller": caller, "anna": anna, "bo": bo}, "anna-bo")
		bo = again("bo", bo)
		w.expectTalk(map[string]*leg{"caller": caller, "anna": anna, "bo": bo}, "anna-bo")
		w.orderFor(bus.OrderHandOver, 8)
		bo = again("bo", bo)
		w.expectTalk(map[string]*leg{"caller": caller, "anna": anna, "bo": bo}, "caller-bo")
		time.Sleep(2 * grace)
		w.expect()
	})
}
