package media_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

var formatWithoutEvents = media.Format{Codec: media.PCMA, PayloadType: 8}

// pressAll presses keys one after another.
func pressAll(t *testing.T, stream *media.Stream, keys string) {
	t.Helper()
	for _, key := range []byte(keys) {
		if err := stream.Press(key); err != nil {
			t.Fatalf("press %c: %v", key, err)
		}
	}
}

// Our own receiver reads what the stream presses, with every second packet lost.
func TestPressedKeysAreReceived(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{-1, 0, 1} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				presser, phone := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
				pressAll(t, presser.Stream, keys+keys)
				time.Sleep(10 * time.Second)
				for i, packet := range presser.wire.all() {
					if i%2 == lost {
						continue
					}
					if err := phone.Receive(&rtp.Packet{Header: packet.Header, Payload: packet.payload}); err != nil {
						t.Fatal(err)
					}
				}
				_ = phone.Close()
				got := ""
				for digit := range phone.Digits() {
					got += digit.String()
				}
				if got != keys+keys {
					t.Fatalf("got %q", got)
				}
			})
		})
	}
}

// RFC 4733 §2.5: one timestamp for all packets of an event, the marker on the first one, the
// end three times, and at least 100 ms of tone and 50 ms of pause.
func TestAPressedKeyIsAnEventOnTheLegsOwnClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), formatA)
		time.Sleep(501 * time.Millisecond)
		begin := len(leg.wire.all())
		pressAll(t, leg.Stream, "5#")
		time.Sleep(time.Second)
		packets := leg.wire.all()
		var starts, ends []sent
		endPackets := 0
		for i, packet := range packets[begin:] {
			former := packets[begin+i-1]
			if packet.SSRC != leg.SSRC() || packet.SequenceNumber != former.SequenceNumber+1 {
				t.Fatalf("packet %d does not follow: %+v after %+v", i, packet.Header, former.Header)
			}
			if packet.PayloadType != formatA.TelephoneEvent {
				// The voice's clock never notices the keys.
				if want := packets[0].Timestamp + uint32(packet.at.Sub(packets[0].at)*8000/time.Second); packet.Timestamp != want {
					t.Fatalf("packet %d: voice at %d, the clock is at %d", i, packet.Timestamp, want)
				}
				continue
			}
			if len(packet.payload) != 4 || packet.payload[1]&0x3F != 10 {
				t.Fatalf("packet %d: payload %x", i, packet.payload)
			}
			isFirst := former.PayloadType != formatA.TelephoneEvent
			if packet.Marker != isFirst {
				t.Fatalf("packet %d: marker %v", i, packet.Marker)
			}
			if isFirst {
				starts = append(starts, packet)
			}
			if packet.Timestamp != starts[len(starts)-1].Timestamp {
				t.Fatalf("packet %d: another timestamp within an event", i)
			}
			duration := int(packet.payload[2])<<8 | int(packet.payload[3])
			if packet.payload[1]&0x80 == 0 {
				continue
			}
			endPackets++
			if duration < 800 {
				t.Fatalf("packet %d: a tone of %d ticks", i, duration)
			}
			ends = append(ends, packet)
		}
		if len(starts) != 2 || starts[0].payload[0] != 5 || starts[1].payload[0] != 11 || endPackets != 6 {
			t.Fatalf("%d events with %d end packets", len(starts), endPackets)
		}
		toneEnds := starts[0].Timestamp + 800
		if pause := starts[1].Timestamp - toneEnds; pause < 400 {
			t.Fatalf("a pause of %d ticks between two keys", pause)
		}
		if ends[2].Timestamp != starts[0].Timestamp {
			t.Fatal("the third end packet is not of the first event")
		}
	})
}

// keyTones are Q.23's, written apart from the code.
var keyTones = map[byte][2]float64{
	'1': {697, 1209}, '2': {697, 1336}, '3': {697, 1477}, 'A': {697, 1633},
	'4': {770, 1209}, '5': {770, 1336}, '6': {770, 1477}, 'B': {770, 1633},
	'7': {852, 1209}, '8': {852, 1336}, '9': {852, 1477}, 'C': {852, 1633},
	'*': {941, 1209}, '0': {941, 1336}, '#': {941, 1477}, 'D': {941, 1633},
}

