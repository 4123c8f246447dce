package agentui

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

// Whom the desk calls: the number is kept before the dispatcher hears of the call, one that nobody vouches for wants the agent's
// look, and a protected person is called by those alone who may see him.
func TestCallsArePlaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.accounts.set(identity.Account{Name: "group", DisplayName: "G", Role: identity.Agent, Active: true, SeesProtected: true, PasswordHash: testHash()})
		w.ticket("SD-1", "karin", "Kan inte logga in")
		w.ticket("SD-2", "hidden", "Hemligt")
		told := w.ticket("SD-4", "olle", "Karin sade till")
		told.Reporter = ticket.Reporter{Person: "karin"}
		w.tickets.put(told)
		stranger := w.ticket("SD-3", "", "Utan person")
		stranger.Reporter = ticket.Reporter{Name: "Leila Farah"}
		w.tickets.put(stranger)
		for name, test := range map[string]struct {
			account string
			request Request
			number  identity.Number
			person  contact.PersonID
			ticket  contact.TicketNumber
			code    string
		}{
			"a person":                             {request: Request{Person: "karin", Line: "staff"}, number: numberKnown, person: "karin"},
			"the user of a ticket":                 {request: Request{Ticket: "SD-1", Line: "staff"}, number: numberKnown, person: "karin", ticket: "SD-1"},
			"who told of a ticket":                 {request: Request{Ticket: "SD-4", Line: "staff"}, number: numberKnown, person: "karin", ticket: "SD-4"},
			"a number of the directory":            {request: Request{Number: "08-465 004 01", Line: "staff"}, number: numberKnown, person: "karin"},
			"a number, looked at":                  {request: Request{Number: "070-174 06 99", Line: "staff", Confirmed: true}, number: numberNobody},
			"a number":                             {request: Request{Number: "070-174 06 99", Line: "staff"}, code: "unconfirmed"},
			"a number, where nobody is looked up":  {request: Request{Number: "08-465 004 01", Line: "pupils"}, code: "unconfirmed"},
			"a protected number tells nothing":     {request: Request{Number: string(numberProtected), Line: "staff"}, code: "unconfirmed"},
			"a protected number, by the group":     {account: "group", request: Request{Number: string(numberProtected), Line: "staff"}, number: numberProtected, person: "hidden"},
			"a protected number, looked at":        {request: Request{Number: string(numberProtected), Line: "staff", Confirmed: true}, number: numberProtected, person: "hidden"},
			"a shared number with a protected one": {request: Request{Number: string(numberShared), Line: "staff"}, code: "unconfirmed"},
			"a protected person":                   {request: Request{Person: "hidden", Line: "staff"}, code: "not-allowed"},
			"a protected person, by the group":     {account: "group", request: Request{Person: "hidden", Line: "staff"}, number: numberProtected, person: "hidden"},
			"a protected person's ticket":          {request: Request{Ticket: "SD-2", Line: "staff", Confirmed: true}, code: "not-allowed"},
			"somebody who is gone":                 {request: Request{Person: "gone", Line: "staff"}, code: "not-allowed"},
			"a ticket of nobody known":             {request: Request{Ticket: "SD-3", Line: "staff"}, code: "invalid"},
			"no such ticket":                       {request: Request{Ticket: "SD-99", Line: "staff"}, code: "invalid"},
			"no ticket":                            {request: Request{Ticket: "' or 1=1", Line: "staff"}, code: "invalid"},
			"no number":                            {request: Request{Number: "ring mig", Line: "staff", Confirmed: true}, code: "invalid"},
			"other digits":                         {request: Request{Number: "٠٧٠١٧٤٠٦٩٩", Line: "staff", Confirmed: true}, code: "invalid"},
			"a service code":                       {request: Request{Number: "*21*0701740699#", Line: "staff", Confirmed: true}, code: "invalid"},
			"two at once":                          {request: Request{Number: string(numberNobody), Person: "karin", Line: "staff"}, code: "invalid"},
			"nobody":                               {request: Request{Line: "staff"}, code: "invalid"},
			"another line":                         {request: Request{Person: "karin", Line: "priority"}, code: "not-allowed"},
			"no line":                              {request: Request{Person: "karin"}, code: "not-allowed"},
		} {
			account := test.account
			if account == "" {
				account = "anna"
			}
			time.Sleep(time.Second)
			c := w.console(account)
			before, kept := len(w.queue.sent()), w.personal.kept()
			test.request.ID, test.request.Do = 1, DoCall
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			var placed []contact.PlaceCall
			for _, command := range w.queue.sent()[before:] {
				if call, is := command.(contact.PlaceCall); is {
					placed = append(placed, call)
				}
			}
			switch {
			case test.code != "" && (len(placed) > 0 || len(w.personal.kept()) != len(kept)):
				t.Errorf("%s: sent %+v, keeps %v", name, placed, w.personal.kept())
			case test.code == "" && len(placed) != 1:
				t.Errorf("%s: sent %+v", name, placed)
			case test.code == "":
				call := placed[0]
				if known := w.personal.kept()[call.Contact.ID]; known != (contact.Personal{Number: test.number, Vouched: true}) {
					t.Errorf("%s: keeps %+v", name, known)
				}
				want := contact.Contact{
					ID: call.Contact.ID, Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Language: "sv",
					Person: test.person, Ticket: test.ticket, Outgoing: true, Arrived: call.Contact.Arrived,
				}
				if call.Contact != want || call.Agent != contact.AgentID(account) || call.Node != "node-1" || call.Leg == "" || call.Contact.ID == "" {
					t.Errorf("%s: sent %+v", name, call)
				}
			}
			_ = c.socket.Close()
			<-c.ended
		}
		for _, secret := range []string{string(numberNobody), "0701740699", "Karin"} {
			if log := w.log.String(); contains(log, secret) {
				t.Errorf("the log holds %s: %s", secret, log)
			}
		}
	})
}

