package agentui

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
)

func agentView(agent contact.AgentID, contacts ...contact.ID) bus.AgentView {
	return bus.AgentView{Agent: agent, Presence: contact.Ready, Reachable: true, Contacts: contacts}
}

func notReached(failure contact.DialFailure, at contact.Instant) *bus.NotReachedView {
	return &bus.NotReachedView{Failure: failure, At: at}
}

func contains(text, part string) bool { return strings.Contains(text, part) }

// refusing decides commands of one kind with an error, and all others with a yes.
func refusing[C contact.Command](refusal error, heard func()) func(context.Context, contact.Command) error {
	return func(_ context.Context, command contact.Command) error {
		if _, is := command.(C); !is {
			return nil
		}
		heard()
		return refusal
	}
}

// Who may take part in others' calls, and in which: every role, each of it one command or none.
func TestOnlySupervisorsTakePartInTalks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		w.accounts.set(identity.Account{Name: "old", Role: identity.Supervisor})
		w.accounts.set(identity.Account{Name: "sees", Role: identity.Supervisor, Active: true, SeesProtected: true})
		hidden := connected(hiddenCall(), "bo", 8)
		byNumber := connected(waitingContact("by-number", "staff", 1), "bo", 9)
		evas := connected(waitingContact("evas", "staff", 1), "eva", 10)
		if err := w.personal.PutPersonal(t.Context(), "by-number", contact.Personal{Number: numberProtected}); err != nil {
			t.Fatal(err)
		}
		w.queue.contacts(hidden, byNumber, evas)
		mode := func(id contact.ID, mode contact.SupervisionMode) Request {
			return Request{ID: 1, Do: DoSupervise, Contact: id, Mode: mode}
		}
		for name, test := range map[string]struct {
			account string
			request Request
			code    string
		}{
			"listens":                         {account: "eva", request: mode("bos", contact.SuperviseListen)},
			"whispers":                        {account: "eva", request: mode("bos", contact.SuperviseWhisper)},
			"barges in":                       {account: "eva", request: mode("bos", contact.SuperviseBarge)},
			"leaves":                          {account: "eva", request: mode("bos", "")},
			"leaves what is over":             {account: "eva", request: mode("gone", "")},
			"in his own":                      {account: "eva", request: mode("evas", contact.SuperviseListen), code: "invalid"},
			"in no way that there is":         {account: "eva", request: mode("bos", "shout"), code: "invalid"},
			"in nothing":                      {account: "eva", request: mode("gone", contact.SuperviseListen), code: "wrong-state"},
			"with a protected person":         {account: "eva", request: mode("call", contact.SuperviseListen), code: "not-allowed"},
			"with a protected number":         {account: "eva", request: mode("by-number", contact.SuperviseWhisper), code: "not-allowed"},
			"with a protected person he sees": {account: "sees", request: mode("call", contact.SuperviseListen)},
			"an agent":                        {account: "anna", request: mode("bos", contact.SuperviseListen), code: "not-allowed"},
			"an agent who leaves":             {account: "anna", request: mode("bos", ""), code: "not-allowed"},
			"an administrator":                {account: "adam", request: mode("bos", contact.SuperviseBarge), code: "not-allowed"},
			"an account that is closed":       {account: "old", request: mode("bos", contact.SuperviseListen), code: "not-allowed"},
		} {
			time.Sleep(time.Second)
			closed, _ := w.accounts.Account(test.account)
			if !closed.Active { // it was active when its console was opened
				open := closed
				open.Active = true
				w.accounts.set(open)
			}
			c := w.console(test.account)
			synctest.Wait()
			w.accounts.set(closed)
			before := len(w.queue.sent())
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			var sent []contact.Command
			for _, command := range w.queue.sent()[before:] {
				if _, is := command.(contact.Supervise); is {
					sent = append(sent, command)
				}
			}
			want := []contact.Command{contact.Supervise{Contact: test.request.Contact, Supervisor: contact.AgentID(test.account), Mode: test.request.Mode}}
			if test.code != "" && len(sent) > 0 || test.code == "" && !reflect.DeepEqual(sent, want) {
				t.Errorf("%s: sent %+v", name, sent)
			}
			_ = c.socket.Close()
			<-c.ended
		}
	})
}

