package queue

import (
	"fmt"
	"slices"
	"strings"

	"svar/contact"
)

// apply is the fold: the only code that changes the state.
func (e *Engine) apply(event contact.Event, now contact.Instant) error {
	if err := e.fold(event, max(now, e.last)); err != nil {
		return fmt.Errorf("apply %s: %w", contact.EventName(event), err)
	}
	e.last = max(now, e.last)
	return nil
}

func (e *Engine) fold(event contact.Event, now contact.Instant) error {
	switch v := event.(type) {
	case contact.LeaderElected:
		e.elected(v, now)
		return nil
	case contact.RulesChanged:
		e.rules = v.Rules
		e.rules.OutcomeCodes = slices.Clone(v.Rules.OutcomeCodes)
		return nil
	case contact.RosterChanged:
		e.enrol(v.Roster, now)
		return nil
	case contact.PresenceChanged:
		return e.changePresence(v, now)
	case contact.ReachabilityChanged:
		return e.changeReachability(v, now)
	case contact.ContactArrived:
		return e.arrived(v, now)
	case contact.ContactClosed:
		return e.close(v, now)
	}
	id, agentID := Touched(event)
	c := e.contacts[id]
	if c == nil {
		return fmt.Errorf("contact %s is not open", id)
	}
	if agentID != "" && e.agents[agentID] == nil {
		return fmt.Errorf("agent %s is unknown", agentID)
	}
	return e.foldContact(c, e.agents[agentID], event, now)
}

// foldContact folds the events of one open contact. a is the agent whom the event
// names, if any.
func (e *Engine) foldContact(c *entry, a *AgentState, event contact.Event, now contact.Instant) error {
	switch v := event.(type) {
	case contact.ContactGreeted:
		return e.move(c, contact.StateGreeted, now)
	case contact.ContactQueued:
		return e.queued(c, v, now)
	case contact.ContactOffered:
		return e.offered(c, a, v, now)
	case contact.OfferAccepted:
		if c.Offer == nil || c.Offer.Offer != v.Offer || c.Offer.Accepted {
			return fmt.Errorf("offer %d is not open", v.Offer)
		}
		c.Offer.Accepted, c.Offer.Expires = true, now.Add(e.rules.ConnectTimeout)
		e.watch(c)
		a.MissedInRow = 0
		return nil
	case contact.OfferDeclined:
		if err := e.takeBack(c, a, v.Offer, now); err != nil {
			return err
		}
		a.Declined = v.Offer
		return e.passOver(c, a, v.Again, now)
	case contact.OfferMissed:
		if err := e.takeBack(c, a, v.Offer, now); err != nil {
			return err
		}
		a.MissedInRow = min(a.MissedInRow, 254) + 1
		missed := MissedOffer{Contact: v.Contact, Line: c.Contact.Line, Offer: v.Offer, At: now}
		a.Missed = slices.Insert(a.Missed, 0, missed)
		a.Missed = a.Missed[:min(len(a.Missed), maxMissed)]
		return e.passOver(c, a, v.Again, now)
	case contact.OfferWithdrawn:
		return e.takeBack(c, a, v.Offer, now)
	case contact.ContactConnected:
		return e.connected(c, v, now)
	case contact.ContactReturned:
		return e.returned(c, a, v, now)
	case contact.ContactHungUp:
		if c.Agent != v.Agent {
			return fmt.Errorf("contact %s is with %q, not %q", v.Contact, c.Agent, v.Agent)
		}
		e.loseLegs(c)
		return e.move(c, contact.StateWrapUp, now)
	case contact.ContactDropped:
		return e.dropped(c, now)
	default:
		return fmt.Errorf("no such event: %T", event)
	}
}

// move changes the state, and with it whether the contact stands in a line.
func (e *Engine) move(c *entry, next contact.State, now contact.Instant) error {
	if !c.State.CanBecome(next) {
		return fmt.Errorf("contact %s cannot go from %s to %s", c.Contact.ID, c.State, next)
	}
	e.stepOut(c)
	c.State, c.Since = next, now
	if next == contact.StateWaiting && !c.Callback {
		e.lineUp(c)
	}
	return nil
}

func (e *Engine) elected(v contact.LeaderElected, now contact.Instant) {
	e.epoch, e.leader = v.Epoch, v.Node
	e.settled = 0
	if len(e.contacts) > 0 {
		e.settled = now.Add(settleTime)
	}
	for _, c := range e.contacts {
		if c.Offer != nil && c.Offer.Accepted {
			c.Offer.Expires = now.Add(e.rules.ConnectTimeout)
			e.watch(c)
		}
	}
}

