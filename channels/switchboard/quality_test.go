package switchboard_test

import (
	"context"
	"testing"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// measured lets the story's legs be measured, with a grace for voices that are lost.
func measured(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		w.agents.measured = true
		config.VoiceGrace = grace
	}, story)
}

// said is the report of a party that sent so many packets.
func said(party contact.Party, offer contact.OfferID, packets uint64) contact.ReportQuality {
	return contact.ReportQuality{Contact: "c1", Offer: offer, Party: party, Quality: contact.Quality{Received: packets}}
}

// Each talk is reported once for either party, before what ends the contact.
func TestQualityIsReportedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	agentAndCaller := []contact.Command{said(contact.PartyAgent, 7, 1), said(contact.PartyCaller, 7, 2)}
	for name, story := range map[string]struct {
		happen func(w *world, caller, agent *leg)
		want   []contact.Command
	}{
		"the caller hangs up": {
			func(_ *world, caller, _ *leg) { caller.over(channels.EndedByParty) },
			append(agentAndCaller, contact.Leave{Contact: "c1"}),
		},
		"the caller is lost": {
			func(_ *world, caller, _ *leg) { caller.over(channels.EndedByFault) },
			append(agentAndCaller, contact.Drop{Contact: "c1"}),
		},
		"the agent hangs up": {
			func(w *world, _, _ *leg) { w.do(bus.ControlHangUp) },
			append(agentAndCaller, contact.HangUp{Contact: "c1", Agent: "anna"}),
		},
		"it is released": {
			func(w *world, caller, _ *leg) {
				caller.slow = true // its BYE is not answered yet
				w.order(bus.OrderRelease, 0)
				w.order(bus.OrderRelease, 0)
				caller.over(channels.EndedByUs)
			},
			agentAndCaller,
		},
		"the node shuts down": {
			func(w *world, _, _ *leg) { _ = w.board.Close(context.Background()) },
			append(agentAndCaller, contact.Drop{Contact: "c1"}),
		},
		"the agent is taken away": {
			func(w *world, _, _ *leg) { w.order(bus.OrderWithdraw, 7) },
			agentAndCaller,
		},
		"the agent is taken away, the next does not answer": {
			func(w *world, caller, _ *leg) {
				w.order(bus.OrderWithdraw, 7)
				w.order(bus.OrderRing, 8)
				w.order(bus.OrderWithdraw, 8) // a leg that was never connected says nothing
				caller.over(channels.EndedByParty)
			},
			append(agentAndCaller, contact.Leave{Contact: "c1"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			measured(t, func(_ *testing.T, w *world) {
				caller, agent := w.measuredTalk()
				story.happen(w, caller, agent)
				w.expect(story.want...)
			})
		})
	}
}

// measuredTalk lets the agent say one packet and the caller two.
func (w *world) measuredTalk() (caller, agent *leg) {
	w.t.Helper()
	caller = newLeg(w.agents.pacer, "caller-leg")
	c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff", Callable: true, Arrived: w.arrived}
	if err := w.board.Arrive(w.t.Context(), c, contact.Personal{}, measuredLeg{caller}); err != nil {
		w.t.Fatal(err)
	}
	close(caller.promptOver)
	w.order(bus.OrderConnect, 7)
	agent = w.agents.last()
	up(agent)
	w.dispatcher.sent()
	agent.say()
	caller.say()
	caller.say()
	return caller, agent
}

// The dispatcher keeps one report of each party of a connection: a first leg of two seconds must
// not stand for the talk of an hour that went on after the page was loaded again.
func TestQualityIsThatOfAllLegsOfAVoice(t *testing.T) {
	measured(t, func(_ *testing.T, w *world) {
		caller, first := w.measuredTalk()
		second := w.voice("desk", false)
		up(second)
		w.expect()
		second.say()
		second.say()
		second.over(channels.EndedByFault)
		third := w.voice("desk", false) // never up, never counted
		third.say()
		first.over(channels.EndedByFault)
		w.expect()
		caller.over(channels.EndedByParty)
		w.expect(said(contact.PartyAgent, 7, 3), said(contact.PartyCaller, 7, 2), contact.Leave{Contact: "c1"})
	})
}

// What a caller says while he waits is no part of a talk, nor what he said to somebody else.
func TestQualityOfTheCallerIsThatOfEachTalk(t *testing.T) {
	measured(t, func(_ *testing.T, w *world) {
		caller, _ := w.measuredTalk()
		w.do(bus.ControlHold)
		caller.say()
		w.do(bus.ControlResume) // the same talk
		w.dispatcher.sent()
		w.order(bus.OrderWithdraw, 7)
		w.expect(said(contact.PartyAgent, 7, 1), said(contact.PartyCaller, 7, 3))
		for range 5 {
			caller.say()
		}
		w.order(bus.OrderConnect, 8)
		next := w.agents.last()
		up(next)
		w.dispatcher.sent()
		next.say()
		caller.say()
		caller.over(channels.EndedByParty)
		w.expect(said(contact.PartyAgent, 8, 1), said(contact.PartyCaller, 8, 1), contact.Leave{Contact: "c1"})
	})
}

func TestQualityOfACallThatNobodyAnsweredIsNotReported(t *testing.T) {
	measured(t, func(_ *testing.T, w *world) {
		caller := newLeg(w.agents.pacer, "caller-leg")
		c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff", Arrived: w.arrived}
		if err := w.board.Arrive(w.t.Context(), c, contact.Personal{}, measuredLeg{caller}); err != nil {
			w.t.Fatal(err)
		}
		close(caller.promptOver)
		w.order(bus.OrderRing, 7)
		w.dispatcher.sent()
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
	})
}
