package agentui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
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

// The filing of a transcript waits for a database that is away: so long at first, then longer,
// and so many at once.
const (
	filingRetry   = 5 * time.Second
	filingLongest = time.Minute
	maxFilings    = 1_000
)

// transcripts file what was said in chats with the tickets that they are finished with
// (requirement 3.3a), once. No end of a chat waits for the database: the chat's own stream has
// it meanwhile.
type transcripts struct {
	node    contact.NodeID
	chats   Conversations
	tickets Tickets
	now     func() contact.Instant
	log     zerolog.Logger
	// begin runs a task that the surface waits for at its end.
	begin func(task func(ctx context.Context))

	mutex sync.Mutex
	// filed are those that are on file already, until their contact is closed; waiting are those
	// that are to be.
	filed, waiting map[contact.ID]contact.TicketNumber
}

func newTranscripts(config Config, now func() contact.Instant, begin func(func(context.Context))) *transcripts {
	return &transcripts{
		node: config.Node, chats: config.Conversations, tickets: config.Tickets, now: now, log: config.Log, begin: begin,
		filed: map[contact.ID]contact.TicketNumber{}, waiting: map[contact.ID]contact.TicketNumber{},
	}
}

// finishing files the transcript of a chat that is about to be finished with the ticket: before
// it is, if the database answers at once.
func (t *transcripts) finishing(ctx context.Context, of contact.Contact, number contact.TicketNumber) {
	if of.Channel != contact.Chat {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if t.file(bounded, of, number) != nil {
		t.later(of, number)
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.filed) >= maxFilings { // their ends were not heard of: they are looked at again, if ever
		clear(t.filed)
	}
	t.filed[of.ID] = number
}

// closed files those of this node's chats that were closed without an agent's doing, with the
// ticket that he had chosen.
func (t *transcripts) closed(change bus.Change) {
	for _, view := range change.Contacts {
		if view.State != contact.StateClosed || view.Contact.Channel != contact.Chat {
			continue
		}
		t.mutex.Lock()
		done := t.filed[view.Contact.ID] == view.Ticket
		delete(t.filed, view.Contact.ID)
		t.mutex.Unlock()
		if view.Ticket != "" && view.Node == t.node && !done {
			t.later(view.Contact, view.Ticket)
		}
	}
}

// later files the transcript behind what goes on, as soon as the database takes it.
func (t *transcripts) later(of contact.Contact, number contact.TicketNumber) {
	t.mutex.Lock()
	waits := t.waiting[of.ID] == number
	full := len(t.waiting) >= maxFilings
	if !waits && !full {
		t.waiting[of.ID] = number
	}
	t.mutex.Unlock()
	switch {
	case waits:
		return
	case full:
		t.log.Error().Str("contact", string(of.ID)).Msg("the transcript of a chat is not filed with its ticket: too many wait for the database")
		return
	}
	t.begin(func(ctx context.Context) {
		wait := backoff.NewExponentialBackOff()
		wait.InitialInterval, wait.MaxInterval = filingRetry, filingLongest
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			bounded, cancel := context.WithTimeout(ctx, writingTime)
			defer cancel()
			return struct{}{}, t.file(bounded, of, number)
		}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
		if err != nil {
			t.log.Error().Err(err).Str("contact", string(of.ID)).Msg("the transcript of a chat is not filed with its ticket")
		}
		t.mutex.Lock()
		defer t.mutex.Unlock()
		delete(t.waiting, of.ID)
	})
}

// file writes the transcript to the ticket, unless it is there. An error is one that time may
// mend; what the ticket refuses is logged.
func (t *transcripts) file(ctx context.Context, of contact.Contact, number contact.TicketNumber) error {
	lines, err := t.chats.Read(ctx, of.ID, 0)
	if err != nil {
		return fmt.Errorf("read a chat: %w", err)
	}
	if text := transcript(lines, of.Language); text != "" {
		err = t.add(ctx, number, text)
	}
	if refusal := (*ticket.Refusal)(nil); errors.Is(err, ErrNotFound) || errors.As(err, &refusal) && refusal.Code != ticket.RefusedOrder {
		t.log.Error().Err(err).Str("contact", string(of.ID)).Msg("a ticket does not take the transcript of its chat")
		err = nil
	}
	return err
}

func (t *transcripts) add(ctx context.Context, number contact.TicketNumber, text string) error {
	on, err := t.tickets.Ticket(ctx, number)
	if err != nil || slices.ContainsFunc(on.Entries, func(e ticket.Entry) bool { return e.Kind == ticket.FromUser && e.Text == text }) {
		return err
	}
	_, err = t.tickets.AddEntry(ctx, number, ticket.Entry{Kind: ticket.FromUser, Text: text}, t.now())
	return err
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
