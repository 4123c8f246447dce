package queue

import (
	"fmt"

	"svar/contact"
	"svar/routing"
)

// A contact that the desk begins is dialled for its agent from the first moment. It has not waited for anybody: reached, it
// goes on like any call; not reached, it is closed, and nobody owes a call-back.

// planPlaceCall reserves the agent, who must be free for a call, ready or not.
func (e *Engine) planPlaceCall(v contact.PlaceCall, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact.ID]
	switch {
	case c != nil && c.Contact.Outgoing && c.holder() == v.Agent, e.isClosed(v.Contact.ID):
		return nothing, nil
	case c != nil:
		return nil, reject(contact.WrongState)
	}
	if rejection := e.mustBeSignedIn(v.Agent); rejection != nil {
		return nil, rejection
	}
	a := e.agents[v.Agent]
	switch {
	case a.Offer != 0 || !routing.Room(e.rules.Channels, a.has(nil), contact.Voice):
		return nil, reject(contact.NotFree)
	case !e.mayDial(now):
		return nil, reject(contact.DialLimit)
	}
	return func() {
		e.emit(contact.CallPlaced{
			Contact: v.Contact, Node: v.Node, Leg: v.Leg, Agent: v.Agent, Offer: e.lastOffer + 1, Expires: now.Add(e.dialTimeout()),
		}, now)
	}, nil
}

// isFirstDial reports whether the desk dials for the first time what it began.
func (c *entry) isFirstDial() bool {
	return c.State == contact.StateDialling && c.Contact.Outgoing && !c.Callback
}

// closeUnreached closes a call that the desk began and that reached nobody.
func (e *Engine) closeUnreached(c *entry, reason contact.DialFailure, now contact.Instant) {
	e.emit(contact.ContactClosed{
		Contact: c.Contact.ID, End: contact.EndNotReached, Waited: c.answerTime(now), Agent: c.Offer.Agent, Failure: reason,
	}, now)
}

// callPlaced folds the beginning of such a contact.
func (e *Engine) callPlaced(v contact.CallPlaced, now contact.Instant) error {
	id := v.Contact.ID
	a := e.agents[v.Agent]
	switch {
	case e.contacts[id] != nil:
		return fmt.Errorf("contact %s is open already", id)
	case !v.Contact.Outgoing || v.Contact.Channel != contact.Voice:
		return fmt.Errorf("contact %s is no call that the desk begins", id)
	case a == nil:
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	c := &entry{ContactState: ContactState{
		Contact: v.Contact, Node: v.Node, Leg: v.Leg, State: contact.StateDialling, Since: now, Place: e.lastPlace + 1,
		Offer: &OfferState{Offer: v.Offer, Agent: v.Agent, Since: now, Expires: v.Expires, Accepted: true},
		Dials: []contact.Instant{now},
	}}
	if err := e.hold(a, c, v.Offer); err != nil {
		return err
	}
	e.lastPlace++
	e.contacts[id] = c
	e.dials = addDial(e.dials, now)
	return nil
}
