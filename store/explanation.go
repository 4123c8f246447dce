package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// Recorded returns all that was recorded of the contact and is projected, in order; nothing when there
// is no such contact.
func (s *Store) Recorded(ctx context.Context, id contact.ID) ([]report.Recorded, error) {
	rows, err := s.pool.Query(ctx, `select sequence, at, event, contact, data from events where contact = $1 order by sequence, index`, id)
	if err != nil {
		return nil, fmt.Errorf("read what was recorded of a contact: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (report.Recorded, error) {
		stored, err := pgx.RowToStructByPos[Event](row)
		if err != nil {
			return report.Recorded{}, err
		}
		event, err := contact.DecodeEvent(stored.Name, stored.Data)
		if err != nil {
			err = fmt.Errorf("record %d: %w", stored.Sequence, err)
		}
		return report.Recorded{Sequence: stored.Sequence, At: contact.InstantOf(stored.At), Event: event}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was recorded of a contact: %w", err)
	}
	return list, nil
}

// ContactsBeginning returns the ids of contacts that begin so, sorted, at most limit, which must be
// above 0.
func (s *Store) ContactsBeginning(ctx context.Context, prefix string, limit int) ([]contact.ID, error) {
	rows, err := s.pool.Query(ctx, `select id from contacts where starts_with(id, $1) order by id limit $2`, prefix, limit)
	if err != nil {
		return nil, fmt.Errorf("look for contacts: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[contact.ID])
	if err != nil {
		return nil, fmt.Errorf("look for contacts: %w", err)
	}
	return ids, nil
}
