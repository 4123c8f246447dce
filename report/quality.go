package report

import (
	"math/bits"

	"svar/contact"
)

// CallQuality is the worst that was reported of a call: of each figure, over all its
// connections and both parties.
type CallQuality struct {
	// Loss is the share of packets that did not come in, in millionths.
	Loss uint32 `json:"lossPpm"`
	// RemoteLoss is the share of our packets that the other end lost lately, in millionths.
	RemoteLoss uint32 `json:"remoteLossPpm"`
	// Jitter is in microseconds.
	Jitter uint32 `json:"jitterUs"`
	// RoundTrip is in microseconds; 0 when none was measured.
	RoundTrip uint32 `json:"roundTripUs"`
}

const million = 1_000_000

// QualityOf returns the figures of one report.
func QualityOf(q contact.Quality) CallQuality {
	return CallQuality{
		Loss: share(q.Lost, q.Received), RemoteLoss: uint32(q.RemoteLost) * million / 256, Jitter: q.Jitter, RoundTrip: q.RoundTrip,
	}
}

// Worst returns the worse of each figure.
func (q CallQuality) Worst(other CallQuality) CallQuality {
	return CallQuality{
		Loss: max(q.Loss, other.Loss), RemoteLoss: max(q.RemoteLoss, other.RemoteLoss),
		Jitter: max(q.Jitter, other.Jitter), RoundTrip: max(q.RoundTrip, other.RoundTrip),
	}
}

// share returns part of (part + rest) in millionths, rounded down; 0 of nothing. Any counts
// are taken: the projection must not stop at a number that no node should have sent.
func share(part, rest uint64) uint32 {
	whole, carry := bits.Add64(part, rest, 0)
	if carry != 0 {
		part, rest = part/2, rest/2
		whole = part + rest
	}
	if whole == 0 {
		return 0
	}
	high, low := bits.Mul64(part, million)
	millionths, _ := bits.Div64(high, low, whole) // part is at most whole, so it fits
	return uint32(millionths)
}
