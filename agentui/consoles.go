package agentui

import (
	"slices"
	"sync"

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
	mutex sync.Mutex
	open  map[contact.AgentID][]*console // the newest last
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
}

func (s *consoles) remove(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	rest := slices.DeleteFunc(s.open[c.agent], func(other *console) bool { return other == c })
	if s.open[c.agent] = rest; len(rest) == 0 {
		delete(s.open, c.agent)
	}
}

func (s *consoles) count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for _, list := range s.open {
		n += len(list)
	}
	return n
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

// changed tells every console that there is something new to show.
func (s *consoles) changed() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, list := range s.open {
		for _, c := range list {
			c.changed()
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
