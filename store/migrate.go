package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"svar/store/migrations"
)

// versionTable holds the number of the last step that was taken, in one row.
const versionTable = "schema_version"

// partingTime bounds how long the end of a connection is waited for.
const partingTime = 5 * time.Second

// jobsVersion is the step of River's own schema that the pinned River works with.
const jobsVersion = 8

// jobsLock is PostgreSQL's advisory lock that one process holds while it brings River's tables
// up: "svar" and "jobs" in ASCII.
const jobsLock = 0x73766172_6a6f6273

// Migrate brings the database to the newest schema, River's tables of jobs with it, each
// step whole or not at all. Several
// processes may call it at the same time: one works, the others wait for it. A database
// that is newer than this version of svar is refused and not changed. The error is
// [ErrAddress] or a [*ConnectError] when there is no connection.
func Migrate(ctx context.Context, connString string) error {
	config, err := parseConnConfig(connString)
	if err != nil {
		return err
	}
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connectError(config, err)
	}
	err = migrateOn(ctx, connection)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer cancel()
	return errors.Join(err, connection.Close(ctx))
}

func migrateOn(ctx context.Context, connection *pgx.Conn) error {
	migrator, err := newMigrator(ctx, connection)
	if err != nil {
		return err
	}
	current, err := migrator.GetCurrentVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if newest := len(migrator.Migrations); int(current) > newest {
		return fmt.Errorf("the database has schema %d, but this version of svar knows only up to %d: use the newer version of svar, or restore a backup", current, newest)
	}
	if err := migrator.Migrate(ctx); err != nil {
		return fmt.Errorf("bring the database to the newest schema: %w", err)
	}
	return migrateJobs(ctx, connection)
}

// migrateJobs brings River's tables up, each step in a transaction of its own: a later one
// uses the values that an earlier one adds to a type. The lock is the session's.
func migrateJobs(ctx context.Context, connection *pgx.Conn) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Logger: silent})
	if err != nil {
		return fmt.Errorf("read the steps of the jobs' schema: %w", err)
	}
	if _, err := connection.Exec(ctx, `select pg_advisory_lock($1)`, int64(jobsLock)); err != nil {
		return fmt.Errorf("wait until nobody else changes the jobs' schema: %w", err)
	}
	options := &rivermigrate.MigrateOpts{TargetVersion: jobsVersion, MaxSteps: 1}
	for done := false; !done; {
		err := pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error {
			// Each step has its own transaction here, which is what the deprecation warns of.
			step, err := migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, options) //nolint:staticcheck // see above
			done = err == nil && len(step.Versions) == 0
			return err
		})
		if err != nil {
			return fmt.Errorf("bring the tables of jobs to their newest schema: %w", err)
		}
	}
	return nil
}

func newMigrator(ctx context.Context, connection *pgx.Conn) (*migrate.Migrator, error) {
	migrator, err := migrate.NewMigrator(ctx, connection, versionTable)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	if err := migrator.LoadMigrations(migrations.Files); err != nil {
		return nil, fmt.Errorf("read the schema's steps: %w", err)
	}
	return migrator, nil
}
