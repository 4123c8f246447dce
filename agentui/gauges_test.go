package agentui

import (
	"reflect"
	"testing"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

func TestGauges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return contact.Instant(100_000).Time() }
	needs := func(view bus.ContactView, skills ...contact.SkillID) bus.ContactView {
		for _, skill := range skills {
			view.Needs = append(view.Needs, contact.Need{Skill: skill, Level: 1})
		}
		return view
	}
	callback := needs(waitingContact("callback", "staff", 40_000), "swedish")
	callback.Callback = true
	held := connected(waitingContact("held", "staff", 1), "anna", 1)
	held.State = contact.StateHeld
	mail := needs(written("mail", contact.Mail, 90_000, 1), "swedish")
	mail.Contact.Line = "mail"
	w.merge(bus.AgentView{Agent: "anna", Presence: contact.Paused, Reachable: true, Contacts: []contact.ID{"held"}},
		needs(waitingContact("first", "staff", 10_000), "swedish", "login"), needs(waitingContact("second", "staff", 70_000), "login"),
		offered(mail, "bo", 2), callback, held)
	w.ui.board.merge(bus.Change{Agents: []bus.AgentView{{Agent: "bo", Presence: contact.Ready, Contacts: []contact.ID{"mail"}}}})
	w.merge(bus.AgentView{Agent: "eva", Presence: contact.Ready, Reachable: true})
	w.merge(bus.AgentView{Agent: "idle", Presence: contact.Paused, Reachable: true})
	w.merge(bus.AgentView{Agent: "gone", Presence: contact.SignedOut, Reachable: true})
	want := Gauges{
		Contacts: map[contact.State]map[contact.Channel]int{
			contact.StateWaiting: {contact.Voice: 3}, contact.StateOffered: {contact.Mail: 1}, contact.StateHeld: {contact.Voice: 1},
		},
		Waiting:        map[contact.LineID]Waiting{"staff": {2, 90 * time.Second}, "pupils": {}, "mail": {1, 10 * time.Second}},
		WaitingBySkill: map[contact.SkillID]Waiting{"swedish": {2, 90 * time.Second}, "login": {2, 90 * time.Second}},
		Callbacks:      Waiting{1, time.Minute},
		Agents:         map[string]int{AgentBusy: 1, AgentUnreachable: 1, AgentReady: 1, AgentPaused: 1, AgentSignedOut: 1},
	}
	if got := w.ui.Gauges(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
	w.run()
	if got := w.ui.Gauges(); !got.Connected {
		t.Error("not connected to a dispatcher that speaks")
	}
}
