package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

// Day are counts of the contacts that arrived in an interval.
type Day struct {
	// Handled counts, by agent, the contacts that were finished, those handed over included.
	Handled map[contact.AgentID]int
	// WithinTarget were answered within their target, counted from the queue. Answerable
	// are all that count for it: those answered, and those missed: abandoned in queue or
	// ringing after at least short, dropped, or waiting past their target now. A
	// call-back that was finished without an earlier answer counts as answered then.
	WithinTarget, Answerable int
}

// Figures counts the contacts that arrived in [from, to), as of now. Contacts abandoned in
// less than short do not count as answerable.
func (s *Store) Figures(ctx context.Context, from, to, now time.Time, short time.Duration) (Day, error) {
	day := Day{Handled: map[contact.AgentID]int{}}
	rows, err := s.pool.Query(ctx, `
		select agent, count(*) from contacts
		where arrived >= $1 and arrived < $2 and ended_as in ('handled', 'handed-over') group by agent`, from, to)
	if err != nil {
		return Day{}, fmt.Errorf("count the contacts by agent: %w", err)
	}
	var agent contact.AgentID
	var handled int
	if _, err := pgx.ForEachRow(rows, []any{&agent, &handled}, func() error {
		day.Handled[agent] = handled
		return nil
	}); err != nil {
		return Day{}, fmt.Errorf("count the contacts by agent: %w", err)
	}
	err = s.pool.QueryRow(ctx, `
		with cohort as (
			select coalesce(answered, called_back, case when ended_as in ('handled', 'handed-over') then closed end) as reached,
				queued + target_ms * interval '1 millisecond' as due,
				ended_as, stage, waited_ms, closed
			from contacts where not outgoing and arrived >= $1 and arrived < $2
		)
		select
			count(*) filter (where reached <= due),
			count(*) filter (where reached is not null
				or ended_as = 'dropped'
				or (ended_as = 'abandoned' and stage in ('queue', 'ringing') and waited_ms >= $4)
				or (closed is null and $3 > due))
		from cohort`, from, to, now, short.Milliseconds()).Scan(&day.WithinTarget, &day.Answerable)
	if err != nil {
		return Day{}, fmt.Errorf("count the contacts answered within their target: %w", err)
	}
	return day, nil
}
