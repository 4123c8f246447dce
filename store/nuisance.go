package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

// NuisanceMark is a call that an agent marked as a nuisance. Caller is a keyed hash of the number: the number
// itself is not kept with it.
type NuisanceMark struct {
	Contact contact.ID
	Caller  []byte
	At      time.Time
}

// MarkNuisance keeps a mark; one per contact.
func (s *Store) MarkNuisance(ctx context.Context, mark NuisanceMark) error {
	_, err := s.pool.Exec(ctx, `insert into nuisance_marks (contact, caller, at) values ($1, $2, $3) on conflict do nothing`, mark.Contact, mark.Caller, mark.At)
	if err != nil {
		return fmt.Errorf("keep a nuisance: %w", err)
	}
	return nil
}

// NuisanceMarks returns the marks since then, the oldest first.
func (s *Store) NuisanceMarks(ctx context.Context, since time.Time) ([]NuisanceMark, error) {
	rows, err := s.pool.Query(ctx, `select contact, caller, at from nuisance_marks where at >= $1 order by at, contact`, since)
	if err != nil {
		return nil, fmt.Errorf("read the nuisances: %w", err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[NuisanceMark])
	if err != nil {
		return nil, fmt.Errorf("read the nuisances: %w", err)
	}
	return marks, nil
}

// ForgetNuisance deletes the marks from before then.
func (s *Store) ForgetNuisance(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `delete from nuisance_marks where at < $1`, before); err != nil {
		return fmt.Errorf("forget nuisances: %w", err)
	}
	return nil
}
