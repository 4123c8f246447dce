package media_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// talker is a party that says a tone.
type talker struct {
	leg
	codec    media.Codec
	speaker  *speaker
	payloads [][]byte
	said     int
}

func newTalker(t *testing.T, pacer *media.Pacer, format media.Format, tone float64) *talker {
	t.Helper()
	return &talker{
		leg: newLeg(t, pacer, format), codec: format.Codec,
		speaker: newSpeaker(format), payloads: mediatest.TonePayloads(format.Codec, tone, 50),
	}
}

// converse lets all parties say their tones for so many frames.
func converse(t *testing.T, frames int, talkers ...*talker) {
	t.Helper()
	for range frames {
		for _, party := range talkers {
			packet := party.speaker.next()
			packet.Payload = party.payloads[party.said%len(party.payloads)]
			party.said++
			if err := party.Receive(packet); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// heard is the share of what was sent to the party since a packet that holds a tone, 0–1.
func (p *talker) heard(since int, tone float64) float64 {
	var payloads [][]byte
	for _, packet := range p.wire.all()[since:] {
		payloads = append(payloads, packet.payload)
	}
	return mediatest.ListenPayloads(p.codec, payloads, tone).Share()
}

// expectSeamless: one SSRC, no gap in the sequence, a timestamp that never goes back, never
// repeats, and never runs from the time at which the packets leave. A jump back silences
// Chromium, a jump ahead costs a delay that it keeps.
func expectSeamless(t *testing.T, name string, packets []sent) {
	t.Helper()
	first := packets[0]
	for i, packet := range packets[1:] {
		former := packets[i]
		advance := int32(packet.Timestamp - former.Timestamp)
		if packet.SSRC != first.SSRC || packet.SequenceNumber != former.SequenceNumber+1 || advance < 160 {
			t.Fatalf("%s, packet %d: %+v after %+v", name, i+1, packet.Header, former.Header)
		}
		drift := int32(packet.Timestamp-first.Timestamp) - int32(packet.at.Sub(first.at)*8000/time.Second)
		if drift < -320 || drift > 320 {
			t.Fatalf("%s, packet %d: %d ticks off the clock", name, i+1, drift)
		}
		if pause := packet.at.Sub(former.at); pause > 45*time.Millisecond {
			t.Fatalf("%s, packet %d: nothing for %s", name, i+1, pause)
		}
	}
}

// hold is what a switchboard does: the user hears music, the agent silence.
func hold(t *testing.T, user, agent *talker, music *media.Clip) {
	t.Helper()
	media.Disconnect(user.Stream, agent.Stream)
	if err := user.Loop(music); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, a, b *talker) {
	t.Helper()
	if err := media.Connect(a.Stream, b.Stream); err != nil {
		t.Fatal(err)
	}
}

// expectHeard compares what two parties hear of some tones from now on, over half a second.
func expectHeard(t *testing.T, when string, talkers []*talker, listener *talker, tones map[float64]bool) {
	t.Helper()
	since := len(listener.wire.all())
	converse(t, 25, talkers...)
	for tone, want := range tones {
		// The first packets may still hold what was before.
		if share := listener.heard(since+1, tone); want && share < 0.9 || !want && share > 0.05 {
			t.Errorf("%s: %.0f Hz is %.0f %% of what is heard, wanted: %v", when, tone, 100*share, want)
		}
	}
}

// livekit/sip#779, diago#125: hold in both directions, and the talk goes on after it.
func TestHoldAndResumeAreSeamless(t *testing.T) {
	t.Parallel()
	const userTone, agentTone, musicTone = 600, 1000, 1700
	for _, formats := range [][2]media.Format{{formatA, formatA}, {formatA, formatU}} {
		t.Run(fmt.Sprint(formats[0].Codec, " and ", formats[1].Codec), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				user, agent := newTalker(t, pacer, formats[0], userTone), newTalker(t, pacer, formats[1], agentTone)
				both, music := []*talker{user, agent}, mediatest.Tone(musicTone, time.Second)
				for round := range 3 {
					connect(t, user, agent)
					when := fmt.Sprint("talk ", round)
					expectHeard(t, when, both, user, map[float64]bool{agentTone: true, musicTone: false})
					expectHeard(t, when, both, agent, map[float64]bool{userTone: true, musicTone: false})
					hold(t, user, agent, music)
					when = fmt.Sprint("hold ", round)
					expectHeard(t, when, both, user, map[float64]bool{agentTone: false, musicTone: true})
					expectHeard(t, when, both, agent, map[float64]bool{userTone: false, musicTone: false})
					// Orders are carried out more than once.
					hold(t, user, agent, music)
					converse(t, 7*round, both...)
				}
				expectSeamless(t, "user", user.wire.all())
				expectSeamless(t, "agent", agent.wire.all())
			})
		})
	}
}

