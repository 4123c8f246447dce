package simulate

import (
	"math/rand/v2"

	"svar/contact"
)

// source makes the contacts of one stream, one after the other. Everything that chance decides of a contact is drawn when it
// arrives, from a generator of its stream alone: scenarios that differ in their roster meet the
// same contacts.
type source struct {
	stream *Stream
	number int
	chance *rand.Rand
	// interval is that of the last arrival, and into the share of its expected arrivals that has come.
	interval int
	into     float64
	next     int // of the recorded ones
}

// newSource seeds the generator of the stream of that number (PCG: O'Neill, HMC-CS-2014-0905).
func newSource(stream *Stream, number int, seed uint64) *source {
	return &source{stream: stream, number: number, chance: rand.New(rand.NewPCG(seed, uint64(number)))}
}

// arrive returns when the next contact comes, since the beginning; false when none does.
func (s *source) arrive(interval contact.Millis) (contact.Millis, bool) {
	if len(s.stream.Recorded) > 0 {
		if s.next == len(s.stream.Recorded) {
			return 0, false
		}
		s.next++
		return s.stream.Recorded[s.next-1], true
	}
	// In time that passes at the rate of the arrivals, the gaps are exponential with mean 1.
	gap := s.chance.ExpFloat64()
	for ; s.interval < len(s.stream.Arrivals); s.interval++ {
		expected := s.stream.Arrivals[s.interval]
		if left := expected - s.into; gap >= left {
			gap -= left
			s.into = 0
			continue
		}
		s.into += gap
		at := contact.Millis(s.into / expected * float64(interval))
		return interval*contact.Millis(s.interval) + min(at, interval-1), true
	}
	return 0, false
}

// person draws what the contact and its agent will do.
func (s *source) person() person {
	p := person{source: s, patience: -1}
	if s.stream.Patience.Mean > 0 {
		p.patience = s.stream.Patience.draw(s.chance)
	}
	p.handling, p.wrapUp, p.ringing = s.stream.Handling.draw(s.chance), s.stream.WrapUp.draw(s.chance), s.stream.Ringing.draw(s.chance)
	return p
}

// person is one contact as chance has made it. patience is below 0 for one who never leaves.
type person struct {
	source                              *source
	patience, handling, wrapUp, ringing contact.Millis
}
