package phone

import (
	"context"
	"errors"
	"fmt"
	"log/slog" //nolint:depguard // the SIP library takes no other logger, and gets one that is silent
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

const (
	// udpBuffer is the socket's receive buffer. The usual one of 208 KB loses datagrams when
	// some thousand calls begin in one second.
	udpBuffer = 4 << 20
	// strangerDatagrams a second are taken from one address outside the trunks, and
	// allDatagrams from all of them that have no call, before anything is parsed.
	strangerDatagrams = 200
	allDatagrams      = 5_000
	// maxConnections bounds the TCP connections, maxStrangerConnections those of one address
	// outside the trunks.
	maxConnections         = 1_000
	maxStrangerConnections = 50
	// strangerBytes a second are read from all connections of one address outside the trunks:
	// some hundred messages, each of which the library may keep for half a minute.
	strangerBytes = 128 << 10
	// idleConnection ends a TCP connection that carried nothing, strangerIdle one of a stranger
	// without a call, so that a few addresses can not keep all connections of strangers taken,
	// and writeTimeout one whose peer does not read.
	idleConnection = 30 * time.Minute
	strangerIdle   = 2 * time.Minute
	writeTimeout   = 5 * time.Second
	dialTimeout    = 5 * time.Second
	// drain is how long the library gets for messages that it has read: each is handled by a
	// goroutine that nobody can wait for.
	drain = 50 * time.Millisecond
	// maxRemembered is how many sources the library may remember, at about 200 bytes each.
	maxRemembered = 50_000
)

// The library's settings are global; these two belong to us, as nothing else here uses it.
func init() {
	// It logs whole messages, which hold telephone numbers; we log by ourselves.
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	// It refuses to send more than this less 200 over UDP, responses included, which have
	// no other way to go (RFC 3261 §18.1.1 speaks of requests only). IP fragments instead.
	sip.UDPMTUSize = maxMessage + 200
}

// ErrAddress is what an AddressError matches with errors.Is.
var ErrAddress = errors.New("the SIP address can not be used")

// AddressError says why SIP can not be taken where it was configured.
type AddressError struct {
	Network string // udp or tcp
	Address netip.AddrPort
	Cause   error
}

func (e *AddressError) Error() string {
	text := fmt.Sprintf("SIP can not listen on %s %s: ", e.Network, e.Address)
	switch {
	case errors.Is(e.Cause, syscall.EADDRINUSE):
		return text + "another program uses this port; stop it, or configure another address for phone"
	case errors.Is(e.Cause, syscall.EADDRNOTAVAIL):
		return text + "this machine has no such address; configure one of its own for phone, or 0.0.0.0 for all"
	case errors.Is(e.Cause, syscall.EACCES):
		return text + "this user may not open the port; configure one above 1023 for phone"
	}
	return text + e.Cause.Error()
}

// Is reports that this is ErrAddress.
func (e *AddressError) Is(target error) bool { return target == ErrAddress }

// Unwrap is the operating system's refusal.
func (e *AddressError) Unwrap() error { return e.Cause }

// listen opens UDP and TCP on one port.
func listen(ctx context.Context, address netip.AddrPort) (*net.UDPConn, *net.TCPListener, error) {
	// With port 0 the port that UDP got may be taken for TCP.
	const attempts = 20
	var configuration net.ListenConfig
	for attempt := 1; ; attempt++ {
		packets, err := configuration.ListenPacket(ctx, network("udp", address), address.String())
		if err != nil {
			return nil, nil, &AddressError{Network: "udp", Address: address, Cause: err}
		}
		udp := packets.(*net.UDPConn)
		both := netip.AddrPortFrom(address.Addr(), localPort(udp.LocalAddr()))
		connections, err := configuration.Listen(ctx, network("tcp", address), both.String())
		if err != nil {
			_ = udp.Close()
			if address.Port() == 0 && attempt < attempts {
				continue
			}
			return nil, nil, &AddressError{Network: "tcp", Address: both, Cause: err}
		}
		// A smaller buffer, where the system gives no more, loses calls only under a storm.
		_ = udp.SetReadBuffer(udpBuffer)
		return udp, connections.(*net.TCPListener), nil
	}
}

func network(name string, address netip.AddrPort) string {
	if address.Addr().Is4() {
		return name + "4"
	}
	return name + "6"
}

func localPort(address net.Addr) uint16 {
	switch address := address.(type) {
	case *net.UDPAddr:
		return address.AddrPort().Port()
	case *net.TCPAddr:
		return address.AddrPort().Port()
	}
	return 0
}

// datagrams is the UDP socket as the SIP library reads it: what is too long or too much is
// gone before it is parsed.
type datagrams struct {
	*net.UDPConn
	gateway *Gateway
	limiter *sourceLimiter

	begun sync.Once
	// quiet makes the reader throw away what comes, before the socket is closed.
	quiet atomic.Bool
	// forget makes it begin anew.
	forget atomic.Bool
	// watch is told where each datagram goes; nil but in tests.
	watch func(to net.Addr)

	// sources are those that the library remembers since it began to serve this socket. It
	// never forgets one, and they can be forged: after maxRemembered it is made to begin anew.
	// Used by the one reader only.
	sources map[netip.AddrPort]struct{}
}

func newDatagrams(gateway *Gateway, socket *net.UDPConn) *datagrams {
	return &datagrams{
		UDPConn: socket, gateway: gateway, sources: make(map[netip.AddrPort]struct{}),
		limiter: newSourceLimiter(strangerDatagrams, 2*strangerDatagrams, allDatagrams, allDatagrams),
	}
}

// ReadFrom implements [net.PacketConn]. It returns [net.ErrClosed] when the socket was closed
// or the reader should begin anew; serve tells the two apart.
func (d *datagrams) ReadFrom(buffer []byte) (int, net.Addr, error) {
	d.begun.Do(func() { close(d.gateway.served) }) // from now on the library sends from it, too
	if len(d.sources) >= maxRemembered || d.forget.CompareAndSwap(true, false) {
		clear(d.sources)
		time.Sleep(drain) // what was read must still find its source; the socket's buffer holds the rest
		return 0, nil, net.ErrClosed
	}
	for {
		count, from, err := d.UDPConn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return 0, nil, net.ErrClosed
		case err != nil:
			continue // an ICMP error for something sent earlier is no reason to stop
		case d.quiet.Load():
			continue
		case count > maxMessage:
			d.gateway.counters.oversized.Add(1)
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if d.gateway.config.trunkOf(from.Addr()) == nil {
			if !d.allow(from.Addr()) {
				d.gateway.counters.rateLimited.Add(1)
				continue
			}
			if !d.gateway.doorman.admit(buffer[:count], from) {
				continue
			}
		} else if !d.readable(buffer[:count], from) {
			continue
		}
		d.sources[from] = struct{}{}
		return count, net.UDPAddrFromAddrPort(from), nil
	}
}

// allow limits strangers before anything is parsed. Those who have calls do not share the limit
// of all: a flood of others must not cut them off.
func (d *datagrams) allow(from netip.Addr) bool {
	if d.gateway.hasCalls(from) {
		return d.limiter.allowSource(from)
	}
	return d.limiter.allow(from)
}

// WriteTo implements [net.PacketConn].
func (d *datagrams) WriteTo(message []byte, to net.Addr) (int, error) {
	d.gateway.counters.sent(message)
	if d.watch != nil {
		d.watch(to)
	}
	return d.UDPConn.WriteTo(message, to) //nolint:wrapcheck // the library's own interface
}

// serve reads until the socket is closed.
func (d *datagrams) serve() {
	for !d.gateway.socketsClosed.Load() {
		// Its only error is that of a socket without address.
		_ = d.gateway.transport.ServeUDP(d)
	}
}

// connections is the TCP listener as the SIP library uses it.
type connections struct {
	*net.TCPListener
	gateway *Gateway
	// bytes outlasts the connections: opening another one gains nothing.
	bytes *sourceLimiter
	// idle is how long strangers without a call may be silent.
	idle time.Duration

	mutex   sync.Mutex
	open    int
	sources map[netip.Addr]int
	readers sync.WaitGroup
}

func newConnections(gateway *Gateway, listener *net.TCPListener) *connections {
	return &connections{
		TCPListener: listener, gateway: gateway, sources: make(map[netip.Addr]int),
		bytes: newSourceLimiter(strangerBytes, 2*strangerBytes, 0, 0), idle: strangerIdle,
	}
}

// Accept implements [net.Listener]. It returns an error only after Close.
func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.TCPListener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		if err != nil {
			// Out of descriptors, most likely: wait for some to come back.
			select {
			case <-time.After(50 * time.Millisecond):
			case <-c.gateway.life.Done():
			}
			continue
		}
		remote := accepted.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		trusted := c.gateway.config.trunkOf(remote) != nil
		if !c.admit(remote, trusted) {
			c.gateway.counters.connections.Add(1)
			_ = accepted.Close()
			continue
		}
		conn := &connection{
			TCPConn: accepted, release: sync.OnceFunc(func() { c.leave(remote) }), life: c.gateway.life, sent: c.gateway.counters.sent,
			idle: idleConnection, needed: func() bool { return trusted || c.gateway.hasCalls(remote) },
		}
		if !trusted {
			conn.limiter, conn.idle = c.bytes.of(remote), c.idle
		}
		return conn, nil
	}
}

