package routing

import (
	"cmp"
	"math/bits"

	"svar/contact"
)

// Claim is what a contact that waits has to say for being served before others.
type Claim struct {
	// Class is the one as of now: that of a contact that has waited its way up is the next one
	// ([Rises]).
	Class contact.Class
	// Returned says that its agent was lost: it comes before the others of its class.
	Returned bool
	// Waited is the time since it arrived, on its own clock; at least 0.
	Waited contact.Millis
	// Target is counted on the same clock. It is 0 when the contact never came to be queued: its line
	// broke before, it was called back, and lost its agent again. It is as urgent then as can be.
	Target  contact.Millis
	Arrived contact.Instant
	// Place decides between two that arrived at one instant.
	Place uint64
}

// CompareClaims orders contacts that wait, the one to be served first first: by class, then those
// whose agent was lost, then by the larger share of its target that it has waited, then by arrival.
// Shares are compared by cross-multiplication in 128 bits: no rounding, no overflow.
func CompareClaims(a, b Claim) int {
	if c := cmp.Or(cmp.Compare(b.Class, a.Class), compareBools(b.Returned, a.Returned)); c != 0 {
		return c
	}
	aHigh, aLow := bits.Mul64(uint64(max(0, a.Waited)), target(b.Target))
	bHigh, bLow := bits.Mul64(uint64(max(0, b.Waited)), target(a.Target))
	return cmp.Or(cmp.Compare(bHigh, aHigh), cmp.Compare(bLow, aLow), cmp.Compare(a.Arrived, b.Arrived), cmp.Compare(a.Place, b.Place))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func target(t contact.Millis) uint64 { return uint64(max(1, t)) }

// Rises reports whether a contact that was queued in the class, and has waited so long, is served as
// one of the next class: after is [contact.Rules.RiseAfter]. Only ordinary ones rise.
func Rises(class contact.Class, waited, target contact.Millis, after uint16) bool {
	return class == contact.ClassOrdinary && after > 0 && waited >= RiseTime(target, after)
}

// RiseTime is how long an ordinary contact waits until it rises: so many per cent of its target,
// rounded up to the millisecond.
func RiseTime(target contact.Millis, after uint16) contact.Millis {
	return (max(1, target)*contact.Millis(after) + 99) / 100
}
