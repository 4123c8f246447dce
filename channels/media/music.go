package media

import (
	"math"
	"math/cmplx"
	"sync"
)

// The queue music is made here: no licence, no file, the same on every machine. Four
// chords of three seconds, a soft pad with plucked notes above it, in the band that a
// telephone carries well, quiet enough to be waited with.
const (
	musicChord   = 3 // seconds
	musicLevel   = -24.0
	musicLowest  = 300.0  // Hz: a telephone carries nothing below
	musicHighest = 3200.0 // Hz
)

// musicChords are MIDI note numbers, low to high: C major 7, A minor 7, F major 7, G 6.
var musicChords = [][]int{
	{64, 67, 71, 72, 76, 79},
	{64, 67, 69, 72, 76, 81},
	{65, 69, 72, 76, 77, 81},
	{64, 67, 71, 74, 76, 79},
}

// musicPattern is the order in which the notes of a chord are plucked, one every 3/8 s.
var musicPattern = []int{0, 2, 4, 3, 5, 4, 2, 3}

var music = sync.OnceValue(makeMusic)

// Music is the queue music: a seamless loop of twelve seconds. It is made at the first
// call, in some tens of milliseconds, and shared.
func Music() *Clip { return music() }

func makeMusic() *Clip {
	loop := make([]float64, len(musicChords)*musicChord*ClipRate)
	for i, chord := range musicChords {
		begin := i * musicChord * ClipRate
		for _, note := range chord[:4] {
			addPad(loop, begin, frequency(note), 0.22)
		}
		for step, place := range musicPattern {
			at := begin + step*musicChord*ClipRate/len(musicPattern)
			// The first of a chord a little stronger, as a player would.
			strength := 0.5
			if step == 0 {
				strength = 0.65
			}
			addPluck(loop, at, frequency(chord[place]), strength)
		}
	}
	return &Clip{samples: toInt16(normalised(loop, musicLevel, speechPeak)), seamless: true}
}

// frequency of a MIDI note, in Hz.
func frequency(note int) float64 { return 440 * math.Pow(2, float64(note-69)/12) }

// add lays a sound over the loop: sines under one envelope of some seconds. What is longer
// than the loop's rest goes on at its start, which is what makes it seamless.
func add(loop []float64, begin int, seconds float64, sines []sine, envelope func(at float64) float64) {
	for i := range int(seconds * ClipRate) {
		tone := 0.0
		for k := range sines {
			tone += imag(sines[k].value)
			sines[k].value *= sines[k].turn
		}
		loop[(begin+i)%len(loop)] += tone * envelope(float64(i)/ClipRate)
	}
}

// sine is an oscillator: a number that turns around zero, and shrinks if it decays.
type sine struct{ value, turn complex128 }

// oscillator starts a sine at zero; decay is in 1/s. What a telephone would not carry is
// left out.
func oscillator(pitch, strength, decay float64) sine {
	if pitch < musicLowest || pitch > musicHighest {
		return sine{}
	}
	turn := cmplx.Exp(complex(-decay, 2*math.Pi*pitch) / ClipRate)
	return sine{value: complex(strength, 0), turn: turn}
}

// addPad swells and fades over the chord and into the next one.
func addPad(loop []float64, begin int, pitch, strength float64) {
	const length = musicChord + 1.5
	// Two voices a little apart make it warm instead of electric.
	voices := []sine{
		oscillator(pitch*0.9985, strength/2, 0),
		oscillator(pitch*1.0015, strength/2, 0),
		oscillator(2*pitch, strength/8, 0),
	}
	add(loop, begin, length, voices, func(at float64) float64 {
		swell := math.Sin(math.Pi * at / length)
		return swell * swell
	})
}

// addPluck is a soft string: higher partials are weaker and fade faster.
func addPluck(loop []float64, begin int, pitch, strength float64) {
	const length, attack, release = 2.5, 0.006, 0.2
	var partials []sine
	for k := 1.0; k <= 5; k++ {
		partials = append(partials, oscillator(k*pitch, strength/(k*k), 1.6+1.7*k))
	}
	add(loop, begin, length, partials, func(at float64) float64 {
		rise := min(at/attack, 1)
		return rise * rise * (3 - 2*rise) * min((length-at)/release, 1)
	})
}
