package webrtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/channels/webrtc/webrtctest"
)

// offered returns the first message of a leg, which is its offer.
func offered(t testing.TB, messages <-chan json.RawMessage) webrtc.SessionDescription {
	t.Helper()
	select {
	case data := <-messages:
		var m message
		if err := json.Unmarshal(data, &m); err != nil || m.SDP == nil {
			t.Fatalf("the first message is %s, not an offer (%v)", data, err)
		}
		return *m.SDP
	case <-time.After(patience):
		t.Fatal("no offer came")
		return webrtc.SessionDescription{}
	}
}

func TestOfferNamesTheCallersCodecAloneAndText(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	for _, codecs := range []struct{ caller, offered media.Codec }{{0, media.PCMA}, {media.PCMA, media.PCMA}, {media.PCMU, media.PCMU}, {media.G722, media.G722}} {
		messages := make(chan json.RawMessage, 16)
		startLeg(t, g, codecs.caller, func(m json.RawMessage) { messages <- m })
		offer := offered(t, messages)
		parsed, err := offer.Unmarshal()
		if err != nil {
			t.Fatalf("the offer: %v", err)
		}
		voice := parsed.MediaDescriptions[0]
		want := fmt.Sprintf("audio %d 101", codecs.offered.PayloadType())
		if got := voice.MediaName.Media + " " + strings.Join(voice.MediaName.Formats, " "); got != want {
			t.Errorf("caller with %s: the voice is %q, not %q", codecs.caller, got, want)
		}
		if _, both := voice.Attribute("sendrecv"); !both {
			t.Error("the voice does not go both ways")
		}
		if len(parsed.MediaDescriptions) != 2 || parsed.MediaDescriptions[1].MediaName.Media != "application" {
			t.Errorf("there is no section for text:\n%s", offer.SDP)
		}
	}
}

// What the stream makes must reach the browser as it is: a jump back in sequence or timestamp
// silences Chromium for the rest of the call.
func TestPacketsPassUnchanged(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	if err := l.Stream().Loop(mediatest.Tone(500, time.Second)); err != nil {
		t.Fatalf("Loop: %v", err)
	}
	if _, err := browser.WaitTone(patient(t), 500); err != nil {
		t.Fatal(err)
	}
	packets := browser.Heard.Packets()
	for i, packet := range packets {
		if packet.SSRC != l.Stream().SSRC() || packet.PayloadType != media.PCMA.PayloadType() {
			t.Fatalf("packet %d is of SSRC %d and type %d", i, packet.SSRC, packet.PayloadType)
		}
		if i == 0 {
			continue
		}
		former := packets[i-1]
		if advance := packet.SequenceNumber - former.SequenceNumber; advance != 1 {
			t.Errorf("packet %d: sequence went on by %d", i, advance)
		}
		if advance := packet.Timestamp - former.Timestamp; int32(advance) <= 0 {
			t.Errorf("packet %d: timestamp went on by %d", i, int32(advance))
		}
	}
}

func TestLegIsSilentUntilItIsBridged(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 400})
	other, second := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 700})
	// A second of silent frames has passed when both have heard 50.
	for _, b := range []*webrtctest.Browser{browser, second} {
		for len(b.Heard.Packets()) < 50 {
			if err := waitABit(patient(t)); err != nil {
				t.Fatal("no silent frames came")
			}
		}
		for _, frequency := range []float64{400, 700} {
			if verdict := b.Heard.Listen(media.PCMA, frequency); verdict.Toned > 0 {
				t.Errorf("heard before the bridge: %s", verdict)
			}
		}
	}
	if err := media.Connect(l.Stream(), other.Stream()); err != nil {
		t.Fatalf("Connect: %v", err)
	}
	if _, err := browser.WaitTone(patient(t), 700); err != nil {
		t.Error(err)
	}
}

