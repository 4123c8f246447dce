package phone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// handshakeTime bounds a TLS handshake.
const handshakeTime = 10 * time.Second

// TLS is how SIP is taken by TLS.
type TLS struct {
	// Address is where; port 0 takes a free one.
	Address netip.AddrPort
	// Certificate returns ours for a handshake; it may be called concurrently. Needed.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// errNoTLS says that nothing can be sent by TLS.
var errNoTLS = errors.New("SIP by TLS is not configured")

// secureConnections are the TLS connections as the SIP library uses them: those that peers opened, and those that we opened to
// trunks. The library itself may open none: it knows one set of roots for all, and would connect to where a message says.
type secureConnections struct {
	*connections
	accepted chan net.Conn
	dialled  chan handedOver
	closed   chan struct{}
	close    func()
	flights  singleflight.Group
	// pooled is that of the connection that the library was given last. Used by its one goroutine in Accept.
	pooled chan struct{}
}

// handedOver is a connection that we opened; pooled is closed when the library has it.
type handedOver struct {
	conn   net.Conn
	pooled chan struct{}
}

func newSecureConnections(gateway *Gateway, listener *net.TCPListener) *secureConnections {
	s := &secureConnections{
		connections: newConnections(gateway, listener),
		accepted:    make(chan net.Conn), dialled: make(chan handedOver), closed: make(chan struct{}),
	}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

// listenSecure opens the port for TLS.
func listenSecure(ctx context.Context, address netip.AddrPort) (*net.TCPListener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, network("tcp", address), address.String())
	if err != nil {
		return nil, &AddressError{Network: "tls", Address: address, Cause: err}
	}
	return listener.(*net.TCPListener), nil
}

// acceptAll takes the connections of peers until the listener is closed.
func (s *secureConnections) acceptAll() {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.gateway.config.TLS.Certificate}
	for {
		accepted, err := s.connections.Accept()
		if err != nil {
			return
		}
		raw := accepted.(*connection)
		conn := &secured{Conn: tls.Server(raw, settings), raw: raw, gateway: s.gateway}
		select {
		case s.accepted <- conn:
		case <-s.closed:
			conn.drop()
		}
	}
}

// Accept implements [net.Listener] for the library, which has the connection that it got before when it asks for the next.
func (s *secureConnections) Accept() (net.Conn, error) {
	if s.pooled != nil {
		close(s.pooled)
		s.pooled = nil
	}
	select {
	case conn := <-s.accepted:
		return conn, nil
	case own := <-s.dialled:
		s.pooled = own.pooled
		return own.conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (s *secureConnections) Close() error {
	s.close()
	return s.connections.Close() //nolint:wrapcheck // the library's own interface
}

// secured is a TLS connection. The library has one reader for each, which ends with the first error.
type secured struct {
	*tls.Conn
	raw     *connection
	gateway *Gateway
	shaken  bool // used by the reader
}

// Read implements [net.Conn].
func (s *secured) Read(buffer []byte) (int, error) {
	if !s.shaken {
		ctx, cancel := context.WithTimeout(s.gateway.life, handshakeTime)
		defer cancel()
		if err := s.HandshakeContext(ctx); err != nil {
			s.gateway.counters.handshakes.Add(1)
			s.drop()
			return 0, net.ErrClosed
		}
		s.shaken = true
	}
	count, err := s.Conn.Read(buffer)
	if err != nil {
		s.drop()
	}
	return count, err //nolint:wrapcheck // the library's own interface
}

// Write implements [net.Conn].
func (s *secured) Write(message []byte) (int, error) {
	s.gateway.counters.sent(message)
	return s.Conn.Write(message) //nolint:wrapcheck // the library's own interface
}

func (s *secured) drop() {
	_ = s.raw.TCPConn.Close() // what is broken needs no farewell
	s.raw.release()
}

// connect sees to it that there is a TLS connection to an address of a trunk; nil is nobody's, and none is opened to it.
func (g *Gateway) connect(ctx context.Context, trunk *Trunk, address netip.AddrPort) error {
	switch {
	case g.isConnected("TLS", address):
		return nil
	case g.secure == nil:
		return errNoTLS
	case trunk == nil:
		g.counters.dialsRefused.Add(1)
		return errors.New("TLS connections are opened to trunks only")
	}
	_, err, _ := g.secure.flights.Do(trunk.Name+" "+address.String(), func() (any, error) {
		if g.isConnected("TLS", address) {
			return nil, nil
		}
		return nil, g.dialSecure(ctx, trunk, address)
	})
	return err //nolint:wrapcheck // it is our own
}

func (g *Gateway) dialSecure(ctx context.Context, trunk *Trunk, address netip.AddrPort) error {
	dialer := net.Dialer{Timeout: dialTimeout}
	if own := g.config.TLS.Address.Addr(); !own.IsUnspecified() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(own, 0))
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	opened, err := dialer.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return fmt.Errorf("connect by TLS: %w", err)
	}
	remote := address.Addr().Unmap()
	_ = g.secure.admit(remote, true) // trunks are not limited
	raw := &connection{
		TCPConn: opened.(*net.TCPConn), release: sync.OnceFunc(func() { g.secure.leave(remote) }), life: g.life, sent: func([]byte) {},
		idle: idleConnection, needed: func() bool { return true },
	}
	conn := &secured{Conn: tls.Client(raw, trunk.tlsConfig()), raw: raw, gateway: g, shaken: true}
	if err := conn.HandshakeContext(ctx); err != nil {
		conn.drop()
		return fmt.Errorf("connect by TLS: %w", err)
	}
	own := handedOver{conn, make(chan struct{})}
	select {
	case g.secure.dialled <- own:
	case <-g.secure.closed:
		conn.drop()
		return net.ErrClosed
	}
	select {
	case <-own.pooled:
		return nil
	case <-g.secure.closed:
		return net.ErrClosed
	}
}

// tlsConfig is how we make sure that a trunk is who it should be: by a certificate for the name that the configuration
// gives it, or for one of the hosts of its proxies.
func (t *Trunk) tlsConfig() *tls.Config {
	names := []string{t.ServerName}
	if t.ServerName == "" {
		names = nil
		for _, place := range slices.Concat(t.Proxies, t.Registrars) {
			if host, _, err := splitPlace(place); err == nil && !slices.Contains(names, host) {
				names = append(names, host)
			}
		}
	}
	if len(names) == 0 {
		names = []string{t.Domain} // it has addresses only
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: names[0],
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, for several names
		VerifyConnection: func(state tls.ConnectionState) error {
			intermediates := x509.NewCertPool()
			for _, certificate := range state.PeerCertificates[1:] {
				intermediates.AddCert(certificate)
			}
			leaf := state.PeerCertificates[0]
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: t.RootCAs, Intermediates: intermediates}); err != nil {
				return fmt.Errorf("the trunk's certificate: %w", err)
			}
			var faults []error
			for _, name := range names {
				err := leaf.VerifyHostname(name)
				if err == nil {
					return nil
				}
				faults = append(faults, err)
			}
			return fmt.Errorf("the trunk's certificate: %w", errors.Join(faults...))
		},
	}
}
