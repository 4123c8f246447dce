package media

// G.722 at 64 kbit/s (ITU-T G.722, mode 1), by the fixed-point description of its clause 6: the names in
// comments are those of its blocks. The sound is split into two bands of 8 kHz by a pair of mirror filters; the lower
// one is coded with six bits a sample and the upper one with two, each as the difference from what its predictor
// expects. Encoder and decoder follow each other only as long as every octet arrives, and find each other again
// within some milliseconds otherwise.

// qmfTaps are one half of the mirror filters (G.722 table 11); the other half is the same backwards.
var qmfTaps = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// Steps of the lower band's quantiser (table 14, Q6), as shares of the scale, and what is sent for each: below zero and from
// zero on (table 16).
var (
	lowSteps = [...]int32{
		35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714,
		786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
	}
	lowNegative = [...]byte{
		63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,
	}
	lowPositive = [...]byte{
		61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32,
	}
)

// What the codes stand for, as shares of the scale: all six bits of the lower band for what is heard (QM6), its four
// first ones for the predictor (QM4), and the upper band (QM2).
var (
	lowHeard = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	lowPredicted = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	highHeard = [4]int32{-7408, -1616, 7408, 1616}
)

// How the logarithm of the scale follows each code (WL by RL42, WH by IH2), and the fraction's power of two (ILB).
var (
	lowGrowth  = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	highGrowth = [4]int32{798, -214, 798, -214}
	scalePower = [32]int32{
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
)

const (
	// highStep is the only step of the upper band's quantiser.
	highStep = 564
	// The logarithm of the scale is bounded, …
	lowLargest, highLargest = 18432, 22528
	// … and its power of two lies so far below it.
	lowShift, highShift = 8, 10
	// The scale at the beginning.
	lowScale, highScale = 32, 8
)

// g722Predictor is what both ends know of one band.
type g722Predictor struct {
	expected  int32    // S: what comes next
	zeros     int32    // SZ: the part of it that the six zeros tell
	scale     int32    // DET
	logarithm int32    // NB
	poles     [2]int32 // A1 and A2
	weights   [6]int32 // B1 to B6
	before    [2]int32 // R1 and R2: the last two values
	parts     [2]int32 // P1 and P2, of which the signs count
	errors    [6]int32 // D1 to D6: the last six differences
}

// rescale makes the scale follow a code (LOGSCL and SCALEL, or LOGSCH and SCALEH).
func (p *g722Predictor) rescale(growth, largest int32, shift int32) {
	p.logarithm = min(max(p.logarithm*127>>7+growth, 0), largest)
	power := scalePower[p.logarithm>>6&31]
	if down := shift - p.logarithm>>11; down >= 0 {
		power >>= down
	} else {
		power <<= -down
	}
	p.scale = power << 2
}

// adapt takes the difference that was sent and expects the next value.
func (p *g722Predictor) adapt(difference int32) {
	value := saturate(p.expected + difference) // RECONS
	part := saturate(p.zeros + difference)     // PARREC

	// UPPOL2 and UPPOL1
	lean := saturate(p.poles[0] << 2)
	if part < 0 == (p.parts[0] < 0) {
		lean = min(-lean, 32767)
	}
	second := int32(-128)
	if part < 0 == (p.parts[1] < 0) {
		second = 128
	}
	second = min(max(second+lean>>7+p.poles[1]*32512>>15, -12288), 12288)
	first := int32(-192)
	if part < 0 == (p.parts[0] < 0) {
		first = 192
	}
	bound := 15360 - second
	first = min(max(first+p.poles[0]*32640>>15, -bound), bound)

	// UPZERO
	step := int32(128)
	if difference == 0 {
		step = 0
	}
	for i := range p.weights {
		towards := -step
		if difference < 0 == (p.errors[i] < 0) {
			towards = step
		}
		p.weights[i] = saturate(towards + p.weights[i]*32640>>15)
	}

	// DELAYA
	copy(p.errors[1:], p.errors[:5])
	p.errors[0] = difference
	p.before[1], p.before[0] = p.before[0], value
	p.parts[1], p.parts[0] = p.parts[0], part
	p.poles = [2]int32{first, second}

	// FILTEP, FILTEZ and PREDIC
	recent := saturate(first*saturate(2*p.before[0])>>15 + second*saturate(2*p.before[1])>>15)
	p.zeros = 0
	for i, weight := range p.weights {
		p.zeros += weight * saturate(2*p.errors[i]) >> 15
	}
	p.zeros = saturate(p.zeros)
	p.expected = saturate(recent + p.zeros)
}

func saturate(value int32) int32 { return min(max(value, -32768), 32767) }

// g722State is what encoder and decoder have alike.
type g722State struct {
	begun     bool
	low, high g722Predictor
	samples   [24]int32 // of the mirror filters, the latest last
}

func (s *g722State) begin() {
	if !s.begun {
		s.begun = true
		s.low.scale, s.high.scale = lowScale, highScale
	}
}

// follow makes both bands adapt to an octet.
func (s *g722State) follow(octet byte) {
	low, high := octet>>2&15, octet>>6
	difference := s.low.scale * lowPredicted[low] >> 15
	s.low.rescale(lowGrowth[low], lowLargest, lowShift)
	s.low.adapt(difference)
	difference = s.high.scale * highHeard[high] >> 15
	s.high.rescale(highGrowth[high], highLargest, highShift)
	s.high.adapt(difference)
}

// filter puts a pair of samples into the mirror filters and returns both halves of their sum.
func (s *g722State) filter(first, second int32) (even, odd int32) {
	copy(s.samples[:], s.samples[2:])
	s.samples[22], s.samples[23] = first, second
	for i, tap := range qmfTaps {
		even += s.samples[2*i] * tap
		odd += s.samples[2*i+1] * qmfTaps[11-i]
	}
	return even, odd
}

// g722Encoder makes octets of samples at 16 kHz. The zero value is ready.
type g722Encoder struct{ g722State }

// encode writes one octet for every two samples.
func (e *g722Encoder) encode(payload []byte, samples []int16) {
	e.begin()
	for i := range payload {
		even, odd := e.filter(int32(samples[2*i]), int32(samples[2*i+1]))
		octet := e.quantiseHigh((odd-even)>>14)<<6 | e.quantiseLow((even+odd)>>14)
		payload[i] = octet
		e.follow(octet)
	}
}

// quantiseLow is SUBTRA and QUANTL.
func (e *g722Encoder) quantiseLow(value int32) byte {
	difference := saturate(value - e.low.expected)
	size := max(difference, -(difference + 1))
	step := 0
	for step < len(lowSteps) && size >= lowSteps[step]*e.low.scale>>12 {
		step++
	}
	if difference < 0 {
		return lowNegative[step]
	}
	return lowPositive[step]
}

// quantiseHigh is SUBTRA and QUANTH.
func (e *g722Encoder) quantiseHigh(value int32) byte {
	difference := saturate(value - e.high.expected)
	size := max(difference, -(difference + 1))
	code := byte(1)
	if size >= highStep*e.high.scale>>12 {
		code = 0
	}
	if difference >= 0 {
		code |= 2
	}
	return code
}

// g722Decoder makes samples at 16 kHz of octets. The zero value is ready.
type g722Decoder struct{ g722State }

// decode writes two samples for each octet.
func (d *g722Decoder) decode(samples []int16, payload []byte) {
	d.begin()
	for i, octet := range payload {
		low := heard(d.low.expected + d.low.scale*lowHeard[octet&63]>>15)
		high := heard(d.high.expected + d.high.scale*highHeard[octet>>6]>>15)
		d.follow(octet)
		even, odd := d.filter(low+high, low-high)
		samples[2*i], samples[2*i+1] = saturated(odd>>11), saturated(even>>11)
	}
}

// heard bounds what a band is heard of (LIMIT).
func heard(value int32) int32 { return min(max(value, -16384), 16383) }
