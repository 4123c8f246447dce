package mediatest

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"svar/channels/media"
)

// FrameOctets is the payload of one packet of 20 ms in any codec here.
const FrameOctets = 160

// toneLevel is the root mean square of tones in dBFS: loud, and far from clipping.
const toneLevel = -15.0

// Tone is a sine as a clip. Frequencies that differ by 100 Hz or more, between 300 and
// 3,300 Hz, are told apart with certainty.
func Tone(frequency float64, duration time.Duration) *media.Clip {
	clip, err := media.NewClip(sine(frequency, duration, media.ClipRate), media.ClipRate)
	if err != nil {
		panic(err) // the caller's duration is at fault: zero, or more than ten minutes
	}
	return clip
}

// TonePayloads is a sine as payloads of 20 ms, without an end: a multiple of 50 Hz fits
// whole periods into each frame, so that the frames can be repeated.
func TonePayloads(codec media.Codec, frequency float64, count int) [][]byte {
	sound := codec.Encode(sine(frequency, time.Duration(count)*media.FrameDuration, codec.SampleRate()))
	payloads := make([][]byte, count)
	for i := range payloads {
		payloads[i] = sound[i*FrameOctets : (i+1)*FrameOctets]
	}
	return payloads
}

func sine(frequency float64, duration time.Duration, rate int) []int16 {
	samples := make([]int16, int(duration*time.Duration(rate)/time.Second))
	amplitude := math.Pow(10, toneLevel/20) * math.Sqrt2 * 32767
	for i := range samples {
		samples[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate))))
	}
	return samples
}

// Decode turns a payload into samples of the codec's rate.
func Decode(codec media.Codec, payload []byte) []int16 { return codec.Decode(payload) }

// Verdict says how much of a tone is in a sound.
type Verdict struct {
	Frequency float64 // that was looked for, in Hz
	Level     float64 // of the frames that hold the tone, in dBFS; −Inf without one
	Frames    int     // of 20 ms that were listened to
	Toned     int     // of them, that consist mostly of the tone
}

// Share is the part of the frames that hold the tone, 0–1.
func (v Verdict) Share() float64 {
	if v.Frames == 0 {
		return 0
	}
	return float64(v.Toned) / float64(v.Frames)
}

// Heard is the usual verdict: half a second of the tone or more, and it fills at least
// half of what was listened to.
func (v Verdict) Heard() bool { return v.Toned >= 25 && v.Share() >= 0.5 }

// String is one line for a test's failure.
func (v Verdict) String() string {
	return fmt.Sprintf("%.0f Hz in %d of %d frames (%.0f %%) at %.1f dBFS", v.Frequency, v.Toned, v.Frames, 100*v.Share(), v.Level)
}

const (
	// A frame holds the tone when this share of its energy lies at the frequency, …
	toneShare = 0.6
	// … and it is louder than this, in dBFS.
	toneFloor = -45.0
)

// Listen looks for a tone in samples of a rate in Hz, by Goertzel's algorithm over frames
// of 20 ms.
func Listen(samples []int16, rate int, frequency float64) Verdict {
	verdict := Verdict{Frequency: frequency, Level: math.Inf(-1)}
	size := rate / 50
	energies := 0.0
	for ; len(samples) >= size; samples = samples[size:] {
		verdict.Frames++
		total, toned := energy(samples[:size], rate, frequency)
		if toned >= toneShare*total && 10*math.Log10(toned) > toneFloor {
			verdict.Toned++
			energies += toned
		}
	}
	if verdict.Toned > 0 {
		verdict.Level = 10 * math.Log10(energies/float64(verdict.Toned))
	}
	return verdict
}

// ListenPayloads is Listen over received payloads.
func ListenPayloads(codec media.Codec, payloads [][]byte, frequency float64) Verdict {
	return Listen(codec.Decode(bytes.Join(payloads, nil)), codec.SampleRate(), frequency)
}

// ToneLevel is the level of one tone in samples of a rate in Hz, in dBFS, whatever else they
// hold: −Inf without it. Frequencies that are multiples of 50 Hz are told apart with certainty.
func ToneLevel(samples []int16, rate int, frequency float64) float64 {
	size := rate / 50
	sum, frames := 0.0, 0
	for ; len(samples) >= size; samples = samples[size:] {
		_, toned := energy(samples[:size], rate, frequency)
		sum += toned
		frames++
	}
	return 10 * math.Log10(sum/float64(max(frames, 1)))
}

// ToneLevelOf is ToneLevel of received payloads.
func ToneLevelOf(codec media.Codec, payloads [][]byte, frequency float64) float64 {
	return ToneLevel(codec.Decode(bytes.Join(payloads, nil)), codec.SampleRate(), frequency)
}

// energy is the mean square of a frame, and of its part at a frequency; 1 is full scale.
func energy(frame []int16, rate int, frequency float64) (total, toned float64) {
	coefficient := 2 * math.Cos(2*math.Pi*frequency/float64(rate))
	var first, second float64
	for _, sample := range frame {
		value := float64(sample) / 32768
		total += value * value
		first, second = value+coefficient*first-second, first
	}
	size := float64(len(frame))
	power := first*first + second*second - coefficient*first*second
	return total / size, 2 * power / (size * size)
}
