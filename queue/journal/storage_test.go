package journal

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"svar/contact"
)

// small is a place for streams with little room, all of which can be taken and given back.
type small struct {
	config EmbeddedConfig
	// leave takes room until so many bytes are left, at the least none.
	leave func(t *testing.T, bytes int64)
}

const smallBytes = 48 << 20

// smallDisk is a disk that is really full. Where none may be mounted, the store's limit stands for it.
func smallDisk(t *testing.T) small {
	t.Helper()
	directory := t.TempDir()
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, "size=48m"); err != nil {
		t.Logf("THIS IS NOT A FULL DISK: no small one can be mounted here (%v), so a store's limit stands for it", err)
		return smallStore(t)
	}
	t.Cleanup(func() { _ = unix.Unmount(directory, unix.MNT_DETACH) })
	ballast, err := os.Create(filepath.Join(directory, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ballast.Close() })
	return small{
		config: EmbeddedConfig{Dir: filepath.Join(directory, "nats")},
		leave: func(t *testing.T, bytes int64) {
			t.Helper()
			if err := ballast.Truncate(0); err != nil {
				t.Fatal(err)
			}
			free, err := freeBytes(directory)
			if err != nil {
				t.Fatal(err)
			}
			_, err = ballast.WriteAt(make([]byte, max(free-bytes, 0)), 0)
			if bytes > 0 && err != nil || bytes == 0 && err != nil && !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			for bytes == 0 && err == nil { // the streams may have given something back meanwhile
				_, err = ballast.WriteAt([]byte{1}, must(ballast.Seek(0, io.SeekEnd)))
			}
		},
	}
}

func must(n int64, err error) int64 {
	if err != nil {
		panic(err)
	}
	return n
}

// smallStore is a store that has a limit, on a disk that has none.
func smallStore(t *testing.T) small {
	t.Helper()
	return small{config: EmbeddedConfig{Dir: t.TempDir(), MaxStoreBytes: smallBytes}}
}

// ballast takes the room of a store with a limit by a stream of its own.
func ballast(t *testing.T, embedded *Embedded) func(t *testing.T, bytes int64) {
	t.Helper()
	connection, err := embedded.Connect("ballast")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "BALLAST", Subjects: []string{"ballast"}})
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, bytes int64) {
		t.Helper()
		if err := stream.Purge(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for size := 512 << 10; size > 0; {
			used := int64(embedded.running().GlobalAccount().JetStreamUsage().Store)
			if smallBytes-used <= bytes {
				return
			}
			if bytes > 0 || smallBytes-used > int64(size) {
				size = int(min(int64(size), smallBytes-used-bytes))
			}
			if _, err := js.Publish(testContext(t), "ballast", make([]byte, size)); err != nil {
				size /= 2
			}
		}
	}
}

// awaitLevel waits until the guard says so.
func awaitLevel(t *testing.T, g *Guard, want Level) Storage {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); ; {
		if s := g.Storage(); s.Level == want {
			return s
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the level never became %d; it is %+v", want, g.Storage())
		}
	}
}

// The room for the journal goes down to nothing, a write fails in the middle, and the room comes back: what was
// acknowledged is there once, what was not is not, readers go on, and nothing had to be started again.
func TestTheRoomEndsAndComesBack(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(*testing.T) small{"disk": smallDisk, "limit": smallStore} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roomEndsAndComesBack(t, place(t))
		})
	}
}

