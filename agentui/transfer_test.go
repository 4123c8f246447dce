package agentui

import (
	"net/http"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// Whatever sends a contact on, asks about it, promises a call or says for how many it stands becomes
// one command; what the configuration or the account does not allow becomes none.
func TestContactsMoveOn(t *testing.T) {
	t.Parallel()
	group := contact.Destination{Needs: contact.Needs{{Skill: "pupils", Level: 1}}}
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		asks := connected(waitingContact("asks", "staff", 1), "bo", 7)
		asks.Consult = &bus.ConsultView{Offer: 8, With: "anna", Accepted: true, Connected: true}
		w.queue.contacts(asks)
		for name, test := range map[string]struct {
			account string
			request Request
			command contact.Command
			code    string
		}{
			"to a group":                      {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Group: "pupils"}}, command: contact.Transfer{Contact: "mine", Agent: "anna", To: group}},
			"to a colleague":                  {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Agent: "bo"}}, command: contact.Transfer{Contact: "mine", Agent: "anna", To: contact.Destination{Agent: "bo"}}},
			"to no such group":                {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Group: "fire-brigade"}}, code: "invalid"},
			"to nobody":                       {request: Request{Do: DoTransfer, Contact: "mine"}, code: "invalid"},
			"to two":                          {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Group: "pupils", Agent: "bo"}}, code: "invalid"},
			"to oneself":                      {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Agent: "anna"}}, code: "invalid"},
			"ask a colleague":                 {request: Request{Do: DoConsult, Contact: "mine", To: &TransferTo{Agent: "bo"}}, command: contact.Consult{Contact: "mine", Agent: "anna", To: contact.Destination{Agent: "bo"}}},
			"ask nobody":                      {request: Request{Do: DoConsult, Contact: "mine", To: &TransferTo{}}, code: "invalid"},
			"ask no more":                     {request: Request{Do: DoConsultEnd, Contact: "mine"}, command: contact.EndConsult{Contact: "mine", Agent: "anna"}},
			"leave it to him":                 {request: Request{Do: DoComplete, Contact: "mine"}, command: contact.CompleteTransfer{Contact: "mine", Agent: "anna"}},
			"promise a call":                  {request: Request{Do: DoCallback, Contact: "mine", At: 5_000, Mine: true}, command: contact.ScheduleCallback{Contact: "mine", Agent: "anna", At: 5_000, Mine: true}},
			"impact":                          {request: Request{Do: DoImpact, Contact: "mine", Residents: 40}, command: contact.SetImpact{Contact: "mine", Agent: "anna", Residents: 40}},
			"impact, taken back":              {request: Request{Do: DoImpact, Contact: "mine"}, command: contact.SetImpact{Contact: "mine", Agent: "anna"}},
			"impact, a slip":                  {request: Request{Do: DoImpact, Contact: "mine", Residents: maxResidents + 1}, code: "invalid"},
			"impact, another's":               {request: Request{Do: DoImpact, Contact: "bos", Residents: 1}, code: "not-yours"},
			"impact, of a colleague who asks": {request: Request{Do: DoImpact, Contact: "asks", Residents: 1}, code: "not-yours"},
			"note, of a colleague who asks":   {request: Request{Do: DoNote, Contact: "asks", Note: "over his"}, code: "not-yours"},
			"impact, as supervisor":           {account: "eva", request: Request{Do: DoImpact, Contact: "waiting", Residents: 1}, command: contact.SetImpact{Contact: "waiting", Agent: "eva", Residents: 1}},
			"ready for chat":                  {request: Request{Do: DoPresence, Presence: contact.Ready, Channels: []contact.Channel{contact.Mail, contact.Chat, contact.Mail}}, command: contact.SetPresence{Agent: "anna", Presence: contact.Ready, Channels: []contact.Channel{contact.Chat, contact.Mail}}},
			"after this contact":              {request: Request{Do: DoPresence, Presence: contact.Paused, Reason: "lunch", AfterContact: true}, command: contact.SetPresence{Agent: "anna", Presence: contact.Paused, Reason: "lunch", After: true}},
			"a reason of one's own":           {request: Request{Do: DoPresence, Presence: contact.Paused, Reason: "toothache"}, code: "invalid"},
			"without saying why":              {request: Request{Do: DoPresence, Presence: contact.Paused}, command: contact.SetPresence{Agent: "anna", Presence: contact.Paused}},
			"a negative appointment":          {request: Request{Do: DoCallback, Contact: "mine", At: -1}, code: "invalid"},
		} {
			account := test.account
			if account == "" {
				account = "anna"
			}
			time.Sleep(time.Second)
			c := w.console(account)
			before := len(w.queue.sent())
			test.request.ID = 1
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			var sent []contact.Command
			for _, command := range w.queue.sent()[before:] {
				if _, reach := command.(contact.SetReachable); !reach {
					sent = append(sent, command)
				}
			}
			if test.command == nil && len(sent) > 0 || test.command != nil && !reflect.DeepEqual(sent, []contact.Command{test.command}) {
				t.Errorf("%s: sent %+v; want %+v", name, sent, test.command)
			}
			_ = c.socket.Close()
			<-c.ended
		}
	})
}

