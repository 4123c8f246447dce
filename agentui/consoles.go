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

func (s *consoles) add(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
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

// signal hands a message to the agent's newest console: one browser has the voice.
func (s *consoles) signal(m bus.Signal) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if list := s.open[m.Agent]; len(list) > 0 {
		newest := list[len(list)-1]
		newest.voice.Store(&bus.Signal{Node: m.Node, Contact: m.Contact, Offer: m.Offer})
		newest.queue(Message{Signal: &VoiceSignal{Offer: m.Offer, Payload: m.Payload}})
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
