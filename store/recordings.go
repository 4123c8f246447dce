package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

// Recording is a file with what was recorded of a call.
type Recording struct {
	Contact contact.ID
	// File is its name below the directory of recordings.
	File string
	// SHA256 is its checksum in hexadecimal.
	SHA256 string
	Bytes  int64
	Length contact.Millis
	// Ended is when the file was whole.
	Ended time.Time
	// DeleteAfter is until when it may be kept; nil when the node did not say.
	DeleteAfter *time.Time
}

// recordingsThere are those that are not deleted.
const recordingsThere = `
	select contact, file, sha256, bytes, length_ms, ended, delete_after from recordings r
	where not exists (select from deleted_recordings d where d.contact = r.contact and d.file = r.file)`

// RecordingOf returns the newest recording of the contact that is not deleted. The error is [ErrNotFound] when there is
// none.
func (s *Store) RecordingOf(ctx context.Context, id contact.ID) (Recording, error) {
	rows, err := s.pool.Query(ctx, recordingsThere+` and contact = $1 order by ended desc, file limit 1`, id)
	if err != nil {
		return Recording{}, fmt.Errorf("look for the recording of contact %s: %w", id, err)
	}
	recording, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Recording])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Recording{}, fmt.Errorf("look for the recording of contact %s: %w", id, err)
	}
	return recording, nil
}

// RecordingsDue returns recordings that may be kept no longer at now, the oldest first, at most limit.
func (s *Store) RecordingsDue(ctx context.Context, now time.Time, limit int) ([]Recording, error) {
	rows, err := s.pool.Query(ctx, recordingsThere+` and delete_after <= $1 order by delete_after, contact, file limit $2`, now, limit)
	if err != nil {
		return nil, fmt.Errorf("look for recordings to delete: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Recording])
	if err != nil {
		return nil, fmt.Errorf("look for recordings to delete: %w", err)
	}
	return due, nil
}

// MarkRecordingDeleted writes down that the file is deleted. It is called after it is.
func (s *Store) MarkRecordingDeleted(ctx context.Context, id contact.ID, file string, now contact.Instant) error {
	_, err := s.pool.Exec(ctx, `insert into deleted_recordings (contact, file, at) values ($1, $2, $3) on conflict do nothing`, id, file, now.Time())
	if err != nil {
		return fmt.Errorf("write down that the recording of contact %s is deleted: %w", id, err)
	}
	return nil
}