// A call that the dispatcher refuses leaves no number behind; one of which nothing is known keeps it.
func TestNumberOfRefusedCallIsForgotten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusal error
		code    string
		kept    int
	}{
		"refused": {refusal: &contact.Rejection{Code: contact.NotFree}, code: "not-free"},
		"silent":  {refusal: errFake, code: codeUnavailable, kept: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t).run().serve(nil)
				c := w.console("anna")
				synctest.Wait()
				seen := make(chan int, 1)
				w.queue.set(func() {
					w.queue.decide = refusing[contact.PlaceCall](test.refusal, func() { seen <- len(w.personal.kept()) })
				})
				if code := c.ask(Request{ID: 1, Do: DoCall, Person: "karin", Line: "staff"}); code != test.code {
					t.Errorf("replied %q", code)
				}
				if before := <-seen; before != 1 {
					t.Errorf("%d numbers were kept when the dispatcher heard of it", before)
				}
				if kept := w.personal.kept(); len(kept) != test.kept {
					t.Errorf("keeps %v", kept)
				}
			})
		})
	}
	t.Run("not kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t).run().serve(nil)
			c := w.console("anna")
			synctest.Wait()
			w.personal.fail(errFake)
			if code := c.ask(Request{ID: 1, Do: DoCall, Person: "karin", Line: "staff"}); code != codeUnavailable {
				t.Errorf("replied %q", code)
			}
			for _, command := range w.queue.sent() {
				if _, is := command.(contact.PlaceCall); is {
					t.Error("a call whose number is nowhere was asked for")
				}
			}
		})
	})
}

// That nobody was reached is told to the agent who called, until he calls again.
func TestNotReachedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := offered(waitingContact("placed", "staff", 1), "anna", 1)
	call.State, call.Contact.Outgoing = contact.StateDialling, true
	w.merge(agentView("anna"), call)
	state := w.ui.states.state(t.Context(), "anna")
	if state.NotReached != nil || len(state.Contacts) != 1 || !state.Contacts[0].Outgoing || state.Me.Activity != "dialling" {
		t.Errorf("while it is dialled anna sees %+v", state.OwnState)
	}
	closed := call
	closed.State, closed.Offer, closed.End, closed.NotReached = contact.StateClosed, nil, contact.EndNotReached, notReached(contact.DialBusy, 7)
	w.merge(agentView("anna"), closed)
	if got := w.ui.states.state(t.Context(), "anna").NotReached; got == nil || *got != (NotReachedCard{Contact: "placed", Failure: contact.DialBusy, At: 7}) {
		t.Errorf("anna is told %+v", got)
	}
	if got := w.ui.states.state(t.Context(), "bo").NotReached; got != nil {
		t.Errorf("bo is told %+v", got)
	}
	call.Contact.ID = "again"
	w.merge(agentView("anna"), call)
	if got := w.ui.states.state(t.Context(), "anna").NotReached; got != nil {
		t.Errorf("anna is still told %+v", got)
	}
}

