package media_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
)

// comfort is a packet of comfort noise in the place of the speaker's next one.
func (s *speaker) comfort(level byte) *rtp.Packet {
	packet := s.next()
	packet.PayloadType, packet.Payload = 13, []byte{level, 200, 100} // with a spectrum
	return packet
}

// decibels is the level of what packets hold, in dB below the square wave that fills the range.
func decibels(codec media.Codec, packets []sent) float64 {
	var payload []byte
	for _, packet := range packets {
		payload = append(payload, packet.payload...)
	}
	sum, samples := 0.0, codec.Decode(payload)
	for _, sample := range samples {
		sum += float64(sample) * float64(sample)
	}
	return 10 * math.Log10(sum/float64(len(samples))/(1<<30))
}

// A party that is silent by its own word is heard as noise of its level, by whoever is connected with it.
func TestComfortNoiseIsHeardSoftly(t *testing.T) {
	t.Parallel()
	formatW := media.Format{Codec: media.G722, PayloadType: 9}
	for name, format := range map[string]media.Format{"A-law": formatA, "µ-law": formatU, "wide": formatW} {
		for level, want := range map[byte]float64{40: -40, 50: -50, 128 + 45: -45, 0: -30} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					pacer := newPacer(t)
					in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, format)
					if err := media.Connect(in.Stream, out.Stream); err != nil {
						t.Fatal(err)
					}
					party := newSpeaker(formatA)
					party.speak(t, in.Stream, 10)
					spoken := len(out.wire.all())
					if err := in.Receive(party.comfort(level)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					noise := out.wire.all()[spoken:]
					if len(noise) < 49 || len(noise) > 51 {
						t.Fatalf("%d packets in a second", len(noise))
					}
					for i, packet := range noise {
						if packet.PayloadType != format.PayloadType || packet.Marker != (i == 0) || i > 0 && packet.Timestamp != noise[i-1].Timestamp+160 {
							t.Fatalf("packet %d: %+v", i, packet.Header)
						}
					}
					// Three less where the upper half of the band is cut off.
					if got := decibels(format.Codec, noise[5:]); got > want+1.5 || got < want-5 {
						t.Errorf("noise of level %d is heard at %.1f dB; want about %.0f", level, got, want)
					}
				})
			})
		}
	}
}

// It ends when the party speaks again or is put on hold, and begins with nobody else.
func TestComfortNoiseEnds(t *testing.T) {
	t.Parallel()
	quiet := func(t *testing.T, out leg) {
		t.Helper()
		before := len(out.wire.all())
		time.Sleep(time.Second)
		if got := len(out.wire.all()) - before; got > 1 { // a sign of life
			t.Errorf("%d packets go on", got)
		}
	}
	for name, end := range map[string]func(*testing.T, *speaker, leg, leg){
		"by voice": func(t *testing.T, party *speaker, in, out leg) {
			party.packet.Timestamp += 4800 // it was silent for 0.6 s
			before := len(out.wire.all())
			party.speak(t, in.Stream, 10)
			packets := out.wire.all()[before:]
			if len(packets) < 9 || !packets[len(packets)-10].Marker && !packets[len(packets)-9].Marker {
				t.Errorf("%d packets of a talk spurt without its beginning", len(packets))
			}
		},
		"by hold": func(_ *testing.T, _ *speaker, in, _ leg) { in.SetDirection(media.SendOnly) },
		"by its level": func(t *testing.T, party *speaker, in, _ leg) {
			if err := in.Receive(party.comfort(127)); err != nil {
				t.Fatal(err)
			}
		},
		"without a level": func(t *testing.T, party *speaker, in, _ leg) {
			packet := party.comfort(40)
			packet.Payload = nil
			if err := in.Receive(packet); err != nil {
				t.Fatal(err)
			}
		},
		"by the end of the talk": func(t *testing.T, _ *speaker, in, out leg) {
			other := newLeg(t, newPacer(t), formatA)
			if err := media.Connect(out.Stream, other.Stream); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
				if err := media.Connect(in.Stream, out.Stream); err != nil {
					t.Fatal(err)
				}
				party := newSpeaker(formatA)
				party.speak(t, in.Stream, 10)
				if err := in.Receive(party.comfort(40)); err != nil {
					t.Fatal(err)
				}
				before := len(out.wire.all())
				time.Sleep(600 * time.Millisecond)
				if got := len(out.wire.all()) - before; got < 29 {
					t.Fatalf("%d packets of noise", got)
				}
				end(t, party, in, out)
				quiet(t, out)
			})
		})
	}
}

// In a talk of several it is heard as well.
func TestComfortNoiseInAConference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		conference := media.NewConference(pacer)
		defer func() { conference.Close() }()
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		everybody := media.Seat{Kind: media.User, HeardBy: media.User | media.Agent}
		for _, leg := range []leg{in, out} {
			if err := conference.Join(leg.Stream, everybody); err != nil {
				t.Fatal(err)
			}
		}
		hears := func(want float64) {
			t.Helper()
			before := len(out.wire.all())
			time.Sleep(time.Second)
			if got := decibels(media.PCMA, out.wire.all()[before+10:]); got > want+1.5 || got < want-5 {
				t.Errorf("heard at %.1f dB; want about %.0f", got, want)
			}
		}
		party := newSpeaker(formatA)
		if err := in.Receive(party.comfort(40)); err != nil { // at the beginning of the call
			t.Fatal(err)
		}
		hears(-40)
		if err := in.Receive(party.comfort(55)); err != nil {
			t.Fatal(err)
		}
		hears(-55)
		in.SetDirection(media.SendOnly)
		before := len(out.wire.all())
		time.Sleep(time.Second)
		if got := decibels(media.PCMA, out.wire.all()[before+10:]); got > -68 { // A-law has no zero
			t.Errorf("on hold it is heard at %.1f dB", got)
		}
	})
}
