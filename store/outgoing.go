package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// OutgoingMail is an answer or a receipt that is to be sent.
type OutgoingMail struct {
	// Line is the mailbox that the conversation goes through, or the ticket's entrance when
	// it did not begin with a mail.
	Line     contact.LineID
	Ticket   contact.TicketNumber
	Audience contact.Audience
	Service  contact.ServiceID
	Language string
	To       string
	// Subject is the ticket's.
	Subject string
	// Text is the answer's; empty for a receipt, whose words are made when it is sent.
	Text string
	// InReplyTo is the Message-ID of the mail that it answers, References those before that one;
	// empty when there is none.
	InReplyTo  string
	References []string
	// Key names the mail among all that we send and stays the same however often it is tried:
	// 26 small letters and digits. Its Message-ID is made from it.
	Key string
	// Automatic is set for a receipt.
	Automatic bool
}

// maxReferences bounds the chain of mails that is kept of a mail: the first and the last ones.
const maxReferences = 20

func shortened(references []string) []string {
	n := len(references)
	if n <= maxReferences {
		return references
	}
	return append(references[:1:1], references[n-maxReferences+1:]...)
}

// queueMail makes a mail and its job: of an answer, entry is the entry; of a receipt, receiptOf.
func (s *Store) queueMail(ctx context.Context, tx pgx.Tx, of *lockedTicket, entry, receiptOf *int64, now contact.Instant) error {
	var id int64
	err := tx.QueryRow(ctx, `insert into outgoing_mails (ticket, entry, reply_to, address, key, created) values ($1, $2, $3, $4, $5, $6) returning id`,
		of.id, entry, receiptOf, of.Reporter.Address, strings.ToLower(rand.Text()), now.Time()).Scan(&id)
	if err != nil {
		return err
	}
	_, err = s.jobs.InsertTx(ctx, tx, sendMailArgs{Mail: id}, nil)
	return err
}

// outgoingMail loads a mail; done says that it was sent or given up.
func (s *Store) outgoingMail(ctx context.Context, id int64) (m OutgoingMail, done bool, err error) {
	var before int64
	var of int64
	err = s.pool.QueryRow(ctx, `
		select t.id, t.line, t.number, t.audience, t.service, t.language, o.address, t.subject, coalesce(e.text, ''), o.key,
			o.entry is null, coalesce(o.entry, o.reply_to, 0), o.sent is not null or o.failed_at is not null
		from outgoing_mails o join tickets t on t.id = o.ticket left join ticket_entries e on e.id = o.entry
		where o.id = $1`, id).
		Scan(&of, &m.Line, &m.Ticket, &m.Audience, &m.Service, &m.Language, &m.To, &m.Subject, &m.Text, &m.Key, &m.Automatic, &before, &done)
	if err != nil {
		return OutgoingMail{}, false, fmt.Errorf("read a mail to send: %w", notFound(err))
	}
	err = s.pool.QueryRow(ctx, `
		select m.line, m.message_id, m.refs from mails m join ticket_entries e on e.id = m.entry
		where m.ticket = $1 and m.entry <= $2 and e.kind = 'from-user' order by m.entry desc limit 1`, of, before).
		Scan(&m.Line, &m.InReplyTo, &m.References)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return OutgoingMail{}, false, fmt.Errorf("read the mail that is answered: %w", err)
	}
	return m, done, nil
}

func (s *Store) mailSent(ctx context.Context, id int64, now time.Time) error {
	if _, err := s.pool.Exec(ctx, `update outgoing_mails set sent = $2 where id = $1 and sent is null`, id, now); err != nil {
		return fmt.Errorf("write down that a mail was sent: %w", err)
	}
	return nil
}

// mailFailed gives a mail up: its entry is shown as failed, and the log says why.
func (s *Store) mailFailed(ctx context.Context, id int64, reason string, now contact.Instant) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var number contact.TicketNumber
		err := tx.QueryRow(ctx, `select t.number from outgoing_mails o join tickets t on t.id = o.ticket where o.id = $1`, id).Scan(&number)
		if err != nil {
			return notFound(err)
		}
		of, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		_, err = of.fail(ctx, tx, id, reason, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("write down that a mail cannot be sent: %w", err)
	}
	return nil
}

// fail marks a mail of the ticket, 0 for one that is not known, and notes it for the desk.
func (l *lockedTicket) fail(ctx context.Context, tx pgx.Tx, mail int64, reason string, now contact.Instant) (ticket.Entry, error) {
	reason = clean(strings.TrimSpace(reason), maxReason)
	if reason == "" {
		reason = noSubject
	}
	_, err := tx.Exec(ctx, `update outgoing_mails set failed_at = $2, failed = $3 where id = $1 and failed_at is null`, mail, now.Time(), reason)
	if err != nil {
		return ticket.Entry{}, err
	}
	return l.add(ctx, tx, ticket.Entry{At: now, Kind: ticket.Note, Text: reason}, body{})
}
