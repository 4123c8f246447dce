package main

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"svar/agentui"
	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
)

// The agent's no reaches the next agent, and never the caller (opensips#2886).
func TestAnAgentDeclines(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	first, second := app.agentOf(t, desk, 5), app.agentOf(t, desk, 2)
	first.Ready()
	second.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	card := first.Ring()
	if card.Why.Candidates != 2 || card.Why.Rule != contact.HighestLevel {
		t.Errorf("why: %+v", card.Why)
	}
	first.Decline(card)
	next := second.Ring()
	if next.Contact != card.Contact || next.Offer == card.Offer || next.Arrived != card.Arrived {
		t.Errorf("the second offer is %s; the first was %s", asJSON(next), asJSON(card))
	}
	talk := second.Accept(next)
	second.Hears(next.Offer, callerTone)
	caller.Hears(agentTone)
	second.HangUp(talk)
	caller.Wait()
	second.Finish(talk.Contact, "solved")
	c := records.closed(t, desk.id)
	if c.Agent != contact.AgentID(second.name) || count(c, "contact-offered") != 2 || count(c, "offer-declined") != 1 {
		t.Errorf("the record is %s", asJSON(c))
	}
	if state := first.State(); state.Me.Presence != contact.Ready {
		t.Errorf("one decline paused the agent: %s", asJSON(state.Me))
	}
}

func count(c agentui.StoredContact, event string) int {
	n := 0
	for _, name := range names(c) {
		if name == event {
			n++
		}
	}
	return n
}

// An agent who does not answer is paused, and told why; the caller is in the old place
// again, before the one who came later, and the next agent gets both in that order.
// asterisk#1691, freeswitch#1216: the distribution goes on.
func TestAnAgentNeverAnswers(t *testing.T) {
	t.Parallel()
	app := startApp(t, map[string]string{"SVAR_DESK_OFFER_TIMEOUT": "1s"}, nil)
	desk := app.desk(t)
	records := app.records(t)
	absent, present := app.agentOf(t, desk, 5), app.agentOf(t, desk, 2)
	absent.Ready()
	firstCaller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	missed := absent.Ring()
	secondCaller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})

	state := absent.waitState("paused by the miss", func(s agentui.ConsoleState) bool { return s.Me.Presence == contact.Paused })
	if state.Me.Cause != contact.ByMisses || state.Offer != nil || len(state.Missed) != 1 || state.Missed[0].Contact != missed.Contact {
		t.Errorf("after a miss the console shows %s", asJSON(state))
	}
	present.WaitWaiting(desk.id, 2)
	present.Ready()
	for i, caller := range []*caller{firstCaller, secondCaller} {
		// The offer lasts 1 s only: accept at once, whatever the machine is doing.
		var talk agentui.OngoingCard
		eventually(t, func() bool {
			state := present.waitState("rung", func(s agentui.ConsoleState) bool { return s.Offer != nil || s.Me.Presence == contact.Paused })
			if state.Offer == nil {
				present.Ready()
				return false
			}
			return present.ask(agentui.Request{Do: agentui.DoAccept, Offer: state.Offer.Offer}) == ""
		}, func() string { return "the second agent could not accept in time" })
		talk = present.waitContact(contact.StateConnected)
		if first := talk.Contact == missed.Contact; first != (i == 0) {
			t.Errorf("offer %d to the second agent is of the wrong caller", i+1)
		}
		present.HangUp(talk)
		caller.Wait()
		present.Finish(talk.Contact, "solved")
	}
	var all []agentui.StoredContact
	eventually(t, func() bool {
		all = records.of(t, desk.id)
		return len(all) == 2 && all[0].State == contact.StateClosed && all[1].State == contact.StateClosed
	}, func() string { return "not both are closed: " + asJSON(all) })
	for _, c := range all {
		if c.End != contact.EndHandled || c.Agent != contact.AgentID(present.name) {
			t.Errorf("the record is %s", asJSON(c))
		}
		if c.ID == missed.Contact && count(c, "offer-missed") < 1 {
			t.Errorf("the miss is not on record: %s", asJSON(c))
		}
	}
}

// An agent whose console is gone for more than 10 s loses the offer, and the next one gets
// it. Nothing counts against the one whose network failed.
func TestAnAgentVanishesWhileItRings(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	first, second := app.agentOf(t, desk, 5), app.agentOf(t, desk, 2)
	first.Ready()
	second.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number})
	card := first.Ring()
	first.lose()
	next := second.Ring()
	if next.Contact != card.Contact || next.Arrived != card.Arrived {
		t.Errorf("the second agent is offered %s; the first was %s", asJSON(next), asJSON(card))
	}
	talk := second.Accept(next)
	second.HangUp(talk)
	caller.Wait()
	second.Finish(talk.Contact, "solved")
	c := records.closed(t, desk.id)
	at := slices.IndexFunc(c.Transitions, func(x agentui.Transition) bool { return x.Event == "offer-withdrawn" })
	if at < 0 {
		t.Fatalf("the withdrawal is not on record: %s", asJSON(c))
	}
	var withdrawn contact.OfferWithdrawn
	if err := json.Unmarshal(c.Transitions[at].Data, &withdrawn); err != nil || withdrawn.Cause != contact.AgentUnreachable {
		t.Errorf("the withdrawal is %+v, %v", withdrawn, err)
	}
	first.open()
	// The agent sees what passed by, and is ready all the same.
	state := first.State()
	if len(state.Missed) != 1 || state.Missed[0].Cause != contact.MissedByReach || state.Me.Presence != contact.Ready {
		t.Errorf("the lost console counts as a miss: %s", asJSON(state))
	}
}