// The agent's voice moves to another leg: the old one carries the talk until the new one is
// connected, and its end afterwards cuts nothing. In hold nobody hears it.
func TestALegIsReplacedWithoutABreak(t *testing.T) {
	t.Parallel()
	const userTone, oldTone, newTone, musicTone = 600, 1000, 1400, 1800
	for _, held := range []bool{false, true} {
		t.Run(fmt.Sprint("held: ", held), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				user := newTalker(t, pacer, formatA, userTone)
				former, next := newTalker(t, pacer, formatA, oldTone), newTalker(t, pacer, formatU, newTone)
				all := []*talker{user, former, next}
				connect(t, user, former)
				converse(t, 10, all...)
				if held {
					hold(t, user, former, mediatest.Tone(musicTone, time.Second))
					converse(t, 10, all...)
				} else {
					connect(t, user, next)
					expectHeard(t, "both live", all, user, map[float64]bool{oldTone: false, newTone: true})
					expectHeard(t, "both live", all, next, map[float64]bool{userTone: true})
					expectHeard(t, "both live", all, former, map[float64]bool{userTone: false})
				}
				media.Disconnect(user.Stream, former.Stream)
				_ = former.Close()
				rest := []*talker{user, next}
				if held {
					expectHeard(t, "on hold", rest, user, map[float64]bool{musicTone: true, newTone: false})
					connect(t, user, next)
				}
				expectHeard(t, "afterwards", rest, user, map[float64]bool{newTone: true, musicTone: false})
				expectHeard(t, "afterwards", rest, next, map[float64]bool{userTone: true})
				expectSeamless(t, "user", user.wire.all())
				expectSeamless(t, "the new leg", next.wire.all())
			})
		})
	}
}

// Somebody presses the keys of a menu while the other party is on hold and comes back.
func TestKeysAndHoldKeepOneClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		user, agent := newTalker(t, pacer, formatA, 600), newTalker(t, pacer, formatA, 1000)
		both := []*talker{user, agent}
		connect(t, user, agent)
		converse(t, 10, both...)
		pressAll(t, user.Stream, "12")
		converse(t, 5, both...)
		hold(t, user, agent, mediatest.Tone(1700, time.Second))
		converse(t, 5, both...)
		connect(t, user, agent)
		converse(t, 5, both...)
		pressAll(t, user.Stream, "3")
		converse(t, 30, both...)
		var voice []sent
		events := map[uint32]byte{}
		for _, packet := range user.wire.all() {
			if packet.PayloadType == formatA.TelephoneEvent {
				events[packet.Timestamp] = packet.payload[0]
				continue
			}
			if len(voice) > 0 && int32(packet.Timestamp-voice[len(voice)-1].Timestamp) < 160 {
				t.Fatalf("voice at %d after %d", packet.Timestamp, voice[len(voice)-1].Timestamp)
			}
			drift := int32(packet.Timestamp-user.wire.all()[0].Timestamp) - int32(packet.at.Sub(user.wire.all()[0].at)*8000/time.Second)
			if drift < -320 || drift > 320 {
				t.Fatalf("voice is %d ticks off the clock", drift)
			}
			voice = append(voice, packet)
		}
		if len(events) != 3 {
			t.Fatalf("events %v, want those of three keys", events)
		}
		since := len(user.wire.all()) - 15
		if share := user.heard(since, 1000); share < 0.9 {
			t.Fatalf("the agent is %.0f %% of what is heard after the keys", 100*share)
		}
	})
}
