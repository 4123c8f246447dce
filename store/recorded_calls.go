package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// A call may have several files: the newest counts, as in [Store.RecordingOf]. The place of $6 is compared in one way whether it is
// given or not, as in selectContacts.
const selectRecordedCalls = `
	select distinct on (c.arrived, c.id) c.id, c.line, c.ticket, c.outgoing, c.arrived, r.length_ms, r.delete_after,
		array(select agent from contact_segments where contact = c.id group by agent order by min(connected))
	from recordings r
	join contacts c on c.id = r.contact
	where not exists (select from deleted_recordings d where d.contact = r.contact and d.file = r.file)
		and (r.delete_after is null or r.delete_after > $7)
		and c.arrived >= $1 and c.arrived < $2
		and ($3 = '' or exists (select from contact_segments where contact = c.id and agent = $3))
		and ($4 = '' or c.ticket = $4 or exists (
			select from ticket_contacts l join tickets t on t.id = l.ticket where l.contact = c.id and t.number = $4))
		and ($5 = '' or c.id = $5)
		and (c.arrived, c.id) < (case when $6 = '' then 'infinity' else (select arrived from contacts where id = $6) end, $6)
	order by c.arrived desc, c.id desc, r.ended desc, r.file
	limit $8`

// RecordedCalls returns a page of the calls of which a recording is kept.
func (s *Store) RecordedCalls(ctx context.Context, f report.RecordedCallFilter) ([]report.RecordedCall, error) {
	rows, err := s.pool.Query(ctx, selectRecordedCalls, f.From.Time(), f.To.Time(), f.Agent, f.Ticket, f.Contact, f.Before, f.Now.Time(), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read recorded calls: %w", err)
	}
	calls, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (report.RecordedCall, error) {
		var c report.RecordedCall
		var arrived time.Time
		var deleteAfter *time.Time
		err := row.Scan(&c.Contact, &c.Line, &c.Ticket, &c.Outgoing, &arrived, &c.Length, &deleteAfter, &c.Agents)
		c.Arrived, c.DeleteAfter = contact.InstantOf(arrived), instantOr0(deleteAfter)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read recorded calls: %w", err)
	}
	return calls, nil
}
