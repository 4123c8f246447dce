package switchboard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// dialling lets the dispatcher have the contact dialled for an agent by the offer.
func (w *world) dialling(offer contact.OfferID) {
	w.dispatcher.mutex.Lock()
	w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: []bus.ContactView{{
		Contact: contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff", Language: "sv", Callable: true, Arrived: 1},
		Node:    "node-a", Leg: "caller-leg", State: contact.StateDialling, Callback: true,
		Offer: &bus.OfferView{Offer: offer, Agent: "anna", Accepted: true},
	}}}
	w.dispatcher.mutex.Unlock()
}

// takeCallback lets an agent wish to call the user back.
func (w *world) takeCallback(offer contact.OfferID) {
	w.t.Helper()
	w.personal.kept = contact.Personal{Number: "+46701740605"}
	w.dialling(offer)
	w.orderDial(offer)
}

func (w *world) orderDial(offer contact.OfferID) {
	w.number++
	w.dispatcher.order(bus.Order{
		Epoch: 1, Number: w.number, Kind: bus.OrderDial, Contact: "c1", Offer: offer, Agent: "anna", Leg: "caller-leg",
	})
	synctest.Wait()
}

// rung lets the user's phone ring.
func (w *world) rung(offer contact.OfferID) (user *dialledLeg, agent *leg) {
	w.t.Helper()
	w.takeCallback(offer)
	agent = w.agents.last()
	close(agent.up)
	synctest.Wait()
	user = w.dialler.last()
	if user == nil {
		w.t.Fatal("nobody was dialled")
	}
	return user, agent
}

// calledBack lets the user answer.
func (w *world) calledBack() (user *dialledLeg, agent *leg) {
	w.t.Helper()
	user, agent = w.rung(7)
	close(user.up)
	w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
	return user, agent
}

func TestCallbackConnectsAgentAndUser(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.takeCallback(7)
		if w.dialler.last() != nil {
			t.Error("the user was dialled before the agent's voice was up: he would meet silence")
		}
		agent := w.agents.last()
		w.dispatcher.signal(bus.Signal{Agent: "anna", Contact: "c1", Offer: 7, Console: "window-1", Payload: []byte(`"answer"`)})
		close(agent.up)
		synctest.Wait()
		if len(agent.signals) != 1 {
			t.Error("the agent's console did not reach the leg")
		}
		user := w.dialler.last()
		w.expectHeard(agent, "loop ringing sv")
		if user.ID() != "caller-leg" || w.dialler.number != "+46701740605" || w.personal.legs() != 1 {
			t.Errorf("dialled %q as leg %q with %d records, want the caller's number and leg on record",
				w.dialler.number, user.ID(), w.personal.legs())
		}
		w.expect()
		close(user.up)
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
		w.order(bus.OrderRelease, 0)
		if !user.isOver() || !agent.isOver() || w.board.Live() != 0 || w.personal.legs() != 0 {
			t.Error("something is left of the call")
		}
		w.expect()
	})
}

func TestUserWhoWasCalledBackIsACallerLikeAnyOther(t *testing.T) {
	t.Parallel()
	t.Run("he hangs up", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			user, agent := w.calledBack()
			user.over(channels.EndedByParty)
			w.expect(contact.Leave{Contact: "c1"})
			if !agent.isOver() {
				t.Error("the agent's leg lives on")
			}
		})
	})
	t.Run("the agent's voice breaks", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			user, agent := w.calledBack()
			agent.over(channels.EndedByFault)
			w.expect(contact.FailConnect{Offer: 7})
			w.expectHeard(user.leg, "loop music sv")
			w.order(bus.OrderConnect, 8)
			close(w.agents.last().up)
			w.expect(contact.ConfirmConnected{Offer: 8, Leg: w.agents.last().ID()})
		})
	})
}