func roomEndsAndComesBack(t *testing.T, place small) {
	t.Helper()
	place.config.WarnBytes, place.config.ReserveBytes = 24<<20, 12<<20
	log := &lines{}
	embedded, err := StartEmbedded(testContext(t), withLog(place.config, log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutDown(t, embedded) })
	leave := place.leave
	if leave == nil {
		leave = ballast(t, embedded)
	}
	guard := embedded.Guard()
	connection, err := embedded.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(testContext(t), connection, GuardedBy(guard))
	if err != nil {
		t.Fatal(err)
	}
	p := openPersonal(t, connection, filepath.Join(t.TempDir(), "legs"), GuardedBy(guard))
	c, err := OpenChats(testContext(t), connection, GuardedBy(guard))
	if err != nil {
		t.Fatal(err)
	}
	var followed reading
	following, stop := context.WithCancel(testContext(t))
	var reader sync.WaitGroup
	seen := make(chan uint64, 10_000)
	reader.Go(func() {
		for next := uint64(1); following.Err() == nil; {
			_ = j.Follow(following, next, func(sequence uint64, r Record) error {
				next = sequence + 1
				seen <- sequence
				return followed.take(sequence, r)
			})
		}
	})
	defer reader.Wait()
	defer stop()

	acknowledged := 0
	write := func() error {
		last, err := j.Last(testContext(t))
		if err != nil {
			return err
		}
		if _, err = j.Append(testContext(t), numbered(1, int(last)+1), last); err == nil {
			acknowledged++
		}
		return err
	}
	mustWrite := func() {
		t.Helper()
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite()
	if err := p.PutPersonal(testContext(t), "k1", contact.Personal{Number: "+46701740605"}); err != nil {
		t.Fatal(err)
	}

	leave(t, 18<<20)
	if s := awaitLevel(t, guard, Low); !strings.Contains(s.Problem, "Make room") || s.Free > 24<<20 || s.Used == 0 {
		t.Errorf("while the room is low it is %+v", s)
	}
	mustWrite()

	leave(t, 6<<20)
	awaitLevel(t, guard, Reserved)
	if err := p.PutPersonal(testContext(t), "k2", contact.Personal{}); !errors.Is(err, ErrNoRoom) {
		t.Errorf("a new contact is taken from the reserve: %v", err)
	}
	if err := p.PutNote(testContext(t), "k1", "to the end"); err != nil {
		t.Errorf("what goes on is not recorded: %v", err)
	}
	appendLine(t, c, "k1", 1)
	mustWrite()

	leave(t, 0)
	awaitLevel(t, guard, Unwritable)
	breakStream(t, embedded, place.leave != nil, &acknowledged)
	for what, err := range map[string]error{
		"a record": write(), "a note": p.PutNote(testContext(t), "k1", "lost"), "a new contact": p.PutPersonal(testContext(t), "k3", contact.Personal{}),
		"a line": func() error { _, err := c.Append(testContext(t), "k1", lineOf(2)); return err }(),
	} {
		if !errors.Is(err, ErrNotWritable) || !strings.Contains(err.Error(), "Make room") {
			t.Errorf("%s on a full disk: %v", what, err)
		}
	}
	if err := j.Writable(); !errors.Is(err, ErrNotWritable) {
		t.Errorf("a full journal is writable: %v", err)
	}
	if note, err := p.Note(testContext(t), "k1"); err != nil || note != "to the end" {
		t.Errorf("what was kept cannot be read from a full disk: %q, %v", note, err)
	}
	if !strings.Contains(log.String(), "nothing can be recorded") {
		t.Errorf("a full disk is not said: %s", log.String())
	}

	leave(t, 36<<20)
	awaitLevel(t, guard, Ample)
	mustWrite()
	if err := p.PutPersonal(testContext(t), "k2", contact.Personal{}); err != nil {
		t.Error(err)
	}
	appendLine(t, c, "k1", 2)

	var read reading
	if err := j.Read(testContext(t), 1, read.take); err != nil {
		t.Fatal(err)
	}
	if len(read.times) != acknowledged {
		t.Errorf("%d records are there, %d were acknowledged", len(read.times), acknowledged)
	}
	for last := uint64(0); last < uint64(acknowledged); {
		if next := <-seen; next != last+1 {
			t.Fatalf("a reader saw record %d behind %d", next, last)
		}
		last++
	}
	kept, err := c.Read(testContext(t), "k1", 0)
	if err != nil || len(kept) != 2 {
		t.Errorf("the chat has %d lines, %v", len(kept), err)
	}
}

// breakStream writes past the guard until the server says that there is no room; on a full disk, dies, until it says that the
// stream's write has failed. A server that is only slow is no broken one.
func breakStream(t *testing.T, embedded *Embedded, dies bool, acknowledged *int) {
	t.Helper()
	connection, err := embedded.Connect("careless")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(testContext(t), recordStream)
	if err != nil {
		t.Fatal(err)
	}
	j := &Journal{js: js, stream: stream, patience: time.Second}
	for broken := false; !broken; {
		last, err := j.Last(testContext(t))
		*acknowledged = int(last) // one whose outcome was unclear may be there
		for err == nil {
			if last, err = j.Append(testContext(t), numbered(1, int(last)+1), last); err == nil {
				*acknowledged++
			}
		}
		if !errors.Is(err, ErrUnclear) && !errors.Is(err, ErrNotWritable) {
			t.Fatalf("a careless writer on a full disk: %v", err)
		}
		broken = !dies || strings.Contains(embedded.Guard().Storage().Problem, "The server said")
	}
}

// When the directory may not be written the server closes its streams by itself. They are opened again as soon as it may.
func TestStreamsThatTheServerClosedAreOpenedAgain(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "open sesame", WarnBytes: 1, ReserveBytes: 1})
	j := openJournal(t, embedded)
	connection, err := Connect(testContext(t), embedded.ClientURL(), "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	elsewhere, err := Open(testContext(t), connection)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, j, 1, 3)
	waiting := embedded.Guard().writable()
	if err := embedded.running().ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-waiting.Done(): // also when they are opened again at once: no answer comes from before
	case <-time.After(30 * time.Second):
		t.Fatal("who writes when the streams break waits for an answer that will not come")
	}
	last := uint64(0)
	for deadline := time.Now().Add(30 * time.Second); last != 3; {
		if time.Now().After(deadline) {
			t.Fatal("the streams are never opened again")
		}
		last, _ = j.Last(testContext(t))
	}
	fill(t, j, 4, 5)
	for deadline := time.Now().Add(30 * time.Second); last != 5; { // another node connects again a moment later
		if time.Now().After(deadline) {
			t.Fatal("another node never reaches the streams again")
		}
		last, _ = elsewhere.Last(testContext(t))
	}
	if size, err := j.Size(testContext(t)); err != nil || size.First != 1 || size.Last != 5 || size.Bytes == 0 {
		t.Errorf("the journal has %+v, %v", size, err)
	}
}

