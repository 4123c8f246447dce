package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// OpenTicket registers a ticket. With a text, the text comes to the queue as a contact of the
// ticket; handed in again, it is the ticket that it was. The error is a [*ticket.Refusal] when
// the rules of tickets say no.
func (s *Store) OpenTicket(ctx context.Context, draft ticket.Draft, text *TextContact, now contact.Instant) (contact.TicketNumber, error) {
	var number contact.TicketNumber
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		known, _, err := takenText(ctx, tx, text)
		if err == nil || !errors.Is(err, ErrNotFound) {
			number = known
			return err
		}
		opened, first, err := s.openTicket(ctx, tx, draft, body{}, now)
		if err != nil {
			return err
		}
		number = opened.Number
		if text == nil {
			return nil
		}
		return s.bringToQueue(ctx, tx, opened, first, *text)
	})
	if err != nil {
		return "", fmt.Errorf("open a ticket: %w", err)
	}
	return number, nil
}

// openTicket writes the ticket and its first entries, and returns it locked.
func (s *Store) openTicket(ctx context.Context, tx pgx.Tx, draft ticket.Draft, first body, now contact.Instant) (*lockedTicket, ticket.Entry, error) {
	draft.First.Attachments = nil
	for _, file := range first.files {
		draft.First.Attachments = append(draft.First.Attachments, ticket.Attachment{Name: file.Name, Type: file.Type, Size: int64(len(file.Data))})
	}
	draft.First.HTML = first.html != ""
	t, err := ticket.New(draft, now)
	if err != nil {
		return nil, ticket.Entry{}, err
	}
	l := &lockedTicket{Ticket: t}
	err = tx.QueryRow(ctx, `insert into tickets (kind, status, subject, service, category, channel, line, audience, language,
			person, reporter_person, reporter_name, reporter_address, follows, created, changed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, (select id from tickets where number = $14), $15, $16)
		returning id, number`,
		t.Kind, t.Status, t.Subject, t.Service, t.Category, t.Channel, t.Line, t.Audience, t.Language,
		t.Person, t.Reporter.Person, t.Reporter.Name, t.Reporter.Address, t.Follows, t.Created.Time(), t.Changed.Time()).Scan(&l.id, &l.Number)
	if err != nil {
		return nil, ticket.Entry{}, err
	}
	for i := range t.Entries {
		of := body{}
		if i == 0 {
			of = first
		}
		if err := insertEntry(ctx, tx, l.id, &t.Entries[i], of); err != nil {
			return nil, ticket.Entry{}, err
		}
	}
	return l, t.Entries[0], nil
}

// AddEntry adds what a user or an agent wrote to the log, with what follows from it: a solved
// ticket that its user writes to is taken up again; an answer is mailed to a reporter who has
// an address, and recorded as the reply of the texts that it answers. With a text, the text
// comes to the queue; handed in again, it is the entry that it was. The error is [ErrNotFound]
// or a [*ticket.Refusal].
func (s *Store) AddEntry(ctx context.Context, number contact.TicketNumber, e ticket.Entry, text *TextContact, now contact.Instant) (ticket.Entry, error) {
	var kept ticket.Entry
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, id, err := takenText(ctx, tx, text); err == nil {
			kept, err = entryOf(ctx, tx, id)
			return err
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		if e.Kind != ticket.FromUser && e.Kind != ticket.Answer && e.Kind != ticket.Note {
			return &ticket.Refusal{Code: ticket.RefusedInvalid, Field: "entry"}
		}
		of, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		e.At = now
		if kept, err = of.add(ctx, tx, e, body{}); err != nil {
			return err
		}
		if text != nil {
			if err := s.bringToQueue(ctx, tx, of, kept, *text); err != nil {
				return err
			}
		}
		if e.Kind == ticket.Answer {
			return s.deliver(ctx, tx, of, kept)
		}
		return nil
	})
	if err != nil {
		return ticket.Entry{}, fmt.Errorf("write to a ticket: %w", err)
	}
	return kept, nil
}

// deliver makes the jobs of an answer: the mail, and the record of the reply to those of the
// ticket's texts that nobody has answered.
func (s *Store) deliver(ctx context.Context, tx pgx.Tx, of *lockedTicket, answer ticket.Entry) error {
	if of.Reporter.Address != "" {
		if err := s.queueMail(ctx, tx, of, &answer.ID, nil, answer.At); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `
		select t.contact from text_contacts t left join contacts c on c.id = t.contact
		where t.ticket = $1 and c.closed is null and c.replied is null order by t.at limit $2`, of.id, ticket.MaxContacts)
	if err != nil {
		return err
	}
	unanswered, err := pgx.CollectRows(rows, pgx.RowTo[contact.ID])
	if err != nil {
		return err
	}
	for _, id := range unanswered {
		if _, err := s.jobs.InsertTx(ctx, tx, replyArgs{Contact: id, Agent: answer.Agent}, nil); err != nil {
			return err
		}
	}
	return nil
}

// SetStatus brings a ticket to the status, by all steps of the log that lead there. The error
// is [ErrNotFound] or a [*ticket.Refusal]. A ticket that has the status is left alone.
func (s *Store) SetStatus(ctx context.Context, number contact.TicketNumber, status ticket.Status, by contact.AgentID, now contact.Instant) error {
	err := s.changeTicket(ctx, number, func(tx pgx.Tx, of *lockedTicket) error {
		if of.Status == status {
			return nil
		}
		steps, err := of.Status.Steps(status)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if _, err := of.add(ctx, tx, ticket.Entry{At: now, Kind: ticket.StatusChange, Agent: by, Status: step}, body{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change the status of a ticket: %w", err)
	}
	return nil
}

// LinkContact says that a contact is about the ticket. One that is linked already is left so.
func (s *Store) LinkContact(ctx context.Context, number contact.TicketNumber, id contact.ID, by contact.AgentID, now contact.Instant) error {
	err := s.changeTicket(ctx, number, func(tx pgx.Tx, of *lockedTicket) error {
		if slices.Contains(of.Contacts, id) {
			return nil
		}
		_, err := of.add(ctx, tx, ticket.Entry{At: now, Kind: ticket.Link, Agent: by, Contact: id}, body{})
		return err
	})
	if err != nil {
		return fmt.Errorf("link a contact to a ticket: %w", err)
	}
	return nil
}

func (s *Store) changeTicket(ctx context.Context, number contact.TicketNumber, change func(pgx.Tx, *lockedTicket) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		of, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		return change(tx, of)
	})
}
