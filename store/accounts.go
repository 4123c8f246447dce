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

// ErrAccountExists: an account of that name is there already.
var ErrAccountExists = errors.New("the account is there already")

// uniqueViolation is PostgreSQL's code for a key that is there (SQLSTATE 23505).
const uniqueViolation = "23505"

// Accounts returns all accounts, sorted by name.
func (s *Store) Accounts(ctx context.Context) ([]identity.Account, error) {
	rows, err := s.pool.Query(ctx, `
		select a.name, a.display_name, a.role, a.password_hash, a.active, a.sees_protected, a.reserved,
			coalesce(array_agg(k.skill order by k.skill) filter (where k.skill is not null), '{}'),
			coalesce(array_agg(k.level order by k.skill) filter (where k.skill is not null), '{}')
		from accounts a left join account_skills k on k.account = a.name
		group by a.name order by a.name`)
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (identity.Account, error) {
		var a identity.Account
		var skills []string
		var levels []int16
		if err := row.Scan(&a.Name, &a.DisplayName, &a.Role, &a.PasswordHash, &a.Active, &a.SeesProtected, &a.Reserved, &skills, &levels); err != nil {
			return identity.Account{}, err
		}
		for i, skill := range skills {
			a.Skills = append(a.Skills, identity.Skill{Name: skill, Level: uint8(levels[i])}) // 1 to 5, checked by the table
		}
		return a, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	return accounts, nil
}

// AddAccounts adds accounts that have passed their Check, all or none. [ErrAccountExists]
// says that one is there already.
func (s *Store) AddAccounts(ctx context.Context, now time.Time, accounts ...identity.Account) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for _, a := range accounts {
			batch.Queue(`insert into accounts (name, display_name, role, password_hash, active, sees_protected, reserved, created) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
				a.Name, a.DisplayName, a.Role, a.PasswordHash, a.Active, a.SeesProtected, a.Reserved, now)
			for _, skill := range a.Skills {
				batch.Queue(`insert into account_skills (account, skill, level) values ($1, $2, $3)`, a.Name, skill.Name, int16(skill.Level))
			}
		}
		batch.Queue(`select pg_notify($1, 'accounts')`, changedChannel)
		return tx.SendBatch(ctx, batch).Close()
	})
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == uniqueViolation {
		return fmt.Errorf("add an account: %w", ErrAccountExists)
	}
	if err != nil {
		return fmt.Errorf("add an account: %w", err)
	}
	return nil
}