func withLog(config EmbeddedConfig, log io.Writer) EmbeddedConfig {
	config.Log = zerolog.New(log)
	return config
}

// lines collects a log.
type lines struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// A guard is closed while its keeper still looks: what it sees then lets nobody wait again.
func TestAClosedGuardStaysClosed(t *testing.T) {
	t.Parallel()
	g := newGuard()
	g.set(Storage{Level: Unwritable, Problem: "full"})
	var looking sync.WaitGroup
	looking.Go(func() { g.set(Storage{}) })
	g.close()
	looking.Wait()
	g.set(Storage{Level: Unwritable})
	g.set(Storage{})
	if err := context.Cause(g.writable()); !errors.Is(err, ErrNotWritable) {
		t.Errorf("a closed guard lets writers wait: %v", err)
	}
}

// Room that comes and goes around a bound changes nothing until there is clearly more of it.
func TestALevelDoesNotFlicker(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	embedded.leave()
	embedded.keeping.Wait() // only this test looks
	embedded.guard = newGuard()
	const room = 80 << 20 // of the limit: the streams are empty
	k := &keeper{embedded: embedded, directory: embedded.config.Dir, log: zerolog.Nop(), limit: room, warn: 1}
	for i, step := range []struct {
		reserve int64
		is      Level
	}{{room - 1, Ample}, {room + 1, Reserved}, {room - 1, Reserved}, {room * 7 / 8, Ample}, {room - 1, Ample}} {
		k.reserve = step.reserve // what is kept moves, instead of what is free
		k.look(time.Now())
		if got := embedded.guard.Storage(); got.Level != step.is {
			t.Errorf("step %d: %+v", i, got)
		}
	}
}

// After an attempt to replace it failed there is no server at all: the keeper tries again until there is one.
func TestAServerThatEndedIsReplaced(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]string{"in the process": "", "for others too": "127.0.0.1:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), Listen: listen, Token: "open sesame", WarnBytes: 1, ReserveBytes: 1})
			j := openJournal(t, embedded)
			fill(t, j, 1, 3)
			ended := embedded.running()
			ended.Shutdown()
			ended.WaitForShutdown()
			last := uint64(0)
			for deadline := time.Now().Add(30 * time.Second); last != 3; last, _ = j.Last(testContext(t)) {
				if time.Now().After(deadline) {
					t.Fatalf("nothing serves the streams any more; they are said to be %+v", embedded.Guard().Storage())
				}
			}
		})
	}
}
