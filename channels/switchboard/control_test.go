package switchboard_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

var errUnanswered = errors.New("nobody answered")

// ask lets an agent do something with the call, anna when none is named.
func (w *world) ask(control bus.Control) error {
	w.t.Helper()
	if control.Agent == "" {
		control.Agent = "anna"
	}
	if control.Contact == "" {
		control.Contact = "c1"
	}
	answers := make(chan error, 2)
	w.dispatcher.control(control, func(err error) { answers <- err })
	synctest.Wait()
	if len(answers) > 1 {
		w.t.Error("the agent was answered twice")
	}
	select {
	case err := <-answers:
		return err
	default:
		return errUnanswered
	}
}

// do is ask for something that must be done.
func (w *world) do(kind bus.ControlKind) {
	w.t.Helper()
	if err := w.ask(bus.Control{Kind: kind}); err != nil {
		w.t.Errorf("%s: %v", kind, err)
	}
}

// refused is ask for something that must be rejected.
func (w *world) refused(code contact.RejectionCode, control bus.Control) {
	w.t.Helper()
	err := w.ask(control)
	if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || rejection.Code != code {
		w.t.Errorf("%s of %s: %v, want %s", control.Kind, control.Agent, err, code)
	}
}

func last[T any](list []T) T { return list[len(list)-1] }

func TestHeldUserHearsMusicAndNobodyHearsTheOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		w.do(bus.ControlHold)
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
		if agent.hears(caller) || caller.hears(agent) {
			t.Error("somebody is heard through the hold")
		}
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
		heard := len(caller.heard())
		w.do(bus.ControlHold) // a second click, or a repeated message
		w.expect()
		if len(caller.heard()) != heard {
			t.Error("the music began again")
		}
		w.do(bus.ControlResume)
		w.do(bus.ControlResume)
		w.expect(contact.Resume{Contact: "c1", Agent: "anna"})
		if !agent.hears(caller) || !caller.hears(agent) {
			t.Error("the two do not hear each other after the hold")
		}
		w.do(bus.ControlHold)
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
	})
}

func TestLineWithoutMusicIsHeldInSilence(t *testing.T) {
	inWorldOf(t, func(_ *world, config *switchboard.Config) {
		config.Lines = slices.Clone(config.Lines)
		config.Lines[0].Flow.Steps = slices.Clone(config.Lines[0].Flow.Steps)
		config.Lines[0].Flow.Steps[1] = queue("staff", "")
	}, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		w.do(bus.ControlHold)
		if agent.hears(caller) || caller.hears(agent) || slices.ContainsFunc(caller.heard(), func(s string) bool { return strings.HasPrefix(s, "loop") }) {
			t.Errorf("the caller heard %q and perhaps the agent", caller.heard())
		}
		w.do(bus.ControlResume)
		if !caller.hears(agent) {
			t.Error("the agent is not heard after the hold")
		}
	})
}

// What ends or takes away a connected contact does so with a held one.
func TestHeldContactEndsAsAConnectedOneDoes(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		happen func(w *world, caller, agent *leg)
		want   []contact.Command
		waits  bool
	}{
		"the caller hangs up":  {func(_ *world, caller, _ *leg) { caller.over(channels.EndedByParty) }, []contact.Command{contact.Leave{Contact: "c1"}}, false},
		"the caller is lost":   {func(_ *world, caller, _ *leg) { caller.over(channels.EndedByFault) }, []contact.Command{contact.Drop{Contact: "c1"}}, false},
		"the agent hangs up":   {func(w *world, _, _ *leg) { w.do(bus.ControlHangUp) }, []contact.Command{contact.HangUp{Contact: "c1", Agent: "anna"}}, false},
		"the agent is lost":    {func(_ *world, _, agent *leg) { agent.over(channels.EndedByFault) }, []contact.Command{contact.FailConnect{Offer: 7}}, true},
		"it is released":       {func(w *world, _, _ *leg) { w.order(bus.OrderRelease, 0) }, nil, false},
		"it is taken from him": {func(w *world, _, _ *leg) { w.order(bus.OrderWithdraw, 7) }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller, agent := w.connected()
				w.do(bus.ControlHold)
				w.dispatcher.sent()
				story.happen(w, caller, agent)
				w.expect(story.want...)
				if !agent.isOver() {
					t.Error("the agent's leg lives on") // freeswitch#2529
				}
				if caller.isOver() == story.waits || (w.board.Live() == 1) != story.waits {
					t.Errorf("caller over: %t, %d calls", caller.isOver(), w.board.Live())
				}
				if !story.waits {
					return
				}
				// The next agent is not on hold.
				w.order(bus.OrderConnect, 8)
				close(w.agents.last().up)
				w.expect(contact.ConfirmConnected{Offer: 8, Leg: w.agents.last().ID()})
				if !w.agents.last().hears(caller) {
					t.Error("the next agent does not hear the caller")
				}
				w.do(bus.ControlHold)
				w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
				if w.agents.last().hears(caller) {
					t.Error("the next agent cannot hold")
				}
			})
		})
	}
}