func TestUserWhoIsNotReachedIsReported(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world)
		want   contact.DialFailure
	}{
		"busy": {func(w *world) {
			user, _ := w.rung(7)
			user.failure = contact.DialBusy
			user.over(channels.EndedByParty)
		}, contact.DialBusy},
		"rings for ever": {func(w *world) {
			w.rung(7)
			time.Sleep(3 * time.Minute) // the bubble's clock
		}, contact.DialNoAnswer},
		"the dial plan refuses": {func(w *world) {
			w.dialler.refuse = errors.New("not that number")
			w.takeCallback(7)
			close(w.agents.last().up)
		}, contact.DialRefused},
		"the agent's voice does not come up": {func(w *world) {
			w.takeCallback(7)
			time.Sleep(time.Minute)
		}, contact.DialFault},
		"the agent's voice breaks": {func(w *world) {
			_, agent := w.rung(7)
			agent.over(channels.EndedByFault)
		}, contact.DialFault},
		"the node shuts down": {func(w *world) {
			w.rung(7)
			if err := w.board.Close(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		}, contact.DialCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				story.happen(w)
				w.expect(contact.FailDial{Offer: 7, Reason: story.want})
				if user := w.dialler.last(); user != nil && !user.isOver() {
					t.Error("the user's phone rings on")
				}
				if !w.agents.last().isOver() || w.board.Live() != 0 || w.personal.legs() != 0 {
					t.Error("something is left of the attempt")
				}
			})
		})
	}
}

// A number that somebody made up is dialled as confirmed when an agent looked at it, and only then: the dial plan refuses it
// otherwise. So it is when the order was lost.
func TestCallbackIsDialledAsConfirmedOnlyWhenItIs(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		vouched, confirmed, want bool
	}{
		"by a trunk": {true, false, true}, "by the agent": {false, true, true}, "by nobody": {false, false, false},
	} {
		for way, order := range map[string]func(w *world){
			"ordered": func(w *world) {
				w.send(bus.Order{Kind: bus.OrderDial, Offer: 7, Agent: "anna", Leg: "caller-leg", Confirmed: story.confirmed})
			},
			"lost": (*world).orderReconcile,
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.personal.kept = contact.Personal{Number: "+46701740605", Vouched: story.vouched}
					w.dialling(7)
					w.dispatcher.state.Contacts[0].Offer.Confirmed = story.confirmed
					order(w)
					up(w.agents.last())
					if got := w.dialler.call; got.Number != "+46701740605" || got.Confirmed != story.want {
						t.Errorf("dialled %+v", got)
					}
				})
			})
		}
	}
}

func TestNobodyIsDialledWithoutANumber(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.dialling(7)
		w.orderDial(7)
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialRefused})
		if w.agents.last() != nil {
			t.Error("the agent was rung")
		}
	})
}

func TestNodeThatCannotDialSaysSo(t *testing.T) {
	inWorldOf(t, func(_ *world, config *switchboard.Config) { config.Dialler = nil }, func(_ *testing.T, w *world) {
		w.takeCallback(7)
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialRefused})
	})
}

func TestWithdrawnCallbackEndsBothLegs(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(w *world){
		"before the agent's voice is up": func(w *world) { w.takeCallback(7) },
		"while it rings":                 func(w *world) { w.rung(7) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				bring(w)
				w.order(bus.OrderWithdraw, 7)
				w.expect()
				if user := w.dialler.last(); user != nil && !user.isOver() || !w.agents.last().isOver() || w.board.Live() != 0 {
					t.Error("something is left of the attempt")
				}
				w.rung(8) // and it can be tried again
			})
		})
	}
}

// The dispatcher gives up at the moment when the user answers: nobody may be left on a line
// that belongs to no contact.
func TestCallbackThatIsNotConfirmedIsEnded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		user, agent := w.rung(7)
		w.dispatcher.reject = contact.ConfirmConnected{Offer: 7, Leg: agent.ID()}
		close(user.up)
		synctest.Wait()
		if !user.isOver() || !agent.isOver() || w.board.Live() != 0 {
			t.Error("the call goes on")
		}
	})
}