// waitABit lets others work, for conditions that nothing signals.
func waitABit(ctx context.Context) error {
	select {
	case <-time.After(5 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type prompts map[string]*media.Clip

func (p prompts) Clip(name, language string) (*media.Clip, error) {
	if clip := p[name+" "+language]; clip != nil {
		return clip, nil
	}
	return nil, errors.New("there is no such prompt")
}

// Speak says a text as the tone of its name.
func (p prompts) Speak(_ context.Context, language, text string) (*media.Clip, error) {
	return p.Clip(text, language)
}

func TestPromptsArePlayed(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) {
		c.Prompts = prompts{"whisper sv": mediatest.Tone(600, 700*time.Millisecond), "music sv": mediatest.Tone(900, time.Second)}
	})
	l, browser := ringBrowser(t, g, media.PCMU, webrtctest.Options{})
	// Before the leg is connected: it waits.
	if err := l.Play(patient(t), channels.Prompt{Name: "whisper", Language: "sv"}); err != nil {
		t.Fatalf("Play: %v", err)
	}
	if _, err := browser.WaitTone(patient(t), 600); err != nil {
		t.Error(err)
	}
	if err := l.Loop(channels.Prompt{Name: "music", Language: "sv"}); err != nil {
		t.Fatalf("Loop: %v", err)
	}
	if _, err := browser.WaitTone(patient(t), 900); err != nil {
		t.Error(err)
	}
	if err := l.Play(t.Context(), channels.Prompt{Name: "whisper", Language: "en"}); err == nil {
		t.Error("a prompt that there is not was played")
	}
	text := channels.Prompt{Name: "notice", Language: "sv", Text: "whisper"}
	if err := l.Play(patient(t), text); err != nil {
		t.Errorf("a text besides the catalogue: %v", err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Play(interrupted, channels.Prompt{Name: "whisper", Language: "sv"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Play when interrupted: %v", err)
	}
	l.HangUp()
	await(t, "the end", l.Done())
	if err := l.Play(t.Context(), channels.Prompt{Name: "whisper", Language: "sv"}); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Play after the end: %v", err)
	}
	if err := l.Loop(channels.Prompt{Name: "music", Language: "sv"}); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Loop after the end: %v", err)
	}
}

// The browser is told, whatever the leg was at. freeswitch#2529: no zombie of the agent's side.
func TestHangUpAtEveryStage(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	t.Run("before anything was sent", func(t *testing.T) {
		t.Parallel()
		l := startLeg(t, g, media.PCMA, nil)
		l.HangUp()
		expectEnding(t, l, channels.EndedByUs)
	})
	t.Run("offered", func(t *testing.T) {
		t.Parallel()
		messages := make(chan json.RawMessage, 16)
		l := startLeg(t, g, media.PCMA, func(m json.RawMessage) { messages <- m })
		offered(t, messages)
		l.HangUp()
		expectEnding(t, l, channels.EndedByUs)
		if err := l.Signal(json.RawMessage(`{"candidate":null}`)); !errors.Is(err, channels.ErrLegOver) {
			t.Errorf("Signal after the end: %v", err)
		}
	})
	t.Run("answered and waited for", func(t *testing.T) {
		t.Parallel()
		l, browser := ringBrowser(t, g, media.PCMA, webrtctest.Options{})
		for browser.Codec() == 0 { // until the offer was taken
			if err := waitABit(patient(t)); err != nil {
				t.Fatal("no offer came")
			}
		}
		result := make(chan error, 1)
		go func() { result <- l.Answer(patient(t)) }()
		l.HangUp()
		expectEnding(t, l, channels.EndedByUs)
		if err := <-result; err != nil && !errors.Is(err, channels.ErrLegOver) {
			t.Errorf("Answer: %v", err)
		}
	})
	t.Run("connected", func(t *testing.T) {
		t.Parallel()
		l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
		l.HangUp()
		l.HangUp()
		expectEnding(t, l, channels.EndedByUs)
		await(t, "the browser's end", browser.Over())
	})
	t.Run("bridged", func(t *testing.T) {
		t.Parallel()
		l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 400})
		other, second := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 700})
		if err := media.Connect(l.Stream(), other.Stream()); err != nil {
			t.Fatalf("Connect: %v", err)
		}
		if _, err := second.WaitTone(patient(t), 400); err != nil {
			t.Error(err)
		}
		l.HangUp()
		expectEnding(t, l, channels.EndedByUs)
		await(t, "the browser's end", browser.Over())
		select {
		case <-other.Done():
			t.Error("the other leg ended too")
		default:
		}
	})
}

func TestBrowserThatClosesIsTheParty(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	await(t, "the browser's connection", browser.Connected()) // which is later than ours
	browser.Close()
	expectEnding(t, l, channels.EndedByParty)
}

// Over TCP the library closes the connection before its farewell is written, so this browser
// says nothing, like one that dies.
func TestBrowserThatDiesOverTCPIsAFault(t *testing.T) {
	t.Parallel()
	g := newGateway(t, hasty)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{TCPOnly: true})
	browser.Close()
	await(t, "the end of the leg", l.Done())
	if ending := l.Ending(); ending == channels.EndedByUs {
		t.Errorf("the leg ended by %s", ending)
	}
}

func hasty(c *Config) {
	c.timing = timing{disconnected: 300 * time.Millisecond, failed: 600 * time.Millisecond, keepAlive: 50 * time.Millisecond}
}

// freeswitch#2540: an agent whose network is gone does not stay in the call for ever.
func TestBrowserThatVanishesIsAFault(t *testing.T) {
	t.Parallel()
	g := newGateway(t, hasty)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	browser.Vanish()
	expectEnding(t, l, channels.EndedByFault)
}

// A short loss of the network is no end.
func TestBrowserComesBack(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) {
		c.timing = timing{disconnected: 200 * time.Millisecond, failed: patience, keepAlive: 50 * time.Millisecond, unheard: patience}
	})
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	browser.Vanish()
	for l.signalling.session.ConnectionState() != webrtc.PeerConnectionStateDisconnected {
		if err := waitABit(patient(t)); err != nil {
			t.Fatal("the loss was not noticed")
		}
	}
	browser.Return()
	if err := l.Stream().Loop(mediatest.Tone(500, time.Second)); err != nil {
		t.Fatalf("Loop: %v", err)
	}
	if _, err := browser.WaitTone(patient(t), 500); err != nil {
		t.Error(err)
	}
	select {
	case <-l.Done():
		t.Errorf("the leg ended by %s (%v)", l.Ending(), l.cause)
	default:
	}
}

func TestAnswerThatNeverComesIsAFault(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(c *Config) { c.SetUpLimit = 100 * time.Millisecond })
	l := startLeg(t, g, media.PCMA, nil)
	if err := l.Answer(patient(t)); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Answer: %v", err)
	}
	expectEnding(t, l, channels.EndedByFault)
}

func TestAnswerCanBeGivenUp(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	l := startLeg(t, g, media.PCMA, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Answer(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Answer: %v", err)
	}
	select {
	case <-l.Done():
		t.Error("the leg ended with the wait for it")
	default:
	}
	if ending := l.Ending(); ending != "" {
		t.Errorf("Ending before the end: %q", ending)
	}
	if record := l.Record(); record != nil {
		t.Errorf("Record: %q", record)
	}
}
