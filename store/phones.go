package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"svar/identity"
)

// ErrNoAccount: there is no account of that name.
var ErrNoAccount = errors.New("there is no such account")

// foreignKeyViolation is PostgreSQL's code for a row that refers to none (SQLSTATE 23503).
const foreignKeyViolation = "23503"

// PhoneSecrets returns the secrets of desk phones by account.
func (s *Store) PhoneSecrets(ctx context.Context) (map[string]identity.PhoneSecret, error) {
	rows, err := s.pool.Query(ctx, `select account, ha1_md5, ha1_sha256 from phones`)
	if err != nil {
		return nil, fmt.Errorf("read the desk phones: %w", err)
	}
	secrets := map[string]identity.PhoneSecret{}
	var account string
	var secret identity.PhoneSecret
	if _, err := pgx.ForEachRow(rows, []any{&account, &secret.MD5, &secret.SHA256}, func() error {
		secrets[account] = secret
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the desk phones: %w", err)
	}
	return secrets, nil
}

// PutPhoneSecret gives an account's desk phone another secret. Every server hears of it.
// [ErrNoAccount] says that there is no such account.
func (s *Store) PutPhoneSecret(ctx context.Context, now time.Time, account string, secret identity.PhoneSecret) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`insert into phones (account, ha1_md5, ha1_sha256, created) values ($1, $2, $3, $4)
			on conflict (account) do update set ha1_md5 = excluded.ha1_md5, ha1_sha256 = excluded.ha1_sha256, created = excluded.created`,
			account, secret.MD5, secret.SHA256, now)
		batch.Queue(`select pg_notify($1, 'accounts')`, changedChannel)
		return tx.SendBatch(ctx, batch).Close()
	})
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == foreignKeyViolation {
		return fmt.Errorf("keep a desk phone's secret: %w", ErrNoAccount)
	}
	if err != nil {
		return fmt.Errorf("keep a desk phone's secret: %w", err)
	}
	return nil
}

// RemovePhoneSecret takes an account's desk phone away. It reports whether there was one.
func (s *Store) RemovePhoneSecret(ctx context.Context, account string) (bool, error) {
	removed := false
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from phones where account = $1`, account)
		if err != nil {
			return err
		}
		removed = tag.RowsAffected() > 0
		_, err = tx.Exec(ctx, `select pg_notify($1, 'accounts')`, changedChannel)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("remove a desk phone: %w", err)
	}
	return removed, nil
}