// A colleague who is asked sees the offer of a contact that is not his, then talks with the one whose
// it is; that one sees how far it has come.
func TestConsultationIsShownToBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.personal.notes["call"] = "what anna writes"
	call := connected(waitingContact("call", "staff", 1), "anna", 1)
	call.State, call.Code, call.Ticket = contact.StateHeld, "solved", "SD-1"
	call.Consult = &bus.ConsultView{Offer: 2, With: "bo", Since: 10, Expires: 15_010}
	w.merge(bus.AgentView{Agent: "anna", Presence: contact.Ready}, call)
	w.merge(bus.AgentView{Agent: "bo", Presence: contact.Ready, Contacts: []contact.ID{"call"}})

	anna := w.ui.states.state(t.Context(), "anna")
	if len(anna.Contacts) != 1 || anna.Contacts[0].Consult == nil || *anna.Contacts[0].Consult != (ConsultCard{
		Colleague: Colleague{Agent: "bo", Name: "BO"}, State: "asked", Since: 10, Expires: 15_010,
	}) || anna.Offer != nil {
		t.Errorf("anna sees %+v", anna.OwnState)
	}
	bo := w.ui.states.state(t.Context(), "bo")
	if bo.Offer == nil || bo.Offer.Offer != 2 || bo.Offer.ConsultedBy == nil || bo.Offer.ConsultedBy.Name != "ANNA" || len(bo.Contacts) != 0 || bo.Me.Activity != "offered" {
		t.Errorf("bo sees %+v", bo.OwnState)
	}
	if _, has := w.ui.board.Has("bo", "call"); has {
		t.Error("who is only asked has the contact")
	}

	call.Consult = &bus.ConsultView{Offer: 2, With: "bo", Since: 20, Accepted: true, Connected: true, Leg: "leg"}
	w.merge(bus.AgentView{Agent: "bo", Presence: contact.Ready}, call)
	if anna = w.ui.states.state(t.Context(), "anna"); anna.Contacts[0].Consult.State != "talking" || anna.Contacts[0].ConsultedBy != nil {
		t.Errorf("anna sees %+v", anna.Contacts[0])
	}
	bo = w.ui.states.state(t.Context(), "bo")
	if bo.Offer != nil || len(bo.Contacts) != 1 || bo.Contacts[0].Offer != 2 || bo.Contacts[0].ConsultedBy == nil || bo.Contacts[0].Consult != nil || bo.Me.Activity != "connected" {
		t.Errorf("bo sees %+v", bo.OwnState)
	}
	if _, has := w.ui.board.Has("bo", "call"); !has {
		t.Error("who talks about the contact does not have it")
	}
	// The note and the outcome are of the one whose contact it is, until he leaves it to the other.
	if mine, asked := anna.Contacts[0], bo.Contacts[0]; mine.Note != "what anna writes" || mine.Code != "solved" || asked.Note != "" || asked.Code != "" || asked.ChosenTicket != "" {
		t.Errorf("anna has %+v, bo %+v", mine, asked)
	}
	if _, holds := w.ui.board.Holds("bo", "call"); holds {
		t.Error("who is asked may write of the contact")
	}
	w.ticket("SD-1", "karin", "Skrivaren")
	link := func() int {
		return w.do("POST", "/api/v1/tickets/SD-1/contacts", w.token("bo"), map[string]string{"contact": "call"}).Code
	}
	if code := link(); code != http.StatusConflict {
		t.Errorf("who is asked links the contact to a ticket: %d", code)
	}
	call.Agent, call.ConnectedBy, call.Consult, call.Code, call.Ticket = "bo", 2, nil, "", ""
	w.merge(bus.AgentView{Agent: "bo", Presence: contact.Ready}, call)
	bo = w.ui.states.state(t.Context(), "bo")
	if _, holds := w.ui.board.Holds("bo", "call"); !holds || bo.Contacts[0].Note != "what anna writes" || bo.Contacts[0].ConsultedBy != nil {
		t.Errorf("left to bo, who sees %+v", bo.Contacts[0])
	}
	if code := link(); code != http.StatusNoContent {
		t.Errorf("bo, who has it, links it to a ticket: %d", code)
	}
	if _, has := w.ui.board.Has("anna", "call"); has {
		t.Error("who left the contact to a colleague has it still")
	}
}

