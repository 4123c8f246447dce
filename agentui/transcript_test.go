package agentui

import (
	"strings"
	"testing"

	"svar/contact"
)

func TestTranscriptTellsWhatBothSidesWrote(t *testing.T) {
	t.Parallel()
	noon := contact.Instant(1_795_000_000_000)
	line := func(from contact.Party, kind contact.ChatKind, text string) contact.KeptLine {
		return contact.KeptLine{ChatLine: contact.ChatLine{From: from, Kind: kind, Text: text, At: noon, Agent: "anna"}}
	}
	got := Transcript([]contact.KeptLine{
		line(contact.PartySystem, contact.ChatPrompt, "Välkommen"),
		line(contact.PartyCaller, contact.ChatText, "Hej, jag kommer inte in"),
		line(contact.PartyAgent, contact.ChatText, "Hej! Pröva nu."),
		line(contact.PartySystem, contact.ChatEnded, ""),
	}, "sv")
	clock := noon.Time().In(transcriptZone).Format("15:04")
	if want := clock + " Användare: Hej, jag kommer inte in\n" + clock + " Service Desk: Hej! Pröva nu."; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if long := Transcript([]contact.KeptLine{line(contact.PartyCaller, contact.ChatText, strings.Repeat("å", maxTranscript))}, "en"); len(long) > 200 {
		t.Errorf("%d bytes", len(long))
	}
	if Transcript(nil, "sv") != "" {
		t.Error("nothing was said, and something is told")
	}
}
