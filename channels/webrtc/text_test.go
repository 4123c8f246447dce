package webrtc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
)

// readText takes pieces until all of the text has come.
func readText(t *testing.T, pieces <-chan string, want string) {
	t.Helper()
	got := ""
	for got != want {
		piece := await(t, "text", pieces)
		if got += piece; piece == "" || !strings.HasPrefix(want, got) {
			t.Fatalf("%q came instead of %q", got, want)
		}
	}
}

// EN 301 549, 6.2: characters both ways beside the voice, those too that were written before the channel was open.
func TestTextBesideTheVoice(t *testing.T) {
	t.Parallel()
	for _, options := range []webrtctest.Options{{}, {TCPOnly: true}} {
		g := newGateway(t, nil)
		l, browser := connectBrowser(t, g, media.PCMA, options)
		if !l.TextAble() {
			t.Fatal("the browser takes no text")
		}
		var written string
		for _, key := range "Hej!\b?\u2028Åäö" {
			written += string(key)
			if err := l.WriteText(string(key)); err != nil {
				t.Fatal(err)
			}
		}
		readText(t, browser.Read.Pieces(), written)
		for _, text := range []string{"Jag ", "hör", "\b\b\bser"} {
			if err := browser.Type(patient(t), text); err != nil {
				t.Fatal(err)
			}
		}
		readText(t, l.Text(), "Jag hör\b\b\bser")
		if err := l.WriteText(strings.Repeat("x", media.TextBacklog+1)); !errors.Is(err, media.ErrTextFull) {
			t.Errorf("too much: %v", err)
		}
		l.HangUp()
		if _, more := <-l.Text(); more {
			t.Error("there is text after the end")
		}
		if err := l.WriteText("x"); !errors.Is(err, channels.ErrLegOver) || l.TextAble() {
			t.Errorf("after the end: %v", err)
		}
	}
}

// A browser that refuses the channel has a voice all the same.
func TestBrowserWithoutText(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	messages := make(chan json.RawMessage, 16)
	l := startLeg(t, g, media.PCMA, func(m json.RawMessage) { messages <- m })
	answer := strings.Replace(answerTo(t, offered(t, messages)), "m=application 9", "m=application 0", 1)
	if err := l.Signal(sdpMessage("answer", answer)); err != nil {
		t.Fatal(err)
	}
	if err := l.WriteText("x"); err != nil || l.TextAble() {
		t.Errorf("a browser without text: %v", err)
	}
}
