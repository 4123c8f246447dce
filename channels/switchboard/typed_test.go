package switchboard_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// typingLeg is one whose party reads and types beside the voice. What it reads is noted by the leg as "read …".
type typingLeg struct {
	*leg
	keys chan string
	deaf bool
}

func newTypingLeg(l *leg) *typingLeg {
	typing := &typingLeg{leg: l, keys: make(chan string)}
	return typing
}

func (l *typingLeg) TextAble() bool      { return !l.deaf }
func (l *typingLeg) Text() <-chan string { return l.keys }
func (l *typingLeg) WriteText(text string) error {
	l.note("read " + text)
	return nil
}

// types types; nobody taking it fails the story by a deadlock.
func (l *typingLeg) types(text string) {
	l.keys <- text
	synctest.Wait()
}

// reads returns what the party read since the last time.
func (l *typingLeg) reads() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var read strings.Builder
	rest := l.log[:0]
	for _, line := range l.log {
		if text, is := strings.CutPrefix(line, "read "); is {
			read.WriteString(text)
		} else {
			rest = append(rest, line)
		}
	}
	l.log = rest
	return read.String()
}

// withText lets everybody type.
func withText(t *testing.T, story func(t *testing.T, w *world, caller, anna *typingLeg)) {
	t.Helper()
	var made []*typingLeg
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.VoiceGrace = grace
		w.agents.dress = func(_ contact.AgentID, l *leg) channels.Leg {
			made = append(made, newTypingLeg(l))
			return made[len(made)-1]
		}
	}, func(t *testing.T, w *world) {
		caller := newTypingLeg(newLeg(w.agents.pacer, "caller-leg"))
		c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff", Callable: true, Arrived: w.arrived}
		if err := w.board.Arrive(t.Context(), c, contact.Personal{}, caller); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		close(caller.promptOver)
		synctest.Wait()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		up(made[0].leg)
		w.dispatcher.sent()
		w.made = func() *typingLeg { return made[len(made)-1] }
		story(t, w, caller, made[0])
		for _, l := range append(made, caller) {
			close(l.keys) // as a leg does that is over
		}
	})
}

func expectRead(t *testing.T, l *typingLeg, want string) {
	t.Helper()
	if got := l.reads(); got != want {
		t.Errorf("%s read %q, want %q", l.ID(), got, want)
	}
}

func TestTextIsCarriedBetweenThoseWhoTalk(t *testing.T) {
	withText(t, func(t *testing.T, w *world, caller, anna *typingLeg) {
		caller.types("hej\b")
		expectRead(t, anna, "hej\b")
		anna.types("god dag\u2028")
		expectRead(t, caller, "god dag\u2028")
		expectRead(t, anna, "") // nobody reads himself
		w.do(bus.ControlHold)
		caller.types("hallå")
		expectRead(t, anna, "") // nor is he heard
		w.do(bus.ControlResume)
		anna.over(channels.EndedByParty)
		synctest.Wait()
		if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: "anna"}); err != nil {
			t.Fatal(err)
		}
		again := w.made()
		up(again.leg)
		caller.types("där")
		expectRead(t, again, "där")
		again.types("ja")
		expectRead(t, caller, "ja")
		caller.deaf = true
		again.types("nej")
		expectRead(t, caller, "")
	})
}

// Agents are told whether the user takes text, once for each of their legs: a page that is loaded anew knows nothing. Of one who
// takes none nothing is said.
func TestAgentsAreToldWhoTakesText(t *testing.T) {
	withText(t, func(t *testing.T, w *world, caller, anna *typingLeg) {
		told := func(want ...bool) {
			t.Helper()
			var got []bool
			for _, s := range w.dispatcher.toAgent {
				if s.Text != nil && s.Agent == "anna" && s.Offer == 7 && s.Contact == "c1" && s.Payload == nil {
					got = append(got, *s.Text)
				}
			}
			w.dispatcher.toAgent = nil
			if !slices.Equal(got, want) {
				t.Errorf("anna was told %v, want %v", got, want)
			}
		}
		again := func() {
			t.Helper()
			w.made().over(channels.EndedByParty)
			synctest.Wait()
			if err := w.ask(bus.Control{Kind: bus.ControlVoice, Console: "desk", Agent: "anna"}); err != nil {
				t.Fatal(err)
			}
			up(w.made().leg)
		}
		told(true)
		w.do(bus.ControlHold)
		w.do(bus.ControlResume)
		anna.types("hej")
		told()
		again()
		told(true)
		caller.deaf = true // by an offer of his side
		w.made().types("hej")
		told(false)
		again()
		told()
		caller.deaf = false
		caller.types("hej")
		told(true)
	})
}

// In a conference all read it; after the call was left to the colleague, he does.
func TestTextInAConference(t *testing.T) {
	withText(t, func(t *testing.T, w *world, caller, anna *typingLeg) {
		w.orderFor(bus.OrderConsult, 8)
		bo := w.made()
		w.orderFor(bus.OrderConsultConnect, 8)
		up(bo.leg)
		anna.types("till dig")
		expectRead(t, bo, "till dig")
		expectRead(t, caller, "")
		w.conference(true)
		caller.types("till alla")
		expectRead(t, bo, "till alla")
		expectRead(t, anna, "till alla")
		w.supervise(contact.SuperviseWhisper)
		eva := w.made()
		up(eva.leg)
		eva.types("fråga efter numret")
		expectRead(t, bo, "fråga efter numret")
		expectRead(t, caller, "") // who whispers is not read by the user either
		caller.types("och du")
		expectRead(t, eva, "och du")
		expectRead(t, bo, "och du")
		expectRead(t, anna, "fråga efter numretoch du")
		w.orderFor(bus.OrderHandOver, 8)
		caller.types("hej då")
		expectRead(t, bo, "hej då")
		expectRead(t, anna, "")
	})
}
