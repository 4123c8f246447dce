package switchboard

import (
	"testing"

	"svar/contact"
)

func TestQualityOfTwoLegsIsJoined(t *testing.T) {
	t.Parallel()
	one := contact.Quality{Received: 100, Lost: 3, Jitter: 5000, RoundTrip: 20_000, RemoteLost: 2}
	for name, story := range map[string]struct{ former, later, want contact.Quality }{
		"counts are summed, the rest is the later one's": {
			one,
			contact.Quality{Received: 10, Lost: 1, Jitter: 7000, RoundTrip: 30_000, RemoteLost: 9},
			contact.Quality{Received: 110, Lost: 4, Jitter: 7000, RoundTrip: 30_000, RemoteLost: 9},
		},
		"nothing came over the later one": {one, contact.Quality{}, one},
		"no report came over the later one": {
			one, contact.Quality{Received: 1, Jitter: 1}, contact.Quality{Received: 101, Lost: 3, Jitter: 1, RoundTrip: 20_000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := joined(story.former, story.later); got != story.want {
				t.Errorf("got %+v, want %+v", got, story.want)
			}
		})
	}
}

func TestLostPacketsThatCameAfterAllAreNoHugeNumber(t *testing.T) {
	t.Parallel()
	if got := sinceThen(3, 5); got != 0 {
		t.Errorf("got %d", got)
	}
	if got := sinceThen(5, 3); got != 2 {
		t.Errorf("got %d", got)
	}
}
