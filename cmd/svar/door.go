package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// door bounds the connections of browsers, of all together and of each address: one stranger
// with slow requests must not take everybody's places. Listeners may share it.
type door struct {
	places     chan struct{}
	perAddress int
	exempt     []netip.Prefix

	mutex sync.Mutex
	open  map[netip.Addr]int // guarded by mutex
}

// newDoor lets in total connections at one time, and of them perAddress of each address but
// for those of this machine and of exempt. IPv6 is counted by /64, which is one customer's.
func newDoor(total, perAddress int, exempt []netip.Prefix) *door {
	return &door{places: make(chan struct{}, total), perAddress: perAddress, exempt: exempt, open: map[netip.Addr]int{}}
}

// before returns a listener whose connections come by the door. When all places are taken it
// waits, and closes those that are too many of their address.
func (d *door) before(inner net.Listener) net.Listener {
	return &doorListener{Listener: inner, door: d, closed: make(chan struct{})}
}

// customer is what connections of an address are counted by; it is invalid for those that are not.
func (d *door) customer(of net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(of.String())
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap().WithZone("")
	if address.IsLoopback() || slices.ContainsFunc(d.exempt, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return netip.Addr{}
	}
	if address.Is6() {
		const site = 64
		if network, err := address.Prefix(site); err == nil {
			return network.Addr()
		}
	}
	return address
}

func (d *door) enter(customer netip.Addr) bool {
	if !customer.IsValid() {
		return true
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.open[customer] >= d.perAddress {
		return false
	}
	d.open[customer]++
	return true
}

func (d *door) leave(customer netip.Addr) {
	<-d.places
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.open[customer]--; d.open[customer] <= 0 {
		delete(d.open, customer)
	}
}

type doorListener struct {
	net.Listener
	door   *door
	closed chan struct{}
	once   sync.Once
}

// Accept implements [net.Listener].
func (l *doorListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.door.places <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.door.places
			return nil, err
		}
		customer := l.door.customer(conn.RemoteAddr())
		if l.door.enter(customer) {
			return &doorConn{Conn: conn, leave: sync.OnceFunc(func() { l.door.leave(customer) })}, nil
		}
		<-l.door.places
		_ = conn.Close()
	}
}

// Close implements [net.Listener].
func (l *doorListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// doorConn gives its place back when it is closed.
type doorConn struct {
	net.Conn
	leave func()
}

// Close implements [net.Conn].
func (c *doorConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
