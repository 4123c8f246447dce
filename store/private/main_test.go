package private

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// serveVariable makes this test binary a small Svar: it starts the cluster of the directory in the variable, prints its connection
// string and waits until it is killed.
const serveVariable = "SVAR_PRIVATE_TEST_SERVE"

func TestMain(m *testing.M) {
	if directory := os.Getenv(serveVariable); directory != "" {
		serve(directory)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if seed.directory != "" {
			_ = os.RemoveAll(seed.directory)
		}
		os.Exit(code)
	}))
}

// seed is a stopped cluster that was started once. Tests that are not about the first start begin with a copy of it, which
// is quicker than making one.
var seed struct {
	once      sync.Once
	directory string
	err       error
}

func makeSeed(ctx context.Context) error {
	directory, err := os.MkdirTemp("", "svar-private-seed-")
	if err != nil {
		return err
	}
	seed.directory = directory
	if err := os.Chmod(directory, 0o711); err != nil {
		return err
	}
	cluster, err := Start(ctx, Config{Dir: filepath.Join(directory, "postgres"), Log: zerolog.Nop(), NoSync: true})
	if err != nil {
		return err
	}
	return cluster.Stop(ctx)
}

// stoppedCluster returns the directory of a cluster that has been started and stopped before.
func stoppedCluster(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(reachableDirectory(t), "postgres")
	copySeed(t, directory)
	return directory
}

func copySeed(t *testing.T, directory string) {
	t.Helper()
	seed.once.Do(func() { seed.err = makeSeed(testContext(t)) })
	if seed.err != nil {
		t.Fatal(seed.err)
	}
	if output, err := exec.Command("cp", "-a", filepath.Join(seed.directory, "postgres"), directory).CombinedOutput(); err != nil {
		t.Fatalf("copy the cluster: %v: %s", err, output)
	}
}

func serve(directory string) {
	cluster, err := Start(context.Background(), Config{Dir: directory, Log: zerolog.Nop(), NoSync: true})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(cluster.ConnString())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = cluster.Stop(context.Background())
}

// killableServer starts serve in another process and returns it with the connection string that it printed.
func killableServer(t *testing.T, directory string) (*exec.Cmd, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), serveVariable+"="+directory)
	command.Stderr = os.Stderr
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("the other process did not start its cluster: %q, %v", line, err)
	}
	return command, strings.TrimSpace(line)
}

// reachableDirectory is like t.TempDir, but the server's user can pass through it.
func reachableDirectory(t testing.TB) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "svar-private-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(directory, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	return directory
}

// testContext bounds what could hang; no test's outcome depends on its length.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startCluster starts without writing through to the disk, which no killed process can make a difference to.
func startCluster(t testing.TB, directory string) *Cluster {
	t.Helper()
	return startConfigured(t, Config{Dir: directory, NoSync: true})
}

func startConfigured(t testing.TB, config Config) *Cluster {
	t.Helper()
	config.Log = zerolog.Nop()
	cluster, err := Start(testContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, cluster) })
	return cluster
}

func stopCluster(t testing.TB, cluster *Cluster) {
	t.Helper()
	if err := cluster.Stop(context.Background()); err != nil && cluster.Err() == nil {
		t.Errorf("stop: %v", err)
	}
}

func connect(t testing.TB, connectionString string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	PrepareConfig(&config.Config)
	connection, err := pgx.ConnectConfig(testContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func queryText(t testing.TB, connection *pgx.Conn, query string) string {
	t.Helper()
	var answer string
	if err := connection.QueryRow(testContext(t), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func execute(t testing.TB, connection *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := connection.Exec(testContext(t), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// postmaster opens a handle on the running server of a directory.
func postmaster(t *testing.T, directory string) *process {
	t.Helper()
	found, err := readPIDFile(filepath.Join(directory, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	running, err := openProcess(found.pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running.close)
	return running
}

func waitGone(t *testing.T, running *process) {
	t.Helper()
	if !running.waitGone(testContext(t), time.Now().Add(time.Minute)) {
		t.Fatalf("process %d is still there", running.pid)
	}
}

func kill(t *testing.T, running *process) {
	t.Helper()
	if err := running.signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
