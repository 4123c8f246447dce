package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"svar/channels/media"
)

func TestLossAndJitterAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), formatA)
		speaker := newSpeaker(formatA) // its sequence number wraps around
		for i := range 100 {
			packet := speaker.next()
			if i%10 == 5 {
				continue // lost
			}
			if err := leg.Receive(packet); err != nil {
				t.Fatal(err)
			}
			// Every packet comes 10 ms early or late: a jitter of 20 ms.
			time.Sleep(time.Duration(10+20*(i%2)) * time.Millisecond)
		}
		statistics := leg.Statistics()
		if statistics.PacketsReceived != 90 || statistics.PacketsLost != 10 || statistics.OctetsReceived != 90*160 {
			t.Fatalf("%+v", statistics)
		}
		if statistics.Jitter < 5*time.Millisecond || statistics.Jitter > 25*time.Millisecond {
			t.Fatalf("jitter %s", statistics.Jitter)
		}
		report, ok := leg.Reports(time.Now())[0].(*rtcp.SenderReport)
		if !ok {
			t.Fatal("no sender report from a leg that sends")
		}
		block := report.Reports[0]
		if block.TotalLost != 10 || block.FractionLost != 10*256/100 || block.SSRC != 0x1234 {
			t.Fatalf("%+v", block)
		}
		if want := uint32(1<<16 | (65530+99)&0xFFFF); block.LastSequenceNumber != want {
			t.Fatalf("highest sequence number %x, want %x", block.LastSequenceNumber, want)
		}
		// Nothing was lost since: the fraction is about the interval, the total about all.
		speaker.speak(t, leg.Stream, 10)
		block = leg.Reports(time.Now())[0].(*rtcp.SenderReport).Reports[0]
		if block.TotalLost != 10 || block.FractionLost != 0 {
			t.Fatalf("%+v", block)
		}
		// A steady stream has no jitter left.
		speaker.speak(t, leg.Stream, 200)
		if jitter := leg.Statistics().Jitter; jitter > time.Millisecond {
			t.Fatalf("jitter %s of a steady stream", jitter)
		}
	})
}

func TestReportsTellRoundTripAndTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		ours, theirs := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		time.Sleep(time.Second)
		sent := ours.wire.last(t)
		if err := theirs.Receive(voice(formatA, ours.SSRC(), sent.SequenceNumber, sent.Timestamp)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Millisecond)
		reports := ours.Reports(time.Now())
		report := reports[0].(*rtcp.SenderReport)
		wantTime := sent.Timestamp + uint32(time.Since(sent.at)*8000/time.Second)
		if report.RTPTime != wantTime || report.PacketCount != uint32(len(ours.wire.all())) {
			t.Fatalf("%+v, want time %d", report, wantTime)
		}
		data, err := rtcp.Marshal(reports)
		if err != nil {
			t.Fatal(err)
		}
		if packets, err := rtcp.Unmarshal(data); err != nil || len(packets) != 2 {
			t.Fatalf("not a compound packet: %v", err)
		}
		time.Sleep(30 * time.Millisecond) // on its way
		theirs.ReceiveReports(reports, time.Now())
		time.Sleep(2 * time.Second) // kept
		answer := theirs.Reports(time.Now())
		time.Sleep(40 * time.Millisecond) // on its way back
		ours.ReceiveReports(answer, time.Now())
		if trip := ours.Statistics().RoundTrip; trip < 69*time.Millisecond || trip > 71*time.Millisecond {
			t.Fatalf("round trip %s, want 70 ms", trip)
		}
		// A report about somebody else says nothing about us.
		ours.ReceiveReports([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 2, FractionLost: 200}}}}, time.Now())
		if loss := ours.Statistics().RemoteLoss; loss != 0 {
			t.Fatalf("remote loss %f", loss)
		}
	})
}

func TestALegThatMayNotSendReportsAsReceiver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := &wire{}
		stream := media.NewStream(newPacer(t), wire)
		t.Cleanup(func() { _ = stream.Close() })
		if reports := stream.Reports(time.Now()); reports != nil {
			t.Fatalf("before Start: %v", reports)
		}
		stream.SetDirection(media.ReceiveOnly)
		if err := stream.Start(formatA); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, ok := stream.Reports(time.Now())[0].(*rtcp.ReceiverReport); !ok {
			t.Fatal("no receiver report")
		}
	})
}
