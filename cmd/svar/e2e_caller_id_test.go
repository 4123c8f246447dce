package main

import (
	"slices"
	"testing"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
)

// Who is calling is shown while it rings: what a trusted trunk asserts counts, the From
// header only without it, and a caller who asks for privacy is served all the same.
func TestTheRingCardShowsWhoCalls(t *testing.T) {
	t.Parallel()
	karin := identity.DemoPeople()[0]
	known := agentui.Caller{
		Kind: "known", Person: karin.ID, Name: karin.Name, Role: string(karin.Role), Title: karin.Title, School: karin.School,
		Number: string(karin.Numbers[0]), Verification: "number-known",
	}
	for name, one := range map[string]struct {
		from, header string
		want         agentui.Caller
	}{
		"asserted by the trunk":     {header: "P-Asserted-Identity: <sip:+46701740605@127.0.0.1>", want: known},
		"in the From header":        {from: `"Karin" <sip:0701740605@127.0.0.1>`, want: known},
		"asserted, privacy asked":   {header: "P-Asserted-Identity: <sip:+46701740605@127.0.0.1>\r\nPrivacy: id", want: agentui.Caller{Kind: "withheld", Verification: "none"}},
		"anonymous":                 {from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, want: agentui.Caller{Kind: "withheld", Verification: "none"}},
		"a number that nobody has":  {from: "<sip:+46701740698@127.0.0.1>", want: agentui.Caller{Kind: "unknown", Number: "+46701740698", Verification: "none"}},
		"a number that two share":   {from: "<sip:+46846500410@127.0.0.1>", want: agentui.Caller{Kind: "unknown", Number: "+46846500410", Verification: "none"}},
		"somebody who is protected": {from: "<sip:+46701740609@127.0.0.1>", want: agentui.Caller{Kind: "protected", Verification: "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := sharedApp(t)
			desk, records := app.desk(t), app.records(t)
			anna := app.agent(t, desk)
			anna.Ready()
			caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number, from: one.from, header: one.header})
			card := anna.Ring()
			if card.Caller != one.want {
				t.Errorf("the ring card shows %+v; want %+v", card.Caller, one.want)
			}
			talk := anna.Accept(card)
			if talk.Caller != one.want {
				t.Errorf("in talk it shows %+v; want %+v", talk.Caller, one.want)
			}
			anna.HangUp(talk)
			caller.Wait()
			anna.Finish(talk.Contact, "question-answered")
			if c := records.closed(t, desk.id); c.End != contact.EndHandled {
				t.Errorf("the record is %s", asJSON(c))
			}
		})
	}
}

// The pupils' line has a welcome and a skill of its own, and nobody is looked up there, whose
// number is known as it may be (requirement D3).
func TestThePupilsLine(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	pupils := desk{id: "pupils", number: "+4620000000", skill: "pupils"}
	records := app.records(t)
	staff, pupilsAgent := app.agent(t, staffDesk), app.agent(t, pupils)
	staff.Ready()
	pupilsAgent.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: pupils.number, from: "<sip:+46701740605@127.0.0.1>"})
	welcome, err := app.prompts.Clip("welcome-pupils", "sv")
	if err != nil {
		t.Fatal(err)
	}
	caller.HearsClip(welcome)
	card := pupilsAgent.Ring()
	if want := (agentui.Caller{Kind: "unknown", Number: "+46701740605", Verification: "none"}); card.Caller != want || card.Line != pupils.id {
		t.Errorf("the ring card is %s", asJSON(card))
	}
	if card.Why.Candidates != 1 {
		t.Errorf("%d agents could have been asked; one has the skill", card.Why.Candidates)
	}
	talk := pupilsAgent.Accept(card)
	pupilsAgent.HangUp(talk)
	caller.Wait()
	pupilsAgent.Finish(talk.Contact, "solved")
	c := records.closed(t, pupils.id)
	if c.Audience != contact.AudiencePupil || c.Agent != contact.AgentID(pupilsAgent.name) {
		t.Errorf("the record is %s", asJSON(c))
	}
	checkTimes(t, c)
	if offers := staff.State(); offers.Offer != nil || len(offers.Missed) != 0 {
		t.Errorf("an agent for staff was asked: %s", asJSON(offers))
	}
}

func TestANumberThatNobodyHas(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	records := app.records(t)
	for _, tcp := range []bool{false, true} {
		dial(t, call{scenario: "not-found", to: app.phone.Address(), number: "+46850899999", tcp: tcp}).Wait()
	}
	// A refused call has no line.
	var refused []agentui.StoredContact
	eventually(t, func() bool {
		refused = slices.DeleteFunc(records.of(t, ""), func(c agentui.StoredContact) bool { return c.End != contact.EndRefused })
		return len(refused) == 2
	}, func() string { return "the refused calls are not on record: " + asJSON(refused) })
	for _, c := range refused {
		if c.State != contact.StateClosed || c.Greeted != nil || len(c.Transitions) != 1 {
			t.Errorf("the record is %s", asJSON(c))
		}
	}
}
