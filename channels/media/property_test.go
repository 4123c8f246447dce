package media_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// step is one thing that happens in a call.
type step struct {
	What    string
	Pause   time.Duration // before it
	Advance int           // of the speaker's timestamp, where it speaks
	Skip    int           // packets lost before it
}

var steps = rapid.Custom(func(t *rapid.T) step {
	return step{
		What: rapid.SampledFrom([]string{
			"silence", "music", "prompt", "connect", "disconnect", "hold", "resume",
			"speak", "speak", "speak", "speak", "speak", "late", "digit", "another source", "conference", "conference ends",
		}).Draw(t, "what"),
		Pause: time.Duration(rapid.OneOf(
			rapid.IntRange(0, 40), rapid.Just(20), rapid.IntRange(0, 900), rapid.IntRange(0, 7000),
		).Draw(t, "pause")) * time.Millisecond,
		Advance: rapid.OneOf(
			rapid.Just(160), rapid.Just(160), rapid.IntRange(-2000, 2000), rapid.IntRange(-100000, 100000), rapid.Just(1<<31-1),
		).Draw(t, "advance"),
		Skip: rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 20)).Draw(t, "skip"),
	}
})

// Whatever speaks, and whatever a speaker does with its own numbers, the listener sees
// one source that never stumbles.
func TestListenerNeverNoticesASwitch(t *testing.T) {
	t.Parallel()
	prompt := mediatest.Tone(440, 130*time.Millisecond)
	rapid.Check(t, func(r *rapid.T) {
		story := rapid.SliceOfN(steps, 1, 60).Draw(r, "story")
		var failure error
		synctest.Test(t, func(t *testing.T) { failure = live(t, story, prompt) })
		if failure != nil {
			r.Fatal(failure)
		}
	})
}

func live(t *testing.T, story []step, prompt *media.Clip) error {
	pacer := newPacer(t)
	listener, peer := newLeg(t, pacer, formatA), newLeg(t, pacer, formatU)
	conference := newConference(t, pacer)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	speaker := newSpeaker(formatU)
	switches := map[int]string{0: "start"} // the packets that must carry a marker
	for _, step := range story {
		time.Sleep(step.Pause)
		synctest.Wait()
		next := len(listener.wire.all())
		var err error
		switch step.What {
		case "silence":
			err = listener.Silence()
		case "music":
			err = listener.Loop(prompt)
			switches[next] = step.What
		case "prompt":
			go func() { _ = listener.Play(ctx, prompt) }()
			synctest.Wait()
			switches[next] = step.What
		case "connect":
			err = media.Connect(listener.Stream, peer.Stream)
		case "disconnect":
			media.Disconnect(listener.Stream, peer.Stream)
		case "conference":
			err = errors.Join(conference.Join(listener.Stream, media.Seat{Kind: media.User, HeardBy: media.Agent}),
				conference.Join(peer.Stream, media.Seat{Kind: media.Agent, HeardBy: media.User}))
		case "conference ends":
			conference.Leave(listener.Stream)
		case "hold":
			listener.SetDirection(media.Inactive)
		case "resume":
			listener.SetDirection(media.SendReceive)
			switches[next] = step.What
		case "another source":
			speaker.packet.SSRC++
		case "late":
			late := speaker.packet.Clone()
			late.SequenceNumber -= 5
			late.Timestamp -= 5 * 160
			_ = peer.Receive(late)
		default:
			speaker.packet.SequenceNumber += uint16(step.Skip)
			packet := speaker.next()
			speaker.packet.Timestamp = packet.Timestamp + uint32(step.Advance)
			if step.What == "digit" {
				packet = event(formatU, packet, 1, false, 160)
			}
			_ = peer.Receive(packet) // some are refused, as they must be
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.What, err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	packets := listener.wire.all()
	for i := 1; i < len(packets); i++ {
		before, packet := packets[i-1], packets[i]
		advance := int32(packet.Timestamp - before.Timestamp)
		elapsed := int32(packet.at.Sub(before.at) * 8000 / time.Second)
		switch {
		case packet.SSRC != before.SSRC:
			return fmt.Errorf("packet %d: another SSRC", i)
		case packet.SequenceNumber != before.SequenceNumber+1:
			return fmt.Errorf("packet %d: sequence number %d after %d", i, packet.SequenceNumber, before.SequenceNumber)
		case advance < 0:
			return fmt.Errorf("packet %d: timestamp back by %d", i, -advance)
		// One frame may come early at a switch, and a speaker may jitter by 200 ms.
		case advance > elapsed+160+1600:
			return fmt.Errorf("packet %d: timestamp on by %d in %d", i, advance, elapsed)
		case packet.Marker && packet.PayloadType == 8 && before.PayloadType == 8 && int(advance) < len(before.payload):
			return fmt.Errorf("packet %d: begins %d into the one before", i, advance)
		case switches[i] != "" && !packet.Marker:
			return fmt.Errorf("packet %d: no marker after %s", i, switches[i])
		}
	}
	return nil
}
