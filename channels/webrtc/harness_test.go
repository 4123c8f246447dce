package webrtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/channels/webrtc/webrtctest"
	"svar/contact"
)

// patience is how long a test waits for what must happen; no test waits for it to pass.
const patience = 90 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newGateway opens a gateway on free ports of the loopback address, which closes with the test.
func newGateway(t testing.TB, change func(*Config)) *Gateway {
	t.Helper()
	pacer := media.NewPacer()
	t.Cleanup(func() { _ = pacer.Close() })
	config := Config{UDPAddress: "127.0.0.1:0", TCPAddress: "127.0.0.1:0", Pacer: pacer}
	if change != nil {
		change(&config)
	}
	g, err := New(config)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return g
}

// caller is a leg of the phone, as far as a ring knows it.
type caller struct {
	channels.Leg
	stream *media.Stream
}

func (c caller) Stream() *media.Stream { return c.stream }

var legs atomic.Uint64

// newRing is a ring from a caller who speaks a codec, or none yet.
func newRing(t testing.TB, g *Gateway, codec media.Codec, send func(json.RawMessage)) channels.Ring {
	t.Helper()
	stream := media.NewStream(g.config.Pacer, &mediatest.Recorder{})
	t.Cleanup(func() { _ = stream.Close() })
	if codec != 0 {
		if err := stream.Start(media.Format{Codec: codec, PayloadType: codec.PayloadType()}); err != nil {
			t.Fatalf("start the caller: %v", err)
		}
	}
	return channels.Ring{
		Leg: contact.LegID(fmt.Sprintf("leg-%d", legs.Add(1))), Agent: "anna", Contact: "contact-1",
		Caller: caller{stream: stream}, Send: send,
	}
}

// startLeg rings without a browser.
func startLeg(t testing.TB, g *Gateway, codec media.Codec, send func(json.RawMessage)) *leg {
	t.Helper()
	made, err := g.Ring(t.Context(), newRing(t, g, codec, send))
	if err != nil {
		t.Fatalf("Ring: %v", err)
	}
	return made.(*leg)
}

// ringBrowser rings a browser.
func ringBrowser(t testing.TB, g *Gateway, codec media.Codec, options webrtctest.Options) (*leg, *webrtctest.Browser) {
	t.Helper()
	return joinBrowser(t, options, func(send func(json.RawMessage)) *leg { return startLeg(t, g, codec, send) })
}

// joinBrowser makes a leg with a browser; their messages go by a queue, as by a socket.
func joinBrowser(t testing.TB, options webrtctest.Options, begin func(send func(json.RawMessage)) *leg) (*leg, *webrtctest.Browser) {
	t.Helper()
	type made struct{ leg *leg }
	var (
		toBrowser = make(chan json.RawMessage, 64)
		toLeg     = make(chan json.RawMessage, 64)
		ready     = make(chan made, 1)
		stop      = make(chan struct{})
		stopped   = make(chan struct{}, 2)
	)
	options.Send = func(message json.RawMessage) { toLeg <- message }
	browser := webrtctest.New(t, options)
	go func() {
		defer func() { stopped <- struct{}{} }()
		for {
			select {
			case message := <-toBrowser:
				if err := browser.Signal(message); err != nil {
					t.Logf("the browser: %v", err)
				}
			case <-stop:
				return
			}
		}
	}()
	go func() {
		defer func() { stopped <- struct{}{} }()
		var target *leg
		select {
		case m := <-ready:
			target = m.leg
		case <-stop:
			return
		}
		for {
			select {
			case message := <-toLeg:
				if err := target.Signal(message); err != nil {
					t.Logf("the leg: %v", err)
				}
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		<-stopped
	})
	l := begin(func(message json.RawMessage) { toBrowser <- message })
	ready <- made{l}
	return l, browser
}

// connectBrowser rings a browser and waits until they are connected.
func connectBrowser(t testing.TB, g *Gateway, codec media.Codec, options webrtctest.Options) (*leg, *webrtctest.Browser) {
	t.Helper()
	l, browser := ringBrowser(t, g, codec, options)
	awaitVoice(t, l, browser)
	return l, browser
}

func awaitVoice(t testing.TB, l *leg, browser *webrtctest.Browser) {
	t.Helper()
	if err := l.Answer(patient(t)); err != nil {
		t.Fatalf("Answer: %v (%v)", err, l.cause)
	}
	// Our side may be done first: a browser that vanishes before it has our last word of the
	// handshake cannot hear us when it is back.
	await(t, "the browser's side of the connection", browser.Connected())
}

func await[T any](t testing.TB, what string, happened <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-happened:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %s", what, patience)
	}
	return value
}

func expectEnding(t testing.TB, l *leg, want channels.Ending) {
	t.Helper()
	await(t, "the end of the leg", l.Done())
	if got := l.Ending(); got != want {
		t.Errorf("the leg ended by %s (%v), not by %s", got, l.cause, want)
	}
	if err := l.Answer(t.Context()); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Answer after the end: %v", err)
	}
}
