package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// emptied returns the connection string of a database in which nothing is.
func emptied(t *testing.T) string {
	t.Helper()
	connString := storetest.Database(t)
	if _, err := connect(t, connString).Exec(t.Context(), `drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	return connString
}

// schema lists tables, columns, constraints, indexes and triggers, a line each. River's tables
// are its own business; only the names of theirs are listed.
func schema(t *testing.T, connection *pgx.Conn) string {
	t.Helper()
	rows, err := connection.Query(t.Context(), `
		select line from (
			select c.relname as of, 1 as kind, a.attnum::int as place, format('%s.%s %s%s%s', c.relname, a.attname,
				format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end,
				' default ' || pg_get_expr(d.adbin, d.adrelid)) as line
			from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
				left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
			where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> $1 and c.relname not like 'river%'
			union all
			select c.relname, 2, 0, format('%s: %s', conname, pg_get_constraintdef(k.oid))
			from pg_constraint k join pg_class c on c.oid = k.conrelid
			where k.connamespace = 'public'::regnamespace and contype <> 'n' and c.relname not like 'river%'
			union all
			select tablename, 3, 0, indexdef from pg_indexes where schemaname = 'public' and tablename <> $1 and tablename not like 'river%'
			union all
			select c.relname, 4, 0, pg_get_triggerdef(g.oid)
			from pg_trigger g join pg_class c on c.oid = g.tgrelid
			where not g.tgisinternal and c.relname not like 'river%'
			union all
			select relname, 5, 0, 'jobs: ' || relname from pg_class
			where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like 'river%'
		) as all_lines order by of, kind, place, line collate "C"`, versionTable)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n") + "\n"
}

// A change of the schema is seen here, and needs a migration once there is a release.
func TestSchemaGolden(t *testing.T) {
	t.Parallel()
	const golden = "testdata/schema.txt"
	got := schema(t, connect(t, storetest.Database(t)))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema is another (write it anew with -update):\n%s", got)
	}
}

// Each step takes a database from the step before it, with what is in it, to the newest.
func TestMigrateFromEveryVersion(t *testing.T) {
	t.Parallel()
	want := schema(t, connect(t, storetest.Database(t)))
	steps, err := newMigrator(t.Context(), connect(t, emptied(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(steps.Migrations) < 2 {
		t.Fatalf("%d steps", len(steps.Migrations))
	}
	for version := range len(steps.Migrations) + 1 {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			connString := emptied(t)
			connection := connect(t, connString)
			migrator, err := newMigrator(t.Context(), connection)
			if err != nil {
				t.Fatal(err)
			}
			if err := migrator.MigrateTo(t.Context(), int32(version)); err != nil {
				t.Fatal(err)
			}
			if version > 0 {
				if _, err := connection.Exec(t.Context(), `update projection set sequence = 7`); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second finds nothing to do
				if err := Migrate(t.Context(), connString); err != nil {
					t.Fatal(err)
				}
			}
			if got := schema(t, connection); got != want {
				t.Errorf("from version %d the schema becomes another:\n%s", version, got)
			}
			var sequence int
			if err := connection.QueryRow(t.Context(), `select sequence from projection`).Scan(&sequence); err != nil || (version > 0 && sequence != 7) {
				t.Errorf("the projection stands at %d, %v", sequence, err)
			}
		})
	}
}

func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	connString := emptied(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if err := Migrate(t.Context(), connString); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	connection := connect(t, connString)
	var rows int
	if err := connection.QueryRow(t.Context(), `select count(*) from projection, schema_version`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows where there is one projection and one version: %v", rows, err)
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	connString := storetest.Database(t)
	connection := connect(t, connString)
	if _, err := connection.Exec(t.Context(), `update schema_version set version = 999`); err != nil {
		t.Fatal(err)
	}
	err := Migrate(t.Context(), connString)
	if err == nil || !strings.Contains(err.Error(), "schema 999") || !strings.Contains(err.Error(), "use the newer version of svar") {
		t.Errorf("error = %v", err)
	}
	var version int
	if err := connection.QueryRow(t.Context(), `select version from schema_version`).Scan(&version); err != nil || version != 999 {
		t.Errorf("the version is now %d, %v", version, err)
	}
}

func TestMigrateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	connString := emptied(t)
	holder := connect(t, connString)
	// Another process migrates and never ends: it holds what tern locks.
	if _, err := holder.Exec(t.Context(), `create table schema_version (version int4 not null); insert into schema_version values (0);
		begin; lock table schema_version in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Migrate(ctx, connString) }()
	awaitLockWaiter(t, connString)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// awaitLockWaiter returns once a session of the database waits for a lock.
func awaitLockWaiter(t *testing.T, connString string) {
	t.Helper()
	connection := connect(t, connString)
	for {
		var waiting bool
		err := connection.QueryRow(t.Context(), `select exists (select from pg_stat_activity, pg_sleep(0.01)
			where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
	}
}

// Whatever is wrong with the address, the error says what to do and holds no secret.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	own, err := url.Parse(storetest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	wrongPassword, noDatabase := *own, *own
	wrongPassword.User = url.UserPassword(own.User.Username(), secret)
	noDatabase.Path = "/nowhere"
	tests := map[string]struct {
		connString string
		want       string
		unreadable bool // as opposed to: it can be read, but leads nowhere
	}{
		"nobody listens":   {"postgres://svar:" + secret + "@" + address + "/svar", "is PostgreSQL running there?", false},
		"no such socket":   {"postgres://svar:" + secret + "@/svar?host=/nonexistent", "is PostgreSQL running there?", false},
		"wrong password":   {wrongPassword.String(), "password authentication failed", false},
		"no such database": {noDatabase.String(), `"nowhere" does not exist`, false},
		"not an address":   {"postgres://svar:" + secret + "@host:port/svar", "SVAR_DATABASE_URL", true},
		"broken escape":    {"postgres://svar:" + secret + "%zz@host/svar", "SVAR_DATABASE_URL", true},
		"words":            {"password=" + secret + " port=x", "SVAR_DATABASE_URL", true},
		"another scheme":   {"mysql://svar:" + secret + "@host/svar", "SVAR_DATABASE_URL", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, openErr := Open(ctx, test.connString)
			for _, err := range []error{Migrate(ctx, test.connString), openErr} {
				if err == nil {
					t.Fatal("no error")
				}
				text := fmt.Sprintf("%v %+v", err, err)
				if strings.Contains(text, secret) || strings.Contains(text, "\n") {
					t.Errorf("%q shows a secret or is not one line", text)
				}
				if !strings.Contains(text, test.want) {
					t.Errorf("%q does not say %q", text, test.want)
				}
				if refused := (*ConnectError)(nil); errors.As(err, &refused) == test.unreadable || errors.Is(err, ErrAddress) != test.unreadable {
					t.Errorf("%T is not of its kind", err)
				}
			}
		})
	}
}

func TestConnectionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, storetest.Database(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// Only Open reads the options of the pool.
func TestOpenRefusesPoolOptionsThatItCannotRead(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), storetest.Database(t)+"&pool_max_conns=many")
	if !errors.Is(err, ErrAddress) {
		t.Errorf("error = %v", err)
	}
}
