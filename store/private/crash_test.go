package private

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
)

// kill -9 of Svar takes PostgreSQL along, and what was committed is there at the next start.
func TestKilledParentLeavesNoServerAndLosesNothing(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	parent, connectionString := killableServer(t, directory)
	running := postmaster(t, directory)
	connection := connect(t, connectionString)
	execute(t, connection, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('committed')",
		"BEGIN", "INSERT INTO kept VALUES ('open')")

	if err := parent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, running)
	_ = parent.Wait() // "signal: killed", as intended; the lock is free when the last thread is gone

	cluster := startCluster(t, directory)
	if got := queryText(t, connect(t, cluster.ConnString()), "SELECT string_agg(word, ',') FROM kept"); got != "committed" {
		t.Errorf("the table has %q, want only what was committed", got)
	}
}

// The next start does not need to wait for the old server by itself: it begins while that one still ends.
func TestStartRightAfterAKill(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	for range 3 {
		parent, connectionString := killableServer(t, directory)
		queryText(t, connect(t, connectionString), "SELECT 'busy'")
		if err := parent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = parent.Wait() // "signal: killed", as intended
	}
	startCluster(t, directory)
}

// A postmaster that is killed, as the kernel does when memory runs out, is started again under the same address, as
// often as it takes.
func TestAKilledServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	for name, directory := range map[string]func() string{
		"socket": func() string { return stoppedCluster(t) },
		"abstract": func() string {
			return filepath.Join(reachableDirectory(t), strings.Repeat("långt-namn", 12), "postgres")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := directory()
			cluster := startCluster(t, directory)
			execute(t, connect(t, cluster.ConnString()), "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('committed')")
			for range 2 {
				running := postmaster(t, directory)
				kill(t, running)
				waitGone(t, running)
				if got := queryText(t, connectAgain(t, cluster.ConnString()), "SELECT word FROM kept"); got != "committed" {
					t.Errorf("got %q", got)
				}
			}
			noticed(t, cluster)
			last := postmaster(t, directory)
			stopCluster(t, cluster)
			waitGone(t, last)
		})
	}
}

// noticed waits until the cluster knows that its server runs again: others can be sooner in connecting than it is in looking.
func noticed(t *testing.T, cluster *Cluster) {
	t.Helper()
	ctx := testContext(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for err := cluster.Err(); err != nil; err = cluster.Err() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("while it runs its fault is %v", err)
		}
	}
}

// connectAgain connects as soon as the server is there again.
func connectAgain(t *testing.T, connectionString string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	PrepareConfig(&config.Config)
	ctx := testContext(t)
	tick := time.NewTicker(20 * time.Millisecond) // a server has no signal for others that it is ready
	defer tick.Stop()
	for {
		connection, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			t.Cleanup(func() { _ = connection.Close(context.Background()) })
			return connection
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the server is never there again: %v", err)
		}
	}
}

// What cannot be started again says so in the server's words, and ends at once when it is told to.
func TestAServerBeyondRepair(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	cluster := startCluster(t, directory)
	if err := os.Truncate(filepath.Join(directory, "cluster", "global", "pg_control"), 100); err != nil {
		t.Fatal(err)
	}
	kill(t, postmaster(t, directory))
	ctx := testContext(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cluster.Err()
		if err != nil && strings.Contains(err.Error(), "pg_control") {
			if ended := (*ServerError)(nil); !errors.As(err, &ended) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("it is said as %v", err)
			}
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it is never said; the fault is %v", err)
		}
	}
	if err := cluster.Stop(ctx); err != nil {
		t.Errorf("the end of what does not run: %v", err)
	}
	<-cluster.Done()
	if left := serverProcesses(filepath.Join(directory, "cluster"), must(serverAccount()).uid); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
}

func must(as account, err error) account {
	if err != nil {
		panic(err)
	}
	return as
}

// A postmaster that outlived its Svar (started without a parent-death signal) is proven ours, ended and replaced.
func TestOrphanOfOursIsEnded(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	orphan := startOrphan(t, directory)
	again := startCluster(t, directory)
	if err := orphan.Wait(); err != nil {
		t.Logf("the orphan ended: %v", err)
	}
	if orphan.Process.Pid == again.current().pid() {
		t.Fatal("the orphan was taken for the new server")
	}
	queryText(t, connect(t, again.ConnString()), "SELECT 'served'")
}

func startOrphan(t *testing.T, directory string) *exec.Cmd {
	t.Helper()
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	place := layout{directory: directory}
	programs, err := chooseInstallation(findInstallations(testContext(t), debianPattern, os.Getenv("PATH")), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(programs.program("postgres"), "-D", place.cluster(), "-c", "listen_addresses=",
		"-c", "unix_socket_directories="+filepath.Join(directory, "socket"))
	orphan.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential}
	orphan.Dir, orphan.Env = "/", environment()
	says, err := orphan.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = orphan.Process.Kill() })
	waitForText(t, says, "ready to accept connections")
	return orphan
}

func waitForText(t *testing.T, from io.Reader, want string) {
	t.Helper()
	var heard strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(heard.String(), want) {
		length, err := from.Read(buffer)
		heard.Write(buffer[:length])
		if err != nil {
			t.Fatalf("heard %q, want %q: %v", heard.String(), want, err)
		}
	}
}

