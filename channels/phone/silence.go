package phone

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels/media"
)

// quietProbes is how much longer than others a party who is silent by his own word, on hold or
// with comfort noise, stays without being asked: a phone that dies on hold must not stay for
// ever (freeswitch#1973), and a long hold is nothing special.
const quietProbes = 10

// probeSilence asks a peer that sends no voice whether the call still exists there. Muted
// callers and relayed ones, who write or sign, are silent for long: silence itself ends nothing.
func (l *leg) probeSilence(now time.Time) {
	if l.probe != nil {
		return
	}
	heard := later(l.confirmedAt, l.stream.Statistics().LastReceived)
	unheard := l.stream.Unheard(now)
	if l.holds() {
		unheard = 0
	}
	if !probeDue(l.gateway.config.ProbeAfter, unheard, now.Sub(heard), now.Sub(l.probedAt)) {
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

// holds tells whether the party has put us on hold: he may send music then, or nothing.
func (l *leg) holds() bool {
	return l.offer.direction == media.ReceiveOnly || l.offer.direction == media.Inactive
}

// probeDue tells whether a party is to be asked: unheard is how long he ought to have been heard
// and was not (0 on hold and in comfort noise), silent how long nothing came at all, and probed
// how long ago he was asked last.
func probeDue(after, unheard, silent, probed time.Duration) bool {
	if unheard == 0 { // heard just now, or silent by his own word
		after, unheard = after*quietProbes, silent
	}
	return after > 0 && unheard >= after && probed >= after
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
