package media

import "math"

const (
	// toneBlock is what is looked at at once, in samples at 8 kHz: short enough that 40 ms of a key, the
	// shortest that is one (ITU-T Q.24, annex A), hold two whole blocks, and that a tone 1.5 % beside its
	// frequency, which must be taken, keeps most of its strength.
	toneBlock = 102
	// tonePure is the share of a block that lies at the two frequencies of a key, at least. Tones that are
	// 3.5 % off, which must not be taken, and nearly all speech, stay below.
	tonePure = 0.7
	// toneLeast is the level of the weaker frequency, in dBFS: −29 dBm0.
	toneLeast = -35.2
	// The higher frequency may be louder by so much, or weaker, as lines make it (Q.24, annex A), in dB:
	// 4 and 8 of the tones, and what their place beside the exact frequency adds.
	toneTwist        = 5.0
	toneReverseTwist = 9.0
	// toneAlone is by how much a frequency stands out from the others of its group, in dB.
	toneAlone = 6.0
	// A key begins with so many blocks in a row that hold it, …
	toneBlocks = 2
	// … and ends with so many that do not: a gap below 10 ms touches two, a pause of 40 ms spoils three.
	pauseBlocks = 3
)

// goertzel weights the frequencies of the keys, rows first.
var goertzel = makeGoertzel()

func makeGoertzel() (weights [8]float64) {
	for i := range keyRows {
		weights[i] = 2 * math.Cos(2*math.Pi*keyRows[i]/clockRate)
		weights[4+i] = 2 * math.Cos(2*math.Pi*keyColumns[i]/clockRate)
	}
	return weights
}

// Ratios of power that the levels above stand for.
var (
	toneLeastPower   = math.Pow(10, toneLeast/10)
	toneTwistPower   = math.Pow(10, toneTwist/10)
	toneReversePower = math.Pow(10, toneReverseTwist/10)
	toneAlonePower   = math.Pow(10, toneAlone/10)
)

// keyTones is the power at each frequency of the keys and in all, as mean squares of full scale.
func keyTones(samples []int16) (powers [8]float64, total float64) {
	var first, second [8]float64
	for _, sample := range samples {
		value := float64(sample) / 32768
		total += value * value
		for i, weight := range goertzel {
			first[i], second[i] = value+weight*first[i]-second[i], first[i]
		}
	}
	size := float64(len(samples))
	for i, weight := range goertzel {
		powers[i] = 2 * (first[i]*first[i] + second[i]*second[i] - weight*first[i]*second[i]) / (size * size)
	}
	return powers, total / size
}

// keyIn is the key whose two tones fill a block, or 0.
func keyIn(samples []int16) Digit {
	powers, total := keyTones(samples)
	row, column := loudest(powers[:4]), loudest(powers[4:])
	low, high := powers[row], powers[4+column]
	switch {
	case low < toneLeastPower, high < toneLeastPower,
		low+high < tonePure*total,
		high > low*toneTwistPower, low > high*toneReversePower:
		return 0
	}
	for i := range 4 {
		if i != row && powers[i]*toneAlonePower > low || i != column && powers[4+i]*toneAlonePower > high {
			return 0
		}
	}
	return Digit(keyPad[4*row+column])
}

// What is muted in recordings: rather a syllable is lost than a digit kept, also of one that the
// correction of a jitter buffer has put beside its frequency.
const (
	mutedBlock = frameOctets / 2
	mutedPure  = 0.5
	mutedLeast = -45.0 // dBFS
	mutedTwist = 12.0  // dB, either way
)

var (
	mutedLeastPower = math.Pow(10, mutedLeast/10)
	mutedTwistPower = math.Pow(10, mutedTwist/10)
)

// likeKey is the key that a block of mutedBlock samples may be part of, or 0.
func likeKey(samples []int16) Digit {
	powers, total := keyTones(samples)
	row, column := loudest(powers[:4]), loudest(powers[4:])
	low, high := powers[row], powers[4+column]
	if low < mutedLeastPower || high < mutedLeastPower || low+high < mutedPure*total ||
		high > low*mutedTwistPower || low > high*mutedTwistPower {
		return 0
	}
	return Digit(keyPad[4*row+column])
}

func loudest(powers []float64) (place int) {
	for i, power := range powers {
		if power > powers[place] {
			place = i
		}
	}
	return place
}

// toneDetector finds keys in the voice of a party that sends no events (ITU-T Q.24). Each is told once,
// when it has lasted for two blocks. The zero value is ready.
type toneDetector struct {
	block   [toneBlock]int16
	filled  int
	pressed Digit // that goes on; 0 for none
	last    Digit // of the last block
	same    int   // blocks in a row that held last, and not pressed
}

// take looks at samples of 8 kHz and calls begins for each key that begins in them.
func (d *toneDetector) take(samples []int16, begins func(Digit)) {
	for len(samples) > 0 {
		taken := copy(d.block[d.filled:], samples)
		samples = samples[taken:]
		if d.filled += taken; d.filled < toneBlock {
			return
		}
		d.filled = 0
		key := keyIn(d.block[:])
		if key != d.last {
			d.last, d.same = key, 0
		}
		if key == d.pressed {
			continue
		}
		d.same++
		switch {
		case key == 0 && d.same >= pauseBlocks:
			d.pressed = 0
		case key != 0 && d.same >= toneBlocks:
			d.pressed = key
			begins(key)
		}
	}
}

// voiceKeys finds keys in what comes as payloads.
type voiceKeys struct {
	codec    Codec
	wide     g722Decoder
	down     downsampler
	detector toneDetector
}

// listenForKeys takes the keys out of a packet of voice.
func (in *incoming) listenForKeys(payload []byte, digits chan<- Digit) {
	if in.tones == nil || in.tones.codec != in.format.Codec {
		in.tones = &voiceKeys{codec: in.format.Codec}
	}
	var samples [frameOctets]int16
	for len(payload) > 0 {
		part := payload[:min(len(payload), frameOctets)]
		payload = payload[len(part):]
		in.tones.narrow(samples[:len(part)], part)
		in.tones.detector.take(samples[:len(part)], func(digit Digit) { in.tell(digit, digits) })
	}
}

// narrow decodes to 8 kHz.
func (k *voiceKeys) narrow(samples []int16, payload []byte) {
	if k.codec != G722 {
		expand(samples, payload, k.codec)
		return
	}
	var wide [mixFrame]int16
	k.wide.decode(wide[:2*len(payload)], payload)
	k.down.halve(samples, wide[:2*len(payload)])
}
