package main

import (
	"testing"

	"svar/agentui"
	"svar/contact"
)

// A call is sent on to a group and then to a colleague by name: each has the caller's voice, and
// the one who sent it is free at once.
func TestACallIsSentOn(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	first, second := app.desk(t), app.desk(t)
	anna, caller, card := app.talk(t, first)
	bo := app.agent(t, second)
	bo.says(colleagueTone)
	bo.Ready()
	anna.mustAsk(agentui.Request{Do: agentui.DoTransfer, Contact: card.Contact, To: &agentui.TransferTo{Group: contact.SkillID(second.skill)}})
	talk := bo.Accept(bo.Ring())
	if talk.Contact != card.Contact {
		t.Errorf("bo has %s, want the same contact", asJSON(talk))
	}
	bo.Hears(talk.Offer, callerTone)
	caller.Hears(colleagueTone)
	if state := anna.State(); len(state.Contacts) != 0 {
		t.Errorf("anna has %s still", asJSON(state.Contacts))
	}
	bo.mustAsk(agentui.Request{Do: agentui.DoTransfer, Contact: card.Contact, To: &agentui.TransferTo{Agent: contact.AgentID(anna.name)}})
	caller.voice.Reset()
	again := anna.Accept(anna.Ring())
	anna.Hears(again.Offer, callerTone)
	caller.Hears(agentTone)
	finish(anna, caller, again)
	c := app.records(t).closed(t, first.id)
	if c.End != contact.EndHandled || count(c, "contact-transferred") != 2 || count(c, "contact-arrived") != 1 {
		t.Errorf("the record is %s", asJSON(c))
	}
}

// A colleague is asked first: the two hear each other while the caller does not, and then the caller
// is the colleague's.
func TestAColleagueIsAskedFirst(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	first, second := app.desk(t), app.desk(t)
	anna, caller, card := app.talk(t, first)
	bo := app.agent(t, second)
	bo.says(colleagueTone)
	bo.Ready()
	anna.mustAsk(agentui.Request{Do: agentui.DoConsult, Contact: card.Contact, To: &agentui.TransferTo{Agent: contact.AgentID(bo.name)}})
	ring := bo.Ring()
	bo.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: ring.Offer})
	bo.waitState("asked", func(s agentui.ConsoleState) bool { return len(s.Contacts) == 1 && s.Contacts[0].ConsultedBy != nil })
	bo.Hears(ring.Offer, agentTone)
	anna.Hears(card.Offer, colleagueTone)
	for _, tone := range []float64{agentTone, colleagueTone} {
		if !caller.hearsNoTone(tone) {
			t.Error("the caller hears no music")
		}
	}
	anna.mustAsk(agentui.Request{Do: agentui.DoComplete, Contact: card.Contact})
	talk := bo.waitContact(contact.StateConnected)
	bo.Hears(ring.Offer, callerTone)
	caller.Hears(colleagueTone)
	finish(bo, caller, talk)
	if c := app.records(t).closed(t, first.id); c.End != contact.EndHandled || count(c, "consult-ended") != 1 {
		t.Errorf("the record is %s", asJSON(c))
	}
}

// says changes what the agent says, before anybody hears him.
func (a *agent) says(tone float64) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.tone = tone
}
