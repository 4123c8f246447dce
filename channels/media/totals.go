package media

import "sync"

// Totals are the packets of many legs, those that are over included. They never shrink, so
// that they can be shown as counters.
type Totals struct {
	Legs            uint64 // that were counted, living and past
	PacketsReceived uint64
	PacketsLost     uint64 // of those that should have been received
	PacketsSent     uint64
}

// Ledger sums the accounts of the streams of a gateway. The zero value is ready. Safe for
// concurrent use.
type Ledger struct {
	mutex  sync.Mutex
	living map[*Stream]struct{}
	past   Totals
	lost   uint64 // the most that was shown
}

// Open counts a stream from now on. The same one again changes nothing.
func (l *Ledger) Open(stream *Stream) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, there := l.living[stream]; there {
		return
	}
	if l.living == nil {
		l.living = map[*Stream]struct{}{}
	}
	l.living[stream] = struct{}{}
	l.past.Legs++
}

// Close keeps the last accounts of a stream, which is closed, and forgets it.
func (l *Ledger) Close(stream *Stream) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, there := l.living[stream]; !there {
		return
	}
	delete(l.living, stream)
	l.past.add(stream.Statistics())
}

// Totals are those of all streams up to now.
func (l *Ledger) Totals() Totals {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	totals := l.past
	for stream := range l.living {
		totals.add(stream.Statistics())
	}
	// A packet that was taken for lost and came after all does not make the sum smaller.
	l.lost = max(l.lost, totals.PacketsLost)
	totals.PacketsLost = l.lost
	return totals
}

func (t *Totals) add(statistics Statistics) {
	t.PacketsReceived += statistics.PacketsReceived
	t.PacketsLost += uint64(max(statistics.PacketsLost, 0))
	t.PacketsSent += statistics.PacketsSent
}
