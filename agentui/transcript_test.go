package agentui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
	"svar/ticket"
)

func TestTranscriptTellsWhatBothSidesWrote(t *testing.T) {
	t.Parallel()
	noon := contact.Instant(1_795_000_000_000)
	line := func(from contact.Party, kind contact.ChatKind, text string) contact.KeptLine {
		return contact.KeptLine{ChatLine: contact.ChatLine{From: from, Kind: kind, Text: text, At: noon, Agent: "anna"}}
	}
	got := transcript([]contact.KeptLine{
		line(contact.PartySystem, contact.ChatPrompt, "Välkommen"),
		line(contact.PartyCaller, contact.ChatText, "Hej, jag kommer inte in"),
		line(contact.PartyAgent, contact.ChatText, "Hej! Pröva nu."),
		line(contact.PartySystem, contact.ChatEnded, ""),
	}, "sv")
	clock := noon.Time().In(transcriptZone).Format("15:04")
	if want := clock + " Användare: Hej, jag kommer inte in\n" + clock + " Service Desk: Hej! Pröva nu."; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if long := transcript([]contact.KeptLine{line(contact.PartyCaller, contact.ChatText, strings.Repeat("å", maxTranscript))}, "en"); len(long) > 200 {
		t.Errorf("%d bytes", len(long))
	}
	if transcript(nil, "sv") != "" {
		t.Error("nothing was said, and something is told")
	}
}

// The transcript lies on the case (requirement 3.3a), once, however often the console asks.
func TestTranscriptIsFiledWithTheTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.ticket("SD-1", "", "Inloggning")
		view := connected(written("chat", contact.Chat, 1, 60_000), "anna", 1)
		agent := []bus.AgentView{{Agent: "anna", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"chat"}}}
		w.queue.send(w.queue.record([]bus.ContactView{view}, agent))
		c := w.console("anna")
		synctest.Wait()
		if _, err := w.chats.Append(t.Context(), "chat", contact.ChatLine{ID: uuidOf(1), From: contact.PartyCaller, Kind: contact.ChatText, Text: "Hej"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if code := c.ask(Request{ID: 1, Do: DoFinish, Contact: "chat", Ticket: "SD-1"}); code != "" {
				t.Fatalf("finish: %q", code)
			}
		}
		filed, err := w.tickets.Ticket(t.Context(), "SD-1")
		var texts []string
		for _, entry := range filed.Entries {
			if entry.Kind == ticket.FromUser {
				texts = append(texts, entry.Text)
			}
		}
		if err != nil || len(texts) != 1 || !strings.HasSuffix(texts[0], "Användare: Hej") {
			t.Errorf("filed: %q, %v", texts, err)
		}
	})
}

// filedTexts are the user's words on a ticket.
func filedTexts(t *testing.T, w *wire, number contact.TicketNumber) (texts []string) {
	t.Helper()
	filed, err := w.tickets.Ticket(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range filed.Entries {
		if entry.Kind == ticket.FromUser {
			texts = append(texts, entry.Text)
		}
	}
	return texts
}

// chattingWith has a chat of anna's whose visitor wrote something.
func chattingWith(t *testing.T, w *wire, number contact.TicketNumber) bus.ContactView {
	t.Helper()
	w.ticket(number, "", "Inloggning")
	view := connected(written("chat", contact.Chat, 1, 60_000), "anna", 1)
	view.Node = "node-1"
	w.queue.send(w.queue.record([]bus.ContactView{view}, []bus.AgentView{{Agent: "anna", Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{"chat"}}}))
	if _, err := w.chats.Append(t.Context(), "chat", contact.ChatLine{ID: uuidOf(1), From: contact.PartyCaller, Kind: contact.ChatText, Text: "Hej"}); err != nil {
		t.Fatal(err)
	}
	return view
}

// A database that is away costs the end of a chat a moment at most, and no transcript.
func TestTranscriptWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		view := chattingWith(t, w, "SD-1")
		c := w.console("anna")
		synctest.Wait()
		w.tickets.fail(errFake)
		for range 2 {
			if code := c.ask(Request{ID: 1, Do: DoFinish, Contact: "chat", Ticket: "SD-1"}); code != "" {
				t.Fatalf("finish: %q", code)
			}
		}
		view.State, view.Ticket = contact.StateClosed, "SD-1"
		w.queue.contacts(view)
		time.Sleep(10 * time.Minute)
		w.tickets.fail(nil)
		time.Sleep(2 * filingLongest)
		synctest.Wait()
		if texts := filedTexts(t, w, "SD-1"); len(texts) != 1 {
			t.Errorf("filed %q", texts)
		}
		if w.ui.transcripts.waiting["chat"] != "" {
			t.Error("it still waits")
		}
	})
}

// Wrap-up that ran out files with the ticket that was chosen; what was filed in finishing is
// not filed twice, and another node's chats are that node's.
func TestTranscriptOfAChatThatLapsed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		node    contact.NodeID
		finish  bool
		entries int
	}{"lapsed": {"node-1", false, 1}, "finished": {"node-1", true, 1}, "elsewhere": {"node-2", false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t).run().serve(nil)
				view := chattingWith(t, w, "SD-1")
				c := w.console("anna")
				synctest.Wait()
				if test.finish {
					c.ask(Request{ID: 1, Do: DoFinish, Contact: "chat", Ticket: "SD-1"})
				}
				view.State, view.Ticket, view.Node = contact.StateClosed, "SD-1", test.node
				w.queue.contacts(view)
				synctest.Wait()
				if texts := filedTexts(t, w, "SD-1"); len(texts) != test.entries {
					t.Errorf("filed %q", texts)
				}
				if len(w.ui.transcripts.filed)+len(w.ui.transcripts.waiting) != 0 {
					t.Error("something is kept of a chat that is closed")
				}
			})
		})
	}
}

// A ticket that is closed or gone takes nothing, however often it is asked: that is said once.
func TestTranscriptThatNoTicketTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		view := chattingWith(t, w, "SD-1")
		view.State, view.Ticket = contact.StateClosed, "SD-99"
		w.queue.contacts(view)
		time.Sleep(time.Hour)
		if n := strings.Count(w.log.String(), "does not take the transcript"); n != 1 {
			t.Errorf("said %d times: %s", n, w.log)
		}
	})
}
