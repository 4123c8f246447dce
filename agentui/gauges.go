package agentui

import (
	"time"

	"svar/contact"
)

// The words of [Gauges.Agents]: what each agent of the roster is doing, one word for each.
const (
	AgentSignedOut = "signed-out"
	// AgentUnreachable is signed in, but no console of his is open.
	AgentUnreachable = "unreachable"
	AgentPaused      = "paused"
	// AgentReady waits for contacts; AgentBusy is asked for one or has one, whatever his presence.
	AgentReady = "ready"
	AgentBusy  = "busy"
)

// Gauges are what this node knows of the whole desk now, for those who watch over it. They
// hold no names.
type Gauges struct {
	// Connected is false while the dispatcher is silent: the rest is what it said last.
	Connected bool
	// Consoles are the open windows on this node alone.
	Consoles int
	// Contacts are the open ones, call-backs that wait included.
	Contacts map[contact.State]map[contact.Channel]int
	// Waiting are those that wait to be answered, by line: every configured line is there.
	// Call-backs are not among them.
	Waiting map[contact.LineID]Waiting
	// WaitingBySkill are the same by each skill that they need: one that needs two is counted
	// at both.
	WaitingBySkill map[contact.SkillID]Waiting
	// Callbacks are those that wait to be called back.
	Callbacks Waiting
	// Agents are counts by [AgentReady] and the other words; every word is there.
	Agents map[string]int
}

// Waiting is how many wait, and how long the first of them does.
type Waiting struct {
	Count int
	// Longest is since the first arrived; 0 when nobody waits.
	Longest time.Duration
}

func (w Waiting) with(arrived, now contact.Instant) Waiting {
	return Waiting{Count: w.Count + 1, Longest: max(w.Longest, now.Sub(arrived).Duration())}
}

// Gauges counts now. It may be called at any time, from any goroutine.
func (u *UI) Gauges() Gauges {
	g := u.board.gauges(u.instant())
	g.Consoles = u.consoles.count()
	for _, line := range u.catalogue.Load().Lines {
		if _, waited := g.Waiting[line.ID]; !waited {
			g.Waiting[line.ID] = Waiting{}
		}
	}
	return g
}

func (b *Board) gauges(now contact.Instant) Gauges {
	g := Gauges{
		Contacts: map[contact.State]map[contact.Channel]int{}, Waiting: map[contact.LineID]Waiting{},
		WaitingBySkill: map[contact.SkillID]Waiting{},
		Agents:         map[string]int{AgentSignedOut: 0, AgentUnreachable: 0, AgentPaused: 0, AgentReady: 0, AgentBusy: 0},
	}
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	g.Connected = b.connected
	for _, view := range b.contacts {
		of := view.Contact
		if g.Contacts[view.State] == nil {
			g.Contacts[view.State] = map[contact.Channel]int{}
		}
		g.Contacts[view.State][of.Channel]++
		switch {
		case view.State != contact.StateWaiting && view.State != contact.StateOffered:
		case view.Callback:
			g.Callbacks = g.Callbacks.with(of.Arrived, now)
		default:
			g.Waiting[of.Line] = g.Waiting[of.Line].with(of.Arrived, now)
			for _, need := range view.Needs {
				g.WaitingBySkill[need.Skill] = g.WaitingBySkill[need.Skill].with(of.Arrived, now)
			}
		}
	}
	for _, agent := range b.agents {
		doing := AgentPaused
		switch {
		case agent.Presence == contact.SignedOut || agent.Presence == "":
			doing = AgentSignedOut
		case !agent.Reachable:
			doing = AgentUnreachable
		case len(agent.Contacts) > 0:
			doing = AgentBusy
		case agent.Presence == contact.Ready:
			doing = AgentReady
		}
		g.Agents[doing]++
	}
	return g
}