// Twenty callers at once for three agents: each is answered once, in the order of arrival,
// and no agent ever has two. asterisk#176, OpenACD#5.
func TestTwentyCallersForThreeAgents(t *testing.T) {
	t.Parallel()
	const callers = 20
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	agents := []*agent{app.agent(t, desk), app.agent(t, desk), app.agent(t, desk)}
	all := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: desk.number, callers: callers})
	agents[0].WaitWaiting(desk.id, callers)

	over := make(chan struct{})
	var working sync.WaitGroup
	for _, one := range agents {
		one.Ready()
		working.Go(func() { one.workUntil(over) })
	}
	all.Wait()
	var stored []agentui.StoredContact
	eventually(t, func() bool {
		stored = records.of(t, desk.id)
		return len(stored) == callers && !slices.ContainsFunc(stored, func(c agentui.StoredContact) bool { return c.State != contact.StateClosed })
	}, func() string { return "not all are closed: " + asJSON(stored) })
	close(over)
	working.Wait()

	for _, c := range stored {
		if c.End != contact.EndHandled || count(c, "contact-connected") != 1 || count(c, "contact-closed") != 1 {
			t.Errorf("it was not answered exactly once: %s", asJSON(c))
		}
		checkTimes(t, c)
	}
	checkOffers(t, app.journalled(t, stored))
}

// workUntil answers, hangs up and finishes whatever is offered, until over is closed. It
// runs beside the test, so it stops silently when something fails; the test sees that the
// callers are not served.
func (a *agent) workUntil(over <-chan struct{}) {
	for {
		a.mutex.Lock()
		state, changed := a.state, a.changed
		a.mutex.Unlock()
		switch {
		case state.Offer != nil && !state.Offer.Accepted:
			a.tell(agentui.Request{Do: agentui.DoAccept, Offer: state.Offer.Offer})
		case len(state.Contacts) > 0 && state.Contacts[0].State == contact.StateConnected:
			a.tell(agentui.Request{Do: agentui.DoHangUp, Contact: state.Contacts[0].Contact})
		case len(state.Contacts) > 0:
			a.tell(agentui.Request{Do: agentui.DoFinish, Contact: state.Contacts[0].Contact, Code: "solved"})
		}
		select {
		case <-changed:
		case <-over:
			return
		}
	}
}

func (a *agent) tell(r agentui.Request) {
	r.ID = a.nextNumber()
	a.send(r)
}

// event is one recorded event with the time of its record.
type event struct {
	contact.Event
	now contact.Instant
}

// journalled are all events of some contacts, in the order of the journal.
func (a *testApp) journalled(t testing.TB, contacts []agentui.StoredContact) []event {
	t.Helper()
	wanted := map[contact.ID]bool{}
	for _, c := range contacts {
		wanted[c.ID] = true
	}
	var events []event
	if err := a.journal.Read(t.Context(), 1, func(_ uint64, r journal.Record) error {
		for _, recorded := range r.Events {
			if id, _ := queue.Touched(recorded); wanted[id] {
				events = append(events, event{recorded, r.Now})
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return events
}

// checkOffers goes through what was recorded: offers in the order of arrival, and one contact
// for each agent at a time.
func checkOffers(t testing.TB, events []event) {
	t.Helper()
	arrived := map[contact.ID]contact.Instant{}
	has := map[contact.AgentID]contact.ID{} // what each agent is offered, talks to, or wraps up
	last := contact.Instant(0)
	for _, recorded := range events {
		switch e := recorded.Event.(type) {
		case contact.ContactArrived:
			arrived[e.Contact.ID] = e.Contact.Arrived
		case contact.ContactOffered:
			if other := has[e.Agent]; other != "" {
				t.Errorf("%s was offered %s while having %s", e.Agent, e.Contact, other)
			}
			has[e.Agent] = e.Contact
			if arrived[e.Contact] < last {
				t.Errorf("%s was offered after a contact that arrived later", e.Contact)
			}
			last = arrived[e.Contact]
		case contact.ContactConnected:
			if has[e.Agent] != e.Contact {
				t.Errorf("%s was connected with %s, which it was not offered", e.Agent, e.Contact)
			}
		case contact.ContactClosed:
			delete(has, e.Agent)
		}
	}
}
