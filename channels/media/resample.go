package media

import "math"

// The resampler is a windowed sinc: each output sample is the sum of the input
// samples around it, weighted by an ideal low-pass that a Kaiser window makes finite.
// It runs when a clip is loaded or encoded, never per packet, so clarity comes
// before speed.
const (
	// kernelCrossings on either side of the centre, with this window, put the stop
	// band below −80 dB; the transition is about a twelfth of the band wide.
	kernelCrossings = 32
	kernelWindow    = 8.0 // Kaiser's beta
	// The cut-off is this far below half the lower rate, so that the transition ends
	// there: from 16 to 8 kHz, 3.4 kHz passes whole and 4 kHz is gone.
	kernelRolloff = 0.925
	// Weights are tabulated this densely per crossing and interpolated between.
	kernelDensity = 512
)

var kernel = makeKernel()

func makeKernel() []float64 {
	table := make([]float64, kernelCrossings*kernelDensity+2)
	scale := 1 / bessel(kernelWindow)
	for i := range table {
		x := float64(i) / kernelDensity
		sinc := 1.0
		if i > 0 {
			sinc = math.Sin(math.Pi*x) / (math.Pi * x)
		}
		inside := 1 - (x/kernelCrossings)*(x/kernelCrossings)
		table[i] = sinc * bessel(kernelWindow*math.Sqrt(max(inside, 0))) * scale
	}
	table[len(table)-1] = 0
	return table
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

// resample converts samples from one rate to another, in Hz. Outside its ends the sound
// is silent, or, if it is a seamless loop, itself.
func resample(samples []float64, from, to int, seamless bool) []float64 {
	if from == to || len(samples) == 0 {
		return samples
	}
	var (
		cutoff = kernelRolloff * min(1, float64(to)/float64(from)) // as a share of the input's half rate
		reach  = int(math.Ceil(kernelCrossings / cutoff))
		output = make([]float64, (len(samples)*to+from-1)/from)
	)
	for i := range output {
		// Integer arithmetic for the centre: no drift over a long sound.
		position := i * from / to
		offset := float64(i*from%to) / float64(to)
		sum := 0.0
		for k := position - reach; k <= position+reach+1; k++ {
			at := k
			if at < 0 || at >= len(samples) {
				if !seamless {
					continue
				}
				at = ((at % len(samples)) + len(samples)) % len(samples)
			}
			distance := math.Abs(float64(k-position)-offset) * cutoff * kernelDensity
			entry := int(distance)
			if entry >= kernelCrossings*kernelDensity {
				continue
			}
			weight := kernel[entry] + (distance-float64(entry))*(kernel[entry+1]-kernel[entry])
			sum += samples[at] * weight
		}
		output[i] = sum * cutoff
	}
	return output
}