// Everybody sees whom a contact may be sent to: who is signed in, what he does, and for how long.
func TestColleagues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.board.merge(bus.Change{Agents: []bus.AgentView{
		{Agent: "anna", Presence: contact.Ready, Reachable: true, Skills: contact.Needs{{Skill: "staff", Level: 3}}},
		{Agent: "bo", Presence: contact.Paused, Reason: "lunch", Reachable: true, Since: 100},
		{Agent: "eva", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"call"}},
		{Agent: "gone", Presence: contact.Ready},
		{Agent: "out", Presence: contact.SignedOut, Reachable: true},
	}})
	want := []ColleagueCard{
		{Agent: "anna", Name: "ANNA", State: "ready", Groups: []contact.SkillID{"staff"}},
		{Agent: "bo", Name: "BO", State: "paused", Reason: "lunch", Since: 100, Overdue: 1_800_100, Groups: []contact.SkillID{}},
		{Agent: "eva", Name: "EVA", State: "busy", Groups: []contact.SkillID{}},
		{Agent: "gone", Name: "gone", State: "away", Groups: []contact.SkillID{}},
	}
	if found := w.ui.states.state(t.Context(), "anna").Colleagues; !reflect.DeepEqual(found, want) {
		t.Errorf("colleagues are %+v", found)
	}
}

// The list is as long as the desk is large: a console is told it once, and again when it has changed.
// zammad#3299
func TestColleaguesAreToldWhenTheyChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		if s := c.state(anyState); s.Colleagues == nil {
			t.Error("a new console is not told who is there")
		}
		w.queue.contacts(waitingContact("first", "staff", 1))
		if s := c.state(func(s *ConsoleState) bool { return len(s.Queue) == 1 }); s.Colleagues != nil {
			t.Errorf("told again: %+v", s.Colleagues)
		}
		w.queue.agents(bus.AgentView{Agent: "bo", Presence: contact.Ready, Reachable: true})
		c.state(func(s *ConsoleState) bool {
			return slices.ContainsFunc(s.Colleagues, func(one ColleagueCard) bool { return one.Agent == "bo" && one.State == "ready" })
		})
		if s := w.console("anna").state(anyState); len(s.Colleagues) == 0 {
			t.Error("another window is not told who is there")
		}
	})
}

// A call-back stands in the queue when agents are offered it, and not before its time.
func TestCallbacksInTheQueue(t *testing.T) {
	t.Parallel()
	const now = contact.Instant(1_000_000)
	callback := func(change func(*bus.ContactView)) bus.ContactView {
		view := waitingContact("call", "staff", 1)
		view.Callback = true
		change(&view)
		return view
	}
	for name, test := range map[string]struct {
		view    bus.ContactView
		offered bool // the rules offer call-backs
		queues  bool
	}{
		"its turn decides":     {callback(func(*bus.ContactView) {}), true, true},
		"taken from the list":  {callback(func(*bus.ContactView) {}), false, false},
		"promised for later":   {callback(func(v *bus.ContactView) { v.DueAt = now + 1 }), true, false},
		"promised for now":     {callback(func(v *bus.ContactView) { v.DueAt = now }), true, true},
		"tried often enough":   {callback(func(v *bus.ContactView) { v.Exhausted = true }), true, false},
		"offered":              {callback(func(v *bus.ContactView) { v.State = contact.StateOffered }), true, true},
		"being dialled":        {callback(func(v *bus.ContactView) { v.State = contact.StateDialling }), true, false},
		"a caller on the line": {waitingContact("call", "staff", 1), false, true},
	} {
		rows, length := queueRows(map[contact.ID]bus.ContactView{"call": test.view}, contact.Rules{OfferCallbacks: test.offered}, now)
		if (len(rows) == 1) != test.queues || (length == 1) != test.queues {
			t.Errorf("%s: %+v, %d", name, rows, length)
		}
	}
}

