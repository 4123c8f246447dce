package media

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// BenchmarkBridge is one packet from one leg to another, without the network.
func BenchmarkBridge(b *testing.B) {
	for _, story := range []struct {
		to    Codec
		event uint8 // 0: keys are looked for in the voice
	}{{PCMA, 101}, {PCMU, 101}, {G722, 101}, {PCMA, 0}} {
		to := story.to
		b.Run(fmt.Sprintf("PCMA to %s, events as %d", to, story.event), func(b *testing.B) {
			pacer := NewPacer()
			defer func() { _ = pacer.Close() }()
			in, out := NewStream(pacer, discard{}), NewStream(pacer, discard{})
			defer func() { _, _ = in.Close(), out.Close() }()
			in.in.start(Format{Codec: PCMA, PayloadType: 8, TelephoneEvent: story.event})
			if err := out.out.start(Format{Codec: to, PayloadType: to.PayloadType()}); err != nil {
				b.Fatal(err)
			}
			if err := Connect(in, out); err != nil {
				b.Fatal(err)
			}
			packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: make([]byte, frameOctets)}
			b.ReportAllocs()
			for b.Loop() {
				packet.SequenceNumber++
				packet.Timestamp += frameOctets
				if err := in.Receive(&packet); err != nil {
					b.Fatal(err)
				}
			}
			if out.Statistics().PacketsSent == 0 {
				b.Fatal("nothing crossed")
			}
		})
	}
}

// BenchmarkMusic is one frame of queue music for a thousand callers, without the network:
// it happens fifty times a second.
func BenchmarkMusic(b *testing.B) {
	pacer := NewPacer()
	_ = pacer.Close() // the benchmark is the clock
	streams := make([]*Stream, 1000)
	for i := range streams {
		streams[i] = NewStream(pacer, discard{})
		b.Cleanup(func() { _ = streams[i].Close() })
		if err := streams[i].Loop(Music()); err != nil {
			b.Fatal(err)
		}
		if err := streams[i].Start(Format{Codec: PCMA, PayloadType: 8}); err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(FrameDuration)
		for _, stream := range streams {
			stream.tick(now, 0)
		}
	}
}
