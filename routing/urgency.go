package routing

import (
	"cmp"
	"math/bits"

	"svar/contact"
)

// Claim is what a contact that waits has to say for being served before others.
type Claim struct {
	Class contact.Class
	// Target is 0 when it never came to be queued: its line broke before, it was called back,
	// and lost its agent again. It is as urgent then as can be.
	Target  contact.Millis
	Arrived contact.Instant
	// Place decides between two that arrived at one instant.
	Place uint64
}

// CompareClaims orders contacts that wait at now, the one to be served first first: by
// class, then by the larger share of its target that it has waited, then by arrival.
// Shares are compared by cross-multiplication in 128 bits: no rounding, no overflow.
func CompareClaims(a, b Claim, now contact.Instant) int {
	if c := cmp.Compare(b.Class, a.Class); c != 0 {
		return c
	}
	aHigh, aLow := bits.Mul64(a.waited(now), b.target())
	bHigh, bLow := bits.Mul64(b.waited(now), a.target())
	return cmp.Or(cmp.Compare(bHigh, aHigh), cmp.Compare(bLow, aLow), compareArrivals(a, b))
}

// compareArrivals orders claims by arrival, those of one instant as they came in.
func compareArrivals(a, b Claim) int {
	return cmp.Or(cmp.Compare(a.Arrived, b.Arrived), cmp.Compare(a.Place, b.Place))
}

// waited is the time since arrival. A node's clock may be ahead of the leader's: then
// it is 0.
func (c Claim) waited(now contact.Instant) uint64 {
	return uint64(max(0, now.Sub(c.Arrived)))
}

func (c Claim) target() uint64 { return uint64(max(1, c.Target)) }
