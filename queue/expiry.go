package queue

import (
	"cmp"

	"svar/contact"
)

// occasion is something that time alone brings to a contact.
type occasion uint8

const (
	// runsOut: its offer, its dial, the asking of a colleague or its wrap-up is over.
	runsOut occasion = iota
	// relaxes: less is needed of an agent.
	relaxes
	// letsGo: it is no longer kept for one agent.
	letsGo
	// comesDue: a call-back may be offered, or be so again.
	comesDue
	// occasions is how many there are.
	occasions
)

// when is the instant at which time alone brings the occasion to the contact, as its state is now; 0
// means never. Every change of a state that moves one is followed by [Engine.watch].
func (e *Engine) when(c *entry, o occasion) contact.Instant {
	switch o {
	case runsOut:
		return c.expires()
	case relaxes:
		if e.waits(c) {
			return c.relaxesAt
		}
	case letsGo:
		if c.line != nil && c.Prefer != "" {
			return c.PreferUntil
		}
	case comesDue:
		if c.Callback && c.State == contact.StateWaiting {
			return c.DueAt
		}
	case occasions:
	}
	return 0
}

// happen decides the occasion, which is due at now.
func (e *Engine) happen(c *entry, o occasion, now contact.Instant) {
	switch o {
	case runsOut:
		e.runOut(c, now)
	case relaxes:
		e.relax(c, now)
	case letsGo:
		e.endKeeping(c, contact.PreferenceOver, now)
	case comesDue:
		e.comeDue(c, now)
	case occasions:
	}
}

// expires is when the contact's offer, dial, consultation or wrap-up is over; 0 means never.
func (c *entry) expires() contact.Instant {
	switch {
	case c.Offer != nil:
		return c.Offer.Expires
	case c.Consult != nil:
		return c.Consult.Expires
	}
	return c.WrapUpUntil
}

func (e *Engine) runOut(c *entry, now contact.Instant) {
	switch {
	case c.State == contact.StateWrapUp:
		e.lapse(c, now)
	case c.State == contact.StateDialling:
		e.failDial(c, contact.DialNoAnswer, now)
	case c.Consult != nil:
		e.consultRunsOut(c, now)
	case c.Offer.Accepted:
		e.failConnect(c, now)
	default:
		e.missOffer(c, now)
	}
}

// alarm is when time alone brings the occasion to the contact. One whose contact has gone on, or was
// given more time, is void and is dropped when it is met.
type alarm struct {
	at contact.Instant
	c  *entry
	o  occasion
}

// compareAlarms lets those of one instant come in the order in which their contacts arrived, so that
// a restored engine does the same.
func compareAlarms(a, b alarm) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.c.Place, b.c.Place), cmp.Compare(a.o, b.o))
}

// alarms is a binary heap with the first at index 0.
type alarms []alarm

func (x *alarms) push(v alarm) {
	*x = append(*x, v)
	x.up(len(*x) - 1)
}

func (x *alarms) pop() alarm {
	h := *x
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], alarm{} // so that the contact is not kept
	*x = h[:last]
	x.down(0)
	return first
}

func (x *alarms) up(i int) {
	h := *x
	for i > 0 {
		above := (i - 1) / 2
		if compareAlarms(h[above], h[i]) <= 0 {
			return
		}
		h[above], h[i] = h[i], h[above]
		i = above
	}
}

func (x *alarms) down(i int) {
	h := *x
	for {
		first := i
		for below := 2*i + 1; below <= 2*i+2 && below < len(h); below++ {
			if compareAlarms(h[below], h[first]) < 0 {
				first = below
			}
		}
		if first == i {
			return
		}
		h[first], h[i] = h[i], h[first]
		i = first
	}
}

// watch notes when time brings something to the contact.
func (e *Engine) watch(c *entry) {
	for o := range occasions {
		if at := e.when(c, o); at != 0 && at != c.watched[o] {
			c.watched[o] = at
			e.alarms.push(alarm{at: at, c: c, o: o})
		}
	}
	if len(e.alarms) > e.sweepAt {
		e.sweep()
	}
}

// sweep drops the alarms that are void, so that contacts that are closed long ago are not kept.
func (e *Engine) sweep() {
	kept := e.alarms[:0]
	for _, a := range e.alarms {
		if e.when(a.c, a.o) == a.at {
			kept = append(kept, a)
		} else if a.c.watched[a.o] == a.at {
			a.c.watched[a.o] = 0
		}
	}
	clear(e.alarms[len(kept):])
	e.alarms = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		e.alarms.down(i)
	}
	e.sweepAt = 2*len(kept) + minSweep
}

// minSweep is how many alarms there are at least before the void ones are looked for.
const minSweep = 4096

// nextAlarm returns when time brings something to a contact next.
func (e *Engine) nextAlarm() (alarm, bool) {
	for len(e.alarms) > 0 {
		if first := e.alarms[0]; e.when(first.c, first.o) == first.at {
			return first, true
		}
		if void := e.alarms.pop(); void.c.watched[void.o] == void.at {
			void.c.watched[void.o] = 0
		}
	}
	return alarm{}, false
}

// due lets happen what time alone brings by now.
func (e *Engine) due(now contact.Instant) {
	for a, some := e.nextAlarm(); some && a.at <= now; a, some = e.nextAlarm() {
		e.happen(a.c, a.o, now)
	}
	e.returnOverdue(now)
}
