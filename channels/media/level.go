package media

import (
	"math"
	"time"
)

// Levels are in dBFS: 0 is the square wave that fills the range, so a full sine is −3.
const (
	speechLevel = -20.0 // root mean square of prompts
	speechPeak  = -3.0  // never exceeded for it
	quietLevel  = -50.0 // what trimming takes for silence
)

// amplitude converts dBFS to a share of full scale.
func amplitude(level float64) float64 { return math.Pow(10, level/20) }

// level is the root mean square of samples in dBFS; −Inf for silence.
func level(samples []float64) float64 {
	if len(samples) == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for _, sample := range samples {
		sum += sample * sample
	}
	return 10 * math.Log10(sum/float64(len(samples)))
}

func peak(samples []float64) float64 {
	highest := 0.0
	for _, sample := range samples {
		highest = max(highest, math.Abs(sample))
	}
	return highest
}

// trimmed cuts silence off both ends and leaves a short margin, so that no soft
// consonant is lost.
func trimmed(samples []float64, rate int) []float64 {
	const (
		window = 10 * time.Millisecond
		margin = 40 * time.Millisecond
	)
	width, keep := int(window)*rate/int(time.Second), int(margin)*rate/int(time.Second)
	first, last := -1, 0
	for begin := 0; begin < len(samples); begin += width {
		end := min(begin+width, len(samples))
		if level(samples[begin:end]) > quietLevel {
			if first < 0 {
				first = begin
			}
			last = end
		}
	}
	if first < 0 {
		return nil
	}
	return samples[max(first-keep, 0):min(last+keep, len(samples))]
}

// normalised returns the samples at a root mean square level, or as near to it as the
// peak allows. Silence stays silence.
func normalised(samples []float64, target, highest float64) []float64 {
	loudest := peak(samples)
	if loudest == 0 {
		return samples
	}
	gain := min(amplitude(target-level(samples)), amplitude(highest)/loudest)
	louder := make([]float64, len(samples))
	for i, sample := range samples {
		louder[i] = sample * gain
	}
	return louder
}

func toFloat(samples []int16) []float64 {
	converted := make([]float64, len(samples))
	for i, sample := range samples {
		converted[i] = float64(sample) / 32768
	}
	return converted
}

func toInt16(samples []float64) []int16 {
	converted := make([]int16, len(samples))
	for i, sample := range samples {
		converted[i] = int16(math.Round(min(max(sample*32768, -32768), 32767)))
	}
	return converted
}