// asterisk#1557, freeswitch#2540: the agent's hang-up ends both legs, once and for good.
func TestAgentWhoHangsUpEndsTheCallAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		w.do(bus.ControlHangUp)
		if !caller.isOver() || !agent.isOver() || w.board.Live() != 0 {
			t.Error("something of the call is left")
		}
		w.expect(contact.HangUp{Contact: "c1", Agent: "anna"}) // and neither Leave nor Drop
		w.order(bus.OrderRelease, 0)                           // what the dispatcher answers
		w.expect()
		w.refused(contact.NotYours, bus.Control{Kind: bus.ControlHangUp})
	})
}

// While nobody can put it on record the call ends all the same, and is told later.
func TestHangUpWithoutADispatcherIsToldLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		away := w.leave()
		w.do(bus.ControlHold)
		w.do(bus.ControlHangUp)
		if !caller.isOver() || !agent.isOver() {
			t.Error("the call goes on")
		}
		if w.board.Live() != 1 {
			t.Error("the call is forgotten before its end is on record: a new leader would take it for lost")
		}
		w.do(bus.ControlHangUp) // he sees no change and asks again
		w.refused(contact.WrongState, bus.Control{Kind: bus.ControlHangUp, Agent: "bo"})
		w.refused(contact.WrongState, bus.Control{Kind: bus.ControlHold})
		time.Sleep(time.Minute) // the bubble's clock
		w.expect()
		close(away)
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"}, contact.HangUp{Contact: "c1", Agent: "anna"})
		if w.board.Live() != 0 || w.personal.legs() != 0 {
			t.Error("something is left of the call")
		}
	})
}

// leave lets nobody answer until the returned channel is closed.
func (w *world) leave() (away chan struct{}) {
	w.dispatcher.mutex.Lock()
	defer w.dispatcher.mutex.Unlock()
	away = make(chan struct{})
	w.dispatcher.away = away
	return away
}

// A new leader that does not know of the hang-up yet must not bring the call back, nor drop it.
func TestNewLeaderDoesNotUndoAHangUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.connected()
		away := w.leave()
		w.do(bus.ControlHangUp)
		w.lose(bus.ContactView{State: contact.StateConnected, Agent: "anna", ConnectedBy: 7})
		close(away)
		w.expect(contact.HangUp{Contact: "c1", Agent: "anna"})
	})
}

// A node that is shut down meanwhile does not wait for ever. The next process reports itself as
// restarted, which accounts for the contact.
func TestHangUpThatIsNeverToldDelaysNoShutdown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.connected()
		w.leave()
		w.do(bus.ControlHangUp)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := w.board.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v; a call could not be told of", err)
		}
		if w.board.Live() != 0 {
			t.Error("a call is left")
		}
	})
}

// The dispatcher had just taken the user from the agent who hangs up: he is called back, not
// forgotten on a line that is no more.
func TestHangUpThatIsRejectedIsADrop(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		w.connected()
		w.dispatcher.reject = contact.HangUp{Contact: "c1", Agent: "anna"}
		w.do(bus.ControlHangUp)
		w.expect(contact.HangUp{Contact: "c1", Agent: "anna"}, contact.Drop{Contact: "c1"})
	})
}

// The caller hangs up at the same moment: the agent has what he wanted.
func TestHangUpThatMeetsTheCallersOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, _ := w.connected()
		answers := make(chan error, 2)
		ask := func(kind bus.ControlKind) {
			w.dispatcher.control(bus.Control{Kind: kind, Agent: "anna", Contact: "c1"}, func(err error) { answers <- err })
		}
		caller.over(channels.EndedByParty)
		ask(bus.ControlHangUp)
		synctest.Wait()
		if len(answers) != 1 {
			t.Fatalf("%d answers, want one", len(answers))
		}
		// Whether its call was found is a matter of luck; it is answered in any case.
		if err := <-answers; err != nil && err.Error() != (&contact.Rejection{Code: contact.NotYours}).Error() {
			t.Errorf("it was answered %v", err)
		}
		w.expect(contact.Leave{Contact: "c1"})
	})
}

func TestOnlyTheAgentWhoHasTheCallControlsIt(t *testing.T) {
	t.Parallel()
	kinds := []bus.Control{
		{Kind: bus.ControlHold}, {Kind: bus.ControlResume}, {Kind: bus.ControlHangUp}, {Kind: bus.ControlKey, Key: "1"},
	}
	for name, story := range map[string]struct {
		bring func(w *world)
		agent contact.AgentID
		code  contact.RejectionCode
	}{
		"another agent":            {func(w *world) { w.connected() }, "bo", contact.NotYours},
		"while the caller waits":   {func(w *world) { w.queued() }, "anna", contact.NotYours},
		"while it rings":           {func(w *world) { w.queued(); w.order(bus.OrderRing, 7) }, "anna", contact.WrongState},
		"while it is connected":    {func(w *world) { w.queued(); w.order(bus.OrderConnect, 7) }, "anna", contact.WrongState},
		"after it was withdrawn":   {func(w *world) { w.connected(); w.order(bus.OrderWithdraw, 7) }, "anna", contact.NotYours},
		"while a user is dialled":  {func(w *world) { w.rung(7) }, "anna", contact.WrongState},
		"while nobody is there":    {func(*world) {}, "anna", contact.NotYours},
		"while the user writes":    {func(w *world) { w.chat("sv"); w.order(bus.OrderConnect, 7) }, "anna", contact.NotYours},
		"while a call-back begins": {func(w *world) { w.takeCallback(7) }, "anna", contact.WrongState},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				story.bring(w)
				w.dispatcher.sent()
				live := w.board.Live()
				for _, control := range kinds {
					control.Agent = story.agent
					w.refused(story.code, control)
				}
				w.expect()
				if w.board.Live() != live {
					t.Error("the call was ended")
				}
			})
		})
	}
}