func (e *Engine) arrived(v contact.ContactArrived, now contact.Instant) error {
	if e.contacts[v.Contact.ID] != nil {
		return fmt.Errorf("contact %s is open already", v.Contact.ID)
	}
	e.lastPlace++
	e.contacts[v.Contact.ID] = &entry{ContactState: ContactState{
		Contact: v.Contact, Node: v.Node, Leg: v.Leg, State: contact.StateArrived, Since: now, Place: e.lastPlace,
	}}
	return nil
}

func (e *Engine) queued(c *entry, v contact.ContactQueued, now contact.Instant) error {
	again := c.State == contact.StateWaiting && !c.Callback
	if again {
		e.stepOut(c)
	}
	c.Needs, c.Class, c.Target = slices.Clone(v.Needs), v.Class, v.Target
	if again {
		e.lineUp(c)
		return nil
	}
	c.Queued = now
	return e.move(c, contact.StateWaiting, now)
}

func (e *Engine) offered(c *entry, a *AgentState, v contact.ContactOffered, now contact.Instant) error {
	if a.Contact != "" {
		return fmt.Errorf("agent %s has contact %s", a.Agent, a.Contact)
	}
	if err := e.move(c, contact.StateOffered, now); err != nil {
		return err
	}
	c.Offer = &OfferState{Offer: v.Offer, Agent: v.Agent, Since: now, Expires: v.Expires, Why: v.Why}
	e.offers[v.Offer] = c
	e.lastOffer = max(e.lastOffer, v.Offer)
	e.watch(c)
	a.Contact = v.Contact
	e.refresh(a)
	return nil
}

// takeBack ends an open offer and puts the contact back into its place.
func (e *Engine) takeBack(c *entry, a *AgentState, offer contact.OfferID, now contact.Instant) error {
	if c.Offer == nil || c.Offer.Offer != offer || c.Offer.Agent != a.Agent {
		return fmt.Errorf("offer %d is not open", offer)
	}
	e.loseLegs(c)
	e.release(a)
	return e.move(c, contact.StateWaiting, now)
}

// returned puts a contact whose agent's leg broke back into its place.
func (e *Engine) returned(c *entry, a *AgentState, v contact.ContactReturned, now contact.Instant) error {
	if c.Connected != v.Offer || c.Agent != a.Agent {
		return fmt.Errorf("contact %s is not connected by offer %d", v.Contact, v.Offer)
	}
	e.finishAgent(c, now)
	e.loseLegs(c)
	c.Agent = ""
	return e.move(c, contact.StateWaiting, now)
}

// loseLegs forgets the offer, and whatever came of it.
func (e *Engine) loseLegs(c *entry) {
	if c.Offer != nil {
		delete(e.offers, c.Offer.Offer)
	}
	delete(e.offers, c.Connected)
	c.Offer, c.Connected, c.AgentLeg = nil, 0, ""
}

// passOver keeps the contact from the agent until again.
func (e *Engine) passOver(c *entry, a *AgentState, again, now contact.Instant) error {
	c.PassedOver = slices.DeleteFunc(c.PassedOver, func(p PassedOver) bool { return p.Until <= now || p.Agent == a.Agent })
	at, _ := slices.BinarySearchFunc(c.PassedOver, a.Agent, func(p PassedOver, id contact.AgentID) int {
		return strings.Compare(string(p.Agent), string(id))
	})
	c.PassedOver = slices.Insert(c.PassedOver, at, PassedOver{Agent: a.Agent, Until: again})
	e.passedOver[c.Contact.ID] = c
	a.IdleSince = now
	e.refresh(a)
	return nil
}

// forgive ends that the agent is passed over for anything: who says that he is ready
// again may be rung again.
func (e *Engine) forgive(agent contact.AgentID) {
	for id, c := range e.passedOver {
		c.PassedOver = slices.DeleteFunc(c.PassedOver, func(p PassedOver) bool { return p.Agent == agent })
		if len(c.PassedOver) == 0 {
			c.PassedOver = nil
			delete(e.passedOver, id)
		}
	}
}

func (e *Engine) connected(c *entry, v contact.ContactConnected, now contact.Instant) error {
	if c.Offer == nil || c.Offer.Offer != v.Offer || !c.Offer.Accepted {
		return fmt.Errorf("offer %d is not accepted", v.Offer)
	}
	if err := e.move(c, contact.StateConnected, now); err != nil {
		return err
	}
	c.Offer, c.Agent, c.Connected, c.AgentLeg = nil, v.Agent, v.Offer, v.Leg
	if c.Answered == 0 {
		c.Answered = now
	}
	c.PassedOver = nil
	delete(e.passedOver, c.Contact.ID)
	return nil
}

