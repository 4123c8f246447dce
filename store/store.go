package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Store is a pool of connections. Its methods may be called concurrently.
type Store struct {
	pool *pgxpool.Pool
	// jobs adds jobs to transactions; [Store.StartJobs] works them.
	jobs *river.Client[pgx.Tx]
}

// connections are how many a pool opens at most, unless its address says another number: one
// listens for jobs, and those that work must not wait for one another.
const connections = 12

// Open connects to the database, which must have the newest schema; see [Migrate]. The
// error is [ErrAddress] or a [*ConnectError].
func Open(ctx context.Context, connString string) (*Store, error) {
	config, err := parsePoolConfig(connString)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(connString, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, connections)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("set up the connections to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, connectError(config.ConnConfig, err)
	}
	jobs, err := newJobInserter(pool)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &Store{pool: pool, jobs: jobs}, nil
}

// Close ends all connections, after the calls that are under way.
func (s *Store) Close() { s.pool.Close() }
