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
	ringbackRamp   = ClipRate / 200
)

var ringback = sync.OnceValue(makeRingback)

// Ringback is what somebody hears whose call rings: a seamless loop of six seconds. It is made
// at the first call and shared.
func Ringback() *Clip { return ringback() }

func makeRingback() *Clip {
	samples := make([]int16, ringbackPeriod*ClipRate)
	peak := math.MaxInt16 * math.Pow(10, ringbackLevel/20)
	on := ringbackOn * ClipRate
	for i := range on {
		// Five milliseconds of rise and fall, so that it does not click.
		ramp := min(1, float64(i)/ringbackRamp, float64(on-i)/ringbackRamp)
		samples[i] = int16(ramp * peak * math.Sin(2*math.Pi*ringbackTone*float64(i)/ClipRate))
	}
	return &Clip{samples: samples, seamless: true}
}
