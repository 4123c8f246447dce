package switchboard

import (
	"context"
	"time"

	"svar/contact"
)

// Nuisances knows whose calls agents marked as a nuisance again and again. It must not block.
type Nuisances interface {
	// Delay is how long such a caller waits before he is queued; 0 for everybody else.
	Delay(p contact.Personal) time.Duration
}

// delayOf is how long the caller waits before he is queued. Only a number that a trunk vouches for counts: else anybody
// could have another one's calls slowed. The parties of a priority line are never.
func (s *Switchboard) delayOf(c contact.Contact, p contact.Personal) time.Duration {
	if s.config.Nuisances == nil || c.Party != "" || c.Channel != contact.Voice || p.Number == "" || p.Withheld || !p.Vouched {
		return 0
	}
	return s.config.Nuisances.Delay(p)
}

// isSlowed reports whether the caller waits before he is queued.
func (c *call) isSlowed() bool { return c.delay > 0 }

// slow lets a caller who is marked as a nuisance hear music for a while before he is queued. He keeps the
// place of his arrival, is never refused, and hears nothing of why.
func (c *call) slow(ctx context.Context) (over bool) {
	if !c.isSlowed() {
		return false
	}
	c.music()
	timer := time.NewTimer(c.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-c.leg.Done():
	case <-ctx.Done():
	}
	return true
}
