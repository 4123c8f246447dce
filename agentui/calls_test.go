package agentui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

const (
	windowOne = "6f1f3c1e-9a53-4a0e-8f1d-2f6f6f0a0001"
	windowTwo = "6f1f3c1e-9a53-4a0e-8f1d-2f6f6f0a0002"
)

// callWorld has a call of anna's on node-2 as "mine", and others beside it.
func callWorld(t *testing.T) *wire {
	w := newWorld(t).run().serve(nil)
	mine := connected(waitingContact("mine", "staff", 1), "anna", 1)
	chat := connected(written("chat", contact.Chat, 1, 1), "anna", 3)
	ringing := offered(waitingContact("ringing", "staff", 1), "anna", 4)
	dialling := offered(waitingContact("dialling", "staff", 1), "anna", 5)
	dialling.State, dialling.Callback = contact.StateDialling, true
	nowhere := connected(waitingContact("nowhere", "staff", 1), "anna", 6)
	nowhere.Node = ""
	bos := connected(waitingContact("bos", "staff", 1), "bo", 2)
	w.queue.send(w.queue.record([]bus.ContactView{mine, chat, ringing, dialling, nowhere, bos, waitingContact("waiting", "staff", 1)}, []bus.AgentView{{
		Agent: "anna", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"mine", "chat", "ringing", "dialling", "nowhere"},
	}}))
	return w
}

// What an agent does with a call is asked of the node that has the caller, and of nobody else.
func TestCallsAreControlledAtTheirNode(t *testing.T) {
	t.Parallel()
	asked := func(kind bus.ControlKind, id contact.ID) *bus.Control {
		return &bus.Control{Kind: kind, Agent: "anna", Contact: id, Console: windowOne}
	}
	with := func(c *bus.Control, change func(*bus.Control)) *bus.Control { change(c); return c }
	tests := map[string]struct {
		request Request
		control *bus.Control
		command contact.Command
		code    string
	}{
		"hold":              {request: Request{Do: DoHold, Contact: "mine"}, control: asked(bus.ControlHold, "mine")},
		"resume":            {request: Request{Do: DoResume, Contact: "mine"}, control: asked(bus.ControlResume, "mine")},
		"hang up":           {request: Request{Do: DoHangUp, Contact: "mine"}, control: asked(bus.ControlHangUp, "mine")},
		"voice":             {request: Request{Do: DoVoice, Contact: "mine"}, control: asked(bus.ControlVoice, "mine")},
		"voice, here":       {request: Request{Do: DoVoice, Contact: "mine", Take: true}, control: with(asked(bus.ControlVoice, "mine"), func(c *bus.Control) { c.Take = true })},
		"voice, ringing":    {request: Request{Do: DoVoice, Contact: "ringing"}, control: asked(bus.ControlVoice, "ringing")},
		"hang up, dialling": {request: Request{Do: DoHangUp, Contact: "dialling"}, command: contact.HangUp{Contact: "dialling", Agent: "anna"}},
		"hang up, a chat":   {request: Request{Do: DoHangUp, Contact: "chat"}, command: contact.HangUp{Contact: "chat", Agent: "anna"}},
		"hang up, another's": { // which the dispatcher refuses
			request: Request{Do: DoHangUp, Contact: "bos"}, command: contact.HangUp{Contact: "bos", Agent: "anna"},
		},
		"hold, another's":  {request: Request{Do: DoHold, Contact: "bos"}, code: "not-yours"},
		"hold, waiting":    {request: Request{Do: DoHold, Contact: "waiting"}, code: "not-yours"},
		"hold, nothing":    {request: Request{Do: DoHold}, code: "not-yours"},
		"hold, a chat":     {request: Request{Do: DoHold, Contact: "chat"}, code: "invalid"},
		"hold, no node":    {request: Request{Do: DoHold, Contact: "nowhere"}, code: "wrong-state"},
		"voice, another's": {request: Request{Do: DoVoice, Contact: "bos", Take: true}, code: "not-yours"},
		"key, another's":   {request: Request{Do: DoKey, Contact: "bos", Key: "1"}, code: "not-yours"},
		"no id":            {request: Request{ID: -1, Do: DoHold, Contact: "mine"}, code: "invalid"},
		"outcome": {
			request: Request{Do: DoOutcome, Contact: "mine", Code: "solved"}, command: contact.ChooseOutcome{Contact: "mine", Agent: "anna", Code: "solved"},
		},
		"outcome, ticket": {
			request: Request{Do: DoOutcome, Contact: "mine", Ticket: "SD-1"}, command: contact.ChooseOutcome{Contact: "mine", Agent: "anna", Ticket: "SD-1"},
		},
		"outcome, none":       {request: Request{Do: DoOutcome, Contact: "mine"}, command: contact.ChooseOutcome{Contact: "mine", Agent: "anna"}},
		"outcome, no such":    {request: Request{Do: DoOutcome, Contact: "mine", Ticket: "SD-99"}, code: "invalid"},
		"outcome, not of one": {request: Request{Do: DoOutcome, Contact: "mine", Ticket: "Karin Ek"}, code: "invalid"},
		"extend":              {request: Request{Do: DoExtend, Contact: "mine"}, command: contact.ExtendWrapUp{Contact: "mine", Agent: "anna"}},
	}
	for key := range strings.SplitSeq("0123456789*#ABCD", "") {
		tests["key "+key] = struct {
			request Request
			control *bus.Control
			command contact.Command
			code    string
		}{request: Request{Do: DoKey, Contact: "mine", Key: key}, control: with(asked(bus.ControlKey, "mine"), func(c *bus.Control) { c.Key = key })}
	}
	for _, key := range []string{"", "E", "a", "12", "１", " ", "\n"} {
		tests[fmt.Sprintf("key %q", key)] = struct {
			request Request
			control *bus.Control
			command contact.Command
			code    string
		}{request: Request{Do: DoKey, Contact: "mine", Key: key}, code: "invalid"}
	}
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		w.ticket("SD-1", "karin", "Kan inte logga in")
		c := w.window("anna", windowOne)
		synctest.Wait()
		id := int64(0)
		for name, test := range tests {
			time.Sleep(time.Second)
			commands, controls := len(w.queue.sent()), len(w.queue.controlsAsked())
			if id++; test.request.ID == 0 {
				test.request.ID = id
			}
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
			sent, asked := w.queue.sent()[commands:], w.queue.controlsAsked()[controls:]
			if test.command == nil && len(sent) > 0 || test.command != nil && !reflect.DeepEqual(sent, []contact.Command{test.command}) {
				t.Errorf("%s: sent %+v; want %+v", name, sent, test.command)
			}
			if test.control == nil && len(asked) > 0 || test.control != nil && !reflect.DeepEqual(asked, []bus.Control{*test.control}) {
				t.Errorf("%s: asked the node for %+v; want %+v", name, asked, test.control)
			}
		}
		for _, node := range w.queue.controlled {
			if node != "node-2" {
				t.Errorf("asked %s", node)
			}
		}
	})
}

