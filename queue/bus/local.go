package bus

import (
	"slices"
	"sync"

	"github.com/nats-io/nats.go"
)

// senderHeader names the bus that a message is from. The receivers on that bus have had it already.
const senderHeader = "Svar-Sender"

// local hands what is published on a bus to the receivers on the same bus as it is: most installations are one process,
// and in any the leader's own node has most of the calls. Values are shared, so no receiver may change one.
type local struct {
	mutex     sync.Mutex
	receivers map[string][]*receiver
	commands  []*commandHandler
}

// commandHandler takes commands until it is stopped: what it took before is answered, what comes later it does not take.
type commandHandler struct {
	mutex   sync.RWMutex
	handle  func(Incoming) // never waits
	stopped bool
}

// take hands a command over, and tells whether it was taken.
func (h *commandHandler) take(in Incoming) bool {
	h.mutex.RLock()
	defer h.mutex.RUnlock()
	if !h.stopped {
		h.handle(in)
	}
	return !h.stopped
}

func (h *commandHandler) stop() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.stopped = true
}

// receiver hands on, in order, what was published to one subject. Publishing never waits for it.
type receiver struct {
	handle  func(any)
	mutex   sync.Mutex
	waiting []any
	running bool
	stopped bool
}

func (l *local) receive(subject string, handle func(any)) (stop func()) {
	r := &receiver{handle: handle}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.receivers == nil {
		l.receivers = map[string][]*receiver{}
	}
	l.receivers[subject] = append(slices.Clone(l.receivers[subject]), r)
	return func() {
		l.mutex.Lock()
		l.receivers[subject] = slices.DeleteFunc(slices.Clone(l.receivers[subject]), func(other *receiver) bool { return other == r })
		l.mutex.Unlock()
		r.stop()
	}
}

func (l *local) publish(subject string, value any) {
	l.mutex.Lock()
	receivers := l.receivers[subject]
	l.mutex.Unlock()
	for _, r := range receivers {
		r.put(value)
	}
}

func (r *receiver) put(value any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.stopped {
		return
	}
	r.waiting = append(r.waiting, value)
	if !r.running {
		r.running = true
		go r.run()
	}
}

func (r *receiver) stop() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.stopped, r.waiting = true, nil
}

// run hands on until nothing waits.
func (r *receiver) run() {
	for {
		r.mutex.Lock()
		values := r.waiting
		r.waiting, r.running = nil, len(values) > 0
		r.mutex.Unlock()
		if len(values) == 0 {
			return
		}
		for _, value := range values {
			r.mutex.Lock()
			stopped := r.stopped
			r.mutex.Unlock()
			if stopped {
				return
			}
			r.handle(value)
		}
	}
}

func (l *local) serveCommands(handle func(Incoming)) (stop func()) {
	h := &commandHandler{handle: handle}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.commands = append(l.commands, h)
	return func() {
		h.stop()
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.commands = slices.DeleteFunc(l.commands, func(other *commandHandler) bool { return other == h })
	}
}

// leader returns who takes commands in this process, the newest of them; nil when nobody does.
func (l *local) leader() *commandHandler {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.commands) == 0 {
		return nil
	}
	return l.commands[len(l.commands)-1]
}

// isOwn tells that a message went to the receivers on this bus before it went out.
func (b *Bus) isOwn(message *nats.Msg) bool {
	return message.Header.Get(senderHeader) == b.id
}
