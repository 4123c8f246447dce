package switchboard_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// transferKey is the key of a telephone, which shows what came of it.
type transferKey struct {
	ask   func(dialled string, done func(contact.DialFailure)) error
	shown []contact.DialFailure
}

func (l telephoneLeg) FollowTransfers(ask func(string, func(contact.DialFailure)) error) {
	l.key.ask = ask
}

// press sends the user on to whom the agent dialled.
func (k *transferKey) press(dialled string) error {
	err := k.ask(dialled, func(f contact.DialFailure) { k.shown = append(k.shown, f) })
	synctest.Wait()
	return err
}

// expectShown compares what the telephone showed.
func (k *transferKey) expectShown(t *testing.T, want ...contact.DialFailure) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(k.shown, want) {
		t.Errorf("the telephone shows %q, want %q", k.shown, want)
	}
}

// dialledDestinations are those that can be sent to.
var dialledDestinations = map[string]contact.Destination{
	"bo": {Agent: "bo"}, "network": {Needs: contact.Needs{{Skill: "network", Level: 1}}}, "office": {Outside: "office"},
}

func transferTo(number string) contact.Transfer {
	return contact.Transfer{Contact: "c1", Agent: "anna", To: dialledDestinations[number]}
}

// withTransfers lets anna, at her telephone, have a caller.
func withTransfers(t *testing.T, story func(t *testing.T, w *world, caller *leg, anna telephoneLeg)) {
	t.Helper()
	phones := &telephones{}
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.VoiceGrace = grace
		config.Transfers = func(agent contact.AgentID, dialled string) (contact.Destination, bool) {
			to, known := dialledDestinations[dialled]
			return to, known && agent == "anna"
		}
		w.agents.dress = phones.dress
	}, func(t *testing.T, w *world) {
		caller, anna := w.atTelephone(phones)
		story(t, w, caller, anna)
	})
}

// The colleague or group is asked by the dispatcher; the agent's telephone is told before it is put down.
func TestTransferAtTheTelephone(t *testing.T) {
	t.Parallel()
	for _, dialled := range []string{"bo", "network"} {
		t.Run(dialled, func(t *testing.T) {
			withTransfers(t, func(t *testing.T, w *world, caller *leg, anna telephoneLeg) {
				if err := anna.key.press(dialled); err != nil {
					t.Fatal(err)
				}
				w.expect(transferTo(dialled))
				anna.key.expectShown(t)
				w.order(bus.OrderWithdraw, 7)
				anna.key.expectShown(t, "")
				if caller.isOver() || !anna.isOver() {
					t.Error("want the caller waiting and the agent's leg ended")
				}
				w.expect()
			})
		})
	}
}

// Many telephones hang up as soon as the transfer is taken: the user stays.
func TestTransferAtATelephoneThatIsPutDownAtOnce(t *testing.T) {
	withTransfers(t, func(t *testing.T, w *world, caller *leg, anna telephoneLeg) {
		_ = anna.key.press("network")
		anna.over(channels.EndedByParty)
		w.expect(transferTo("network"))
		time.Sleep(2 * grace)
		w.order(bus.OrderWithdraw, 7)
		w.expect()
		anna.key.expectShown(t, "")
		if caller.isOver() {
			t.Error("the caller was hung up")
		}
	})
}

// What the dispatcher rejects leaves everything as it is, and who has put down his telephone then has the user wait again.
func TestTransferAtTheTelephoneThatIsRejected(t *testing.T) {
	t.Parallel()
	for name, putDown := range map[string]bool{"he listens": false, "he has put down": true} {
		t.Run(name, func(t *testing.T) {
			withTransfers(t, func(t *testing.T, w *world, caller *leg, anna telephoneLeg) {
				w.dispatcher.reject = transferTo("bo")
				want := []contact.Command{transferTo("bo")}
				away := w.leave()
				_ = anna.key.press("bo")
				if putDown {
					want = append(want, contact.FailConnect{Offer: 7})
					anna.over(channels.EndedByParty)
					synctest.Wait()
				}
				close(away)
				w.expect(want...)
				anna.key.expectShown(t, contact.DialRefused)
				if caller.isOver() {
					t.Error("the caller was hung up")
				}
				if !putDown {
					expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna.leg})
					anna.over(channels.EndedByParty) // ends the talk as ever
					w.expect(contact.HangUp{Contact: "c1", Agent: "anna"})
				}
			})
		})
	}
}

