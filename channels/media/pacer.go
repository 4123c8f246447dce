package media

import (
	"sync"
	"time"
)

const (
	// A frame is sent every 20 ms, but not for all streams at the same instant: a
	// thousand packets in one burst would be jitter for the last of them.
	pacerPhases   = 4
	pacerInterval = FrameDuration / pacerPhases
	// A pacer that is later than this (a suspended machine) drops what it owes
	// instead of sending it in a burst that nobody can buffer.
	pacerPatience = 200 * time.Millisecond
)

// Pacer is the clock of all streams of a node: one goroutine that asks each started
// stream for its next frame, on an absolute schedule, so that no drift adds up over
// a long wait. It sleeps while there is no stream. Safe for concurrent use.
type Pacer struct {
	mutex   sync.Mutex
	phases  [pacerPhases][]paced
	count   int
	closed  bool
	wake    chan struct{}
	closing chan struct{}
	stopped chan struct{}
}

// paced is what the pacer drives: a stream or a conference.
type paced interface {
	// tick sends what is due. lapses counts how often the schedule was broken off.
	tick(now time.Time, lapses int)
	// place is guarded by the pacer.
	place() *pacing
}

// NewPacer starts a pacer. Its owner closes it, after the streams.
func NewPacer() *Pacer {
	pacer := &Pacer{
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go pacer.run()
	return pacer
}

// Close stops the pacer and waits for its goroutine. Streams that are still open
// fall silent.
func (p *Pacer) Close() error {
	p.mutex.Lock()
	first := !p.closed
	p.closed = true
	p.mutex.Unlock()
	if first {
		close(p.closing)
	}
	<-p.stopped
	return nil
}

// add puts a stream or a conference into the phase that has least to do.
func (p *Pacer) add(stream paced) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	phase := 0
	for i := range p.phases {
		if len(p.phases[i]) < len(p.phases[phase]) {
			phase = i
		}
	}
	*stream.place() = pacing{phase: phase, index: len(p.phases[phase])}
	p.phases[phase] = append(p.phases[phase], stream)
	p.count++
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Pacer) remove(stream paced) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	streams, place := p.phases[stream.place().phase], stream.place().index
	if place >= len(streams) || streams[place] != stream {
		return
	}
	last := len(streams) - 1
	streams[place] = streams[last]
	streams[place].place().index = place
	streams[last] = nil
	p.phases[stream.place().phase] = streams[:last]
	p.count--
}

// pacing is a stream's place in the pacer, guarded by the pacer's mutex.
type pacing struct{ phase, index int }

func (p *Pacer) idle() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.count == 0
}

func (p *Pacer) run() {
	defer close(p.stopped)
	var (
		timer = time.NewTimer(0)
		next  = time.Now()
		phase int
		turn  []paced
		// lapses counts how often the schedule was broken off; a stream that sees a
		// new count takes its timestamp from the clock again.
		lapses int
	)
	defer timer.Stop()
	for {
		if p.idle() {
			select {
			case <-p.wake:
			case <-p.closing:
				return
			}
			if p.idle() {
				continue
			}
			next = time.Now()
			timer.Reset(0)
		}
		select {
		case <-timer.C:
		case <-p.closing:
			return
		}
		now := time.Now()
		if now.Sub(next) > pacerPatience {
			next = now
			lapses++
		}
		p.mutex.Lock()
		turn = append(turn[:0], p.phases[phase]...)
		p.mutex.Unlock()
		for _, stream := range turn {
			stream.tick(now, lapses)
		}
		clear(turn)
		phase = (phase + 1) % pacerPhases
		next = next.Add(pacerInterval)
		timer.Reset(time.Until(next))
	}
}
