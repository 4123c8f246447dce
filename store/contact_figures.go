package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/report"
)

// cohortOf says of every contact of a query what the fold of package report says: when it
// was answered or reached, and when that was due. $6 is now, $7 the limit of short abandons
// in milliseconds, $8 the unit of the interval, ” for the total.
const cohortOf = `
	with told as (
		select *, $6::timestamptz as as_of,
			case when $8 = '' then $1::timestamptz
				-- An hour of the clock is one of UTC: the one that comes twice is two.
				when $8 = 'hour' then date_trunc('hour', arrived, 'UTC')
				else date_trunc($8, arrived, 'Europe/Stockholm') end as start,
			coalesce(answered, called_back, case when ended_as in ('handled', 'handed-over') then closed end) as reached,
			queued + target_ms * interval '1 millisecond' as due,
			arrived + target_ms * interval '1 millisecond' as strictly_due,
			stage in ('queue', 'ringing') as left_queue
		from contacts
		where not outgoing and arrived >= $1 and arrived < $2
			and ($3 = '' or channel = $3) and ($4 = '' or line = $4) and ($5 = '' or audience = $5)
	), cohort as (
		select told.*, handled.*, talk_ms + held_ms + wrap_up_ms as handling_ms,
			reached is null and ended_as = 'abandoned' as abandoned,
			waited_ms < $7 as short,
			round(extract(epoch from answered - arrived) * 1000)::bigint as from_arrival,
			-- greatest passes over nulls: it would make 0 of what was never answered.
			case when answered is not null then
				greatest(round(extract(epoch from answered - coalesce(queued, 'epoch')) * 1000)::bigint, 0) end as from_queue
		from told
		-- Nothing is the sum of no segments, and nothing is told of what is open still.
		left join lateral (
			select sum(talk_ms)::bigint as talk_ms, sum(held_ms)::bigint as held_ms, sum(wrap_up_ms)::bigint as wrap_up_ms
			from contact_segments where contact = told.id
		) handled on closed is not null
	)`

// timesOf counts the values of a column that are there: see [report.Times].
func timesOf(column string) string {
	return fmt.Sprintf(`count(%[1]s), coalesce(div(sum(%[1]s), nullif(count(%[1]s), 0)), 0)::bigint,
		coalesce(percentile_disc(0.5) within group (order by %[1]s), 0),
		coalesce(percentile_disc(0.9) within group (order by %[1]s), 0), coalesce(max(%[1]s), 0)`, column)
}

// timesInto are where what [timesOf] counts is scanned into.
func timesInto(t *report.Times) []any { return []any{&t.N, &t.Mean, &t.Median, &t.P90, &t.Max} }

var selectContactFigures = cohortOf + `
	select start, channel, line, audience, count(*),
		count(answered), count(*) filter (where unreplied),
		count(*) filter (where answered is null and reached is not null),
		count(*) filter (where ended_as = 'handed-over'),
		count(*) filter (where transfers > 0), coalesce(sum(transfers), 0),
		count(*) filter (where to_call_back), count(*) filter (where reached_by_call), coalesce(sum(tries), 0), count(*) filter (where rejoined),
		count(*) filter (where answered is null and ended_as = 'outside-hours'),
		count(*) filter (where answered is null and ended_as = 'refused'),
		count(*) filter (where reached is null and ended_as = 'dropped'),
		count(*) filter (where reached is null and closed is null),
		count(*) filter (where reached <= due),
		count(*) filter (where reached is not null or ended_as = 'dropped' or (abandoned and left_queue and not short) or (closed is null and as_of > due)),
		count(*) filter (where reached <= strictly_due and queued is not null),
		count(*) filter (where reached is not null or ended_as = 'dropped' or abandoned or (closed is null and queued is not null and as_of > strictly_due)),
		count(*) filter (where lapsed),
		` + timesOf("from_arrival") + `, ` + timesOf("from_queue") + `,
		` + timesOf("talk_ms") + `, ` + timesOf("held_ms") + `, ` + timesOf("wrap_up_ms") + `, ` + timesOf("handling_ms") + `
	from cohort
	group by start, channel, line, audience
	order by start, channel collate "C", line collate "C", audience collate "C"`

const selectAbandoned = cohortOf + `
	select start, channel, line, audience, stage, count(*), count(*) filter (where short)
	from cohort where abandoned
	group by start, channel, line, audience, stage`

// ContactFigures counts the contacts of the query, by interval, channel, line and audience.
// It says what the fold of package report says of the same events; see [report.Row].
func (s *Store) ContactFigures(ctx context.Context, query report.Query) ([]report.Row, error) {
	unit := string(query.By)
	if query.By == report.Total {
		unit = ""
	}
	arguments := []any{query.From, query.To, query.Channel, query.Line, query.Audience, query.Now, int64(report.ShortAbandon), unit}
	var rows []report.Row
	oneMoment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, selectContactFigures, arguments...)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (report.Row, error) {
			return scanFigures(row, query)
		})
		if err != nil {
			return err
		}
		if err := addAbandoned(ctx, tx, rows, query, arguments); err != nil {
			return err
		}
		rows, err = addOutgoing(ctx, tx, rows, query, arguments)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the contacts: %w", err)
	}
	return rows, nil
}

