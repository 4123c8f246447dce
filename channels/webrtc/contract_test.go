package webrtc

import (
	"testing"
	"time"

	"svar/channels"
	"svar/channels/channeltest"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/channels/webrtc/webrtctest"
)

// page is the agent's console, which closes the session. Until that is connected there is
// nothing by which a browser could say so: such a leg ends by its limit, as a fault.
type page struct {
	t       *testing.T
	browser *webrtctest.Browser
}

func (p page) HangUp() {
	await(p.t, "the browser's connection", p.browser.Connected())
	p.browser.Close()
}

func TestLegKeepsTheContract(t *testing.T) {
	t.Parallel()
	catalogue := prompts{
		"long sv":  mediatest.Tone(600, 10*time.Second),
		"short sv": mediatest.Tone(900, 500*time.Millisecond),
	}
	channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture {
		t.Helper()
		g := newGateway(t, func(c *Config) { c.Prompts = catalogue })
		l, browser := ringBrowser(t, g, media.PCMA, webrtctest.Options{})
		return channeltest.Fixture{
			Leg: l, Party: page{t, browser}, Patience: patience,
			Long:  channels.Prompt{Name: "long", Language: "sv"},
			Short: channels.Prompt{Name: "short", Language: "sv"},
		}
	})
}
