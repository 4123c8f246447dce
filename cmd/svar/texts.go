package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"svar/agentui"
	"svar/channels/chat"
	"svar/channels/mail"
	"svar/configs"
	"svar/contact"
	"svar/store"
	"svar/ticket"
)

// texts brings what people write to their tickets and to the queue: mails, forms, and what
// is left at the chat outside of hours. What each needs is triage by the configuration.
type texts struct {
	// config returns the configuration that holds when a text comes.
	config func() configs.Config
	store  *store.Store
	now    func() time.Time
}

// enqueue says what a form needs, and when an answer to it is due.
func (t texts) enqueue(audience contact.Audience, service contact.ServiceID, category, language string) contact.Enqueue {
	config := t.config()
	form := config.Portal.Form
	return contact.Enqueue{
		Needs: config.FormNeeds(audience, service, category, language), Class: form.Class.Contact(),
		Target: form.Target, Hours: configs.ClockOf(form.Hours),
	}
}

// textSpace is where the ids of contacts lie that are made from the ids of forms.
var textSpace = uuid.MustParse("5d8ae0c6-4f3b-4a39-9d1c-6f2c8b1f7a10")

// contactOf returns the same contact id for the same form, however often it is sent, and
// one that nobody can choose to be that of another contact.
func contactOf(form string) contact.ID {
	return contact.ID(uuid.NewSHA1(textSpace, []byte(form)).String())
}

// Cursor implements [mail.Post].
func (t texts) Cursor(ctx context.Context, line contact.LineID) (mail.Cursor, error) {
	uidValidity, uid, err := t.store.MailCursor(ctx, line)
	return mail.Cursor{UIDValidity: uidValidity, UID: uid}, err
}

// Take implements [mail.Post].
func (t texts) Take(ctx context.Context, in mail.Incoming) error {
	now := t.now()
	box := t.mailbox(in.Line)
	language := in.Language
	if language == "" {
		language = box.Language
	}
	taken := store.IncomingMail{
		Line: in.Line, UIDValidity: in.Cursor.UIDValidity, UID: in.Cursor.UID, MessageID: in.MessageID, References: in.References,
		FromName: in.From.Name, From: in.From.Address, Subject: in.Subject, Text: in.Text, HTML: in.HTML,
		Automatic: in.Automatic, Ticket: in.Ticket,
		Contact: contact.Contact{
			ID: newContactID(), Channel: contact.Mail, Line: in.Line, Audience: box.Audience, Service: box.Service,
			Language: language, Arrived: contact.InstantOf(now),
		},
		Enqueue: contact.Enqueue{
			Needs: t.config().MailNeeds(box, language), Class: box.Class.Contact(), Target: box.Target, Hours: configs.ClockOf(box.Hours),
		},
	}
	if in.Bounce != nil {
		taken.Bounce = &store.Bounce{Ticket: in.Bounce.Ticket, Key: in.Bounce.Key}
	}
	for _, file := range in.Attachments {
		taken.Files = append(taken.Files, store.File{Name: file.Name, Type: file.Type, Data: file.Data})
	}
	return t.store.TakeMail(ctx, taken, contact.InstantOf(now))
}

// Quarantine implements [mail.Post].
func (t texts) Quarantine(ctx context.Context, line contact.LineID, at mail.Cursor, raw []byte, reason string) error {
	return t.store.QuarantineMail(ctx, line, at.UIDValidity, at.UID, raw, reason, contact.InstantOf(t.now()))
}

func (t texts) mailbox(line contact.LineID) configs.Mailbox {
	for _, box := range t.config().Mail.Mailboxes {
		if box.ID == line {
			return box
		}
	}
	return configs.Mailbox{}
}

// maxSubject is how much of a text's beginning stands for its subject, in characters.
const maxSubject = 80