// share is the part of a frame's energy at a frequency, by Goertzel's algorithm.
func share(samples []int16, frequency float64) (share, level float64) {
	coefficient := 2 * math.Cos(2*math.Pi*frequency/8000)
	var total, s1, s2 float64
	for _, sample := range samples {
		value := float64(sample) / 32768
		total += value * value
		s1, s2 = value+coefficient*s1-s2, s1
	}
	count := float64(len(samples))
	power := 2 * (s1*s1 + s2*s2 - coefficient*s1*s2) / (count * count) // mean square of the tone
	return power / (total / count), 10*math.Log10(2*power) + 3.14
}

// hearKeys decodes in-band tones as a receiver of Q.24 would: two frequencies that hold nearly
// all energy for 40 ms, and a pause before the next key.
func hearKeys(t *testing.T, codec media.Codec, payloads [][]byte) string {
	t.Helper()
	heard, former := "", byte(0)
	loudest := map[byte]float64{} // the lower tone of each key, where a window holds nothing else
	for i := 0; i+1 < len(payloads); i++ {
		samples := append(mediatest.Decode(codec, payloads[i]), mediatest.Decode(codec, payloads[i+1])...)
		now := byte(0)
		for key, tones := range keyTones {
			row, rowLevel := share(samples, tones[0])
			column, columnLevel := share(samples, tones[1])
			if row+column < 0.9 || rowLevel < -20 || columnLevel < -20 {
				continue
			}
			now = key
			loudest[key] = max(rowLevel, cmp.Or(loudest[key], -99))
			if twist := columnLevel - rowLevel; math.Abs(twist-2) > 0.5 {
				t.Errorf("key %c: the higher tone is %.1f dB louder", key, twist)
			}
		}
		if now != 0 && now != former {
			heard += string(now)
		}
		former = now
	}
	for key, level := range loudest {
		if math.Abs(level+10) > 0.5 {
			t.Errorf("key %c at %.1f dBm0", key, level)
		}
	}
	return heard
}

func TestKeysAreTonesWhereEventsWereNotNegotiated(t *testing.T) {
	t.Parallel()
	for _, codec := range []media.Codec{media.PCMA, media.PCMU} {
		t.Run(codec.Name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				leg := newLeg(t, pacer, media.Format{Codec: codec, PayloadType: codec.PayloadType()})
				talker := newLeg(t, pacer, formatA)
				if err := media.Connect(leg.Stream, talker.Stream); err != nil {
					t.Fatal(err)
				}
				pressAll(t, leg.Stream, keys)
				// Who talks meanwhile is not mixed in.
				speaker, tone := newSpeaker(formatA), mediatest.TonePayloads(media.PCMA, 1000, 1)[0]
				for range 16 * 9 {
					packet := speaker.next()
					packet.Payload = tone
					_ = talker.Receive(packet)
					time.Sleep(20 * time.Millisecond)
				}
				var payloads [][]byte
				var former sent
				for i, packet := range leg.wire.all() {
					if packet.PayloadType != codec.PayloadType() || i > 0 && packet.SequenceNumber != former.SequenceNumber+1 {
						t.Fatalf("packet %d: %+v", i, packet.Header)
					}
					if advance := packet.Timestamp - former.Timestamp; i > 0 && advance != 160 {
						t.Fatalf("packet %d: timestamp on by %d", i, advance)
					}
					payloads, former = append(payloads, packet.payload), packet
				}
				if got := hearKeys(t, codec, payloads); got != keys {
					t.Fatalf("heard %q", got)
				}
			})
		})
	}
}

