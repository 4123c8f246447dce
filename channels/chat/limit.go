package chat

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses bounds how many addresses a limiter tells apart.
const maxAddresses = 10_000

// addressLimiter limits how often an address may do something. Its table is bounded.
type addressLimiter struct {
	burst int
	mutex sync.Mutex
	by    map[netip.Addr]*rate.Limiter
}

func newAddressLimiter(burst int) *addressLimiter {
	return &addressLimiter{burst: burst, by: map[netip.Addr]*rate.Limiter{}}
}

// take counts one, and reports whether it may be. What is taken can be given back.
func (l *addressLimiter) take(address netip.Addr, now time.Time) (*rate.Reservation, bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	limiter, known := l.by[address]
	if !known {
		if len(l.by) >= maxAddresses {
			l.forget(now)
		}
		limiter = rate.NewLimiter(rate.Every(addressEvery), l.burst)
		l.by[address] = limiter
	}
	taken := limiter.ReserveN(now, 1)
	if taken.DelayFrom(now) > 0 {
		taken.CancelAt(now)
		return nil, false
	}
	return taken, true
}

// forget makes room: addresses that have been quiet first, and otherwise all, so that the
// table's bound never shuts anybody out.
func (l *addressLimiter) forget(now time.Time) {
	for address, limiter := range l.by {
		if limiter.TokensAt(now) >= float64(l.burst) {
			delete(l.by, address)
		}
	}
	if len(l.by) >= maxAddresses {
		clear(l.by)
	}
}

// addressOf returns whom a request's limits are counted for: the sender, or whom a trusted
// proxy names as its own sender. IPv6 addresses are told apart by their /64: a subscriber has
// all of it.
func (c Config) addressOf(r *http.Request) netip.Addr {
	sender, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address shares one limit
	address := sender.Addr().Unmap()
	// The nearest hop is the last: only what a trusted proxy has written itself counts.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && c.isProxy(address); i-- {
		named, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = named.Unmap()
	}
	address = address.WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			address = prefix.Addr()
		}
	}
	return address
}

func (c Config) isProxy(address netip.Addr) bool {
	for _, prefix := range c.Proxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
