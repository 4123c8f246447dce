package main

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"svar/contact"
)

// noticeBoard holds the outage messages that stand, and the embargoes, in memory: no live
// call waits for the database. It is replaced whole when somebody changed them.
type noticeBoard struct {
	mutex   sync.RWMutex
	notices contact.Notices
	changed chan struct{}
}

func newNoticeBoard() *noticeBoard { return &noticeBoard{changed: make(chan struct{})} }

// Notices returns what stands now. It must not be changed.
func (b *noticeBoard) Notices() contact.Notices {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	return b.notices
}

// NoticesChanged is closed when they change next.
func (b *noticeBoard) NoticesChanged() <-chan struct{} {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	return b.changed
}

func (b *noticeBoard) replace(notices contact.Notices) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.notices = notices
	close(b.changed)
	b.changed = make(chan struct{})
}

// noticesAgain is after how long changes are listened for again where that failed. What the City blocks must be silent
// within 10 s (requirement 3.6), whatever became of the connection ([store.NoticedWithin]) in the meantime.
const noticesAgain = 2 * time.Second

// startNotices reads the outage messages, and again whenever somebody changes them.
func (a *App) startNotices(ctx context.Context) error {
	a.notices = newNoticeBoard()
	if err := a.readNotices(ctx); err != nil {
		return err
	}
	a.run("the outage messages", func(ctx context.Context) error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			return struct{}{}, a.store.FollowNotices(ctx, a.readNotices)
		}, backoff.WithBackOff(backoff.NewConstantBackOff(noticesAgain)), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
			a.options.Log.Warn().Err(err).Dur("again_in", wait).Msg("changes of outage messages are not heard of now")
		}))
		if ctx.Err() != nil {
			err = nil // closed
		}
		return err
	})
	return nil
}

func (a *App) readNotices(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	notices, err := a.store.Notices(ctx)
	if err != nil {
		return err
	}
	a.notices.replace(notices)
	return nil
}
