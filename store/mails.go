package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// IncomingMail is a mail as its gateway read it, with what triage made of it.
type IncomingMail struct {
	Line             contact.LineID
	UIDValidity, UID uint32
	// MessageID and References are as the mail has them, with brackets or without, always in
	// the same way. Empty when it has none: such a mail is known again by its UID alone.
	MessageID  string
	References []string
	// FromName and From are what the mail claims; From is the bare address.
	FromName, From string
	Subject        string
	Text           string
	// HTML is sanitised already.
	HTML  string
	Files []File
	// Automatic mails get no receipt.
	Automatic bool
	// Ticket is proved by a token of ours; empty when nothing is proved. Who wrote is asked here.
	Ticket contact.TicketNumber
	// Bounce is set when it says that a mail of ours did not arrive.
	Bounce *Bounce
	// Kind and Category are those of the ticket that it makes; a question when Kind is empty.
	Kind     ticket.Kind
	Category string
	// Contact is the contact that it makes, with an id of its own, and Enqueue what that needs.
	Contact contact.Contact
	Enqueue contact.Enqueue
}

// Bounce says which mail of ours did not arrive.
type Bounce struct {
	// Ticket is proved by a token of ours.
	Ticket contact.TicketNumber
	// Key is that of the [OutgoingMail]; empty when the bounce does not say.
	Key string
	// Reason is what the other side said, for agents; the bounce's own text when empty.
	Reason string
}

// receiptsPerHour bounds how many receipts one address gets, so that two machines that
// answer each other come to rest.
const receiptsPerHour = 5

// MailCursor returns the UID of the last mail that was taken of the line's mailbox, and the
// UIDVALIDITY that it belongs to; zeros before the first.
func (s *Store) MailCursor(ctx context.Context, line contact.LineID) (uidValidity, uid uint32, err error) {
	err = s.pool.QueryRow(ctx, `select uidvalidity, uid from mail_cursors where line = $1`, line).Scan(&uidValidity, &uid)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, fmt.Errorf("read how far the mailbox is read: %w", err)
	}
	return uidValidity, uid, nil
}

// TakeMail makes of a mail what it is to become: an entry of a ticket, a contact for the
// queue and a receipt, or, of a bounce, a note that an answer did not arrive. The cursor
// moves in the same transaction. A mail that was taken before moves the cursor only.
func (s *Store) TakeMail(ctx context.Context, m IncomingMail, now contact.Instant) error {
	m = m.cleaned()
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := moveCursor(ctx, tx, m.Line, m.UIDValidity, m.UID); err != nil {
			return err
		}
		var taken bool
		err := tx.QueryRow(ctx, `
			select exists (select from mails where line = $1 and uidvalidity = $2 and uid = $3)
				or exists (select from mails where line = $1 and message_id = $4 and message_id <> '')`,
			m.Line, int64(m.UIDValidity), int64(m.UID), m.MessageID).Scan(&taken)
		if err != nil || taken {
			return err
		}
		of, entry, err := s.fileMail(ctx, tx, m, now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into mails (line, uidvalidity, uid, message_id, refs, ticket, entry, received) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			m.Line, int64(m.UIDValidity), int64(m.UID), m.MessageID, m.References, of.id, entry, now.Time())
		return err
	})
	if err != nil {
		return fmt.Errorf("take mail %d of the line %s: %w", m.UID, m.Line, err)
	}
	return nil
}

// moveCursor holds the line's cursor until the transaction ends: two processes that take
// mails of one mailbox do it one after the other.
func moveCursor(ctx context.Context, tx pgx.Tx, line contact.LineID, uidValidity, uid uint32) error {
	_, err := tx.Exec(ctx, `
		insert into mail_cursors as c (line, uidvalidity, uid) values ($1, $2, $3)
		on conflict (line) do update set uidvalidity = $2,
			uid = case when c.uidvalidity = $2 then greatest(c.uid, $3) else $3 end`, line, int64(uidValidity), int64(uid))
	return err
}

