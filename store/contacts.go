package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// ContactFilter says which contacts are wanted: those that arrived in [From, To), newest
// first, at most Limit, which must be above 0; an empty Line, State or Before does not
// narrow. Before is the contact that the page before ended with; nothing comes before one
// that is not there.
type ContactFilter struct {
	From, To time.Time
	Line     contact.LineID
	State    contact.State
	Before   contact.ID
	Limit    int
}

// Contact is a row of the projection.
type Contact struct {
	ID       contact.ID
	Channel  contact.Channel
	Line     contact.LineID
	Audience contact.Audience
	State    contact.State
	EndedAs  contact.End
	Stage    contact.Stage
	Callback bool
	Agent    contact.AgentID
	Outcome  contact.OutcomeCode
	Party    contact.PartyID
	Service  contact.ServiceID
	Ticket   contact.TicketNumber
	// Unreplied is a text that was finished without a reply: Answered is its end.
	Unreplied bool
	// Lapsed is one whose wrap-up ran out.
	Lapsed bool
	// Outgoing is one that the desk began; Failure says why nobody was reached.
	Outgoing bool
	Failure  contact.DialFailure
	// Recording is how far its recording is; empty when there is none.
	Recording contact.RecordingState
	Arrived   time.Time
	// The rest is nil when it did not happen. CalledBack is when the user was reached after a
	// fault that came before any answer.
	Greeted, Queued, Answered, CalledBack, Ended, Closed *time.Time
	// Quality is nil when none was reported.
	Quality *report.CallQuality
	Events  []Event
}

// Event is a recorded event as the projection has it.
type Event struct {
	Sequence uint64
	At       time.Time
	Name     string
	Contact  contact.ID
	Data     json.RawMessage
}

// selectContacts compares with the place of $5 in one way whether it is given or not, so
// that any plan of it begins there in the index.
const selectContacts = `
	select id, channel, line, audience, state, ended_as, stage, callback, agent, outcome, party, service, ticket, unreplied, lapsed, outgoing, failure, recording,
		arrived, greeted, queued, answered, called_back, ended, closed, loss_ppm, remote_loss_ppm, jitter_us, round_trip_us
	from contacts
	where arrived >= $1 and arrived < $2
		and ($3 = '' or line = $3)
		and ($4 = '' or state = $4)
		and (arrived, id) < (case when $5 = '' then 'infinity' else (select arrived from contacts where id = $5) end, $5)
	order by arrived desc, id desc
	limit $6`

const selectEventsOf = `
	select sequence, at, event, contact, data from events
	where contact = any($1) order by sequence, index`

// Contacts returns a page of contacts, each with its events in order, all as of one moment.
func (s *Store) Contacts(ctx context.Context, f ContactFilter) ([]Contact, error) {
	var contacts []Contact
	oneMoment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectContacts, f.From, f.To, f.Line, f.State, f.Before, f.Limit)
		if err != nil {
			return err
		}
		contacts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Contact, error) {
			var c Contact
			var loss, remoteLoss, jitter, roundTrip *uint32
			err := row.Scan(&c.ID, &c.Channel, &c.Line, &c.Audience, &c.State, &c.EndedAs, &c.Stage, &c.Callback, &c.Agent, &c.Outcome,
				&c.Party, &c.Service, &c.Ticket, &c.Unreplied, &c.Lapsed, &c.Outgoing, &c.Failure, &c.Recording, &c.Arrived, &c.Greeted, &c.Queued, &c.Answered, &c.CalledBack, &c.Ended, &c.Closed,
				&loss, &remoteLoss, &jitter, &roundTrip)
			c.Quality = qualityOf(loss, remoteLoss, jitter, roundTrip)
			return c, err
		})
		if err != nil {
			return err
		}
		return addEvents(ctx, tx, contacts)
	})
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return contacts, nil
}

func addEvents(ctx context.Context, tx pgx.Tx, contacts []Contact) error {
	at := map[contact.ID]*Contact{}
	ids := make([]contact.ID, 0, len(contacts))
	for i := range contacts {
		at[contacts[i].ID] = &contacts[i]
		ids = append(ids, contacts[i].ID)
	}
	rows, err := tx.Query(ctx, selectEventsOf, ids)
	if err != nil {
		return err
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
	if err != nil {
		return err
	}
	for _, event := range events {
		c := at[event.Contact]
		c.Events = append(c.Events, event)
	}
	return nil
}

// Cohort hands the events of the query's contacts to add, in the order in which they were
// recorded, with their times.
func (s *Store) Cohort(ctx context.Context, query report.Query, add func(contact.Event, contact.Instant)) error {
	rows, err := s.pool.Query(ctx, `
		select e.sequence, e.at, e.event, e.data
		from events e join contacts c on c.id = e.contact
		where c.arrived >= $1 and c.arrived < $2
			and ($3 = '' or c.channel = $3) and ($4 = '' or c.line = $4) and ($5 = '' or c.audience = $5)
		order by e.sequence, e.index`, query.From, query.To, query.Channel, query.Line, query.Audience)
	if err != nil {
		return fmt.Errorf("read a cohort: %w", err)
	}
	var stored Event
	_, err = pgx.ForEachRow(rows, []any{&stored.Sequence, &stored.At, &stored.Name, &stored.Data}, func() error {
		event, err := contact.DecodeEvent(stored.Name, stored.Data)
		if err != nil {
			return fmt.Errorf("record %d: %w", stored.Sequence, err)
		}
		add(event, contact.InstantOf(stored.At))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read a cohort: %w", err)
	}
	return nil
}
