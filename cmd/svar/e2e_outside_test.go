package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"svar/agentui"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/contact"
	"svar/identity"
)

// What a place outside says, and a supervisor, in Hz.
const (
	placeTone      = 300.0
	supervisorTone = 1900.0
)

// testDestinations are the places outside of the tests.
const testDestinations = "destinations: [{id: office, number: \"+46850812345\", name: {sv: Kontoret, en: The office}}]\n"

// outsideApp starts an App that calls out to a port of this machine, and knows a place outside.
func outsideApp(t testing.TB) (app *testApp, port int) {
	t.Helper()
	port = freePort(t)
	return startAppOf(t, testConfig()+testDestinations, map[string]string{
		"SVAR_PHONE_OUTBOUND_TRUNK": net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
	}, nil), port
}

// mixture is what came to somebody lately: payloads of a codec.
type mixture struct {
	codec media.Codec
	*mediatest.Recorder
}

func (c *caller) ear() mixture { return mixture{c.voice.codec, &c.voice.Recorder} }

func (a *agent) ear(offer contact.OfferID) mixture {
	browser := a.browser(offer)
	return mixture{browser.Codec(), &browser.Heard}
}

// holds reports whether the tone was in the last second that came.
func (m mixture) holds(tone float64) bool {
	const second = 50
	payloads := m.Payloads(m.codec.PayloadType())
	return len(payloads) >= second && mediatest.ToneLevelOf(m.codec, payloads[len(payloads)-second:], tone) > -30
}

// hearsMix waits until all the tones are heard at once.
func hearsMix(t testing.TB, who string, ear mixture, tones ...float64) {
	t.Helper()
	for _, tone := range tones {
		eventually(t, func() bool { return ear.holds(tone) }, func() string { return who + " does not hear " + strconv.Itoa(int(tone)) + " Hz" })
	}
}

// hearsNothingOf listens for another second, in which the tone must not be.
func hearsNothingOf(t testing.TB, who string, ear mixture, tone float64) {
	t.Helper()
	before := len(ear.Payloads(ear.codec.PayloadType()))
	eventually(t, func() bool { return len(ear.Payloads(ear.codec.PayloadType())) >= before+50 }, func() string { return "nothing comes to " + who })
	if ear.holds(tone) {
		t.Errorf("%s hears %.0f Hz", who, tone)
	}
}

// A place outside is asked about a call, talks with caller and agent together, and takes the caller over: the two talk on
// though the contact is over.
func TestAPlaceOutsideTakesACallOver(t *testing.T) {
	t.Parallel()
	app, port := outsideApp(t)
	desk := app.desk(t)
	anna, caller, card := app.talkOf(t, desk, "caller-hangs-up")
	place := calleeSaying(t, port, placeTone)
	outside := &agentui.TransferTo{Outside: "office"}
	anna.mustAsk(agentui.Request{Do: agentui.DoConsult, Contact: card.Contact, To: outside})
	anna.waitState("talking with the place", func(s agentui.ConsoleState) bool {
		return len(s.Contacts) == 1 && s.Contacts[0].Consult != nil && s.Contacts[0].Consult.State == "talking"
	})
	hearsMix(t, "the agent", anna.ear(card.Offer), placeTone)
	hearsMix(t, "the place", place.ear(), agentTone)
	hearsNothingOf(t, "the caller", caller.ear(), placeTone)

	anna.mustAsk(agentui.Request{Do: agentui.DoConference, Contact: card.Contact, On: true})
	hearsMix(t, "the caller", caller.ear(), agentTone, placeTone)
	hearsMix(t, "the place", place.ear(), agentTone, callerTone)
	hearsMix(t, "the agent", anna.ear(card.Offer), callerTone, placeTone)

	anna.mustAsk(agentui.Request{Do: agentui.DoComplete, Contact: card.Contact})
	hearsNothingOf(t, "the place", place.ear(), agentTone)
	anna.Finish(card.Contact, "passed-on")
	c := app.records(t).closed(t, desk.id)
	if c.End != contact.EndHandedOver || count(c, "outside-answered") != 1 || count(c, "contact-handed-over") != 1 {
		t.Errorf("the record is %s", asJSON(c))
	}
	hearsMix(t, "the caller", caller.ear(), placeTone)
	hearsMix(t, "the place", place.ear(), callerTone)
	caller.HangUp()
	caller.Wait()
	place.Wait() // it got its BYE
}