func (c *connections) admit(remote netip.Addr, trusted bool) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !trusted && (c.open >= maxConnections || c.sources[remote] >= maxStrangerConnections) {
		return false
	}
	c.open++
	c.sources[remote]++
	c.readers.Add(1)
	return true
}

func (c *connections) leave(remote netip.Addr) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open--
	if c.sources[remote]--; c.sources[remote] == 0 {
		delete(c.sources, remote)
	}
	c.readers.Done()
}

// connection is one accepted TCP connection. The library has one reader for each, which ends
// with the first error.
type connection struct {
	*net.TCPConn
	life    context.Context
	limiter *rate.Limiter // nil for trunks
	// idle is how long nothing may come, and idleConnection that while it is needed.
	idle    time.Duration
	needed  func() bool
	release func()
	sent    func(message []byte) // counts what is written
}

func (c *connection) Read(buffer []byte) (int, error) {
	count, err := c.await(buffer)
	if err == nil && c.limiter != nil {
		err = c.limiter.WaitN(c.life, count) // TCP makes the sender wait as well
	}
	if err != nil {
		_ = c.TCPConn.Close()
		c.release()
	}
	return count, err
}

// await reads until something comes, or has not come for too long.
func (c *connection) await(buffer []byte) (int, error) {
	for quiet := c.idle; ; quiet += c.idle {
		_ = c.SetReadDeadline(time.Now().Add(c.idle))
		count, err := c.TCPConn.Read(buffer)
		if !errors.Is(err, os.ErrDeadlineExceeded) || quiet >= idleConnection || !c.needed() {
			return count, err
		}
	}
}

