package dispatch

import "time"

// Condition is how a dispatcher is doing, for those who watch the service.
type Condition struct {
	// Leading says that it takes commands.
	Leading bool
	// Failure is why it does not, nil before the first attempt: the journal cannot be written or
	// read, or another leader has written to it.
	Failure error
	// Since is when it began to lead or to fail; the zero time before [Dispatcher.Run].
	Since time.Time
}

// State tells how the dispatcher is doing. It may be called concurrently.
func (d *Dispatcher) State() Condition {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.condition
}

func (d *Dispatcher) leads() { d.turnTo(Condition{Leading: true}) }

// fails keeps the beginning of a failure that goes on, and its newest words.
func (d *Dispatcher) fails(err error) { d.turnTo(Condition{Failure: err}) }

func (d *Dispatcher) turnTo(next Condition) {
	next.Since = d.config.Now()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if was := d.condition; !was.Since.IsZero() && was.Leading == next.Leading && (was.Failure == nil) == (next.Failure == nil) {
		next.Since = was.Since
	}
	d.condition = next
}
