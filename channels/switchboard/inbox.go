package switchboard

import "sync"

// inbox is what waits to be read by the one goroutine that owns it. Putting never
// blocks, so that the bus and the legs are never held up by a call.
type inbox[T any] struct {
	mutex  sync.Mutex
	items  []T
	closed bool
	// wake holds a value while there may be something to take.
	wake chan struct{}
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{wake: make(chan struct{}, 1)} }

// put reports whether the item will be taken: after close it will not.
func (b *inbox[T]) put(item T) bool {
	b.mutex.Lock()
	if b.closed {
		b.mutex.Unlock()
		return false
	}
	b.items = append(b.items, item)
	b.mutex.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// close lets nothing in any more and returns what was left.
func (b *inbox[T]) close() []T {
	b.mutex.Lock()
	b.closed = true
	b.mutex.Unlock()
	return b.take()
}

// take returns all that was put, in order.
func (b *inbox[T]) take() []T {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	items := b.items
	b.items = nil
	return items
}
