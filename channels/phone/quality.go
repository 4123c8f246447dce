package phone

import (
	"errors"
	"math"
	"sync"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
)

var (
	_ channels.Measured   = (*leg)(nil)
	_ channels.KeyPresser = (*leg)(nil)
)

// Quality implements [channels.Measured].
func (l *leg) Quality() contact.Quality { return qualityOf(l.stream.Statistics()) }

// qualityOf puts the accounts of a stream into what is recorded of them.
func qualityOf(s media.Statistics) contact.Quality {
	return contact.Quality{
		Received: s.PacketsReceived,
		Lost:     uint64(max(s.PacketsLost, 0)), // repeated packets make it negative
		Jitter:   microseconds(s.Jitter), RoundTrip: microseconds(s.RoundTrip),
		RemoteLost: uint8(min(max(s.RemoteLoss*256, 0), math.MaxUint8)),
	}
}

func microseconds(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 0), math.MaxUint32))
}

// earlyKeys are keys that were pressed before the voice began: between 200 and its ACK.
type earlyKeys struct {
	mutex   sync.Mutex
	waiting []byte
}

// maxEarlyKeys is as many as a stream takes at once.
const maxEarlyKeys = 32

// Press implements [channels.KeyPresser]. Its errors are [channels.ErrLegOver],
// [media.ErrNoKey] and [media.ErrTooManyKeys].
func (l *leg) Press(key byte) error {
	l.keys.mutex.Lock()
	defer l.keys.mutex.Unlock()
	err := l.stream.Press(key)
	switch {
	case errors.Is(err, media.ErrClosed):
		return channels.ErrLegOver
	case !errors.Is(err, media.ErrNotStarted):
		return err //nolint:wrapcheck // the stream's errors are the contract
	case len(l.keys.waiting) >= maxEarlyKeys:
		return media.ErrTooManyKeys
	}
	l.keys.waiting = append(l.keys.waiting, key)
	return nil
}

// pressEarly presses what was pressed too early.
func (l *leg) pressEarly() {
	l.keys.mutex.Lock()
	defer l.keys.mutex.Unlock()
	for _, key := range l.keys.waiting {
		_ = l.stream.Press(key) // fails only when the call is over
	}
	l.keys.waiting = nil
}