// A user must not be rung twice because an order or a state comes late.
func TestNobodyIsDialledTwiceForOneWish(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rung(7)
		w.orderDial(7)
		w.orderReconcile()
		if len(w.dialler.made) != 1 || w.dialler.last().isOver() {
			t.Fatalf("%d calls were made, want the one that rings", len(w.dialler.made))
		}
		w.dialler.last().over(channels.EndedByParty)
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialNoAnswer})
		w.orderReconcile() // the state is older than that
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialCancelled})
		if len(w.dialler.made) != 1 {
			t.Error("the user was rung again")
		}
	})
}

func (w *world) orderReconcile() {
	w.number += 5
	w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderReconcile})
	synctest.Wait()
}

func TestLostOrderToDialIsMadeUpFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.personal.kept = contact.Personal{Number: "+46701740605"}
		w.dialling(7)
		w.orderReconcile()
		close(w.agents.last().up)
		synctest.Wait()
		if w.dialler.last() == nil {
			t.Error("nobody was dialled")
		}
	})
}

func TestLostWithdrawalOfACallbackIsMadeUpFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		user, _ := w.rung(7)
		w.dispatcher.state.Contacts[0].State, w.dispatcher.state.Contacts[0].Offer = contact.StateWaiting, nil
		w.orderReconcile()
		if !user.isOver() {
			t.Error("the user's phone rings on")
		}
		w.expect()
	})
}

// A state that was asked for before the wish must not end what the wish began.
func TestOldStateEndsNoNewerCallback(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.dialling(7)
		w.dispatcher.state.Contacts[0].State, w.dispatcher.state.Contacts[0].Offer = contact.StateWaiting, nil
		w.dispatcher.asked = func() {
			w.dispatcher.asked = nil
			w.personal.kept = contact.Personal{Number: "+46701740605"}
			view := w.dispatcher.state.Contacts[0]
			view.State, view.Offer = contact.StateDialling, &bus.OfferView{Offer: 7, Agent: "anna", Accepted: true}
			w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: []bus.ContactView{view}}
			w.number++
			w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderDial, Contact: "c1", Offer: 7, Agent: "anna", Leg: "caller-leg"})
		}
		w.orderReconcile()
		close(w.agents.last().up)
		synctest.Wait()
		if user := w.dialler.last(); user == nil || user.isOver() {
			t.Error("the call-back was ended by an old state")
		}
	})
}

// The record of a leg that broke and that of the call-back have one name. The end of the
// first must not take the second's.
func TestRecordOfACallbackOutlivesTheEndOfTheBrokenLeg(t *testing.T) {
	silent := &waitingOrphans{release: make(chan struct{})}
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		silent.release = make(chan struct{}) // of this bubble
		config.Orphans = map[contact.Channel]channels.OrphanEnder{contact.Voice: silent}
		record := contact.LegRecord{Node: "node-a", Contact: "c1", Leg: "caller-leg", Channel: contact.Voice, Gateway: []byte("old")}
		if err := w.personal.PutLeg(w.t.Context(), record); err != nil {
			w.t.Fatal(err)
		}
	}, func(t *testing.T, w *world) {
		w.calledBack()
		close(silent.release)
		synctest.Wait()
		if w.personal.legs() != 1 {
			t.Error("a kill -9 now would leave the user's line open")
		}
	})
}

func TestRecordOfACallbackOutlivesTheEndOfTheOneBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first, _ := w.rung(7)
		first.slow = true
		w.order(bus.OrderWithdraw, 7)
		if w.personal.legs() != 1 {
			t.Error("a kill -9 now would let the user's phone ring on")
		}
		second, _ := w.rung(8)
		first.over(channels.EndedByUs)
		synctest.Wait()
		if w.personal.legs() != 1 || second.isOver() {
			t.Error("a kill -9 now would leave the user's line open")
		}
	})
}

// waitingOrphans has a peer that answers late.
type waitingOrphans struct{ release chan struct{} }

func (o *waitingOrphans) EndOrphan(context.Context, []byte) error {
	<-o.release
	return nil
}
