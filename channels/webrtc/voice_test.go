package webrtc

import (
	"testing"

	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
)

// Each party says a tone and must hear the other's.
func TestVoiceGoesBothWays(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name          string
		first, second media.Codec
		options       webrtctest.Options
		protocol      string
	}{
		{name: "PCMA", first: media.PCMA, second: media.PCMA, protocol: "udp"},
		{name: "PCMU", first: media.PCMU, second: media.PCMU, protocol: "udp"},
		{name: "one of each", first: media.PCMA, second: media.PCMU, protocol: "udp"},
		{name: "wide band", first: media.G722, second: media.G722, protocol: "udp"},
		{name: "wide band and narrow", first: media.G722, second: media.PCMA, protocol: "udp"},
		{name: "no UDP", first: media.PCMA, second: media.PCMA, options: webrtctest.Options{TCPOnly: true}, protocol: "tcp"},
		{name: "hidden addresses", first: media.PCMA, second: media.PCMA, options: webrtctest.Options{HideAddresses: true}, protocol: "udp"},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, nil)
			options := story.options
			options.Tone = 400
			a, first := connectBrowser(t, g, story.first, options)
			options.Tone = 700
			b, second := connectBrowser(t, g, story.second, options)
			if first.Codec() != story.first || second.Codec() != story.second {
				t.Errorf("%s and %s were offered, not the callers' %s and %s", first.Codec(), second.Codec(), story.first, story.second)
			}
			if err := media.Connect(a.Stream(), b.Stream()); err != nil {
				t.Fatalf("Connect: %v", err)
			}
			if _, err := first.WaitTone(patient(t), 700); err != nil {
				t.Errorf("first: %v", err)
			}
			if _, err := second.WaitTone(patient(t), 400); err != nil {
				t.Errorf("second: %v", err)
			}
			if got := first.Protocol(); got != story.protocol {
				t.Errorf("the voice went over %s, not %s", got, story.protocol)
			}
		})
	}
}
