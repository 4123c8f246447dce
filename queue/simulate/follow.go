package simulate

import (
	"fmt"

	"svar/contact"
)

// step asks the engine and lets people do what follows.
func (p *play) step(command contact.Command) {
	if p.err != nil {
		return
	}
	events, err := p.engine.Step(command, p.now)
	if err != nil {
		p.err = fmt.Errorf("the engine refuses %s: %w", contact.CommandName(command), err)
		return
	}
	p.result.Steps++
	p.result.Events += len(events)
	for _, event := range events {
		p.follow(event)
	}
}

func (p *play) follow(event contact.Event) {
	switch v := event.(type) {
	case contact.ContactOffered:
		p.asked(p.calls[v.Contact], v)
	case contact.OfferAccepted:
		if c := p.calls[v.Contact]; c.source.stream.Channel.Held() {
			p.plan(p.now, happening{what: connect, of: c, offer: v.Offer})
		}
	case contact.OfferDeclined:
		p.takenBack(v.Contact)
	case contact.OfferMissed:
		p.takenBack(v.Contact)
	case contact.OfferWithdrawn:
		p.takenBack(v.Contact)
	case contact.ContactReturned:
		p.takenBack(v.Contact)
	case contact.ContactConnected:
		p.connected(p.calls[v.Contact])
	case contact.ContactReplied:
		p.answered(p.calls[v.Contact])
	case contact.ContactHungUp:
		c := p.calls[v.Contact]
		p.plan(p.now.Add(c.wrapUp), happening{what: finish, of: c, offer: c.offer})
	case contact.ContactClosed:
		p.closed(p.calls[v.Contact])
	case contact.PresenceChanged:
		w := p.worktime(v.Agent)
		w.ready = v.Presence == contact.Ready
	}
}

// worktime accounts for the agent's time until now, before it changes.
func (p *play) worktime(agent contact.AgentID) *worktime {
	w := &p.work[p.agents[agent]]
	w.until(p.now.Sub(p.scenario.From), p.scenario.Interval)
	return w
}

// asked: the agent accepts after ringing, a moment before the offer would run out at the latest.
func (p *play) asked(c *call, v contact.ContactOffered) {
	c.agent, c.offer = v.Agent, v.Offer
	p.worktime(v.Agent).contacts++
	if c.told >= 0 { // the wait that is told ends when an agent is found
		p.waits = append(p.waits, forecast{told: c.told, came: p.now.Sub(c.arrived)})
		c.told = -1
	}
	ringing := min(c.ringing, v.Expires.Sub(p.now)-1)
	p.plan(p.now.Add(ringing), happening{what: accept, of: c, offer: v.Offer})
}

func (p *play) takenBack(id contact.ID) { p.letGo(p.calls[id]) }

// letGo frees the agent of the contact.
func (p *play) letGo(c *call) {
	if c.agent == "" {
		return
	}
	number := p.agents[c.agent]
	w := p.worktime(c.agent)
	w.contacts--
	if w.contacts == 0 && p.leaving[number] {
		p.plan(p.now, happening{what: goHomeAtLast, number: number})
	}
	c.agent, c.offer = "", 0
}

func (p *play) connected(c *call) {
	switch c.source.stream.Channel {
	case contact.Voice:
		p.answered(c)
		p.plan(p.now.Add(c.handling), happening{what: hangUp, of: c, offer: c.offer})
	case contact.Chat:
		p.plan(p.now.Add(c.handling), happening{what: hangUp, of: c, offer: c.offer})
	default:
		p.plan(p.now.Add(c.handling+c.wrapUp), happening{what: finish, of: c, offer: c.offer})
	}
}

func (p *play) answered(c *call) {
	if c.answered {
		return
	}
	c.answered = true
	waited := p.now.Sub(c.arrived)
	f := p.figures(c)
	f.Answered++
	f.Waited += waited
	f.Longest = max(f.Longest, waited)
	if p.inTime(c) {
		f.Within++
	}
	p.observe(outcome{stream: c.source.number, waited: waited, answered: true, delayed: c.delayed})
}

// inTime reports whether an answer now is within the target, on the contact's own clock.
func (p *play) inTime(c *call) bool {
	waited := p.now.Sub(c.arrived)
	if clock := p.clocks[c.source.stream.Hours]; clock != nil {
		waited = clock.At(p.now) - clock.At(c.arrived)
	}
	return waited <= c.source.stream.Target
}

func (p *play) closed(c *call) {
	if !c.answered {
		waited := p.now.Sub(c.arrived)
		f := p.figures(c)
		f.Abandoned++
		if waited < ShortAbandon {
			f.Short++
		}
		p.observe(outcome{stream: c.source.number, waited: waited, delayed: c.delayed})
	}
	p.letGo(c)
	delete(p.calls, c.id)
}

// close accounts for what is left.
func (p *play) close() {
	for _, c := range p.calls {
		if !c.answered {
			p.figures(c).Open++
		}
	}
	for _, agent := range p.scenario.Agents {
		p.worktime(agent.ID).until(p.scenario.Length(), p.scenario.Interval)
	}
	addWork(p.result.Rows, p.scenario.Streams, p.scenario.Agents, p.work)
	p.result.Expected = accuracy(p.waits)
}
