package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
)

func TestTotalsOutliveTheLegsAndNeverShrink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		var ledger media.Ledger
		first, second := newLeg(t, pacer, formatA), newLeg(t, pacer, formatU)
		for _, leg := range []leg{first, second, second} {
			ledger.Open(leg.Stream)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, first.Stream, 10)
		missing := speaker.next()
		speaker.speak(t, first.Stream, 10)
		newSpeaker(formatU).speak(t, second.Stream, 5)
		synctest.Wait()
		sent := uint64(len(first.wire.all()) + len(second.wire.all()))
		if got, want := ledger.Totals(), (media.Totals{Legs: 2, PacketsReceived: 25, PacketsLost: 1, PacketsSent: sent}); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if err := first.Receive(missing); err != nil {
			t.Fatal(err)
		}
		if got := ledger.Totals(); got.PacketsLost != 1 || got.PacketsReceived != 26 {
			t.Fatalf("after the late packet: %+v", got)
		}
		_ = first.Close()
		ledger.Close(first.Stream)
		ledger.Close(first.Stream)
		before := ledger.Totals()
		if before.Legs != 2 || before.PacketsReceived != 26 {
			t.Fatalf("after the end: %+v", before)
		}
		time.Sleep(time.Second)
		if got := ledger.Totals(); got.PacketsSent <= before.PacketsSent {
			t.Fatalf("the living leg is not counted on: %+v", got)
		}
	})
}
