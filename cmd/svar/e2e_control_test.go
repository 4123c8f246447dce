package main

import (
	"slices"
	"testing"
	"time"

	"svar/agentui"
	"svar/contact"
)

// telephoneEvent is the payload type that the callers' scenarios name for keys (RFC 4733).
const telephoneEvent = 101

// talk lets an agent of a desk answer a caller, and asserts that they hear each other.
func (a *testApp) talk(t testing.TB, d desk) (*agent, *caller, agentui.OngoingCard) {
	t.Helper()
	return a.talkOf(t, d, "until-bye")
}

// talkOf is talk with a caller of that scenario.
func (a *testApp) talkOf(t testing.TB, d desk, scenario string) (*agent, *caller, agentui.OngoingCard) {
	t.Helper()
	anna := a.agent(t, d)
	anna.Ready()
	caller := dial(t, call{scenario: scenario, to: a.phone.Address(), number: d.number})
	card := anna.Accept(anna.Ring())
	anna.Hears(card.Offer, callerTone)
	caller.Hears(agentTone)
	return anna, caller, card
}

// finish ends a talk.
func finish(anna *agent, caller *caller, card agentui.OngoingCard) {
	anna.t.Helper()
	anna.HangUp(card)
	caller.Wait()
	anna.Finish(card.Contact, "solved")
}

// hearsNoTone waits until somebody heard a second of something else than a tone, and reports
// whether that was sound at all.
func (c *caller) hearsNoTone(tone float64) (sound bool) {
	c.t.Helper()
	c.voice.Reset()
	payloadType := c.voice.codec.PayloadType()
	eventually(c.t, func() bool { return len(c.voice.Payloads(payloadType)) >= 50 }, func() string { return "nothing comes to the caller" })
	if verdict := c.voice.Listen(c.voice.codec, tone); verdict.Toned > 0 {
		c.t.Errorf("the caller hears what he should not: %s", verdict)
	}
	return slices.ContainsFunc(c.voice.Payloads(payloadType), func(payload []byte) bool {
		return slices.ContainsFunc(payload, func(sample byte) bool { return sample != payload[0] })
	})
}

// livekit/sip#779: on hold neither hears the other, and after it both do.
func TestACallIsHeldAndResumed(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	anna, caller, card := app.talk(t, desk)

	anna.mustAsk(agentui.Request{Do: agentui.DoHold, Contact: card.Contact})
	held := anna.waitContact(contact.StateHeld)
	if held.Contact != card.Contact {
		t.Errorf("another contact is held: %+v", held)
	}
	if !caller.hearsNoTone(agentTone) {
		t.Error("on hold the caller hears silence, not the music")
	}
	voice := anna.browser(card.Offer)
	voice.Heard.Reset()
	eventually(t, func() bool { return len(voice.Heard.Packets()) >= 50 }, func() string { return "nothing comes to the agent" })
	if verdict := voice.Heard.Listen(voice.Codec(), callerTone); verdict.Toned > 0 {
		t.Errorf("on hold the agent hears the caller: %s", verdict)
	}

	anna.mustAsk(agentui.Request{Do: agentui.DoResume, Contact: card.Contact})
	anna.waitContact(contact.StateConnected)
	voice.Heard.Reset()
	caller.voice.Reset()
	anna.Hears(card.Offer, callerTone)
	caller.Hears(agentTone)
	finish(anna, caller, card)

	transitions := names(records.closed(t, desk.id))
	want := []string{"contact-connected", "contact-held", "contact-resumed"}
	if at := slices.Index(transitions, want[0]); at < 0 || !slices.Equal(transitions[at:at+len(want)], want) {
		t.Errorf("the record has %v", transitions)
	}
}

// Keys reach the caller's phone as telephone events, in their order, and stand nowhere.
func TestAnAgentPressesKeys(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	anna, caller, card := app.talk(t, app.desk(t))
	caller.voice.Reset()
	for _, key := range []string{"4", "2", "#"} {
		anna.mustAsk(agentui.Request{Do: agentui.DoKey, Contact: card.Contact, Key: key})
	}
	if outcome := anna.ask(agentui.Request{Do: agentui.DoKey, Contact: card.Contact, Key: "x"}); outcome != string(contact.Invalid) {
		t.Errorf("a key that is none got %q", outcome)
	}
	pressed := func() []byte {
		var keys []byte
		var last uint32
		for _, packet := range caller.voice.Packets() {
			if packet.PayloadType == telephoneEvent && len(packet.Payload) >= 4 && packet.Payload[1]&0x80 != 0 && packet.Timestamp != last {
				keys, last = append(keys, packet.Payload[0]), packet.Timestamp
			}
		}
		return keys
	}
	eventually(t, func() bool { return slices.Equal(pressed(), []byte{4, 2, 11}) }, func() string { return "other keys came: " + asJSON(pressed()) })
	finish(anna, caller, card)
}

