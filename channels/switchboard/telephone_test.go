package switchboard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// telephoneLeg goes to an agent's own telephone.
type telephoneLeg struct {
	*leg
	picked chan struct{}
	held   chan bool
	key    *transferKey
}

func (l telephoneLeg) PickedUp() <-chan struct{} { return l.picked }
func (l telephoneLeg) Held() <-chan bool         { return l.held }

// pickUp lets the agent answer.
func (l telephoneLeg) pickUp() {
	close(l.picked)
	up(l.leg)
}

// telephones are those of the desk, in the order in which they rang.
type telephones struct{ rang []telephoneLeg }

func (p *telephones) last() telephoneLeg { return p.rang[len(p.rang)-1] }

func (p *telephones) dress(_ contact.AgentID, l *leg) channels.Leg {
	made := telephoneLeg{leg: l, picked: make(chan struct{}), held: make(chan bool, 1), key: &transferKey{}}
	p.rang = append(p.rang, made)
	return made
}

// withTelephones gives every agent a telephone of his own.
func withTelephones(t *testing.T, story func(t *testing.T, w *world, phones *telephones)) {
	t.Helper()
	phones := &telephones{}
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.VoiceGrace = grace
		w.agents.dress = phones.dress
	}, func(t *testing.T, w *world) { story(t, w, phones) })
}

// atTelephone lets anna pick up for the caller.
func (w *world) atTelephone(phones *telephones) (caller *leg, anna telephoneLeg) {
	w.t.Helper()
	caller = w.queued()
	w.order(bus.OrderRing, 7)
	anna = phones.last()
	anna.pickUp()
	w.expect(contact.AcceptOffer{Offer: 7, Agent: "anna"})
	w.order(bus.OrderConnect, 7)
	w.expect(contact.ConfirmConnected{Offer: 7, Leg: anna.ID()})
	return caller, anna
}

func TestTelephoneThatIsPickedUpAcceptsTheOffer(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller, anna := w.atTelephone(phones)
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna.leg})
		w.expect() // once
		// Another ring would only ring it too.
		w.refused(contact.VoiceElsewhere, bus.Control{Kind: bus.ControlVoice, Console: "desk", Take: true})
		anna.over(channels.EndedByParty) // he puts it down
		w.expect(contact.HangUp{Contact: "c1", Agent: "anna"})
		if !caller.isOver() {
			t.Error("the caller is left on the line")
		}
	})
}

// Who said yes in the console and then lifts the receiver says it once.
func TestTelephoneOfAnOfferThatWasAcceptedInTheConsole(t *testing.T) {
	withTelephones(t, func(_ *testing.T, w *world, phones *telephones) {
		w.queued()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		w.expect()
		phones.last().pickUp()
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: phones.last().ID()})
	})
}

func TestTelephoneThatIsBusyDeclines(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		phones.last().over(channels.EndedByParty)
		w.expect(contact.DeclineOffer{Offer: 7, Agent: "anna", Reason: "busy"})
		w.order(bus.OrderWithdraw, 7)
		time.Sleep(2 * grace)
		w.expect()
		if caller.isOver() || len(phones.rang) != 1 {
			t.Error("want the caller waiting, and nobody rung again")
		}
	})
}

// Who picks up, hears nobody yet and puts it down again says no: his telephone has no fault, and the user goes on waiting.
func TestTelephoneThatIsPutDownBeforeTheTwoAreConnected(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		anna := phones.last()
		anna.pickUp()
		w.expect(contact.AcceptOffer{Offer: 7, Agent: "anna"})
		anna.over(channels.EndedByParty)
		w.expect(contact.DeclineOffer{Offer: 7, Agent: "anna", Reason: "busy"})
		w.order(bus.OrderConnect, 7) // was on its way
		w.order(bus.OrderWithdraw, 7)
		time.Sleep(2 * grace)
		w.expect()
		if caller.isOver() || len(phones.rang) != 1 {
			t.Error("want the caller waiting, and nobody rung again")
		}
	})
}

// A telephone that cannot be reached is a fault, which would meet the next caller too.
func TestTelephoneThatIsNotReachedFailsTheOffer(t *testing.T) {
	withTelephones(t, func(_ *testing.T, w *world, phones *telephones) {
		w.queued()
		w.order(bus.OrderRing, 7)
		phones.last().over(channels.EndedByFault)
		w.expect(contact.FailConnect{Offer: 7})
	})
}

// The offer ran out while he lifted the receiver: his telephone does not stay off the hook in silence.
func TestTelephoneThatIsPickedUpTooLateIsPutDown(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller := w.queued()
		w.order(bus.OrderRing, 7)
		w.dispatcher.reject = contact.AcceptOffer{Offer: 7, Agent: "anna"}
		anna := phones.last()
		anna.pickUp()
		w.expect(contact.AcceptOffer{Offer: 7, Agent: "anna"})
		if !anna.isOver() || caller.isOver() {
			t.Error("want the agent's leg ended and the caller waiting")
		}
	})
}

