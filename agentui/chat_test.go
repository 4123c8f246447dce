package agentui

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// uuidOf makes the id of a line of a test.
func uuidOf(n int) string { return fmt.Sprintf("6f1f3c1e-9a53-4a0e-8f1d-%012d", n) }

// chatWorld is one where anna has a chat and a call, and bo a chat.
func chatWorld(t *testing.T) *wire {
	w := newWorld(t).run().serve(nil)
	w.queue.send(w.queue.record([]bus.ContactView{
		connected(written("chat", contact.Chat, 1, 60_000), "anna", 1), connected(waitingContact("call", "staff", 1), "anna", 2),
		connected(written("bos", contact.Chat, 1, 60_000), "bo", 3),
	}, []bus.AgentView{
		{Agent: "anna", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"chat", "call"}},
		{Agent: "bo", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"bos"}},
	}))
	return w
}

// says has the visitor write lines.
func (w *world) says(id contact.ID, from, to int) {
	w.t.Helper()
	for i := from; i < to; i++ {
		line := contact.ChatLine{ID: uuidOf(i), From: contact.PartyCaller, Kind: contact.ChatText, Text: fmt.Sprint("rad ", i)}
		if _, err := w.chats.Append(w.t.Context(), id, line); err != nil {
			w.t.Fatal(err)
		}
	}
}

// lines reads lines of a chat until n have come, and returns their texts and the last
// sequence. Replies come between them.
func (c *client) lines(id contact.ID, n int) (texts []string, last uint64) {
	c.t.Helper()
	for len(texts) < n {
		m := c.next(func(m Message) bool { return m.Chat != nil || m.Reply != nil })
		if m.Reply != nil {
			if m.Reply.Error != "" {
				c.t.Fatalf("request %d: %q", m.Reply.ID, m.Reply.Error)
			}
			continue
		}
		if m.Chat.Contact != id || len(m.Chat.Lines) > chatBatch {
			c.t.Fatalf("%d lines of %s", len(m.Chat.Lines), m.Chat.Contact)
		}
		for _, line := range m.Chat.Lines {
			if line.Sequence <= last {
				c.t.Errorf("%d after %d", line.Sequence, last)
			}
			texts, last = append(texts, line.Text), line.Sequence
		}
	}
	return texts, last
}

func numbered(from, to int) []string {
	var texts []string
	for i := from; i < to; i++ {
		texts = append(texts, fmt.Sprint("rad ", i))
	}
	return texts
}

// chatwoot#14934: no line is lost and none comes twice, however often the console comes back.
func TestChatIsResumedWithoutGapOrDouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := chatWorld(t)
		const many = 3*chatAhead + 7 // more than waits for one console
		w.says("chat", 0, many)
		c := w.console("anna")
		c.send(Request{ID: 1, Do: DoChatFollow, Contact: "chat"})
		got, last := c.lines("chat", many)
		if !reflect.DeepEqual(got, numbered(0, many)) {
			t.Fatalf("%d lines in another order: %q", len(got), got)
		}
		w.says("chat", many, many+3) // live
		got, last2 := c.lines("chat", 3)
		if !reflect.DeepEqual(got, numbered(many, many+3)) || last2 <= last {
			t.Fatalf("live: %q", got)
		}
		_ = c.socket.Close() // the network is cut
		<-c.ended
		synctest.Wait()
		if n := w.chats.followers(); n != 0 {
			t.Fatalf("%d follow for a socket that is gone", n)
		}
		w.says("chat", many+3, many+5)
		again := w.console("anna")
		again.send(Request{ID: 1, Do: DoChatFollow, Contact: "chat", After: last2})
		if got, _ := again.lines("chat", 2); !reflect.DeepEqual(got, numbered(many+3, many+5)) {
			t.Errorf("after the cut: %q", got)
		}
		// Asked again it begins anew, and there is one follower still.
		again.send(Request{ID: 2, Do: DoChatFollow, Contact: "chat", After: last2})
		if got, _ := again.lines("chat", 2); !reflect.DeepEqual(got, numbered(many+3, many+5)) || w.chats.followers() != 1 {
			t.Errorf("anew: %q, %d followers", got, w.chats.followers())
		}
	})
}

// Who has a chat no more reads no more of it, from the moment when the board knows.
func TestChatIsFollowedWhileTheAgentHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := chatWorld(t)
		c := w.console("anna")
		c.send(Request{ID: 1, Do: DoChatFollow, Contact: "chat"})
		w.says("chat", 0, 1)
		c.lines("chat", 1)
		w.queue.send(w.queue.record([]bus.ContactView{connected(written("chat", contact.Chat, 1, 60_000), "bo", 4)},
			[]bus.AgentView{{Agent: "anna", Presence: contact.Ready, Reachable: true}}))
		w.says("chat", 1, 5)
		time.Sleep(2 * stateEvery)
		synctest.Wait()
		for _, m := range c.received() {
			if m.Chat != nil {
				t.Errorf("anna still reads %+v", m.Chat)
			}
		}
		if n := w.chats.followers(); n != 0 {
			t.Errorf("%d follow a chat that nobody here has", n)
		}
	})
}

