package media_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

var (
	formatA = media.Format{Codec: media.PCMA, PayloadType: 8, TelephoneEvent: 101}
	formatG = media.Format{Codec: media.G722, PayloadType: 9, TelephoneEvent: 101}
	formatU = media.Format{Codec: media.PCMU, PayloadType: 0, TelephoneEvent: 96}
)

// sent is a packet with the time at which it left.
type sent struct {
	rtp.Header
	payload []byte
	at      time.Time
}

// wire is a sink that keeps packets and their times.
type wire struct {
	mutex   sync.Mutex
	packets []sent
}

func (w *wire) WriteRTP(header *rtp.Header, payload []byte) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.packets = append(w.packets, sent{header.Clone(), bytes.Clone(payload), time.Now()})
	return nil
}

func (w *wire) all() []sent {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.packets[:len(w.packets):len(w.packets)]
}

func (w *wire) last(t *testing.T) sent {
	t.Helper()
	packets := w.all()
	if len(packets) == 0 {
		t.Fatal("nothing was sent")
	}
	return packets[len(packets)-1]
}

// leg is a stream and what it sends, closed with the test.
type leg struct {
	*media.Stream
	wire *wire
}

func newLeg(t *testing.T, pacer *media.Pacer, format media.Format) leg {
	t.Helper()
	wire := &wire{}
	stream := media.NewStream(pacer, wire)
	t.Cleanup(func() { _ = stream.Close() })
	if format.Codec != 0 {
		if err := stream.Start(format); err != nil {
			t.Fatal(err)
		}
	}
	return leg{stream, wire}
}

func newPacer(t *testing.T) *media.Pacer {
	t.Helper()
	pacer := media.NewPacer()
	t.Cleanup(func() { _ = pacer.Close() })
	return pacer
}

func TestSilenceIsSentFromStartOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), media.Format{})
		time.Sleep(time.Second)
		if packets := leg.wire.all(); len(packets) != 0 {
			t.Fatalf("%d packets before Start", len(packets))
		}
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		if err := leg.Start(formatU); !errors.Is(err, media.ErrStarted) {
			t.Fatalf("second Start: %v", err)
		}
		time.Sleep(time.Second - time.Millisecond)
		packets := leg.wire.all()
		if len(packets) != 50 {
			t.Fatalf("%d packets in a second", len(packets))
		}
		for i, packet := range packets {
			if packet.Marker != (i == 0) || packet.PayloadType != 8 || packet.SSRC != leg.SSRC() {
				t.Fatalf("packet %d: %+v", i, packet.Header)
			}
			if !bytes.Equal(packet.payload, bytes.Repeat([]byte{0xD5}, 160)) {
				t.Fatalf("packet %d is not silent", i)
			}
		}
	})
}

func TestStartRefusesUnusableFormats(t *testing.T) {
	t.Parallel()
	pacer := newPacer(t)
	for name, format := range map[string]media.Format{
		"no codec":            {PayloadType: 8},
		"unknown codec":       {Codec: 77},
		"payload type 128":    {Codec: media.PCMA, PayloadType: 128},
		"one type for both":   {Codec: media.PCMA, PayloadType: 101, TelephoneEvent: 101},
		"telephone-event 200": {Codec: media.PCMA, PayloadType: 8, TelephoneEvent: 200},
	} {
		stream := media.NewStream(pacer, &wire{})
		if err := stream.Start(format); !errors.Is(err, media.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
		_ = stream.Close()
	}
}

func TestPlayEndsWhenTheClipWasHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), formatU)
		time.Sleep(105 * time.Millisecond)
		clip := mediatest.Tone(600, 990*time.Millisecond) // its last frame is half a frame
		begin, before := time.Now(), len(leg.wire.all())
		if err := leg.Play(t.Context(), clip); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < time.Second || took > 1020*time.Millisecond {
			t.Fatalf("played for %s", took)
		}
		var heard [][]byte
		for _, packet := range leg.wire.all()[before : before+50] {
			heard = append(heard, packet.payload)
		}
		if verdict := mediatest.ListenPayloads(media.PCMU, heard, 600); verdict.Toned < 49 {
			t.Fatal(verdict)
		}
		synctest.Wait()
		after := leg.wire.last(t)
		if !after.Marker || after.payload[0] != 0xFF {
			t.Fatalf("after the clip: %+v", after)
		}
	})
}

func TestPlayIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		interrupt func(leg leg, cancel func())
		want      error
	}{
		"by its context":        {func(_ leg, cancel func()) { cancel() }, context.Canceled},
		"by another source":     {func(leg leg, _ func()) { _ = leg.Loop(media.Music()) }, media.ErrReplaced},
		"by silence":            {func(leg leg, _ func()) { _ = leg.Silence() }, media.ErrReplaced},
		"by the end of the leg": {func(leg leg, _ func()) { _ = leg.Close() }, media.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				leg := newLeg(t, newPacer(t), formatA)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				result := make(chan error)
				go func() { result <- leg.Play(ctx, mediatest.Tone(500, 5*time.Second)) }()
				time.Sleep(330 * time.Millisecond)
				test.interrupt(leg, cancel)
				if err := <-result; !errors.Is(err, test.want) {
					t.Fatalf("%v, want %v", err, test.want)
				}
				if errors.Is(test.want, context.Canceled) {
					time.Sleep(20 * time.Millisecond)
					if leg.wire.last(t).payload[0] != 0xD5 {
						t.Fatal("the clip goes on")
					}
				}
			})
		})
	}
}

func TestPlayBeforeStartWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), media.Format{})
		result := make(chan error, 1)
		go func() { result <- leg.Play(t.Context(), mediatest.Tone(700, time.Second)) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(result) != 0 {
			t.Fatal("played before Start")
		}
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		if first := leg.wire.all()[0]; first.payload[0] == 0xD5 && first.payload[1] == 0xD5 {
			t.Fatal("the beginning was lost")
		}
	})
}

func TestLoopGoesOnWithoutASeam(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), media.Format{})
		clip := mediatest.Tone(400, 1015*time.Millisecond) // not a whole number of frames
		if err := leg.Loop(clip); err != nil {
			t.Fatal(err)
		}
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		encoded := clip.Encoded(media.PCMA)
		position := 0
		for i, packet := range leg.wire.all() {
			for _, octet := range packet.payload {
				if octet != encoded[position%len(encoded)] {
					t.Fatalf("packet %d: octet %d differs", i, position)
				}
				position++
			}
		}
		if position < 8000*9 {
			t.Fatalf("only %d octets", position)
		}
	})
}

func TestClosedStreamRefusesAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		leg, other := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		for range 2 {
			if err := leg.Close(); err != nil {
				t.Fatal(err)
			}
		}
		count := len(leg.wire.all())
		for name, err := range map[string]error{
			"Start":   leg.Start(formatA),
			"Play":    leg.Play(t.Context(), mediatest.Tone(500, time.Second)),
			"Loop":    leg.Loop(media.Music()),
			"Silence": leg.Silence(),
			"Connect": media.Connect(other.Stream, leg.Stream),
			"Receive": leg.Receive(voice(formatA, 1, 1, 160)),
		} {
			if !errors.Is(err, media.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, open := <-leg.Digits(); open {
			t.Error("a digit after Close")
		}
		time.Sleep(time.Second)
		if len(leg.wire.all()) != count {
			t.Error("sent after Close")
		}
		if other.wire.last(t).payload[0] != 0xD5 {
			t.Error("the other leg is not silent")
		}
		if leg.Reports(time.Now()) != nil {
			t.Error("reports after Close")
		}
	})
}

// stalling is a sink that blocks once, as on a machine that was suspended.
type stalling struct {
	wire
	at int // packet
}

func (s *stalling) WriteRTP(header *rtp.Header, payload []byte) error {
	if len(s.all()) == s.at {
		time.Sleep(3 * time.Second)
	}
	return s.wire.WriteRTP(header, payload)
}

func TestASuspendedMachineSendsNoBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := &stalling{at: 10}
		stream := media.NewStream(newPacer(t), sink)
		t.Cleanup(func() { _ = stream.Close() })
		if err := stream.Start(formatA); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		packets := sink.all()
		if count := len(packets); count < 95 || count > 105 {
			t.Fatalf("%d packets, want those of two seconds", count)
		}
		before, after := packets[10], packets[11]
		if gap := after.Timestamp - before.Timestamp; !after.Marker || gap < 8000*29/10 || gap > 8000*31/10 {
			t.Fatalf("after the stall: marker %v, timestamp on by %d", after.Marker, gap)
		}
	})
}

// livekit/sip#779, diago#125: hold is honoured in what is sent.
func TestDirectionIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		held, other := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(held.Stream, other.Stream); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, other.Stream, 10)
		held.SetDirection(media.Inactive)
		count, countOther := len(held.wire.all()), len(other.wire.all())
		for range 100 {
			_ = other.Receive(speaker.next())
			if err := held.Receive(voice(formatA, 5, uint16(count), 160)); err != nil {
				t.Fatal(err)
			}
			count++
			time.Sleep(20 * time.Millisecond)
		}
		if sent := len(held.wire.all()) - (count - 100); sent != 0 {
			t.Fatalf("%d packets to a held party", sent)
		}
		if len(other.wire.all()) != countOther {
			t.Fatal("a held party was heard")
		}
		held.SetDirection(media.SendReceive)
		previous := held.wire.last(t)
		_ = other.Receive(speaker.next())
		next := held.wire.last(t)
		if !next.Marker || next.SequenceNumber != previous.SequenceNumber+1 {
			t.Fatalf("after hold: %+v after %+v", next.Header, previous.Header)
		}
		if gap := time.Duration(next.Timestamp-previous.Timestamp) * time.Second / 8000; gap < 1900*time.Millisecond || gap > 2100*time.Millisecond {
			t.Fatalf("timestamp advanced by %s over a hold of 2 s", gap)
		}
	})
}

// voice makes one packet.
func voice(format media.Format, ssrc uint32, sequence uint16, timestamp uint32) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: format.PayloadType, SSRC: ssrc, SequenceNumber: sequence, Timestamp: timestamp},
		Payload: bytes.Repeat([]byte{0x55}, 160),
	}
}

// speaker is a party that talks: each packet follows the one before.
type speaker struct{ packet rtp.Packet }

func newSpeaker(format media.Format) *speaker {
	return &speaker{*voice(format, 0x1234, 65530, 0xFFFFFF00)} // both wrap around soon
}

func (s *speaker) next() *rtp.Packet {
	packet := s.packet.Clone()
	s.packet.SequenceNumber++
	s.packet.Timestamp += 160
	return packet
}

// speak lets packets come, 20 ms apart.
func (s *speaker) speak(t *testing.T, stream *media.Stream, count int) {
	t.Helper()
	for range count {
		if err := stream.Receive(s.next()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
