package webrtc

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
)

func TestFiftyLegsAtOnce(t *testing.T) {
	t.Parallel()
	// Fifty browsers in one process may be slower than real ones.
	g := newGateway(t, func(c *Config) { c.timing.unheard, c.SetUpLimit = patience, patience })
	var group sync.WaitGroup
	for pair := range 25 {
		group.Go(func() {
			// Every pair has tones of its own, so that voices that get crossed are heard.
			one, other := float64(400+100*(pair%5)), float64(1000+100*(pair/5))
			a, first := ringBrowser(t, g, media.PCMA, webrtctest.Options{Tone: one})
			b, second := ringBrowser(t, g, media.PCMA, webrtctest.Options{Tone: other})
			for _, l := range []*leg{a, b} {
				if err := l.Answer(patient(t)); err != nil {
					t.Errorf("pair %d: Answer: %v (%v)", pair, err, l.cause)
					return
				}
			}
			if err := media.Connect(a.Stream(), b.Stream()); err != nil {
				t.Errorf("pair %d: Connect: %v", pair, err)
				return
			}
			if _, err := first.WaitTone(patient(t), other); err != nil {
				t.Errorf("pair %d: %v", pair, err)
			}
			if _, err := second.WaitTone(patient(t), one); err != nil {
				t.Errorf("pair %d: %v", pair, err)
			}
		})
	}
	group.Wait()
	if got := g.Legs(); got != 50 {
		t.Errorf("%d legs live, not 50", got)
	}
}

func TestServeEndsLegsAndPorts(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	ctx, shutDown := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx) }()

	connected, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	overTCP, _ := connectBrowser(t, g, media.PCMA, webrtctest.Options{TCPOnly: true})
	ringing := startLeg(t, g, media.PCMA, nil)
	stranger, err := net.Dial("tcp", g.TCPAddress().String())
	if err != nil {
		t.Fatalf("connect as a stranger: %v", err)
	}
	t.Cleanup(func() { _ = stranger.Close() })

	shutDown()
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Serve did not end")
	}
	for _, l := range []*leg{connected, overTCP, ringing} {
		expectEnding(t, l, channels.EndedByUs)
	}
	await(t, "the browser's end", browser.Over())
	if _, err := g.Ring(t.Context(), newRing(t, g, media.PCMA, nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("Ring after the end: %v", err)
	}
	if g.Legs() != 0 {
		t.Errorf("%d legs are left", g.Legs())
	}
	// The ports are free again.
	again, err := New(Config{UDPAddress: g.UDPAddress().String(), TCPAddress: g.TCPAddress().String(), Pacer: g.config.Pacer})
	if err != nil {
		t.Fatalf("New on the same ports: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestRingHasLimits(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) { c.Legs = 2 })
	first := startLeg(t, g, media.PCMA, nil)
	taken := newRing(t, g, media.PCMA, nil)
	taken.Leg = first.ID()
	if _, err := g.Ring(t.Context(), taken); err == nil {
		t.Error("two legs have one id")
	}
	startLeg(t, g, media.PCMA, nil)
	if _, err := g.Ring(t.Context(), newRing(t, g, media.PCMA, nil)); !errors.Is(err, ErrFull) {
		t.Errorf("Ring of a third: %v", err)
	}
	first.HangUp()
	await(t, "the end of the first", first.Done())
	for g.Legs() == 2 { // until its session is closed
		if err := waitABit(patient(t)); err != nil {
			t.Fatal("the first leg keeps its room")
		}
	}
	startLeg(t, g, media.PCMA, nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Ring(ended, newRing(t, g, media.PCMA, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("Ring with a context that has ended: %v", err)
	}
}

// Strangers who connect and say nothing are limited in number.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	inner, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	listener := &boundedListener{TCPListener: inner, limit: 2, open: map[*boundedConn]struct{}{}}
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		connection, err := net.Dial("tcp4", inner.Addr().String())
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		_ = connection.SetReadDeadline(time.Now().Add(patience))
		return connection
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	var timeout net.Error
	if _, err := dial().Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("a third connection is held open: %v", err)
	}
	_ = first.Close()
	fourth := dial()
	<-accepted // there is room again
	if err := listener.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := fourth.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("a connection outlives its listener: %v", err)
	}
	if _, more := <-accepted; more {
		t.Error("a connection was accepted after Close")
	}
}

func TestBrowsersAreToldThePublicAddress(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) { c.PublicAddresses = []string{"192.0.2.10"} })
	messages := make(chan json.RawMessage, 16)
	startLeg(t, g, media.PCMA, func(m json.RawMessage) { messages <- m })
	offered(t, messages)
	for range 2 { // UDP and TCP
		select {
		case m := <-messages:
			if !strings.Contains(string(m), "192.0.2.10") || strings.Contains(string(m), "127.0.0.1") {
				t.Errorf("candidate %s", m)
			}
		case <-time.After(patience):
			t.Fatal("no candidate came")
		}
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	pacer := media.NewPacer()
	t.Cleanup(func() { _ = pacer.Close() })
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for _, story := range []struct {
		config Config
		says   string
	}{
		{Config{UDPAddress: "everywhere", Pacer: pacer}, `udp_address "everywhere"`},
		{Config{UDPAddress: "0.0.0.0:0", Pacer: pacer}, "needs a port"},
		{Config{TCPAddress: "127.0.0.1", Pacer: pacer}, `tcp_address "127.0.0.1"`},
		{Config{PublicAddresses: []string{"svar.example"}, Pacer: pacer}, `"svar.example"`},
		{Config{Legs: -1, Pacer: pacer}, "legs"},
		{Config{SetUpLimit: -1, Pacer: pacer}, "set_up_limit"},
		{Config{UDPAddress: "127.0.0.1:0"}, "pacer"},
		{Config{UDPAddress: taken.LocalAddr().String(), Pacer: pacer}, taken.LocalAddr().String()},
	} {
		if _, err := New(story.config); err == nil || !strings.Contains(err.Error(), story.says) {
			t.Errorf("%+v: the error is %v and does not say %q", story.config, err, story.says)
		}
	}
}

func TestDefaultsAndPassThrough(t *testing.T) {
	t.Parallel()
	pacer := media.NewPacer()
	t.Cleanup(func() { _ = pacer.Close() })
	config, places, err := Config{Pacer: pacer}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if places.udp.String() != DefaultAddress || places.tcp.String() != DefaultAddress || config.Legs != DefaultLegs || config.SetUpLimit != DefaultSetUpLimit {
		t.Errorf("%+v %+v", config, places)
	}
	g := newGateway(t, func(c *Config) {
		c.ICEServers = []ICEServer{{URLs: []string{"turns:turn.example:443"}, Username: "u", Credential: "c"}}
	})
	if servers := g.ICEServers(); len(servers) != 1 || servers[0].URLs[0] != "turns:turn.example:443" {
		t.Errorf("ICEServers: %+v", servers)
	}
}

// Sessions refuse a certificate that has expired, and it lasts a month.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	now := time.Now()
	first, err := g.currentCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	same, _ := g.currentCertificate(now.Add(certificateAge - time.Second))
	if !first.Equals(same) {
		t.Error("it was renewed within a day")
	}
	next, _ := g.currentCertificate(now.Add(certificateAge))
	if first.Equals(next) {
		t.Error("it was not renewed after a day")
	}
	if !first.Expires().After(now.Add(2 * certificateAge)) {
		t.Errorf("it lasts only until %s", first.Expires())
	}
}
