package agentui

import (
	"strings"
	"testing"
	"testing/synctest"

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
