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
		bank   = newFilterBank(from, to)
		output = make([]float64, (len(samples)*to+from-1)/from)
	)
	for i := range output {
		// Integer arithmetic for the centre: no drift over a long sound.
		first := i*from/to - bank.reach
		weights := bank.phases[i*from%to/bank.step]
		sum := 0.0
		if first >= 0 && first+len(weights) <= len(samples) {
			for k, sample := range samples[first : first+len(weights)] {
				sum += sample * weights[k]
			}
		} else {
			for k, weight := range weights {
				at := first + k
				if seamless {
					at = ((at % len(samples)) + len(samples)) % len(samples)
				}
				if at >= 0 && at < len(samples) {
					sum += samples[at] * weight
				}
			}
		}
		output[i] = sum * bank.gain
	}
	return output
}

// filterBank are the weights of the input samples around each output sample. Where the output
// falls between two input samples repeats, so that there are few of them.
type filterBank struct {
	phases [][]float64
	// step is how far two phases are apart, in input samples divided by the output's rate.
	step  int
	reach int // how many input samples before the centre have a weight
	gain  float64
}

func newFilterBank(from, to int) filterBank {
	step := from
	for rest := to; rest != 0; {
		step, rest = rest, step%rest
	}
	cutoff := kernelRolloff * min(1, float64(to)/float64(from)) // as a share of the input's half rate
	bank := filterBank{phases: make([][]float64, to/step), step: step, reach: int(math.Ceil(kernelCrossings / cutoff)), gain: cutoff}
	for phase := range bank.phases {
		offset := float64(phase*step) / float64(to)
		weights := make([]float64, 2*bank.reach+2)
		for k := range weights {
			weights[k] = kernelAt(math.Abs(float64(k-bank.reach)-offset) * cutoff)
		}
		bank.phases[phase] = weights
	}
	return bank
}

// kernelAt is the kernel at a distance from its centre, in crossings.
func kernelAt(distance float64) float64 {
	distance *= kernelDensity
	entry := int(distance)
	if entry >= kernelCrossings*kernelDensity {
		return 0
	}
	return kernel[entry] + (distance-float64(entry))*(kernel[entry+1]-kernel[entry])
}
