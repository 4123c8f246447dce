package store

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"svar/store/private"
)

// ErrAddress: the connection string cannot be read. It is not shown, since it can hold a
// password in any place.
var ErrAddress = errors.New("the database's address cannot be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE in SVAR_DATABASE_URL")

// ConnectError says in one line why there is no connection, and where to.
type ConnectError struct {
	// Host is the server's name, address or socket directory.
	Host     string
	Port     uint16
	Database string
	User     string
	cause    error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("the database %q at %s port %d cannot be used as %q: %s", e.Database, e.Host, e.Port, e.User, reason(e.cause))
}

// Unwrap returns what the driver said. Its text can have several lines.
func (e *ConnectError) Unwrap() error { return e.cause }

// reason returns the innermost fault with what to do about it. The driver's own text
// repeats it for every address and encryption that it tried.
func reason(err error) string {
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
		return fmt.Sprintf("%s (%s); correct SVAR_DATABASE_URL or the server's settings", refused.Message, refused.Code)
	}
	if network := (*net.OpError)(nil); errors.As(err, &network) {
		return fmt.Sprintf("%v; is PostgreSQL running there?", network.Err)
	}
	if lookUp := (*net.DNSError)(nil); errors.As(err, &lookUp) {
		return lookUp.Err + "; is the host's name right?"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

func connectError(config *pgx.ConnConfig, cause error) error {
	return &ConnectError{Host: config.Host, Port: config.Port, Database: config.Database, User: config.User, cause: cause}
}

const (
	// connectTime bounds the making of a connection, unless its address says another time (connect_timeout).
	connectTime = 5 * time.Second
	// pingTime bounds the question whether an idle connection is still good.
	pingTime = 2 * time.Second
	// A connection whose other end is gone without a word ends after about 20 s: what was sent must be
	// acknowledged in unheardTime, and an idle one is tried (RFC 9293 §3.8.3, §3.8.4).
	unheardTime = 20 * time.Second
	idleTime    = 10 * time.Second
	probeTime   = 5 * time.Second
	probes      = 2
)

// reach lets the loss of the database be noticed in seconds: a network that swallows everything would
// otherwise be waited for a quarter of an hour.
func reach(config *pgconn.Config) {
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: idleTime, Interval: probeTime, Count: probes},
		Control: func(network, _ string, connection syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			var failed error
			err := connection.Control(func(descriptor uintptr) {
				failed = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unheardTime.Milliseconds()))
			})
			return errors.Join(err, failed)
		},
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	dialer.Timeout = config.ConnectTimeout
	config.DialFunc = dialer.DialContext
	private.PrepareConfig(config)
}

func parseConnConfig(connString string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(connString)
	if err != nil {
		return nil, ErrAddress
	}
	reach(&config.Config)
	return config, nil
}

func parsePoolConfig(connString string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, ErrAddress
	}
	reach(&config.ConnConfig.Config)
	config.PingTimeout = pingTime
	return config, nil
}
