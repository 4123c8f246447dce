package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"svar/store/migrations"
)

// versionTable holds the number of the last step that was taken, in one row.
const versionTable = "schema_version"

// partingTime bounds how long the end of a connection is waited for.
const partingTime = 5 * time.Second

// Migrate brings the database to the newest schema, each step whole or not at all. Several
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