// What speaks is not heard together with a key, and goes on after it.
func TestVoiceRestsWhileAKeyIsPressed(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]media.Format{"event": formatA, "tones": formatWithoutEvents} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				phone, agent := newLeg(t, pacer, format), newLeg(t, pacer, formatU)
				if err := media.Connect(phone.Stream, agent.Stream); err != nil {
					t.Fatal(err)
				}
				speaker := newSpeaker(formatU)
				speaker.speak(t, agent.Stream, 50)
				begin := len(phone.wire.all())
				pressAll(t, phone.Stream, "1")
				speaker.speak(t, agent.Stream, 50)
				// 9 frames of key and pause, one packet each; the rest is the agent's.
				packets := phone.wire.all()[begin:]
				voice := phone.wire.all()[0].payload
				spoken, resumed := 0, -1
				for i, packet := range packets {
					if packet.PayloadType != format.PayloadType || packet.payload[0] != voice[0] || packet.payload[80] != voice[80] {
						continue
					}
					spoken++
					if resumed < 0 && i > 2 {
						resumed = i
					}
				}
				if spoken < 40 || spoken > 42 {
					t.Fatalf("%d of 50 frames of the agent were heard", spoken)
				}
				if after := packets[resumed]; !after.Marker || after.PayloadType != format.PayloadType {
					t.Fatalf("the agent's voice goes on with %+v", after.Header)
				}
				first := phone.wire.all()[0]
				for i, packet := range packets {
					elapsed := int32(packet.at.Sub(first.at) * 8000 / time.Second)
					ahead := int32(packet.Timestamp-first.Timestamp) - elapsed
					if packet.PayloadType == format.PayloadType && (ahead < -160 || ahead > 160) {
						t.Fatalf("packet %d is %d ticks off the clock", i, ahead)
					}
				}
			})
		})
	}
}

// The key that is being pressed goes on as it began, or it would be two keys.
func TestTheFormatChangesWhileAKeyIsPressed(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct{ before, after media.Format }{
		"the party takes events from now on": {formatWithoutEvents, formatA},
		"the party takes no more events":     {formatA, formatWithoutEvents},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				leg := newLeg(t, newPacer(t), story.before)
				time.Sleep(time.Second)
				begin := len(leg.wire.all())
				pressAll(t, leg.Stream, "55")
				time.Sleep(50 * time.Millisecond)
				if err := leg.SetFormat(story.after); err != nil {
					t.Fatal(err)
				}
				time.Sleep(450 * time.Millisecond)
				packets := leg.wire.all()
				events, tones := map[uint32]bool{}, 0 // by the timestamp of their beginning
				for i, packet := range packets[begin:] {
					if before := packets[begin+i-1]; int32(packet.Timestamp-before.Timestamp) < 0 {
						t.Fatalf("packet %d goes back in time: %+v after %+v", i, packet.Header, before.Header)
					}
					switch {
					case packet.PayloadType == formatA.TelephoneEvent:
						events[packet.Timestamp] = true
					case packet.PayloadType != formatA.PayloadType:
						t.Fatalf("packet %d was not negotiated: %+v", i, packet.Header)
					case packet.payload[40] != packets[0].payload[40] || packet.payload[41] != packets[0].payload[41]:
						tones++
					}
				}
				if len(events) != 1 || tones < 4 || tones > 5 {
					t.Errorf("%d events and %d frames of tones, want one key by each", len(events), tones)
				}
			})
		})
	}
}

func TestPressHasLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), media.Format{})
		if err := leg.Press('1'); !errors.Is(err, media.ErrNotStarted) {
			t.Fatalf("before Start: %v", err)
		}
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		for _, key := range []byte{'E', 'a', ' ', 0, 200} {
			if err := leg.Press(key); !errors.Is(err, media.ErrNoKey) {
				t.Fatalf("key %q: %v", key, err)
			}
		}
		for range 32 {
			if err := leg.Press('1'); err != nil {
				t.Fatal(err)
			}
		}
		if err := leg.Press('1'); !errors.Is(err, media.ErrTooManyKeys) {
			t.Fatalf("the 33rd key: %v", err)
		}
		time.Sleep(200 * time.Millisecond) // one was sent
		if err := leg.Press('1'); err != nil {
			t.Fatalf("after one was sent: %v", err)
		}
		_ = leg.Close()
		if err := leg.Press('1'); !errors.Is(err, media.ErrClosed) {
			t.Fatalf("after Close: %v", err)
		}
	})
}
