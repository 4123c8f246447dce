package store

import (
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

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

func parseConnConfig(connString string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(connString)
	if err != nil {
		return nil, ErrAddress
	}
	private.PrepareConfig(&config.Config)
	return config, nil
}

func parsePoolConfig(connString string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, ErrAddress
	}
	private.PrepareConfig(&config.ConnConfig.Config)
	return config, nil
}
