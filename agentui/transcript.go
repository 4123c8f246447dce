package agentui

import (
	"strings"
	"time"

	"svar/contact"
)

// transcriptZone is where the times of a transcript are told.
var transcriptZone = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		return time.UTC
	}
	return zone
}()

// maxTranscript keeps a transcript within the text of an entry, in bytes.
const maxTranscript = 90_000

// Transcript is what both sides wrote in a chat, a line each, in the language: what is filed with
// its ticket (requirement 3.3a). Who of the desk wrote is not told: users read it too.
func Transcript(lines []contact.KeptLine, language string) string {
	visitor, desk, cut := "Användare", "Service Desk", "… (resten finns i chatten)"
	if language == "en" {
		visitor, cut = "User", "… (the rest is in the chat)"
	}
	var out strings.Builder
	for _, line := range lines {
		if line.Kind != contact.ChatText {
			continue
		}
		who := visitor
		if line.From == contact.PartyAgent {
			who = desk
		}
		if out.Len()+len(line.Text) > maxTranscript {
			out.WriteString(cut)
			break
		}
		out.WriteString(line.At.Time().In(transcriptZone).Format("15:04") + " " + who + ": " + line.Text + "\n")
	}
	return strings.TrimSpace(out.String())
}
