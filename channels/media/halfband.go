package media

import "math"

// Live voice changes between 8 and 16 kHz by a half-band filter: a low-pass at 4 kHz of which
// every second weight is zero. It passes 3.4 kHz whole and is 60 dB down at 4.6 kHz. It works
// in integers and keeps its state from frame to frame; a sound that is there as a whole
// takes the better resample.
const (
	// halfbandPairs of weights lie on each side of the centre.
	halfbandPairs  = 12
	halfbandWindow = 5.65 // Kaiser's beta
	halfbandOne    = 1 << 15
	// halfbandKept is the input of before that the filter still needs at 8 kHz.
	halfbandKept = 2*halfbandPairs - 1
)

// halfband are the weights beside the centre, whose own is a half, as shares of halfbandOne.
var halfband = makeHalfband()

func makeHalfband() (weights [halfbandPairs]int32) {
	var exact [halfbandPairs]float64
	sum := 0.0
	for i := range exact {
		x := float64(2*i + 1)
		inside := 1 - (x/(2*halfbandPairs))*(x/(2*halfbandPairs))
		exact[i] = math.Sin(math.Pi*x/2) / (math.Pi * x) * bessel(halfbandWindow*math.Sqrt(inside)) / bessel(halfbandWindow)
		sum += 2 * exact[i]
	}
	for i := range exact { // an even sound keeps its level
		weights[i] = int32(math.Round(exact[i] / sum * halfbandOne / 2))
	}
	return weights
}

// upsampler makes 16 kHz of 8 kHz. The zero value is ready.
type upsampler struct {
	kept [halfbandKept]int16
}

// double writes two samples for each one; it takes at most 20 ms and a little more at once.
func (u *upsampler) double(samples, narrow []int16) {
	var buffer [halfbandKept + coded]int16
	history := buffer[:halfbandKept+len(narrow)]
	copy(history, u.kept[:])
	copy(history[halfbandKept:], narrow)
	for i := range narrow {
		around := history[i : i+2*halfbandPairs]
		sum := int32(halfbandOne / 4)
		for k, weight := range halfband {
			sum += weight * (int32(around[halfbandPairs-1-k]) + int32(around[halfbandPairs+k]))
		}
		samples[2*i] = around[halfbandPairs-1]
		samples[2*i+1] = saturated(sum >> 14)
	}
	copy(u.kept[:], history[len(narrow):])
}

// downsampler makes 8 kHz of 16 kHz. The zero value is ready.
type downsampler struct {
	kept [2 * halfbandKept]int16
}

// halve writes one sample for every two.
func (d *downsampler) halve(narrow, samples []int16) {
	var buffer [2*halfbandKept + 2*(frameOctets+jitterStep)]int16
	history := buffer[:2*halfbandKept+len(samples)]
	copy(history, d.kept[:])
	copy(history[2*halfbandKept:], samples)
	for i := range narrow {
		// The centre lies as far from both ends of what the filter needs.
		centre := history[2*i : 2*i+4*halfbandPairs-1]
		sum := int32(centre[2*halfbandPairs-1])*(halfbandOne/2) + halfbandOne/2
		for k, weight := range halfband {
			sum += weight * (int32(centre[2*halfbandPairs-2-2*k]) + int32(centre[2*halfbandPairs+2*k]))
		}
		narrow[i] = saturated(sum >> 15)
	}
	copy(d.kept[:], history[len(samples):])
}

func saturated(value int32) int16 {
	return int16(min(max(value, math.MinInt16), math.MaxInt16))
}
