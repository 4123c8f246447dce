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
	"time"

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
	// ReadersFile, when set, is a file that tells commands on this machine how to read the journal while the server runs
	// ([ConnectReader]), by a token that is refused all else. Only its owner can read it, and Shutdown removes it. Without
	// Listen the server then listens on a free port of 127.0.0.1, for such commands alone.
	ReadersFile string
	// MaxMemoryBytes limits streams kept in memory. Zero means 256 MiB.
	MaxMemoryBytes int64
	// MaxStoreBytes limits streams kept on disk, after which appends fail. Zero means 32 GiB.
	MaxStoreBytes int64
	// WarnBytes are how few bytes of room are said to be few. Zero means 1 GiB.
	WarnBytes int64
	// ReserveBytes are kept for what goes on already: when no more room is left, nothing new is taken in. Zero means
	// 64 MiB.
	ReserveBytes int64
	// Log gets the server's own messages; its notices are at debug level.
	Log zerolog.Logger

	// readersToken is what readers present.
	readersToken string
}

// Embedded is a NATS server with JetStream in this process. Its methods are safe for concurrent use.
type Embedded struct {
	config EmbeddedConfig
	token  string

	mutex sync.Mutex
	// server is replaced when its streams broke; connections are made again to the new one.
	server      *server.Server
	connections map[*nats.Conn]struct{}
	closed      bool

	guard   *Guard
	keeping sync.WaitGroup
	leave   context.CancelFunc
}

// StartEmbedded starts the server, restores its streams from disk and returns when it serves. Every append is on disk
// before it is acknowledged (sync_always): there is one node, so nobody else has a copy.
//
// While it runs it is watched: when streams broke, since the disk was full or could not be written, the server is
// replaced as soon as that is over, and connections go on with the new one; see [Embedded.Guard].
//
// The server installs no signal handlers. Errors: ErrStoreDamaged when a stream that is on disk could not be
// restored (JetStream itself would go on without it), ErrListen, or the context's. Whether a restored stream still has
// all its records is CheckComplete's question.
func StartEmbedded(ctx context.Context, config EmbeddedConfig) (*Embedded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start the journal: %w", err)
	}
	config = config.withReaders()
	running, streams, err := startServer(config)
	if err != nil {
		return nil, err
	}
	embedded := &Embedded{
		config: config, token: config.Token, server: running, connections: make(map[*nats.Conn]struct{}),
		guard: newGuard(), leave: func() {},
	}
	if address, is := running.Addr().(*net.TCPAddr); is && config.Listen != "" {
		embedded.config.Listen = address.String() // the next server takes the same port
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, embedded.Shutdown(context.WithoutCancel(ctx)))
	}
	embedded.keep()
	config.Log.Info().Str("directory", config.Dir).Int("streams", streams).Str("listens", embedded.ClientURL()).Msg("journal started")
	return embedded, nil
}

// startServer returns a server that serves, and how many streams it restored. After an error nothing is left running.
func startServer(config EmbeddedConfig) (*server.Server, int, error) {
	options, err := serverOptions(config)
	if err != nil {
		return nil, 0, err
	}
	expected, err := storedStreams(config.Dir)
	if err != nil {
		return nil, 0, err
	}
	running, err := server.NewServer(options)
	if err != nil {
		return nil, 0, fmt.Errorf("configure the journal's server: %w", err)
	}
	output := &serverLog{log: config.Log}
	running.SetLoggerV2(output, config.Log.GetLevel() <= zerolog.DebugLevel, false, false)
	running.Start() // returns when the streams are restored and the listener is open
	if err := checkStarted(running, config, output, expected); err != nil {
		running.Shutdown()
		running.WaitForShutdown()
		return nil, 0, err
	}
	if err := config.tellReaders(running); err != nil {
		running.Shutdown()
		running.WaitForShutdown()
		return nil, 0, err
	}
	output.started()
	return running, len(expected), nil
}

// running is the server of now.
func (e *Embedded) running() *server.Server {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.server
}

// replace ends the server and starts another one on the same directory.
func (e *Embedded) replace() error {
	old := e.running()
	old.Shutdown()
	old.WaitForShutdown()
	next, streams, err := startServer(e.config)
	if err != nil {
		return err
	}
	e.mutex.Lock()
	e.server = next
	e.mutex.Unlock()
	e.config.Log.Info().Int("streams", streams).Msg("the journal's streams were read anew")
	return nil
}

// InProcessConn implements [nats.InProcessConnProvider]: a connection to the server of now.
func (e *Embedded) InProcessConn() (net.Conn, error) { return e.running().InProcessConn() }