// A configuration that is read anew reaches every open console at once, and what it no longer
// offers is refused.
func TestReconfigure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		c.next(func(m Message) bool { return m.Hello != nil })
		w.ui.Reconfigure(Catalogue{
			Lines: []LineInfo{{ID: "evening", Channel: contact.Voice}}, PauseReasons: []PauseInfo{{Reason: "training"}},
			OutcomeCodes: []contact.OutcomeCode{"answered"}, WrapUpExtension: 1,
		})
		hello := c.next(func(m Message) bool { return m.Hello != nil }).Hello
		if len(hello.Lines) != 1 || hello.Lines[0].ID != "evening" || hello.PauseReasons[0].Reason != "training" || hello.WrapUpExtensionMs != 1 {
			t.Errorf("hello again: %+v", hello)
		}
		c.state(func(s *ConsoleState) bool { return len(s.Waiting) == 1 && s.Waiting[0].Line == "evening" })
		if code := c.ask(Request{ID: 1, Do: DoPresence, Presence: contact.Paused, Reason: "lunch"}); code != "invalid" {
			t.Errorf("a reason that is gone: %q", code)
		}
		if code := c.ask(Request{ID: 2, Do: DoPresence, Presence: contact.Paused, Reason: "training"}); code != "" {
			t.Errorf("a new reason: %q", code)
		}
	})
}

// The head of the queue shows until when it is expected to wait; what nobody can say is not shown.
func TestExpectedWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.queue.set(func() { w.queue.waits = map[contact.ID]contact.Millis{"first": 90_000} })
		w.queue.contacts(waitingContact("first", "staff", 1), waitingContact("second", "staff", 2))
		c := w.console("anna")
		s := c.state(func(s *ConsoleState) bool { return len(s.Queue) == 2 && s.Queue[0].ExpectedUntil != 0 })
		if left := s.Queue[0].ExpectedUntil.Sub(s.Now); left < 89_000 || left > 90_000 || s.Queue[1].ExpectedUntil != 0 {
			t.Errorf("%d left, then %+v", left, s.Queue)
		}
		w.queue.set(func() { w.queue.waits = nil })
		c.state(func(s *ConsoleState) bool { return len(s.Queue) == 2 && s.Queue[0].ExpectedUntil == 0 })
	})
}

// What was told of waits is shown to nobody who looks again much later, and of one answer that failed
// nothing is left: the others may be as old.
func TestExpectedWaitsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		told := map[contact.ID]contact.Millis{"first": 90_000, "second": 95_000}
		w.queue.set(func() { w.queue.waits = told })
		w.queue.contacts(waitingContact("first", "staff", 1), waitingContact("second", "staff", 2))
		c := w.console("anna")
		both := func(s *ConsoleState) bool {
			return len(s.Queue) == 2 && s.Queue[0].ExpectedUntil != 0 && s.Queue[1].ExpectedUntil != 0
		}
		c.state(both)
		w.queue.set(func() { w.queue.waitErr = map[contact.ID]error{"second": errFake} })
		if s := c.state(func(s *ConsoleState) bool { return len(s.Queue) == 2 && s.Queue[1].ExpectedUntil == 0 }); s.Queue[0].ExpectedUntil != 0 {
			t.Errorf("after a question that failed: %+v", s.Queue[0])
		}
		w.queue.set(func() { w.queue.waitErr = nil })
		c.state(both)
		_ = c.socket.Close()
		<-c.ended
		time.Sleep(time.Minute)
		if s := w.console("anna").state(anyState); len(s.Queue) != 2 || s.Queue[0].ExpectedUntil != 0 {
			t.Errorf("a minute after the last console: %+v", s.Queue)
		}
	})
}

// While nothing changes, nothing is made or sent anew: that contacts wait as was expected is no change.
func TestNothingIsSentWhileNothingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.queue.contacts(waitingContact("first", "staff", 1))
		c := w.console("anna")
		c.state(func(s *ConsoleState) bool { return len(s.Queue) == 1 })
		synctest.Wait()
		before := w.ui.states.sharedNow(t.Context())
		c.received()
		time.Sleep(10 * waitsEvery)
		synctest.Wait()
		if after := w.ui.states.sharedNow(t.Context()); after != before || len(c.received()) != 0 {
			t.Error("the state was made or sent anew")
		}
	})
}