// Whoever may not hear protected persons hears nobody of whom it is not known whether he is one.
func TestNobodyHearsATalkOfWhomNobodyKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		c := w.console("eva")
		synctest.Wait()
		w.personal.fail(errFake)
		w.queue.contacts(connected(waitingContact("unread", "staff", 1), "bo", 9))
		synctest.Wait()
		before := len(w.queue.sent())
		listen := Request{ID: 1, Do: DoSupervise, Contact: "unread", Mode: contact.SuperviseListen}
		if code := c.ask(listen); code != codeUnavailable {
			t.Errorf("%q; want %q", code, codeUnavailable)
		}
		if sent := w.queue.sent()[before:]; len(sent) > 0 {
			t.Errorf("sent %+v", sent)
		}
		w.personal.fail(nil)
		listen.ID = 2
		if code := c.ask(listen); code != "" {
			t.Errorf("%q once it is known", code)
		}
	})
}

// Supervisors see who talks, threats before others; nobody else does, and nothing tells who calls.
func TestTalksAreShownToSupervisors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	early := connected(waitingContact("early", "staff", 1), "anna", 1)
	early.ConnectedAt = 10
	threat := connected(waitingContact("threat", "pupils", 1), "bo", 2)
	threat.State, threat.ConnectedAt, threat.Marks = contact.StateHeld, 20, []contact.MarkKind{contact.MarkNuisance, contact.MarkThreat}
	wrapped := connected(waitingContact("wrapped", "staff", 1), "bo", 3)
	wrapped.State, wrapped.ConnectedAt, wrapped.Marks = contact.StateWrapUp, 30, []contact.MarkKind{contact.MarkThreat}
	calm := connected(waitingContact("calm", "staff", 1), "bo", 4)
	calm.State = contact.StateWrapUp
	own := connected(waitingContact("own", "staff", 1), "eva", 5)
	joined := connected(waitingContact("joined", "staff", 1), "bo", 6)
	joined.ConnectedAt, joined.Supervisors = 40, []bus.SupervisorView{{Supervisor: "other", Mode: contact.SuperviseBarge}, {Supervisor: "eva", Mode: contact.SuperviseWhisper}}
	w.merge(agentView("eva"), early, threat, wrapped, calm, own, joined, waitingContact("waits", "staff", 1), connected(written("chat", contact.Chat, 1, 1), "anna", 7))
	want := []TalkCard{
		{Contact: "joined", Line: "staff", Agent: Colleague{Agent: "bo", Name: "BO"}, State: contact.StateConnected, Since: 40, Mode: contact.SuperviseWhisper},
		{Contact: "threat", Line: "pupils", Agent: Colleague{Agent: "bo", Name: "BO"}, State: contact.StateHeld, Since: 20, Marks: threat.Marks},
		{Contact: "wrapped", Line: "staff", Agent: Colleague{Agent: "bo", Name: "BO"}, State: contact.StateWrapUp, Since: 30, Marks: wrapped.Marks},
		{Contact: "early", Line: "staff", Agent: Colleague{Agent: "anna", Name: "ANNA"}, State: contact.StateConnected, Since: 10},
	}
	if got := w.ui.states.state(t.Context(), "eva").Talks; !reflect.DeepEqual(got, want) {
		t.Errorf("eva sees %+v", got)
	}
	for _, agent := range []contact.AgentID{"anna", "bo", "adam"} {
		if got := w.ui.states.state(t.Context(), agent).Talks; got != nil {
			t.Errorf("%s sees %+v", agent, got)
		}
	}
}

