package agentui

import (
	"context"
	"time"

	"svar/contact"
)

// Notices are the outage messages and embargoes that stand, in memory. The channel is closed
// at the next change; whoever waited asks again.
type Notices interface {
	Notices() contact.Notices
	NoticesChanged() <-chan struct{}
}

// standing returns the cards of the outage messages that stand at now, blocked or not.
func standing(all contact.Notices, now contact.Instant) []NoticeCard {
	cards := []NoticeCard{}
	for _, notice := range all.Notices {
		if notice.InForce(now) {
			cards = append(cards, NoticeCard{Notice: notice, Blocked: all.Blocked(notice)})
		}
	}
	return cards
}

// watchNotices tells the consoles when an outage message is published, blocked or withdrawn,
// and when the time of one begins or ends.
func (u *UI) watchNotices(ctx context.Context) {
	for {
		changed := u.config.Notices.NoticesChanged() // before the look, so that no change is missed
		boundary := time.NewTimer(untilBoundary(u.config.Notices.Notices(), u.instant()))
		select {
		case <-ctx.Done():
		case <-changed:
		case <-boundary.C:
		}
		boundary.Stop()
		if ctx.Err() != nil {
			return
		}
		u.consoles.changed()
	}
}

// farAway is how long nothing is waited for at most.
const farAway = time.Hour

// untilBoundary is how long it takes until the next message begins or ends to stand.
func untilBoundary(all contact.Notices, now contact.Instant) time.Duration {
	next := now.Add(contact.MillisOf(farAway))
	for _, notice := range all.Notices {
		for _, at := range []contact.Instant{notice.From, notice.Until} {
			if at > now {
				next = min(next, at)
			}
		}
	}
	return next.Sub(now).Duration()
}
