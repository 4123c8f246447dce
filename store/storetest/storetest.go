package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"svar/store/private"
)

// Migrate brings the empty database of the connection string to the newest schema. The string is of the kind that
// private.Cluster.ConnString returns.
type Migrate func(ctx context.Context, connString string) error

// template is the migrated database that every test's own is copied from. PostgreSQL copies only a database that
// nobody is connected to, so nobody is after it was made.
const template = "template_migrated"

// limit bounds the set-up and each step of it; it is far above what they take.
const limit = 2 * time.Minute

// shared is the cluster of this test binary.
var shared binaryCluster

type binaryCluster struct {
	migrate Migrate // set by Main before any test runs

	start     sync.Once
	err       error
	directory string
	cluster   *private.Cluster
	admin     sync.Mutex // one connection makes and drops the databases, one at a time
	databases *pgx.Conn
	count     atomic.Int64
}

// Main runs the tests of a package and ends the cluster after them; it is all that TestMain does, and it exits. The
// migration runs once, when the first test asks for a database.
func Main(m *testing.M, migrate Migrate) {
	shared.migrate = migrate
	code := m.Run()
	if err := shared.end(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Database returns the connection string of a fresh, migrated database that belongs to the test alone. It is dropped when the test
// ends, with any connection that the test left open. Safe to call from parallel tests, and more than once.
func Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", shared.count.Add(1))
	if err := shared.create(name); err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := shared.drop(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	connString, err := withDatabase(shared.cluster.ConnString(), name)
	if err != nil {
		t.Fatal(err)
	}
	return connString
}

func (b *binaryCluster) create(name string) error {
	b.start.Do(func() { b.err = b.bringUp() })
	if b.err != nil {
		return b.err
	}
	return b.execute("CREATE DATABASE " + name + " TEMPLATE " + template)
}

func (b *binaryCluster) bringUp() error {
	if b.migrate == nil {
		return errors.New("the package has no TestMain that calls storetest.Main")
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	directory, err := os.MkdirTemp("", "svar-storetest-")
	if err != nil {
		return fmt.Errorf("create the cluster's directory: %w", err)
	}
	b.directory = directory
	// As root the server runs as another user, who must be able to pass through our own directory.
	if err := os.Chmod(directory, 0o711); err != nil { //nolint:gosec // passing through is what is meant; reading is not given
		return fmt.Errorf("open the cluster's directory: %w", err)
	}
	b.cluster, err = private.Start(ctx, private.Config{
		Dir: filepath.Join(directory, "postgres"), Log: zerolog.Nop(), NoSync: true,
	})
	if err != nil {
		return err
	}
	if b.databases, err = open(ctx, b.cluster.ConnString()); err != nil {
		return err
	}
	if err := b.execute("CREATE DATABASE " + template); err != nil {
		return err
	}
	connString, err := withDatabase(b.cluster.ConnString(), template)
	if err != nil {
		return err
	}
	if err := b.migrate(ctx, connString); err != nil {
		return fmt.Errorf("migrate the test database: %w", err)
	}
	// Whatever the migration left connected would hinder the first copy.
	return b.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + template + "'")
}

func open(ctx context.Context, connString string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(connString)
	if err != nil {
		return nil, fmt.Errorf("read the connection string: %w", err)
	}
	private.PrepareConfig(&config.Config)
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the test cluster: %w", err)
	}
	return connection, nil
}

func (b *binaryCluster) execute(statement string) error {
	b.admin.Lock()
	defer b.admin.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := b.databases.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// drop waits for PostgreSQL's own vacuum, which we may not end; it stops by itself.
func (b *binaryCluster) drop(name string) error {
	const notOurs = "42501" // insufficient_privilege
	_, err := backoff.Retry(context.Background(), func() (struct{}, error) {
		err := b.execute("DROP DATABASE " + name + " WITH (FORCE)")
		if refused := (*pgconn.PgError)(nil); err != nil && (!errors.As(err, &refused) || refused.Code != notOurs) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(limit))
	return err
}

func (b *binaryCluster) end() error {
	var failures []error
	if b.databases != nil {
		failures = append(failures, b.databases.Close(context.Background()))
	}
	if b.cluster != nil {
		failures = append(failures, b.cluster.Stop(context.Background()))
	}
	if b.directory != "" {
		failures = append(failures, os.RemoveAll(b.directory))
	}
	return errors.Join(failures...)
}

func withDatabase(connString, name string) (string, error) {
	address, err := url.Parse(connString)
	if err != nil {
		return "", errors.New("the cluster's connection string is no URL") // the cause would show the password
	}
	address.Path = "/" + name
	return address.String(), nil
}