// After a crash the number in the pid file may belong to any process of the same user: it must live on, and not hinder us.
func TestStalePIDFileOfAForeignProcess(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	place := layout{directory: directory}
	// Even one that has our directory among its arguments.
	foreign := exec.Command("/bin/sh", "-c", "read line", "sh", "-D", place.cluster())
	if _, err := foreign.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	foreign.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential}
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = foreign.Process.Kill()
		_ = foreign.Wait()
	})
	stale := strconv.Itoa(foreign.Process.Pid) + "\n" + place.cluster() + "\n1\n5432\n/nowhere\n\n\nready   \n"
	path := filepath.Join(place.cluster(), pidFileName)
	if err := errors.Join(os.WriteFile(path, []byte(stale), 0o600), as.own(path)); err != nil {
		t.Fatal(err)
	}

	cluster := startCluster(t, directory)
	if cluster.current().pid() == foreign.Process.Pid {
		t.Fatal("the foreign process was taken for the server")
	}
	queryText(t, connect(t, cluster.ConnString()), "SELECT 'served'")
	if err := foreign.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the foreign process was ended: %v", err)
	}
}

func TestProofOfOurPostmaster(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	cluster := startCluster(t, directory)
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	place := layout{directory: directory}
	for _, test := range []struct {
		name    string
		pid     int
		cluster string
		uid     uint32
		want    bool
	}{
		{"ours", cluster.current().pid(), place.cluster(), as.uid, true},
		{"another user's", cluster.current().pid(), place.cluster(), as.uid + 1, false},
		{"another directory's", cluster.current().pid(), directory, as.uid, false},
		{"no directory", cluster.current().pid(), filepath.Join(directory, "missing"), as.uid, false},
		{"another program", os.Getpid(), place.cluster(), uint32(os.Geteuid()), false},
		{"no process", 0, place.cluster(), as.uid, false},
	} {
		if got := isPostmasterOf(test.pid, test.cluster, test.uid); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
	if found := serverProcesses(place.cluster(), as.uid); len(found) < 2 {
		t.Errorf("found %v, want the postmaster and its children", found)
	}
}

// An interrupted set-up never counts as a cluster.
func TestHalfMadeClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), "postgres")
	half := filepath.Join(directory, newPrefix+"123")
	if err := os.MkdirAll(filepath.Join(half, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := startCluster(t, directory)
	queryText(t, connect(t, cluster.ConnString()), "SELECT 'served'")
	if left, _ := filepath.Glob(filepath.Join(directory, newPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Svar is killed at any moment of its very first start; the next one succeeds.
func TestKilledDuringTheFirstStart(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(reachableDirectory(t), "postgres")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, appears := range []string{newPrefix + "*/PG_VERSION", newPrefix + "*/base/1", newPrefix + "*/global/pg_control"} {
		parent := exec.Command(program)
		parent.Env = append(os.Environ(), serveVariable+"="+directory)
		if _, err := parent.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		waitForFile(t, filepath.Join(directory, appears))
		_ = parent.Process.Kill()
		_ = parent.Wait()
	}
	cluster := startCluster(t, directory)
	queryText(t, connect(t, cluster.ConnString()), "SELECT 'served'")
}

func waitForFile(t *testing.T, pattern string) {
	t.Helper()
	ctx := testContext(t)
	ticker := time.NewTicker(time.Millisecond) // another process's file has no signal to wait for
	defer ticker.Stop()
	for ctx.Err() == nil {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
		<-ticker.C
	}
	t.Fatalf("%s never appeared", pattern)
}

func TestLostPasswordIsSetAnew(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	place := layout{directory: directory}
	before, err := place.readPassword()
	if err := errors.Join(err, os.Remove(filepath.Join(directory, passwordName))); err != nil {
		t.Fatal(err)
	}
	cluster := startCluster(t, directory)
	if after, err := place.readPassword(); err != nil || after == before {
		t.Errorf("the password was not set anew: %v", err)
	}
	queryText(t, connect(t, cluster.ConnString()), "SELECT 'served'")
}

func TestDamagedDataIsSaidWithTheServersWords(t *testing.T) {
	t.Parallel()
	directory := stoppedCluster(t)
	place := layout{directory: directory}
	control := filepath.Join(place.cluster(), "global", "pg_control")
	if err := os.Truncate(control, 100); err != nil {
		t.Fatal(err)
	}
	_, err := Start(testContext(t), Config{Dir: directory, Log: zerolog.Nop()})
	if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), "pg_control") || !strings.Contains(err.Error(), "backup") {
		t.Errorf("got %v", err)
	}

	if err := os.Remove(filepath.Join(place.cluster(), "PG_VERSION")); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(testContext(t), Config{Dir: directory, Log: zerolog.Nop()}); !errors.Is(err, ErrDamaged) {
		t.Errorf("without PG_VERSION got %v", err)
	}
	if _, err := os.Stat(control); err != nil {
		t.Errorf("the damaged data was touched: %v", err)
	}

	if err := os.WriteFile(filepath.Join(place.cluster(), "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(testContext(t), Config{Dir: directory, Log: zerolog.Nop()}); !errors.Is(err, ErrVersion) {
		t.Errorf("with another version got %v", err)
	}
}
