package media

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/zaf/g711"
)

// bands measures the share of the sound's power below, in and above the telephone's band,
// by a discrete Fourier transform of pieces of a quarter of a second.
func bands(samples []float64, rate int) (below, within, above float64) {
	size := rate / 4
	window := make([]float64, size)
	for i := range window {
		window[i] = 1 - math.Cos(2*math.Pi*float64(i)/float64(size))
	}
	for begin := 0; begin+size <= len(samples); begin += 8 * size {
		piece := samples[begin : begin+size]
		for bin := 1; bin < size/2; bin++ {
			// Goertzel's algorithm, with a window that keeps a tone from leaking into other bands.
			coefficient := 2 * math.Cos(2*math.Pi*float64(bin)/float64(size))
			var first, second float64
			for i, sample := range piece {
				first, second = sample*window[i]+coefficient*first-second, first
			}
			power := first*first + second*second - coefficient*first*second
			switch pitch := bin * 4; {
			case pitch < 280:
				below += power
			case pitch <= 3400:
				within += power
			default:
				above += power
			}
		}
	}
	total := below + within + above
	return below / total, within / total, above / total
}

func TestMusicIsCalmSeamlessAndMadeForTelephones(t *testing.T) {
	t.Parallel()
	clip := Music()
	if clip != Music() {
		t.Fatal("made twice")
	}
	if clip.Duration() != 12*time.Second {
		t.Fatalf("duration %s", clip.Duration())
	}
	if again := makeMusic(); !slices.Equal(again.samples, clip.samples) {
		t.Fatal("not the same each time")
	}
	samples := toFloat(clip.samples)
	if below, within, above := bands(samples, ClipRate); within < 0.995 {
		t.Errorf("power below, in and above the band: %.4f %.4f %.4f", below, within, above)
	}
	if got := level(samples); got < -24.5 || got > -23.5 {
		t.Errorf("level %.1f dBFS", got)
	}
	if highest := 20 * math.Log10(peak(samples)); highest > -8 {
		t.Errorf("peak %.1f dBFS is no calm music", highest)
	}
	// No second is so quiet that a caller believes the line is dead, or much louder.
	for second := range 12 {
		if got := level(samples[second*ClipRate : (second+1)*ClipRate]); got < -30 || got > -20 {
			t.Errorf("second %d: %.1f dBFS", second, got)
		}
	}
	for _, codec := range []Codec{PCMA, PCMU} {
		encoded := clip.Encoded(codec)
		if len(encoded)%frameOctets != 0 {
			t.Errorf("%s: %d octets are no whole frames", codec, len(encoded))
		}
		decode := g711.DecodeAlawFrame
		if codec == PCMU {
			decode = g711.DecodeUlawFrame
		}
		got := seam(encoded, decode)
		if got > 0.8 {
			t.Errorf("%s: the step at the seam is %.2f of the usual one", codec, got)
		}
	}
}

// seam compares the second difference around the loop's end, where a click would show,
// with the largest one in the tenths of a second before and after.
func seam(encoded []byte, decode func(uint8) int16) float64 {
	at := func(i int) float64 { return float64(decode(encoded[(i+len(encoded))%len(encoded)])) }
	bend := func(i int) float64 { return math.Abs(at(i-1) - 2*at(i) + at(i+1)) }
	usual, around := 0.0, 0.0
	for i := -800; i < 800; i++ {
		if i < -5 || i > 5 {
			usual = max(usual, bend(i))
		} else {
			around = max(around, bend(i))
		}
	}
	return around / usual
}

func TestAClickAtTheSeamWouldBeSeen(t *testing.T) {
	t.Parallel()
	worst := 0.0
	for _, cut := range []int{5*ClipRate + 777, 7*ClipRate + 1234, 10*ClipRate + 99} {
		clip := &Clip{samples: Music().samples[:cut]}
		worst = max(worst, seam(clip.Encoded(PCMA), g711.DecodeAlawFrame))
	}
	if worst <= 1 {
		t.Fatalf("the step at a bad seam is %.2f of the usual one", worst)
	}
}
