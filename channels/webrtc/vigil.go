package webrtc

import "time"

// vigilChecks is how often a vigil looks within its patience.
const vigilChecks = 10

// vigil notices that a browser sends no sound any more. It belongs to one goroutine.
type vigil struct {
	patience time.Duration
	ticker   *time.Ticker
	looked   time.Time
	pardon   time.Time // what was not heard before this is not the browser's fault
}

func newVigil(patience time.Duration, now time.Time) *vigil {
	return &vigil{patience: patience, ticker: time.NewTicker(patience / vigilChecks), looked: now}
}

func (v *vigil) ticks() <-chan time.Time { return v.ticker.C }

func (v *vigil) stop() { v.ticker.Stop() }

// lost says at now whether a browser that was not heard for this long is gone. When we ourselves
// were asleep, as on a machine that was suspended, what came meanwhile waits to be read, and the
// time begins anew.
func (v *vigil) lost(unheard time.Duration, now time.Time) bool {
	if now.Sub(v.looked) > v.patience/2 {
		v.pardon = now
	}
	v.looked = now
	return min(unheard, now.Sub(v.pardon)) > v.patience
}
