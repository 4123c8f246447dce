package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// What a power cut or a bad disk leaves of a stream of four records; JetStream restores each of them without an error.
func TestCheckComplete(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage     func(t *testing.T, messages string)
		next, seen uint64
		want       error
	}{
		"whole":                      {func(*testing.T, string) {}, 1, 4, nil},
		"whole, nothing seen yet":    {func(*testing.T, string) {}, 1, 0, nil},
		"whole, all in the snapshot": {func(*testing.T, string) {}, 5, 4, nil},
		"last record torn": {func(t *testing.T, messages string) {
			block := filepath.Join(messages, "1.blk")
			info, err := os.Stat(block)
			if err := errors.Join(err, os.Truncate(block, info.Size()-5)); err != nil {
				t.Fatal(err)
			}
		}, 1, 4, ErrStoreDamaged},
		"record damaged and index lost": {func(t *testing.T, messages string) {
			overwrite(t, filepath.Join(messages, "1.blk"), 80, "XXXX")
			if err := os.Remove(filepath.Join(messages, "index.db")); err != nil {
				t.Fatal(err)
			}
		}, 1, 4, ErrStoreDamaged},
		"block lost": {func(t *testing.T, messages string) {
			if err := os.Remove(filepath.Join(messages, "1.blk")); err != nil {
				t.Fatal(err)
			}
		}, 1, 4, ErrStoreDamaged},
		"block lost that the snapshot covers": {func(t *testing.T, messages string) {
			if err := os.Remove(filepath.Join(messages, "1.blk")); err != nil {
				t.Fatal(err)
			}
		}, 5, 4, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			first := startEmbedded(t, EmbeddedConfig{Dir: directory})
			appendWords(t, openStream(t, first), "arrived", "waiting", "offered", "connected")
			shutDown(t, first)
			test.damage(t, filepath.Join(directory, streamsDirectory, "RECORDS", "msgs"))

			second := openStream(t, startEmbedded(t, EmbeddedConfig{Dir: directory}))
			stream, err := second.Stream(testContext(t), "RECORDS")
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckComplete(testContext(t), stream, test.next, test.seen); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestCheckCompleteAllowsPurgingFromTheFront(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	records := openStream(t, embedded)
	appendWords(t, records, "arrived", "waiting", "offered")
	stream, err := records.Stream(testContext(t), "RECORDS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(testContext(t), jetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	if err := CheckComplete(testContext(t), stream, 3, 3); err != nil {
		t.Errorf("what the snapshot covers was purged: %v", err)
	}
	if err := CheckComplete(testContext(t), stream, 2, 3); !errors.Is(err, ErrStoreDamaged) {
		t.Errorf("a record that is needed was purged: %v", err)
	}
	if err := CheckComplete(testContext(t), stream, 4, 4); !errors.Is(err, ErrStoreDamaged) {
		t.Errorf("a record that was seen is gone: %v", err)
	}
}
