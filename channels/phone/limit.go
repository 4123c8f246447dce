package phone

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// maxSources bounds how many addresses a limiter tells apart.
const maxSources = 10_000

// sourceLimiter limits a rate per source address, and that of all sources together. Its
// table is bounded: addresses can be forged in any number.
type sourceLimiter struct {
	limit rate.Limit
	burst int
	all   *rate.Limiter

	mutex   sync.Mutex
	sources map[netip.Addr]*rate.Limiter
}

func newSourceLimiter(limit rate.Limit, burst int, all rate.Limit) *sourceLimiter {
	return &sourceLimiter{
		limit: limit, burst: burst, all: rate.NewLimiter(all, int(all)),
		sources: make(map[netip.Addr]*rate.Limiter),
	}
}

// allow takes one token of the source. IPv6 sources are told apart by their /64: a subscriber
// has all of it.
func (l *sourceLimiter) allow(source netip.Addr) bool {
	source = source.Unmap()
	if source.Is6() {
		if prefix, err := source.Prefix(64); err == nil {
			source = prefix.Addr()
		}
	}
	l.mutex.Lock()
	limiter, known := l.sources[source]
	if !known {
		if len(l.sources) >= maxSources {
			l.forget()
		}
		limiter = rate.NewLimiter(l.limit, l.burst)
		l.sources[source] = limiter
	}
	l.mutex.Unlock()
	return limiter.Allow() && l.all.Allow()
}

// forget makes room: sources that have been quiet first, and otherwise all, so that the
// table's bound never shuts anybody out.
func (l *sourceLimiter) forget() {
	for source, limiter := range l.sources {
		if limiter.Tokens() >= float64(l.burst) {
			delete(l.sources, source)
		}
	}
	if len(l.sources) >= maxSources {
		clear(l.sources)
	}
}
