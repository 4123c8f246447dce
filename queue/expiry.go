package queue

import (
	"cmp"
	"container/heap"

	"svar/contact"
)

// alarm is when time alone brings something to a contact: its offer runs out, or its
// wrap-up. One whose contact has gone on, or was given more time, is void and is dropped when
// it is met.
type alarm struct {
	at contact.Instant
	c  *entry
}

// alarms is a heap. Those of one instant come in the order in which their contacts arrived, so
// that a restored engine does the same.
type alarms []alarm

func (x alarms) Len() int { return len(x) }

func (x alarms) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(x[i].at, x[j].at), cmp.Compare(x[i].c.Place, x[j].c.Place)) < 0
}
func (x alarms) Swap(i, j int) { x[i], x[j] = x[j], x[i] }
func (x *alarms) Push(v any)   { *x = append(*x, v.(alarm)) }

func (x *alarms) Pop() any {
	last := len(*x) - 1
	v := (*x)[last]
	(*x)[last] = alarm{} // so that the contact is not kept
	*x = (*x)[:last]
	return v
}

// expires is when time alone brings something to the contact; 0 means never.
func (c *entry) expires() contact.Instant {
	if c.Offer != nil {
		return c.Offer.Expires
	}
	return c.WrapUpUntil
}

// watch notes when time brings something to the contact.
func (e *Engine) watch(c *entry) {
	if at := c.expires(); at != 0 {
		heap.Push(&e.alarms, alarm{at: at, c: c})
	}
}

// nextExpiry returns when the first offer or wrap-up runs out.
func (e *Engine) nextExpiry() (contact.Instant, bool) {
	for len(e.alarms) > 0 {
		if first := e.alarms[0]; first.c.expires() == first.at {
			return first.at, true
		}
		heap.Pop(&e.alarms)
	}
	return 0, false
}

// expired returns the contact whose offer or wrap-up ran out first by now; nil when none did.
func (e *Engine) expired(now contact.Instant) *entry {
	if at, open := e.nextExpiry(); open && at <= now {
		return e.alarms[0].c
	}
	return nil
}

// due lets happen what time alone brings by now.
func (e *Engine) due(now contact.Instant) {
	for c := e.expired(now); c != nil; c = e.expired(now) {
		switch {
		case c.State == contact.StateWrapUp:
			e.lapse(c, now)
		case c.State == contact.StateDialling:
			e.failDial(c, contact.DialNoAnswer, now)
		case c.Offer.Accepted:
			e.failConnect(c, now)
		default:
			e.missOffer(c, now)
		}
	}
	e.returnOverdue(now)
}