func TestChatRequests(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("ö", contact.MaxChatText)
	send := func(r Request) Request {
		r.Do, r.Message = DoChatSend, uuidOf(1)
		return r
	}
	tests := map[string]struct {
		request Request
		code    string
	}{
		"follow another's":  {Request{Do: DoChatFollow, Contact: "bos"}, "not-yours"},
		"follow nothing":    {Request{Do: DoChatFollow}, "not-yours"},
		"follow a call":     {Request{Do: DoChatFollow, Contact: "call"}, "invalid"},
		"write another's":   {send(Request{Contact: "bos", Text: "hej"}), "not-yours"},
		"write into a call": {send(Request{Contact: "call", Text: "hej"}), "invalid"},
		"nothing":           {send(Request{Contact: "chat"}), "invalid"},
		"blank":             {send(Request{Contact: "chat", Text: " \n "}), "invalid"},
		"NUL":               {send(Request{Contact: "chat", Text: "a\x00"}), "invalid"},
		"too long":          {send(Request{Contact: "chat", Text: longest + "ö"}), "invalid"},
		"no id":             {Request{Do: DoChatSend, Contact: "chat", Text: "hej"}, "invalid"},
		"no UUID":           {Request{Do: DoChatSend, Contact: "chat", Text: "hej", Message: "1"}, "invalid"},
		"UUID in braces":    {Request{Do: DoChatSend, Contact: "chat", Text: "hej", Message: "{" + uuidOf(1) + "}"}, "invalid"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := chatWorld(t)
		c := w.console("anna")
		id := int64(0)
		for name, test := range tests {
			id++
			test.request.ID = id
			if code := c.ask(test.request); code != test.code {
				t.Errorf("%s: %q; want %q", name, code, test.code)
			}
		}
		if n := w.chats.sequence; n != 0 {
			t.Errorf("something was written: %d", n)
		}
		if code := c.ask(send(Request{ID: 1000, Contact: "chat", Text: longest})); code != "" {
			t.Errorf("the longest line: %q", code)
		}
		if text := w.log.String(); strings.Contains(text, "hej") || strings.Contains(text, "öö") {
			t.Errorf("the log holds what people wrote: %s", text)
		}
	})
}

// chatwoot#995: a line that is sent twice is there once, and the queue hears of the first answer.
func TestChatLineIsKeptOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		view := connected(written("chat", contact.Chat, 1, 60_000), "anna", 1)
		view.Answered = 0
		agent := []bus.AgentView{{Agent: "anna", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"chat"}}}
		w.queue.send(w.queue.record([]bus.ContactView{view}, agent))
		c := w.console("anna")
		synctest.Wait()
		replies := func() (n int) {
			for _, command := range w.queue.sent() {
				if command == (contact.Reply{Contact: "chat", Agent: "anna"}) {
					n++
				}
			}
			return n
		}
		line := Request{ID: 1, Do: DoChatSend, Contact: "chat", Message: uuidOf(1), Text: "Hej!"}
		// The stream does not have it: nothing happened.
		w.chats.failed = errFake
		if code := c.ask(line); code != codeUnavailable || replies() != 0 {
			t.Errorf("without the stream: %q, %d replies", code, replies())
		}
		w.chats.failed = nil
		// The stream has it, the queue does not know: the console sends it again.
		w.queue.set(func() { w.queue.decide = func(context.Context, contact.Command) error { return errFake } })
		if code := c.ask(line); code != codeUnavailable {
			t.Errorf("without the queue: %q", code)
		}
		w.queue.set(func() { w.queue.decide = nil })
		for range 2 {
			if code := c.ask(line); code != "" {
				t.Errorf("again: %q", code)
			}
		}
		kept := w.chats.lines["chat"]
		if len(kept) != 1 || kept[0].Text != "Hej!" || kept[0].From != contact.PartyAgent || kept[0].Agent != "anna" || kept[0].Kind != contact.ChatText {
			t.Errorf("kept %+v", kept)
		}
		if replies() == 0 {
			t.Error("the queue was not told of the answer")
		}
		// Once it is on record, and after a no, it is not told again.
		view.Answered = 7
		w.queue.contacts(view)
		before := replies()
		line.Message = uuidOf(2)
		if code := c.ask(line); code != "" || replies() != before {
			t.Errorf("a second line: %q, %d replies", code, replies()-before)
		}
		view.Answered = 0
		w.queue.contacts(view)
		w.queue.set(func() {
			w.queue.decide = func(context.Context, contact.Command) error { return &contact.Rejection{Code: contact.WrongState} }
		})
		line.Message = uuidOf(3)
		if code := c.ask(line); code != "" || len(w.chats.lines["chat"]) != 3 {
			t.Errorf("a line that the visitor has, but the queue does not want: %q", code)
		}
		view.State = contact.StateWrapUp
		w.queue.contacts(view)
		line.Message = uuidOf(4)
		if code := c.ask(line); code != string(contact.WrongState) || len(w.chats.lines["chat"]) != 3 {
			t.Errorf("after the chat: %q", code)
		}
	})
}

// A console that does not read holds up its own chats alone.
func TestSlowConsoleHoldsUpNoOtherChat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := chatWorld(t)
		socket, _, err := w.connect(w.token("anna"), window(""), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		if err := socket.WriteJSON(Request{ID: 1, Do: DoChatFollow, Contact: "chat"}); err != nil {
			t.Fatal(err)
		}
		w.says("chat", 0, 3*chatAhead)
		bo := w.console("bo")
		bo.send(Request{ID: 1, Do: DoChatFollow, Contact: "bos"})
		w.says("bos", 0, 10)
		if got, _ := bo.lines("bos", 10); !reflect.DeepEqual(got, numbered(0, 10)) {
			t.Errorf("bo reads %q", got)
		}
		time.Sleep(writeWithin + closeTime + time.Second)
		synctest.Wait()
		if n := w.chats.followers(); n != 1 {
			t.Errorf("%d follow; want bo's console alone", n)
		}
	})
}
