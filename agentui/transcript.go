package agentui

import (
	"context"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/ticket"
)

// transcriptZone is where the times of a transcript are told.
var transcriptZone = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		return time.UTC
	}
	return zone
}()

// fileTranscript writes what was said in a chat to the ticket that it is finished with
// (requirement 3.3a), once. Finishing does not fail by it: the chat's own stream still has it.
func (c *console) fileTranscript(ctx context.Context, id contact.ID, number contact.TicketNumber) {
	view, has := c.ui.board.Has(c.agent, id)
	if !has || view.Contact.Channel != contact.Chat {
		return
	}
	lines, err := c.ui.config.Conversations.Read(ctx, id, 0)
	text := transcript(lines, view.Contact.Language)
	if err == nil && text == "" {
		return
	}
	var filed ticket.Ticket
	if err == nil {
		filed, err = c.ui.config.Tickets.Ticket(ctx, number)
	}
	if err == nil && !slices.ContainsFunc(filed.Entries, func(e ticket.Entry) bool { return e.Kind == ticket.FromUser && e.Text == text }) {
		_, err = c.ui.config.Tickets.AddEntry(ctx, number, ticket.Entry{Kind: ticket.FromUser, Text: text}, contact.InstantOf(c.ui.config.Now()))
	}
	if err != nil {
		c.ui.config.Log.Warn().Err(err).Str("contact", string(id)).Msg("the transcript of a chat could not be filed with its ticket")
	}
}

// maxTranscript keeps a transcript within the text of an entry, in bytes.
const maxTranscript = 90_000

// transcript is what both sides wrote, a line each. Who of the desk wrote is not told: users
// read it too.
func transcript(lines []contact.KeptLine, language string) string {
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