// People type secrets: no key stands in any log, whatever becomes of it.
func TestKeysAreNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		w.queue.set(func() { w.queue.act = func(context.Context, bus.Control) error { return errFake } })
		c := w.console("anna")
		for i, key := range []string{"7", "*", "no key at all"} {
			c.ask(Request{ID: int64(i + 1), Do: DoKey, Contact: "mine", Key: key})
		}
		log := w.log.String()
		if !strings.Contains(log, `"request":"key"`) {
			t.Errorf("a key that was not pressed is not logged: %s", log)
		}
		for _, secret := range []string{`"7"`, `"*"`, "no key at all"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log holds %s: %s", secret, log)
			}
		}
	})
}

// A node's no is the answer. A node that does not answer leaves hanging up to the dispatcher,
// and the rest undone.
func TestNodeThatSaysNoOrNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		c := w.console("anna")
		synctest.Wait()
		w.queue.set(func() {
			w.queue.commands = nil
			w.queue.act = func(context.Context, bus.Control) error {
				return fmt.Errorf("control: %w", &contact.Rejection{Code: contact.VoiceElsewhere})
			}
		})
		for i, do := range []RequestDo{DoHold, DoVoice, DoHangUp} {
			if code := c.ask(Request{ID: int64(i + 1), Do: do, Contact: "mine"}); code != "voice-elsewhere" {
				t.Errorf("%s: %q", do, code)
			}
		}
		if sent := w.queue.sent(); len(sent) != 0 {
			t.Errorf("a refused request became %+v", sent)
		}
		w.queue.set(func() {
			w.queue.act = func(ctx context.Context, _ bus.Control) error {
				silent, cancel := context.WithTimeout(ctx, 3*time.Second) // the bus's own patience
				defer cancel()
				<-silent.Done()
				return silent.Err()
			}
		})
		if code := c.ask(Request{ID: 4, Do: DoHold, Contact: "mine"}); code != codeUnavailable {
			t.Errorf("hold: %q", code)
		}
		if code := c.ask(Request{ID: 5, Do: DoHangUp, Contact: "mine"}); code != "" {
			t.Errorf("hang up: %q", code)
		}
		if sent := w.queue.sent(); !reflect.DeepEqual(sent, []contact.Command{contact.HangUp{Contact: "mine", Agent: "anna"}}) {
			t.Errorf("sent %+v", sent)
		}
	})
}

