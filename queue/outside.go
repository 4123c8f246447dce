package queue

import (
	"fmt"
	"slices"

	"svar/contact"
)

// A call to a place outside is a consultation whose other side has no name at the desk: it reserves nobody, and is rung
// for as long as a call-back. It counts against what the desk may dial. A blind one completes itself when it is answered.

// talksOutside reports whether a place outside is called, or talks.
func (c *ConsultState) talksOutside() bool { return c.To != "" }

// isWith reports whether the agent is the colleague who is asked.
func (c *ConsultState) isWith(agent contact.AgentID) bool { return agent != "" && c.With == agent }

// planCallOutside calls a place outside, for the agent to talk to or, when blind, for the user to be handed over to.
func (e *Engine) planCallOutside(c *entry, agent contact.AgentID, to contact.DestinationID, blind bool, now contact.Instant) (func(), *contact.Rejection) {
	if c.Contact.Channel != contact.Voice {
		return nil, reject(contact.WrongState)
	}
	if consult := c.consulting(now); consult != nil {
		switch same := consult.To == to; {
		case same && consult.Blind == blind:
			return nothing, nil
		case same && blind && consult.Connected: // they have talked; now the user may have it
			return func() { e.takeOutside(c, now) }, nil
		case !blind:
			return nil, reject(contact.WrongState)
		}
	}
	if !e.mayDial(now) {
		return nil, reject(contact.DialLimit)
	}
	return func() {
		e.overConsult(c, now)
		if c.State == contact.StateConnected {
			e.emit(contact.ContactHeld{Contact: c.Contact.ID, Agent: agent}, now)
		}
		e.emit(contact.OutsideCalled{
			Contact: c.Contact.ID, Offer: e.lastOffer + 1, Agent: agent, To: to, Blind: blind, Expires: now.Add(e.dialTimeout()),
		}, now)
	}, nil
}

// planAnswerOutside takes the node's word that the place outside has answered.
func (e *Engine) planAnswerOutside(c *entry, v contact.ConfirmConnected, now contact.Instant) (func(), *contact.Rejection) {
	switch {
	case c.Consult.Connected && !c.Consult.Blind:
		return nothing, nil
	case v.Leg == "":
		return nil, reject(contact.Invalid)
	}
	return func() {
		if !c.Consult.Connected { // else the last leader came no further
			e.emit(contact.OutsideAnswered{Contact: c.Contact.ID, Offer: v.Offer, To: c.Consult.To, Leg: v.Leg}, now)
		}
		if c.Consult.Blind {
			e.takeOutside(c, now)
		}
	}, nil
}

// takeOutside leaves the user to the place outside that talks with his agent.
func (e *Engine) takeOutside(c *entry, now contact.Instant) {
	to, offer, agent := c.Consult.To, c.Consult.Offer, c.Agent
	e.endSupervision(c, now)
	e.emit(contact.ContactHandedOver{Contact: c.Contact.ID, Agent: agent, To: to, Offer: offer, Until: e.wrapUpEnd(now)}, now)
	e.letGo(e.agents[agent], now)
}

// endOutside ends the call to a place outside. failure is why it was not reached, if it was not.
func (e *Engine) endOutside(c *entry, failure contact.DialFailure, now contact.Instant) {
	if c.Consult.Connected {
		failure = ""
	}
	e.emit(contact.OutsideEnded{Contact: c.Contact.ID, Offer: c.Consult.Offer, To: c.Consult.To, Failure: failure}, now)
}

// outsideFailure is why a place outside was not reached, in the words of a dial.
func outsideFailure(cause contact.ConsultCause) contact.DialFailure {
	switch cause {
	case contact.ConsultMissed:
		return contact.DialNoAnswer
	case contact.ConsultFault:
		return contact.DialFault
	default:
		return contact.DialCancelled
	}
}

// outsideCalled folds that a place outside is called.
func (e *Engine) outsideCalled(c *entry, v contact.OutsideCalled, now contact.Instant) error {
	if c.State != contact.StateHeld || c.Agent != v.Agent || c.Consult != nil {
		return fmt.Errorf("contact %s is %s with %q: nothing outside can be called about it", v.Contact, c.State, c.Agent)
	}
	c.Consult = &ConsultState{Offer: v.Offer, To: v.To, Blind: v.Blind, Since: now, Expires: v.Expires, Accepted: true}
	c.NotReached = nil
	e.offers[v.Offer] = c
	e.lastOffer = max(e.lastOffer, v.Offer)
	e.dials = addDial(e.dials, now)
	e.watch(c)
	return nil
}

// outsideOf returns the call to a place outside that an event is about.
func (c *entry) outsideOf(offer contact.OfferID, to contact.DestinationID) (*ConsultState, error) {
	if !c.asks(offer) || c.Consult.To != to || to == "" {
		return nil, fmt.Errorf("contact %s: %q is not called by offer %d", c.Contact.ID, to, offer)
	}
	return c.Consult, nil
}

func (e *Engine) outsideAnswered(c *entry, v contact.OutsideAnswered) error {
	consult, err := c.outsideOf(v.Offer, v.To)
	if err != nil {
		return err
	}
	if consult.Connected {
		return fmt.Errorf("offer %d is connected already", v.Offer)
	}
	consult.Connected, consult.Expires, consult.Leg = true, 0, v.Leg
	return nil
}

// outsideEnded folds that it is called no more. A call that was taken back is none that failed.
func (e *Engine) outsideEnded(c *entry, v contact.OutsideEnded, now contact.Instant) error {
	if _, err := c.outsideOf(v.Offer, v.To); err != nil {
		return err
	}
	c.Consult, c.Conference = nil, false
	if v.Failure != "" && v.Failure != contact.DialCancelled {
		c.NotReached = &NotReached{To: v.To, Failure: v.Failure, At: now}
	}
	delete(e.offers, v.Offer)
	e.watch(c)
	return nil
}

// handedBy reports whether the user of a contact was handed over to the place that was called by the offer.
func (e *Engine) handedBy(offer contact.OfferID) bool {
	if c := e.offers[offer]; c != nil {
		return c.HandedBy == offer
	}
	return slices.ContainsFunc(e.closed, func(c closedContact) bool { return c.HandedBy != 0 && c.HandedBy == offer })
}

// leftOutside reports whether the agent closed the contact after a place outside, that was called for it, had its user.
func (e *Engine) leftOutside(id contact.ID, agent contact.AgentID) bool {
	return e.wasClosedBy(id, agent) && e.closedBy[id].HandedBy != 0
}

// HandedOver returns the contacts of the node whose user is connected to a place outside that was called for him, open
// ones and those remembered of the closed, sorted by id. Nobody but the two ends that.
func (e *Engine) HandedOver(node contact.NodeID) []contact.ID {
	var list []contact.ID
	for _, c := range e.sortedContacts() {
		if c.Node == node && c.HandedBy != 0 {
			list = append(list, c.Contact.ID)
		}
	}
	for _, c := range e.closed {
		if c.HandedBy != 0 && c.Node == node {
			list = append(list, c.Contact)
		}
	}
	slices.Sort(list)
	return list
}

// Nodes returns those that have open contacts, or keep users connected to places outside that have theirs, sorted.
func (e *Engine) Nodes() []contact.NodeID {
	var nodes []contact.NodeID
	for _, c := range e.contacts {
		nodes = append(nodes, c.Node)
	}
	for _, c := range e.closed {
		nodes = append(nodes, c.Node)
	}
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)
	if len(nodes) > 0 && nodes[0] == "" { // of a mail or a form, and of what nobody was handed over by
		nodes = nodes[1:]
	}
	return nodes
}
