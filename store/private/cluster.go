package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

const (
	// readyInterval is how often a starting server is asked whether it is ready.
	readyInterval = 3 * time.Millisecond
	// fastGrace is how long a fast shutdown may take (it writes a checkpoint) before it becomes an immediate one.
	fastGrace = 20 * time.Second
	// immediateGrace is how long an immediate shutdown may take; PostgreSQL itself ends its children by force after 5 s.
	immediateGrace = 10 * time.Second
)

// Config says where the cluster is and how it runs.
type Config struct {
	// Dir is the directory that belongs to the cluster alone, for example /var/lib/svar/postgres. It is created
	// when it is missing. When we are root every directory above it must let the database's user pass.
	Dir string
	// Log gets one line per start and stop. What PostgreSQL itself says goes to Dir/log.
	Log zerolog.Logger
	// NoSync is for tests: quicker, and a power cut (not a killed process) may destroy the cluster. Zero is safe.
	NoSync bool
}

// Cluster is a running server that we started. All methods are safe for concurrent use.
type Cluster struct {
	server           *child
	lock             *DirectoryLock
	output           *serverLog
	log              zerolog.Logger
	connectionString string
	user             string
	stopping         atomic.Bool
	done             chan struct{}
	err              error // read it only after done is closed
}

// Start brings the directory's cluster up and returns when it accepts connections. It takes the directory's lock (ErrLocked
// when somebody has it), makes the cluster at the first time, and recovers what an earlier run left. The context
// limits the start only; recovery after a crash can take minutes on a large database, so give it time.
//
// Errors: ErrLocked, ErrNotInstalled, ErrVersion, ErrUnreachable, ErrOwner, ErrDamaged, ErrServer, or the context's.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	begun := time.Now()
	as, err := serverAccount()
	if err != nil {
		return nil, err
	}
	place, err := prepare(config.Dir, as)
	if err != nil {
		return nil, err
	}
	lock, err := Lock(place.directory)
	if err != nil {
		return nil, adviseOnPermission(err)
	}
	output, err := openServerLog(place.logDirectory())
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	cluster := &Cluster{lock: lock, output: output, log: config.Log, user: as.name, done: make(chan struct{})}
	programs, err := cluster.start(ctx, config, place, as)
	if err != nil {
		output.close()
		return nil, errors.Join(err, lock.Release())
	}
	go cluster.watch()
	config.Log.Info().Int("version", programs.major).Str("user", as.name).Int("pid", cluster.server.pid()).
		Str("directory", place.directory).Dur("took", time.Since(begun)).Msg("database started")
	return cluster, nil
}

// start does what needs the lock. After an error no process is left.
func (c *Cluster) start(ctx context.Context, config Config, place layout, as account) (installation, error) {
	place.removeHalfMade()
	major, err := clusterMajor(place.cluster())
	if err != nil {
		return installation{}, err
	}
	programs, err := chooseInstallation(findInstallations(ctx, debianPattern, os.Getenv("PATH")), major, place.cluster())
	if err != nil {
		return installation{}, err
	}
	if major > 0 {
		if err := as.checkOwner(place.cluster()); err != nil {
			return installation{}, err
		}
		if err := clearLeftovers(ctx, place.cluster(), as); err != nil {
			return installation{}, err
		}
	} else if err := place.initialize(ctx, programs, as, c.output, !config.NoSync); err != nil {
		return installation{}, err
	}
	password, err := place.ensurePassword(ctx, programs, as, c.output)
	if err != nil {
		return installation{}, err
	}
	socket, err := place.socketDirectory(as)
	if err != nil {
		return installation{}, err
	}
	authentication, err := place.writeHostBasedAuthentication()
	if err != nil {
		return installation{}, err
	}
	c.connectionString = connectionString(socket, password)
	return programs, c.launch(ctx, programs, as, place, settings(socket, authentication, config.NoSync))
}

// settings are given on the command line, where no file and no ALTER SYSTEM changes them: most are about safety, and
// an installation that needs tuning has a PostgreSQL of its own (SVAR_DATABASE_URL).
func settings(socketDirectory, authenticationFile string, noSync bool) []string {
	values := []string{
		"listen_addresses=", // no network at all
		"port=5432",
		"unix_socket_directories=" + socketDirectory,
		"unix_socket_permissions=0700",
		"hba_file=" + authenticationFile,
		"password_encryption=scram-sha-256",
		"ssl=off",
		// Quick to start and small: one Svar and its commands are the only clients.
		"shared_buffers=64MB",
		"huge_pages=off",
		"max_connections=100",
		"jit=off", // compiling costs more than our queries
		"max_logical_replication_workers=0",
		"max_wal_size=512MB",
		"synchronous_commit=on", // also in tests: a commit must outlive a killed process
		"timezone=UTC",
		// To standard error, which is ours (see serverLog). No statement, parameter or key value is ever in
		// it, as those can be personal data.
		"logging_collector=off",
		"log_destination=stderr",
		"log_timezone=UTC",
		"lc_messages=C.UTF-8",
		"log_error_verbosity=terse",
		"log_min_error_statement=panic",
		"log_statement=none",
		"log_checkpoints=off",
		"log_autovacuum_min_duration=-1",
		"log_line_prefix=%m [%p] ",
		"cluster_name=svar",
	}
	if noSync {
		return append(values, "fsync=off", "full_page_writes=off")
	}
	return append(values, "fsync=on", "full_page_writes=on")
}

