package journal

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// connectTimeout limits the first connection when the context has no deadline.
	connectTimeout = 5 * time.Second
	// reconnectWait is the pause between attempts after a connection was lost; nats.go spreads it and never gives up.
	reconnectWait = 250 * time.Millisecond
)

// Connect connects to a NATS server elsewhere (SVAR_NATS_URL; several addresses are separated by commas). The token may be empty when
// the address carries the credentials or the server wants none. A connection that is lost later is made again, without
// end. Further options win over ours; the caller closes the connection.
func Connect(ctx context.Context, address, token string, options ...nats.Option) (*nats.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	timeout := connectTimeout
	if deadline, limited := ctx.Deadline(); limited {
		timeout = min(timeout, time.Until(deadline))
	}
	ours := []nats.Option{nats.Name("svar"), nats.Timeout(timeout), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait)}
	if token != "" {
		ours = append(ours, nats.Token(token))
	}
	connection, err := nats.Connect(address, append(ours, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s (SVAR_NATS_URL): %w. Is it running, and is the token right?", withoutSecrets(address), err)
	}
	return connection, nil
}

// withoutSecrets removes passwords and tokens from addresses that an error shows.
func withoutSecrets(addresses string) string {
	var shown []string
	for address := range strings.SplitSeq(addresses, ",") {
		parsed, err := url.Parse(strings.TrimSpace(address))
		if err != nil {
			shown = append(shown, "an address that is no URL")
			continue
		}
		parsed.User = nil // a lone user name can be a token
		shown = append(shown, parsed.String())
	}
	return strings.Join(shown, ", ")
}
