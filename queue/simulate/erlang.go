package simulate

import "math"

// Steady is what a queue comes to in the long run.
type Steady struct {
	// Delayed is the share of arrivals that find no agent free.
	Delayed float64
	// Wait is the mean time until an arrival is answered or leaves, in units of the mean handling time. Those who are
	// answered at once count with 0.
	Wait float64
	// Abandoned is the share of arrivals that leave.
	Abandoned float64
}

// ErlangC is the queue M/M/c: arrivals by chance (Poisson), exponential handling times, agents agents, and
// users who wait for ever. load is the offered load: arrivals per mean handling time, below agents (else
// the queue grows without end, and so does Wait).
//
// A. K. Erlang, Solution of some Problems in the Theory of Probabilities of Significance in Automatic
// Telephone Exchanges, 1917. The blocking probability is built by its recursion, so that nothing overflows.
func ErlangC(agents int, load float64) Steady {
	blocked := 1.0 // Erlang B
	for n := 1; n <= agents; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
	}
	free := float64(agents) - load
	if free <= 0 {
		return Steady{Delayed: 1, Wait: math.Inf(1)}
	}
	delayed := float64(agents) * blocked / (free + load*blocked)
	return Steady{Delayed: delayed, Wait: delayed / free}
}

// Answered is the share that [ErlangC] answers within the time, which is in units of the mean handling
// time.
func Answered(agents int, load, within float64) float64 {
	if load >= float64(agents) {
		return 0
	}
	return 1 - ErlangC(agents, load).Delayed*math.Exp(-(float64(agents)-load)*within)
}

// ErlangA is the queue M/M/c+M: as [ErlangC], with users whose patience is exponential with the mean
// patience, in units of the mean handling time, above 0. Any load is possible.
//
// C. Palm, Etude des délais d'attente, Ericsson Technics 5, 1937; notation of A. Mandelbaum and S. Zeltyn, The
// Palm/Erlang-A Queue, 2005. The stationary distribution is summed from its balance equations, from the likeliest state
// outwards, so that nothing overflows.
func ErlangA(agents int, load, patience float64) Steady {
	leaving := func(n int) float64 { // the rate at which the state n is left downwards
		return float64(min(n, agents)) + float64(max(0, n-agents))/patience
	}
	top := 0
	for leaving(top+1) < load {
		top++
	}
	total, delayed, waiting := 0.0, 0.0, 0.0
	add := func(n int, weight float64) {
		total += weight
		if n >= agents {
			delayed += weight
			waiting += weight * float64(n-agents)
		}
	}
	const negligible = 1e-18
	for n, weight := top, 1.0; weight > negligible; n++ {
		add(n, weight)
		weight *= load / leaving(n+1)
	}
	for n, weight := top, 1.0; n > 0 && weight > negligible; n-- {
		weight *= leaving(n) / load
		add(n-1, weight)
	}
	queue := waiting / total
	// Little: who waits, by how fast they arrive, is how long; who waits leaves at the rate 1/patience.
	return Steady{Delayed: delayed / total, Wait: queue / load, Abandoned: queue / patience / load}
}
