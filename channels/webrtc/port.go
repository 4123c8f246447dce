package webrtc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

const (
	// socketBuffer holds a burst of 500 legs; the kernel may allow less.
	socketBuffer = 4 << 20
	// firstMessageLimit is how long a connection may stay without having said which leg it is for.
	firstMessageLimit = 5 * time.Second
	// backlogOctets bounds what waits to be written over TCP, to about a second of voice:
	// what comes later than that is better lost.
	backlogOctets = 16 << 10
	// packetsUnread bounds what waits to be read from one connection.
	packetsUnread = 32
)

// listenUDP opens the one port of all media.
func listenUDP(address netip.AddrPort, log logging.LeveledLogger) (ice.UDPMux, net.Addr, error) {
	if address.Addr().IsUnspecified() {
		networks := []ice.NetworkType{ice.NetworkTypeUDP4}
		if address.Addr().Is6() {
			networks = append(networks, ice.NetworkTypeUDP6)
		}
		// A socket for each address: an answer must leave from the address that was asked.
		mux, err := ice.NewMultiUDPMuxFromPort(int(address.Port()),
			ice.UDPMuxFromPortWithNetworks(networks...),
			ice.UDPMuxFromPortWithReadBufferSize(socketBuffer),
			ice.UDPMuxFromPortWithLogger(log))
		if err != nil {
			return nil, nil, fmt.Errorf("listen for browsers' media on UDP %s: %w", address, err)
		}
		return mux, net.UDPAddrFromAddrPort(address), nil
	}
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
	if err != nil {
		return nil, nil, fmt.Errorf("listen for browsers' media on UDP %s: %w", address, err)
	}
	_ = socket.SetReadBuffer(socketBuffer) // less than that costs packets in a burst, nothing more
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: log}), socket.LocalAddr(), nil
}

// listenTCP opens the port for networks without UDP.
func listenTCP(address netip.AddrPort, connections int, log logging.LeveledLogger) (ice.TCPMux, net.Addr, error) {
	inner, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
	if err != nil {
		return nil, nil, fmt.Errorf("listen for browsers' media on TCP %s: %w", address, err)
	}
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:                     &boundedListener{TCPListener: inner, limit: connections, open: map[*boundedConn]struct{}{}},
		Logger:                       log,
		ReadBufferSize:               packetsUnread,
		WriteBufferSize:              backlogOctets,
		FirstStunBindTimeout:         firstMessageLimit,
		AliveDurationForConnFromStun: firstMessageLimit,
	})
	return mux, inner.Addr(), nil
}

// boundedListener accepts a limited number of connections: anybody can reach it. It closes
// them with itself, since the library would wait for strangers that say nothing.
type boundedListener struct {
	*net.TCPListener
	limit int

	mutex  sync.Mutex
	open   map[*boundedConn]struct{}
	closed bool
}

// Accept returns the next connection within the limit; those above it are closed at once.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.TCPListener.Accept()
		if err != nil {
			return nil, err
		}
		connection := &boundedConn{Conn: inner, listener: l}
		if l.admit(connection) {
			return connection, nil
		}
		_ = inner.Close()
	}
}

func (l *boundedListener) admit(connection *boundedConn) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.closed || len(l.open) >= l.limit {
		return false
	}
	l.open[connection] = struct{}{}
	return true
}

// Close closes the listener and all its connections.
func (l *boundedListener) Close() error {
	err := l.TCPListener.Close()
	l.mutex.Lock()
	l.closed = true
	connections := l.open
	l.open = map[*boundedConn]struct{}{}
	l.mutex.Unlock()
	for connection := range connections {
		_ = connection.Conn.Close()
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

type boundedConn struct {
	net.Conn
	listener *boundedListener
}

// Close makes room for another connection.
func (c *boundedConn) Close() error {
	c.listener.mutex.Lock()
	delete(c.listener.open, c)
	c.listener.mutex.Unlock()
	return c.Conn.Close()
}
