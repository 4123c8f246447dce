package agentui

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"svar/contact"
	"svar/queue/bus"
)

func anyState(*ConsoleState) bool { return true }

// The whole way over a real network: hello first, then the state, then what changes.
func TestConsoleOverTCP(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t).run().serve(listener)
	c := w.console("anna")
	first := <-c.messages
	if first.Hello == nil || first.Hello.Agent != "anna" || first.Hello.Name != "ANNA" || first.Hello.Protocol != ProtocolVersion {
		t.Fatalf("the first message is %+v", first)
	}
	second := <-c.messages
	if second.State == nil || second.State.Me.Presence != contact.SignedOut || !second.State.Connected {
		t.Fatalf("the second message is %+v", second)
	}
	// Whoever has lines in hello finds the same ones in the state.
	for i, line := range first.Hello.Lines {
		if second.State.Waiting[i].Line != line.ID {
			t.Errorf("line %d is %q in hello and %q in the state", i, line.ID, second.State.Waiting[i].Line)
		}
	}
	w.queue.contacts(waitingContact("a", "staff", 1000))
	s := c.state(func(s *ConsoleState) bool { return s.Waiting[0].Waiting == 1 })
	if s.Waiting[0].Longest != 1000 || s.Waiting[0].TargetMs != 60_000 || s.LastContact != 1000 {
		t.Errorf("a contact waits, but %+v, last contact %d", s.Waiting[0], s.LastContact)
	}
	if code := c.ask(Request{ID: 7, Do: DoPresence, Presence: contact.Ready}); code != "" {
		t.Errorf("ready: %q", code)
	}
	if got := w.queue.sent(); !reflect.DeepEqual(got[len(got)-1], contact.SetPresence{Agent: "anna", Presence: contact.Ready}) {
		t.Errorf("sent %+v", got)
	}
	if r := w.do("DELETE", "/api/v1/session", w.token("anna"), nil); r.Code != http.StatusNoContent {
		t.Fatalf("sign out: %d %s", r.Code, r.Body)
	}
	if code := c.closeCode(); code != closeSignedOut {
		t.Errorf("closed with %d; want %d", code, closeSignedOut)
	}
}

func TestConsoleIsOpenedBySignedInPagesOfOurs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		gone := w.token("anna")
		w.ui.revocations.Revoke("session-of-anna", time.Now().Add(time.Hour), time.Now())
		old := w.token("bo")
		nobody := w.token("nobody")
		tests := map[string]struct {
			token  string
			header http.Header
			status int
		}{
			"nobody":           {"", nil, http.StatusUnauthorized},
			"no token of ours": {"x.y.z", nil, http.StatusUnauthorized},
			"signed out":       {gone, nil, http.StatusUnauthorized},
			"no such account":  {nobody, nil, http.StatusUnauthorized},
			"another origin":   {old, http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
			"own origin":       {old, http.Header{"Origin": {"http://" + w.host}}, http.StatusSwitchingProtocols},
			"no browser":       {old, nil, http.StatusSwitchingProtocols},
		}
		for name, test := range tests {
			socket, response, err := w.connect(test.token, window(""), test.header)
			if response == nil {
				t.Fatalf("%s: %v", name, err)
			}
			if response.StatusCode != test.status {
				t.Errorf("%s: %d; want %d", name, response.StatusCode, test.status)
			}
			if socket != nil {
				w.read(socket)
			} else if kind := response.Header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("%s: refused as %q", name, kind)
			}
		}
		if r := w.do("GET", "/console/socket"+window(""), old, nil); r.Code != http.StatusBadRequest {
			t.Errorf("no upgrade: %d", r.Code)
		}
		time.Sleep(sessionLife)
		if _, response, err := w.connect(old, window(""), nil); err == nil || response.StatusCode != http.StatusUnauthorized {
			t.Errorf("expired: %v", err)
		}
	})
}

