package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// TextContact is what brings a mail or a form to the queue: the contact, what is known of its
// user, and what it needs. Its id is made once by whoever took it in, so that the same text
// handed in again is the same contact.
type TextContact struct {
	Contact  contact.Contact
	Personal contact.Personal
	Enqueue  contact.Enqueue
}

// TextContactOf returns what is kept of a text, [ErrNotFound] when there is none of that id.
// After the contact is forgotten its personal part is empty.
func (s *Store) TextContactOf(ctx context.Context, id contact.ID) (TextContact, error) {
	var text TextContact
	err := s.pool.QueryRow(ctx, `select arrival, enqueue, name, address, subject from text_contacts where contact = $1`, id).
		Scan(&text.Contact, &text.Enqueue, &text.Personal.Name, &text.Personal.Address, &text.Personal.Subject)
	if err != nil {
		return TextContact{}, fmt.Errorf("read the text of a contact: %w", notFound(err))
	}
	return text, nil
}

// takenText returns the ticket and the entry that a text became before. The lock makes a
// second caller with the same text wait until the first one is done.
func takenText(ctx context.Context, tx pgx.Tx, text *TextContact) (number contact.TicketNumber, entry int64, err error) {
	if text == nil {
		return "", 0, ErrNotFound
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, text.Contact.ID); err != nil {
		return "", 0, err
	}
	err = tx.QueryRow(ctx, `select t.number, c.entry from text_contacts c join tickets t on t.id = c.ticket where c.contact = $1`, text.Contact.ID).
		Scan(&number, &entry)
	return number, entry, notFound(err)
}

// bringToQueue keeps the text, links it to its ticket and makes the job that brings it to
// the queue, all in the transaction of the entry that it is.
func (s *Store) bringToQueue(ctx context.Context, tx pgx.Tx, of *lockedTicket, entry ticket.Entry, text TextContact) error {
	text.Contact.Ticket = of.Number
	text.Enqueue.Contact = text.Contact.ID
	_, err := tx.Exec(ctx, `insert into text_contacts (contact, ticket, entry, arrival, enqueue, name, address, subject, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, text.Contact.ID, of.id, entry.ID, text.Contact, text.Enqueue,
		text.Personal.Name, text.Personal.Address, text.Personal.Subject, entry.At.Time())
	if err != nil {
		return err
	}
	if _, err := of.add(ctx, tx, ticket.Entry{At: entry.At, Kind: ticket.Link, Contact: text.Contact.ID}, body{}); err != nil {
		return err
	}
	_, err = s.jobs.InsertTx(ctx, tx, arriveArgs{Contact: text.Contact.ID}, nil)
	return err
}

// notFound turns the driver's word for no row into ours.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
