package media_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

func TestConnectedLegsHearEachOther(t *testing.T) {
	t.Parallel()
	formats := map[string]media.Format{
		"A-law": formatA, "µ-law": formatU,
		"A-law with a dynamic type": {Codec: media.PCMA, PayloadType: 110},
		"wide band":                 formatG,
	}
	for nameA, a := range formats {
		for nameB, b := range formats {
			t.Run(nameA+" and "+nameB, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					pacer := newPacer(t)
					first, second := newLeg(t, pacer, a), newLeg(t, pacer, b)
					if err := media.Connect(first.Stream, second.Stream); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					startFirst, startSecond := len(first.wire.all()), len(second.wire.all())
					high, low := newSpeaker(a), newSpeaker(b)
					highs, lows := mediatest.TonePayloads(a.Codec, 1000, 50), mediatest.TonePayloads(b.Codec, 600, 50)
					for i := range 50 {
						packet := high.next()
						packet.Payload = highs[i]
						if err := first.Receive(packet); err != nil {
							t.Fatal(err)
						}
						packet = low.next()
						packet.Payload = lows[i]
						if err := second.Receive(packet); err != nil {
							t.Fatal(err)
						}
						time.Sleep(20 * time.Millisecond)
					}
					check := func(name string, packets []sent, format media.Format, frequency float64) {
						var heard [][]byte
						for _, packet := range packets {
							if packet.PayloadType != format.PayloadType {
								t.Fatalf("%s: payload type %d", name, packet.PayloadType)
							}
							heard = append(heard, packet.payload)
						}
						verdict := mediatest.ListenPayloads(format.Codec, heard, frequency)
						if verdict.Toned != 50 || verdict.Level < -16 || verdict.Level > -14 {
							t.Errorf("%s: %s", name, verdict)
						}
					}
					check("second", second.wire.all()[startSecond:], b, 1000)
					check("first", first.wire.all()[startFirst:], a, 600)
				})
			})
		}
	}
}

func TestHoldTouchesOneLegOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		caller, agent := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(caller.Stream, agent.Stream); err != nil {
			t.Fatal(err)
		}
		_ = caller.Loop(media.Music())
		agentSpeaks, callerSpeaks := newSpeaker(formatA), newSpeaker(formatA)
		for range 10 {
			_ = agent.Receive(agentSpeaks.next())
			_ = caller.Receive(callerSpeaks.next())
			time.Sleep(20 * time.Millisecond)
		}
		for _, packet := range caller.wire.all() {
			if packet.payload[0] == 0x55 && packet.payload[159] == 0x55 {
				t.Fatal("the agent is heard on hold")
			}
		}
		if agent.wire.last(t).payload[0] != 0x55 {
			t.Fatal("the caller is not heard by the agent")
		}
		if err := media.Connect(caller.Stream, agent.Stream); err != nil {
			t.Fatal(err)
		}
		_ = agent.Receive(agentSpeaks.next())
		if packet := caller.wire.last(t); packet.payload[0] != 0x55 || !packet.Marker {
			t.Fatal("the agent is not heard after hold")
		}
	})
}

// RFC 3960: who called hears what sounds before the answer, and is not heard there.
func TestOverhearing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		agent, network, former := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatU, 1000), newMember(t, pacer, formatA, 2100)
		if media.Overhear(agent.Stream, agent.Stream) == nil {
			t.Error("a leg overhears itself")
		}
		select {
		case <-network.Heard():
			t.Error("it sounds before it said anything")
		default:
		}
		expect := func(what string, agentHears, networkHears bool) {
			t.Helper()
			forget(agent, network, former)
			talk(t, 50, agent, network, former)
			if agent.hears(1000) != agentHears || network.hears(600) != networkHears || agent.hears(2100) || former.hears(600) {
				t.Errorf("%s: the agent hears the network %t, it hears him %t, he hears the former one %t, who hears him %t", what,
					agent.hears(1000), network.hears(600), agent.hears(2100), former.hears(600))
			}
		}
		if err := media.Connect(agent.Stream, former.Stream); err != nil {
			t.Fatal(err)
		}
		if err := media.Overhear(agent.Stream, network.Stream); err != nil {
			t.Fatal(err)
		}
		expect("before the answer", true, false)
		<-network.Heard()
		if err := media.Connect(agent.Stream, network.Stream); err != nil {
			t.Fatal(err)
		}
		expect("after the answer", true, true)
		if err := media.Overhear(agent.Stream, network.Stream); err != nil {
			t.Fatal(err)
		}
		expect("again", true, false)
		media.Disconnect(agent.Stream, network.Stream)
		expect("in the end", false, false)
		_ = network.Close()
		if err := media.Overhear(agent.Stream, network.Stream); !errors.Is(err, media.ErrClosed) {
			t.Errorf("overhearing a closed leg: %v", err)
		}
	})
}

func TestTransferLeavesNobodyBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		caller, first, second := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(caller.Stream, first.Stream); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, caller.Stream, 3)
		if err := media.Connect(second.Stream, caller.Stream); err != nil {
			t.Fatal(err)
		}
		speaker.speak(t, caller.Stream, 3)
		if second.wire.last(t).payload[0] != 0x55 {
			t.Fatal("the second agent does not hear the caller")
		}
		if first.wire.last(t).payload[0] != 0xD5 {
			t.Fatal("the first agent is not silent")
		}
		_ = first.Receive(newSpeaker(formatA).next())
		if packets := caller.wire.all(); len(packets) > 0 && packets[len(packets)-1].payload[0] == 0x55 {
			t.Fatal("the caller hears the first agent")
		}
		media.Disconnect(first.Stream, caller.Stream) // a late order changes nothing
		speaker.speak(t, caller.Stream, 1)
		if second.wire.last(t).payload[0] != 0x55 {
			t.Fatal("a late Disconnect of the first agent cut the second one")
		}
		media.Disconnect(caller.Stream, second.Stream)
		time.Sleep(20 * time.Millisecond)
		if second.wire.last(t).payload[0] != 0xD5 {
			t.Fatal("not silent after Disconnect")
		}
	})
}

func TestBridgeKeepsTheSpeakersTiming(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		advance uint32        // of the sender's timestamp before the second packet
		pause   time.Duration // before the second packet
		want    uint32        // advance of ours
		marker  bool
	}{
		"steady":                       {160, 20 * time.Millisecond, 160, false},
		"jitter":                       {160, 70 * time.Millisecond, 160, false},
		"a stall of the network":       {160, 900 * time.Millisecond, 160, false},
		"silence suppression":          {24000, 3 * time.Second, 24000, false},
		"a pause that froze its clock": {160, 3 * time.Second, 24000, true},
		"a jump in time":               {80000, 20 * time.Millisecond, 160, true},
		"a jump back in time":          {^uint32(80000), 40 * time.Millisecond, 320, true},
		"a small jump back in time":    {^uint32(319), 40 * time.Millisecond, 320, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
				if err := media.Connect(in.Stream, out.Stream); err != nil {
					t.Fatal(err)
				}
				speaker := newSpeaker(formatA)
				speaker.speak(t, in.Stream, 5)
				packet := speaker.next()
				_ = in.Receive(packet)
				previous := out.wire.last(t)
				time.Sleep(test.pause)
				next := packet.Clone()
				next.SequenceNumber++
				next.Timestamp += test.advance
				if err := in.Receive(next); err != nil {
					t.Fatal(err)
				}
				got := out.wire.last(t)
				if advance := got.Timestamp - previous.Timestamp; advance != test.want || got.Marker != test.marker {
					t.Fatalf("advance %d marker %v, want %d %v", advance, got.Marker, test.want, test.marker)
				}
				if got.SequenceNumber != previous.SequenceNumber+1 {
					t.Fatalf("sequence %d after %d", got.SequenceNumber, previous.SequenceNumber)
				}
			})
		})
	}
}

// A leg that fell behind its clock, because the speaker's network stalled, must not make
// up for it at the next switch: the listener would wait for the difference, and keep
// that delay.
func TestASwitchNeverJumpsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(in.Stream, out.Stream); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		for range 5 {
			time.Sleep(900 * time.Millisecond)
			_ = in.Receive(speaker.next())
		}
		previous := out.wire.last(t)
		_ = out.Loop(media.Music())
		time.Sleep(40 * time.Millisecond)
		for _, packet := range out.wire.all() {
			if packet.SequenceNumber != previous.SequenceNumber+1 {
				continue
			}
			advance, elapsed := packet.Timestamp-previous.Timestamp, uint32(packet.at.Sub(previous.at)*8000/time.Second)
			if advance > max(elapsed, 160) {
				t.Fatalf("timestamp on by %d in %d", advance, elapsed)
			}
			return
		}
		t.Fatal("no music")
	})
}

// A speaker who begins right after a frame of something else does not begin within it.
func TestASwitchNeverOverlapsWhatWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		time.Sleep(100*time.Millisecond + time.Millisecond)
		previous := out.wire.last(t)
		if err := media.Connect(in.Stream, out.Stream); err != nil {
			t.Fatal(err)
		}
		_ = in.Receive(newSpeaker(formatA).next())
		if next := out.wire.last(t); next.Timestamp != previous.Timestamp+160 || !next.Marker {
			t.Fatalf("timestamp on by %d", next.Timestamp-previous.Timestamp)
		}
	})
}

// Each switch may let a frame overlap the one before by a little; a hundred of them do not add up.
func TestSwitchesDoNotAddUpToADelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		speaker := newSpeaker(formatA)
		for range 100 {
			if err := media.Connect(in.Stream, out.Stream); err != nil {
				t.Fatal(err)
			}
			speaker.speak(t, in.Stream, 3)
			_ = in.Receive(speaker.next())
			media.Disconnect(in.Stream, out.Stream)
			if err := out.Loop(media.Music()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(41 * time.Millisecond)
		}
		packets := out.wire.all()
		first, last := packets[0], packets[len(packets)-1]
		if ahead := int32(last.Timestamp-first.Timestamp) - int32(last.at.Sub(first.at)*8000/time.Second); ahead > 200 {
			t.Fatalf("%d ticks ahead of the clock", ahead)
		}
	})
}

func TestWhatComesLateIsNotPlayedLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(in.Stream, out.Stream); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, in.Stream, 2)
		late, next := speaker.next(), speaker.next()
		before := len(out.wire.all())
		for _, packet := range []*rtp.Packet{next, late, next} {
			if err := in.Receive(packet); err != nil {
				t.Fatal(err)
			}
		}
		if sent := len(out.wire.all()) - before; sent != 1 {
			t.Fatalf("%d packets, want the newest only", sent)
		}
		if late := in.Statistics().PacketsLate; late != 2 {
			t.Fatalf("%d counted late", late)
		}
	})
}

func TestEndOfALegLeavesTheOtherSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		leaves, stays := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(leaves.Stream, stays.Stream); err != nil {
			t.Fatal(err)
		}
		_ = leaves.Close()
		before := len(stays.wire.all())
		time.Sleep(time.Second)
		if sent := len(stays.wire.all()) - before; sent < 49 {
			t.Fatalf("%d silent packets in a second", sent)
		}
	})
}

func TestSilentPeerDoesNotCloseTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(in.Stream, out.Stream); err != nil {
			t.Fatal(err)
		}
		speaker := newSpeaker(formatA)
		speaker.speak(t, in.Stream, 5)
		count := len(out.wire.all())
		time.Sleep(31 * time.Second)
		if sent := len(out.wire.all()) - count; sent != 6 {
			t.Fatalf("%d packets in 31 s, want one every 5 s", sent)
		}
	})
}

// event makes a telephone-event packet.
func event(format media.Format, base *rtp.Packet, code byte, end bool, duration uint16) *rtp.Packet {
	packet := base.Clone()
	packet.PayloadType = format.TelephoneEvent
	flags := byte(10)
	if end {
		flags |= 0x80
	}
	packet.Payload = []byte{code, flags, byte(duration >> 8), byte(duration)}
	return packet
}

func TestDTMFIsRelayedOnTheLegsOwnClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatU), newLeg(t, pacer, formatA)
		deaf := newLeg(t, pacer, media.Format{Codec: media.PCMA, PayloadType: 8})
		run := func(out leg) []sent {
			if err := media.Connect(in.Stream, out.Stream); err != nil {
				t.Fatal(err)
			}
			speaker := newSpeaker(formatU)
			speaker.packet.SSRC = out.SSRC()
			time.Sleep(time.Second)
			speaker.speak(t, in.Stream, 5)
			before := len(out.wire.all())
			start := speaker.packet.Timestamp
			press := func(end bool, duration uint16) {
				packet := event(formatU, speaker.next(), 5, end, duration)
				packet.Timestamp = start
				packet.Marker = duration == 160
				if err := in.Receive(packet); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 5 {
				press(false, uint16(160*(i+1)))
				// Some send the voice as well; it must not be heard during the event.
				if err := in.Receive(speaker.next()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
			for range 3 {
				press(true, 960)
			}
			speaker.packet.Timestamp = start + 1120
			time.Sleep(40 * time.Millisecond)
			speaker.speak(t, in.Stream, 1)
			repeated := event(formatU, speaker.next(), 5, true, 960)
			repeated.Timestamp = start
			if err := in.Receive(repeated); err != nil { // too late: voice went on
				t.Fatal(err)
			}
			return out.wire.all()[before:]
		}
		packets := run(out)
		if len(packets) != 9 {
			t.Fatalf("%d packets, want 8 of the event and one of voice", len(packets))
		}
		for i, packet := range packets[:8] {
			if packet.PayloadType != formatA.TelephoneEvent || packet.Timestamp != packets[0].Timestamp || packet.Marker != (i == 0) || packet.payload[0] != 5 {
				t.Fatalf("event packet %d: %+v", i, packet.Header)
			}
		}
		if after := packets[8]; after.PayloadType != 8 || after.Timestamp-packets[0].Timestamp != 1120 {
			t.Fatalf("voice after the event: %+v", after.Header)
		}
		// Never assumed: a leg that did not negotiate it gets none.
		for _, packet := range run(deaf) {
			if packet.PayloadType != 8 {
				t.Fatalf("payload type %d to a leg without telephone-event", packet.PayloadType)
			}
		}
	})
}

func TestComfortNoiseIsUnderstoodAndNotRelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		in, out := newLeg(t, pacer, formatA), newLeg(t, pacer, formatA)
		if err := media.Connect(in.Stream, out.Stream); err != nil {
			t.Fatal(err)
		}
		count := len(out.wire.all())
		noise := voice(formatA, 1, 1, 1)
		noise.PayloadType, noise.Payload = 13, []byte{60}
		if err := in.Receive(noise); err != nil {
			t.Fatal(err)
		}
		if len(out.wire.all()) != count {
			t.Fatal("comfort noise was relayed")
		}
		if in.Statistics().LastReceived.IsZero() {
			t.Fatal("comfort noise does not count as a sign of life")
		}
	})
}
