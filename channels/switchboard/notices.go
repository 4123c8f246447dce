package switchboard

import (
	"context"
	"slices"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
)

// Notices are the outage messages that stand. They are held in memory: no call waits for them.
type Notices interface {
	Notices() contact.Notices
	// NoticesChanged is closed at the next change. Asked for before Notices, nothing is missed.
	NoticesChanged() <-chan struct{}
}

// told returns the outage messages that the contact is told now.
func (c *call) told() []contact.Notice {
	return c.board.config.Notices.Notices().Told(c.contact.Line, c.contact.Audience, c.board.now())
}

// know keeps the messages from being told again.
func (c *call) know(notices []contact.Notice) {
	if c.heard == nil {
		c.heard = heard{}
	}
	for _, notice := range notices {
		c.heard[notice.ID] = true
	}
}

// unheard returns the oldest message that the contact is told now and did not hear.
func (c *call) unheard() (contact.Notice, bool) {
	told := c.told()
	at := slices.IndexFunc(told, func(n contact.Notice) bool { return !c.heard[n.ID] })
	if at < 0 {
		return contact.Notice{}, false
	}
	return told[at], true
}

// noticePrompt says a message in the language, or else in Swedish, by the voice of that.
func noticePrompt(notice contact.Notice, language string) channels.Prompt {
	if notice.Text[language] == "" {
		language = "sv"
	}
	return channels.Prompt{Name: ivr.NoticePrompt, Language: language, Text: notice.In(language)}
}

// awaitSilence returns when the message is not told any more: withdrawn, blocked, or over.
func (c *call) awaitSilence(ctx context.Context, id contact.NoticeID) {
	for ctx.Err() == nil {
		news := c.board.config.Notices.NoticesChanged()
		told := c.told()
		if !slices.ContainsFunc(told, func(n contact.Notice) bool { return n.ID == id }) {
			return
		}
		ends, stop := c.board.alarm(contact.Notices{Notices: told}, func(n contact.Notice) contact.Instant { return n.Until })
		select {
		case <-news:
		case <-ends:
		case <-ctx.Done():
		}
		stop()
	}
}

// alarm rings at the next of the notices' instants that is to come; it never does when there
// is none.
func (s *Switchboard) alarm(notices contact.Notices, of func(contact.Notice) contact.Instant) (rings <-chan time.Time, stop func()) {
	now, next := s.now(), contact.Instant(0)
	for _, notice := range notices.Notices {
		if at := of(notice); at > now && (next == 0 || at < next) {
			next = at
		}
	}
	if next == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(next.Sub(now).Duration())
	return timer.C, func() { timer.Stop() }
}

func (s *Switchboard) now() contact.Instant { return contact.InstantOf(s.config.Now()) }
