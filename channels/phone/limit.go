package phone

import (
	"net/netip"
	"sync"
	"time"

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

// newSourceLimiter takes the rate per second and the burst of one source, and those of all.
func newSourceLimiter(limit, burst, all, allBurst int) *sourceLimiter {
	return &sourceLimiter{
		limit: rate.Limit(limit), burst: burst, all: rate.NewLimiter(rate.Limit(all), allBurst),
		sources: make(map[netip.Addr]*rate.Limiter),
	}
}

// allow takes one token of the source and one of all.
func (l *sourceLimiter) allow(source netip.Addr) bool {
	return l.allowSource(source) && l.all.Allow()
}

// allowSource takes one token of the source only.
func (l *sourceLimiter) allowSource(source netip.Addr) bool { return l.of(source).Allow() }

// of is the limiter of the source alone. IPv6 sources are told apart by their /64: a
// subscriber has all of it.
func (l *sourceLimiter) of(source netip.Addr) *rate.Limiter {
	source = source.Unmap()
	if source.Is6() {
		if prefix, err := source.Prefix(64); err == nil {
			source = prefix.Addr()
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	limiter, known := l.sources[source]
	if !known {
		if len(l.sources) >= maxSources {
			l.forget()
		}
		limiter = rate.NewLimiter(l.limit, l.burst)
		l.sources[source] = limiter
	}
	return limiter
}

// forget makes room: sources that have been quiet first, and otherwise all, so that the
// table's bound never shuts anybody out and is never searched for little gain.
func (l *sourceLimiter) forget() {
	for source, limiter := range l.sources {
		if limiter.Tokens() >= float64(l.burst) {
			delete(l.sources, source)
		}
	}
	if len(l.sources) > maxSources/2 {
		clear(l.sources)
	}
}

// memory remembers keys for a while, the oldest maxSources of them at most. Guarded by its
// owner.
type memory[K comparable] struct {
	until map[K]time.Time
	order []K
}

func (m *memory[K]) add(key K, now time.Time, keep time.Duration) {
	for len(m.order) > 0 && (len(m.order) >= maxSources || now.After(m.until[m.order[0]])) {
		delete(m.until, m.order[0])
		m.order = m.order[1:]
	}
	if m.until == nil {
		m.until = make(map[K]time.Time)
	}
	if _, known := m.until[key]; !known {
		m.order = append(m.order, key)
	}
	m.until[key] = now.Add(keep)
}

// remove forgets a key. One that is added again may be forgotten early.
func (m *memory[K]) remove(key K) { delete(m.until, key) }

// hasAt is has for keys that must not be remembered for longer than they should.
func (m *memory[K]) hasAt(key K, now time.Time) bool { return now.Before(m.until[key]) }

func (m *memory[K]) has(key K) bool {
	_, known := m.until[key]
	return known
}
