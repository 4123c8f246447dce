package main

import (
	"testing"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
)

// A node without an engine takes calls through its own phone lines: their commands go to the
// other node's dispatcher over the bus, orders and the set-up of voice come back over it. An
// agent signed in at either node answers, and the voice goes straight to the node that has
// the caller.
func TestANodeWithoutAnEngineTakesCalls(t *testing.T) {
	t.Parallel()
	const token = "a token for two nodes"
	first := startApp(t, map[string]string{"SVAR_NATS_LISTEN": "127.0.0.1:0", "SVAR_NATS_TOKEN": token}, nil)
	second := startApp(t, map[string]string{
		"SVAR_NATS_ENGINE": "false", "SVAR_NATS_URL": first.natsURL, "SVAR_NATS_TOKEN": token, "SVAR_DATABASE_URL": first.database,
	}, nil)
	if first.node == second.node {
		t.Fatalf("both nodes are %s", first.node)
	}
	records := first.records(t)
	for i, one := range []struct {
		name      string
		phone, at *testApp
	}{
		{"the second node's caller, an agent at the first", second, first},
		{"the second node's caller, an agent at the second", second, second},
		{"the first node's caller, an agent at the second", first, second},
	} {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			desk := deskNamed("desk", i)
			anna := signIn(t, one.at.web(), first.addAgent(t, desk, 3), identity.DemoPassword)
			anna.Ready()
			caller := dial(t, call{scenario: "until-bye", to: one.phone.phone.Address(), number: desk.number})
			card := anna.Ring()
			talk := anna.Accept(card)
			anna.Hears(card.Offer, callerTone)
			caller.Hears(agentTone)
			if one.phone.board.Live() == 0 || one.phone.voice.Legs() == 0 {
				t.Error("the node that has the caller does not have both legs")
			}
			anna.HangUp(talk)
			caller.Wait()
			anna.Finish(talk.Contact, "solved")
			c := records.closed(t, desk.id)
			if c.End != contact.EndHandled || c.Agent != contact.AgentID(anna.name) {
				t.Errorf("the record is %s", asJSON(c))
			}
			checkTimes(t, c)
			arrived, isArrival := first.journalled(t, []agentui.StoredContact{c})[0].Event.(contact.ContactArrived)
			if !isArrival || arrived.Node != one.phone.node {
				t.Errorf("it came in at %s: %+v", one.phone.node, arrived)
			}
		})
	}
}
