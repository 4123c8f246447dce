package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
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

// Cluster is a server that we started and keep running. All methods are safe for concurrent use.
type Cluster struct {
	lock             *DirectoryLock
	output           *serverLog
	log              zerolog.Logger
	connectionString string
	user             string
	run              recipe
	// life ends with Stop.
	life  context.Context
	leave context.CancelFunc
	done  chan struct{}

	mutex   sync.Mutex
	server  *child
	failure error // why it does not run now
	err     error // how it ended at last; read it only after done is closed
}

// recipe is all that is needed to run the server again.
type recipe struct {
	programs installation
	as       account
	place    layout
	socket   string
	settings []string
}

// Start brings the directory's cluster up and returns when it accepts connections. It takes the directory's lock (ErrLocked
// when somebody has it), makes the cluster at the first time, and recovers what an earlier run left. The context
// limits the start only; recovery after a crash can take minutes on a large database, so give it time.
//
// A server that ends by itself, since it was killed or its disk was full, is started again until [Cluster.Stop]; its
// connection string stays the same.
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
	cluster.life, cluster.leave = context.WithCancel(context.Background())
	programs, err := cluster.start(ctx, config, place, as)
	if err != nil {
		cluster.leave()
		output.close()
		return nil, errors.Join(err, lock.Release())
	}
	go cluster.supervise()
	config.Log.Info().Int("version", programs.major).Str("user", as.name).Int("pid", cluster.current().pid()).
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
	c.run = recipe{programs: programs, as: as, place: place, socket: socket, settings: settings(socket, authentication, config.NoSync)}
	c.server, err = c.launch(ctx)
	return programs, err
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

// launch runs the server and returns it when it is ready.
func (c *Cluster) launch(ctx context.Context) (*child, error) {
	arguments := []string{"-D", c.run.place.cluster()}
	for _, value := range c.run.settings {
		arguments = append(arguments, "-c", value)
	}
	c.output.forget()
	command := exec.CommandContext(context.WithoutCancel(ctx), c.run.programs.program("postgres"), arguments...) // ctx limits the start only
	command.Env, command.Dir = environment(), "/"
	command.Stdout, command.Stderr = c.output, c.output
	// SIGQUIT is PostgreSQL's immediate shutdown: it waits for no client and for no checkpoint, so it always ends, and what was
	// committed is recovered from the write-ahead log. A fast shutdown (SIGINT) could hang behind a full disk.
	server, err := startChild(command, c.run.as, unix.SIGQUIT)
	if err != nil {
		return nil, fmt.Errorf("start %s as %s: %w", command.Path, c.run.as.name, err)
	}
	if err := c.waitReady(ctx, server, c.run.place); err != nil {
		endChild(server)
		return nil, err
	}
	return server, nil
}

// waitReady believes only a status that our own child wrote: a pid file can be an earlier server's.
func (c *Cluster) waitReady(ctx context.Context, server *child, place layout) error {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the database in %s to be ready: %w", place.directory, ctx.Err())
		case <-server.ended:
			return &ServerError{
				Doing: "starting the database in " + place.directory,
				Advice: "If its data is damaged, restore a backup, or move " + place.cluster() +
					" away to begin with an empty database.",
				Lines: c.output.lastLines(),
				Exit:  exitReason(server.err),
			}
		case <-ticker.C:
			found, err := readPIDFile(place.cluster())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read %s of the database: %w", pidFileName, err)
			}
			if found.pid == server.pid() && found.status == statusReady {
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

// ConnString returns a URL for pgx or libpq, of the database "svar" as its owner. It contains the password: keep it out
// of logs. Call PrepareConfig on what pgx parses from it.
func (c *Cluster) ConnString() string { return c.connectionString }

// User is the system user that the server runs as.
func (c *Cluster) User() string { return c.user }

// Done is closed when the server has ended and is not started again, after Stop.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err says why the server does not run now: nil while it does and after Stop, otherwise a *ServerError or what hinders
// the next start.
func (c *Cluster) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.failure
}

// Stop ends the server: open transactions are rolled back, a checkpoint is written, and nothing is left when it returns. If that
// takes longer than 20 s or than the context, the server is ended at once, which loses nothing that was
// committed but costs a recovery at the next start; the error says so. More calls are harmless.
func (c *Cluster) Stop(ctx context.Context) error {
	c.leave()
	server := c.current() // no other one is begun any more
	server.signal(unix.SIGINT)
	if server.waitFor(fastGrace, ctx.Done()) {
		<-c.done
		if c.err != nil {
			return fmt.Errorf("stop the database: %w", c.err)
		}
		return nil
	}
	endChild(server)
	<-c.done
	return errors.Join(errors.New("the database did not stop in time and was ended; the next start recovers it"), ctx.Err())
}

func (c *Cluster) current() *child {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.server
}

// endChild ends the server without regard to clients and checkpoints and returns when it is gone.
func endChild(server *child) {
	server.signal(unix.SIGQUIT)
	if !server.waitFor(immediateGrace, nil) {
		server.signal(unix.SIGKILL)
		<-server.ended
	}
}
