package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"svar/agentui"
	"svar/contact"
)

// impatient is a line that offers to call back at once.
const impatient = alwaysOpen + `groups: [` +
	`{id: staff, name: {sv: a, en: a}}, {id: pupils, name: {sv: a, en: a}}, {id: platform, name: {sv: a, en: a}}, ` +
	`{id: devices, name: {sv: a, en: a}}, {id: network, name: {sv: a, en: a}}, {id: mail, name: {sv: a, en: a}}, {id: english, name: {sv: a, en: a}}]
lines:
  - id: staff
    number: "+46850800100"
    audience: staff
    language: sv
    look_up: true
    name: {sv: Personal, en: Staff}
    greeting: {sv: Hej, en: Hello}
    flow:
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music, callback: {say: callback-offer, after: 1s, key: "2", done: callback-promised}}
`

// A caller chooses by a key to be called back, and the call ends without his having left. He rings
// again and has his place; he chooses it once more, an agent is offered him in his turn, and his
// telephone rings: one contact all the while.
func TestACallerChoosesToBeCalledBack(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	app := startAppOf(t, impatient, map[string]string{"SVAR_PHONE_OUTBOUND_TRUNK": net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}, nil)
	offer, err := app.prompts.Clip("callback-offer", "sv")
	if err != nil {
		t.Fatal(err)
	}
	back, err := app.prompts.Clip("callback-rejoined", "sv")
	if err != nil {
		t.Fatal(err)
	}
	ida := app.skilled(t, "staff")
	choose := func() (id contact.ID) {
		caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
		caller.waitHears("the offer", caller.beginning(offer))
		caller.Press('2')
		caller.Wait()
		return ida.waitState("shown the call-back", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 1 }).Callbacks[0].Contact
	}
	chosen := choose()

	again := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	again.waitHears("that he has his place still", again.beginning(back))
	ida.waitState("shown no call-back", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 0 })
	ida.Ready()
	talk := ida.Accept(ida.Ring())
	if talk.Contact != chosen {
		t.Errorf("ida has %s, want contact %s", asJSON(talk), chosen)
	}
	ida.Hears(talk.Offer, callerTone)
	again.Hears(agentTone)
	finish(ida, again, talk)

	ida.Pause("")
	chosen = choose()
	called := callee(t, port)
	ida.Ready()
	ring := ida.Ring()
	ida.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: ring.Offer})
	talk = ida.waitCard(chosen, contact.StateConnected)
	ida.Hears(talk.Offer, callerTone)
	called.Hears(agentTone)
	ida.HangUp(talk)
	called.Wait()
	ida.Finish(chosen, "solved")
}

// A caller whose number no trunk vouches for chooses to be called back: his telephone rings only once the agent has looked at
// the number and said yes, and the yes is on record.
func TestACallBackToANumberThatNobodyVouchesForWaitsForAYes(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	carrier := fmt.Sprintf("phone: {trunks: [{name: carrier, addresses: [127.0.0.1/32], proxy: \"127.0.0.1:%d\", trust_caller_id: false}], outbound: {trunk: carrier}}\n", port)
	app := startAppOf(t, impatient+carrier, nil, nil)
	offer, err := app.prompts.Clip("callback-offer", "sv")
	if err != nil {
		t.Fatal(err)
	}
	ida := app.skilled(t, "staff")
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	caller.waitHears("the offer", caller.beginning(offer))
	caller.Press('2')
	caller.Wait()
	card := ida.waitState("shown the call-back", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 1 }).Callbacks[0]
	ida.Pause("") // whoever is signed in may dial
	called := callee(t, port)
	request := agentui.Request{Do: agentui.DoDial, Contact: card.Contact}
	if code := ida.ask(request); code != string(contact.Unconfirmed) {
		t.Errorf("a number that nobody looked at: %q", code)
	}
	if messages := called.file("messages.log"); strings.Contains(messages, "INVITE") {
		t.Errorf("it was called:\n%s", messages)
	}
	request.Confirmed = true
	ida.mustAsk(request)
	talk := ida.waitCard(card.Contact, contact.StateConnected)
	called.Hears(agentTone)
	ida.HangUp(talk)
	called.Wait()
	ida.Finish(card.Contact, "solved")
	c := app.records(t).closed(t, staffDesk.id)
	if !strings.Contains(asJSON(c), `"confirmed"`) {
		t.Errorf("the yes is not on record: %s", asJSON(c))
	}
}