// A talk waits for no dispatcher: what is done with it overtakes commands that do.
func TestCallsAreControlledWithoutADispatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		c := w.console("anna")
		synctest.Wait()
		w.queue.set(func() {
			w.queue.silent, w.queue.viewErr = true, errFake
			w.queue.decide = func(ctx context.Context, _ contact.Command) error { <-ctx.Done(); return ctx.Err() }
		})
		time.Sleep(staleAfter + 2*time.Second)
		c.state(func(s *ConsoleState) bool { return !s.Connected })
		began := time.Now()
		c.send(Request{ID: 1, Do: DoOutcome, Contact: "mine", Code: "solved"})
		synctest.Wait()
		for i, do := range []RequestDo{DoHold, DoResume, DoKey, DoVoice, DoHangUp} {
			if code := c.ask(Request{ID: int64(i + 2), Do: do, Contact: "mine", Key: "1"}); code != "" {
				t.Errorf("%s: %q", do, code)
			}
		}
		if code := c.ask(Request{ID: 7, Do: DoHold, Contact: "unheard-of"}); code != codeUnavailable {
			t.Errorf("what a silent dispatcher may know of: %q", code)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		if reply := c.next(func(m Message) bool { return m.Reply != nil }).Reply; reply.ID != 1 || reply.Error != codeUnavailable {
			t.Errorf("%+v", reply)
		}
	})
}

// A voice is offered to every window, and set up with the one that the node bound it to.
func TestSignalsReachTheirWindows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		windows := map[string]*client{"one": w.window("anna", windowOne), "two": w.window("anna", windowTwo), "bo": w.console("bo")}
		synctest.Wait()
		told := func(m bus.Signal) (who map[string]string) {
			for _, c := range windows {
				c.received()
			}
			w.queue.signals(m)
			synctest.Wait()
			who = map[string]string{}
			for name, c := range windows {
				for _, got := range c.received() {
					if got.Signal != nil {
						data, _ := json.Marshal(got.Signal)
						who[name] += string(data)
					}
				}
			}
			return who
		}
		const offer, bound, text = `{"offer":4,"leg":"leg","payload":{"sdp":1}}`, `{"offer":4,"bound":"` + windowTwo + `"}`, `{"offer":4,"text":true}`
		for name, test := range map[string]struct {
			signal bus.Signal
			want   map[string]string
		}{
			"all":     {bus.Signal{Agent: "anna", Offer: 4, Leg: "leg", Payload: json.RawMessage(`{"sdp":1}`)}, map[string]string{"one": offer, "two": offer}},
			"one":     {bus.Signal{Agent: "anna", Offer: 4, Console: windowTwo, Leg: "leg", Payload: json.RawMessage(`{"sdp":1}`)}, map[string]string{"two": offer}},
			"bound":   {bus.Signal{Agent: "anna", Offer: 4, Bound: windowTwo}, map[string]string{"one": bound, "two": bound}},
			"text":    {bus.Signal{Agent: "anna", Offer: 4, Text: new(true)}, map[string]string{"one": text, "two": text}},
			"no such": {bus.Signal{Agent: "anna", Offer: 4, Console: "gone", Payload: json.RawMessage(`{}`)}, map[string]string{}},
			"nobody":  {bus.Signal{Agent: "nobody", Offer: 4}, map[string]string{}},
		} {
			if got := told(test.signal); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s: %v; want %v", name, got, test.want)
			}
		}
	})
}

