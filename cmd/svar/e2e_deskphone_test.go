package main

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"svar/agentui"
	"svar/channels/phone/phonetest"
	"svar/contact"
	"svar/identity"
)

// deskPhone registers a real telephone as the agent's, and waits until his console shows it.
func (a *agent) deskPhone(password string, sip netip.AddrPort) phonetest.Telephone {
	a.t.Helper()
	phone := phonetest.NewBaresip(a.t, phonetest.Account{Name: a.name, Password: password, Server: sip, Transport: "udp"})
	a.waitState("shown his desk phone", func(s agentui.ConsoleState) bool { return s.Me.Phone })
	return phone
}

// deskPhoneOf gives an agent a desk phone.
func (a *testApp) deskPhoneOf(t testing.TB, agent *agent) phonetest.Telephone {
	t.Helper()
	const password = "secret"
	if err := a.store.PutPhoneSecret(t.Context(), time.Now(), agent.name, identity.NewPhoneSecret(agent.name, password)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		_, known := a.directory.PhoneSecret(agent.name)
		return known
	}, func() string { return "the server does not know the desk phone" })
	return agent.deskPhone(password, a.phone.Address())
}

// An agent without a microphone: his desk phone rings, and console and telephone control one call.
func TestADeskPhoneTakesTheCalls(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	anna := app.agent(t, desk)
	phone := app.deskPhoneOf(t, anna)
	anna.Ready()

	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number, from: "<sip:+46701740699@127.0.0.1>"})
	card := anna.Ring()
	phone.AwaitRing(1)
	if !strings.Contains(phone.Said(), "+46701740699") {
		t.Errorf("the telephone does not show who calls:\n%s", phone.Said())
	}
	phone.PickUp()
	talk := anna.waitContact(contact.StateConnected)
	if talk.Contact != card.Contact {
		t.Errorf("connected with %s, rung by %s", talk.Contact, card.Contact)
	}
	phone.Hears(callerTone)
	caller.Hears(phonetest.Tone)

	anna.mustAsk(agentui.Request{Do: agentui.DoHold, Contact: talk.Contact})
	anna.waitContact(contact.StateHeld)
	if !caller.hearsNoTone(phonetest.Tone) {
		t.Error("on hold the caller hears silence, not the music")
	}
	anna.mustAsk(agentui.Request{Do: agentui.DoResume, Contact: talk.Contact})
	anna.waitContact(contact.StateConnected)
	phone.Hold() // by its own key
	anna.waitContact(contact.StateHeld)
	phone.Resume()
	anna.waitContact(contact.StateConnected)
	caller.voice.Reset()
	caller.Hears(phonetest.Tone)
	anna.HangUp(talk)
	phone.AwaitEnd(1)
	caller.Wait()
	anna.Finish(talk.Contact, "solved")
	if c := records.closed(t, desk.id); c.End != contact.EndHandled || c.Agent != contact.AgentID(anna.name) {
		t.Errorf("the record is %s", asJSON(c))
	}

	// What is picked up at the console alone still rings until the receiver is lifted; what is put
	// down at the telephone is wrap-up in the console.
	caller = dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	anna.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: anna.Ring().Offer})
	phone.AwaitRing(2)
	phone.PickUp()
	talk = anna.waitContact(contact.StateConnected)
	caller.Hears(phonetest.Tone)
	phone.HangUp()
	anna.waitContact(contact.StateWrapUp)
	caller.Wait()
	anna.Finish(talk.Contact, "solved")
}

// Declined at the telephone, the call waits again in its place.
func TestADeskPhoneDeclines(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk := app.desk(t)
	anna := app.agent(t, desk)
	phone := app.deskPhoneOf(t, anna)
	anna.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	first := anna.Ring()
	phone.AwaitRing(1)
	phone.HangUp()
	bo := app.agent(t, desk)
	bo.Ready()
	second := bo.Ring()
	if second.Contact != first.Contact {
		t.Errorf("%s rings, %s was declined", second.Contact, first.Contact)
	}
	talk := bo.Accept(second)
	caller.Hears(agentTone)
	bo.HangUp(talk)
	caller.Wait()
	bo.Finish(talk.Contact, "solved")
}

// The command makes a telephone's password, which is shown once and kept as hashes; kill -9 in a talk
// leaves no telephone in a call that nobody is in (freeswitch#2529); and one that is taken away rings
// no more.
func TestTheDeskPhoneOfTheCommand(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	server := home.serve(t)
	desk := deskNamed("desk", 0)
	if status, _, complaints := home.run(t, "", "user", "phone", "ida"); status != 1 || !strings.Contains(complaints, "no such account") {
		t.Errorf("a phone for nobody: status %d, %s", status, complaints)
	}
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", desk.skill+"=3", "ida"); status != 0 {
		t.Fatalf("user add: status %d, %s", status, complaints)
	}
	status, out, complaints := home.run(t, "", "user", "phone", "ida")
	shown := regexp.MustCompile(`(?m)^  Password +(\S+)$`).FindStringSubmatch(out)
	if status != 0 || shown == nil || !strings.Contains(out, "ida") {
		t.Fatalf("user phone: status %d\n%s%s", status, out, complaints)
	}
	ida := signIn(t, server.web, "ida", "a good password")
	phone := ida.deskPhone(shown[1], server.sip)
	ida.Ready()
	caller := dial(t, call{scenario: "killed", to: server.sip, number: desk.number})
	ida.Ring()
	phone.AwaitRing(1)
	phone.PickUp()
	ida.waitContact(contact.StateConnected)
	caller.Hears(phonetest.Tone)
	ida.expectLoss()
	server.kill()
	server = home.serve(t)
	phone.AwaitEnd(1)
	caller.Wait()

	if status, out, complaints := home.run(t, "", "user", "phone", "--remove", "ida"); status != 0 {
		t.Errorf("removed: status %d\n%s%s", status, out, complaints)
	}
	if status, _, complaints := home.run(t, "", "user", "phone", "--remove", "ida"); status != 1 || !strings.Contains(complaints, "no desk phone") {
		t.Errorf("removed again: status %d, %s", status, complaints)
	}
	server.terminate()
}

// The transfer key of a desk phone sends the user to a colleague, on record as from the console. (Who dials somebody
// whom the console would not offer is refused in the gateway's own tests: baresip ends its call on a refusal.)
func TestADeskPhoneSendsTheUserOn(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	anna := app.agent(t, desk)
	phone := app.deskPhoneOf(t, anna)
	anna.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	card := anna.Ring()
	phone.AwaitRing(1)
	phone.PickUp()
	anna.waitContact(contact.StateConnected)
	caller.Hears(phonetest.Tone)
	bo := app.agent(t, desk)
	bo.Ready()
	phone.Transfer(bo.name)
	offered := bo.Ring()
	if offered.Contact != card.Contact {
		t.Errorf("%s rings, %s was sent on", offered.Contact, card.Contact)
	}
	talk := bo.Accept(offered)
	caller.Hears(agentTone)
	bo.HangUp(talk)
	caller.Wait()
	bo.Finish(talk.Contact, "solved")
	if c := records.closed(t, desk.id); c.End != contact.EndHandled || c.Agent != contact.AgentID(bo.name) {
		t.Errorf("the record is %s", asJSON(c))
	}
}
