package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"

	"svar/store/migrations"
	"svar/store/private"
)

// Store is a pool of connections. Its methods may be called concurrently.
type Store struct{ pool *pgxpool.Pool }

// Open connects to the database, which must have the newest schema; see [Migrate].
func Open(ctx context.Context, connString string) (*Store, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	private.PrepareConfig(&config.ConnConfig.Config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Close ends all connections.
func (s *Store) Close() { s.pool.Close() }

// Migrate brings the database to the newest schema. Several processes may call it at the
// same time; a database that is newer than this version of svar is refused.
func Migrate(ctx context.Context, connString string) error {
	config, err := pgx.ParseConfig(connString)
	if err != nil {
		return fmt.Errorf("read the database's address: %w", err)
	}
	private.PrepareConfig(&config.Config)
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	migrateErr := migrateOn(ctx, connection)
	return errors.Join(migrateErr, connection.Close(ctx))
}

func migrateOn(ctx context.Context, connection *pgx.Conn) error {
	migrator, err := migrate.NewMigrator(ctx, connection, "schema_version")
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if err := migrator.LoadMigrations(migrations.Files); err != nil {
		return fmt.Errorf("read the schema's steps: %w", err)
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
