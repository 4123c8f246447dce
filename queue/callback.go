package queue

import (
	"fmt"
	"slices"

	"svar/contact"
	"svar/routing"
)

const (
	// dialWindow is the time within which dials are counted against their limits.
	dialWindow contact.Millis = 3600_000
	// dialTimeout is how long a call-back is rung, and retryAfter how long it waits to be offered again, when
	// the rules do not say.
	dialTimeout contact.Millis = 45_000
	retryAfter  contact.Millis = 300_000
)

// planTakeCallback reserves a contact that waits to be called back for the agent who asks
// for it. Whoever is signed in may dial, ready or not.
func (e *Engine) planTakeCallback(v contact.TakeCallback, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.holder() == v.Agent && c.onTheWay(now):
		return nothing, nil
	case c.Callback && c.State == contact.StateOffered && c.Offer.Agent == v.Agent && c.alive(now):
		return func() { e.acceptCallback(c, v.Node, v.Confirmed, now) }, nil
	case !c.Callback || c.State != contact.StateWaiting:
		return nil, reject(contact.WrongState)
	}
	if rejection := e.mustBeSignedIn(v.Agent); rejection != nil {
		return nil, rejection
	}
	a := e.agents[v.Agent]
	switch {
	case a.Offer != 0 || !routing.Room(e.rules.Channels, a.has(nil), c.Contact.Channel):
		return nil, reject(contact.NotFree)
	case countDials(c.Dials, now) >= int(e.rules.DialsPerContact), !e.mayDial(now):
		return nil, reject(contact.DialLimit)
	}
	return func() { e.dial(c, e.lastOffer+1, v.Agent, v.Node, v.Confirmed, now) }, nil
}

// acceptCallback takes the yes of the agent whom a call-back is offered to. It is dialled on the node.
func (e *Engine) acceptCallback(c *entry, node contact.NodeID, confirmed bool, now contact.Instant) {
	offer, agent := c.Offer.Offer, c.Offer.Agent
	e.emit(contact.OfferAccepted{Contact: c.Contact.ID, Offer: offer, Agent: agent}, now)
	e.dial(c, offer, agent, node, confirmed, now)
}

// dial lets the node call the user back for the agent.
func (e *Engine) dial(c *entry, offer contact.OfferID, agent contact.AgentID, node contact.NodeID, confirmed bool, now contact.Instant) {
	e.emit(contact.CallbackTaken{
		Contact: c.Contact.ID, Offer: offer, Agent: agent, Node: node, Expires: now.Add(e.dialTimeout()), Confirmed: confirmed,
	}, now)
}

// dialTimeout is how long somebody is rung by us.
func (e *Engine) dialTimeout() contact.Millis {
	if e.rules.DialTimeout == 0 {
		return dialTimeout
	}
	return e.rules.DialTimeout
}

// onTheWay reports whether the call that its agent may ask for is dialled already, or stands.
func (c *entry) onTheWay(now contact.Instant) bool {
	switch c.State {
	case contact.StateDialling:
		return c.alive(now)
	case contact.StateConnected, contact.StateHeld:
		return !c.Contact.Channel.Written()
	default:
		return false
	}
}

// planFailDial takes the node's word that the user was not reached.
func (e *Engine) planFailDial(v contact.FailDial, now contact.Instant) (func(), *contact.Rejection) {
	c := e.liveOffer(v.Offer, now)
	if c != nil && c.asks(v.Offer) && c.Consult.talksOutside() {
		return func() { e.endOutside(c, v.Reason, now) }, nil
	}
	if c == nil || c.State != contact.StateDialling {
		return nil, reject(contact.OfferGone)
	}
	return func() {
		agent := c.holder()
		e.failDial(c, v.Reason, now)
		if v.Reason == contact.DialFault {
			e.pause(agent, contact.ByFault, now)
		}
	}, nil
}

// failDial lets a contact that is being dialled wait to be called back again, or closes one that the desk began.
func (e *Engine) failDial(c *entry, reason contact.DialFailure, now contact.Instant) {
	if c.isFirstDial() {
		e.closeUnreached(c, reason, now)
		return
	}
	e.emit(contact.CallbackFailed{Contact: c.Contact.ID, Offer: c.Offer.Offer, Agent: c.Offer.Agent, Reason: reason}, now)
}

// callbackTaken folds the beginning of a dial. The node that dials has the contact from
// then on. When the agent has accepted an offer of it, the dial is that offer going on.
func (e *Engine) callbackTaken(c *entry, a *AgentState, v contact.CallbackTaken, now contact.Instant) error {
	if !c.Callback {
		return fmt.Errorf("contact %s does not wait to be called back", v.Contact)
	}
	accepted := c.Offer != nil && c.Offer.Offer == v.Offer && c.Offer.Agent == v.Agent && c.Offer.Accepted
	if a.Offer != 0 && !accepted {
		return fmt.Errorf("agent %s has the open offer %d", a.Agent, a.Offer)
	}
	if c.Offer != nil && !accepted {
		return fmt.Errorf("contact %s has the open offer %d", v.Contact, c.Offer.Offer)
	}
	if err := e.move(c, contact.StateDialling, now); err != nil {
		return err
	}
	c.Node = v.Node
	c.Dials, e.dials = addDial(c.Dials, now), addDial(e.dials, now)
	if accepted {
		c.Offer.Expires, c.Offer.Confirmed = v.Expires, v.Confirmed
		e.watch(c)
		return nil
	}
	c.Offer = &OfferState{Offer: v.Offer, Agent: v.Agent, Since: now, Expires: v.Expires, Accepted: true, Confirmed: v.Confirmed}
	return e.hold(a, c, v.Offer)
}

// addDial adds a dial at now and forgets those that count no more.
func addDial(dials []contact.Instant, now contact.Instant) []contact.Instant {
	return append(slices.Clone(dials[len(dials)-countDials(dials, now):]), now)
}

// countDials is how many of the dials, which are sorted, count against a limit at now.
func countDials(dials []contact.Instant, now contact.Instant) int {
	old, _ := slices.BinarySearchFunc(dials, now, func(at, now contact.Instant) int {
		if at.Add(dialWindow) <= now {
			return -1
		}
		return 1
	})
	return len(dials) - old
}
