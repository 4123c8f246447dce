package webrtc

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
	"svar/contact"
)

// newEchoRing is a ring of nobody.
func newEchoRing(t *testing.T, g *Gateway, agent contact.AgentID, send func(json.RawMessage)) channels.Ring {
	t.Helper()
	ring := newRing(t, g, 0, send)
	ring.Agent, ring.Contact, ring.Caller = agent, "", nil
	return ring
}

func startEcho(t *testing.T, g *Gateway, agent contact.AgentID, send func(json.RawMessage)) *leg {
	t.Helper()
	made, err := g.Echo(t.Context(), newEchoRing(t, g, agent, send))
	if err != nil {
		t.Fatalf("Echo: %v", err)
	}
	return made.(*leg)
}

func TestAgentHearsHimself(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]webrtctest.Options{"UDP": {Tone: 400}, "TCP": {Tone: 400, TCPOnly: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, nil)
			l, browser := joinBrowser(t, options, func(send func(json.RawMessage)) *leg { return startEcho(t, g, "anna", send) })
			awaitVoice(t, l, browser)
			if _, err := browser.WaitTone(patient(t), 400); err != nil {
				t.Fatal(err)
			}
			if signal := browser.Heard.Listen(browser.Codec(), 880); signal.Toned < 8 {
				t.Errorf("no tone asked to speak: %s", signal)
			}
			browser.Say(1200)
			if _, err := browser.WaitTone(patient(t), 1200); err != nil {
				t.Error(err)
			}
			if q := l.Quality(); q.Received == 0 {
				t.Errorf("an echo is not measured: %+v", q)
			}
			browser.Close()
			await(t, "the end", l.Done())
		})
	}
}

func TestEchoEndsByItself(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) { c.timing.echo = 300 * time.Millisecond })
	l, browser := joinBrowser(t, webrtctest.Options{}, func(send func(json.RawMessage)) *leg { return startEcho(t, g, "anna", send) })
	if err := l.Answer(patient(t)); err != nil {
		t.Fatal(err)
	}
	expectEnding(t, l, channels.EndedByUs)
	await(t, "the browser's end", browser.Over())
	// A call has no such limit, nor has what is set up.
	call := startLeg(t, g, media.PCMA, nil)
	select {
	case <-call.Done():
		t.Error("a call ended with the echo")
	default:
	}
	if usual := (timing{}).complete(); usual.echo != time.Minute {
		t.Errorf("an echo lasts %s", usual.echo)
	}
}

func TestAnAgentHasOneEcho(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) { c.Legs = 4 })
	first, other := startEcho(t, g, "anna", nil), startEcho(t, g, "bo", nil)
	call := startLeg(t, g, media.PCMA, nil) // anna's too
	second := startEcho(t, g, "anna", nil)
	expectEnding(t, first, channels.EndedByUs)
	for _, l := range []*leg{other, call, second} {
		select {
		case <-l.Done():
			t.Errorf("leg %s ended by %s", l.id, l.Ending())
		default:
		}
	}
	second.HangUp()
	await(t, "the end of the second echo", second.Done())
	for g.Legs() > 2 {
		if err := waitABit(patient(t)); err != nil {
			t.Fatal("the echoes keep their room")
		}
	}
	g.mutex.Lock()
	left := len(g.echoes)
	g.mutex.Unlock()
	if left != 1 {
		t.Errorf("%d echoes are remembered, of which one lives", left)
	}
	startEcho(t, g, "cecilia", nil)
	startEcho(t, g, "david", nil)
	if _, err := g.Echo(t.Context(), newEchoRing(t, g, "erik", nil)); !errors.Is(err, ErrFull) {
		t.Errorf("an echo beyond the legs' limit: %v", err)
	}
	if _, err := g.Echo(t.Context(), newEchoRing(t, g, "", nil)); err == nil {
		t.Error("an echo of nobody")
	}
}
