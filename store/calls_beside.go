package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// Who had a person called is in the event: the contact's agent is who has it now.
const selectOutgoingCalls = `
	with calls as (
		select o.contact || '.' || o.offer as key, o.contact, o.agent, o.destination, o.blind, o.took_over, o.called, o.answered, o.ended, o.failure
		from outside_calls o
		where o.called >= $1 and o.called < $2
		union all
		select c.id, c.id, e.agent, '', false, false, c.arrived, c.answered, coalesce(c.ended, c.closed), c.failure
		from contacts c
		join events e on e.contact = c.id and e.event = 'call-placed'
		where c.outgoing and c.arrived >= $1 and c.arrived < $2
	)
	select key, contact, coalesce((select line from contacts where id = contact), ''), agent, destination, blind, took_over, called, answered, ended, failure
	from calls
	where ($3 = '' or agent = $3) and ($4 = '' or contact = $4) and ($5::timestamptz is null or (called, key) < ($5, $6))
	order by called desc, key desc
	limit $7`

const selectSupervisions = `
	with supervised as (
		select contact || '.' || sequence || '.' || index as key, contact, supervisor, mode, begun, ended, array(
			select agent from contact_segments c
			where c.contact = s.contact and (s.ended is null or c.connected < s.ended) and (c.ended is null or c.ended > s.begun)
			group by agent order by min(connected)) as agents
		from supervisions s
		where begun >= $1 and begun < $2
	)
	select key, contact, coalesce((select line from contacts where id = contact), ''), supervisor, agents, mode, begun, ended
	from supervised
	where ($3 = '' or supervisor = $3 or $3 = any(agents)) and ($4 = '' or contact = $4)
		and ($5::timestamptz is null or (begun, key) < ($5, $6))
	order by begun desc, key desc
	limit $7`

const selectMarks = `
	with marked as (
		select contact || '.' || mark as key, contact, mark, agent, at from contact_marks where at >= $1 and at < $2
	)
	select key, contact, coalesce((select line from contacts where id = contact), ''), mark, agent, at
	from marked
	where ($3 = '' or agent = $3) and ($4 = '' or contact = $4) and ($5::timestamptz is null or (at, key) < ($5, $6))
	order by at desc, key desc
	limit $7`

// OutgoingCalls returns a page of the calls that the desk made.
func (s *Store) OutgoingCalls(ctx context.Context, f report.CallFilter) ([]report.OutgoingCall, error) {
	return pageOfCalls(ctx, s, "outgoing calls", selectOutgoingCalls, f, func(row pgx.CollectableRow) (c report.OutgoingCall, err error) {
		var called time.Time
		var answered, ended *time.Time
		err = row.Scan(&c.Key, &c.Contact, &c.Line, &c.Agent, &c.Destination, &c.Blind, &c.TookOver, &called, &answered, &ended, &c.Failure)
		c.Called, c.Answered, c.Ended = contact.InstantOf(called), instantOf(answered), instantOf(ended)
		return c, err
	})
}

// Supervisions returns a page of who was in whose talk.
func (s *Store) Supervisions(ctx context.Context, f report.CallFilter) ([]report.Supervision, error) {
	return pageOfCalls(ctx, s, "supervisions", selectSupervisions, f, func(row pgx.CollectableRow) (c report.Supervision, err error) {
		var begun time.Time
		var ended *time.Time
		err = row.Scan(&c.Key, &c.Contact, &c.Line, &c.Supervisor, &c.Agents, &c.Mode, &begun, &ended)
		c.Begun, c.Ended = contact.InstantOf(begun), instantOf(ended)
		return c, err
	})
}

// Marks returns a page of the contacts that were marked.
func (s *Store) Marks(ctx context.Context, f report.CallFilter) ([]report.MarkedContact, error) {
	return pageOfCalls(ctx, s, "marks", selectMarks, f, func(row pgx.CollectableRow) (m report.MarkedContact, err error) {
		var at time.Time
		err = row.Scan(&m.Key, &m.Contact, &m.Line, &m.Mark, &m.Agent, &at)
		m.At = contact.InstantOf(at)
		return m, err
	})
}

func pageOfCalls[T any](ctx context.Context, s *Store, what, sql string, f report.CallFilter, scan pgx.RowToFunc[T]) ([]T, error) {
	rows, err := s.pool.Query(ctx, sql, f.From.Time(), f.To.Time(), f.Agent, f.Contact, momentOf(f.Before), f.BeforeKey, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	page, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return page, nil
}
