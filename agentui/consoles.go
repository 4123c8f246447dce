package agentui

import (
	"slices"
	"sync"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// Signals carries messages of the set-up of voice; *bus.Bus is one.
type Signals interface {
	SignalNode(node contact.NodeID, s bus.Signal) error
	FollowAgentSignals(handle func(bus.Signal)) (stop func() error, err error)
}

// consoles are the open sockets of this node. Its methods never wait for a socket.
type consoles struct {
	// renew lets what all show alike be made anew.
	renew func()
	// colleaguesPerSecond bounds the lists of colleagues that are written in a second, in bytes.
	colleaguesPerSecond int

	mutex sync.Mutex
	open  map[contact.AgentID][]*console // the newest last
	// sockets is how many they are: it is asked for at each state that is sent.
	sockets int
	// told is when all were told last that there is something new to show, telling says that they will be.
	told    time.Time
	telling bool
	// changes counts what was new, toldOf how much of that all were told of.
	changes, toldOf uint64
}

// sharedPerSecond bounds how many states are made in a second because of what all consoles show alike: it changes with
// every contact of the desk, and a large desk would do nothing else.
const sharedPerSecond = 1000

// colleaguesPerSecond is the bound: the list of a thousand agents has a hundred thousand bytes, and changes with every contact.
const colleaguesPerSecond = 20_000_000

// colleaguesEvery is how much time lies between two lists of so many bytes to one console at least.
func (s *consoles) colleaguesEvery(size int) time.Duration {
	return time.Duration(float64(size) * float64(s.count()) / float64(s.colleaguesPerSecond) * float64(time.Second))
}

// sharedEvery is how much time lies between two states at least that a console is sent for that. The lock is held.
func (s *consoles) sharedEvery() time.Duration {
	return max(stateEvery, time.Duration(s.sockets)*time.Second/sharedPerSecond)
}

// add takes a socket in. One that its window had before is closed: the window came back before
// anybody noticed that it was gone, or it was duplicated.
func (s *consoles) add(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, other := range s.open[c.agent] {
		if other.id == c.id {
			other.close(closeReplaced, "opened again")
		}
	}
	s.open[c.agent] = append(s.open[c.agent], c)
	s.sockets++
}

func (s *consoles) remove(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	before := len(s.open[c.agent])
	rest := slices.DeleteFunc(s.open[c.agent], func(other *console) bool { return other == c })
	s.sockets -= before - len(rest)
	if s.open[c.agent] = rest; len(rest) == 0 {
		delete(s.open, c.agent)
	}
}

func (s *consoles) count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.sockets
}

// beside is how many sockets of the agent are open in other windows than that.
func (s *consoles) beside(agent contact.AgentID, window string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for _, c := range s.open[agent] {
		if c.id != window {
			n++
		}
	}
	return n
}

// news returns how much was new so far, and how much of that all were told of: a state that is made anew from now on has the
// one, any other one the other at least.
func (s *consoles) news() (changes, toldOf uint64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.changes, s.toldOf
}

// changedFor tells the agents' consoles at once that there is something new to show of what is their own.
func (s *consoles) changedFor(agents ...contact.AgentID) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, agent := range agents {
		for _, c := range s.open[agent] {
			c.changed()
		}
	}
}

// changed tells every console that there is something new to show of what all show alike: at once, or, when they were told
// only just now, a moment later.
func (s *consoles) changed() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.changes++
	if s.telling {
		return
	}
	if wait := s.sharedEvery() - time.Since(s.told); wait > 0 {
		s.telling = true
		time.AfterFunc(wait, s.tellAll)
		return
	}
	s.tell()
}

func (s *consoles) tellAll() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.telling = false
	s.tell()
}

// tell needs the lock.
func (s *consoles) tell() {
	s.told, s.toldOf = time.Now(), s.changes
	s.renew()
	spread := s.sharedEvery() - stateEvery
	for _, list := range s.open {
		for _, c := range list {
			c.sharedChanged(spread)
		}
	}
}

// greetAgain says hello to every console anew. It asks for each agent's greeting once.
func (s *consoles) greetAgain(greeting func(contact.AgentID) (Hello, bool)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for agent, list := range s.open {
		hello, known := greeting(agent)
		if !known {
			continue
		}
		for _, c := range list {
			c.queue(Message{Hello: &hello})
		}
	}
}

// signal hands a message of the set-up of voice to the window that it is for, or to all of the
// agent's: the first that answers has the voice, and the others are told so.
func (s *consoles) signal(m bus.Signal) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.open[m.Agent] {
		if m.Console != "" && m.Console != c.id {
			continue
		}
		if m.Payload != nil {
			c.voices.heard(m)
		}
		signal := &VoiceSignal{Offer: m.Offer, Bound: m.Bound, Leg: m.Leg, Payload: m.Payload, Text: m.Text}
		if m.Offer == 0 {
			signal.Contact = m.Contact
		}
		c.queue(Message{Signal: signal})
	}
}

// signOut closes the sockets of a session that was ended.
func (s *consoles) signOut(sessionID string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, list := range s.open {
		for _, c := range list {
			if c.session.ID == sessionID {
				c.close(closeSignedOut, "signed out")
			}
		}
	}
}
