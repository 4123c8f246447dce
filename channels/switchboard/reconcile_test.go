package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// lose lets the next order come with a gap before it, so that the state is asked for.
func (w *world) lose(state bus.ContactView) {
	w.loseAt(state, w.number+5)
}

// loseAt is lose with a state as it was when that order had been given.
func (w *world) loseAt(state bus.ContactView, number uint64) {
	state.Contact.ID = "c1"
	w.dispatcher.state = bus.NodeState{Epoch: 1, Number: number, Contacts: []bus.ContactView{state}}
	w.number += 5
	w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderReconcile})
	synctest.Wait()
}

// The order that ended an agent's offer was lost: his leg must not hear the caller on, who
// waits for somebody else.
func TestLostWithdrawalIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]*bus.OfferView{"nobody": nil, "somebody else": {Offer: 8, Agent: "bo"}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, first := w.connected()
				w.lose(bus.ContactView{State: contact.StateWaiting, Offer: next})
				if !first.isOver() || caller.isOver() {
					t.Error("want the leg of the lost offer ended and the caller's alive")
				}
				if heard := caller.heard(); heard[len(heard)-1] != "loop music sv" {
					t.Errorf("the caller heard %q, want music at the end", heard)
				}
				if next == nil {
					return
				}
				w.order(bus.OrderConnect, 8)
				close(w.agents.last().up)
				w.expect(contact.ConfirmConnected{Offer: 8, Leg: w.agents.last().ID()})
			})
		})
	}
}

func TestWhatIsConnectedStaysSoWhenTheStateSaysIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		w.lose(bus.ContactView{State: contact.StateConnected, Agent: "anna", ConnectedBy: 7})
		if agent.isOver() || caller.isOver() {
			t.Error("a leg of a call that goes on was ended")
		}
		w.expect()
	})
}

// A state may arrive after orders that are newer than it: a withdrawn offer rings nobody.
func TestOldStateUndoesNoNewerOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.queued()
		w.order(bus.OrderRing, 7)
		rung := w.agents.last()
		w.dispatcher.asked = func() {
			w.dispatcher.asked = nil
			w.number++
			w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderWithdraw, Contact: "c1", Offer: 7, Agent: "anna"})
		}
		w.lose(bus.ContactView{State: contact.StateOffered, Offer: &bus.OfferView{Offer: 7, Agent: "anna"}})
		if w.agents.last() != rung || !rung.isOver() {
			t.Error("an offer that was withdrawn rings")
		}
	})
}

func TestStateIsAskedForUntilItIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.queued()
		w.dispatcher.deaf = 3
		w.lose(bus.ContactView{State: contact.StateOffered, Offer: &bus.OfferView{Offer: 7, Agent: "anna"}})
		time.Sleep(10 * time.Second) // the bubble's clock
		synctest.Wait()
		if w.agents.last() == nil {
			t.Error("the agent of the lost order is not rung")
		}
	})
}

// The caller hangs up while the agent who accepted is being connected: no fault of the
// agent's, and no other agent is rung in between (Answered calls, abandoned stages:
// IssabelFoundation/callcenter#41).
func TestCallerWhoHangsUpWhileConnectingIsNoFaultOfTheAgents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		_ = caller.stream.Close() // the first thing that a leg's end does
		close(w.agents.last().up)
		synctest.Wait()
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
		if !w.agents.last().isOver() {
			t.Error("the agent's leg lives on")
		}
	})
}

func TestAgentWhoseLegEndsWhileConnectingIsReportedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		agent := w.agents.last()
		_ = agent.stream.Close()
		close(agent.up)
		synctest.Wait()
		agent.over(channels.EndedByFault)
		w.expect(contact.FailConnect{Offer: 7})
		if heard := caller.heard(); heard[len(heard)-1] != "loop music sv" {
			t.Errorf("the caller heard %q, want music at the end", heard)
		}
		w.order(bus.OrderConnect, 7) // it was on its way
		if w.agents.last() != agent {
			t.Error("an offer that failed rings again")
		}
	})
}

func TestRefusalKnowsItsLine(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.board.Refuse(t.Context(), contact.Contact{ID: "c9", Channel: contact.Voice, Line: "staff", Arrived: 1}, 503)
		w.expect(contact.Refuse{Response: 503, Contact: contact.Contact{
			ID: "c9", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Language: "sv", Arrived: 1,
		}})
	})
}
