package main

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
)

func TestOneAddressHasNotAllPlaces(t *testing.T) {
	t.Parallel()
	entrance := newDoor(100, 2, []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")})
	at := func(address string) netip.Addr {
		return entrance.customer(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1)))
	}
	for _, exempt := range []string{"127.0.0.1", "::1", "192.0.2.1", "::ffff:192.0.2.1"} {
		if at(exempt).IsValid() {
			t.Errorf("%s is counted", exempt)
		}
	}
	if at("2001:db8:1::7") != at("2001:db8:1::8") || at("2001:db8:1::7") == at("2001:db8:2::7") || at("::ffff:192.0.2.9") != at("192.0.2.9") {
		t.Error("IPv6 is not counted by /64, or mapped addresses are others")
	}
	greedy, other := at("192.0.2.9"), at("192.0.2.10")
	for range 2 {
		entrance.places <- struct{}{}
		if !entrance.enter(greedy) {
			t.Fatal("one of the first two was turned away")
		}
	}
	if entrance.enter(greedy) {
		t.Error("a third one came in")
	}
	if !entrance.enter(other) {
		t.Error("somebody else was turned away")
	}
	entrance.leave(greedy)
	if !entrance.enter(greedy) {
		t.Error("a place that was left is not given again")
	}
}

func TestConnectionsWaitForAPlace(t *testing.T) {
	t.Parallel()
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := newDoor(1, 1, nil).before(inner)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	dialled := func() net.Conn {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	dialled()
	first := <-accepted
	second := dialled()
	select {
	case <-accepted:
		t.Fatal("a second one came in")
	default:
	}
	_ = first.Close()
	_ = first.Close() // gives its place back once
	taken := <-accepted
	if _, err := taken.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(second, make([]byte, 1)); err != nil {
		t.Errorf("the one that waited hears nothing: %v", err)
	}
	// The listener ends while it waits for a place, too.
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v", err)
	}
	_ = taken.Close()
}