// Who made a number up would choose whom we call: a call-back to one that no trusted trunk gave waits for the agent's yes, in
// his list and when it is offered, and the yes goes on record.
func TestCallBackToANumberThatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		for id, who := range map[contact.ID]contact.Personal{
			"vouched": {Number: numberNobody, Vouched: true}, "made-up": {Number: numberNobody}, "known": {Number: numberKnown}, "withheld": {Withheld: true},
		} {
			if err := w.personal.PutPersonal(t.Context(), id, who); err != nil {
				t.Fatal(err)
			}
			view := waitingContact(id, "staff", 1)
			view.Callback = true
			w.queue.contacts(view)
		}
		offered := waitingContact("offered", "staff", 1)
		offered.Callback = true
		ringing := waitingContact("ringing", "staff", 1) // he who rings himself is taken as he is
		for _, id := range []contact.ID{"offered", "ringing"} {
			if err := w.personal.PutPersonal(t.Context(), id, contact.Personal{Number: numberNobody}); err != nil {
				t.Fatal(err)
			}
		}
		w.queue.send(w.queue.record(offeredTo("anna", 3, offered)))
		w.queue.send(w.queue.record(offeredTo("bo", 4, ringing)))
		anna, bo := w.console("anna"), w.console("bo")
		synctest.Wait()
		take := func(id contact.ID, confirmed bool) contact.Command {
			return contact.TakeCallback{Agent: "anna", Contact: id, Node: "node-1", Confirmed: confirmed}
		}
		for _, test := range []struct {
			name    string
			console *client
			request Request
			command contact.Command // nil when none may be sent
			code    string
		}{
			{"vouched", anna, Request{Do: DoDial, Contact: "vouched"}, take("vouched", false), ""},
			{"made up", anna, Request{Do: DoDial, Contact: "made-up"}, nil, "unconfirmed"},
			{"made up, looked at", anna, Request{Do: DoDial, Contact: "made-up", Confirmed: true}, take("made-up", true), ""},
			{"a colleague's, made up", anna, Request{Do: DoDial, Contact: "known"}, nil, "unconfirmed"},
			{"withheld", anna, Request{Do: DoDial, Contact: "withheld"}, take("withheld", false), ""}, // the node has nothing to dial
			{"not there", anna, Request{Do: DoDial, Contact: "gone"}, take("gone", false), ""},        // the dispatcher says so
			{"offered", anna, Request{Do: DoAccept, Offer: 3}, nil, "unconfirmed"},
			{"offered, looked at", anna, Request{Do: DoAccept, Offer: 3, Confirmed: true}, contact.AcceptOffer{Agent: "anna", Offer: 3, Confirmed: true}, ""},
			{"a caller", bo, Request{Do: DoAccept, Offer: 4}, contact.AcceptOffer{Agent: "bo", Offer: 4}, ""},
		} {
			time.Sleep(time.Second)
			before := len(w.queue.sent())
			test.request.ID = 1
			if code := test.console.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", test.name, code, test.code)
			}
			got := w.queue.sent()[before:]
			if test.command == nil && len(got) > 0 || test.command != nil && !reflect.DeepEqual(got, []contact.Command{test.command}) {
				t.Errorf("%s: sent %+v; want %+v", test.name, got, test.command)
			}
		}
	})
}

func TestNobodyIsCalledBackWhoseNumberCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.queue.contacts(waitingContact("unread", "staff", 1))
		c := w.console("anna")
		synctest.Wait()
		before := len(w.queue.sent())
		w.personal.fail(errFake)
		if code := c.ask(Request{ID: 1, Do: DoDial, Contact: "unread"}); code != codeUnavailable || len(w.queue.sent()) != before {
			t.Errorf("replied %q, sent %+v", code, w.queue.sent()[before:])
		}
	})
}