// keep begins to watch the streams.
func (e *Embedded) keep() {
	k := &keeper{
		embedded: e, directory: e.config.Dir, log: e.config.Log,
		limit:   cmp.Or(e.config.MaxStoreBytes, defaultStoreBytes),
		warn:    cmp.Or(e.config.WarnBytes, defaultWarnBytes),
		reserve: cmp.Or(e.config.ReserveBytes, defaultReserveBytes),
	}
	var ctx context.Context
	ctx, e.leave = context.WithCancel(context.Background())
	k.look(time.Now())
	e.keeping.Go(func() { k.run(ctx) })
}

// Guard knows whether the streams can be written; see [GuardedBy].
func (e *Embedded) Guard() *Guard { return e.guard }

func serverOptions(config EmbeddedConfig) (*server.Options, error) {
	if config.Dir == "" {
		return nil, errors.New("start the journal: no directory is given")
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the journal's directory: %w", err)
	}
	options := &server.Options{
		ServerName:             cmp.Or(config.Name, defaultServerName),
		DontListen:             config.Listen == "" && config.ReadersFile == "",
		NoSigs:                 true,
		JetStream:              true,
		DisableJetStreamBanner: true,
		StoreDir:               config.Dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     cmp.Or(config.MaxMemoryBytes, defaultMemoryBytes),
		JetStreamMaxStore:      cmp.Or(config.MaxStoreBytes, defaultStoreBytes),
	}
	if config.Token != "" {
		options.CustomClientAuthentication = doorkeeper{owner: config.Token, reader: config.readersToken}
	}
	if config.Listen == "" {
		options.Host, options.Port = "127.0.0.1", server.RANDOM_PORT
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

func checkStarted(running *server.Server, config EmbeddedConfig, output *serverLog, expected []string) error {
	if fatal := output.fatal(); fatal != "" {
		if strings.Contains(fatal, "listening") {
			return fmt.Errorf("%w: %s. Choose another address, or stop the program that uses %s", ErrListen, fatal, config.Listen)
		}
		return fmt.Errorf("start the journal in %s: %s", config.Dir, fatal)
	}
	missing, err := missingStream(running, expected)
	if err != nil {
		return err
	}
	if missing != "" {
		return fmt.Errorf("%w: the stream %s in %s could not be restored. Restore the directory from a backup. The server said: %s",
			ErrStoreDamaged, missing, config.Dir, strings.Join(output.complaints(), "; "))
	}
	return nil
}

// missingStream is the first of the streams that the server does not have; empty when it has all.
func missingStream(running *server.Server, expected []string) (string, error) {
	account, err := running.JszAccount(&server.JSzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Streams: true})
	if err != nil {
		return "", fmt.Errorf("look at the journal's streams: %w", err)
	}
	restored := make(map[string]bool, len(account.Streams))
	for _, stream := range account.Streams {
		restored[stream.Name] = true
	}
	for _, name := range expected {
		if !restored[name] {
			return name, nil
		}
	}
	return "", nil
}

// Connect opens a connection inside this process, without a socket. The caller closes it; Shutdown closes those
// that are still open. Further options win over ours.
func (e *Embedded) Connect(name string, options ...nats.Option) (*nats.Conn, error) {
	gone := fmt.Errorf("connect %s to the journal: %w", name, nats.ErrConnectionClosed)
	if e.isClosed() {
		return nil, gone
	}
	ours := []nats.Option{nats.Name(name), nats.InProcessServer(e), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait)}
	if e.token != "" {
		ours = append(ours, nats.Token(e.token))
	}
	connection, err := nats.Connect("", append(ours, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect %s to the journal: %w", name, err)
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed { // meanwhile
		connection.Close()
		return nil, gone
	}
	for known := range e.connections {
		if known.IsClosed() {
			delete(e.connections, known)
		}
	}
	e.connections[connection] = struct{}{}
	return connection, nil
}

func (e *Embedded) isClosed() bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.closed
}

// ClientURL is where others connect, or "" when nothing listens.
func (e *Embedded) ClientURL() string {
	address, ok := e.running().Addr().(*net.TCPAddr)
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
	e.leave()
	e.guard.close()
	forgotten := e.config.forgetReaders()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.keeping.Wait()
		last := e.running()
		last.Shutdown()
		last.WaitForShutdown()
	}()
	select {
	case <-ended:
		return forgotten
	case <-ctx.Done():
		return fmt.Errorf("stop the journal: %w", ctx.Err())
	}
}
