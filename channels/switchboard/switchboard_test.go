package switchboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// world is a switchboard between a scripted dispatcher and scripted legs, on the
// synctest bubble's clock.
type world struct {
	t          *testing.T
	board      *switchboard.Switchboard
	dispatcher *dispatcher
	personal   *personal
	agents     *endpoint
	orphans    *orphans
	notices    *notices
	dialler    *dialler
	number     uint64
	report     contact.Command   // what the node said of itself at its start
	arrived    contact.Instant   // of the caller
	made       func() *typingLeg // the newest leg to an agent, in stories with text
	parked     int               // legs that are left to the next process
}

func inWorld(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(*world, *switchboard.Config) {}, story)
}

// inWorldOf lets the story's world be prepared before its switchboard starts.
func inWorldOf(t *testing.T, prepare func(w *world, config *switchboard.Config), story func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, arrived: 1, dispatcher: &dispatcher{}, personal: &personal{}, orphans: &orphans{}}
		pacer := media.NewPacer()
		w.agents, w.dialler = &endpoint{pacer: pacer}, &dialler{pacer: pacer}
		w.notices = &notices{changed: make(chan struct{})}
		legs := 0
		config := switchboard.Config{
			Node: "node-a", Lines: lines(),
			Dispatcher: w.dispatcher, Personal: w.personal, Callers: callers{}, Agents: w.agents,
			Orphans: map[contact.Channel]channels.OrphanEnder{contact.Voice: w.orphans},
			Dialler: w.dialler, Notices: w.notices, Hours: hours(), Now: time.Now,
			Destinations: destinations, Pacer: pacer,
			Log:    zerolog.Nop(),
			NewLeg: func() contact.LegID { legs++; return contact.LegID("agent-leg-" + string(rune('0'+legs))) },
		}
		prepare(w, &config)
		board, err := switchboard.New(config)
		if err != nil {
			t.Fatal(err)
		}
		w.board = board
		if err := board.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := board.Close(context.Background()); err != nil {
				t.Errorf("Close: %v", err)
			}
			if n := w.dispatcher.follows.Load(); n != 0 {
				t.Errorf("%d subscriptions are left after Close", n)
			}
			if n := board.Live(); n != 0 {
				t.Errorf("%d calls are left after Close", n)
			}
			if left := w.personal.legs(); left != w.parked {
				t.Errorf("%d leg records are left after Close, want %d", left, w.parked)
			}
			if err := pacer.Close(); err != nil {
				t.Error(err)
			}
		}()
		w.report = w.dispatcher.sent()[0]
		story(t, w)
	})
}

// call lets a caller come in and returns the leg.
func (w *world) call() *leg {
	w.t.Helper()
	return w.callOn("staff", contact.Personal{Number: "+46701740605"})
}

// callOn lets a caller come in on a line.
func (w *world) callOn(line contact.LineID, caller contact.Personal) *leg {
	w.t.Helper()
	leg := newLeg(w.agents.pacer, "caller-leg")
	c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: line, Callable: true, Arrived: w.arrived}
	if err := w.board.Arrive(w.t.Context(), c, caller, leg); err != nil {
		w.t.Fatal(err)
	}
	return leg
}

func (w *world) order(kind bus.OrderKind, offer contact.OfferID) {
	w.number++
	w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: kind, Contact: "c1", Offer: offer, Agent: "anna"})
	synctest.Wait()
}

// expect compares the commands sent since the last time.
func (w *world) expect(want ...contact.Command) {
	w.t.Helper()
	synctest.Wait()
	if got := w.dispatcher.sent(); !reflect.DeepEqual(got, want) {
		w.t.Errorf("the dispatcher was told\n  %#v\nwant\n  %#v", got, want)
	}
}

var enqueued = contact.Enqueue{Contact: "c1", Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000}

func (w *world) queued() *leg {
	w.t.Helper()
	caller := w.call()
	synctest.Wait()
	close(caller.promptOver)
	synctest.Wait()
	w.dispatcher.sent()
	return caller
}

func (w *world) connected() (caller, agent *leg) {
	w.t.Helper()
	caller = w.queued()
	w.order(bus.OrderRing, 7)
	w.order(bus.OrderConnect, 7)
	agent = w.agents.last()
	close(agent.up)
	w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
	return caller, agent
}

func TestCallIsPutOnRecordGreetedAndQueued(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.call()
		w.expect(
			contact.Arrive{Node: "node-a", Leg: "caller-leg", Contact: contact.Contact{
				ID: "c1", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff,
				Person: "p1", Language: "sv", Callable: true, Arrived: 1,
			}},
			contact.Greet{Contact: "c1"},
		)
		if got := caller.heard(); !reflect.DeepEqual(got, []string{"play welcome sv"}) {
			t.Errorf("the caller heard %q before the welcome was over", got)
		}
		close(caller.promptOver)
		w.expect(enqueued)
		if got := caller.heard(); !reflect.DeepEqual(got, []string{"play welcome sv", "loop music sv"}) {
			t.Errorf("the caller heard %q", got)
		}
		if w.personal.put != 2 {
			t.Errorf("%d personal values were kept before the contact was on record, want the caller and the leg", w.personal.put)
		}
	})
}

