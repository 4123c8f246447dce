package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/identity"
)

// LogAccess adds to the log who has read about whom, all or none.
func (s *Store) LogAccess(ctx context.Context, accesses []identity.Access) error {
	columns := []string{"at", "account", "surface", "person", "contact", "ticket", "reason"}
	_, err := s.pool.CopyFrom(ctx, pgx.Identifier{"access_log"}, columns, pgx.CopyFromSlice(len(accesses), func(i int) ([]any, error) {
		a := accesses[i]
		return []any{a.At, a.Account, a.Surface, string(a.Person), a.Contact, a.Ticket, a.Reason}, nil
	}))
	if err != nil {
		return fmt.Errorf("log who has read about whom: %w", err)
	}
	return nil
}

// AccessLog returns the accesses of [from, to), newest first, at most limit.
func (s *Store) AccessLog(ctx context.Context, from, to time.Time, limit int) ([]identity.Access, error) {
	rows, err := s.pool.Query(ctx, `select at, account, surface, contact, ticket, person, reason from access_log
		where at >= $1 and at < $2 order by at desc, id desc limit $3`, from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("read who has read about whom: %w", err)
	}
	accesses, err := pgx.CollectRows(rows, pgx.RowToStructByPos[identity.Access])
	if err != nil {
		return nil, fmt.Errorf("read who has read about whom: %w", err)
	}
	return accesses, nil
}
