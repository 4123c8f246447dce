package media_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// A party that says a different tone each second must hear each a second later, with what the
// network lost missing in it.
func TestEchoIsWhatWasSaidASecondAgo(t *testing.T) {
	t.Parallel()
	for _, format := range []media.Format{formatA, formatU} {
		t.Run(format.Codec.Name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				leg := newLeg(t, newPacer(t), format)
				if err := leg.Echo(time.Second); err != nil {
					t.Fatal(err)
				}
				speaker := newSpeaker(format) // its timestamp wraps around soon
				tones := []float64{500, 900, 1300}
				for _, tone := range tones {
					payloads := mediatest.TonePayloads(format.Codec, tone, 50)
					for i, payload := range payloads {
						packet := speaker.next()
						packet.Payload = payload
						// Every tenth packet is lost, and the network's jitter is 8 ms.
						if i%10 != 9 {
							if err := leg.Receive(packet); err != nil {
								t.Fatal(err)
							}
						}
						time.Sleep(time.Duration(12+16*(i%2)) * time.Millisecond)
					}
				}
				time.Sleep(1500 * time.Millisecond)
				packets := leg.wire.all()
				listen := func(from int, tone float64) mediatest.Verdict {
					var payloads [][]byte
					for _, packet := range packets[from : from+50] {
						payloads = append(payloads, packet.payload)
					}
					return mediatest.ListenPayloads(format.Codec, payloads, tone)
				}
				for i, tone := range tones {
					// Frames are cut anywhere in the packets.
					if verdict := listen(50*(i+1), tone); verdict.Toned < 38 || verdict.Toned > 46 {
						t.Errorf("second %d: %s, want about 45 frames", i+1, verdict)
					}
					if verdict := listen(50*i, tone); verdict.Toned > 1 {
						t.Errorf("second %d: %s, too early", i, verdict)
					}
				}
				for i := 1; i < len(packets); i++ {
					if packets[i].SequenceNumber != packets[i-1].SequenceNumber+1 || packets[i].Timestamp != packets[i-1].Timestamp+160 {
						t.Fatalf("packet %d does not follow", i)
					}
				}
				silence := packets[len(packets)-1].payload
				if verdict := mediatest.ListenPayloads(format.Codec, [][]byte{silence}, 1300); verdict.Toned != 0 {
					t.Error("the echo does not end")
				}
			})
		})
	}
}

// Whoever begins again, after a pause with another clock, is heard again a second later.
func TestEchoFollowsAJumpInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leg := newLeg(t, newPacer(t), formatA)
		if err := leg.Echo(500 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, leg.Stream, 10)
		for _, jump := range []uint32{80000, ^uint32(80000)} {
			speaker.packet.Timestamp += jump
			begin := len(leg.wire.all())
			speaker.speak(t, leg.Stream, 50)
			heard := 0
			for _, packet := range leg.wire.all()[begin+25:] {
				if packet.payload[80] == 0x55 {
					heard++
				}
			}
			if heard < 23 {
				t.Fatalf("%d frames of half a second after a jump by %d", heard, int32(jump))
			}
		}
		// The same in another codec.
		if err := leg.SetFormat(formatU); err != nil {
			t.Fatal(err)
		}
		speaker.packet.PayloadType = formatU.PayloadType
		begin := len(leg.wire.all())
		speaker.speak(t, leg.Stream, 50)
		for i, packet := range leg.wire.all()[begin+2:] {
			if want := map[bool]byte{true: 0xFF, false: 0x55}[i < 21]; packet.payload[80] != want && (i < 21 || i > 26) {
				t.Fatalf("frame %d after a change of codec holds %x", i, packet.payload[80])
			}
		}
		if err := leg.Silence(); err != nil {
			t.Fatal(err)
		}
		speaker.speak(t, leg.Stream, 2)
		if leg.wire.last(t).payload[80] != 0xFF {
			t.Fatal("the echo goes on after another source was set")
		}
	})
}

func TestEchoSaysWhatCanNotBe(t *testing.T) {
	t.Parallel()
	leg := newLeg(t, newPacer(t), media.Format{})
	for _, delay := range []time.Duration{0, -time.Second, 99 * time.Millisecond, 2001 * time.Millisecond} {
		if err := leg.Echo(delay); !errors.Is(err, media.ErrEcho) {
			t.Errorf("%s: %v", delay, err)
		}
	}
	if err := leg.Echo(time.Second); !errors.Is(err, media.ErrNotStarted) {
		t.Errorf("before Start: %v", err)
	}
	if err := leg.Start(formatA); err != nil {
		t.Fatal(err)
	}
	_ = leg.Close()
	if err := leg.Echo(time.Second); !errors.Is(err, media.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestSignalToneIsShort(t *testing.T) {
	t.Parallel()
	if length := media.SignalTone().Duration(); length != 250*time.Millisecond {
		t.Fatalf("%s", length)
	}
	var payloads [][]byte
	for sound := media.SignalTone().Encoded(media.PCMU); len(sound) >= 160; sound = sound[160:] {
		payloads = append(payloads, sound[:160])
	}
	if verdict := mediatest.ListenPayloads(media.PCMU, payloads, 880); verdict.Share() < 0.9 {
		t.Fatal(verdict)
	}
}