func TestCallThatCannotBePutOnRecordStaysTheGateways(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.dispatcher.fail = errors.New("no dispatcher")
		caller := newLeg(w.agents.pacer, "caller-leg")
		err := w.board.Arrive(t.Context(), contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff"}, contact.Personal{}, caller)
		if err == nil || !strings.Contains(err.Error(), "c1") {
			t.Errorf("Arrive = %v, want an error that names the contact", err)
		}
		synctest.Wait()
		if caller.answered.Load() {
			t.Error("a call that is not on record was answered")
		}
	})
}

// A full disk turns callers away for as long as it is full. Nothing of them waits for its end.
func TestNothingIsToldOfACallThatWasNeverTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.personal.full = errors.New("too little room")
		caller := newLeg(w.agents.pacer, "caller-leg")
		err := w.board.Arrive(t.Context(), contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff"}, contact.Personal{}, caller)
		if !errors.Is(err, w.personal.full) {
			t.Errorf("Arrive = %v, want the reason", err)
		}
		w.expect()
		if n := w.board.Live(); n != 0 {
			t.Errorf("%d calls wait", n)
		}
	})
}

func TestUnknownLineIsAnError(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		err := w.board.Arrive(t.Context(), contact.Contact{ID: "c1", Line: "fax"}, contact.Personal{}, newLeg(w.agents.pacer, "l"))
		if err == nil || !strings.Contains(err.Error(), `"fax"`) {
			t.Errorf("Arrive on an unknown line = %v", err)
		}
	})
}

// asterisk#1557: the end of one leg must not take others with it.
func TestAgentLegThatBreaksWhileRingingKeepsTheCaller(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.agents.last().over(channels.EndedByFault)
		w.expect(contact.FailConnect{Offer: 7})
		if caller.isOver() {
			t.Error("the caller's leg ended with the agent's")
		}
	})
}

func TestAgentAcceptsAndBothAreConnected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		if !agent.hears(caller) || !caller.hears(agent) {
			t.Error("the two do not hear each other")
		}
		w.order(bus.OrderRelease, 0)
		if !caller.isOver() || !agent.isOver() {
			t.Error("release left a leg alive")
		}
		w.expect() // the dispatcher knows: it was its order
	})
}

func TestAgentLegThatDoesNotComeUpIsReported(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		time.Sleep(31 * time.Second) // the bubble's clock
		w.expect(contact.FailConnect{Offer: 7})
		if caller.isOver() || !w.agents.last().isOver() {
			t.Error("want the caller on the line and the agent's leg ended")
		}
	})
}

// The agent's browser dies in mid-call: the caller hears music again and waits.
func TestAgentLegThatBreaksInTalkReturnsTheCaller(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		agent.over(channels.EndedByFault)
		w.expect(contact.FailConnect{Offer: 7})
		if heard := caller.heard(); heard[len(heard)-1] != "loop music sv" || caller.isOver() {
			t.Errorf("the caller heard %q, want music at the end", heard)
		}
		// and can be connected with somebody else
		w.order(bus.OrderRing, 8)
		w.order(bus.OrderConnect, 8)
		close(w.agents.last().up)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: w.agents.last().ID()})
	})
}

func TestCallerWhoHangsUpIsReportedAtEveryStage(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(w *world) *leg{
		"welcome": func(w *world) *leg { return w.call() },
		"queue":   (*world).queued,
		"ringing": func(w *world) *leg { c := w.queued(); w.order(bus.OrderRing, 7); return c },
		"talk":    func(w *world) *leg { c, _ := w.connected(); return c },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller := bring(w)
				synctest.Wait()
				w.dispatcher.sent()
				caller.over(channels.EndedByParty)
				w.expect(contact.Leave{Contact: "c1"})
				// freeswitch#2529: no zombie call to the agent after the caller left.
				if agent := w.agents.last(); agent != nil && !agent.isOver() {
					t.Error("the agent's leg lives on")
				}
				if w.board.Live() != 0 || w.personal.legs() != 0 {
					t.Error("something is left of the call")
				}
			})
		})
	}
}

func TestLegThatBreaksIsDropped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.queued().over(channels.EndedByFault)
		w.expect(contact.Drop{Contact: "c1"})
	})
}

func TestWithdrawnOfferEndsOnlyTheAgentsLeg(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderWithdraw, 7)
		if !w.agents.last().isOver() || caller.isOver() {
			t.Error("want the agent's leg ended and the caller's alive")
		}
		w.expect()
	})
}

