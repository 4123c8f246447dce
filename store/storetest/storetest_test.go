package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var migrations atomic.Int64

func TestMain(m *testing.M) {
	Main(m, func(ctx context.Context, connString string) error {
		migrations.Add(1)
		connection, err := open(ctx, connString)
		if err != nil {
			return err
		}
		// Left open on purpose: a migration tool may do so too.
		_, err = connection.Exec(ctx, "CREATE TABLE words (word text PRIMARY KEY)")
		return err
	})
}

func connect(t *testing.T, connString string) *pgx.Conn {
	t.Helper()
	connection, err := open(context.Background(), connString)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}

// Each test writes the same key into a migrated, empty table of its own, and leaves its connection open.
func TestEveryTestHasItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	for number := range 6 {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			connection := connect(t, Database(t))
			if _, err := connection.Exec(context.Background(), "INSERT INTO words VALUES ('same')"); err != nil {
				t.Fatal(err)
			}
			var count int
			if err := connection.QueryRow(context.Background(), "SELECT count(*) FROM words").Scan(&count); err != nil || count != 1 {
				t.Errorf("the table has %d rows, want 1: %v", count, err)
			}
		})
	}
	t.Cleanup(func() {
		if count := migrations.Load(); count != 1 {
			t.Errorf("migrated %d times, want once", count)
		}
	})
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		connection := connect(t, Database(t))
		if err := connection.QueryRow(context.Background(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	connection := connect(t, Database(t))
	var exists bool
	err := connection.QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	if err != nil || exists || name == "" {
		t.Errorf("database %q exists: %t, %v", name, exists, err)
	}
}