// Leave implements [chat.Messages].
func (t texts) Leave(ctx context.Context, m chat.Message) (contact.TicketNumber, error) {
	now := t.now()
	audience := contact.AudienceUnknown
	for _, topic := range t.config().Chat.Topics {
		if topic.ID == m.Line {
			audience = topic.Audience
		}
	}
	reached := contact.Contact{
		ID: contactOf("chat " + m.ID), Channel: contact.Form, Line: m.Line, Audience: audience, Service: m.Service,
		Language: m.Language, Arrived: contact.InstantOf(now),
	}
	subject := firstLine(m.Text)
	return t.store.OpenTicket(ctx, ticket.Draft{
		Ticket: ticket.Ticket{
			Kind: ticket.Question, Subject: subject, Service: m.Service, Channel: contact.Form, Line: m.Line, Audience: audience,
			Language: m.Language, Reporter: ticket.Reporter{Name: m.Name, Address: m.Address},
		},
		First: ticket.Entry{Kind: ticket.FromUser, Text: m.Text},
	}, &store.TextContact{
		Contact:  reached,
		Personal: contact.Personal{Name: m.Name, Address: m.Address, Subject: subject},
		Enqueue:  t.enqueue(audience, m.Service, "", m.Language),
	}, contact.InstantOf(now))
}

// firstLine returns the beginning of a text.
func firstLine(text string) string {
	var out []rune
	for _, r := range text {
		if r == '\n' || r == '\r' {
			if len(out) > 0 {
				break
			}
			continue
		}
		if out = append(out, r); len(out) == maxSubject {
			return string(out[:maxSubject-1]) + "…"
		}
	}
	return string(out)
}

func newContactID() contact.ID { return contact.ID(uuid.Must(uuid.NewV7()).String()) }

// consoleTickets are the store's tickets for the console, whose changes bring nobody to the
// queue.
type consoleTickets struct{ *store.Store }

// OpenTicket implements [agentui.Tickets].
func (c consoleTickets) OpenTicket(ctx context.Context, d ticket.Draft, now contact.Instant) (contact.TicketNumber, error) {
	number, err := c.Store.OpenTicket(ctx, d, nil, now)
	return number, forConsole(err)
}

// AddEntry implements [agentui.Tickets].
func (c consoleTickets) AddEntry(ctx context.Context, number contact.TicketNumber, e ticket.Entry, now contact.Instant) (ticket.Entry, error) {
	entry, err := c.Store.AddEntry(ctx, number, e, nil, now)
	return entry, forConsole(err)
}

// Ticket implements [agentui.Tickets].
func (c consoleTickets) Ticket(ctx context.Context, number contact.TicketNumber) (ticket.Ticket, error) {
	t, err := c.Store.Ticket(ctx, number)
	return t, forConsole(err)
}

// SetStatus implements [agentui.Tickets].
func (c consoleTickets) SetStatus(ctx context.Context, number contact.TicketNumber, to ticket.Status, by contact.AgentID, now contact.Instant) error {
	return forConsole(c.Store.SetStatus(ctx, number, to, by, now))
}

// LinkContact implements [agentui.Tickets].
func (c consoleTickets) LinkContact(ctx context.Context, number contact.TicketNumber, id contact.ID, by contact.AgentID, now contact.Instant) error {
	return forConsole(c.Store.LinkContact(ctx, number, id, by, now))
}

// EntryHTML implements [agentui.Tickets].
func (c consoleTickets) EntryHTML(ctx context.Context, number contact.TicketNumber, entry int64) (string, error) {
	html, err := c.Store.EntryHTML(ctx, number, entry)
	return html, forConsole(err)
}

// Attachment implements [agentui.Tickets].
func (c consoleTickets) Attachment(ctx context.Context, number contact.TicketNumber, id int64) (ticket.Attachment, []byte, error) {
	file, data, err := c.Store.Attachment(ctx, number, id)
	return file, data, forConsole(err)
}

// noticeDesk is where the console publishes outage messages.
type noticeDesk struct{ *store.Store }

// WithdrawNotice implements [agentui.NoticeDesk].
func (d noticeDesk) WithdrawNotice(ctx context.Context, id contact.NoticeID, by contact.AgentID, now contact.Instant) error {
	return forConsole(d.Store.WithdrawNotice(ctx, id, by, now))
}

// LiftEmbargo implements [agentui.NoticeDesk].
func (d noticeDesk) LiftEmbargo(ctx context.Context, id contact.EmbargoID, by contact.AgentID, now contact.Instant) error {
	return forConsole(d.Store.LiftEmbargo(ctx, id, by, now))
}

var (
	_ agentui.Tickets    = consoleTickets{}
	_ agentui.NoticeDesk = noticeDesk{}
	_ mail.Post          = texts{}
	_ chat.Messages      = texts{}
)
