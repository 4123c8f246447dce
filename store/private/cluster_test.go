package private

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"
)

func TestFirstStartServesAndKeepsData(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), "data", "postgres")

	cluster := startConfigured(t, Config{Dir: directory})
	connection := connect(t, cluster.ConnString())
	for query, want := range map[string]string{
		"SHOW listen_addresses":  "",
		"SHOW data_checksums":    "on",
		"SHOW fsync":             "on",
		"SHOW server_encoding":   "UTF8",
		"SHOW jit":               "off",
		"SELECT current_user":    roleName,
		"SELECT lower('ÅÄÖ')":    "åäö",
		"SELECT version()::text": "",
		"SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user":                                                "false",
		"SELECT string_agg(n, ' ' ORDER BY n COLLATE \"sv-x-icu\") FROM (VALUES ('ö'), ('å'), ('ä'), ('z')) AS names (n)": "z å ä ö",
	} {
		if got := queryText(t, connection, query); want != "" && got != want {
			t.Errorf("%s gives %q, want %q", query, got, want)
		} else if want == "" && strings.HasPrefix(query, "SHOW") && got != "" {
			t.Errorf("%s gives %q, want nothing", query, got)
		}
	}
	execute(t, connection, "CREATE EXTENSION pg_trgm", "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('svar')")
	_ = connection.Close(context.Background())

	running := postmaster(t, directory)
	if err := cluster.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	waitGone(t, running)
	if err := cluster.Err(); err != nil {
		t.Errorf("after a wanted stop Err is %v", err)
	}
	if err := cluster.Stop(context.Background()); err != nil {
		t.Errorf("a second stop: %v", err)
	}

	again := startCluster(t, directory)
	if got := queryText(t, connect(t, again.ConnString()), "SELECT word FROM kept"); got != "svar" {
		t.Errorf("after the second start the table has %q", got)
	}
}

func TestOnlyTheOwnerOfTheirPasswordGetsIn(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	cluster := startCluster(t, directory)

	for _, attempt := range []struct{ name, user, password, database string }{
		{"wrong password", roleName, "wrong", databaseName},
		{"no password", roleName, "", databaseName},
		{"superuser", "postgres", "", "postgres"},
	} {
		address, err := url.Parse(cluster.ConnString())
		if err != nil {
			t.Fatal(err)
		}
		address.User, address.Path = url.UserPassword(attempt.user, attempt.password), "/"+attempt.database
		connection, err := pgx.Connect(testContext(t), address.String())
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "28") {
			t.Errorf("%s: got %v, want a refusal of class 28", attempt.name, err)
		}
		if err == nil {
			_ = connection.Close(context.Background())
		}
	}
	for path, want := range map[string]fs.FileMode{passwordName: 0o600, "socket": 0o700, "cluster": 0o700, "log": 0o700, lockName: 0o600} {
		info, err := os.Stat(filepath.Join(directory, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
	}
}

// As root every file of the server belongs to the unprivileged user, and no process of it runs as root.
func TestServerIsNotRoot(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	cluster := startCluster(t, directory)
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	if as.uid == 0 || cluster.User() != as.name {
		t.Fatalf("the server runs as %q (uid %d)", cluster.User(), as.uid)
	}
	if !runsAs(postmaster(t, directory).pid, as.uid) {
		t.Errorf("the postmaster does not run as %s", as.name)
	}
	info, err := os.Stat(filepath.Join(directory, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != as.uid {
		t.Errorf("the cluster belongs to uid %d, want %d", owner, as.uid)
	}
}

func TestSecondInstanceIsRefusedAndACommandAttaches(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	other, connectionString := killableServer(t, directory)

	_, err := Start(testContext(t), Config{Dir: directory, Log: zerolog.Nop()})
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) {
		t.Fatalf("the second instance got %v, want ErrLocked", err)
	}
	if locked.PID != other.Process.Pid {
		t.Errorf("the error names process %d, want %d", locked.PID, other.Process.Pid)
	}

	attached, err := Attach(testContext(t), Config{Dir: directory, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	if attached.ConnString() != connectionString {
		t.Error("the command got another connection string than the server's")
	}
	if err := attached.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := queryText(t, connect(t, connectionString), "SELECT 'serves on'"); got != "serves on" {
		t.Errorf("got %q", got)
	}
}

func TestAttachStartsWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	attached, err := Attach(testContext(t), Config{Dir: directory, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	connection := connect(t, attached.ConnString())
	if got := queryText(t, connection, "SELECT current_database()"); got != databaseName {
		t.Errorf("got %q", got)
	}
	running := postmaster(t, directory)
	if err := attached.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	waitGone(t, running)
}

func TestAttachWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), "postgres")
	if err := os.Mkdir(directory, 0o711); err != nil {
		t.Fatal(err)
	}
	lock, err := Lock(directory) // a process that starts for ever
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	_, err = Attach(ctx, Config{Dir: directory, Log: zerolog.Nop()})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want the context's error and the holder", err)
	}
}

func TestLongPathUsesAnAbstractSocketWithPassword(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), strings.Repeat("långt-namn", 12), "postgres")
	cluster := startCluster(t, directory)
	address, err := url.Parse(cluster.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	if host := address.Query().Get("host"); !strings.HasPrefix(host, "@svar-") {
		t.Fatalf("the socket is %q, want an abstract one", host)
	}
	if got := queryText(t, connect(t, cluster.ConnString()), "SELECT current_user"); got != roleName {
		t.Errorf("got %q", got)
	}

	address.User = url.UserPassword(roleName, "wrong")
	config, err := pgx.ParseConfig(address.String())
	if err != nil {
		t.Fatal(err)
	}
	PrepareConfig(&config.Config)
	_, err = pgx.ConnectConfig(testContext(t), config)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "28P01" {
		t.Errorf("a wrong password got %v", err)
	}

	attachment, err := connectToRunning(Config{Dir: directory})
	if err != nil || attachment != cluster.ConnString() {
		t.Errorf("a command would not find the abstract socket: %v", err)
	}
}

func TestContextEndsAStart(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), "postgres")
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := Start(ctx, Config{Dir: directory, Log: zerolog.Nop()}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	startCluster(t, directory) // nothing is left that hinders the next one
}
