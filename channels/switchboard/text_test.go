package switchboard_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

func (w *world) chat(language string) textLeg {
	w.t.Helper()
	visitor := textLeg{newLeg(w.agents.pacer, "chat-leg")}
	close(visitor.promptOver) // a line takes no time
	c := contact.Contact{ID: "c1", Channel: contact.Chat, Line: "chat", Language: language, Arrived: 1}
	if err := w.board.Arrive(w.t.Context(), c, contact.Personal{}, visitor); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return visitor
}

func TestChatIsHeldInTheLanguageThatItsVisitorChose(t *testing.T) {
	t.Parallel()
	for chosen, want := range map[string]string{"en": "en", "sv": "sv", "": "sv", "de": "sv"} {
		t.Run("chosen "+chosen, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.expectHeard(w.chat(chosen).leg, "play hello "+want)
				arrived, is := w.dispatcher.sent()[0].(contact.Arrive)
				if !is || arrived.Contact.Language != want {
					t.Errorf("it is held in %q, want %q", arrived.Contact.Language, want)
				}
			})
		})
	}
}

func TestAgentIsJoinedToAChatWithoutALeg(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		visitor := w.chat("sv")
		w.expect(
			contact.Arrive{Node: "node-a", Leg: "chat-leg", Contact: contact.Contact{
				ID: "c1", Channel: contact.Chat, Line: "chat", Audience: contact.AudiencePupil, Language: "sv", Arrived: 1,
			}},
			contact.Greet{Contact: "c1"}, queuedFor("staff"),
		)
		w.order(bus.OrderRing, 7)
		w.expect()
		w.order(bus.OrderConnect, 7)
		w.order(bus.OrderConnect, 7) // orders are idempotent
		w.expect(contact.ConfirmConnected{Offer: 7})
		w.notices.publish(nil, notice("new")) // it stands above the chat; the talk is theirs
		w.expectHeard(visitor.leg, "play hello sv", "joined anna")
		if w.agents.last() != nil {
			t.Error("the agent was rung")
		}
		w.order(bus.OrderRelease, 0)
		if !visitor.isOver() {
			t.Error("the chat goes on")
		}
		w.expect()
	})
}

func TestChatThatIsTakenBackWaitsForSomebodyElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		visitor := w.chat("sv")
		w.order(bus.OrderConnect, 7)
		w.notices.publish(nil, notice("new"))
		w.dispatcher.sent()
		w.order(bus.OrderWithdraw, 7)
		w.order(bus.OrderWithdraw, 7)
		w.expectHeard(visitor.leg, "play hello sv", "joined anna", "left", "play notice sv new")
		w.order(bus.OrderConnect, 7) // it comes late
		w.expect()
		w.order(bus.OrderConnect, 8)
		w.expect(contact.ConfirmConnected{Offer: 8})
		visitor.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
	})
}

// left is a chat that an earlier process left behind, in the state.
func left(view bus.ContactView, restore *restorer) func(*world, *switchboard.Config) {
	return func(w *world, config *switchboard.Config) {
		view.Contact = contact.Contact{ID: "c1", Channel: contact.Chat, Line: "chat", Language: "en", Arrived: 1}
		view.Node = "node-a"
		if view.Leg == "" {
			view.Leg = "chat-leg"
		}
		w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: []bus.ContactView{view}}
		restore.leg = textLeg{newLeg(w.agents.pacer, "chat-leg")}
		close(restore.leg.promptOver)
		config.Restorers = map[contact.Channel]channels.LegRestorer{contact.Chat: restore}
		config.Orphans[contact.Chat] = w.orphans
		record := contact.LegRecord{Node: "node-a", Contact: "c1", Leg: "chat-leg", Channel: contact.Chat, Gateway: []byte("chat")}
		if err := w.personal.PutLeg(w.t.Context(), record); err != nil {
			w.t.Fatal(err)
		}
		w.parked = 1
	}
}

func TestChatOfAnEarlierProcessGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	greeted := []contact.Command{contact.Greet{Contact: "c1"}, queuedFor("staff")}
	for name, story := range map[string]struct {
		view  bus.ContactView
		heard []string
		told  []contact.Command
	}{
		"nothing was said":     {bus.ContactView{State: contact.StateArrived}, []string{"play hello en"}, greeted},
		"it was greeted":       {bus.ContactView{State: contact.StateGreeted}, nil, greeted},
		"it waited":            {bus.ContactView{State: contact.StateWaiting}, nil, nil},
		"it was with an agent": {bus.ContactView{State: contact.StateConnected, Agent: "bo", ConnectedBy: 5}, []string{"joined bo"}, nil},
		"it was being accepted": {
			bus.ContactView{State: contact.StateOffered, Offer: &bus.OfferView{Offer: 6, Agent: "bo", Accepted: true}},
			[]string{"joined bo"},
			[]contact.Command{contact.ConfirmConnected{Offer: 6}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			restore := &restorer{}
			inWorldOf(t, left(story.view, restore), func(t *testing.T, w *world) {
				want := contact.ReportNode{Node: "node-a", Legs: []contact.LegID{"chat-leg"}, Restarted: true}
				if !reflect.DeepEqual(w.report, want) {
					t.Errorf("the node reported %+v, want %+v", w.report, want)
				}
				w.expectHeard(restore.leg.leg, story.heard...)
				w.expect(story.told...)
				w.order(bus.OrderConnect, 9)
				w.expect(contact.ConfirmConnected{Offer: 9})
			})
		})
	}
}

// What the dispatcher ordered while the node started must not be lost.
func TestChatThatWasTakenBackDuringTheStartWaits(t *testing.T) {
	restore := &restorer{}
	prepare := left(bus.ContactView{State: contact.StateConnected, Agent: "bo", ConnectedBy: 5}, restore)
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		prepare(w, config)
		w.dispatcher.asked = func() { // after the first answer
			w.dispatcher.asked = nil
			view := w.dispatcher.state.Contacts[0]
			view.State, view.Agent, view.ConnectedBy = contact.StateWaiting, "", 0
			w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: []bus.ContactView{view}}
		}
	}, func(_ *testing.T, w *world) {
		w.expectHeard(restore.leg.leg, "joined bo", "left")
	})
}

func TestChatThatCannotGoOnIsAnOrphan(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		view bus.ContactView
		fail error
	}{
		"its gateway cannot restore it": {bus.ContactView{State: contact.StateWaiting}, errors.New("unreadable")},
		"it is in wrap-up":              {bus.ContactView{State: contact.StateWrapUp}, nil},
		"it has another leg":            {bus.ContactView{State: contact.StateWaiting, Leg: "newer"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			prepare := left(story.view, &restorer{fail: story.fail})
			inWorldOf(t, func(w *world, config *switchboard.Config) {
				prepare(w, config)
				w.parked = 0
			}, func(t *testing.T, w *world) {
				if want := (contact.ReportNode{Node: "node-a", Restarted: true}); !reflect.DeepEqual(w.report, want) {
					t.Errorf("the node reported %+v, want %+v", w.report, want)
				}
				synctest.Wait()
				if string(w.orphans.ended) != "chat" || w.personal.legs() != 0 {
					t.Error("the leg was not ended and forgotten")
				}
			})
		})
	}
}

// ADR 0004: a chat outlives its process, and an orderly end costs it no more than a crash.
func TestShutdownLeavesChatsToTheNextProcess(t *testing.T) {
	t.Parallel()
	for name, shutDown := range map[string]func(w *world, visitor textLeg){
		"the switchboard first": func(w *world, _ textLeg) {
			if err := w.board.Close(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		},
		"the gateway first": func(_ *world, visitor textLeg) { visitor.over(channels.EndedByUs) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(w *world, config *switchboard.Config) {
				config.Restorers = map[contact.Channel]channels.LegRestorer{contact.Chat: &restorer{}}
				w.parked = 1
			}, func(t *testing.T, w *world) {
				visitor := w.chat("sv")
				w.order(bus.OrderConnect, 7)
				w.dispatcher.sent()
				shutDown(w, visitor)
				w.expect()
				w.expectHeard(visitor.leg, "play hello sv", "joined anna")
				if w.board.Live() != 0 || name == "the switchboard first" && visitor.isOver() {
					t.Error("the chat was not left to the next process")
				}
			})
		})
	}
}
