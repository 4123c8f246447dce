package media_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"

	"svar/channels/media"
)

const keys = "0123456789*#ABCD"

// pressed makes the packets of one key press: updates, and the end three times.
func pressed(speaker *speaker, code byte, updates int) []*rtp.Packet {
	var packets []*rtp.Packet
	start := speaker.packet.Timestamp
	for i := range updates + 3 {
		end := i >= updates
		packet := event(formatA, speaker.next(), code, end, uint16(160*min(i+1, updates+1)))
		packet.Timestamp, packet.Marker = start, i == 0
		packets = append(packets, packet)
	}
	return packets
}

// Each key press counts once, whatever the network loses, repeats or reorders of it.
func TestDigitsAreReceivedExactlyOnce(t *testing.T) {
	t.Parallel()
	pacer := newPacer(t)
	rapid.Check(t, func(r *rapid.T) {
		stream := media.NewStream(pacer, &wire{})
		defer func() { _ = stream.Close() }()
		if err := stream.Start(formatA); err != nil {
			r.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.packet.Timestamp = rapid.Uint32().Draw(r, "timestamp")
		speaker.packet.SequenceNumber = rapid.Uint16().Draw(r, "sequence")
		codes := rapid.SliceOfN(rapid.IntRange(0, 15), 0, 8).Draw(r, "digits")
		want, packets := "", []*rtp.Packet{}
		speak := func() {
			for range 6 {
				packets = append(packets, speaker.next())
			}
		}
		speak()
		for _, code := range codes {
			want += string(keys[code])
			press := pressed(speaker, byte(code), rapid.IntRange(1, 10).Draw(r, "updates"))
			// Any of them may be lost, but not all.
			survivor := rapid.IntRange(0, len(press)-1).Draw(r, "survivor")
			loss := rapid.Float64Range(0, 1).Draw(r, "loss")
			for i, packet := range press {
				if i == survivor || rapid.Float64Range(0, 1).Draw(r, "luck") >= loss {
					packets = append(packets, packet)
				}
			}
			speak()
		}
		// The network delays some, by less than what is spoken between two presses.
		type arrival struct {
			packet *rtp.Packet
			at     int
		}
		arrivals := make([]arrival, len(packets))
		for i, packet := range packets {
			arrivals[i] = arrival{packet, i + rapid.SampledFrom([]int{0, 0, 0, 1, 2, 4}).Draw(r, "delay")}
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at - b.at })
		for i, arrival := range arrivals {
			_ = stream.Receive(arrival.packet)
			if i%3 == 0 {
				_ = stream.Receive(arrival.packet) // repeated
			}
		}
		_ = stream.Close()
		got := ""
		for digit := range stream.Digits() {
			got += digit.String()
		}
		if got != want {
			r.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestDigitsThatNobodyReadsAreCounted(t *testing.T) {
	t.Parallel()
	leg := newLeg(t, newPacer(t), formatA)
	speaker := newSpeaker(formatA)
	for range 40 {
		for _, packet := range pressed(speaker, 1, 2) {
			if err := leg.Receive(packet); err != nil {
				t.Fatal(err)
			}
		}
		speaker.packet.Timestamp += 800
	}
	if missed := leg.Statistics().DigitsMissed; missed != 8 {
		t.Fatalf("%d digits missed, want 8", missed)
	}
}

func TestAVeryLongPressIsOneDigit(t *testing.T) {
	t.Parallel()
	leg := newLeg(t, newPacer(t), formatA)
	speaker := newSpeaker(formatA)
	first := event(formatA, speaker.next(), 7, false, 0xFFFF)
	second := event(formatA, speaker.next(), 7, false, 800)
	second.Timestamp = first.Timestamp + 0xFFFF
	again := event(formatA, speaker.next(), 7, false, 160)
	again.Timestamp = second.Timestamp + 8000
	for _, packet := range []*rtp.Packet{first, second, again} {
		if err := leg.Receive(packet); err != nil {
			t.Fatal(err)
		}
	}
	_ = leg.Close()
	got := ""
	for digit := range leg.Digits() {
		got += digit.String()
	}
	if got != "77" {
		t.Fatalf("got %q, want 77", got)
	}
}

func TestTheEndOfAnEarlierPressIsNoNewOne(t *testing.T) {
	t.Parallel()
	leg := newLeg(t, newPacer(t), formatA)
	speaker := newSpeaker(formatA)
	first := pressed(speaker, 1, 2)
	speaker.packet.Timestamp += 800
	second := pressed(speaker, 2, 2)
	for _, packet := range []*rtp.Packet{first[0], second[0], first[4], second[1]} {
		if err := leg.Receive(packet); err != nil {
			t.Fatal(err)
		}
	}
	_ = leg.Close()
	got := ""
	for digit := range leg.Digits() {
		got += digit.String()
	}
	if got != "12" {
		t.Fatalf("got %q, want 12", got)
	}
}

func TestEventsThatAreNoKeysAreNoDigits(t *testing.T) {
	t.Parallel()
	leg := newLeg(t, newPacer(t), formatA)
	speaker := newSpeaker(formatA)
	for _, packet := range pressed(speaker, 16, 3) { // flash
		_ = leg.Receive(packet)
	}
	short := event(formatA, speaker.next(), 1, false, 160)
	short.Payload = short.Payload[:3]
	_ = leg.Receive(short)
	_ = leg.Close()
	if digit, open := <-leg.Digits(); open {
		t.Fatalf("digit %s", digit)
	}
}

// livekit/sip#741: what another source sent before must not come through.
func TestStaleSourceIsRefused(t *testing.T) {
	t.Parallel()
	type packet struct {
		ssrc     uint32
		sequence uint16
		pause    time.Duration
		want     error
	}
	const frame = 20 * time.Millisecond
	tests := map[string][]packet{
		"between the packets of the present one": {
			{1, 1, frame, nil},
			{9, 50, 0, media.ErrStale},
			{1, 2, frame, nil},
			{9, 51, 0, media.ErrStale},
			{1, 3, frame, nil},
			{9, 52, 0, media.ErrStale},
			{1, 4, frame, nil},
			{9, 53, 0, media.ErrStale},
		},
		"a new source that goes on alone": {
			{1, 1, frame, nil},
			{2, 50, frame, media.ErrStale},
			{2, 51, frame, media.ErrStale},
			{2, 52, frame, nil},
			{2, 53, frame, nil},
			{1, 2, frame, media.ErrStale},
			{2, 54, frame, nil},
		},
		"a new source after quiet": {
			{1, 1, frame, nil}, {2, 50, 200 * time.Millisecond, nil}, {1, 2, frame, media.ErrStale},
		},
		"the old one plausibly comes back": {
			{1, 1, frame, nil}, {2, 50, time.Second, nil}, {1, 100, frame, media.ErrStale}, {1, 101, frame, media.ErrStale}, {1, 102, frame, nil},
		},
		"not in sequence": {
			{1, 1, frame, nil}, {2, 50, frame, media.ErrStale}, {2, 40, frame, media.ErrStale}, {2, 30, frame, media.ErrStale}, {2, 20, frame, media.ErrStale},
		},
		"a restart of the same source": {
			{1, 1, frame, nil}, {1, 30000, frame, media.ErrStale}, {1, 30001, frame, nil}, {1, 30002, frame, nil},
		},
		"one stray packet of the same source": {
			{1, 1, frame, nil}, {1, 30000, frame, media.ErrStale}, {1, 2, frame, nil}, {1, 30001, frame, media.ErrStale},
		},
	}
	for name, packets := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				leg := newLeg(t, newPacer(t), formatA)
				for i, packet := range packets {
					time.Sleep(packet.pause)
					if err := leg.Receive(voice(formatA, packet.ssrc, packet.sequence, 160*uint32(packet.sequence))); !errors.Is(err, packet.want) {
						t.Fatalf("packet %d (%+v): %v", i, packet, err)
					}
				}
			})
		})
	}
}

func TestReceiveSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	pacer := newPacer(t)
	unstarted := newLeg(t, pacer, media.Format{})
	if err := unstarted.Receive(voice(formatA, 1, 1, 1)); !errors.Is(err, media.ErrNotStarted) {
		t.Fatal(err)
	}
	leg := newLeg(t, pacer, formatA)
	otherType, otherVersion, long := voice(formatA, 1, 1, 1), voice(formatA, 1, 1, 1), voice(formatA, 1, 1, 1)
	otherType.PayloadType = 0
	otherVersion.Version = 1
	long.Payload = make([]byte, 1461)
	for want, packet := range map[error]*rtp.Packet{media.ErrPayloadType: otherType, media.ErrMalformed: otherVersion} {
		if err := leg.Receive(packet); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := leg.Receive(long); !errors.Is(err, media.ErrMalformed) {
		t.Error(err)
	}
	statistics := leg.Statistics()
	if got := fmt.Sprint(statistics.PacketsRefused, statistics.PacketsReceived); got != "3 0" {
		t.Errorf("refused and received: %s", got)
	}
}