// fileMail returns the ticket and the entry that the mail became.
func (s *Store) fileMail(ctx context.Context, tx pgx.Tx, m IncomingMail, now contact.Instant) (*lockedTicket, int64, error) {
	if m.Bounce != nil {
		of, entry, err := s.fileBounce(ctx, tx, m, now)
		if !errors.Is(err, ErrNotFound) {
			return of, entry, err
		}
	}
	of, entry, err := s.fileEntry(ctx, tx, m, now)
	if err != nil {
		return nil, 0, err
	}
	text := TextContact{
		Contact: m.Contact, Enqueue: m.Enqueue,
		Personal: contact.Personal{Name: m.FromName, Address: m.From, Subject: m.Subject},
	}
	return of, entry.ID, s.bringToQueue(ctx, tx, of, entry, text)
}

// fileEntry adds the mail to the ticket whose token it has, when it comes from that ticket's
// reporter. Everybody else's makes a ticket of its own, and so does one to a closed ticket,
// which the new one names.
func (s *Store) fileEntry(ctx context.Context, tx pgx.Tx, m IncomingMail, now contact.Instant) (*lockedTicket, ticket.Entry, error) {
	fromUser := ticket.Entry{At: now, Kind: ticket.FromUser, Text: m.Text}
	with := body{html: m.HTML, files: m.Files}
	var follows contact.TicketNumber
	if m.Ticket != "" {
		of, err := lockTicket(ctx, tx, m.Ticket)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, ticket.Entry{}, err
		case !of.Participant(m.From):
		case of.Status == ticket.Closed:
			follows = of.Number
		default:
			entry, err := of.add(ctx, tx, fromUser, with)
			return of, entry, err
		}
	}
	of, entry, err := s.openTicket(ctx, tx, m.draft(follows, fromUser), with, now)
	if err != nil || m.Automatic || m.From == "" {
		return of, entry, err
	}
	return of, entry, s.queueReceipt(ctx, tx, of, entry)
}

func (m IncomingMail) draft(follows contact.TicketNumber, first ticket.Entry) ticket.Draft {
	kind := m.Kind
	if kind == "" {
		kind = ticket.Question
	}
	return ticket.Draft{First: first, Ticket: ticket.Ticket{
		Kind: kind, Subject: m.Subject, Service: m.Contact.Service, Category: m.Category,
		Channel: contact.Mail, Line: m.Line, Audience: m.Contact.Audience, Language: m.Contact.Language,
		Person:   m.Contact.Person,
		Reporter: ticket.Reporter{Person: m.Contact.Person, Name: m.FromName, Address: m.From}, Follows: follows,
	}}
}

// queueReceipt makes the mail that says the ticket's number, unless the address has had so
// many within an hour that it looks like a machine.
func (s *Store) queueReceipt(ctx context.Context, tx pgx.Tx, of *lockedTicket, entry ticket.Entry) error {
	var sent int
	err := tx.QueryRow(ctx, `select count(*) from outgoing_mails where entry is null and lower(address) = lower($1) and created > $2`,
		of.Reporter.Address, entry.At.Time().Add(-time.Hour)).Scan(&sent)
	if err != nil || sent >= receiptsPerHour {
		return err
	}
	return s.queueMail(ctx, tx, of, nil, &entry.ID, entry.At)
}

// fileBounce marks the mail of ours that did not arrive and notes it for the desk, or returns
// [ErrNotFound] when it is about nothing that we know.
func (s *Store) fileBounce(ctx context.Context, tx pgx.Tx, m IncomingMail, now contact.Instant) (*lockedTicket, int64, error) {
	of, err := lockTicket(ctx, tx, m.Bounce.Ticket)
	if err != nil {
		return nil, 0, err
	}
	var about int64
	err = tx.QueryRow(ctx, `select id from outgoing_mails where ticket = $1 and key = $2`, of.id, m.Bounce.Key).Scan(&about)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, err
	}
	reasons := []string{m.Bounce.Reason, m.Text, m.Subject}
	said := slices.IndexFunc(reasons, func(reason string) bool { return strings.TrimSpace(reason) != "" })
	entry, err := of.fail(ctx, tx, about, reasons[said], now) // a cleaned mail has a subject
	return of, entry.ID, err
}