func TestTransferAtTheTelephoneToAPlaceOutside(t *testing.T) {
	t.Parallel()
	answers := func(w *world, place *dialledLeg) {
		up(place.leg)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: "outside-leg"})
		w.send(bus.Order{Kind: bus.OrderOutsideTake, Offer: 8})
	}
	isBusy := func(_ *world, place *dialledLeg) {
		place.failure = contact.DialBusy
		place.over(channels.EndedByParty)
	}
	busy := contact.FailDial{Offer: 8, Reason: contact.DialBusy}
	for name, story := range map[string]struct {
		held, putDown bool
		happen        func(w *world, place *dialledLeg)
		shown         contact.DialFailure
		want          []contact.Command
		heard         string
	}{
		"answered":                  {happen: answers, heard: "u:p p:u"},
		"answered, put down":        {putDown: true, happen: answers, heard: "u:p p:u"},
		"busy":                      {happen: isBusy, shown: contact.DialBusy, want: []contact.Command{busy, contact.Resume{Contact: "c1", Agent: "anna"}}, heard: "u:a a:u"},
		"busy, held before":         {held: true, happen: isBusy, shown: contact.DialBusy, want: []contact.Command{busy}, heard: "u: a:"},
		"busy, put down":            {putDown: true, happen: isBusy, shown: contact.DialBusy, want: []contact.Command{busy, contact.FailConnect{Offer: 7}}, heard: "u:"},
		"taken back in the console": {happen: func(w *world, _ *dialledLeg) { w.do(bus.ControlResume) }, shown: contact.DialCancelled, want: []contact.Command{contact.EndConsult{Contact: "c1", Agent: "anna"}, contact.Resume{Contact: "c1", Agent: "anna"}}, heard: "u:a a:u"},
		"given up by the dispatcher": {
			happen: func(w *world, _ *dialledLeg) { w.send(bus.Order{Kind: bus.OrderOutsideEnd, Offer: 8}) },
			shown:  contact.DialCancelled, want: []contact.Command{contact.Resume{Contact: "c1", Agent: "anna"}}, heard: "u:a a:u",
		},
	} {
		t.Run(name, func(t *testing.T) {
			withTransfers(t, func(t *testing.T, w *world, caller *leg, anna telephoneLeg) {
				_ = anna.key.press("office")
				w.expect(transferTo("office"))
				if story.held { // telephones do, and that may come later
					anna.held <- true
					w.expect(contact.Hold{Contact: "c1", Agent: "anna"})
				}
				w.askOutside("office")
				place := w.dialler.last()
				if story.putDown {
					anna.over(channels.EndedByParty)
					w.expect()
				}
				anna.key.expectShown(t)
				story.happen(w, place)
				w.expect(story.want...)
				anna.key.expectShown(t, story.shown)
				legs := []named{{"u", caller}, {"a", anna.leg}}
				switch story.heard {
				case "u:p p:u":
					legs[1] = named{"p", place.leg}
				case "u:":
					legs = legs[:1]
				}
				expectHearing(t, story.heard, legs...)
				if caller.isOver() {
					t.Error("the caller was hung up")
				}
			})
		})
	}
}

func TestTransfersThatAreNone(t *testing.T) {
	withTransfers(t, func(t *testing.T, w *world, caller *leg, anna telephoneLeg) {
		for _, dialled := range []string{"+46701740605", "112", "", "staff"} {
			if err := anna.key.press(dialled); !errors.Is(err, channels.ErrNobodyThere) {
				t.Errorf("%q: %v", dialled, err)
			}
		}
		w.expect()
		// Two at once, and while somebody is consulted in the console.
		_ = anna.key.press("office")
		w.expect(transferTo("office"))
		_ = anna.key.press("bo")
		anna.key.expectShown(t, contact.DialRefused)
		w.askOutside("office")
		_ = anna.key.press("bo")
		anna.key.expectShown(t, contact.DialRefused, contact.DialRefused)
		w.expect()
		// The user has had enough.
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
		anna.key.expectShown(t, contact.DialRefused, contact.DialRefused, contact.DialCancelled)
		if err := anna.key.press("bo"); !errors.Is(err, channels.ErrLegOver) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Nobody tries out names by the hundred.
func TestTransfersAreBounded(t *testing.T) {
	withTransfers(t, func(t *testing.T, w *world, _ *leg, anna telephoneLeg) {
		unknown := 0
		for range 100 {
			if errors.Is(anna.key.press("nobody"), channels.ErrNobodyThere) {
				unknown++
			}
		}
		if unknown > 10 {
			t.Errorf("%d names were looked up at once", unknown)
		}
		w.expect()
	})
}
