package main

import (
	"testing"

	"svar/agentui"
	"svar/contact"
)

// A visitor who writes again after the end of his chat comes to the agent who had it, though a
// colleague has been idle for longer; a stranger comes to the colleague.
func TestAVisitorWhoWritesAgainComesToTheSameAgent(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, `desk: {connect_timeout: 20s, offer_timeout: 60s, ramp_up: 0s, preferred: {for: 60s, within: 1h}}
hours: {weekly: {everyday: ["00:00-24:00"]}}
`, nil, nil)
	anna, bo := app.skilled(t, "staff"), app.skilled(t, "staff")
	anna.Ready()
	guest := visit(t, app.web(), "chat-staff")
	guest.Write("Hej, jag kommer inte in.")
	card := anna.Accept(anna.Ring())
	bo.Ready()
	anna.HangUp(card)
	anna.Finish(card.Contact, "solved")
	ended := guest.wait("the end", func(s shownChat) bool { return s.State == "ended" })

	again, err := openPage(t, app.web(), pageHello{Topic: "chat-staff", Language: "sv", Follows: ended.Token})
	if err != nil {
		t.Fatal(err)
	}
	again.wait("welcome", func(s shownChat) bool { return s.Token != "" && !s.Resumed })
	again.Write("Det gick inte ändå.")
	next := anna.Ring()
	if next.Contact == card.Contact {
		t.Errorf("the contact goes on as %s, want a new one", next.Contact)
	}
	stranger := visit(t, app.web(), "chat-staff")
	stranger.Write("Hej")
	if ring := bo.Ring(); ring.Contact == next.Contact {
		t.Error("bo is asked as well")
	}
	anna.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: next.Offer})
	if view := anna.waitCard(next.Contact, contact.StateConnected); view.Contact != next.Contact {
		t.Errorf("anna has %s", asJSON(view))
	}
}
