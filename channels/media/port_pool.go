package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Defaults of a PortPool.
const (
	DefaultFirstPort  = 20000
	DefaultLastPort   = 29999
	DefaultQuarantine = 10 * time.Second
)

// PortPoolConfig says which UDP ports carry voice.
type PortPoolConfig struct {
	// Address to bind, such as 127.0.0.1; it must be valid, and may be unspecified
	// (0.0.0.0 or ::) for all interfaces.
	Address netip.Addr
	// First and Last bound the ports, both included. RTP takes the even port of a pair
	// and RTCP the next one. Both zero mean 20000–29999.
	First, Last uint16
	// Quarantine is how long a pair rests after a call before another call gets it, so
	// that packets of the old one find a closed port. Zero means 10 s; longer is safer and
	// needs more ports: calls per second × quarantine pairs.
	Quarantine time.Duration
}

// ErrPorts is what a PortsError matches with errors.Is.
var ErrPorts = errors.New("no free RTP ports")

// PortsError says that a pool has no pair of ports to give.
type PortsError struct {
	First, Last   uint16
	Open, Resting int   // pairs that carry calls, and pairs in quarantine
	Cause         error // the last refusal of the operating system, if there was one
}

func (e *PortsError) Error() string {
	text := fmt.Sprintf("no free RTP ports in %d–%d: %d pairs in use, %d resting after a call", e.First, e.Last, e.Open, e.Resting)
	if e.Cause != nil {
		text += "; " + e.Cause.Error()
	}
	return text
}

// Is reports that this is ErrPorts.
func (e *PortsError) Is(target error) bool { return target == ErrPorts }

// Unwrap is the operating system's refusal.
func (e *PortsError) Unwrap() error { return e.Cause }

// PortPool gives out pairs of UDP ports, the one that rested longest first. Safe for
// concurrent use. It holds nothing that must be closed.
type PortPool struct {
	address     netip.Addr
	first, last uint16
	quarantine  time.Duration

	mutex sync.Mutex
	// free are the pairs in the order of their last use, and so of their quarantines' ends.
	free []restingPort
	open int
}

type restingPort struct {
	port   uint16 // even
	until  time.Time
	former []speaker // who spoke in the calls before
}

// NewPortPool checks the configuration. It opens no port yet.
func NewPortPool(config PortPoolConfig) (*PortPool, error) {
	if config.First == 0 && config.Last == 0 {
		config.First, config.Last = DefaultFirstPort, DefaultLastPort
	}
	if config.Quarantine == 0 {
		config.Quarantine = DefaultQuarantine
	}
	pool := &PortPool{address: config.Address, first: config.First, last: config.Last, quarantine: config.Quarantine}
	switch {
	case !config.Address.IsValid():
		return nil, errors.New("RTP ports: no address to bind")
	case config.Quarantine < 0:
		return nil, fmt.Errorf("RTP ports: quarantine %s is negative", config.Quarantine)
	case config.First < 1024:
		return nil, fmt.Errorf("RTP ports: first port %d must be at least 1024", config.First)
	}
	for port := int(config.First+1) &^ 1; port+1 <= int(config.Last); port += 2 {
		pool.free = append(pool.free, restingPort{port: uint16(port)})
	}
	if len(pool.free) == 0 {
		return nil, fmt.Errorf("RTP ports: %d–%d holds no pair of an even port and the next one", config.First, config.Last)
	}
	// A random beginning: after a restart the calls of before do not meet their old ports,
	// and ports are harder to guess.
	begin := rand.IntN(len(pool.free))
	pool.free = append(pool.free[begin:], pool.free[:begin]...)
	return pool, nil
}

// Open binds the next pair. Pairs that another program holds are passed over. It returns
// a *PortsError when none is left. The caller closes the socket.
func (p *PortPool) Open() (*Socket, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var cause error
	for range len(p.free) {
		now := time.Now()
		next := p.free[0]
		if now.Before(next.until) {
			break
		}
		p.free = p.free[1:]
		rtpConnection, rtcpConnection, err := p.bind(next.port)
		if err == nil {
			p.open++
			return newSocket(p, next, rtpConnection, rtcpConnection), nil
		}
		cause = err
		p.free = append(p.free, restingPort{next.port, now, next.former})
	}
	resting, now := 0, time.Now()
	for _, port := range p.free {
		if now.Before(port.until) {
			resting++
		}
	}
	return nil, &PortsError{First: p.first, Last: p.last, Open: p.open, Resting: resting, Cause: cause}
}

func (p *PortPool) bind(port uint16) (*net.UDPConn, *net.UDPConn, error) {
	rtpConnection, err := p.listen(port)
	if err != nil {
		return nil, nil, err
	}
	rtcpConnection, err := p.listen(port + 1)
	if err != nil {
		_ = rtpConnection.Close()
		return nil, nil, err
	}
	return rtpConnection, rtcpConnection, nil
}

// expedited is the traffic class of voice, EF (RFC 4594 §4.1), as the TOS octet.
const expedited = 46 << 2

func (p *PortPool) listen(port uint16) (*net.UDPConn, error) {
	network := "udp4"
	if p.address.Is6() {
		network = "udp6"
	}
	connection, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.address, port)))
	if err != nil {
		return nil, fmt.Errorf("bind RTP port: %w", err)
	}
	// A network without traffic classes still carries voice: the mark is a wish.
	if raw, err := connection.SyscallConn(); err == nil {
		_ = raw.Control(func(descriptor uintptr) {
			if network == "udp6" {
				_ = syscall.SetsockoptInt(int(descriptor), syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, expedited)
			} else {
				_ = syscall.SetsockoptInt(int(descriptor), syscall.IPPROTO_IP, syscall.IP_TOS, expedited)
			}
		})
	}
	return connection, nil
}

// release puts a closed pair at the end of the queue.
func (p *PortPool) release(port uint16, former []speaker) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.open--
	p.free = append(p.free, restingPort{port, time.Now().Add(p.quarantine), former})
}
