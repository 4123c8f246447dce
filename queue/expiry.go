package queue

import (
	"cmp"
	"container/heap"

	"svar/contact"
)

// expiry is when an offer runs out. One whose offer was answered, withdrawn or given
// more time is void and is dropped when it is met.
type expiry struct {
	at    contact.Instant
	offer contact.OfferID
}

type expiries []expiry

func (x expiries) Len() int { return len(x) }

func (x expiries) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(x[i].at, x[j].at), cmp.Compare(x[i].offer, x[j].offer)) < 0
}
func (x expiries) Swap(i, j int) { x[i], x[j] = x[j], x[i] }
func (x *expiries) Push(v any)   { *x = append(*x, v.(expiry)) }

func (x *expiries) Pop() any {
	last := len(*x) - 1
	v := (*x)[last]
	*x = (*x)[:last]
	return v
}

// watch notes when the contact's offer runs out.
func (e *Engine) watch(c *entry) {
	heap.Push(&e.expiries, expiry{at: c.Offer.Expires, offer: c.Offer.Offer})
}

// nextExpiry returns when the first open offer runs out.
func (e *Engine) nextExpiry() (contact.Instant, bool) {
	for len(e.expiries) > 0 {
		first := e.expiries[0]
		if c := e.offers[first.offer]; c != nil && c.Offer != nil && c.Offer.Expires == first.at {
			return first.at, true
		}
		heap.Pop(&e.expiries)
	}
	return 0, false
}

// expired returns the contact whose offer ran out first by now; nil when none did.
func (e *Engine) expired(now contact.Instant) *entry {
	if at, open := e.nextExpiry(); open && at <= now {
		return e.offers[e.expiries[0].offer]
	}
	return nil
}

// due lets happen what time alone brings by now.
func (e *Engine) due(now contact.Instant) {
	for c := e.expired(now); c != nil; c = e.expired(now) {
		switch {
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
