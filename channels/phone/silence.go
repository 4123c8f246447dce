package phone

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// quietProbes is how much longer than others a party who is silent by his own word, on hold or
// with comfort noise, stays without being asked: a phone that dies on hold must not stay for
// ever (freeswitch#1973), and a long hold is nothing special.
const quietProbes = 10

// probeSilence asks a peer that sends no voice whether the call still exists there. Muted
// callers and relayed ones, who write or sign, are silent for long: silence itself ends nothing.
func (l *leg) probeSilence(now time.Time) {
	after := l.gateway.config.ProbeAfter
	if l.probe != nil || after < 0 {
		return
	}
	silent := l.stream.Unheard(now)
	if silent == 0 { // heard just now, or not expected to be
		after *= quietProbes
		silent = now.Sub(later(l.confirmedAt, l.stream.Statistics().LastReceived))
	}
	if silent < after || now.Sub(l.probedAt) < after {
		return
	}
	l.probedAt = now
	result := make(chan bool, 1)
	l.probe = result
	l.gateway.counters.silences.Add(1)
	l.send(sip.OPTIONS, func(code int, err error) {
		result <- err == nil && code != 481 && code != 408
	})
}

// isDead takes the outcome of a probe. A voice that came in the meantime counts more.
func (l *leg) isDead(alive bool) bool {
	l.probe = nil
	return !alive && !l.stream.Statistics().LastReceived.After(l.probedAt)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