// A socket that was opened again in the middle of the set-up goes on with it.
func TestSignalsAfterAReconnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := callWorld(t)
		c := w.window("anna", windowOne)
		synctest.Wait()
		for id, offer := range []contact.OfferID{4, 1, 5} {
			if code := c.ask(Request{ID: int64(id + 1), Do: DoSignal, Offer: offer, Payload: json.RawMessage(`{}`)}); code != "" {
				t.Errorf("offer %d: %q", offer, code)
			}
		}
		for id, offer := range []contact.OfferID{2, 3, 99} { // another's, a chat's, nobody's
			if code := c.ask(Request{ID: int64(id + 9), Do: DoSignal, Offer: offer, Payload: json.RawMessage(`{}`)}); code != "offer-gone" {
				t.Errorf("offer %d: %q", offer, code)
			}
		}
		if len(w.queue.passed) != 3 || w.queue.passed[0].Console != windowOne {
			t.Errorf("passed %+v", w.queue.passed)
		}
	})
}

// Of all the offers that a node may speak of, the newest are known.
func TestVoicesAreBounded(t *testing.T) {
	t.Parallel()
	v := &voices{}
	for offer := range contact.OfferID(100) {
		v.heard(bus.Signal{Offer: offer + 1, Node: "a"})
		v.heard(bus.Signal{Offer: offer + 1, Node: "b"})
	}
	newest, known := v.of(100, "")
	if _, old := v.of(1, ""); old || !known || newest.Node != "b" || len(v.begun) != maxVoices {
		t.Errorf("%+v", v.begun)
	}
}

// A window that comes back before its old socket was missed takes its place; another window
// of the same agent, and another agent in the same window, do not.
func TestWindowHasOneSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		old, other, bo := w.window("anna", windowOne), w.window("anna", windowTwo), w.window("bo", windowOne)
		synctest.Wait()
		again := w.window("anna", strings.ToUpper(windowOne))
		if code := old.closeCode(); code != closeReplaced {
			t.Errorf("the old socket: %d", code)
		}
		synctest.Wait()
		if w.ui.Open() != 3 {
			t.Errorf("%d are open", w.ui.Open())
		}
		for name, c := range map[string]*client{"again": again, "other": other, "bo": bo} {
			if code := c.ask(Request{ID: 1, Do: DoPresence, Presence: contact.Ready}); code != "" {
				t.Errorf("%s: %q", name, code)
			}
		}
		wantTold(t, w.queue, true) // the agent was never gone
	})
}

// Nobody holds the server by windows without end.
func TestWindowsOfAnAgentAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.window("anna", windowOne)
		for range maxWindows - 1 {
			w.console("anna")
			synctest.Wait()
		}
		if _, response, err := w.connect(w.token("anna"), window(""), nil); err == nil || response.StatusCode != http.StatusTooManyRequests {
			t.Errorf("one more: %v", err)
		}
		w.window("anna", windowOne) // one that comes back is not one more
		w.console("bo")
	})
}

func TestWindowsWithoutAnIDAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"", "x", windowOne + "0", "{" + windowOne + "}", strings.ReplaceAll(windowOne, "-", ""), strings.Repeat("a", 10_000)} {
		r := w.do("GET", "/console/socket?protocol=5&console="+id, w.token("anna"), nil)
		if p := wantProblem(t, id, r, http.StatusBadRequest); !strings.Contains(p.Detail, "UUID") {
			t.Errorf("%.40q: %q", id, p.Detail)
		}
	}
}