func TestOldOrRepeatedOrdersAreNotCarriedOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.dispatcher.order(bus.Order{Epoch: 1, Number: 1, Kind: bus.OrderRelease, Contact: "c1"})
		w.dispatcher.order(bus.Order{Epoch: 0, Number: 99, Kind: bus.OrderRelease, Contact: "c1"})
		synctest.Wait()
		if caller.isOver() {
			t.Error("an old order was carried out")
		}
	})
}

func TestLostOrdersAreMadeUpForFromTheState(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.queued()
		w.dispatcher.state = bus.NodeState{Epoch: 1, Contacts: []bus.ContactView{
			{Contact: contact.Contact{ID: "c1"}, State: contact.StateOffered, Offer: &bus.OfferView{Offer: 7, Agent: "anna"}},
			{Contact: contact.Contact{ID: "lost"}, State: contact.StateWaiting},
		}}
		w.number = 5 // orders 1–5 never came
		w.order(bus.OrderWithdraw, 3)
		if w.agents.last() == nil {
			t.Error("the agent of the lost order is not rung")
		}
		w.expect(contact.Drop{Contact: "lost"})
		w.dispatcher.state = bus.NodeState{Epoch: 1}
		w.number = 9
		w.order(bus.OrderWithdraw, 3)
		if w.board.Live() != 0 {
			t.Error("a call that the dispatcher does not know goes on")
		}
		w.expect()
	})
}

func TestShutdownGivesCallsUpAsDropped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		if err := w.board.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.expect(contact.Drop{Contact: "c1"})
		if !caller.isOver() || !agent.isOver() {
			t.Error("a leg is alive after Close")
		}
	})
}

func TestLegsOfAnEarlierProcessAreEndedAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, p, o := &dispatcher{}, &personal{}, &orphans{}
		record := contact.LegRecord{Node: "node-a", Contact: "c0", Leg: "l0", Channel: contact.Voice, Gateway: []byte("dialog")}
		if err := p.PutLeg(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		board, err := switchboard.New(switchboard.Config{
			Node: "node-a", Dispatcher: d, Personal: p, Log: zerolog.Nop(),
			Orphans: map[contact.Channel]channels.OrphanEnder{contact.Voice: o},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if want := []contact.Command{contact.ReportNode{Node: "node-a", Restarted: true}}; !reflect.DeepEqual(d.sent(), want) {
			t.Error("the node did not report itself as restarted")
		}
		if string(o.ended) != "dialog" || p.legs() != 0 {
			t.Errorf("ended %q, %d leg records left; want the dialog ended and forgotten", o.ended, p.legs())
		}
		if err := board.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A peer that does not answer must not delay the shutdown; the next process tries again.
func TestAnOrphanThatDoesNotAnswerIsLeftToTheNextProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &personal{}
		record := contact.LegRecord{Node: "node-a", Contact: "c0", Leg: "l0", Channel: contact.Voice, Gateway: []byte("dialog")}
		if err := p.PutLeg(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		board, err := switchboard.New(switchboard.Config{
			Node: "node-a", Dispatcher: &dispatcher{}, Personal: p, Log: zerolog.Nop(),
			Orphans: map[contact.Channel]channels.OrphanEnder{contact.Voice: &orphans{silent: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begun := time.Now()
		if err := board.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 0 || p.legs() != 1 {
			t.Errorf("Close took %s and left %d leg records; want it at once, with the record kept", took, p.legs())
		}
	})
}

func TestMessagesOfTheConsoleReachTheRightLeg(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.queued()
		w.order(bus.OrderRing, 7)
		w.agents.last().send(json.RawMessage(`"offer"`))
		if got := w.dispatcher.toAgent; len(got) != 1 || got[0].Agent != "anna" || got[0].Offer != 7 || got[0].Console != "" {
			t.Errorf("the agent's consoles got %+v", got)
		}
		for _, signal := range []bus.Signal{
			{Agent: "anna", Offer: 6, Console: "window-1", Payload: json.RawMessage(`"old"`)},
			{Agent: "bo", Offer: 7, Console: "window-1", Payload: json.RawMessage(`"another agent's"`)},
			{Agent: "anna", Offer: 7, Payload: json.RawMessage(`"no window's"`)},
			{Agent: "anna", Offer: 7, Console: "window-1", Leg: "of-old", Payload: json.RawMessage(`"for a leg of old"`)},
			{Agent: "anna", Offer: 7, Console: "window-1", Payload: json.RawMessage(`"answer"`)},
		} {
			signal.Contact = "c1"
			w.dispatcher.signal(signal)
		}
		synctest.Wait()
		if got := w.agents.last().signals; !reflect.DeepEqual(got, []string{`"answer"`}) {
			t.Errorf("the leg got %q", got)
		}
	})
}
