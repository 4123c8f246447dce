package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

// QueuedArrivals returns when those contacts of the entrance and channel arrived, from from until before to, that came to the queue,
// in order.
func (s *Store) QueuedArrivals(ctx context.Context, line contact.LineID, channel contact.Channel, from, to time.Time) ([]time.Time, error) {
	rows, err := s.pool.Query(ctx, `select arrived from contacts
		where line = $1 and channel = $2 and arrived >= $3 and arrived < $4 and queued is not null order by arrived`, line, channel, from, to)
	if err != nil {
		return nil, fmt.Errorf("read when contacts arrived: %w", err)
	}
	arrivals, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return nil, fmt.Errorf("read when contacts arrived: %w", err)
	}
	return arrivals, nil
}