// A caller is sent to a place outside without a word: he is his agent's until that answers.
func TestACallIsSentToAPlaceOutside(t *testing.T) {
	t.Parallel()
	app, port := outsideApp(t)
	desk := app.desk(t)
	anna, caller, card := app.talk(t, desk)
	place := calleeSaying(t, port, placeTone)
	anna.mustAsk(agentui.Request{Do: agentui.DoTransfer, Contact: card.Contact, To: &agentui.TransferTo{Outside: "office"}})
	hearsMix(t, "the caller", caller.ear(), placeTone)
	hearsMix(t, "the place", place.ear(), callerTone)
	anna.Finish(card.Contact, "passed-on")
	if c := app.records(t).closed(t, desk.id); c.End != contact.EndHandedOver {
		t.Errorf("the record is %s", asJSON(c))
	}
	if err := app.end(); err != nil { // the node's end is that of both
		t.Error(err)
	}
	caller.Wait()
	place.Wait()
}

// An agent calls somebody by a number that he typed and looked at.
func TestTheDeskCallsSomebody(t *testing.T) {
	t.Parallel()
	app, port := outsideApp(t)
	desk := app.desk(t)
	anna := app.agent(t, desk)
	anna.Ready()
	called := calleeSaying(t, port, placeTone)
	request := agentui.Request{Do: agentui.DoCall, Number: "070-174 06 99", Line: desk.id}
	if code := anna.ask(request); code != string(contact.Unconfirmed) {
		t.Errorf("a number that nobody looked at: %q", code)
	}
	request.Confirmed = true
	anna.mustAsk(request)
	talk := anna.waitContact(contact.StateConnected)
	hearsMix(t, "the agent", anna.ear(talk.Offer), placeTone)
	hearsMix(t, "who is called", called.ear(), agentTone)
	anna.HangUp(talk)
	called.Wait()
	anna.Finish(talk.Contact, "solved")
	if c := app.records(t).closed(t, desk.id); c.End != contact.EndHandled || count(c, "call-placed") != 1 || count(c, "contact-arrived") != 0 {
		t.Errorf("the record is %s", asJSON(c))
	}
}

// What the network says before somebody answers is heard by whoever called, who is heard there only after the answer: of a
// number that he typed, and of a place outside, while his caller hears music.
func TestTheAgentHearsWhatSoundsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	app, port := outsideApp(t)
	desk := app.desk(t)
	anna := app.agent(t, desk)
	anna.Ready()
	called := calleeBy(t, "sounds-first", port, placeTone)
	anna.mustAsk(agentui.Request{Do: agentui.DoCall, Number: "070-174 06 99", Line: desk.id, Confirmed: true})
	ringing := anna.waitContact(contact.StateDialling)
	hearsMix(t, "the agent", anna.ear(ringing.Offer), placeTone)
	hearsNothingOf(t, "who is called", called.ear(), agentTone)
	called.PickUp()
	talk := anna.waitContact(contact.StateConnected)
	hearsMix(t, "who is called", called.ear(), agentTone)
	anna.HangUp(talk)
	called.Wait()
	anna.Finish(talk.Contact, "solved")

	caller := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: desk.number})
	card := anna.Accept(anna.Ring())
	place := calleeBy(t, "sounds-first", port, placeTone)
	anna.mustAsk(agentui.Request{Do: agentui.DoConsult, Contact: card.Contact, To: &agentui.TransferTo{Outside: "office"}})
	hearsMix(t, "the agent", anna.ear(card.Offer), placeTone)
	hearsNothingOf(t, "the place", place.ear(), agentTone)
	hearsNothingOf(t, "the caller", caller.ear(), placeTone)
	place.PickUp()
	hearsMix(t, "the place", place.ear(), agentTone)
	anna.mustAsk(agentui.Request{Do: agentui.DoConsultEnd, Contact: card.Contact})
	place.Wait()
	caller.HangUp()
	caller.Wait()
	anna.waitContact(contact.StateWrapUp)
	anna.Finish(card.Contact, "solved")
}