func (e *Engine) dropped(c *entry, now contact.Instant) error {
	if c.Offer != nil {
		return fmt.Errorf("contact %s has an open offer", c.Contact.ID)
	}
	e.finishAgent(c, now)
	e.loseLegs(c)
	c.Agent, c.Callback = "", true
	if c.State == contact.StateWaiting {
		e.stepOut(c)
		c.Since = now
		return nil
	}
	return e.move(c, contact.StateWaiting, now)
}

func (e *Engine) close(v contact.ContactClosed, now contact.Instant) error {
	c := e.contacts[v.Contact]
	if c == nil {
		if v.Refused == nil {
			return fmt.Errorf("contact %s is not open", v.Contact)
		}
		c = &entry{ContactState: ContactState{Contact: *v.Refused}}
	}
	if c.Offer != nil {
		return fmt.Errorf("contact %s has an open offer", v.Contact)
	}
	if err := e.move(c, contact.StateClosed, now); err != nil {
		return err
	}
	e.finishAgent(c, now)
	e.loseLegs(c)
	c.End, c.Agent, c.Callback = v.End, v.Agent, false
	delete(e.contacts, v.Contact)
	delete(e.passedOver, v.Contact)
	e.remember(closedContact{Contact: v.Contact, Agent: v.Agent})
	e.justClosed = append(e.justClosed, c)
	return nil
}

func (e *Engine) remember(c closedContact) {
	e.closed = append(e.closed, c)
	e.closedBy[c.Contact] = c.Agent
	if len(e.closed) > closedMemory {
		delete(e.closedBy, e.closed[0].Contact)
		e.closed = e.closed[1:]
	}
}

// finishAgent frees the agent who has the contact; the idle time begins anew.
func (e *Engine) finishAgent(c *entry, now contact.Instant) {
	if a := e.agents[c.Agent]; a != nil {
		a.IdleSince = now
		e.release(a)
	}
}

// release says that the agent has no contact any more.
func (e *Engine) release(a *AgentState) {
	a.Contact = ""
	e.refresh(a)
}

// refresh brings the pool of free agents up to date with the agent, and forgets one who
// is gone and has nothing open.
func (e *Engine) refresh(a *AgentState) {
	if a.free() {
		e.pool.Free(a.Agent, a.Skills, a.IdleSince)
	} else {
		e.pool.Busy(a.Agent)
	}
	if a.Gone && a.Contact == "" && !a.Reachable() {
		delete(e.agents, a.Agent)
	}
}

// enrol takes over a roster. Agents who are gone from it keep what they have open.
func (e *Engine) enrol(roster contact.Roster, now contact.Instant) {
	listed := make(map[contact.AgentID]bool, len(roster.Agents))
	for _, agent := range roster.Agents {
		listed[agent.ID] = true
		a := e.agents[agent.ID]
		if a == nil {
			a = &AgentState{Agent: agent.ID, Presence: contact.SignedOut, Since: now, IdleSince: now}
			e.agents[agent.ID] = a
		}
		a.Skills, a.Gone = slices.Clone(agent.Skills), false
		e.refresh(a)
	}
	for id, a := range e.agents {
		if !listed[id] {
			a.Gone = true
			e.refresh(a)
		}
	}
}

func (e *Engine) changePresence(v contact.PresenceChanged, now contact.Instant) error {
	a := e.agents[v.Agent]
	if a == nil {
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	if v.Presence == contact.Ready && a.Presence != contact.Ready {
		a.IdleSince = now
		a.MissedInRow, a.Missed = 0, nil
		e.forgive(a.Agent)
	}
	if v.Presence != a.Presence || v.Reason != a.Reason {
		a.Since = now
	}
	a.Presence, a.Reason, a.Cause = v.Presence, v.Reason, v.Cause
	e.refresh(a)
	return nil
}

func (e *Engine) changeReachability(v contact.ReachabilityChanged, now contact.Instant) error {
	a := e.agents[v.Agent]
	if a == nil {
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	at, on := slices.BinarySearch(a.Nodes, v.Node)
	switch {
	case v.Reachable && !on:
		if !a.Reachable() {
			a.IdleSince = now
		}
		a.Nodes = slices.Insert(a.Nodes, at, v.Node)
	case !v.Reachable && on:
		a.Nodes = slices.Delete(a.Nodes, at, at+1)
	}
	e.refresh(a)
	return nil
}

func byID(a, b *entry) int {
	return strings.Compare(string(a.Contact.ID), string(b.Contact.ID))
}
