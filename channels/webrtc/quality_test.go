package webrtc

import (
	"math"
	"testing"
	"time"

	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
	"svar/contact"
)

// waitQuality waits until the quality of a leg is as it must become.
func waitQuality(t *testing.T, l *leg, enough func(contact.Quality) bool) contact.Quality {
	t.Helper()
	ctx := patient(t)
	for {
		quality := l.Quality()
		if enough(quality) {
			return quality
		}
		if err := waitABit(ctx); err != nil {
			t.Fatalf("the quality did not become what it must: %+v", quality)
		}
	}
}

// RTCP goes both ways: without the browser's sender reports it could not tell us the round
// trip, and without ours it could not know it. Reports are due every second.
func TestQualityIsMeasured(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]webrtctest.Options{"UDP": {Tone: 400}, "TCP": {Tone: 400, TCPOnly: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, browser := connectBrowser(t, newGateway(t, nil), media.PCMA, options)
			quality := waitQuality(t, l, func(q contact.Quality) bool { return q.RoundTrip > 0 && q.Received > 50 })
			if quality.RemoteLost != 0 || quality.Lost != 0 {
				t.Errorf("loss on the loopback address: %+v", quality)
			}
			ctx := patient(t)
			for browser.RoundTrip() == 0 {
				if err := waitABit(ctx); err != nil {
					t.Fatal("the browser could not measure the round trip: our reports do not reach it")
				}
			}
			l.HangUp()
			await(t, "the end", l.Done())
			if after := l.Quality(); after.Received < quality.Received || after.RoundTrip == 0 {
				t.Errorf("the quality is forgotten after the end: %+v after %+v", after, quality)
			}
		})
	}
}

// What each direction loses is told apart.
func TestLossIsSeenOnBothSides(t *testing.T) {
	t.Parallel()
	l, browser := connectBrowser(t, newGateway(t, nil), media.PCMA, webrtctest.Options{Tone: 400})
	browser.Lose(4)
	// A quarter: more than an eighth of what was sent in the interval, less than a half.
	quality := waitQuality(t, l, func(q contact.Quality) bool { return q.RemoteLost > 32 && q.Lost >= 10 })
	if quality.RemoteLost > 128 {
		t.Errorf("the browser lost more than it can have: %+v", quality)
	}
	if share := float64(quality.Lost) / float64(quality.Lost+quality.Received); share > 0.3 {
		t.Errorf("we lost more than can be: %+v", quality)
	}
	browser.Lose(0)
	waitQuality(t, l, func(q contact.Quality) bool { return q.RemoteLost == 0 })
}

func TestQualityIsInWholeNumbers(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		statistics media.Statistics
		want       contact.Quality
	}{
		"nothing": {media.Statistics{}, contact.Quality{}},
		"usual": {
			media.Statistics{PacketsReceived: 100, PacketsLost: 3, Jitter: 1250 * time.Microsecond, RoundTrip: 40 * time.Millisecond, RemoteLoss: 0.25},
			contact.Quality{Received: 100, Lost: 3, Jitter: 1250, RoundTrip: 40000, RemoteLost: 64},
		},
		"more came than was sent": {media.Statistics{PacketsReceived: 5, PacketsLost: -2}, contact.Quality{Received: 5}},
		"all lost":                {media.Statistics{RemoteLoss: 1}, contact.Quality{RemoteLost: 255}},
		"beyond measure":          {media.Statistics{Jitter: 3 * time.Hour, RoundTrip: -1}, contact.Quality{Jitter: math.MaxUint32}},
	} {
		if got := qualityOf(story.statistics); got != story.want {
			t.Errorf("%s: %+v, want %+v", name, got, story.want)
		}
	}
}

func TestStatisticsAreOfAllLegs(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	first, _ := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 400})
	second, _ := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 700})
	for _, l := range []*leg{first, second} {
		waitQuality(t, l, func(q contact.Quality) bool { return q.Received > 20 })
	}
	first.HangUp()
	await(t, "the end of the first leg", first.Done())
	totals, past, living := g.Statistics(), first.Quality(), second.Quality()
	if totals.Legs != 2 || totals.PacketsReceived < past.Received+20 || totals.PacketsReceived > past.Received+living.Received || totals.PacketsSent == 0 {
		t.Errorf("%+v of legs with %+v and %+v", totals, past, living)
	}
}