// A supervisor listens, whispers and barges in; the caller hears him only then. His page may be loaded again.
func TestASupervisorTakesPartInATalk(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk := app.desk(t)
	anna, caller, card := app.talk(t, desk)
	eva := app.supervisor(t)
	eva.says(supervisorTone)
	mode := func(mode contact.SupervisionMode) {
		t.Helper()
		eva.mustAsk(agentui.Request{Do: agentui.DoSupervise, Contact: card.Contact, Mode: mode})
	}
	mode(contact.SuperviseListen)
	<-eva.browser(0).Connected()
	hearsMix(t, "the supervisor", eva.ear(0), agentTone, callerTone)
	hearsNothingOf(t, "the agent", anna.ear(card.Offer), supervisorTone)
	mode(contact.SuperviseWhisper)
	hearsMix(t, "the agent", anna.ear(card.Offer), callerTone, supervisorTone)
	hearsNothingOf(t, "the caller", caller.ear(), supervisorTone)
	mode(contact.SuperviseBarge)
	hearsMix(t, "the caller", caller.ear(), agentTone, supervisorTone)

	eva.reload()
	eva.mustAsk(agentui.Request{Do: agentui.DoVoice, Contact: card.Contact, Take: true})
	<-eva.browser(0).Connected()
	hearsMix(t, "the supervisor", eva.ear(0), agentTone, callerTone)
	caller.voice.Reset()
	hearsMix(t, "the caller", caller.ear(), agentTone, supervisorTone)

	mode("")
	select {
	case <-eva.browser(0).Over():
	case <-t.Context().Done():
	}
	hearsNothingOf(t, "the caller", caller.ear(), supervisorTone)
	finish(anna, caller, card)
	if c := app.records(t).closed(t, desk.id); count(c, "supervision-changed") != 4 {
		t.Errorf("the record is %s", asJSON(c))
	}
}

// supervisor adds a supervisor and signs him in.
func (a *testApp) supervisor(t testing.TB) *agent {
	t.Helper()
	name := a.addAccount(t, identity.Supervisor)
	eventually(t, func() bool {
		_, known := a.directory.Account(name)
		return known
	}, func() string { return "the server does not know " + name })
	return signIn(t, a.web(), name, identity.DemoPassword)
}

// kill -9 after a caller was left to a place outside: no record of a contact tells of the two any more, and the next process
// ends both all the same, so that no carrier goes on charging.
func TestKilledWhileACallerTalksWithAPlaceOutside(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	port := freePort(t)
	home.settings["SVAR_PHONE_OUTBOUND_TRUNK"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := os.WriteFile(filepath.Join(home.directory, "svar.yaml"), []byte(testConfig()+testDestinations), 0o600); err != nil {
		t.Fatal(err)
	}
	server := home.serve(t)
	desk := deskNamed("desk", 0)
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", desk.skill+"=3", "ida"); status != 0 {
		t.Fatalf("user add: %s", complaints)
	}
	ida := signIn(t, server.web, "ida", "a good password")
	ida.Ready()
	caller := dial(t, call{scenario: "killed", to: server.sip, number: desk.number})
	card := ida.Accept(ida.Ring())
	place := calleeSaying(t, port, placeTone)
	ida.mustAsk(agentui.Request{Do: agentui.DoTransfer, Contact: card.Contact, To: &agentui.TransferTo{Outside: "office"}})
	hearsMix(t, "the caller", caller.ear(), placeTone)
	ida.Finish(card.Contact, "passed-on")
	hearsMix(t, "the place", place.ear(), callerTone)
	ida.expectLoss()
	server.kill()
	ida.close()

	server = home.serve(t)
	caller.Wait()
	place.Wait()
	server.terminate()
}
