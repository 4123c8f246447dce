package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// Kinds of failure, for errors.Is; the errors that wrap them say in plain words what was wrong, where, and what to do.
var (
	// ErrStoreDamaged: the store on disk lacks something that it once had.
	ErrStoreDamaged = errors.New("the journal's store is damaged")
	// ErrListen: the address to listen on cannot be used.
	ErrListen = errors.New("the journal's address cannot be used")
)

const (
	defaultServerName  = "svar"
	defaultMemoryBytes = 256 << 20
	defaultStoreBytes  = 32 << 30
	// streamsDirectory is where JetStream keeps the streams of the one account, below the store's directory.
	streamsDirectory = "jetstream/$G/streams"
)

// EmbeddedConfig says how the in-process NATS server runs. Only Dir has no usable zero value.
type EmbeddedConfig struct {
	// Dir is the store's directory, for example /var/lib/svar/nats. It is created when it is missing. One server at a
	// time may use it: the caller holds a lock around it.
	Dir string
	// Name is the server's name, unique among the servers of a cluster. Empty means "svar".
	Name string
	// Listen is "host:port" for other nodes and tools (port 0 takes a free one). Empty means that nothing listens, and only
	// this process reaches the server.
	Listen string
	// Token is what every connection must present. It is needed when Listen is set.
	Token string
	// MaxMemoryBytes limits streams kept in memory. Zero means 256 MiB.
	MaxMemoryBytes int64
	// MaxStoreBytes limits streams kept on disk, after which appends fail. Zero means 32 GiB.
	MaxStoreBytes int64
	// Log gets the server's own messages; its notices are at debug level.
	Log zerolog.Logger
}

// Embedded is a NATS server with JetStream in this process. Its methods are safe for concurrent use.
type Embedded struct {
	server *server.Server
	token  string

	mutex       sync.Mutex
	connections map[*nats.Conn]struct{}
	closed      bool
}

// StartEmbedded starts the server, restores its streams from disk and returns when it serves. Every append is on disk
// before it is acknowledged (sync_always): there is one node, so nobody else has a copy.
//
// The server installs no signal handlers. Errors: ErrStoreDamaged when a stream that is on disk could not be
// restored (JetStream itself would go on without it), ErrListen, or the context's. Whether a restored stream still has
// all its records is CheckComplete's question.
func StartEmbedded(ctx context.Context, config EmbeddedConfig) (*Embedded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start the journal: %w", err)
	}
	options, err := serverOptions(config)
	if err != nil {
		return nil, err
	}
	expected, err := storedStreams(config.Dir)
	if err != nil {
		return nil, err
	}
	running, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("configure the journal's server: %w", err)
	}
	output := &serverLog{log: config.Log}
	running.SetLoggerV2(output, config.Log.GetLevel() <= zerolog.DebugLevel, false, false)
	embedded := &Embedded{server: running, token: config.Token, connections: make(map[*nats.Conn]struct{})}

	running.Start() // returns when the streams are restored and the listener is open
	err = embedded.checkStarted(config, output, expected)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, embedded.Shutdown(context.WithoutCancel(ctx)))
	}
	output.started()
	config.Log.Info().Str("directory", config.Dir).Int("streams", len(expected)).Str("listens", embedded.ClientURL()).Msg("journal started")
	return embedded, nil
}

func serverOptions(config EmbeddedConfig) (*server.Options, error) {
	if config.Dir == "" {
		return nil, errors.New("start the journal: no directory is given")
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the journal's directory: %w", err)
	}
	options := &server.Options{
		ServerName:             cmp.Or(config.Name, defaultServerName),
		DontListen:             config.Listen == "",
		Authorization:          config.Token,
		NoSigs:                 true,
		JetStream:              true,
		DisableJetStreamBanner: true,
		StoreDir:               config.Dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     cmp.Or(config.MaxMemoryBytes, defaultMemoryBytes),
		JetStreamMaxStore:      cmp.Or(config.MaxStoreBytes, defaultStoreBytes),
	}
	if config.Listen == "" {
		return options, nil
	}
	if config.Token == "" {
		return nil, fmt.Errorf("%w: listening on %s needs a token, or anybody could write the journal", ErrListen, config.Listen)
	}
	host, port, err := net.SplitHostPort(config.Listen)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not host:port: %w", ErrListen, config.Listen, err)
	}
	options.Host = host
	options.Port, err = strconv.Atoi(port)
	if err != nil || options.Port < 0 || options.Port > 65535 {
		return nil, fmt.Errorf("%w: %q has no port between 0 and 65535", ErrListen, config.Listen)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

// storedStreams lists the streams that are on disk before the server has touched it.
func storedStreams(directory string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(directory, filepath.FromSlash(streamsDirectory)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the journal's streams: %w", err)
	}
	var names []string
	for _, entry := range entries {
		// A leading dot marks a stream whose removal was interrupted.
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (e *Embedded) checkStarted(config EmbeddedConfig, output *serverLog, expected []string) error {
	if fatal := output.fatal(); fatal != "" {
		if strings.Contains(fatal, "listening") {
			return fmt.Errorf("%w: %s. Choose another address, or stop the program that uses %s", ErrListen, fatal, config.Listen)
		}
		return fmt.Errorf("start the journal in %s: %s", config.Dir, fatal)
	}
	account, err := e.server.JszAccount(&server.JSzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Streams: true})
	if err != nil {
		return fmt.Errorf("look at the journal's streams: %w", err)
	}
	restored := make(map[string]bool, len(account.Streams))
	for _, stream := range account.Streams {
		restored[stream.Name] = true
	}
	for _, name := range expected {
		if !restored[name] {
			return fmt.Errorf("%w: the stream %s in %s could not be restored. Restore the directory from a backup. The server said: %s",
				ErrStoreDamaged, name, config.Dir, strings.Join(output.complaints(), "; "))
		}
	}
	return nil
}

// Connect opens a connection inside this process, without a socket. The caller closes it; Shutdown closes those
// that are still open. Further options win over ours.
func (e *Embedded) Connect(name string, options ...nats.Option) (*nats.Conn, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		return nil, fmt.Errorf("connect %s to the journal: %w", name, nats.ErrConnectionClosed)
	}
	ours := []nats.Option{nats.Name(name), nats.InProcessServer(e.server), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait)}
	if e.token != "" {
		ours = append(ours, nats.Token(e.token))
	}
	connection, err := nats.Connect("", append(ours, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect %s to the journal: %w", name, err)
	}
	for known := range e.connections {
		if known.IsClosed() {
			delete(e.connections, known)
		}
	}
	e.connections[connection] = struct{}{}
	return connection, nil
}

// ClientURL is where others connect, or "" when nothing listens.
func (e *Embedded) ClientURL() string {
	address, ok := e.server.Addr().(*net.TCPAddr)
	if !ok || address == nil {
		return ""
	}
	return "nats://" + address.String()
}

// Shutdown closes the connections of this process and the server, and returns when its streams are closed and its
// goroutines have ended, or with the context's error. More calls are harmless.
func (e *Embedded) Shutdown(ctx context.Context) error {
	e.mutex.Lock()
	e.closed = true
	for connection := range e.connections {
		connection.Close()
		delete(e.connections, connection)
	}
	e.mutex.Unlock()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the journal: %w", ctx.Err())
	}
}
