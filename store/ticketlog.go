package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/ticket"
)

// lockedTicket is a ticket without its log, that nobody else changes until the transaction
// ends. Its log is written here and nowhere else, but for the projection's links.
type lockedTicket struct {
	ticket.Ticket
	id   int64
	told bool
}

// body is what an entry has beside its text.
type body struct {
	html  string
	files []File
}

// File is a file that comes with a text.
type File struct {
	Name, Type string
	Data       []byte
}

// ticketColumns are those that scanTicket reads, of tickets as t.
const ticketColumns = `t.id, t.number, t.kind, t.status, t.subject, t.service, t.category, t.channel, t.line, t.audience, t.language,
	t.person, t.reporter_person, t.reporter_name, t.reporter_address,
	coalesce((select number from tickets f where f.id = t.follows), ''), t.created, t.changed, t.solved, t.closed,
	array(select contact from ticket_entries e where e.ticket = t.id and e.kind = 'link' group by contact order by min(e.id))`

func scanTicket(row pgx.CollectableRow) (id int64, t ticket.Ticket, err error) {
	var created, changed time.Time
	var solved, closed *time.Time
	err = row.Scan(&id, &t.Number, &t.Kind, &t.Status, &t.Subject, &t.Service, &t.Category, &t.Channel, &t.Line, &t.Audience, &t.Language,
		&t.Person, &t.Reporter.Person, &t.Reporter.Name, &t.Reporter.Address, &t.Follows, &created, &changed, &solved, &closed, &t.Contacts)
	t.Created, t.Changed = contact.InstantOf(created), contact.InstantOf(changed)
	t.Solved, t.Closed = instantOf(solved), instantOf(closed)
	return id, t, err
}

// lockTicket returns [ErrNotFound] when there is none of that number.
func lockTicket(ctx context.Context, tx pgx.Tx, number contact.TicketNumber) (*lockedTicket, error) {
	// First the lock, then the reading: what another one wrote meanwhile is seen.
	var id int64
	if err := tx.QueryRow(ctx, `select id from tickets where number = $1 for update`, number).Scan(&id); err != nil {
		return nil, notFound(err)
	}
	rows, err := tx.Query(ctx, `select `+ticketColumns+` from tickets t where t.id = $1`, id)
	if err != nil {
		return nil, err
	}
	locked, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (*lockedTicket, error) {
		id, t, err := scanTicket(row)
		return &lockedTicket{Ticket: t, id: id}, err
	})
	if err != nil {
		return nil, err
	}
	// The user was told by an answer that reached him, or in a conversation that an agent had
	// with him.
	err = tx.QueryRow(ctx, `
		select exists (select from ticket_entries e left join outgoing_mails o on o.entry = e.id
				where e.ticket = $1 and e.kind = 'answer' and o.failed_at is null)
			or exists (select from ticket_contacts l join contacts c on c.id = l.contact
				where l.ticket = $1 and c.channel in ('voice', 'chat')
					and coalesce(c.answered, c.called_back) is not null and not c.unreplied)`, id).Scan(&locked.told)
	return locked, err
}

// add writes the entry and what follows from it to the log, and the row of the ticket with
// it. It returns the entry as it is kept.
func (l *lockedTicket) add(ctx context.Context, tx pgx.Tx, e ticket.Entry, b body) (ticket.Entry, error) {
	kept, err := l.write(ctx, tx, e, b)
	if err != nil {
		return ticket.Entry{}, err
	}
	for _, next := range l.FollowUps(kept) {
		if _, err := l.add(ctx, tx, next, body{}); err != nil {
			return ticket.Entry{}, err
		}
	}
	return kept, nil
}

// write is add without what follows from the entry.
func (l *lockedTicket) write(ctx context.Context, tx pgx.Tx, e ticket.Entry, b body) (ticket.Entry, error) {
	e.At = max(e.At, l.Changed) // another machine's clock may be behind
	e.HTML = b.html != ""
	e.Attachments = nil
	for _, file := range b.files {
		e.Attachments = append(e.Attachments, ticket.Attachment{Name: file.Name, Type: file.Type, Size: int64(len(file.Data))})
	}
	before := l.Ticket
	before.Entries = nil
	changed, err := before.Apply(e, l.told)
	if err != nil {
		return ticket.Entry{}, err
	}
	if err := insertEntry(ctx, tx, l.id, &e, b); err != nil {
		return ticket.Entry{}, err
	}
	l.Ticket = changed
	l.told = l.told || e.Kind == ticket.Answer
	_, err = tx.Exec(ctx, `update tickets set status = $2, changed = $3, solved = $4, closed = $5 where id = $1`,
		l.id, l.Status, l.Changed.Time(), momentOf(l.Solved), momentOf(l.Closed))
	if err != nil {
		return ticket.Entry{}, err
	}
	return e, nil
}

// insertEntry writes an entry that was applied, and fills in the ids that it gets.
func insertEntry(ctx context.Context, tx pgx.Tx, of int64, e *ticket.Entry, b body) error {
	err := tx.QueryRow(ctx, `insert into ticket_entries (ticket, at, kind, agent, text, status, contact, html)
		values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
		of, e.At.Time(), e.Kind, e.Agent, e.Text, e.Status, e.Contact, e.HTML).Scan(&e.ID)
	if err != nil {
		return err
	}
	if e.HTML {
		if _, err := tx.Exec(ctx, `insert into entry_html (entry, html) values ($1, $2)`, e.ID, b.html); err != nil {
			return err
		}
	}
	for i, file := range b.files {
		err := tx.QueryRow(ctx, `insert into attachments (entry, name, type, size, data) values ($1, $2, $3, $4, $5) returning id`,
			e.ID, file.Name, file.Type, len(file.Data), file.Data).Scan(&e.Attachments[i].ID)
		if err != nil {
			return err
		}
	}
	if e.Kind == ticket.Link {
		_, err := tx.Exec(ctx, `insert into ticket_contacts (ticket, contact, at) values ($1, $2, $3) on conflict do nothing`, of, e.Contact, e.At.Time())
		return err
	}
	return nil
}

func momentOf(at contact.Instant) *time.Time {
	if at == 0 {
		return nil
	}
	moment := at.Time()
	return &moment
}

func instantOf(moment *time.Time) contact.Instant {
	if moment == nil {
		return 0
	}
	return contact.InstantOf(*moment)
}
