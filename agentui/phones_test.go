package agentui

import (
	"sync"
	"testing"

	"svar/contact"
)

// fakePhones are desk phones that come and go.
type fakePhones struct {
	mutex      sync.Mutex
	registered map[contact.AgentID]bool
	followers  []func(contact.AgentID)
	stopped    bool
}

func (p *fakePhones) PhoneRegistered(agent contact.AgentID) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.registered[agent]
}

func (p *fakePhones) FollowPhones(changed func(contact.AgentID)) (stop func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.followers = append(p.followers, changed)
	return func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.stopped = true
	}
}

func (p *fakePhones) set(agent contact.AgentID, registered bool) {
	p.mutex.Lock()
	p.registered[agent] = registered
	followers := p.followers
	p.mutex.Unlock()
	for _, changed := range followers {
		changed(agent)
	}
}

func TestTheConsoleKnowsOfTheDeskPhone(t *testing.T) {
	t.Parallel()
	phones := &fakePhones{registered: map[contact.AgentID]bool{}}
	t.Cleanup(func() { // after the surface has ended
		if !phones.stopped {
			t.Error("the surface follows desk phones after its end")
		}
	})
	w := newWorld(t)
	w.ui.config.Phones, w.ui.states.phones = phones, phones
	n := w.run().serve(nil)
	anna := n.console("anna")
	anna.state(func(s *ConsoleState) bool { return !s.Me.Phone })
	phones.set("bo", true)
	phones.set("anna", true)
	anna.state(func(s *ConsoleState) bool { return s.Me.Phone })
	phones.set("anna", false)
	anna.state(func(s *ConsoleState) bool { return !s.Me.Phone })
	n.console("bo").state(func(s *ConsoleState) bool { return s.Me.Phone })
}
