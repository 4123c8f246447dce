package private

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// connectionString builds a URL that pgx and libpq understand.
func connectionString(socketDirectory, password string) string {
	query := url.Values{"host": {socketDirectory}, "port": {"5432"}, "sslmode": {"disable"}}
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(roleName, password),
		Path:     "/" + databaseName,
		RawQuery: query.Encode(),
	}
	return address.String()
}

// PrepareConfig must be called on every configuration that was parsed from a ConnString, before it is used (a pgxpool.Config
// has it as &config.ConnConfig.Config). pgx does not know abstract sockets, which are used when the path of
// the directory is too long; for any other host nothing is changed.
//
// Any local user may listen on an abstract name. So the client accepts SCRAM only, where the server too must prove that
// it knows the password, and never sends the password itself.
func PrepareConfig(config *pgconn.Config) {
	if !strings.HasPrefix(config.Host, "@") {
		return
	}
	address := config.Host + "/" + socketFile
	config.RequireAuth = "scram-sha-256"
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", address)
	}
}