// An agent hears himself in the window that asks for it, until it ends or its socket does.
func TestEcho(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		one, two := w.console("anna"), w.console("anna")
		synctest.Wait()
		signal := Request{ID: 9, Do: DoSignal, Payload: json.RawMessage(`{"sdp":"answer"}`)}
		if code := one.ask(signal); code != "offer-gone" {
			t.Errorf("a signal to no echo: %q", code)
		}
		one.send(Request{ID: 1, Do: DoEcho})
		said := one.next(func(m Message) bool { return m.Signal != nil }).Signal
		if said.Offer != 0 || string(said.Payload) != `{"sdp":"offer"}` {
			t.Errorf("set up by %+v", said)
		}
		one.next(func(m Message) bool { return m.Reply != nil && m.Reply.ID == 1 && m.Reply.Error == "" })
		first := w.echo.all()[0]
		if code := one.ask(signal); code != "" || first.agent != "anna" || !reflect.DeepEqual(first.signals, []string{`{"sdp":"answer"}`}) {
			t.Errorf("%q; %s heard %v", code, first.agent, first.signals)
		}
		if code := two.ask(signal); code != "offer-gone" {
			t.Errorf("another window's signal: %q", code)
		}
		first.send(json.RawMessage(`{"candidate":1}`))
		one.next(func(m Message) bool { return m.Signal != nil && string(m.Signal.Payload) == `{"candidate":1}` })
		one.ask(Request{ID: 2, Do: DoEcho}) // again: the first ends
		second := w.echo.all()[1]
		if !first.ended() || second.ended() {
			t.Errorf("ended: first %v, second %v", first.ended(), second.ended())
		}
		one.received()
		if first.send(json.RawMessage(`{"late":1}`)); len(one.received()) != 0 {
			t.Error("an echo that is over still speaks")
		}
		second.HangUp() // its minute is over
		if code := one.ask(signal); code != "offer-gone" {
			t.Errorf("a signal to an echo that is over: %q", code)
		}
		for range 2 {
			if code := one.ask(Request{ID: 3, Do: DoEchoEnd}); code != "" {
				t.Errorf("end: %q", code)
			}
		}
		one.ask(Request{ID: 4, Do: DoEcho})
		_ = one.socket.Close()
		synctest.Wait()
		if third := w.echo.all()[2]; !third.ended() {
			t.Error("the echo outlives its socket")
		}
		w.echo.mutex.Lock()
		w.echo.err = errors.New("no port is free")
		w.echo.mutex.Unlock()
		if code := two.ask(Request{ID: 5, Do: DoEcho}); code != codeUnavailable {
			t.Errorf("no echo to be had: %q", code)
		}
	})
}

// The cards say what holding and wrapping up need.
func TestCardsOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held := connected(waitingContact("c", "staff", 1), "anna", 1)
	held.State, held.Since = contact.StateHeld, 50
	missed := bus.MissedOffer{Cause: contact.MissedByFault, Contact: "m", Line: "staff", Offer: 9, At: 40}
	w.merge(bus.AgentView{Agent: "anna", Presence: contact.Ready, Missed: []bus.MissedOffer{missed}}, held)
	s := w.ui.states.state(t.Context(), "anna")
	if s.Me.Activity != "held" || s.Me.ActivitySince != 50 || s.Contacts[0].State != contact.StateHeld || s.Agents.Busy != 1 {
		t.Errorf("held: %+v %+v", s.Me, s.Contacts)
	}
	if want := (MissedCard{Cause: contact.MissedByFault, Channel: contact.Voice, Contact: "m", Line: "staff", At: 40}); len(s.Missed) != 1 || s.Missed[0] != want {
		t.Errorf("missed %+v", s.Missed)
	}
	held.State, held.Since, held.WrapUpUntil, held.Code, held.Ticket = contact.StateWrapUp, 60, 180_060, "solved", "SD-1"
	w.merge(bus.AgentView{Agent: "anna"}, held)
	s = w.ui.states.state(t.Context(), "anna")
	if card := s.Contacts[0]; card.WrapUpUntil != 180_060 || card.Code != "solved" || card.ChosenTicket != "SD-1" || s.Me.Activity != "wrap-up" {
		t.Errorf("wrap-up: %+v", card)
	}
	// A talk presses more than one that is held.
	w.merge(bus.AgentView{Agent: "anna", Contacts: []contact.ID{"c"}}, connected(waitingContact("d", "staff", 1), "anna", 2))
	if s = w.ui.states.state(t.Context(), "anna"); s.Me.Activity != "connected" {
		t.Errorf("talks beside it: %+v", s.Me)
	}
	if hello := w.ui.hello(w.accounts.by["anna"]); hello.WrapUpExtensionMs != 120_000 {
		t.Errorf("extension %d", hello.WrapUpExtensionMs)
	}
}
