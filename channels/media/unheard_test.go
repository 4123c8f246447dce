package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
)

func TestDeadMediaIsToldFromHoldAndComfortNoise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), media.Format{})
		expect := func(when string, want time.Duration) {
			t.Helper()
			if got := leg.Unheard(time.Now()); got != want {
				t.Fatalf("%s: unheard for %s, want %s", when, got, want)
			}
		}
		time.Sleep(20 * time.Second)
		expect("before Start", 0)
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		expect("a party that never spoke", 3*time.Second)
		speaker := newSpeaker(formatA)
		speaker.speak(t, leg.Stream, 1)
		time.Sleep(time.Second)
		expect("after voice", 1020*time.Millisecond)

		// Its own hold is no death, and what it was silent before does not count after it.
		leg.SetDirection(media.SendOnly)
		time.Sleep(20 * time.Second)
		expect("on hold", 0)
		leg.SetDirection(media.SendReceive)
		time.Sleep(2 * time.Second)
		expect("after hold", 2*time.Second)
		leg.SetDirection(media.SendReceive) // a re-INVITE that changes nothing
		expect("after a second answer", 2*time.Second)

		noise := speaker.next()
		noise.PayloadType, noise.Payload = 13, []byte{60}
		if err := leg.Receive(noise); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		expect("silent by its own word", 0)
		speaker.speak(t, leg.Stream, 1)
		time.Sleep(7 * time.Second)
		expect("after the silence", 7020*time.Millisecond)
		_ = leg.Close()
		expect("after Close", 0)
	})
}
