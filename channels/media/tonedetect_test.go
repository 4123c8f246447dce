package media

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// dual is two tones at levels in dBm0, with noise at a level in dBm0, in samples of 8 kHz.
func dual(samples int, low, lowLevel, high, highLevel, noise float64, random *rand.Rand) []int16 {
	sound := make([]float64, samples)
	root := math.Sqrt2 * amplitude(-3.01-overload)
	for i := range sound {
		at := 2 * math.Pi * float64(i) / clockRate
		sound[i] = root*amplitude(lowLevel)*math.Sin(low*at) + root*amplitude(highLevel)*math.Sin(high*at) +
			random.NormFloat64()*amplitude(noise-overload-3.01)
	}
	return toInt16(sound)
}

// detect is what a detector finds in sounds, one after the other, after some samples of silence.
func detect(offset int, sounds ...[]int16) (found string) {
	var detector toneDetector
	for _, sound := range append([][]int16{make([]int16, offset)}, sounds...) {
		detector.take(sound, func(key Digit) { found += key.String() })
	}
	return found
}

// ITU-T Q.24, annex A: what must be taken and what must not, for each key and wherever the blocks lie.
func TestKeysInTheVoice(t *testing.T) {
	t.Parallel()
	const ms = clockRate / 1000
	stories := map[string]struct {
		length, pause int     // ms
		beside        float64 // share of the frequency
		low, high     float64 // dBm0
		noise         float64 // dBm0
		taken         bool
	}{
		"plain":                    {100, 100, 0, -10, -8, -60, true},
		"the shortest":             {40, 40, 0, -10, -8, -60, true},
		"too short":                {12, 100, 0, -10, -8, -60, false},
		"weak":                     {50, 50, 0, -26, -26, -60, true},
		"too weak":                 {50, 50, 0, -40, -40, -70, false},
		"loud":                     {50, 50, 0, -4, -4, -60, true},
		"1.5 % high":               {50, 50, 0.015, -10, -8, -60, true},
		"1.5 % low":                {50, 50, -0.015, -10, -8, -60, true},
		"3.5 % high":               {100, 50, 0.035, -10, -8, -60, false},
		"3.5 % low":                {100, 50, -0.035, -10, -8, -60, false},
		"the high one louder":      {50, 50, 0, -14, -10.5, -60, true},
		"the high one far louder":  {100, 50, 0, -20, -8, -60, false},
		"the high one weaker":      {50, 50, 0, -10, -16, -60, true},
		"the high one much weaker": {100, 50, 0, -8, -24, -60, false},
		"in noise":                 {50, 50, 0, -10, -8, -24, true},
		"one tone":                 {100, 50, 0, -10, -90, -60, false},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 1))
			for offset := 0; offset < toneBlock; offset += 17 {
				for place := range keyPad {
					low, high := keyRows[place/4]*(1+story.beside), keyColumns[place%4]*(1+story.beside)
					sound := dual(story.length*ms, low, story.low, high, story.high, story.noise, random)
					pause := dual(story.pause*ms, low, -120, high, -120, story.noise, random)
					want := ""
					if story.taken {
						want = keyPad[place:place+1] + keyPad[place:place+1]
					}
					if got := detect(offset, sound, pause, sound, pause); got != want {
						t.Errorf("%s after %d samples: %q", keyPad[place:place+1], offset, got)
					}
				}
			}
		})
	}
}

// An interruption that no finger makes does not make two of one key.
func TestAKeyThatIsInterruptedForAMomentIsOne(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	sound := dual(50*8, 770, -10, 1336, -8, -60, random)
	for offset := range toneBlock {
		if got := detect(offset, sound, make([]int16, 8*8), sound, make([]int16, 400)); got != "5" {
			t.Errorf("after %d samples: %q", offset, got)
		}
	}
}