// QuarantineMail keeps a mail that cannot be taken, and passes it over.
func (s *Store) QuarantineMail(ctx context.Context, line contact.LineID, uidValidity, uid uint32, raw []byte, reason string, now contact.Instant) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := moveCursor(ctx, tx, line, uidValidity, uid); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into mail_quarantine (line, uidvalidity, uid, reason, raw, at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
			line, int64(uidValidity), int64(uid), clean(reason, maxReason), append([]byte{}, raw...), now.Time())
		return err
	})
	if err != nil {
		return fmt.Errorf("put mail %d of the line %s aside: %w", uid, line, err)
	}
	return nil
}

// QuarantinedMail is a mail that could not be taken, without its text.
type QuarantinedMail struct {
	ID               int64
	Line             contact.LineID
	UIDValidity, UID uint32
	Reason           string
	At               time.Time
	Bytes            int
}

// QuarantinedMails returns the mails that could not be taken, newest first, at most limit.
func (s *Store) QuarantinedMails(ctx context.Context, limit int) ([]QuarantinedMail, error) {
	rows, err := s.pool.Query(ctx, `select id, line, uidvalidity, uid, reason, at, length(raw) from mail_quarantine order by id desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read the mails that were put aside: %w", err)
	}
	mails, err := pgx.CollectRows(rows, pgx.RowToStructByPos[QuarantinedMail])
	if err != nil {
		return nil, fmt.Errorf("read the mails that were put aside: %w", err)
	}
	return mails, nil
}

const maxReason = 1000

// noSubject stands for the subject of a mail that has none.
const noSubject = "–"

// defaultLanguage is that of a mail whose language nobody guessed.
const defaultLanguage = "sv"

// cleaned fits the mail into what a ticket and PostgreSQL hold, so that none can stop its
// mailbox: what is too long is cut, and what is no text is replaced.
func (m IncomingMail) cleaned() IncomingMail {
	m.Text = clean(m.Text, ticket.MaxText)
	m.HTML = clean(m.HTML, len(m.HTML))
	m.FromName = oneLine(m.FromName, ticket.MaxName)
	if m.Subject = oneLine(m.Subject, ticket.MaxSubject); m.Subject == "" {
		m.Subject = noSubject
	}
	// A part of an address is somebody else's.
	if m.From = oneLine(m.From, len(m.From)); utf8.RuneCountInString(m.From) > ticket.MaxName {
		m.From = ""
	}
	m.Category = oneLine(m.Category, ticket.MaxName)
	m.MessageID = messageID(m.MessageID)
	references := make([]string, 0, min(len(m.References), maxReferences))
	for _, id := range shortened(m.References) {
		references = append(references, messageID(id))
	}
	m.References = references
	if m.Contact.Language == "" {
		m.Contact.Language = defaultLanguage
	}
	files := make([]File, 0, len(m.Files))
	for _, file := range m.Files {
		files = append(files, File{Name: oneLine(file.Name, ticket.MaxName), Type: oneLine(file.Type, ticket.MaxName), Data: append([]byte{}, file.Data...)})
	}
	m.Files = files
	return m
}

// maxMessageID is above what any mail program makes, and below what an index holds.
const maxMessageID = 500

// messageID fits a Message-ID into an index. One that is too long keeps being another one
// than all others.
func messageID(id string) string {
	if id = oneLine(id, len(id)); len(id) <= maxMessageID {
		return id
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(id)))
}

// clean cuts a text to so many characters.
func clean(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}

func oneLine(text string, limit int) string {
	return clean(strings.Join(strings.Fields(text), " "), limit)
}
