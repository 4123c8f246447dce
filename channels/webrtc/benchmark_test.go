package webrtc

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
)

// BenchmarkSendPacket is one packet's way from the stream to the socket: RTCP accounts, SRTP,
// and the system call.
func BenchmarkSendPacket(b *testing.B) {
	g := newGateway(b, nil)
	l, _ := connectBrowser(b, g, media.PCMA, webrtctest.Options{})
	_ = l.Stream().Close() // so that only the benchmark sends
	// The leg's session lives on: its stream was closed, not the leg.
	header := rtp.Header{Version: 2, PayloadType: 8, SSRC: l.Stream().SSRC()}
	payload := make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		header.SequenceNumber++
		header.Timestamp += 160
		if err := l.track.WriteRTP(&header, payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFiftyLegs is a second of 25 conversations between browsers, each iteration. The
// figures are of the whole process, whose other half are the 50 browsers with much the same
// work: a packet is encrypted, sent, received and decrypted once on each side.
func BenchmarkFiftyLegs(b *testing.B) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	g := newGateway(b, nil)
	made := make([]*leg, 50)
	var group sync.WaitGroup
	for i := range made {
		group.Go(func() { made[i], _ = connectBrowser(b, g, media.PCMA, webrtctest.Options{Tone: 400}) })
	}
	group.Wait()
	for i := 0; i < len(made); i += 2 {
		if err := media.Connect(made[i].Stream(), made[i+1].Stream()); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	began, sent := cpuTime(b), packetsSent(made)
	for b.Loop() {
		time.Sleep(time.Second)
	}
	used, packets := cpuTime(b)-began, packetsSent(made)-sent
	b.ReportMetric(100*used.Seconds()/b.Elapsed().Seconds(), "%core")
	b.ReportMetric(float64(used.Microseconds())/float64(packets), "µs/packet")
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/50/1024, "KB/leg")
}

func packetsSent(legs []*leg) (sent uint64) {
	for _, l := range legs {
		sent += l.stream.Statistics().PacketsSent
	}
	return sent
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
