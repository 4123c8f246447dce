// Package signin limits how often somebody may fail to sign in, to the console and to the
// portal alike. Whether a password is right is for its caller to say.
package signin

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Attempts limits failed sign-ins: by account, so that a password cannot be guessed, and by
// address, so that accounts cannot be tried out. Those that succeed do not count: a whole
// school may sit behind one address. It is safe for concurrent use.
type Attempts struct {
	mutex sync.Mutex
	by    map[string]*rate.Limiter
	swept time.Time // when those who have not failed lately were forgotten last
	// hashing bounds how many passwords are checked at once, each of which takes 19 MiB.
	hashing chan struct{}
}

const (
	attemptsEvery = 6 * time.Second // one more is allowed after each
	accountBurst  = 10
	addressBurst  = 30
	// maxAttempts bounds the table of those who failed lately.
	maxAttempts  = 10_000
	sweepEvery   = time.Minute
	hashesAtOnce = 4
)

// New returns a limit that nobody has met.
func New() *Attempts {
	return &Attempts{by: map[string]*rate.Limiter{}, hashing: make(chan struct{}, hashesAtOnce)}
}

// Try runs check, which reports whether the sign-in succeeds. The second value is false
// when there were too many failures, or ctx ended before it was their turn, and check was not
// run.
func (a *Attempts) Try(ctx context.Context, now time.Time, account, address string, check func() bool) (succeeded, allowed bool) {
	reserved, allowed := a.reserve(now, account, address)
	if !allowed {
		return false, false
	}
	select {
	case a.hashing <- struct{}{}:
	case <-ctx.Done():
		return false, false
	}
	defer func() { <-a.hashing }()
	if !check() {
		return false, true
	}
	for _, r := range reserved {
		r.CancelAt(now)
	}
	return true, true
}

// reserve counts an attempt beforehand, so that many at once cannot slip through. A refused
// address costs no account anything.
func (a *Attempts) reserve(now time.Time, account, address string) ([]*rate.Reservation, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	byAddress := a.limiter(now, "address "+network(address), addressBurst).ReserveN(now, 1)
	if byAddress.DelayFrom(now) > 0 {
		byAddress.CancelAt(now)
		return nil, false
	}
	byAccount := a.limiter(now, "account "+account, accountBurst).ReserveN(now, 1)
	if byAccount.DelayFrom(now) > 0 {
		byAccount.CancelAt(now)
		return nil, false
	}
	return []*rate.Reservation{byAddress, byAccount}, true
}

// limiter returns the limiter of a key. Those who have not failed lately are forgotten when
// the table is full, and then any: a stranger can fill it, but only slowly from one address.
func (a *Attempts) limiter(now time.Time, key string, burst int) *rate.Limiter {
	if limiter := a.by[key]; limiter != nil {
		return limiter
	}
	if len(a.by) >= maxAttempts && now.Sub(a.swept) >= sweepEvery {
		a.swept = now
		for old, limiter := range a.by {
			if limiter.TokensAt(now) >= float64(limiter.Burst()) {
				delete(a.by, old)
			}
		}
	}
	for old := range a.by {
		if len(a.by) < maxAttempts {
			break
		}
		delete(a.by, old)
	}
	limiter := rate.NewLimiter(rate.Every(attemptsEvery), burst)
	a.by[key] = limiter
	return limiter
}

// network returns what one customer of a network has: an IPv4 address, or 64 bits of IPv6.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
