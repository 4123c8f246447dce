package journal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// read is how many records a reader finds, by the file.
func read(t *testing.T, path string, options ...nats.Option) (*nats.Conn, *Journal, int) {
	t.Helper()
	conn, err := ConnectReader(testContext(t), path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	j, err := OpenReader(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := j.Read(testContext(t), 1, func(uint64, Record) error { found++; return nil }); err != nil {
		t.Fatal(err)
	}
	return conn, j, found
}

// A command beside a running server reads the journal and its snapshots, by a token that is refused all else: it can neither write
// nor order, nor hear the bus, nor see what is personal.
func TestReadersMayOnlyRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readers.json")
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), ReadersFile: path})
	owner := openJournal(t, embedded)
	fill(t, owner, 1, 20)
	state := make([]byte, 20<<20) // so much that the server wants to be told how its reader keeps up
	if err := owner.SaveSnapshot(testContext(t), 1, 7, state); err != nil {
		t.Fatal(err)
	}
	owners, err := embedded.Connect("owner")
	if err != nil {
		t.Fatal(err)
	}
	openPersonal(t, owners, filepath.Join(t.TempDir(), "legs"))
	heard, err := owners.SubscribeSync("svar.>")
	if err != nil {
		t.Fatal(err)
	}

	refused := make(chan error, 100)
	conn, j, found := read(t, path, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if snapshot, err := j.LoadSnapshot(testContext(t)); found != 20 || err != nil || snapshot == nil || snapshot.Sequence != 7 || !bytes.Equal(snapshot.State, state) {
		t.Errorf("%d records, snapshot %v, %v", found, snapshot != nil, err)
	}
	if size, err := j.Size(testContext(t)); err != nil || size.Last != 20 {
		t.Errorf("%+v, %v", size, err)
	}
	if len(refused) != 0 {
		t.Errorf("reading needs what readers may not do: %v", <-refused)
	}

	bounded := func() context.Context { return testContext(t) }
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	mustFail := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("a reader may %s", what)
		}
	}
	// Each is refused by the server without an answer to the library, which waits for one: the refusal ends the wait.
	for what, try := range map[string]func(context.Context) error{
		"append":            func(ctx context.Context) error { _, err := js.Publish(ctx, recordSubject, []byte("{}")); return err },
		"save a snapshot":   func(ctx context.Context) error { return j.SaveSnapshot(ctx, 1, 9, []byte("x")) },
		"purge":             func(ctx context.Context) error { return j.stream.Purge(ctx) },
		"delete the stream": func(ctx context.Context) error { return js.DeleteStream(ctx, recordStream) },
		"look at PERSONAL":  func(ctx context.Context) error { _, err := js.Stream(ctx, "PERSONAL"); return err },
		"command": func(ctx context.Context) error {
			_, err := conn.RequestWithContext(ctx, "svar.v5.command", nil)
			return err
		},
		"make another stream": func(ctx context.Context) error {
			_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "X"})
			return err
		},
	} {
		_ = drain(refused)
		ctx, cancel := context.WithCancel(bounded())
		over := make(chan struct{})
		var said error
		go func() {
			defer close(over)
			select {
			case said = <-refused:
			case <-ctx.Done():
			}
			cancel()
		}()
		mustFail(what, try(ctx))
		cancel()
		<-over
		if !errors.Is(said, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v", what, said)
		}
	}
	if _, err := conn.SubscribeSync("svar.>"); err != nil {
		t.Fatal(err)
	}
	if err := conn.FlushWithContext(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("hearing the bus: %v", err)
	}
	if err := owners.FlushWithContext(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := heard.Pending(); n != 0 || err != nil {
		t.Errorf("%d messages of a reader reached the bus (%v)", n, err)
	}
	if last, err := owner.Last(testContext(t)); err != nil || last != 20 {
		t.Errorf("the journal ends at %d (%v)", last, err)
	}
}

// drain forgets what was refused before, and returns the last of it.
func drain(refused <-chan error) (last error) {
	for len(refused) > 0 {
		last = <-refused
	}
	return last
}

// The file is for its owner's eyes, tells of the server of now, and is gone with it; one that a dead process left leads nowhere.
func TestReadersFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readers.json")
	if err := os.WriteFile(path, []byte("left behind"), 0o644); err != nil {
		t.Fatal(err)
	}
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), ReadersFile: path})
	if status, err := os.Stat(path); err != nil || status.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", status, err)
	}
	fill(t, openJournal(t, embedded), 1, 3)
	if _, _, found := read(t, path); found != 3 {
		t.Errorf("%d records", found)
	}
	embedded.leave() // the keeper, who would take the old server for a broken one
	embedded.keeping.Wait()
	if err := embedded.replace(); err != nil {
		t.Fatal(err)
	}
	if _, _, found := read(t, path); found != 3 {
		t.Errorf("after the server was replaced: %d records", found)
	}
	stale, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := embedded.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := ConnectReader(testContext(t), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
	for content, want := range map[string]string{string(stale): "Is it running", "{": "read ", `{"format":9}`: "newer version"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ConnectReader(testContext(t), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q in it", content, err, want)
		}
	}
}

// Whoever lets other nodes connect has chosen their token; readers have theirs beside it.
func TestReadersBesideOtherNodes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readers.json")
	if _, err := StartEmbedded(testContext(t), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", ReadersFile: path}); !errors.Is(err, ErrListen) {
		t.Errorf("without a token of its own: %v", err)
	}
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), Listen: "0.0.0.0:0", Token: "open sesame", ReadersFile: path})
	other, err := Connect(testContext(t), embedded.ClientURL(), "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	j, err := Open(testContext(t), other)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, j, 1, 2)
	if _, _, found := read(t, path); found != 2 {
		t.Errorf("%d records", found)
	}
	for _, token := range []string{"", "wrong"} {
		if conn, err := Connect(testContext(t), embedded.ClientURL(), token); err == nil {
			conn.Close()
			t.Errorf("the token %q lets in", token)
		}
	}
}

func TestReadersFindNoJournal(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	conn, err := embedded.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(testContext(t), conn); !errors.Is(err, ErrNoJournal) {
		t.Errorf("got %v", err)
	}
	if names, err := storedStreams(embedded.config.Dir); err != nil || len(names) != 0 {
		t.Errorf("it made %v (%v)", names, err)
	}
}