// The agent is told of a supervisor whom he hears, and of nobody who only listens.
func TestAgentSeesWhoWhispers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view := connected(waitingContact("call", "staff", 1), "anna", 1)
	view.Conference, view.Recording, view.Marks = true, contact.RecordingPaused, []contact.MarkKind{contact.MarkNuisance}
	view.Supervisors = []bus.SupervisorView{{Supervisor: "adam", Mode: contact.SuperviseListen}, {Supervisor: "eva", Mode: contact.SuperviseWhisper}}
	w.merge(agentView("anna"), view)
	card := w.ui.states.state(t.Context(), "anna").Contacts[0]
	if !reflect.DeepEqual(card.Supervisors, []Colleague{{Agent: "eva", Name: "EVA"}}) || !card.Conference || card.Recording != contact.RecordingPaused ||
		!reflect.DeepEqual(card.Marks, view.Marks) {
		t.Errorf("anna sees %+v", card)
	}
}

// A place outside is shown beside the call: while it rings, talks, and when it was not reached.
func TestPlaceOutsideIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := connected(waitingContact("call", "staff", 1), "anna", 1)
	call.State = contact.StateHeld
	shown := func(change func(*bus.ContactView)) *ConsultCard {
		view := call
		change(&view)
		w.merge(agentView("anna"), view)
		return w.ui.states.state(t.Context(), "anna").Contacts[0].Consult
	}
	if got := shown(func(v *bus.ContactView) {
		v.Consult = &bus.ConsultView{Offer: 2, To: "administration", Blind: true, Since: 10, Expires: 40}
	}); got == nil || *got != (ConsultCard{Outside: "administration", Blind: true, State: "asked", Since: 10, Expires: 40}) {
		t.Errorf("called: %+v", got)
	}
	if got := shown(func(v *bus.ContactView) {
		v.Consult = &bus.ConsultView{Offer: 2, To: "administration", Since: 20, Connected: true}
	}); got == nil || *got != (ConsultCard{Outside: "administration", State: "talking", Since: 20}) {
		t.Errorf("talking: %+v", got)
	}
	if got := shown(func(v *bus.ContactView) {
		v.NotReached = &bus.NotReachedView{To: "administration", Failure: contact.DialNoAnswer, At: 30}
	}); got == nil || *got != (ConsultCard{Outside: "administration", State: "failed", Failure: contact.DialNoAnswer, Since: 30}) {
		t.Errorf("not reached: %+v", got)
	}
	// The user of a call-back who was not reached is no place.
	if got := shown(func(v *bus.ContactView) { v.NotReached = notReached(contact.DialBusy, 30) }); got != nil {
		t.Errorf("the user: %+v", got)
	}
}

