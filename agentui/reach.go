package agentui

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

// goneAfter is how long an agent's last socket may be gone before the agent counts as
// unreachable: a reload or a short cut of the network changes nothing.
const goneAfter = 10 * time.Second

// sender hands commands to the dispatcher; *bus.Bus is one.
type sender interface {
	Send(ctx context.Context, c contact.Command) error
}

// reach tells the dispatcher which agents have a console on this node. Several tabs and
// devices are one agent.
type reach struct {
	node  contact.NodeID
	send  sender
	log   zerolog.Logger
	life  context.Context
	tasks *sync.WaitGroup

	mutex  sync.Mutex
	agents map[contact.AgentID]*presence
}

// presence is one agent's consoles on this node.
type presence struct {
	sockets int
	// want is what the dispatcher should know; told is what it took last, if known.
	want, told, known bool
	// sending says that a sender is at work; it goes on until what it sent is wanted still.
	sending bool
	timer   *time.Timer
}

func newReach(life context.Context, tasks *sync.WaitGroup, node contact.NodeID, send sender, log zerolog.Logger) *reach {
	return &reach{node: node, send: send, log: log, life: life, tasks: tasks, agents: map[contact.AgentID]*presence{}}
}

// opened counts a new socket of the agent.
func (r *reach) opened(agent contact.AgentID) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.agents[agent]
	if p == nil {
		p = &presence{}
		r.agents[agent] = p
	}
	p.sockets++
	if p.timer != nil {
		p.timer.Stop()
	}
	r.tell(agent, p, true)
}

// closed counts one socket less.
func (r *reach) closed(agent contact.AgentID) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.agents[agent]
	p.sockets--
	if p.sockets > 0 || r.life.Err() != nil {
		return
	}
	p.timer = time.AfterFunc(goneAfter, func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if p.sockets == 0 && r.life.Err() == nil {
			r.tell(agent, p, false)
		}
	})
}

// heard compares the dispatcher's view with ours: after a restart of the node, or a new
// leader, an agent whose console is open may be taken for unreachable. What it rejects is
// not told again before something else changes, so there is no loop.
func (r *reach) heard(view bus.AgentView) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if p := r.agents[view.Agent]; p != nil && p.sockets > 0 && !view.Reachable {
		p.known = false
		r.tell(view.Agent, p, true)
	}
}

// tell sends what is wanted, in order, unless the dispatcher knows it: one sender for an
// agent at a time. The lock is held.
func (r *reach) tell(agent contact.AgentID, p *presence, reachable bool) {
	p.want = reachable
	if p.sending || (p.known && p.told == reachable) || r.life.Err() != nil {
		return
	}
	p.sending = true
	r.tasks.Go(func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for again := true; again && r.life.Err() == nil; {
			want := p.want
			p.told, p.known = want, true // heard may take it back while it is being sent
			r.mutex.Unlock()
			err := r.send.Send(r.life, contact.SetReachable{Agent: agent, Node: r.node, Reachable: want})
			r.mutex.Lock()
			again = p.want != want || (err == nil && !p.known)
			if err != nil {
				p.known = false
				r.refused(agent, err)
			}
		}
		p.sending = false
	})
}

func (r *reach) refused(agent contact.AgentID, err error) {
	rejection := (*contact.Rejection)(nil)
	switch {
	case r.life.Err() != nil:
	case errors.As(err, &rejection) && rejection.Code == contact.UnknownAgent: // who answers no contacts is in no roster
		r.log.Debug().Str("agent", string(agent)).Msg("the dispatcher knows no such agent")
	default:
		r.log.Warn().Err(err).Str("agent", string(agent)).Msg("the dispatcher did not take whether an agent is reached")
	}
}

// stop ends the timers; life has ended before.
func (r *reach) stop() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, p := range r.agents {
		if p.timer != nil {
			p.timer.Stop()
		}
	}
}