func scanFigures(row pgx.CollectableRow, query report.Query) (report.Row, error) {
	var r report.Row
	into := []any{
		&r.Start, &r.Channel, &r.Line, &r.Audience, &r.Offered,
		&r.Answered, &r.Unreplied, &r.CalledBack, &r.HandedOver, &r.Transferred, &r.Transfers,
		&r.Callbacks.Contacts, &r.Callbacks.Reached, &r.Callbacks.Tries, &r.Callbacks.Rejoined, &r.OutsideHours, &r.Refused, &r.Dropped, &r.Open,
		&r.WithinTarget, &r.Answerable, &r.StrictWithin, &r.StrictAnswerable, &r.Handling.Lapsed,
	}
	for _, t := range []*report.Times{
		&r.FromArrival, &r.FromQueue, &r.Handling.Talk, &r.Handling.Held, &r.Handling.WrapUp, &r.Handling.Total,
	} {
		into = append(into, timesInto(t)...)
	}
	err := row.Scan(into...)
	r.Start = query.By.Start(r.Start, query.From)
	r.Abandoned = nobodyLeft()
	return r, err
}

// nobodyLeft counts nobody at each stage.
func nobodyLeft() []report.Abandoned {
	var abandoned []report.Abandoned
	for _, stage := range report.Stages() {
		abandoned = append(abandoned, report.Abandoned{Stage: stage})
	}
	return abandoned
}

// addAbandoned adds who left, by stage, to the rows that are there.
func addAbandoned(ctx context.Context, tx pgx.Tx, rows []report.Row, query report.Query, arguments []any) error {
	at := map[report.Key]*report.Row{}
	for i := range rows {
		at[atInstant(rows[i].Key)] = &rows[i]
	}
	found, err := tx.Query(ctx, selectAbandoned, append(arguments[:5:5], nil, arguments[6], arguments[7])...)
	if err != nil {
		return err
	}
	var key report.Key
	var left report.Abandoned
	_, err = pgx.ForEachRow(found, []any{&key.Start, &key.Channel, &key.Line, &key.Audience, &left.Stage, &left.Count, &left.Short}, func() error {
		key.Start = query.By.Start(key.Start, query.From)
		row := at[atInstant(key)]
		for i := range row.Abandoned {
			if row.Abandoned[i].Stage == left.Stage {
				row.Abandoned[i] = left
				return nil
			}
		}
		row.Abandoned = append(row.Abandoned, left) // a stage of a newer version: nothing is left out
		return nil
	})
	return err
}

// selectOutgoing counts what the desk began itself: it came in nowhere, and stands in no other figure.
const selectOutgoing = `
	select start, channel, line, audience, count(*), count(*) filter (where reached)
	from (
		select channel, line, audience, answered is not null or called_back is not null as reached,
			case when $6 = '' then $1::timestamptz
				when $6 = 'hour' then date_trunc('hour', arrived, 'UTC')
				else date_trunc($6, arrived, 'Europe/Stockholm') end as start
		from contacts
		where outgoing and arrived >= $1 and arrived < $2
			and ($3 = '' or channel = $3) and ($4 = '' or line = $4) and ($5 = '' or audience = $5)
	) placed
	group by start, channel, line, audience`

// addOutgoing adds what the desk began to the rows, and rows where there is nothing else.
func addOutgoing(ctx context.Context, tx pgx.Tx, rows []report.Row, query report.Query, arguments []any) ([]report.Row, error) {
	found, err := tx.Query(ctx, selectOutgoing, append(arguments[:5:5], arguments[7])...)
	if err != nil {
		return nil, err
	}
	var key report.Key
	var placed report.Outgoing
	_, err = pgx.ForEachRow(found, []any{&key.Start, &key.Channel, &key.Line, &key.Audience, &placed.Calls, &placed.Reached}, func() error {
		key.Start = query.By.Start(key.Start, query.From)
		at, is := slices.BinarySearchFunc(rows, key, func(row report.Row, key report.Key) int { return row.Compare(key) })
		if !is {
			rows = slices.Insert(rows, at, report.Row{Key: key, Abandoned: nobodyLeft()})
		}
		rows[at].Outgoing = placed
		return nil
	})
	return rows, err
}

// atInstant makes keys of one instant equal, whatever zone it is shown in.
func atInstant(key report.Key) report.Key {
	key.Start = time.UnixMicro(key.Start.UnixMicro()).UTC()
	return key
}