// The voice of a supervisor is set up by the node that spoke to him, under the contact; nobody gets one by asking.
func TestSupervisorsVoiceIsSetUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		eva, anna := w.window("eva", windowOne), w.window("anna", windowTwo)
		synctest.Wait()
		answer := Request{ID: 1, Do: DoSignal, Contact: "bos", Leg: "leg-1", Payload: json.RawMessage(signalPayload)}
		for name, c := range map[string]*client{"eva": eva, "anna": anna} {
			if code := c.ask(answer); code != "offer-gone" {
				t.Errorf("%s answers what was never sent: %q", name, code)
			}
		}
		w.queue.signals(bus.Signal{Node: "node-7", Agent: "eva", Contact: "bos", Leg: "leg-1", Payload: json.RawMessage(signalPayload)})
		got := eva.next(func(m Message) bool { return m.Signal != nil }).Signal
		if got.Offer != 0 || got.Contact != "bos" || got.Leg != "leg-1" {
			t.Errorf("eva's window is sent %+v", got)
		}
		if code := eva.ask(answer); code != "" {
			t.Errorf("the answer: %q", code)
		}
		w.queue.set(func() {
			want := bus.Signal{Agent: "eva", Contact: "bos", Console: windowOne, Leg: "leg-1", Payload: json.RawMessage(signalPayload)}
			if len(w.queue.passed) != 1 || !reflect.DeepEqual(w.queue.passed[0], want) || w.queue.passedTo[0] != "node-7" {
				t.Errorf("passed %+v to %v", w.queue.passed, w.queue.passedTo)
			}
		})
		if code := anna.ask(answer); code != "offer-gone" {
			t.Errorf("another's voice: %q", code)
		}
		// Loaded again, her page is known by the record, and may ask for her voice anew; for nothing else of the call.
		_ = eva.socket.Close()
		<-eva.ended
		view := connected(waitingContact("bos", "staff", 1), "bo", 2)
		view.Supervisors = []bus.SupervisorView{{Supervisor: "eva", Mode: contact.SuperviseListen}}
		w.queue.contacts(view)
		again := w.window("eva", windowOne)
		synctest.Wait()
		if code := again.ask(answer); code != "" {
			t.Errorf("the answer after a reload: %q", code)
		}
		for _, test := range []struct {
			do   RequestDo
			code string
		}{{DoVoice, ""}, {DoHold, "not-yours"}, {DoRecording, "not-yours"}, {DoHangUp, ""}} {
			before := len(w.queue.controlsAsked())
			if code := again.ask(Request{ID: 2, Do: test.do, Contact: "bos"}); code != test.code {
				t.Errorf("%s: %q", test.do, code)
			}
			if asked := len(w.queue.controlsAsked()) - before; (asked == 1) != (test.do == DoVoice) {
				t.Errorf("%s asked the node %d times", test.do, asked)
			}
		}
	})
}

// What is said of a call, its conference and its recording become one command or one control each.
func TestCallsAreMarkedAndRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		c := w.window("anna", windowOne)
		synctest.Wait()
		outside := contact.Destination{Outside: "administration"}
		for name, test := range map[string]struct {
			request Request
			command contact.Command
			control *bus.Control
			code    string
		}{
			"threat":                {request: Request{Do: DoMark, Contact: "mine", Mark: contact.MarkThreat}, command: contact.Mark{Contact: "mine", Agent: "anna", Mark: contact.MarkThreat}},
			"nuisance":              {request: Request{Do: DoMark, Contact: "mine", Mark: contact.MarkNuisance}, command: contact.Mark{Contact: "mine", Agent: "anna", Mark: contact.MarkNuisance}},
			"no mark":               {request: Request{Do: DoMark, Contact: "mine"}, code: "invalid"},
			"a mark of one's own":   {request: Request{Do: DoMark, Contact: "mine", Mark: "rude"}, code: "invalid"},
			"conference":            {request: Request{Do: DoConference, Contact: "mine", On: true}, command: contact.SetConference{Contact: "mine", Agent: "anna", On: true}},
			"conference, ended":     {request: Request{Do: DoConference, Contact: "mine"}, command: contact.SetConference{Contact: "mine", Agent: "anna"}},
			"outside":               {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Outside: "administration"}}, command: contact.Transfer{Contact: "mine", Agent: "anna", To: outside}},
			"outside, asked first":  {request: Request{Do: DoConsult, Contact: "mine", To: &TransferTo{Outside: "administration"}}, command: contact.Consult{Contact: "mine", Agent: "anna", To: outside}},
			"outside, no such":      {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Outside: "+46900123456"}}, code: "invalid"},
			"outside and inside":    {request: Request{Do: DoTransfer, Contact: "mine", To: &TransferTo{Outside: "administration", Agent: "bo"}}, code: "invalid"},
			"recording, paused":     {request: Request{Do: DoRecording, Contact: "mine"}, control: &bus.Control{Kind: bus.ControlRecordingPause, Agent: "anna", Contact: "mine", Console: windowOne}},
			"recording, resumed":    {request: Request{Do: DoRecording, Contact: "mine", On: true}, control: &bus.Control{Kind: bus.ControlRecordingResume, Agent: "anna", Contact: "mine", Console: windowOne}},
			"recording, another's":  {request: Request{Do: DoRecording, Contact: "bos"}, code: "not-yours"},
			"recording of a chat":   {request: Request{Do: DoRecording, Contact: "chat"}, code: "invalid"},
			"recording of no phone": {request: Request{Do: DoRecording, Contact: "nowhere"}, code: "wrong-state"},
		} {
			time.Sleep(time.Second)
			commands, controls := len(w.queue.sent()), len(w.queue.controlsAsked())
			test.request.ID = 1
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			sent, asked := w.queue.sent()[commands:], w.queue.controlsAsked()[controls:]
			if test.command == nil && len(sent) > 0 || test.command != nil && !reflect.DeepEqual(sent, []contact.Command{test.command}) {
				t.Errorf("%s: sent %+v", name, sent)
			}
			if test.control == nil && len(asked) > 0 || test.control != nil && !reflect.DeepEqual(asked, []bus.Control{*test.control}) {
				t.Errorf("%s: asked %+v", name, asked)
			}
		}
	})
}

