package simulate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"svar/contact"
)

// Kind is how a length of time varies.
type Kind string

// The kinds.
const (
	// Fixed is always the mean.
	Fixed Kind = "fixed"
	// Exponential is without memory: that of the Erlang formulas.
	Exponential Kind = "exponential"
	// Lognormal has a few that are long: what talk times are like (Brown et al., Statistical
	// Analysis of a Telephone Call Center, JASA 100, 2005, §4.3).
	Lognormal Kind = "lognormal"
	// Uniform is anything from Mean−Spread to Mean+Spread.
	Uniform Kind = "uniform"
)

// Distribution is a length of time that varies. The zero value is always 0.
type Distribution struct {
	// Kind is [Fixed] when empty.
	Kind Kind
	Mean contact.Millis
	// Spread is the standard deviation of [Lognormal], and half the range of [Uniform].
	Spread contact.Millis
}

// maxMean bounds what a distribution may have as mean and spread: 30 days.
const maxMean = contact.Millis(30 * 24 * 3600_000)

func (d Distribution) check() error {
	if d.Mean < 0 || d.Mean > maxMean || d.Spread < 0 || d.Spread > maxMean {
		return errors.New("mean and spread lie between 0 and 30 days")
	}
	switch d.Kind {
	case "", Fixed, Exponential:
		if d.Spread != 0 {
			return errors.New("only lognormal and uniform have a spread")
		}
	case Lognormal:
		if d.Mean == 0 {
			return errors.New("a lognormal mean is above 0")
		}
	case Uniform:
		if d.Spread > d.Mean {
			return errors.New("the spread is larger than the mean: lengths below 0 would come out")
		}
	default:
		return fmt.Errorf("%q is none of fixed, exponential, lognormal, uniform", d.Kind)
	}
	return nil
}

// draw returns one length, to the nearest millisecond, so that the mean stays what it is.
func (d Distribution) draw(from *rand.Rand) contact.Millis {
	mean, spread := float64(d.Mean), float64(d.Spread)
	drawn := mean
	switch d.Kind {
	case Exponential:
		drawn = from.ExpFloat64() * mean
	case Lognormal:
		variance := math.Log1p(spread * spread / (mean * mean))
		drawn = math.Exp(math.Log(mean) - variance/2 + from.NormFloat64()*math.Sqrt(variance))
	case Uniform:
		drawn = mean + (2*from.Float64()-1)*spread
	case Fixed:
	}
	return contact.Millis(math.Round(min(drawn, 100*float64(maxMean))))
}
