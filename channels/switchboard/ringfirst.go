package switchboard

import (
	"context"
	"time"

	"svar/channels"
	"svar/ivr"
	"svar/queue/bus"
)

// maxRingFirst is the longest that a call may ring before it is answered: a carrier gives up after two or three
// minutes (timer T9), and nobody knows meanwhile that he waits.
const maxRingFirst = time.Minute

// rung is how ringing before the answer ended.
type rung uint8

const (
	// notRung: the line does not, nobody is free, or there is something to hear first.
	notRung rung = iota
	// rungOut: it rang, and the caller waits now.
	rungOut
	// rungAccepted: an agent takes the call.
	rungAccepted
	// rungOver: the caller is gone, or the call belongs to somebody else already.
	rungOver
)

// ringing tells a call that rings what the dispatcher orders. Its channels hold one value each.
type ringing struct{ accepted, withdrawn chan struct{} }

func newRinging() ringing {
	return ringing{accepted: make(chan struct{}, 1), withdrawn: make(chan struct{}, 1)}
}

// note takes an order in. It never blocks: of two that say the same one is enough.
func (r ringing) note(kind bus.OrderKind) {
	into := r.accepted
	switch kind {
	case bus.OrderConnect:
	case bus.OrderWithdraw:
		into = r.withdrawn
	default:
		return
	}
	select {
	case into <- struct{}{}:
	default:
	}
}

// ringFirst lets the caller hear ringing while an agent is free, and is asked. The contact is queued before it is
// answered. It ends when an agent takes the call, the time is over, or nobody is free any more: a queue is never
// kept ringing, nor on early media, which carriers cut and callers pay nothing for (RFC 3960, 3).
func (c *call) ringFirst(ctx context.Context) rung {
	ringer, able := c.leg.(channels.Ringer)
	if !able || c.line.RingFirst == 0 {
		return notRung
	}
	queue, straight := c.flow.Straight(c.visit())
	if !straight || c.isSlowed() || len(c.told()) > 0 || !c.someoneFree(ctx, queue) {
		return notRung
	}
	c.enqueue(queue)
	c.rings.Store(true)
	ringer.Ringing()
	timer := time.NewTimer(c.line.RingFirst)
	defer timer.Stop()
	for {
		news := c.board.config.Notices.NoticesChanged()
		if len(c.told()) > 0 { // he is to hear it before he is connected
			return rungOut
		}
		select {
		case <-c.ringing.accepted:
			return rungAccepted
		case <-timer.C:
			return rungOut
		case <-c.ringing.withdrawn:
			// The next agent is asked in the same moment, if there is one.
			if !c.someoneFree(ctx, queue) {
				return rungOut
			}
		case <-news:
		case <-c.leg.Done():
			return rungOver
		case <-ctx.Done():
			return rungOver
		}
	}
}

// someoneFree reports whether an agent is asked at once, or already.
func (c *call) someoneFree(ctx context.Context, queue ivr.Enqueue) bool {
	wait, known := c.askWait(ctx, queue)
	return known && wait.Expected == 0
}
