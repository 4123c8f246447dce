package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"
)

// ffmpeg runs the reference for G.722, which is another implementation of the same fixed-point description.
func ffmpeg(t *testing.T, input []byte, arguments ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-hide_banner", "-loglevel", "error", "-nostdin"}, arguments...)...)
	command.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("ffmpeg is not installed: run `apt install ffmpeg`, or scripts/debian-packages test")
	}
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, complaint.String())
	}
	return output
}

func pcmOctets(samples []int16) []byte {
	var octets []byte
	for _, sample := range samples {
		octets = binary.LittleEndian.AppendUint16(octets, uint16(sample))
	}
	return octets
}

// g722Sounds are the sounds that both codecs are tried with.
func g722Sounds(t *testing.T) map[string][]int16 {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 22))
	const second = ClipRate
	made := func(samples int, value func(i int) float64) []int16 {
		sound := make([]int16, samples)
		for i := range sound {
			sound[i] = int16(math.Round(min(max(value(i), -32768), 32767)))
		}
		return sound
	}
	sounds := map[string][]int16{
		"silence":     make([]int16, second),
		"noise":       made(3*second, func(int) float64 { return random.NormFloat64() * 6000 }),
		"quiet noise": made(second, func(int) float64 { return random.NormFloat64() * 3 }),
		"loud noise":  made(3*second, func(int) float64 { return random.Float64()*65535 - 32768 }),
		"extremes":    made(2*second, func(int) float64 { return float64(random.IntN(2)*65535 - 32768) }),
		"square":      made(second, func(i int) float64 { return float64(i/20%2*65535 - 32768) }),
		"highest":     made(second, func(int) float64 { return 32767 }),
		"lowest":      made(second, func(int) float64 { return -32768 }),
		"nyquist":     made(second, func(i int) float64 { return float64(i%2*65535 - 32768) }),
		"pulses":      made(2*second, func(i int) float64 { return float64(1 / (i%397 + 1) * 32767) }),
		"sweep":       made(4*second, func(i int) float64 { return 20000 * math.Sin(math.Pi*float64(i)*float64(i)*2/ClipRate/second) }),
		"bursts":      made(4*second, func(i int) float64 { return random.NormFloat64() * 10000 * float64(i/4000%2) }),
	}
	for _, frequency := range []float64{50, 300, 1000, 3400, 3999, 4001, 5000, 7000} {
		sounds[fmt.Sprintf("%.0f Hz", frequency)] = made(second, func(i int) float64 {
			return 30000 * math.Sin(2*math.Pi*frequency*float64(i)/ClipRate)
		})
	}
	for voice, text := range map[string]string{
		"sv": "Välkommen till skolornas servicedesk. Sex laxar i en laxask.", "en-gb": "You are number three in the queue.",
	} {
		clip, err := (&Espeak{}).Synthesize(context.Background(), voice, text)
		if err != nil {
			t.Fatal(err)
		}
		sounds["speech, "+voice] = clip.Samples()[:len(clip.Samples())&^1]
	}
	return sounds
}

// Bit by bit the same as ffmpeg's, in both directions, through all sounds in a row.
func TestG722IsTheStandards(t *testing.T) {
	t.Parallel()
	pcm := []string{"-f", "s16le", "-ar", "16000", "-ac", "1"}
	var sound []int16
	begins := map[string]int{}
	for name, part := range g722Sounds(t) {
		begins[name] = len(sound)
		sound = append(sound, part...)
	}
	within := func(sample int) (found string) {
		for name, begin := range begins {
			if begin <= sample && (found == "" || begin > begins[found]) {
				found = name
			}
		}
		return found
	}
	want := ffmpeg(t, pcmOctets(sound), append(pcm, "-i", "-", "-c:a", "g722", "-f", "g722", "-")...)
	payload := G722.Encode(sound)
	if at := firstDifference(payload, want); at >= 0 {
		t.Errorf("encoded: %d octets against %d, octet %d differs, in %s", len(payload), len(want), at, within(2*at))
	}
	decoded := ffmpeg(t, want, append([]string{"-f", "g722", "-i", "-"}, append(pcm, "-")...)...)
	if at := firstDifference(pcmOctets(G722.Decode(want)), decoded); at >= 0 {
		t.Errorf("decoded: sample %d differs, in %s", at/2, within(at/2))
	}
}

// What no encoder sends is decoded alike too.
func TestG722DecodesAnything(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	var payload []byte
	for range 4 * clockRate {
		payload = append(payload, byte(random.Uint32()))
	}
	for value := range 256 {
		payload = append(payload, bytes.Repeat([]byte{byte(value)}, 200)...)
	}
	want := ffmpeg(t, payload, "-f", "g722", "-i", "-", "-f", "s16le", "-ar", "16000", "-ac", "1", "-")
	if at := firstDifference(pcmOctets(G722.Decode(payload)), want); at >= 0 {
		t.Fatalf("sample %d differs", at/2)
	}
}

// firstDifference is −1 when both are the same.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// The octet of silence is silent for good, whatever was before it: below −54 dBFS.
func TestG722Silence(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 22))
	for _, level := range []float64{0, 3, 6000, 60000} {
		sound := make([]int16, ClipRate)
		for i := range sound {
			sound[i] = saturated(int32(random.NormFloat64() * level))
		}
		decoded := G722.Decode(append(G722.Encode(sound), make0(codecs[G722].silence, clockRate)...))
		for i, sample := range decoded[3*ClipRate/2:] {
			if sample > 64 || sample < -64 {
				t.Errorf("after noise of %.0f: sample %d is %d", level, i, sample)
				break
			}
		}
	}
}

func BenchmarkG722(b *testing.B) {
	var (
		encoder g722Encoder
		decoder g722Decoder
		samples [mixFrame]int16
		payload [frameOctets]byte
	)
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(float64(i)/5))
	}
	b.Run("encode 20 ms", func(b *testing.B) {
		for b.Loop() {
			encoder.encode(payload[:], samples[:])
		}
	})
	b.Run("decode 20 ms", func(b *testing.B) {
		for b.Loop() {
			decoder.decode(samples[:], payload[:])
		}
	})
}
