package media

import (
	"math"
	"sync"
)

// The ringing tone is the Swedish one (ITU-T E.180, Supplement 2): 425 Hz, one second in six.
const (
	ringbackTone   = 425.0 // Hz
	ringbackOn     = 1     // seconds
	ringbackPeriod = 6     // seconds
	ringbackLevel  = -24.0 // dB below full scale
)

var ringback = sync.OnceValue(makeRingback)

// Ringback is what somebody hears whose call rings: a seamless loop of six seconds. It is made
// at the first call and shared.
func Ringback() *Clip { return ringback() }

func makeRingback() *Clip {
	samples := make([]int16, ringbackPeriod*ClipRate)
	pulse(samples[:ringbackOn*ClipRate], ringbackTone, ringbackLevel)
	return &Clip{samples: samples, seamless: true}
}

// The signal tone asks to speak.
const (
	signalTone   = 880.0 // Hz
	signalLevel  = -24.0 // dB below full scale
	signalLength = ClipRate / 4
)

var signal = sync.OnceValue(func() *Clip {
	samples := make([]int16, signalLength)
	pulse(samples, signalTone, signalLevel)
	return &Clip{samples: samples}
})

// SignalTone is a short tone after which somebody is to speak: a quarter of a second, made at
// the first call and shared.
func SignalTone() *Clip { return signal() }

// toneRamp is five milliseconds of rise and fall, so that a tone does not click.
const toneRamp = ClipRate / 200

// pulse fills samples at ClipRate with a tone, its peak at a level in dB below full scale.
func pulse(samples []int16, frequency, level float64) {
	peak := math.MaxInt16 * amplitude(level)
	for i := range samples {
		ramp := min(1, float64(i)/toneRamp, float64(len(samples)-i)/toneRamp)
		samples[i] = int16(ramp * peak * math.Sin(2*math.Pi*frequency*float64(i)/ClipRate))
	}
}
