package store

import (
	"context"
	"fmt"
	"time"

	"svar/contact"
)

// Day are counts of the contacts that arrived in an interval.
type Day struct {
	// Handled counts, by agent, the contacts that were finished.
	Handled map[contact.AgentID]int
	// WithinTarget were answered within their target, counted from the queue. Answerable
	// are all that count for it: answered, or past it: abandoned in queue or ringing after
	// at least short, dropped, or still waiting past their target.
	WithinTarget, Answerable int
}

// Figures counts the contacts that arrived in [from, to), as of now. Contacts abandoned in
// less than short do not count as answerable.
func (s *Store) Figures(ctx context.Context, from, to, now time.Time, short time.Duration) (Day, error) {
	day := Day{Handled: map[contact.AgentID]int{}}
	rows, err := s.pool.Query(ctx, `
		select agent, count(*) from contacts
		where arrived >= $1 and arrived < $2 and ended_as = 'handled' and agent <> '' group by agent`, from, to)
	if err != nil {
		return Day{}, fmt.Errorf("count the day's contacts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var agent contact.AgentID
		var n int
		if err := rows.Scan(&agent, &n); err != nil {
			return Day{}, fmt.Errorf("count the day's contacts: %w", err)
		}
		day.Handled[agent] = n
	}
	if err := rows.Err(); err != nil {
		return Day{}, fmt.Errorf("count the day's contacts: %w", err)
	}
	err = s.pool.QueryRow(ctx, `
		with counted as (
			select answered, ended_as, stage, waited_ms, closed, callback,
				queued + target_ms * interval '1 millisecond' as due
			from contacts where arrived >= $1 and arrived < $2 and ended_as <> 'refused'
		)
		select
			count(*) filter (where answered <= due),
			count(*) filter (where answered is not null
				or ended_as = 'dropped'
				or (ended_as = 'abandoned' and stage in ('queue', 'ringing') and waited_ms >= $4)
				or (closed is null and $3 > due))
		from counted`, from, to, now, short.Milliseconds()).Scan(&day.WithinTarget, &day.Answerable)
	if err != nil {
		return Day{}, fmt.Errorf("count the day's contacts: %w", err)
	}
	return day, nil
}
