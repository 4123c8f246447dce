package portal

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// attempts limits sign-ins that fail: by name, so that a password cannot be guessed, and by
// address, so that names cannot be tried out.
type attempts struct {
	mutex sync.Mutex
	by    map[string]*rate.Limiter
	// checking bounds how many passwords are checked at once, each of which takes 19 MiB.
	checking chan struct{}
}

const (
	attemptsEvery = 6 * time.Second // one more is allowed after each
	nameBurst     = 10
	addressBurst  = 30
	// maxAttempts bounds the table of those who failed lately.
	maxAttempts  = 10_000
	checksAtOnce = 4
)

func newAttempts() *attempts {
	return &attempts{by: map[string]*rate.Limiter{}, checking: make(chan struct{}, checksAtOnce)}
}

// reserve counts an attempt beforehand, so that many at once cannot slip through. forgive
// takes it back when it succeeded: a whole school may sit behind one address.
func (a *attempts) reserve(now time.Time, name, address string) (forgive func(), allowed bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	byAddress := a.limiter(now, "address "+network(address), addressBurst).ReserveN(now, 1)
	if byAddress.DelayFrom(now) > 0 {
		byAddress.CancelAt(now)
		return nil, false
	}
	byName := a.limiter(now, "name "+name, nameBurst).ReserveN(now, 1)
	if byName.DelayFrom(now) > 0 {
		byName.CancelAt(now)
		return nil, false
	}
	return func() {
		byAddress.CancelAt(now)
		byName.CancelAt(now)
	}, true
}

// limiter returns the limiter of a key. When the table is full, those who have not failed
// lately are forgotten, and then any.
func (a *attempts) limiter(now time.Time, key string, burst int) *rate.Limiter {
	if limiter := a.by[key]; limiter != nil {
		return limiter
	}
	for old, limiter := range a.by {
		if len(a.by) < maxAttempts {
			break
		}
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(a.by, old)
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
