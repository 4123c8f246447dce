package main

import (
	"testing"
	"time"

	"svar/agentui"
	"svar/channels/media"
	"svar/contact"
)

// A call from the first ring to its record, over both transports and with both codecs: each
// party says a tone that the other must hear.
func TestACallIsAnsweredAndOnRecord(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		tcp          bool
		codec        media.Codec
		agentHangsUp bool
	}{
		"over UDP in PCMA, ended by the agent":  {codec: media.PCMA, agentHangsUp: true},
		"over UDP in PCMU, ended by the caller": {codec: media.PCMU},
		"over TCP in PCMA, ended by the agent":  {codec: media.PCMA, tcp: true, agentHangsUp: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := sharedApp(t)
			desk, records := app.desk(t), app.records(t)
			anna := app.agent(t, desk)
			anna.Ready()
			scenario := "caller-hangs-up"
			if one.agentHangsUp {
				scenario = "until-bye"
			}
			caller := dial(t, call{scenario: scenario, to: app.phone.Address(), number: desk.number, tcp: one.tcp, codec: one.codec})
			card := anna.Ring()
			if card.Line != desk.id || card.Channel != contact.Voice {
				t.Errorf("the ring card is of another line: %+v", card)
			}
			talk := anna.Accept(card)
			anna.Hears(card.Offer, callerTone)
			caller.Hears(agentTone)
			if one.agentHangsUp {
				anna.HangUp(talk)
			} else {
				caller.HangUp()
				anna.waitContact(contact.StateWrapUp)
			}
			caller.Wait()
			anna.Finish(talk.Contact, "solved")

			c := records.closed(t, desk.id)
			if c.End != contact.EndHandled || c.Outcome != "solved" || c.Agent != contact.AgentID(anna.name) || c.ID != card.Contact {
				t.Errorf("the record is %s", asJSON(c))
			}
			checkTimes(t, c)
		})
	}
}

// checkTimes asserts that an answered contact has all its times, in order.
func checkTimes(t testing.TB, c agentui.StoredContact) {
	t.Helper()
	last := c.Arrived
	for _, at := range []struct {
		name string
		when *time.Time
	}{{"greeted", c.Greeted}, {"queued", c.Queued}, {"answered", c.Answered}, {"ended", c.Ended}, {"closed", c.Closed}} {
		if at.when == nil {
			t.Errorf("the contact was never %s: %s", at.name, asJSON(c))
			continue
		}
		if at.when.Before(last) {
			t.Errorf("it was %s before what comes before that: %s", at.name, asJSON(c))
		}
		last = *at.when
	}
}
