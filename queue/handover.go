package queue

import (
	"fmt"

	"svar/contact"
)

// planHandOver takes the word of the node, or of the agent for a text, that a place outside has the
// user (requirement 2.2a). The agent has what came of it to say still.
func (e *Engine) planHandOver(v contact.HandOver, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && e.wasClosedBy(v.Contact, v.Agent):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.State == contact.StateWrapUp && c.Agent == v.Agent && c.HandedOver == v.To:
		return nothing, nil
	case !c.State.Joined(), e.overdue(c, now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	return func() {
		e.overTalk(c, now)
		e.emit(contact.ContactHandedOver{Contact: v.Contact, Agent: v.Agent, To: v.To, Until: e.wrapUpEnd(now)}, now)
		e.letGo(e.agents[v.Agent], now)
	}, nil
}

// handedOver folds the beginning of a wrap-up whose user is somewhere else now.
func (e *Engine) handedOver(c *entry, v contact.ContactHandedOver, now contact.Instant) error {
	if c.Agent != v.Agent {
		return fmt.Errorf("contact %s is with %q, not %q", v.Contact, c.Agent, v.Agent)
	}
	if v.Offer != 0 {
		consult, err := c.outsideOf(v.Offer, v.To)
		if err != nil {
			return err
		}
		if !consult.Connected {
			return fmt.Errorf("contact %s: %q has not answered", v.Contact, v.To)
		}
		c.Consult, c.Conference = nil, false
	}
	if err := e.wrapUp(c, v.Until, now); err != nil {
		return err
	}
	c.HandedOver, c.HandedBy = v.To, v.Offer
	return nil
}

// answeredEnd is how a contact ends that an agent has finished.
func (c *entry) answeredEnd() contact.End {
	if c.HandedOver != "" {
		return contact.EndHandedOver
	}
	return contact.EndHandled
}