func (c *Cluster) launch(ctx context.Context, programs installation, as account, place layout, values []string) error {
	arguments := []string{"-D", place.cluster()}
	for _, value := range values {
		arguments = append(arguments, "-c", value)
	}
	c.output.forget()
	command := exec.CommandContext(context.WithoutCancel(ctx), programs.program("postgres"), arguments...) // ctx limits the start only
	command.Env, command.Dir = environment(), "/"
	command.Stdout, command.Stderr = c.output, c.output
	// SIGQUIT is PostgreSQL's immediate shutdown: it waits for no client and for no checkpoint, so it always ends, and what was
	// committed is recovered from the write-ahead log. A fast shutdown (SIGINT) could hang behind a full disk.
	server, err := startChild(command, as, unix.SIGQUIT)
	if err != nil {
		return fmt.Errorf("start %s as %s: %w", command.Path, as.name, err)
	}
	c.server = server
	if err := c.waitReady(ctx, place); err != nil {
		c.end()
		return err
	}
	return nil
}

// waitReady believes only a status that our own child wrote: a pid file can be an earlier server's.
func (c *Cluster) waitReady(ctx context.Context, place layout) error {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the database in %s to be ready: %w", place.directory, ctx.Err())
		case <-c.server.ended:
			return &ServerError{
				Doing: "starting the database in " + place.directory,
				Advice: "If its data is damaged, restore a backup, or move " + place.cluster() +
					" away to begin with an empty database.",
				Lines: c.output.lastLines(),
				Exit:  exitReason(c.server.err),
			}
		case <-ticker.C:
			found, err := readPIDFile(place.cluster())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read %s of the database: %w", pidFileName, err)
			}
			if found.pid == c.server.pid() && found.status == statusReady {
				return nil
			}
		}
	}
}

func exitReason(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// watch owns the end: whoever caused it, the lock is given back after the last process of the server is gone.
func (c *Cluster) watch() {
	<-c.server.ended
	if !c.stopping.Load() {
		c.err = &ServerError{
			Doing:  "running the database",
			Advice: "Start svar again: what was committed is kept.",
			Lines:  c.output.lastLines(),
			Exit:   exitReason(c.server.err),
		}
		c.log.Error().Err(c.server.err).Msg("database ended unexpectedly")
	}
	c.output.close()
	if err := c.lock.Release(); err != nil {
		c.log.Warn().Err(err).Msg("the lock of the database's directory could not be given back")
	}
	close(c.done)
}

// ConnString returns a URL for pgx or libpq, of the database "svar" as its owner. It contains the password: keep it out
// of logs. Call PrepareConfig on what pgx parses from it.
func (c *Cluster) ConnString() string { return c.connectionString }

// User is the system user that the server runs as.
func (c *Cluster) User() string { return c.user }

// Done is closed when the server has ended, wanted or not; then Err says whether it was wanted.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err is nil while the server runs and after Stop; otherwise a *ServerError.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stop ends the server: open transactions are rolled back, a checkpoint is written, and nothing is left when it returns. If that
// takes longer than 20 s or than the context, the server is ended at once, which loses nothing that was
// committed but costs a recovery at the next start; the error says so. More calls are harmless.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stopping.Store(true)
	c.server.signal(unix.SIGINT)
	if c.server.waitFor(fastGrace, ctx.Done()) {
		<-c.done
		if c.err == nil && c.server.err != nil {
			return fmt.Errorf("stop the database: %w", c.server.err)
		}
		return c.err
	}
	c.end()
	<-c.done
	return errors.Join(errors.New("the database did not stop in time and was ended; the next start recovers it"), ctx.Err())
}

// end ends the server without regard to clients and checkpoints and returns when it is gone.
func (c *Cluster) end() {
	c.server.signal(unix.SIGQUIT)
	if !c.server.waitFor(immediateGrace, nil) {
		c.server.signal(unix.SIGKILL)
		<-c.server.ended
	}
}
