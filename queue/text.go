package queue

import (
	"slices"

	"svar/contact"
)

// texts are the written contacts that the agent is connected with, as they were given.
// Those in wrap-up are over and stay with their agent.
func (e *Engine) texts(a *AgentState) []*entry {
	var texts []*entry
	for _, held := range a.Contacts {
		if c := e.contacts[held.Contact]; c.isText() {
			texts = append(texts, c)
		}
	}
	return texts
}

// isText reports whether the contact is a written one that an agent is connected with.
func (c *entry) isText() bool {
	return c.State == contact.StateConnected && c.Contact.Channel.Written()
}

// returnsAt is when the agent's texts go back into the queue because nobody can see them
// any more; false when time alone does not bring that.
func (e *Engine) returnsAt(a *AgentState) (contact.Instant, bool) {
	if a.Reachable() || e.rules.UnreachableGrace == 0 || a.UnreachableSince == 0 {
		return 0, false
	}
	return a.UnreachableSince.Add(e.rules.UnreachableGrace), true
}

// overdue reports whether what is due by now takes the connected text from its agent.
func (e *Engine) overdue(c *entry, now contact.Instant) bool {
	a := e.agents[c.Agent]
	if a == nil || !c.isText() {
		return false
	}
	at, due := e.returnsAt(a)
	return due && at <= now
}

// nextReturn returns when the next text goes back because its agent stays away.
func (e *Engine) nextReturn() (first contact.Instant, due bool) {
	for _, a := range e.away {
		if at, returns := e.returnsAt(a); returns && (!due || at < first) && len(e.texts(a)) > 0 {
			first, due = at, true
		}
	}
	return first, due
}

// returnOverdue puts the texts of agents who have stayed away for too long back into
// their places.
func (e *Engine) returnOverdue(now contact.Instant) {
	if at, due := e.nextReturn(); !due || at > now {
		return
	}
	for _, id := range e.sortedAgents() {
		a := e.agents[id]
		if at, due := e.returnsAt(a); due && at <= now {
			e.returnTexts(a, contact.ReturnUnreachable, now)
		}
	}
}

// returnTexts puts all that the agent is writing in back into its place.
func (e *Engine) returnTexts(a *AgentState, cause contact.ReturnCause, now contact.Instant) {
	for _, c := range e.texts(a) {
		e.emit(contact.ContactReturned{Contact: c.Contact.ID, Offer: c.Connected, Agent: a.Agent, Cause: cause}, now)
	}
}

// planReply notes the first answer to a text.
func (e *Engine) planReply(v contact.Reply, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && e.wasClosedBy(v.Contact, v.Agent):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.Contact.Channel.Written(), c.lapses(now), e.overdue(c, now), c.State != contact.StateConnected && c.State != contact.StateWrapUp:
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case c.Answered != 0:
		return nothing, nil
	}
	return func() { e.emit(contact.ContactReplied(v), now) }, nil
}

// planGiveBack puts a text back into its place. One that waits and passes the agent over
// was given back before.
func (e *Engine) planGiveBack(v contact.GiveBack, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.State != contact.StateConnected && c.holder() != v.Agent && c.passes(v.Agent, now):
		return nothing, nil
	case !c.isText(), e.overdue(c, now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	return func() {
		e.emit(contact.ContactReturned{
			Contact: v.Contact, Offer: c.Connected, Agent: v.Agent, Cause: contact.ReturnGivenBack, Again: now.Add(passOver),
		}, now)
	}, nil
}

// planOutsideHours closes a contact that was told that the desk is closed. One that an
// agent has, or is asked for, was let in.
func (e *Engine) planOutsideHours(v contact.CloseOutsideHours, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	early := []contact.State{contact.StateArrived, contact.StateGreeted, contact.StateWaiting}
	switch {
	case c == nil && e.isClosed(v.Contact):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.Callback, !slices.Contains(early, c.State):
		return nil, reject(contact.WrongState)
	}
	return func() {
		e.emit(contact.ContactClosed{Contact: v.Contact, End: contact.EndOutsideHours, Waited: c.answerTime(now)}, now)
	}, nil
}