// A console that breaks the rules is told by a close code of its own; nothing else suffers.
func TestConsoleEndsBreachesOfTheProtocol(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query string
		do    func(*websocket.Conn)
		code  int
	}{
		"other protocol":   {"?protocol=1", nil, closeWrongProtocol},
		"protocol 2":       {"?protocol=2", nil, closeWrongProtocol},
		"no protocol":      {"", nil, closeWrongProtocol},
		"no JSON":          {window(""), text("{"), websocket.CloseInvalidFramePayloadData},
		"another type":     {window(""), text(`{"id":"x","do":"accept"}`), websocket.CloseInvalidFramePayloadData},
		"negative offer":   {window(""), text(`{"id":1,"do":"accept","offer":-1}`), websocket.CloseInvalidFramePayloadData},
		"binary":           {window(""), func(s *websocket.Conn) { _ = s.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, websocket.CloseUnsupportedData},
		"too large":        {window(""), text(`{"id":1,"do":"note","note":"` + strings.Repeat("x", maxRequest) + `"}`), websocket.CloseMessageTooBig},
		"too fast":         {window(""), times(requestBurst+50, `{"id":1,"do":"signal"}`), websocket.ClosePolicyViolation},
		"too many waiting": {window(""), times(requestsAhead+2, `{"id":1,"do":"hang-up","contact":"a"}`), websocket.ClosePolicyViolation},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t).run().serve(nil)
				w.queue.decide = func(ctx context.Context, c contact.Command) error {
					if _, hangUp := c.(contact.HangUp); hangUp {
						<-ctx.Done()
					}
					return ctx.Err()
				}
				other := w.console("bo")
				socket, _, err := w.connect(w.token("anna"), test.query, nil)
				if err != nil {
					t.Fatal(err)
				}
				c := w.read(socket)
				if test.do != nil {
					test.do(socket)
				}
				if code := c.closeCode(); code != test.code {
					t.Errorf("closed with %d (%v); want %d", code, c.err, test.code)
				}
				if code := other.ask(Request{ID: 1, Do: DoPresence, Presence: contact.Ready}); code != "" {
					t.Errorf("another console: %q", code)
				}
				synctest.Wait()
				if n := w.ui.Open(); n != 1 {
					t.Errorf("%d consoles are open; want 1", n)
				}
			})
		})
	}
}

func text(message string) func(*websocket.Conn) { return times(1, message) }

func times(n int, message string) func(*websocket.Conn) {
	return func(s *websocket.Conn) {
		for range n {
			if s.WriteMessage(websocket.TextMessage, []byte(message)) != nil {
				return
			}
		}
	}
}

func TestConsoleRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request Request
		command contact.Command // nil when none may be sent
		code    string
	}{
		"ready":              {Request{Do: DoPresence, Presence: contact.Ready}, contact.SetPresence{Agent: "anna", Presence: contact.Ready}, ""},
		"pause":              {Request{Do: DoPresence, Presence: contact.Paused, Reason: "lunch"}, contact.SetPresence{Agent: "anna", Presence: contact.Paused, Reason: "lunch"}, ""},
		"pause, own words":   {Request{Do: DoPresence, Presence: contact.Paused, Reason: "Karin Ek called"}, nil, "invalid"},
		"accept":             {Request{Do: DoAccept, Offer: 3}, contact.AcceptOffer{Agent: "anna", Offer: 3}, ""},
		"decline":            {Request{Do: DoDecline, Offer: 3, Reason: "busy"}, contact.DeclineOffer{Agent: "anna", Offer: 3, Reason: "busy"}, ""},
		"decline, own words": {Request{Do: DoDecline, Offer: 3, Reason: "Karin Ek again"}, nil, "invalid"},
		"decline, no reason": {Request{Do: DoDecline, Offer: 3}, contact.DeclineOffer{Agent: "anna", Offer: 3}, ""},
		"finish":             {Request{Do: DoFinish, Contact: "mine", Code: "solved"}, contact.Finish{Agent: "anna", Contact: "mine", Code: "solved"}, ""},
		"finish, ticket":     {Request{Do: DoFinish, Contact: "mine", Ticket: "SD-1"}, contact.Finish{Agent: "anna", Contact: "mine", Ticket: "SD-1"}, ""},
		"finish, both":       {Request{Do: DoFinish, Contact: "mine", Code: "solved", Ticket: "SD-1"}, contact.Finish{Agent: "anna", Contact: "mine", Code: "solved", Ticket: "SD-1"}, ""},
		"finish, no such":    {Request{Do: DoFinish, Contact: "mine", Ticket: "SD-99"}, nil, "invalid"},
		"finish, a name":     {Request{Do: DoFinish, Contact: "mine", Ticket: "Karin Ek"}, nil, "invalid"},
		"give back":          {Request{Do: DoGiveBack, Contact: "mine"}, contact.GiveBack{Agent: "anna", Contact: "mine"}, ""},
		"dial":               {Request{Do: DoDial, Contact: "waiting"}, contact.TakeCallback{Agent: "anna", Contact: "waiting", Node: "node-1"}, ""},
		"unknown":            {Request{Do: "dance"}, nil, "invalid"},
		"no id":              {Request{ID: -1, Do: DoAccept, Offer: 3}, nil, "invalid"},
		"note, too long":     {Request{Do: DoNote, Contact: "mine", Note: strings.Repeat("ö", maxNote+1)}, nil, "invalid"},
		"note, NUL":          {Request{Do: DoNote, Contact: "mine", Note: "\x00"}, nil, "invalid"},
		"note, another's":    {Request{Do: DoNote, Contact: "bos", Note: "x"}, nil, "not-yours"},
		"note, waiting":      {Request{Do: DoNote, Contact: "waiting", Note: "x"}, nil, "not-yours"},
		"note, of nothing":   {Request{Do: DoNote, Note: "x"}, nil, "not-yours"},
		"signal, no offer":   {Request{Do: DoSignal, Offer: 99, Payload: json.RawMessage(`{}`)}, nil, "offer-gone"},
		"signal, another's":  {Request{Do: DoSignal, Offer: 2, Payload: json.RawMessage(`{}`)}, nil, "offer-gone"},
		"signal, empty":      {Request{Do: DoSignal, Offer: 1}, nil, "invalid"},
		"signal, long leg":   {Request{Do: DoSignal, Offer: 1, Leg: contact.LegID(strings.Repeat("x", maxUUID+1)), Payload: json.RawMessage(`{}`)}, nil, "invalid"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.queue.send(w.queue.record(connectedWith("anna", 1, waitingContact("mine", "staff", 1))))
		w.queue.send(w.queue.record(offeredTo("bo", 2, waitingContact("bos", "staff", 1))))
		w.queue.contacts(waitingContact("waiting", "staff", 1))
		w.ticket("SD-1", "karin", "Kan inte logga in")
		c := w.console("anna")
		synctest.Wait()
		id := int64(0)
		for name, test := range tests {
			time.Sleep(time.Second)
			before := len(w.queue.sent())
			if id++; test.request.ID == 0 {
				test.request.ID = id
			}
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			got := w.queue.sent()[before:]
			if (test.command == nil && len(got) > 0) || (test.command != nil && !reflect.DeepEqual(got, []contact.Command{test.command})) {
				t.Errorf("%s: sent %+v; want %+v", name, got, test.command)
			}
		}
		// A contact is finished though the database is away.
		w.tickets.fail(errFake)
		if code := c.ask(Request{ID: 999, Do: DoFinish, Contact: "mine", Ticket: "SD-99"}); code != "" {
			t.Errorf("finish without the database: %q", code)
		}
		w.tickets.fail(nil)
		note := strings.Repeat("ö", maxNote)
		if code := c.ask(Request{ID: 1000, Do: DoNote, Contact: "mine", Note: note}); code != "" || w.personal.notes["mine"] != note {
			t.Errorf("the longest note: %q", code)
		}
		if text := w.log.String(); strings.Contains(text, "ö") || strings.Contains(text, "Karin") {
			t.Errorf("the log holds what people wrote: %s", text)
		}
	})
}

func TestConsoleCarriesOutInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		synctest.Wait()
		w.queue.set(func() {
			w.queue.commands = nil
			w.queue.decide = func(_ context.Context, command contact.Command) error {
				if accept, is := command.(contact.AcceptOffer); is { // the later, the faster
					time.Sleep(time.Duration(50-accept.Offer) * time.Millisecond)
				}
				return nil
			}
		})
		for i := range 40 {
			c.send(Request{ID: int64(i + 1), Do: DoAccept, Offer: contact.OfferID(i)})
		}
		for i := range 40 {
			if id := c.next(func(m Message) bool { return m.Reply != nil }).Reply.ID; id != int64(i+1) {
				t.Fatalf("reply %d is for request %d", i+1, id)
			}
		}
		for i, command := range w.queue.sent() {
			if want := (contact.AcceptOffer{Agent: "anna", Offer: contact.OfferID(i)}); command != want {
				t.Fatalf("command %d is %+v", i, command)
			}
		}
	})
}

