package queue

import (
	"fmt"

	"svar/contact"
)

// sentOnBy reports whether the agent has sent the contact on, so that he who says so again is done.
func (c *entry) sentOnBy(agent contact.AgentID) bool {
	return c.SentBy == agent && c.Agent != agent
}

// planTransfer sends a contact on to a colleague who can be asked for it, free or busy, or to a group.
func (e *Engine) planTransfer(v contact.Transfer, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && v.To.Outside != "" && e.leftOutside(v.Contact, v.Agent):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.sentOnBy(v.Agent), c.HandedBy != 0 && c.HandedOver == v.To.Outside && c.Agent == v.Agent:
		return nothing, nil
	case !c.State.Joined(), e.overdue(c, now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case v.To.Agent == v.Agent:
		return nil, reject(contact.Invalid)
	case v.To.Outside != "":
		return e.planCallOutside(c, v.Agent, v.To.Outside, true, now)
	}
	if v.To.Agent != "" {
		if _, known := e.known(v.To.Agent); !known {
			return nil, reject(contact.UnknownAgent)
		}
		if !e.attends(v.To.Agent, c.Contact.Channel) {
			return nil, reject(contact.NotFree)
		}
	}
	return func() {
		e.overTalk(c, now)
		until := contact.Instant(0)
		if v.To.Agent != "" && e.rules.TransferWait > 0 {
			until = now.Add(e.rules.TransferWait)
		}
		e.emit(contact.ContactTransferred{
			Contact: v.Contact, Offer: c.Connected, Agent: v.Agent, To: v.To, Until: until, Again: max(now, until).Add(passOver),
		}, now)
	}, nil
}

// transferred folds that the agent has sent the contact on. It keeps its place, class and target; a
// group's needs replace those that it had, and give way from now on.
func (e *Engine) transferred(c *entry, a *AgentState, v contact.ContactTransferred, now contact.Instant) error {
	if c.Connected != v.Offer || c.Agent != a.Agent {
		return fmt.Errorf("contact %s is not connected with %q by offer %d", v.Contact, a.Agent, v.Offer)
	}
	e.learnHandling(c, now)
	e.finishAgent(c, now)
	e.loseLegs(c)
	e.loseAgent(c)
	c.SentBy = a.Agent
	if v.To.Agent != "" {
		e.keep(c, v.To.Agent, v.Until, contact.Transferred)
	} else {
		e.need(c, v.To.Needs, now)
	}
	if err := e.move(c, contact.StateWaiting, now); err != nil {
		return err
	}
	return e.passOver(c, a, v.Again, now)
}
