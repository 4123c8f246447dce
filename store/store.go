package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is a pool of connections. Its methods may be called concurrently.
type Store struct{ pool *pgxpool.Pool }

// Open connects to the database, which must have the newest schema; see [Migrate]. The
// error is [ErrAddress] or a [*ConnectError].
func Open(ctx context.Context, connString string) (*Store, error) {
	config, err := parsePoolConfig(connString)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("set up the connections to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, connectError(config.ConnConfig, err)
	}
	return &Store{pool: pool}, nil
}

// Close ends all connections, after the calls that are under way.
func (s *Store) Close() { s.pool.Close() }
