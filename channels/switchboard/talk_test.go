package switchboard_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// destinations knows one place outside.
func destinations(id contact.DestinationID) (identity.Number, bool) {
	if id == "office" {
		return "+46850812345", true
	}
	return "", false
}

// named is a leg with what it says: its own letter is what others hear of it.
type named struct {
	letter string
	*leg
}

// tones are of the parties, in order. They are low: while a mix corrects a delay it plays up to a fortieth too high or low.
var tones = []float64{300, 600, 900, 1200}

// toneFrames are 20 ms of each tone, which holds whole periods.
var toneFrames = sync.OnceValue(func() (frames [][]byte) {
	for _, tone := range tones {
		frames = append(frames, mediatest.TonePayloads(media.PCMA, tone, 1)[0])
	}
	return frames
})

// hearing lets all of them speak at once, each in a tone of his own, and returns who hears whom: "u:ab" says that u hears
// a and b.
func hearing(parties ...named) string {
	const frames = 40
	speak := func() {
		for range frames {
			for n, p := range parties {
				p.speak(toneFrames()[n])
			}
			time.Sleep(media.FrameDuration)
		}
	}
	speak() // what was under way comes to rest
	for _, p := range parties {
		p.sink.listen()
	}
	speak()
	var heard []string
	for n, p := range parties {
		sound, whom := p.sink.listen(), ""
		for m, other := range parties {
			if level := mediatest.ToneLevelOf(media.PCMA, sound, tones[m]); m != n && level > -27 {
				whom += other.letter
			}
		}
		heard = append(heard, p.letter+":"+whom)
	}
	return strings.Join(heard, " ")
}

func expectHearing(t *testing.T, want string, parties ...named) {
	t.Helper()
	synctest.Wait()
	if got := hearing(parties...); got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// send orders something of c1.
func (w *world) send(o bus.Order) {
	w.number++
	o.Epoch, o.Number, o.Contact = 1, w.number, "c1"
	w.dispatcher.order(o)
	synctest.Wait()
}

func (w *world) conference(on bool) {
	w.send(bus.Order{Kind: bus.OrderConference, Agent: "anna", On: on})
}

func TestConferenceOfUserAgentAndColleague(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		all := []named{{"u", caller}, {"a", anna}, {"b", bo}}
		w.conference(true)
		expectHearing(t, "u:ab a:ub b:ua", all...)
		w.conference(true) // again
		expectHearing(t, "u:ab a:ub b:ua", all...)
		w.conference(false)
		expectHearing(t, "u: a:b b:a", all...)
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv", "loop music sv")
		w.expect()
		w.conference(true)
		w.do(bus.ControlHold) // the two agents talk on
		expectHearing(t, "u: a:b b:a", all...)
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
		w.conference(false) // what the dispatcher makes of it
		w.conference(true)
		w.do(bus.ControlResume) // there is nothing to resume
		expectHearing(t, "u:ab a:ub b:ua", all...)
		w.expect()
		w.orderFor(bus.OrderHandOver, 8)
		expectHearing(t, "u:b b:u", all[0], all[2])
		w.expect()
	})
}

// Whoever is added to the talk and leaves it: the user goes on with his agent.
func TestColleagueWhoLeavesAConferenceLeavesTwo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, _ := w.conferring()
		w.conference(true)
		if err := w.ask(bus.Control{Kind: bus.ControlHangUp, Agent: "bo"}); err != nil {
			t.Fatal(err)
		}
		w.expect(contact.EndConsult{Contact: "c1", Agent: "bo"})
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
		w.orderFor(bus.OrderConsultEnd, 8)
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
		w.do(bus.ControlHold) // he is not on hold already
		w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
	})
}

