package simulate

import "math"

// estimate is a mean with the half width of its confidence interval.
type estimate struct{ mean, half float64 }

// contains reports whether the value lies in the interval.
func (e estimate) contains(value float64) bool { return math.Abs(value-e.mean) <= e.half }

// batchMeans estimates a mean from the means of consecutive batches, which are long enough to be nearly
// independent, with the interval that misses it with probability error.
func batchMeans(batches []float64, errs float64) estimate {
	n := float64(len(batches))
	mean := 0.0
	for _, b := range batches {
		mean += b / n
	}
	squares := 0.0
	for _, b := range batches {
		squares += (b - mean) * (b - mean)
	}
	return estimate{mean: mean, half: studentT(1-errs/2, len(batches)-1) * math.Sqrt(squares/(n-1)/n)}
}

// studentT is the quantile of Student's distribution, by its expansion around the normal one (Abramowitz and
// Stegun, 26.7.5): right to 0.2 % from 15 degrees of freedom on, for all probabilities that are asked for here.
func studentT(probability float64, freedom int) float64 {
	x, v := math.Sqrt2*math.Erfinv(2*probability-1), float64(freedom)
	x2 := x * x
	return x * (1 +
		(x2+1)/(4*v) +
		((5*x2+16)*x2+3)/(96*v*v) +
		(((3*x2+19)*x2+17)*x2-15)/(384*v*v*v) +
		((((79*x2+776)*x2+1482)*x2-1920)*x2-945)/(92160*v*v*v*v))
}
