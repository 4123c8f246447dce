package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

// DueToForget returns contacts of the lines that were closed before the moment and whose
// personal data has not been deleted yet, the oldest first, at most limit.
func (s *Store) DueToForget(ctx context.Context, lines []contact.LineID, closedBefore time.Time, limit int) ([]contact.ID, error) {
	rows, err := s.pool.Query(ctx, `
		select id from contacts c
		where line = any($1) and closed < $2 and not exists (select from forgotten_contacts f where f.contact = c.id)
		order by closed, id limit $3`, append([]contact.LineID{}, lines...), closedBefore, limit)
	if err != nil {
		return nil, fmt.Errorf("look for contacts to forget: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowTo[contact.ID])
	if err != nil {
		return nil, fmt.Errorf("look for contacts to forget: %w", err)
	}
	return due, nil
}

// MarkForgotten empties what this database holds of the contacts' users and writes down that
// they are forgotten. It is called after everything else of them is deleted.
func (s *Store) MarkForgotten(ctx context.Context, ids []contact.ID, now contact.Instant) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update text_contacts set name = '', address = '', subject = '' where contact = any($1)`, ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into forgotten_contacts (contact, at) select distinct unnest($1::text[]), $2::timestamptz on conflict do nothing`, ids, now.Time())
		return err
	})
	if err != nil {
		return fmt.Errorf("forget contacts: %w", err)
	}
	return nil
}
