package queue

import (
	"fmt"

	"svar/contact"
)

// planHold takes the word of the node that the user of a call hears music. Only a call can
// be held: nobody waits on the line of a text.
func (e *Engine) planHold(v contact.Hold, now contact.Instant) (func(), *contact.Rejection) {
	return e.planTurn(v.Contact, v.Agent, contact.StateHeld, contact.ContactHeld(v), now)
}

// planResume takes the word of the node that user and agent hear each other again.
func (e *Engine) planResume(v contact.Resume, now contact.Instant) (func(), *contact.Rejection) {
	return e.planTurn(v.Contact, v.Agent, contact.StateConnected, contact.ContactResumed(v), now)
}

// planTurn plans that a connected call goes on or off hold, which the event says.
func (e *Engine) planTurn(
	id contact.ID, agent contact.AgentID, next contact.State, event contact.Event, now contact.Instant,
) (func(), *contact.Rejection) {
	c := e.contacts[id]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.State.Joined() || c.Contact.Channel != contact.Voice:
		return nil, reject(contact.WrongState)
	case c.Agent != agent:
		return nil, reject(contact.NotYours)
	case c.State == next:
		return nothing, nil
	}
	return func() {
		if c.Conference { // the others talk on
			e.emit(contact.ConferenceChanged{Contact: id, Agent: agent}, now)
			return
		}
		if c.Consult != nil { // the user is with his agent again
			e.endConsult(c, contact.ConsultCancelled, now)
		}
		e.emit(event, now)
	}, nil
}

// turnHold folds that a call of the agent goes on or off hold.
func (e *Engine) turnHold(c *entry, agent contact.AgentID, next contact.State, now contact.Instant) error {
	if c.Agent != agent || !c.State.Joined() || c.Contact.Channel != contact.Voice {
		return fmt.Errorf("contact %s, a %s, is %s with %q, not a call of %q", c.Contact.ID, c.Contact.Channel, c.State, c.Agent, agent)
	}
	c.NotReached = nil
	return e.move(c, next, now)
}
