package agentui

import (
	"context"
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
	// want is what the dispatcher should know.
	want    bool
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
	if p.sockets > 0 {
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
// leader, an agent whose console is open may be taken for unreachable.
func (r *reach) heard(view bus.AgentView) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if p := r.agents[view.Agent]; p != nil && p.sockets > 0 && !view.Reachable {
		r.tell(view.Agent, p, true)
	}
}

// tell sends what is wanted, in order: one sender for an agent at a time, which goes on
// until what it sent is what is wanted. The lock is held.
func (r *reach) tell(agent contact.AgentID, p *presence, reachable bool) {
	p.want = reachable
	if p.sending {
		return
	}
	p.sending = true
	r.tasks.Go(func() {
		for {
			r.mutex.Lock()
			want := p.want
			r.mutex.Unlock()
			err := r.send.Send(r.life, contact.SetReachable{Agent: agent, Node: r.node, Reachable: want})
			if err != nil && r.life.Err() == nil {
				r.log.Warn().Err(err).Str("agent", string(agent)).Msg("the dispatcher did not take whether an agent is reached")
			}
			r.mutex.Lock()
			if p.want == want || r.life.Err() != nil {
				p.sending = false
				r.mutex.Unlock()
				return
			}
			r.mutex.Unlock()
		}
	})
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