// However many wait, each request is answered within its five seconds, and one that waited
// too long is not done behind the agent's back.
func TestConsoleSaysWhenTheDispatcherIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		synctest.Wait()
		w.queue.set(func() {
			w.queue.commands = nil
			w.queue.decide = func(ctx context.Context, _ contact.Command) error { <-ctx.Done(); return ctx.Err() }
		})
		began := time.Now()
		for i := range 3 {
			c.send(Request{ID: int64(i + 1), Do: DoAccept, Offer: contact.OfferID(i + 1)})
		}
		for range 3 {
			if reply := c.next(func(m Message) bool { return m.Reply != nil }).Reply; reply.Error != codeUnavailable {
				t.Errorf("%+v", reply)
			}
		}
		if took := time.Since(began); took > requestTime {
			t.Errorf("answered after %s; want %s at most", took, requestTime)
		}
		if sent := w.queue.sent(); len(sent) != 1 {
			t.Errorf("%d commands were sent; want the first only", len(sent))
		}
	})
}

// zammad#3299: a storm of changes is ten states a second.
func TestConsoleStatesAreCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		time.Sleep(time.Second)
		synctest.Wait()
		c.received()
		for i := range 1000 {
			w.queue.contacts(waitingContact(contact.ID(fmt.Sprint(i)), "staff", 1))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(stateEvery + time.Millisecond)
		synctest.Wait()
		states := c.received()
		if n := len(states); n < 10 || n > 12 { // one at once, ten a second, and the last change
			t.Errorf("%d states for a second of changes; want 10 to 12", n)
		}
		if last := states[len(states)-1].State; last == nil || last.Waiting[0].Waiting != 1000 {
			t.Errorf("the last state is not the newest: %+v", last)
		}
		time.Sleep(stateEvery)
		w.queue.contacts(waitingContact("at once", "staff", 1))
		if synctest.Wait(); len(c.received()) != 1 {
			t.Error("a change after a quiet time is not shown at once")
		}
		time.Sleep(time.Minute)
		if synctest.Wait(); len(c.received()) != 0 {
			t.Error("states are sent though nothing changed")
		}
	})
}

// A console that does not read holds nobody up, and is closed.
func TestSlowConsoleBlocksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.queue.send(w.queue.record(offeredTo("anna", 1, waitingContact("a", "staff", 1))))
		slow, _, err := w.connect(w.token("anna"), window(""), nil) // never read
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { slow.Close() })
		other := w.console("bo")
		synctest.Wait()
		began := time.Now()
		for range 10 * messagesAhead {
			w.queue.signals(bus.Signal{Agent: "anna", Contact: "a", Offer: 1, Payload: json.RawMessage(`{}`)})
			w.queue.contacts(waitingContact("b", "staff", 1))
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the bus was held up for %s", took)
		}
		other.state(func(s *ConsoleState) bool { return s.Waiting[0].Waiting == 2 })
		time.Sleep(closeTime + time.Millisecond)
		if synctest.Wait(); w.ui.Open() != 1 {
			t.Errorf("%d consoles are open; want bo's only", w.ui.Open())
		}
	})
}

// A voice is answered to the node that began it, even before the board has heard of the
// offer: messages of different kinds overtake each other on the bus.
func TestSignalsAreAnsweredWhereTheyCameFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c, bo := w.window("anna", windowOne), w.console("bo")
		synctest.Wait()
		answer := Request{ID: 1, Do: DoSignal, Offer: 4, Leg: "leg", Payload: json.RawMessage(`{"a":1}`)}
		if code := c.ask(answer); code != string(contact.OfferGone) {
			t.Errorf("an answer to nothing: %q", code)
		}
		w.queue.signals(bus.Signal{Node: "node-2", Agent: "anna", Contact: "unheard-of", Offer: 4, Payload: json.RawMessage(`{}`)})
		synctest.Wait()
		if code := c.ask(answer); code != "" {
			t.Errorf("an answer: %q", code)
		}
		if code := bo.ask(answer); code != string(contact.OfferGone) {
			t.Errorf("an answer to somebody else's offer: %q", code)
		}
		want := []bus.Signal{{Agent: "anna", Contact: "unheard-of", Offer: 4, Console: windowOne, Leg: "leg", Payload: json.RawMessage(`{"a":1}`)}}
		if !reflect.DeepEqual(w.queue.passed, want) || w.queue.passedTo[0] != "node-2" {
			t.Errorf("passed %+v to %v", w.queue.passed, w.queue.passedTo)
		}
	})
}

func TestDeadConsoleIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		socket, _, err := w.connect(w.token("anna"), window(""), nil)
		if err != nil {
			t.Fatal(err)
		}
		socket.SetPingHandler(func(string) error { return nil }) // answers no ping
		w.read(socket)
		synctest.Wait()
		time.Sleep(pongWithin + time.Second)
		if synctest.Wait(); w.ui.Open() != 0 {
			t.Error("a console that is gone counts as open")
		}
		alive := w.console("anna")
		time.Sleep(10 * time.Minute)
		if synctest.Wait(); w.ui.Open() != 1 {
			t.Errorf("an idle console was closed: %v", alive.err)
		}
	})
}

func TestSignOutClosesThatSessionsConsoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		one, two, bo := w.console("anna"), w.console("anna"), w.console("bo")
		synctest.Wait()
		w.do("DELETE", "/api/v1/session", w.token("anna"), nil)
		if a, b := one.closeCode(), two.closeCode(); a != closeSignedOut || b != closeSignedOut {
			t.Errorf("closed with %d and %d", a, b)
		}
		if code := bo.ask(Request{ID: 1, Do: DoPresence, Presence: contact.Ready}); code != "" {
			t.Errorf("another's console: %q", code)
		}
	})
}

// Nobody is signed out in mid-contact; after it the sign-in's end counts.
func TestConsoleOfAnExpiredSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		idle, busy, removed := w.console("bo"), w.console("anna"), w.console("eva")
		w.queue.send(w.queue.record(connectedWith("anna", 1, waitingContact("a", "staff", 1))))
		time.Sleep(time.Minute)
		if w.ui.Open() != 3 {
			t.Fatal("not all are open")
		}
		w.accounts.remove("eva")
		if code := removed.closeCode(); code != closeSignedOut {
			t.Errorf("whose account is gone: %d", code)
		}
		time.Sleep(sessionLife)
		if code := idle.closeCode(); code != closeSignedOut {
			t.Errorf("expired and idle: %d", code)
		}
		time.Sleep(time.Hour)
		busy.received()
		if code := busy.ask(Request{ID: 1, Do: DoHangUp, Contact: "a"}); code != "" {
			t.Errorf("expired in a contact: %q", code)
		}
		w.queue.send(w.queue.record([]bus.ContactView{{Contact: contact.Contact{ID: "a"}, State: contact.StateClosed}}, []bus.AgentView{{Agent: "anna", Presence: contact.Ready}}))
		if code := busy.closeCode(); code != closeSignedOut {
			t.Errorf("expired, after the contact: %d", code)
		}
	})
}

// A dispatcher that takes an agent for gone, whose console is open, is told better, once.
func TestDispatcherIsToldAgainThatAnAgentIsReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.console("anna")
		wantTold(t, w.queue, true)
		w.queue.agents(bus.AgentView{Agent: "anna", Presence: contact.Ready, Reachable: true})
		wantTold(t, w.queue, true)
		w.queue.agents(bus.AgentView{Agent: "anna", Presence: contact.Ready})
		time.Sleep(time.Minute)
		wantTold(t, w.queue, true, true)
		w.queue.record(nil, []bus.AgentView{{Agent: "anna", Presence: contact.Ready}}) // told by the whole view too
		time.Sleep(time.Minute)
		wantTold(t, w.queue, true, true, true)
	})
}

func TestConsolesEndWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.ui.Run(ctx) }()
		n := w.serve(nil)
		c := n.console("anna")
		c.state(anyState)
		cancel()
		if code := c.closeCode(); code != websocket.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
		if err := <-ended; err != nil || w.ui.Open() != 0 {
			t.Errorf("run: %v; %d open", err, w.ui.Open())
		}
		if _, response, err := n.connect(w.token("anna"), window(""), nil); err == nil || response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestRunFailsWhenTheQueueCannotBeFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.board.changes = deafQueue{w.queue}
	if err := w.ui.Run(t.Context()); err == nil || !strings.Contains(err.Error(), errFake.Error()) {
		t.Errorf("run: %v", err)
	}
}

type deafQueue struct{ *fakeQueue }

func (deafQueue) FollowChanges(func(bus.Change)) (func() error, error) { return nil, errFake }
