package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// callbacks are contacts that wait, by number.
type callbacks map[identity.Number]contact.Contact

func (c callbacks) Waiting(number identity.Number) (contact.Contact, bool) {
	found, waits := c[number]
	return found, waits
}

var (
	waitsForCallback = contact.Contact{ID: "c0", Channel: contact.Voice, Line: "staff", Language: "sv", Callable: true, Arrived: 1}
	sameCaller       = contact.Personal{Number: "+46701740605", Vouched: true}
	rejoined         = contact.Rejoin{Contact: "c0", Node: "node-a", Leg: "caller-leg"}
)

func withCallbacks(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(_ *world, config *switchboard.Config) {
		config.Callbacks = callbacks{sameCaller.Number: waitsForCallback}
	}, story)
}

func TestCallerWhoRingsAgainHasHisPlace(t *testing.T) {
	withCallbacks(t, func(t *testing.T, w *world) {
		caller := w.callOn("desk", sameCaller) // whichever line he rings now
		w.expect(rejoined)
		w.expectHeard(caller, "play callback-rejoined sv")
		caller.endPrompt()
		w.expectHeard(caller, "play callback-rejoined sv", "loop music sv")
		w.number++
		w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderConnect, Contact: "c0", Offer: 9, Agent: "anna"})
		synctest.Wait()
		up(w.agents.last())
		w.expect(contact.ConfirmConnected{Offer: 9, Leg: w.agents.last().ID()})
		if !w.agents.last().hears(caller) {
			t.Error("the agent does not hear the caller")
		}
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c0"})
	})
}

// Whoever rings back is in the queue before his call is answered, and an agent may be that fast.
func TestCallerWhoRingsAgainIsAnsweredBeforeHeIsConnected(t *testing.T) {
	withCallbacks(t, func(t *testing.T, w *world) {
		caller := newLeg(w.agents.pacer, "caller-leg")
		caller.up = make(chan struct{})
		c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "desk", Callable: true, Arrived: w.arrived}
		if err := w.board.Arrive(t.Context(), c, sameCaller, caller); err != nil {
			t.Fatal(err)
		}
		w.expect(rejoined)
		w.number++
		w.dispatcher.order(bus.Order{Epoch: 1, Number: w.number, Kind: bus.OrderConnect, Contact: "c0", Offer: 9, Agent: "anna"})
		synctest.Wait()
		up(w.agents.last())
		w.expect() // not connected to somebody who still hears that it rings
		up(caller)
		w.expect(contact.ConfirmConnected{Offer: 9, Leg: w.agents.last().ID()})
		if !w.agents.last().hears(caller) {
			t.Error("the agent does not hear the caller")
		}
	})
}

// A party's call goes before everybody: it does not sink to the place of an ordinary call-back that
// somebody of the same organisation waits for.
func TestPartyDoesNotTakeThePlaceOfAnOrdinaryCallback(t *testing.T) {
	t.Parallel()
	party := contact.Personal{Number: "+46701740606", Vouched: true}
	for name, story := range map[string]struct {
		line   contact.LineID
		former contact.PartyID
		want   contact.ID
	}{
		"on the priority line":              {"priority", "", "c1"},
		"on another line":                   {"desk", "", "c0"},
		"on the priority line, once before": {"priority", "supplier", "c0"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorldOf(t, func(_ *world, config *switchboard.Config) {
				former := waitsForCallback
				former.Party = story.former
				config.Callbacks = callbacks{party.Number: former}
			}, func(t *testing.T, w *world) {
				w.callOn(story.line, party)
				synctest.Wait()
				got := contact.ID("c0")
				if arrive, is := w.dispatcher.sent()[0].(contact.Arrive); is {
					got = arrive.Contact.ID
				}
				if got != story.want {
					t.Errorf("he is contact %s, want %s", got, story.want)
				}
			})
		})
	}
}

// At night nobody would come to him: he hears that it is closed, and his call-back stays as it is.
func TestCallerWhoRingsAgainOutsideHoursIsCalledBackStill(t *testing.T) {
	withCallbacks(t, func(t *testing.T, w *world) {
		w.arrived = contact.InstantOf(time.UnixMilli(0).Add(20 * time.Hour))
		caller := w.callOn("desk", sameCaller)
		w.expectHeard(caller, "play closed sv")
		caller.endPrompt()
		synctest.Wait()
		got := w.dispatcher.sent()
		if arrive, is := got[0].(contact.Arrive); !is || arrive.Contact.ID != "c1" || last(got) != (contact.CloseOutsideHours{Contact: "c1"}) {
			t.Errorf("the dispatcher was told %#v", got)
		}
	})
}

// It is dialled that moment, or was served: he is a contact of his own, and nothing is told of the other one.
func TestCallerWhoseCallbackCannotBeHisIsANewContact(t *testing.T) {
	withCallbacks(t, func(t *testing.T, w *world) {
		w.dispatcher.reject = rejoined
		w.callOn("staff", sameCaller)
		synctest.Wait()
		got := w.dispatcher.sent()
		if arrive, is := got[1].(contact.Arrive); len(got) != 3 || got[0] != rejoined || !is || arrive.Contact.ID != "c1" {
			t.Errorf("the dispatcher was told %#v", got)
		}
		if w.board.Live() != 1 || w.personal.legs() != 1 {
			t.Errorf("%d calls, %d records of legs", w.board.Live(), w.personal.legs())
		}
	})
}

// Another one's place is not to be had by a made-up number.
func TestNumberThatIsNotVouchedForGivesNoPlace(t *testing.T) {
	t.Parallel()
	for name, caller := range map[string]contact.Personal{
		"made up":  {Number: sameCaller.Number},
		"withheld": {Number: sameCaller.Number, Vouched: true, Withheld: true},
		"another":  {Number: "+46701740699", Vouched: true},
		"none":     {},
	} {
		t.Run(name, func(t *testing.T) {
			withCallbacks(t, func(t *testing.T, w *world) {
				w.callOn("staff", caller)
				synctest.Wait()
				if arrive, is := w.dispatcher.sent()[0].(contact.Arrive); !is || arrive.Contact.ID != "c1" {
					t.Error("want a new contact")
				}
			})
		})
	}
}
