package switchboard_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

func (w *world) askOutside(to contact.DestinationID) {
	w.send(bus.Order{Kind: bus.OrderOutside, Offer: 8, Agent: "anna", To: to, Leg: "outside-leg"})
}

// ringingOutside lets anna, who has a caller, have the office called.
func (w *world) ringingOutside() (caller, anna *leg, place *dialledLeg) {
	w.t.Helper()
	caller, anna = w.connected()
	w.askOutside("office")
	if place = w.dialler.last(); place == nil {
		w.t.Fatal("the place is not called")
	}
	return caller, anna, place
}

// outside lets it answer.
func (w *world) outside() (caller, anna *leg, place *dialledLeg) {
	w.t.Helper()
	caller, anna, place = w.ringingOutside()
	up(place.leg)
	w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
	return caller, anna, place
}

func TestPlaceOutsideIsAskedAndTakesTheUserOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, place := w.ringingOutside()
		all := []named{{"u", caller}, {"a", anna}, {"p", place.leg}}
		if call := w.dialler.call; call != (channels.Call{
			Leg: "outside-leg", Contact: "c1", Line: "staff", Number: "+46850812345", Confirmed: true,
		}) {
			t.Errorf("dialled %+v", call)
		}
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
		w.expectHeard(anna, "loop ringing sv")
		if n := w.personal.legs(); n != 2 {
			t.Errorf("%d legs are on record, want the user's and the place's: a crash ends both", n)
		}
		w.askOutside("office") // again
		if len(w.dialler.made) != 1 {
			t.Error("the place is called twice")
		}
		expectHearing(t, "u: a: p:", all...)
		up(place.leg)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
		expectHearing(t, "u: a:p p:a", all...)
		w.send(bus.Order{Kind: bus.OrderOutsideTake, Offer: 8})
		expectHearing(t, "u:p p:u", all[0], all[2])
		if !anna.isOver() {
			t.Error("the agent's leg lives on") // freeswitch#2529
		}
		// The contact is in wrap-up, and then closed: that is no matter of the two.
		w.send(bus.Order{Kind: bus.OrderOutsideTake, Offer: 8})
		w.send(bus.Order{Kind: bus.OrderRelease})
		w.dispatcher.state = bus.NodeState{Epoch: 1}
		w.orderReconcile()
		expectHearing(t, "u:p p:u", all[0], all[2])
		w.refused(contact.NotYours, bus.Control{Kind: bus.ControlHangUp})
		caller.over(channels.EndedByParty)
		synctest.Wait()
		if !place.isOver() || w.board.Live() != 0 || w.personal.legs() != 0 {
			t.Error("something is left of the call")
		}
		w.expect()
	})
}

// The two are connected until one of them hangs up, or the node ends.
func TestEndsOfACallThatWasHandedOver(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(w *world, caller *leg, place *dialledLeg){
		"the user hangs up":   func(_ *world, caller *leg, _ *dialledLeg) { caller.over(channels.EndedByParty) },
		"the user's leg dies": func(_ *world, caller *leg, _ *dialledLeg) { caller.over(channels.EndedByFault) },
		"the place hangs up":  func(_ *world, _ *leg, place *dialledLeg) { place.over(channels.EndedByParty) },
		"the place's dies":    func(_ *world, _ *leg, place *dialledLeg) { place.over(channels.EndedByFault) },
		"the node ends":       func(w *world, _ *leg, _ *dialledLeg) { _ = w.board.Close(w.t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, _, place := w.outside()
				w.send(bus.Order{Kind: bus.OrderOutsideTake, Offer: 8})
				happen(w, caller, place)
				synctest.Wait()
				if !caller.isOver() || !place.isOver() || w.board.Live() != 0 || w.personal.legs() != 0 {
					t.Error("something is left of the call")
				}
				w.expect() // the contact ended with the agent's part in it
			})
		})
	}
}

// Whatever ends the asking leaves the user on hold with the agent, who takes him back.
func TestPlaceOutsideThatIsNotReachedLeavesTheUserOnHold(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world, place *dialledLeg)
		want   []contact.Command
	}{
		"busy": {func(_ *world, place *dialledLeg) {
			place.failure = contact.DialBusy
			place.over(channels.EndedByParty)
		}, []contact.Command{contact.FailDial{Offer: 8, Reason: contact.DialBusy}}},
		"taken back": {func(w *world, _ *dialledLeg) { w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8}) }, []contact.Command{onHold}},
		"it rings for ever": {
			func(*world, *dialledLeg) { time.Sleep(3 * time.Minute) },
			[]contact.Command{contact.FailDial{Offer: 8, Reason: contact.DialNoAnswer}},
		},
		"it hangs up in the talk": {func(w *world, place *dialledLeg) {
			up(place.leg)
			w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
			place.over(channels.EndedByParty)
		}, []contact.Command{contact.FailDial{Offer: 8, Reason: contact.DialCancelled}}},
		"orders were lost": {func(w *world, _ *dialledLeg) {
			w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7})
		}, []contact.Command{onHold}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna, place := w.ringingOutside()
				story.happen(w, place)
				w.expect(story.want...)
				w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8}) // what the dispatcher answers
				w.expect(onHold)
				if !place.isOver() || anna.isOver() || caller.isOver() || w.personal.legs() != 1 {
					t.Error("want the place's leg ended and forgotten, and no other")
				}
				expectHearing(t, "u: a:", named{"u", caller}, named{"a", anna})
				w.do(bus.ControlResume)
				expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
				w.expect(contact.Resume{Contact: "c1", Agent: "anna"})
			})
		})
	}
}