// Nobody but the agent who has the call does anything with it.
func TestOnlyItsAgentControlsACall(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk := app.desk(t)
	anna, caller, card := app.talk(t, desk)
	bo := app.agent(t, desk)
	for _, do := range []agentui.RequestDo{agentui.DoHold, agentui.DoResume, agentui.DoKey, agentui.DoVoice, agentui.DoHangUp, agentui.DoOutcome} {
		request := agentui.Request{Do: do, Contact: card.Contact, Key: "1", Take: true, Code: "solved"}
		if outcome := bo.ask(request); outcome != string(contact.NotYours) {
			t.Errorf("%s of somebody else's call got %q", do, outcome)
		}
	}
	anna.waitContact(contact.StateConnected)
	finish(anna, caller, card)
}

// A page that is loaded again in the talk is in the same talk a moment later.
func TestAReloadKeepsTheCall(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	anna, caller, card := app.talk(t, desk)
	anna.reload()
	again := anna.waitContact(contact.StateConnected)
	if again.Contact != card.Contact || again.Offer != card.Offer {
		t.Fatalf("another call is shown: %+v", again)
	}
	anna.mustAsk(agentui.Request{Do: agentui.DoVoice, Contact: card.Contact})
	caller.voice.Reset()
	anna.Hears(card.Offer, callerTone)
	caller.Hears(agentTone)
	finish(anna, caller, card)
	if transitions := names(records.closed(t, desk.id)); slices.Contains(transitions, "contact-returned") {
		t.Errorf("the call went back to the queue: %v", transitions)
	}
}

// Two windows are one agent: the voice is in one of them, and moves when it is asked to.
func TestTheVoiceMovesToAnotherWindow(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	anna, caller, card := app.talk(t, app.desk(t))
	other := anna.window()
	other.waitContact(contact.StateConnected)
	if outcome := other.ask(agentui.Request{Do: agentui.DoVoice, Contact: card.Contact}); outcome != string(contact.VoiceElsewhere) {
		t.Errorf("a window that does not take it got %q", outcome)
	}
	first := anna.browser(card.Offer)
	other.mustAsk(agentui.Request{Do: agentui.DoVoice, Contact: card.Contact, Take: true})
	other.Hears(card.Offer, callerTone)
	select {
	case <-first.Over():
	case <-time.After(patience):
		t.Error("the first window still has a voice")
	}
	caller.voice.Reset()
	caller.Hears(agentTone)
	finish(other, caller, card)
}

// An agent who never comes back loses the call after the grace, and the caller his place not.
func TestACallWhoseAgentStaysAwayWaitsAgain(t *testing.T) {
	t.Parallel()
	app := startApp(t, map[string]string{"SVAR_DESK_VOICE_GRACE": "300ms"}, nil)
	desk := app.desk(t)
	anna, caller, card := app.talk(t, desk)
	bo := app.agentOf(t, desk, 2)
	anna.close()
	bo.Ready()
	offered := bo.Ring()
	if offered.Contact != card.Contact {
		t.Fatalf("another contact is offered: %+v", offered)
	}
	talk := bo.Accept(offered)
	caller.voice.Reset()
	bo.Hears(talk.Offer, callerTone)
	caller.Hears(agentTone)
	finish(bo, caller, talk)
}

// Wrap-up runs out: the contact is closed with what was chosen, or says that nothing was.
func TestWrapUpRunsOut(t *testing.T) {
	t.Parallel()
	app := startApp(t, map[string]string{"SVAR_DESK_WRAP_UP_LIMIT": "1s", "SVAR_DESK_WRAP_UP_EXTENSION": "2s"}, nil)
	for name, one := range map[string]struct {
		chosen, want contact.OutcomeCode
		extend       bool
	}{
		"nothing was chosen":     {want: "not-stated"},
		"something was chosen":   {chosen: "question-answered", want: "question-answered"},
		"later than it would be": {want: "not-stated", extend: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk, records := app.desk(t), app.records(t)
			anna, caller, card := app.talk(t, desk)
			if one.chosen != "" {
				anna.mustAsk(agentui.Request{Do: agentui.DoOutcome, Contact: card.Contact, Code: one.chosen})
			}
			anna.mustAsk(agentui.Request{Do: agentui.DoHangUp, Contact: card.Contact})
			caller.Wait()
			if one.extend {
				until := anna.waitContact(contact.StateWrapUp).WrapUpUntil
				anna.mustAsk(agentui.Request{Do: agentui.DoExtend, Contact: card.Contact})
				anna.waitState("given more time", func(s agentui.ConsoleState) bool {
					return len(s.Contacts) == 1 && s.Contacts[0].WrapUpUntil > until
				})
			}
			c := records.closed(t, desk.id)
			if c.End != contact.EndHandled || c.Outcome != one.want || c.Agent != contact.AgentID(anna.name) {
				t.Errorf("the record is %s", asJSON(c))
			}
			anna.waitState("free", func(s agentui.ConsoleState) bool { return len(s.Contacts) == 0 && s.Me.Presence == contact.Ready })
		})
	}
}

// An agent hears himself a second later.
func TestAnAgentHearsHimself(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	anna := app.agent(t, app.desk(t))
	anna.mustAsk(agentui.Request{Do: agentui.DoEcho})
	anna.Hears(0, agentTone)
	echo := anna.browser(0)
	anna.mustAsk(agentui.Request{Do: agentui.DoEchoEnd})
	select {
	case <-echo.Over():
	case <-time.After(patience):
		t.Error("the echo does not end")
	}
}