// A line that breaks is not a receiver that is put down: the caller stays for the grace.
func TestTelephoneThatBreaksInTheTalkIsAwaited(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller, anna := w.atTelephone(phones)
		anna.over(channels.EndedByFault)
		w.expect()
		time.Sleep(2 * grace)
		w.expect(contact.FailConnect{Offer: 7})
		if caller.isOver() {
			t.Error("the caller was lost with the agent's line")
		}
	})
}

func TestTelephoneHoldsByItsOwnKey(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller, anna := w.atTelephone(phones)
		turn := func(hold bool, want ...contact.Command) {
			t.Helper()
			anna.held <- hold
			w.expect(want...)
		}
		turn(true, contact.Hold{Contact: "c1", Agent: "anna"})
		expectHearing(t, "u: a:", named{"u", caller}, named{"a", anna.leg})
		w.expectHeard(caller, "play welcome sv", "loop music sv", "loop music sv")
		turn(true) // again
		turn(false, contact.Resume{Contact: "c1", Agent: "anna"})
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna.leg})
		turn(true, contact.Hold{Contact: "c1", Agent: "anna"})
		w.do(bus.ControlResume) // in the console
		w.expect(contact.Resume{Contact: "c1", Agent: "anna"})
		turn(false)
	})
}

// A colleague who is asked lifts his receiver, talks, and puts it down.
func TestColleagueAtHisTelephone(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		caller, anna := w.atTelephone(phones)
		w.orderFor(bus.OrderConsult, 8)
		bo := phones.last()
		bo.pickUp()
		w.expect(contact.AcceptOffer{Offer: 8, Agent: "bo"})
		w.orderFor(bus.OrderConsultConnect, 8)
		w.expect(contact.ConfirmConnected{Offer: 8, Leg: bo.ID()})
		bo.over(channels.EndedByParty)
		w.expect(contact.EndConsult{Contact: "c1", Agent: "bo"})
		if caller.isOver() || anna.isOver() {
			t.Error("want the colleague's leg ended, and no other")
		}
	})
}

// Who wants to call somebody and does not lift his own receiver calls nobody, and is not at fault.
func TestCallBackThatItsAgentDoesNotPickUpFor(t *testing.T) {
	withTelephones(t, func(t *testing.T, w *world, phones *telephones) {
		w.takeCallback(7)
		phones.last().over(channels.EndedByParty)
		w.expect(contact.FailDial{Offer: 7, Reason: contact.DialCancelled})
		if w.dialler.last() != nil {
			t.Error("the user was dialled")
		}
	})
}

// A call that the desk begins goes the way of a call-back: to the number that was kept for it, and nowhere else.
func TestCallThatTheDeskBegins(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		number string
		happen func(w *world, user *dialledLeg, anna *leg)
		want   contact.Command
	}{
		"answered": {"+46701740605", func(_ *world, user *dialledLeg, _ *leg) { up(user.leg) }, nil},
		"busy": {"+46701740605", func(_ *world, user *dialledLeg, _ *leg) {
			user.failure = contact.DialBusy
			user.over(channels.EndedByParty)
		}, contact.FailDial{Offer: 7, Reason: contact.DialBusy}},
		"the number is gone": {"", nil, contact.FailDial{Offer: 7, Reason: contact.DialRefused}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.personal.kept.Number = "+46701740605"
				if story.number == "" {
					w.personal.kept.Number = ""
				}
				w.dialling(7)
				view := &w.dispatcher.state.Contacts[0]
				view.Contact.Outgoing, view.Contact.Callable, view.Callback = true, false, false
				w.orderDial(7)
				if story.happen == nil {
					w.expect(story.want)
					return
				}
				anna := w.agents.last()
				up(anna)
				user := w.dialler.last()
				story.happen(w, user, anna)
				if story.want != nil {
					w.expect(story.want)
					return
				}
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: anna.ID()})
				expectHearing(t, "u:a a:u", named{"u", user.leg}, named{"a", anna})
				w.do(bus.ControlHangUp)
				w.expect(contact.HangUp{Contact: "c1", Agent: "anna"})
				synctest.Wait()
				if !user.isOver() || w.personal.legs() != 0 {
					t.Error("something is left of the call")
				}
			})
		})
	}
}

// A relay service is silent for long while it types and signs (requirement: KOM). No silence ends a call.
func TestLongSilenceEndsNoCall(t *testing.T) {
	withGrace(t, func(t *testing.T, w *world) {
		caller, anna := w.connected()
		time.Sleep(5 * time.Minute)
		w.expect()
		expectHearing(t, "u:a a:u", named{"u", caller}, named{"a", anna})
	})
}
