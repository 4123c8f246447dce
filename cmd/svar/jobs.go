package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"svar/agentui"
	"svar/channels/mail"
	"svar/contact"
	"svar/store"
)

// forConsole puts the store's word for what is not there into the console's.
func forConsole(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %w", agentui.ErrNotFound, err)
	}
	return err
}

// startJobs works what transactions have left to be done: texts come to the queue, mails
// are sent, and what is due is deleted.
func (a *App) startJobs(ctx context.Context) error {
	jobs, err := a.store.StartJobs(ctx, store.JobHandlers{
		Arrive: a.bringToQueue, SendMail: a.sendMail, Reply: a.recordReply, Transcript: a.transcript, Retention: a.forget, Now: time.Now, Node: a.node,
	}, a.options.Log)
	if err != nil {
		return err
	}
	a.onClose("the jobs", jobs.Close)
	return nil
}

// bringToQueue puts a text on record and into the queue. It may run twice: commands are
// idempotent by the contact.
func (a *App) bringToQueue(ctx context.Context, text store.TextContact) error {
	id := text.Contact.ID
	if err := a.personal.PutPersonal(ctx, id, text.Personal); err != nil {
		return err
	}
	if err := a.bus.Send(ctx, contact.Arrive{Contact: text.Contact}); err != nil {
		return fmt.Errorf("put text %s on record: %w", id, err)
	}
	enqueue := text.Enqueue
	enqueue.Hours = a.config().StillCounted(enqueue.Hours) // the queue refuses hours that it does not know
	err := a.bus.Send(ctx, enqueue)
	if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) && rejection.Code != contact.Invalid {
		return nil // it came that far before, and somebody has it, or it is over
	}
	return err
}

// recordReply says that an agent answered a text.
func (a *App) recordReply(ctx context.Context, id contact.ID, agent contact.AgentID) error {
	err := a.bus.Send(ctx, contact.Reply{Contact: id, Agent: agent})
	if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) {
		return nil // it is over, or somebody else has it by now
	}
	return err
}

// transcript returns what was said in a chat.
func (a *App) transcript(ctx context.Context, id contact.ID, language string) (string, error) {
	lines, err := a.chats.Read(ctx, id, 0)
	if err != nil {
		return "", fmt.Errorf("read a chat: %w", err)
	}
	return agentui.Transcript(lines, language), nil
}

// sendMail hands an answer or a receipt over for delivery.
func (a *App) sendMail(ctx context.Context, out store.OutgoingMail) error {
	line := out.Line
	boxes := a.config().Mail.Mailboxes
	if a.texts().mailbox(line).ID == "" {
		if len(boxes) == 0 {
			return fmt.Errorf("%w: no mailbox is configured to send from (mail.mailboxes)", store.ErrPermanent)
		}
		line = boxes[0].ID // the ticket did not begin with a mail
	}
	text := out.Text
	if out.Automatic {
		text = a.receipt(out)
	}
	err := a.sender.Send(ctx, mail.Outgoing{
		Line: line, Ticket: out.Ticket, To: mail.Address{Address: out.To}, Subject: out.Subject, Text: text,
		InReplyTo: out.InReplyTo, References: out.References, Automatic: out.Automatic, Key: out.Key,
	})
	if errors.Is(err, mail.ErrPermanent) {
		return fmt.Errorf("%w: %w", store.ErrPermanent, err)
	}
	return err
}

// receiptWords are those of a receipt in one language.
type receiptWords struct{ received, outages, portal string }

var swedishReceipt = receiptWords{
	received: "Hej!\n\nVi har tagit emot ditt ärende %s. Svara på det här mejlet om du vill lägga till något.\n",
	outages:  "\nDriftinformation:\n", portal: "\nPortalen: %s\n",
}

var englishReceipt = receiptWords{
	received: "Hi!\n\nWe have received your case %s. Reply to this mail to add anything.\n",
	outages:  "\nOperating information:\n", portal: "\nThe portal: %s\n",
}

// receipt is what somebody is told whose mail has come in: the ticket's number, and the
// outage messages that stand now (requirement 3.1i).
func (a *App) receipt(out store.OutgoingMail) string {
	words := swedishReceipt
	if out.Language == "en" {
		words = englishReceipt
	}
	var text strings.Builder
	fmt.Fprintf(&text, words.received, out.Ticket)
	told := a.notices.Notices().Told(out.Line, out.Audience, contact.InstantOf(time.Now()))
	if len(told) > 0 {
		text.WriteString(words.outages)
	}
	for _, notice := range told {
		fmt.Fprintf(&text, "– %s\n", notice.In(out.Language))
	}
	if base := a.config().Portal.BaseURL; base != "" {
		fmt.Fprintf(&text, words.portal, base)
	}
	text.WriteString("\nService Desk\n")
	return text.String()
}

// forgetAtOnce bounds how many contacts one run forgets; the next one goes on.
const forgetAtOnce = 1000

// forget deletes the numbers of pupils whose contacts ended long enough ago (requirement D3), and marks that count no
// longer, and writes down which recordings are deleted.
func (a *App) forget(ctx context.Context) error {
	if err := errors.Join(a.nuisance.forget(ctx), a.forgetRecordings(ctx)); err != nil {
		return err
	}
	var lines []contact.LineID
	for _, line := range a.config().Lines {
		if line.Audience == contact.AudiencePupil {
			lines = append(lines, line.ID)
		}
	}
	now := time.Now()
	due, err := a.store.DueToForget(ctx, lines, now.Add(-a.config().Retention.PupilNumbers.Duration()), forgetAtOnce)
	if err != nil {
		return err
	}
	for _, id := range due {
		if err := a.personal.Forget(ctx, id); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	return a.store.MarkForgotten(ctx, due, contact.InstantOf(now))
}
