package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testContext bounds what could hang; no test's outcome depends on its length.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func startEmbedded(t testing.TB, config EmbeddedConfig) *Embedded {
	t.Helper()
	config.Log = zerolog.Nop()
	embedded, err := StartEmbedded(testContext(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutDown(t, embedded) })
	return embedded
}

func shutDown(t testing.TB, embedded *Embedded) {
	t.Helper()
	if err := embedded.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func openStream(t testing.TB, embedded *Embedded) jetstream.JetStream {
	t.Helper()
	connection, err := embedded.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.CreateOrUpdateStream(testContext(t), jetstream.StreamConfig{Name: "RECORDS", Subjects: []string{"records"}})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func appendWords(t testing.TB, stream jetstream.JetStream, words ...string) {
	t.Helper()
	for _, word := range words {
		if _, err := stream.Publish(testContext(t), "records", []byte(word)); err != nil {
			t.Fatal(err)
		}
	}
}

func readWords(t testing.TB, stream jetstream.JetStream) []string {
	t.Helper()
	records, err := stream.Stream(testContext(t), "RECORDS")
	if err != nil {
		t.Fatal(err)
	}
	info, err := records.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for sequence := info.State.FirstSeq; sequence <= info.State.LastSeq; sequence++ {
		message, err := records.GetMsg(testContext(t), sequence)
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, string(message.Data))
	}
	return words
}

func TestRecordsOutliveTheServer(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "data", "nats")
	first := startEmbedded(t, EmbeddedConfig{Dir: directory})
	if got := first.ClientURL(); got != "" {
		t.Errorf("it listens on %s, but nothing should", got)
	}
	appendWords(t, openStream(t, first), "arrived", "waiting")
	shutDown(t, first)

	second := startEmbedded(t, EmbeddedConfig{Dir: directory})
	stream := openStream(t, second)
	appendWords(t, stream, "offered")
	if got, want := readWords(t, stream), []string{"arrived", "waiting", "offered"}; !slices.Equal(got, want) {
		t.Errorf("the stream has %v, want %v", got, want)
	}
}

func TestSyncAlwaysIsOn(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	if config := embedded.server.JetStreamConfig(); !config.SyncAlways || config.MaxStore != defaultStoreBytes || config.MaxMemory != defaultMemoryBytes {
		t.Errorf("JetStream runs with %+v", config)
	}
}

func TestShutdownClosesConnectionsAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	connection, err := embedded.Connect("left open")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Subscribe("any", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	shutDown(t, embedded)
	if !connection.IsClosed() {
		t.Error("the connection is still open")
	}
	if _, err := embedded.Connect("late"); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("a connection after the shutdown gives %v", err)
	}
	shutDown(t, embedded)
}

func TestListeningNeedsTheToken(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "secret-word"})
	appendWords(t, openStream(t, embedded), "inside")

	outside, err := Connect(testContext(t), embedded.ClientURL(), "secret-word")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	stream, err := jetstream.New(outside)
	if err != nil {
		t.Fatal(err)
	}
	appendWords(t, stream, "outside")
	if got, want := readWords(t, stream), []string{"inside", "outside"}; !slices.Equal(got, want) {
		t.Errorf("the stream has %v, want %v", got, want)
	}

	for _, token := range []string{"", "wrong-word"} {
		connection, err := Connect(testContext(t), embedded.ClientURL(), token)
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("token %q gives %v", token, err)
		}
		if err == nil {
			connection.Close()
		} else if token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

func TestConnectErrorShowsNoSecret(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Connect(testContext(t), fmt.Sprintf("nats://user:hidden@%s, nats://hidden@%[1]s", closed), "")
	if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "SVAR_NATS_URL") {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := Connect(cancelled, "nats://"+closed, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(testContext(t))
	cancel()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		config EmbeddedConfig
		kind   error
		says   string
	}{
		{"port taken", testContext(t), EmbeddedConfig{Dir: t.TempDir(), Listen: taken.Addr().String(), Token: "word"}, ErrListen, taken.Addr().String()},
		{"no token", testContext(t), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, ErrListen, "token"},
		{"no port", testContext(t), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1", Token: "word"}, ErrListen, "host:port"},
		{"bad port", testContext(t), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:99999", Token: "word"}, ErrListen, "99999"},
		{"no directory", testContext(t), EmbeddedConfig{}, nil, "directory"},
		{"a file in the way", testContext(t), EmbeddedConfig{Dir: filepath.Join(file, "nats")}, nil, file},
		{"cancelled", cancelled, EmbeddedConfig{Dir: t.TempDir()}, context.Canceled, ""},
	} {
		test.config.Log = zerolog.New(io.Discard)
		embedded, err := StartEmbedded(test.ctx, test.config)
		if err == nil {
			shutDown(t, embedded)
			t.Errorf("%s: it started", test.name)
			continue
		}
		if test.kind != nil && !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

// JetStream goes on without a stream whose description it cannot read. For Svar that would be a day without contacts.
func TestDamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, stream string){
		"description overwritten": func(t *testing.T, stream string) {
			overwrite(t, filepath.Join(stream, "meta.inf"), 5, "damage")
		},
		"description lost": func(t *testing.T, stream string) {
			if err := os.Remove(filepath.Join(stream, "meta.inf")); err != nil {
				t.Fatal(err)
			}
		},
		"checksum lost": func(t *testing.T, stream string) {
			if err := os.Remove(filepath.Join(stream, "meta.sum")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			first := startEmbedded(t, EmbeddedConfig{Dir: directory})
			appendWords(t, openStream(t, first), "kept")
			shutDown(t, first)
			damage(t, filepath.Join(directory, streamsDirectory, "RECORDS"))

			embedded, err := StartEmbedded(testContext(t), EmbeddedConfig{Dir: directory, Log: zerolog.Nop()})
			if err == nil {
				shutDown(t, embedded)
			}
			if !errors.Is(err, ErrStoreDamaged) || !strings.Contains(err.Error(), "RECORDS") || !strings.Contains(err.Error(), directory) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func overwrite(t *testing.T, path string, offset int64, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte(text), offset)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkStartEmbedded(b *testing.B) {
	directory := b.TempDir()
	for b.Loop() {
		embedded, err := StartEmbedded(context.Background(), EmbeddedConfig{Dir: directory, Log: zerolog.Nop()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		shutDown(b, embedded)
		b.StartTimer()
	}
}

// One append at a time, acknowledged after it is on disk.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 6 << 10} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			embedded := startEmbedded(b, EmbeddedConfig{Dir: b.TempDir()})
			stream := openStream(b, embedded)
			record := make([]byte, size)
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if _, err := stream.Publish(context.Background(), "records", record); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