// A page that is loaded again gives its voice back to the mix; meanwhile the others hear each other.
func TestVoicesAreMadeAnewInAConference(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		w.conference(true)
		for _, agent := range []struct {
			id   contact.AgentID
			leg  **leg
			rest string
		}{{"anna", &anna, "u:b b:u"}, {"bo", &bo, "u:a a:u"}} {
			(*agent.leg).over("party")
			rest := map[contact.AgentID]named{"anna": {"b", bo}, "bo": {"a", anna}}
			expectHearing(t, agent.rest, named{"u", caller}, rest[agent.id])
			if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: agent.id}); err != nil {
				t.Fatal(err)
			}
			*agent.leg = w.agents.last()
			up(*agent.leg)
			expectHearing(t, "u:ab a:ub b:ua", named{"u", caller}, named{"a", anna}, named{"b", bo})
		}
		w.expect()
	})
}

// asterisk#1557: the end of the call ends all that is mixed.
func TestCallThatEndsInAConference(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		w.conference(true)
		w.supervise(contact.SuperviseListen)
		boss := w.agents.last()
		caller.over("party")
		w.expect(contact.Leave{Contact: "c1"})
		if !anna.isOver() || !bo.isOver() || !boss.isOver() {
			t.Error("somebody is left in the conference")
		}
	})
}

func (w *world) supervise(mode contact.SupervisionMode) {
	w.send(bus.Order{Kind: bus.OrderSupervise, Agent: "eva", Mode: mode})
}

// supervised takes eva into anna's talk.
func (w *world) supervised(mode contact.SupervisionMode) (caller, anna, eva *leg) {
	w.t.Helper()
	caller, anna = w.connected()
	w.supervise(mode)
	eva = w.agents.last()
	if eva == anna {
		w.t.Fatal("the supervisor has no leg")
	}
	up(eva)
	return caller, anna, eva
}

func TestSupervisorIsHeardAsHisModeSays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, eva := w.supervised(contact.SuperviseListen)
		all := []named{{"u", caller}, {"a", anna}, {"s", eva}}
		made := len(w.agents.made)
		for _, step := range []struct {
			mode contact.SupervisionMode
			want string
		}{
			{contact.SuperviseListen, "u:a a:u s:ua"},
			{contact.SuperviseWhisper, "u:a a:us s:ua"},
			{contact.SuperviseBarge, "u:as a:us s:ua"},
			{contact.SuperviseWhisper, "u:a a:us s:ua"},
		} {
			w.supervise(step.mode)
			expectHearing(t, step.want, all...)
		}
		if len(w.agents.made) != made {
			t.Error("a mode took another leg")
		}
		w.do(bus.ControlHold) // he stays with the agent
		expectHearing(t, "u: a:s s:a", all...)
		w.do(bus.ControlResume)
		expectHearing(t, "u:a a:us s:ua", all...)
		w.dispatcher.sent()
		w.supervise("")
		if !eva.isOver() {
			t.Error("the supervisor's leg lives on")
		}
		expectHearing(t, "u:a a:u", all[:2]...)
		w.expect()
	})
}

// Nobody outside the desk hears who whispers.
func TestWhisperingIsNotHeardOutside(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, place := w.outside()
		w.supervise(contact.SuperviseWhisper)
		eva := w.agents.last()
		up(eva)
		all := []named{{"u", caller}, {"a", anna}, {"p", place.leg}, {"s", eva}}
		expectHearing(t, "u: a:ps p:a s:ap", all...)
		w.conference(true)
		expectHearing(t, "u:ap a:ups p:ua s:uap", all...)
	})
}