// A recording is heard by supervisors who say why, and that is in the log before the first byte.
func TestRecordingsAreHeardWithAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.recorded.by["call"] = "RIFF and what was said"
	w.explained.by["call"] = []report.Recorded{{Sequence: 1, Event: contact.ContactArrived{Contact: contact.Contact{ID: "call", Person: "karin"}}}}
	w.explained.by["unrecorded"] = w.explained.by["call"]
	path := "/api/v1/contacts/call/recording"
	for account, status := range map[string]int{"": http.StatusUnauthorized, "anna": http.StatusForbidden, "adam": http.StatusForbidden} {
		token := ""
		if account != "" {
			token = w.token(account)
		}
		if r := w.do("GET", path, token, nil, "Svar-Reason", "klagom%C3%A5l"); r.Code != status || contains(r.Body.String(), "RIFF") {
			t.Errorf("%q: %d %s", account, r.Code, r.Body)
		}
	}
	for _, wrong := range []string{"", "ab", "%20%20%20%20", strings.Repeat("x", 201), "abc%00", "%zz", "abc%ff"} {
		if r := w.do("GET", path, w.token("eva"), nil, "Svar-Reason", wrong); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", wrong, r.Code, r.Body)
		}
	}
	for _, gone := range []string{"unrecorded", "nothing"} {
		if r := w.do("GET", "/api/v1/contacts/"+gone+"/recording", w.token("eva"), nil, "Svar-Reason", "complaint"); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", gone, r.Code, r.Body)
		}
	}
	if len(w.access.list) != 0 {
		t.Errorf("logged %+v", w.access.list)
	}
	for range 2 { // each time, for each has its reason
		r := w.do("GET", path, w.token("eva"), nil, "Svar-Reason", "klagom%C3%A5l")
		if r.Code != http.StatusOK || r.Body.String() != "RIFF and what was said" || r.Header().Get("Content-Type") != "audio/wav" || r.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s", r.Code, r.Header(), r.Body)
		}
	}
	if len(w.access.list) != 2 || w.access.list[0].Reason != "klagomål" || w.access.list[0].Contact != "call" || w.access.list[0].Person != "karin" || w.access.list[0].Account != "eva" {
		t.Errorf("logged %+v", w.access.list)
	}
	w.access.fail(errFake)
	if r := w.do("GET", path, w.token("eva"), nil, "Svar-Reason", "klagom%C3%A5l"); r.Code != http.StatusServiceUnavailable || contains(r.Body.String(), "RIFF") {
		t.Errorf("without a log: %d %s", r.Code, r.Body)
	}
	w.access.fail(nil)
	w.recorded.err = errFake
	delete(w.recorded.by, "call")
	if r := w.do("GET", path, w.token("eva"), nil, "Svar-Reason", "klagom%C3%A5l"); r.Code != http.StatusServiceUnavailable {
		t.Errorf("a file that cannot be read: %d %s", r.Code, r.Body)
	}
	if left := w.recorded.open.Load(); left != 0 {
		t.Errorf("%d files are still open", left)
	}
}