func (c *connection) Write(buffer []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	c.sent(buffer)
	return c.TCPConn.Write(buffer)
}

// guardDial makes the dialers of the library. It would open a connection to whatever address
// stands in the Via of a request when the peer closed its connection before the response
// (RFC 3261 §18.2.2): a stranger could make us connect to any host and port, inside our
// network too. Only requests of our own may dial, to where Gateway.destination allows.
func (g *Gateway) guardDial(local net.Addr) net.Dialer {
	return net.Dialer{
		Timeout: dialTimeout, LocalAddr: local,
		ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
			if ctx.Value(ourDial{}) == nil {
				g.counters.dialsRefused.Add(1)
				return errors.New("responses open no connections")
			}
			return nil
		},
	}
}

// refuseDial makes dialers that dial nobody: TLS connections are opened by Gateway.connect.
func refuseDial(net.Addr) net.Dialer {
	return net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error {
		return errors.New("the SIP library opens no TLS connections")
	}}
}

// noNames is a resolver that asks nobody: host names in messages come from strangers.
var noNames = &net.Resolver{
	PreferGo: true,
	Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("names in SIP messages are not resolved")
	},
}

// localAddress is the address of ours that a peer is told.
func (g *Gateway) localAddress(peer netip.Addr) netip.Addr {
	if g.config.Advertise.IsValid() {
		return g.config.Advertise
	}
	if own := g.config.Address.Addr(); !own.IsUnspecified() {
		return own
	}
	// Connecting a UDP socket sends nothing; it asks the system for its route.
	probe, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		return g.config.Address.Addr()
	}
	defer func() { _ = probe.Close() }()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// parseCounter is the library's log: nothing is written, since it holds whole messages, but
// what could not be parsed is counted.
type parseCounter struct {
	slog.Handler
	gateway *Gateway
}

func (p parseCounter) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}

func (p parseCounter) Handle(_ context.Context, entry slog.Record) error {
	if entry.Message == "failed to parse" {
		p.gateway.counters.unparsable.Add(1)
	}
	return nil
}

func (p parseCounter) WithAttrs([]slog.Attr) slog.Handler { return p }
func (p parseCounter) WithGroup(string) slog.Handler      { return p }