func TestPlaceOutsideThatCannotBeCalled(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(w *world){
		"it is not configured": func(w *world) { w.askOutside("nowhere") },
		"the dial plan refuses": func(w *world) {
			w.dialler.refuse = errors.New("not allowed")
			w.askOutside("office")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna := w.connected()
				ask(w)
				w.expect(contact.FailDial{Offer: 8, Reason: contact.DialRefused})
				if caller.isOver() || anna.isOver() || w.personal.legs() != 1 {
					t.Error("want both on the line, and one leg on record")
				}
			})
		})
	}
}

// The agent or the user ends the call while the place rings: it stops ringing.
func TestCallThatEndsWhileAPlaceIsCalled(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world, caller *leg)
		want   contact.Command
	}{
		"the agent": {func(w *world, _ *leg) { w.do(bus.ControlHangUp) }, contact.HangUp{Contact: "c1", Agent: "anna"}},
		"the user":  {func(_ *world, caller *leg) { caller.over(channels.EndedByParty) }, contact.Leave{Contact: "c1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna, place := w.ringingOutside()
				story.happen(w, caller)
				w.expect(story.want)
				if !caller.isOver() || !anna.isOver() || !place.isOver() || w.personal.legs() != 0 {
					t.Error("something is left of the call")
				}
			})
		})
	}
}

// The place hung up in the moment in which the user became its: the contact is over, and nobody may listen to music for ever.
func TestUserWhoIsLeftToAPlaceThatIsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, place := w.outside()
		place.over(channels.EndedByParty)
		synctest.Wait()
		w.send(bus.Order{Kind: bus.OrderOutsideTake, Offer: 8})
		w.expect(contact.FailDial{Offer: 8, Reason: contact.DialCancelled})
		if !caller.isOver() || !anna.isOver() || w.board.Live() != 0 {
			t.Error("somebody is left on the line")
		}
	})
}

// The agent's page is loaded again while the place rings: he hears that it does.
func TestAgentsNewVoiceHearsThePlaceRinging(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, anna, place := w.ringingOutside()
		anna.over(channels.EndedByParty)
		synctest.Wait()
		if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: "anna"}); err != nil {
			t.Fatal(err)
		}
		anna = w.agents.last()
		up(anna)
		w.expectHeard(anna, "loop ringing sv")
		up(place.leg)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
		expectHearing(t, "u: a:p p:a", named{"u", caller}, named{"a", anna}, named{"p", place.leg})
	})
}

// Many a place has a menu: the agent's keys are pressed there while the two talk.
func TestKeysArePressedWhereTheAgentTalks(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		caller, _, place := w.outside()
		key := func(key string) { _ = w.ask(bus.Control{Kind: bus.ControlKey, Agent: "anna", Key: key}) }
		key("1")
		w.expectHeard(place.leg, "press 1")
		w.do(bus.ControlResume)
		key("2")
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv", "press 2")
		w.expectHeard(place.leg, "press 1")
	})
}

func TestConferenceWithAPlaceOutside(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, place := w.outside()
		all := []named{{"u", caller}, {"a", anna}, {"p", place.leg}}
		w.conference(true)
		expectHearing(t, "u:ap a:up p:ua", all...)
		place.over(channels.EndedByParty)
		w.expect(contact.FailDial{Offer: 8, Reason: contact.DialCancelled})
		expectHearing(t, "u:a a:u", all[:2]...)
	})
}

// The order to leave the user to the place was lost, and then its contact closed.
func TestLostHandOverToAPlaceIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, contacts := range map[string][]bus.ContactView{
		"closed":     nil,
		"in wrap-up": {{Contact: contact.Contact{ID: "c1"}, State: contact.StateWrapUp, Agent: "anna", HandedOver: "office"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, anna, place := w.outside()
				w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: contacts, HandedOver: []contact.ID{"c1", "c2"}}
				w.orderReconcile()
				expectHearing(t, "u:p p:u", named{"u", caller}, named{"p", place.leg})
				if !anna.isOver() {
					t.Error("the agent's leg lives on")
				}
				w.expect()
			})
		})
	}
}

func TestLostOrdersAboutAPlaceAreMadeUpFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.connected()
		w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7, Consult: &bus.ConsultView{
			Offer: 8, To: "office", Accepted: true, Leg: "outside-leg",
		}})
		place := w.dialler.last()
		if place == nil || w.dialler.call.Leg != "outside-leg" {
			t.Fatal("the place is not called by the leg that the dispatcher knows")
		}
		up(place.leg)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
	})
}

// The caller agreed to be recorded; a place that is called has not, in a conference neither. What the user and his agent say
// to each other before and after is.
func TestPlaceOutsideIsNotRecorded(t *testing.T) {
	recorded(t, func(t *testing.T, w *world, _ *recordings) {
		caller := w.announced()
		caller.endPrompt()
		synctest.Wait()
		w.taken()
		time.Sleep(time.Second) // the bubble's clock
		w.askOutside("office")
		w.dispatcher.sent()
		up(w.dialler.last().leg)
		w.expect(recordingIs(contact.RecordingPaused), contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
		w.conference(true)
		time.Sleep(10 * time.Second)
		if err := control(w, bus.ControlRecordingResume); err == nil {
			t.Error("the agent can record the place")
		}
		w.expect()
		w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8})
		w.expect(recordingIs(contact.RecordingResumed))
		time.Sleep(2 * time.Second)
		w.dispatcher.sent()
		caller.over(channels.EndedByParty)
		synctest.Wait()
		told := w.dispatcher.sent()
		end, is := told[len(told)-1].(contact.ReportRecording)
		if !is || end.Recording != contact.RecordingEnded || end.Length < 2900 || end.Length > 3100 {
			t.Errorf("told %#v, want three seconds", told)
		}
	})
}