// The supervisor's page is loaded again: his windows know him by contact and offer 0.
func TestSupervisorsVoiceIsMadeAnew(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, anna, eva := w.supervised(contact.SuperviseBarge)
		eva.send([]byte(`"offer"`))
		if got := w.dispatcher.toAgent; len(got) != 1 || got[0].Agent != "eva" || got[0].Offer != 0 || got[0].Contact != "c1" {
			t.Errorf("the supervisor's consoles got %+v", got)
		}
		w.dispatcher.signal(bus.Signal{Agent: "eva", Contact: "c1", Console: "desk", Payload: []byte(`"answer"`)})
		synctest.Wait()
		if len(eva.signals) != 1 {
			t.Error("his answer did not reach his leg")
		}
		eva.over("party")
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
		if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: "eva"}); err != nil {
			t.Fatal(err)
		}
		eva = w.agents.last()
		up(eva)
		expectHearing(t, "u:as a:us s:ua", named{"u", caller}, named{"a", anna}, named{"s", eva})
		w.expect()
		for _, kind := range []bus.ControlKind{bus.ControlHold, bus.ControlResume, bus.ControlKey} {
			w.refused(contact.WrongState, bus.Control{Kind: kind, Agent: "eva", Key: "1"})
		}
	})
}

// What ends a supervisor's part in the call ends nothing else of it.
func TestSupervisorWhoIsGoneLeavesTheTalk(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(w *world, eva *leg){
		"he hangs up":       func(w *world, _ *leg) { _ = w.ask(bus.Control{Kind: bus.ControlHangUp, Agent: "eva"}) },
		"his voice is lost": func(_ *world, eva *leg) { eva.over("fault"); time.Sleep(2 * grace) },
	} {
		t.Run(name, func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				caller, anna, eva := w.supervised(contact.SuperviseListen)
				happen(w, eva)
				w.expect(contact.Supervise{Contact: "c1", Supervisor: "eva"})
				if !eva.isOver() || anna.isOver() || caller.isOver() {
					t.Error("want his leg ended, and no other")
				}
				expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
			})
		})
	}
}

func TestSupervisorWhoseVoiceDoesNotComeUpIsTakenOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, anna := w.connected()
		w.supervise(contact.SuperviseListen)
		time.Sleep(31 * time.Second) // the bubble's clock
		w.expect(contact.Supervise{Contact: "c1", Supervisor: "eva"})
		if eva := w.agents.last(); !eva.isOver() || anna.isOver() {
			t.Error("want the supervisor's leg ended, and no other")
		}
	})
}

func TestSupervisionEndsWithTheTalk(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(w *world, anna *leg){
		"the agent is lost":         func(_ *world, anna *leg) { anna.over("fault") },
		"the contact is sent on":    func(w *world, _ *leg) { w.order(bus.OrderWithdraw, 7) },
		"it is left to a colleague": func(w *world, _ *leg) { w.orderFor(bus.OrderConsult, 8); w.orderFor(bus.OrderHandOver, 8) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, anna, eva := w.supervised(contact.SuperviseBarge)
				happen(w, anna)
				synctest.Wait()
				if !eva.isOver() {
					t.Error("the supervisor hears what comes after the talk")
				}
			})
		})
	}
}

// Lost orders about the mix are made up for, and what is newer than the state counts.
func TestLostOrdersOfATalkAreMadeUpFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller, anna, bo := w.conferring()
		view := bus.ContactView{
			State: contact.StateConnected, Agent: "anna", ConnectedBy: 7, Conference: true,
			Consult:     &bus.ConsultView{Offer: 8, With: "bo", Accepted: true, Connected: true},
			Supervisors: []bus.SupervisorView{{Supervisor: "eva", Mode: contact.SuperviseWhisper}},
		}
		w.lose(view)
		eva := w.agents.last()
		up(eva)
		all := []named{{"u", caller}, {"a", anna}, {"b", bo}, {"s", eva}}
		expectHearing(t, "u:ab a:ubs b:uas s:uab", all...)
		w.supervise("") // which the state that comes next does not know of yet
		w.loseAt(view, w.number-1)
		if w.agents.last() != eva {
			t.Error("a supervisor who left is rung by a state of before")
		}
		w.supervise(contact.SuperviseListen)
		view.Supervisors, view.Conference, view.State = nil, false, contact.StateHeld
		w.lose(view)
		if eva := w.agents.last(); !eva.isOver() {
			t.Error("a supervisor of whom the dispatcher knows nothing goes on listening")
		}
		expectHearing(t, "u: a:b b:a", all[:3]...)
	})
}