// Speech is taken for no key: a minute and a half in two languages.
func TestTalkOff(t *testing.T) {
	t.Parallel()
	for language, text := range map[string]string{
		"sv": "Hej och välkommen till skolornas servicedesk. Om du ringer om din dator, säg dator. Vi svarar på vardagar mellan sju och sjutton. " +
			"Sex laxar i en laxask. Flygande bäckasiner söka hwila på mjuka tuvor. Själen sjunger i sjuttiosju sköna sjömäns sällskap.",
		"en": "The quick brown fox jumps over the lazy dog, and she sells sea shells by the sea shore. Peter Piper picked a peck of pickled peppers. " +
			"How much wood would a woodchuck chuck? One, two, three, four, five, six, seven, eight, nine, zero. You are number twelve in the queue.",
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			voice, err := (&Espeak{}).Voice(language)
			if err != nil {
				t.Fatal(err)
			}
			clip, err := (&Espeak{}).Synthesize(context.Background(), voice, text)
			if err != nil {
				t.Fatal(err)
			}
			samples := toInt16(resample(toFloat(clip.Samples()), ClipRate, clockRate, false))
			if length := len(samples) / clockRate; length < 15 {
				t.Fatalf("only %d s of speech", length)
			}
			for _, gain := range []int{1, 2, 4} { // and overdriven, as telephones are
				louder := make([]int16, len(samples))
				for i, sample := range samples {
					louder[i] = saturated(int32(sample) * int32(gain))
				}
				for offset := 0; offset < toneBlock; offset += 5 {
					if found := detect(offset, louder); found != "" {
						t.Errorf("%d times as loud, after %d samples: %q", gain, offset, found)
					}
				}
			}
		})
	}
}

// A leg without telephone events takes keys from the voice, whatever the packets' length; one with them does not.
func TestDigitsOfALegWithoutEvents(t *testing.T) {
	t.Parallel()
	for _, codec := range []Codec{PCMA, PCMU, G722} {
		for _, event := range []uint8{0, 101} {
			for _, octets := range []int{80, 160, 240, 960} {
				synctest.Test(t, func(t *testing.T) {
					pacer := NewPacer()
					defer func() { _ = pacer.Close() }()
					stream := NewStream(pacer, discard{})
					defer func() { _ = stream.Close() }()
					if err := stream.Start(Format{Codec: codec, PayloadType: codec.PayloadType(), TelephoneEvent: event}); err != nil {
						t.Fatal(err)
					}
					var sound []byte
					for _, key := range []byte("1598") {
						sound = append(sound, keySound(key, codec)...)
						sound = append(sound, make0(codecs[codec].silence, 640)...)
					}
					packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: codec.PayloadType(), SSRC: 1}}
					for len(sound) > 0 {
						packet.Payload = sound[:min(octets, len(sound))]
						sound = sound[len(packet.Payload):]
						packet.SequenceNumber++
						packet.Timestamp += uint32(len(packet.Payload))
						if err := stream.Receive(&packet); err != nil {
							t.Fatal(err)
						}
						if err := stream.Receive(&packet); err != nil { // repeated
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
					got, want := "", "1598"
					for len(stream.Digits()) > 0 {
						got += (<-stream.Digits()).String()
					}
					if event != 0 {
						want = ""
					}
					if got != want {
						t.Errorf("%s, events as %d, %d octets: %q", codec, event, octets, got)
					}
				})
			}
		}
	}
}

func make0(value byte, count int) []byte {
	silence := make([]byte, count)
	for i := range silence {
		silence[i] = value
	}
	return silence
}

// The disk refuses: what is lost is told, and nobody waits.
func TestRecordingOnADiskThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recording, err := NewRecording(filepath.Join(t.TempDir(), "talk.wav"))
		if err != nil {
			t.Fatal(err)
		}
		_ = recording.file.Close()
		var silence [mixFrame]int32
		for range 3 {
			for range recordingFlush {
				recording.add(&silence, &silence)
			}
			synctest.Wait()
		}
		told, err := recording.Close()
		if err == nil || told.Length != 0 || told.Lost < 2900*time.Millisecond {
			t.Errorf("%+v, %v", told, err)
		}
		if _, err := os.Stat(recording.path); err != nil {
			t.Error(err)
		}
	})
}
