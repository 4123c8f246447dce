package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"svar/report"
)

var selectAgentFigures = `
	select agent, count(*), count(*) filter (where parted = 'finished'), count(*) filter (where parted = 'handed-over'),
		count(*) filter (where parted = 'transferred'), count(*) filter (where parted = 'promised'),
		count(*) filter (where parted = 'returned'), count(*) filter (where parted = 'dropped'), count(*) filter (where lapsed),
		` + timesOf("talk_ms") + `, ` + timesOf("held_ms") + `, ` + timesOf("wrap_up_ms") + `
	from (
		select s.agent, s.parted, s.lapsed, s.talk_ms, s.held_ms, s.wrap_up_ms
		from contact_segments s join contacts c on c.id = s.contact
		where s.parted <> '' and c.arrived >= $1 and c.arrived < $2
			and ($3 = '' or c.channel = $3) and ($4 = '' or c.line = $4) and ($5 = '' or c.audience = $5)
	) theirs
	group by agent
	order by agent collate "C"`

// AgentFigures counts what each agent had to do with the contacts of the query, whose
// interval and moment do not matter here. It says what the fold of package report says of the
// same events; see [report.AgentRow].
func (s *Store) AgentFigures(ctx context.Context, query report.Query) ([]report.AgentRow, error) {
	found, err := s.pool.Query(ctx, selectAgentFigures, query.From, query.To, query.Channel, query.Line, query.Audience)
	if err != nil {
		return nil, fmt.Errorf("count the agents' contacts: %w", err)
	}
	rows, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (report.AgentRow, error) {
		var r report.AgentRow
		into := []any{&r.Agent, &r.Segments, &r.Finished, &r.HandedOver, &r.Transferred, &r.Promised, &r.Returned, &r.Dropped, &r.Lapsed}
		for _, t := range []*report.Times{&r.Talk, &r.Held, &r.WrapUp} {
			into = append(into, timesInto(t)...)
		}
		err := row.Scan(into...)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("count the agents' contacts: %w", err)
	}
	return rows, nil
}
