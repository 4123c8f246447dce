package queue

import (
	"fmt"

	"svar/contact"
	"svar/routing"
)

// makeClocks returns a clock for each of the opening hours.
func makeClocks(hours []contact.HoursRule) (map[contact.HoursID]*contact.Clock, error) {
	clocks := make(map[contact.HoursID]*contact.Clock, len(hours))
	for _, rule := range hours {
		clock, err := contact.NewClock(rule)
		if err != nil {
			return nil, fmt.Errorf("make a clock: %w", err)
		}
		clocks[rule.ID] = clock
	}
	return clocks, nil
}

// waited is the time from arrival until now on the contact's own clock. A node's clock may be ahead of
// the leader's: then it is 0.
func (c *entry) waited(now contact.Instant) contact.Millis {
	if c.clock == nil {
		return max(0, now.Sub(c.Contact.Arrived))
	}
	return max(0, c.clock.At(now)-c.arrival)
}

// dueAfter is when the contact's own clock has counted so much since from; 0 when it never will.
func (c *entry) dueAfter(from contact.Instant, after contact.Millis) contact.Instant {
	if c.clock == nil {
		return from.Add(after)
	}
	at, _ := c.clock.Due(from, after)
	return at
}

// Outlook is what time alone will bring to a contact that waits, as far as it is known now.
type Outlook struct {
	// Class is the one that it is served in at the instant of the last event, Risen whether it has waited
	// its way up to it.
	Class contact.Class
	Risen bool
	// RelaxesAt is when the next step of relaxation comes, and RelaxesTo what is needed then, empty for
	// anybody; 0 when there is none.
	RelaxesAt contact.Instant
	RelaxesTo contact.Needs
	// RisesAt is when it has waited its way up, or had; 0 when it does not.
	RisesAt contact.Instant
}

// Outlook returns what time will bring to an open contact; nothing to one that is with an agent, or
// not open.
func (e *Engine) Outlook(id contact.ID) Outlook {
	c := e.contacts[id]
	if c == nil || !e.waits(c) {
		return Outlook{}
	}
	outlook := Outlook{Class: e.claim(c, e.last).Class}
	outlook.Risen = outlook.Class != c.Class
	if next, some := e.nextStep(c); some && c.relaxesAt != 0 {
		outlook.RelaxesAt, outlook.RelaxesTo = c.relaxesAt, next.take(c.StillNeeded, c.Needs)
	}
	if e.rules.RiseAfter > 0 && c.Class == contact.ClassOrdinary {
		outlook.RisesAt = c.dueAfter(c.Contact.Arrived, routing.RiseTime(c.Target, e.rules.RiseAfter))
	}
	return outlook
}
