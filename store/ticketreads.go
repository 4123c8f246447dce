package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// maxTickets bounds a page of tickets.
const maxTickets = 500

// Ticket returns a ticket with its whole log, as of one moment, or [ErrNotFound].
func (s *Store) Ticket(ctx context.Context, number contact.TicketNumber) (ticket.Ticket, error) {
	var found ticket.Ticket
	oneMoment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+ticketColumns+` from tickets t where t.number = $1`, number)
		if err != nil {
			return err
		}
		var id int64
		if found, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (t ticket.Ticket, err error) {
			id, t, err = scanTicket(row)
			return t, err
		}); err != nil {
			return notFound(err)
		}
		found.Entries, err = entries(ctx, tx, `e.ticket = $1`, id)
		return err
	})
	if err != nil {
		return ticket.Ticket{}, fmt.Errorf("read a ticket: %w", err)
	}
	return found, nil
}

// Tickets returns a page of tickets without their logs, the newest change first.
func (s *Store) Tickets(ctx context.Context, f ticket.Filter) ([]ticket.Ticket, error) {
	limit := f.Limit
	if limit <= 0 || limit > maxTickets {
		limit = maxTickets
	}
	// The place of $6 is compared in one way whether it is given or not, as in selectContacts.
	rows, err := s.pool.Query(ctx, `select `+ticketColumns+` from tickets t
		where ($1 = '' or t.person = $1 or t.reporter_person = $1)
			and ($2 = '' or lower(t.reporter_address) = lower($2))
			and ($3 = '' or t.status = $3)
			and (not $4 or t.status in ('registered', 'in-progress'))
			and ($5 = '' or t.number ilike $5 or t.subject ilike $5 or t.reporter_name ilike $5 or t.reporter_address ilike $5)
			and (t.changed, t.id) < (
				case when $6 = '' then 'infinity' else (select changed from tickets where number = $6) end,
				case when $6 = '' then 0 else (select id from tickets where number = $6) end)
		order by t.changed desc, t.id desc
		limit $7`, f.Person, f.Address, f.Status, f.Open, pattern(f.Search), f.Before, limit)
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ticket.Ticket, error) {
		_, t, err := scanTicket(row)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	return found, nil
}

// pattern finds the words anywhere. What people type has no wildcards.
func pattern(search string) string {
	search = strings.TrimSpace(search)
	if search == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search) + "%"
}

// entries returns the entries that the condition finds, oldest first, with their files.
func entries(ctx context.Context, tx pgx.Tx, condition string, argument any) ([]ticket.Entry, error) {
	rows, err := tx.Query(ctx, `
		select e.id, e.at, e.kind, e.agent, e.text, e.status, e.contact, e.html, coalesce(o.failed, '')
		from ticket_entries e left join outgoing_mails o on o.entry = e.id
		where `+condition+` order by e.id`, argument)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e ticket.Entry, err error) {
		var at time.Time
		err = row.Scan(&e.ID, &at, &e.Kind, &e.Agent, &e.Text, &e.Status, &e.Contact, &e.HTML, &e.Failed)
		e.At = contact.InstantOf(at)
		return e, err
	})
	if err != nil {
		return nil, err
	}
	place := map[int64]int{}
	for i, e := range found {
		place[e.ID] = i
	}
	rows, err = tx.Query(ctx, `
		select a.entry, a.id, a.name, a.type, a.size
		from attachments a join ticket_entries e on e.id = a.entry where `+condition+` order by a.id`, argument)
	if err != nil {
		return nil, err
	}
	var of int64
	var file ticket.Attachment
	_, err = pgx.ForEachRow(rows, []any{&of, &file.ID, &file.Name, &file.Type, &file.Size}, func() error {
		e := &found[place[of]]
		e.Attachments = append(e.Attachments, file)
		return nil
	})
	return found, err
}

func entryOf(ctx context.Context, tx pgx.Tx, id int64) (ticket.Entry, error) {
	found, err := entries(ctx, tx, `e.id = $1`, id)
	if err == nil && len(found) != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return ticket.Entry{}, err
	}
	return found[0], nil
}

// EntryHTML returns the sanitised HTML body of an entry of the ticket, or [ErrNotFound].
func (s *Store) EntryHTML(ctx context.Context, number contact.TicketNumber, entry int64) (string, error) {
	var html string
	err := s.pool.QueryRow(ctx, `
		select h.html from entry_html h join ticket_entries e on e.id = h.entry join tickets t on t.id = e.ticket
		where t.number = $1 and e.id = $2`, number, entry).Scan(&html)
	if err != nil {
		return "", fmt.Errorf("read the body of an entry: %w", notFound(err))
	}
	return html, nil
}

// Attachment returns a file of the ticket, or [ErrNotFound].
func (s *Store) Attachment(ctx context.Context, number contact.TicketNumber, id int64) (ticket.Attachment, []byte, error) {
	a := ticket.Attachment{ID: id}
	var data []byte
	err := s.pool.QueryRow(ctx, `
		select a.name, a.type, a.size, a.data
		from attachments a join ticket_entries e on e.id = a.entry join tickets t on t.id = e.ticket
		where t.number = $1 and a.id = $2`, number, id).Scan(&a.Name, &a.Type, &a.Size, &data)
	if err != nil {
		return ticket.Attachment{}, nil, fmt.Errorf("read a file of a ticket: %w", notFound(err))
	}
	return a, data, nil
}
