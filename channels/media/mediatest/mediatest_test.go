package mediatest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAToneIsToldFromOthersAndFromNoise(t *testing.T) {
	t.Parallel()
	for _, codec := range []media.Codec{media.PCMA, media.PCMU} {
		for _, sent := range []float64{300, 440, 1000, 2000, 3300} {
			payloads := mediatest.TonePayloads(codec, sent, 50)
			for _, sought := range []float64{300, 440, 1000, 2000, 3300} {
				verdict := mediatest.ListenPayloads(codec, payloads, sought)
				if verdict.Heard() != (sent == sought) {
					t.Errorf("%s, %.0f Hz sent: %s", codec, sent, verdict)
				}
				if sent == sought && (verdict.Level < -16 || verdict.Level > -14) {
					t.Errorf("%s: %s", codec, verdict)
				}
			}
		}
		noise, silence := make([][]byte, 50), make([][]byte, 50)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range noise {
			noise[i], silence[i] = make([]byte, mediatest.FrameOctets), make([]byte, mediatest.FrameOctets)
			for k := range noise[i] {
				noise[i][k] = byte(random.Uint32())
				silence[i][k] = 0xD5
			}
		}
		for name, payloads := range map[string][][]byte{
			"noise": noise, "silence": silence, "nothing": nil,
			"music": frames(media.Music().Encoded(codec)),
		} {
			if verdict := mediatest.ListenPayloads(codec, payloads, 1000); verdict.Heard() || verdict.Share() > 0.1 {
				t.Errorf("%s in %s: %s", codec, name, verdict)
			}
		}
	}
}

func frames(sound []byte) [][]byte {
	var payloads [][]byte
	for ; len(sound) >= mediatest.FrameOctets; sound = sound[mediatest.FrameOctets:] {
		payloads = append(payloads, sound[:mediatest.FrameOctets])
	}
	return payloads
}

func TestHalfAToneIsCountedAsHalf(t *testing.T) {
	t.Parallel()
	payloads := append(mediatest.TonePayloads(media.PCMA, 1000, 50), mediatest.TonePayloads(media.PCMA, 600, 50)...)
	if verdict := mediatest.ListenPayloads(media.PCMA, payloads, 600); verdict.Toned != 50 || verdict.Share() != 0.5 {
		t.Fatal(verdict)
	}
}

func TestPeersHearEachOther(t *testing.T) {
	t.Parallel()
	first, second := mediatest.NewPeer(t, media.PCMA), mediatest.NewPeer(t, media.PCMA)
	stop := first.SendTone(second.Address(), 500)
	second.SendTone(first.Address(), 900)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := second.WaitTone(ctx, 500); err != nil {
		t.Fatal(err)
	}
	if verdict, err := first.WaitTone(ctx, 900); err != nil || !verdict.Heard() {
		t.Fatal(verdict, err)
	}
	stop()
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := second.WaitTone(gone, 700); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