func TestSenselessControlsAreInvalid(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		w.connected()
		for _, control := range []bus.Control{
			{},
			{Kind: "conquer"},
			{Kind: bus.ControlKey},
			{Kind: bus.ControlKey, Key: "12"},
			{Kind: bus.ControlKey, Key: "a"},
			{Kind: bus.ControlKey, Key: "å"},
			{Kind: bus.ControlVoice},
			{Kind: bus.ControlVoice, Console: strings.Repeat("x", 65)},
		} {
			w.refused(contact.Invalid, control)
		}
		nobody := bus.Control{Kind: bus.ControlHangUp, Contact: "c1"}
		answered := error(nil)
		w.dispatcher.control(nobody, func(err error) { answered = err })
		if answered == nil {
			w.t.Error("a hang-up of nobody's was carried out")
		}
	})
}

func TestKeysGoToTheUsersPhoneInOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		var want []string
		for _, key := range "0123456789*#ABCD" {
			if err := w.ask(bus.Control{Kind: bus.ControlKey, Key: string(key)}); err != nil {
				t.Errorf("the key %c: %v", key, err)
			}
			want = append(want, "press "+string(key))
		}
		heard := caller.heard()
		if got := heard[len(heard)-len(want):]; !reflect.DeepEqual(got, want) {
			t.Errorf("the user's phone got %q", got)
		}
		if slices.ContainsFunc(agent.heard(), func(s string) bool { return strings.HasPrefix(s, "press") }) {
			t.Error("the agent's own leg got a key")
		}
		w.expect() // keys are told to nobody
	})
}

func TestKeysAreLimited(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.connected()
		pressed := 0
		for range 200 {
			if w.ask(bus.Control{Kind: bus.ControlKey, Key: "1"}) == nil {
				pressed++
			}
		}
		if pressed != 20 {
			t.Errorf("%d keys were pressed in no time, want 20", pressed)
		}
		time.Sleep(time.Second) // the bubble's clock
		if err := w.ask(bus.Control{Kind: bus.ControlKey, Key: "1"}); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestKeyThatThePhoneDoesNotTakeIsSaidSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, _ := w.connected()
		caller.keysFull = errors.New("32 keys wait")
		if err := w.ask(bus.Control{Kind: bus.ControlKey, Key: "1"}); err == nil {
			t.Error("a key that was not pressed was said to be")
		}
	})
}

// A user who was called back is held and hung up like any other.
func TestCallbackIsControlledLikeAnyCall(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		user, agent := w.calledBack()
		w.do(bus.ControlHold)
		if user.hears(agent) || agent.hears(user.leg) {
			t.Error("somebody is heard through the hold")
		}
		w.expectHeard(user.leg, "loop music sv")
		w.do(bus.ControlResume)
		if !user.hears(agent) || !agent.hears(user.leg) {
			t.Error("the two do not hear each other after the hold")
		}
		if err := w.ask(bus.Control{Kind: bus.ControlKey, Key: "5"}); err != nil || last(user.heard()) != "press 5" {
			t.Errorf("the key was not pressed: %v", err)
		}
		w.do(bus.ControlHangUp)
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"}, contact.Resume{Contact: "c1", Agent: "anna"}, contact.HangUp{Contact: "c1", Agent: "anna"})
		if !user.isOver() || !agent.isOver() || w.board.Live() != 0 {
			t.Error("something is left of the call")
		}
	})
}

// After an election the node's whole state is told again: who is held stays so.
func TestHeldUserStaysHeldUnderANewLeader(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, agent := w.connected()
		w.do(bus.ControlHold)
		w.dispatcher.sent()
		heard := len(caller.heard())
		w.lose(bus.ContactView{State: contact.StateHeld, Agent: "anna", ConnectedBy: 7})
		if caller.isOver() || agent.isOver() || agent.hears(caller) || len(caller.heard()) != heard {
			t.Error("the hold was touched")
		}
		w.do(bus.ControlResume)
		if !agent.hears(caller) {
			t.Error("the two do not hear each other after the hold")
		}
		w.expect(contact.Resume{Contact: "c1", Agent: "anna"})
		w.lose(bus.ContactView{State: contact.StateConnected, Agent: "anna", ConnectedBy: 7})
		if !agent.hears(caller) {
			t.Error("the talk was touched")
		}
	})
}
