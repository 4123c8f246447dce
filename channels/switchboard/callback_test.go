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

// patient lets a caller wait on the line that offers to call back.
func (w *world) patient() *leg {
	w.t.Helper()
	caller := w.callOn("patient", contact.Personal{Number: "+46701740605"})
	synctest.Wait()
	w.dispatcher.sent()
	return caller
}

// offered lets one wait until he hears the offer.
func (w *world) offered() *leg {
	w.t.Helper()
	caller := w.patient()
	time.Sleep(89 * time.Second) // the bubble's clock
	w.expectHeard(caller, "loop music sv")
	time.Sleep(time.Second)
	w.expectHeard(caller, "loop music sv", "play offer sv")
	return caller
}

var chosen = contact.ScheduleCallback{Contact: "c1"}

func TestCallerWhoWaitsLongMayChooseToBeCalledBack(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(caller *leg){
		"while it is offered": func(caller *leg) { caller.press("1") },
		"long after": func(caller *leg) {
			caller.endPrompt()
			time.Sleep(3 * time.Minute)
			caller.press("71") // a wrong key first
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller := w.offered()
				press(caller)
				w.expect(chosen)
				w.order(bus.OrderRelease, 0) // what the dispatcher answers
				if heard := caller.heard(); caller.isOver() || last(heard) != "play promised sv" {
					t.Fatalf("heard %q, over: %t; want to be told first", heard, caller.isOver())
				}
				caller.endPrompt()
				w.expect() // neither left nor dropped
				if !caller.isOver() || w.board.Live() != 0 {
					t.Error("the call goes on")
				}
			})
		})
	}
}

// He has what he wanted: hanging up is not abandoning the queue.
func TestCallerWhoChoseACallbackAndHangsUpHasNotLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.offered()
		away := w.leave()
		caller.press("1")
		synctest.Wait()
		caller.over(channels.EndedByParty)
		close(away)
		w.expect(chosen, chosen) // by the call's end too: the second does nothing
		if w.board.Live() != 0 {
			t.Error("the call goes on")
		}
	})
}

// An agent is being connected at that moment: nobody is sent away from him.
func TestCallerWhoIsBeingConnectedIsNotCalledBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.dispatcher.reject = chosen
		caller := w.offered()
		w.order(bus.OrderConnect, 7)
		caller.press("1")
		w.expect(chosen)
		up(w.agents.last())
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: w.agents.last().ID()})
		if caller.isOver() || !w.agents.last().hears(caller) {
			t.Error("the two do not talk")
		}
		w.order(bus.OrderWithdraw, 7) // he waits again, and the key counts still
		w.dispatcher.reject = nil
		synctest.Wait()
		caller.press("1")
		w.expect(chosen)
	})
}

func TestRefusedCallbackLeavesWhoHangsUpAbandoned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.dispatcher.reject = chosen
		caller := w.offered()
		caller.press("1")
		w.expect(chosen)
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
	})
}

func TestCallbackIsOfferedAtOnceWhenTheWaitWillBeLong(t *testing.T) {
	inWorldOf(t, func(w *world, _ *switchboard.Config) {
		w.dispatcher.wait = bus.Wait{Known: true, Expected: 90_000}
	}, func(t *testing.T, w *world) {
		caller := w.patient()
		w.expectHeard(caller, "play offer sv")
		caller.endPrompt()
		w.expectHeard(caller, "play offer sv", "loop music sv")
	})
}

// Who waits again after an agent's voice broke is offered it when he has waited long, and once.
func TestCallbackIsOfferedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.patient()
		w.order(bus.OrderConnect, 7)
		up(w.agents.last())
		time.Sleep(3 * time.Minute) // the bubble's clock: they talk
		w.order(bus.OrderWithdraw, 7)
		w.expectHeard(caller, "loop music sv", "loop music sv", "play offer sv")
		caller.endPrompt()
		w.notices.publish(nil, notice("new"))
		synctest.Wait()
		caller.endPrompt()
		time.Sleep(3 * time.Minute)
		w.expectHeard(caller, "loop music sv", "loop music sv", "play offer sv", "loop music sv", "play notice sv new", "loop music sv")
	})
}

func TestNobodyIsOfferedACallbackWhoCannotBeCalled(t *testing.T) {
	inWorldOf(t, func(_ *world, config *switchboard.Config) { config.Dialler = nil }, func(_ *testing.T, w *world) {
		caller := w.patient()
		time.Sleep(3 * time.Minute) // the bubble's clock
		w.expectHeard(caller, "loop music sv")
	})
}
