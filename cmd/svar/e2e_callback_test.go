package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"svar/agentui"
	"svar/contact"
)

// A caller who was lost with the server waits as a call-back. An agent dials him from the
// console: his telephone rings at the number that he called from, and the two hear each other.
func TestCallBackIsDialledFromTheConsole(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	port := freePort(t)
	home.settings["SVAR_PHONE_OUTBOUND_TRUNK"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	server := home.serve(t)
	desk := deskNamed("desk", 0)
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", desk.skill+"=3", "ida"); status != 0 {
		t.Fatalf("user add: %s", complaints)
	}
	ida := signIn(t, server.web, "ida", "a good password")
	lost := dial(t, call{scenario: "killed", to: server.sip, number: desk.number})
	ida.WaitWaiting(desk.id, 1)
	ida.expectLoss()
	server.kill()
	ida.close()

	server = home.serve(t)
	lost.Wait()
	ida = signIn(t, server.web, "ida", "a good password")
	card := ida.waitState("shown the call-back", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 1 }).Callbacks[0]
	if card.DialsLeft == 0 || card.Caller.Number != "+46701740699" {
		t.Fatalf("the call-back is %s", asJSON(card))
	}
	ida.Ready()
	called := callee(t, port)
	ida.mustAsk(agentui.Request{Do: agentui.DoDial, Contact: card.Contact})
	talk := ida.waitCard(card.Contact, contact.StateConnected)
	if messages := called.file("messages.log"); !strings.Contains(messages, "INVITE sip:+46701740699@") {
		t.Errorf("another number was called:\n%s", messages)
	}
	ida.Hears(talk.Offer, callerTone)
	called.Hears(agentTone)
	ida.HangUp(talk)
	called.Wait()
	ida.Finish(card.Contact, "solved")
	c := recordsAt(t, server.web).closed(t, desk.id)
	if c.End != contact.EndHandled || c.ID != card.Contact || count(c, "contact-arrived") != 1 {
		t.Errorf("the record is %s", asJSON(c))
	}
	ida.expectLoss()
	server.terminate()
}
