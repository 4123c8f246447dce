package switchboard_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/switchboard"
	"svar/contact"
	"svar/ivr"
)

// A change of the configuration never touches a live contact: asterisk#1255, asterisk#1972,
// asterisk#2081.
func TestCallerGoesOnWithTheFlowThatHeBegan(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.greeted()
		w.expectHeard(first, "play menu sv")
		changed := lines()
		changed[1].Flow = ivr.Flow{Steps: []ivr.Step{{Say: "welcome"}, queue("devices", "other-music")}}
		if err := w.board.SetLines(changed); err != nil {
			t.Fatal(err)
		}
		first.press("1")
		w.expect(queuedFor("platform"))
		w.expectHeard(first, "play menu sv", "cut", "loop music sv")

		second := newLeg(w.agents.pacer, "second-leg")
		c := contact.Contact{ID: "c2", Channel: contact.Voice, Line: "desk", Callable: true, Arrived: w.arrived}
		if err := w.board.Arrive(t.Context(), c, contact.Personal{}, second); err != nil {
			t.Fatal(err)
		}
		w.expectHeard(second, "play welcome sv")
		second.endPrompt()
		w.expectHeard(second, "play welcome sv", "loop other-music sv")
		w.expectHeard(first, "play menu sv", "cut", "loop music sv")
	})
}

func TestLinesThatAreNotRightReplaceNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		wrong := lines()
		wrong[0].Flow = ivr.Flow{Steps: []ivr.Step{queue("other", "music")}}
		wrong[1].Flow = ivr.Flow{}
		if err := w.board.SetLines(wrong); err == nil || !strings.Contains(err.Error(), "line desk") {
			t.Fatalf("the lines were taken: %v", err)
		}
		caller := w.call()
		w.expectHeard(caller, "play welcome sv")
	})
}

// Requirement 3.1a, by line: one may be closed while the desk is open, and open while it is not.
func TestLineHasHoursOfItsOwn(t *testing.T) {
	t.Parallel()
	never, always := contact.Hours{}, hours()
	for day := range always.Weekly {
		always.Weekly[day] = []contact.Window{{To: 24 * 60 * 60 * 1e9}}
	}
	for name, test := range map[string]struct {
		desk, line contact.Hours
		want       string
	}{
		"closed while the desk is open": {hours(), never, "play closed sv"},
		"open while the desk is closed": {never, always, "play menu sv"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(_ *world, config *switchboard.Config) {
				config.Hours = test.desk
				config.Lines[1].Hours = &test.line
			}, func(_ *testing.T, w *world) {
				caller := w.callOn("desk", contact.Personal{})
				synctest.Wait()
				w.expectHeard(caller, test.want)
			})
		})
	}
}

// Who came before closing time is served, however late it gets (requirement 3.1a): the stories'
// line closes at noon.
func TestWhoCameBeforeClosingTimeIsServed(t *testing.T) {
	t.Parallel()
	const noon = contact.Instant(12 * 60 * 60 * 1000) // of 1 January 1970
	for name, test := range map[string]struct {
		arrived contact.Instant
		heard   []string
	}{
		"the last moment": {noon - 1, []string{"play menu sv", "cut", "loop music sv"}},
		"closing time":    {noon, []string{"play closed sv"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(_ *testing.T, w *world) {
				w.arrived = test.arrived
				caller := w.greeted()
				if test.arrived < noon {
					caller.press("1")
					w.expect(queuedFor("platform"))
					time.Sleep(10 * time.Minute) // the bubble's clock
					w.expect()
				}
				w.expectHeard(caller, test.heard...)
			})
		})
	}
}
