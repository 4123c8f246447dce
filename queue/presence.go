package queue

import (
	"cmp"
	"fmt"
	"slices"

	"svar/contact"
)

func (e *Engine) planPresence(v contact.SetPresence, now contact.Instant) (func(), *contact.Rejection) {
	a, known := e.known(v.Agent)
	switch {
	case !known:
		return nil, reject(contact.UnknownAgent)
	case !e.isPauseReason(v.Reason):
		return nil, reject(contact.Invalid)
	case v.Presence == contact.SignedOut && !v.After && e.isEngaged(a, now):
		return nil, reject(contact.WrongState)
	case v.Presence != contact.SignedOut && !a.Reachable():
		return nil, reject(contact.NotSignedIn)
	case e.breakIsFull(a, v):
		return nil, reject(contact.BreakFull)
	}
	return func() { e.setPresence(a, v, now) }, nil
}

// isEngaged reports whether the agent has a contact that an own no cannot give back:
// accepted, dialled, connected or in wrap-up, or talks to a colleague about one.
func (e *Engine) isEngaged(a *AgentState, now contact.Instant) bool {
	return slices.ContainsFunc(a.Contacts, func(held Held) bool {
		c := e.contacts[held.Contact]
		switch {
		case c.Consult != nil && c.Consult.isWith(a.Agent):
			consult := c.consulting(now)
			return consult != nil && consult.Accepted
		case c.Offer != nil:
			return c.Offer.Accepted && c.alive(now)
		default:
			return !c.lapses(now)
		}
	})
}

// setPresence takes the agent's own word. An agent who is rung and leaves is not rung
// any more before the pause counts.
func (e *Engine) setPresence(a *AgentState, v contact.SetPresence, now contact.Instant) {
	if a.hasSaid(v) {
		return
	}
	if v.After {
		e.stopRinging(a, contact.AgentLeft, now)
		if len(a.Contacts) > 0 {
			e.emit(contact.PresencePlanned{Agent: v.Agent, Presence: v.Presence, Reason: v.Reason}, now)
			return
		}
	}
	if asked := e.offers[a.Offer]; v.Presence != contact.Ready || asked != nil && !takes(v.Channels, asked.Contact.Channel) {
		e.stopRinging(a, contact.AgentLeft, now)
	}
	e.emit(contact.PresenceChanged{
		Agent: v.Agent, Presence: v.Presence, Reason: v.Reason, Cause: contact.ByAgent, Channels: v.Channels,
	}, now)
}

// hasSaid reports whether the word is the last one that the agent has said. A pause by rule is not his.
func (a *AgentState) hasSaid(v contact.SetPresence) bool {
	if a.Next != "" {
		return v.After && v.Presence == a.Next && v.Reason == a.NextReason
	}
	return a.Presence == v.Presence && a.Reason == v.Reason && slices.Equal(a.Channels, v.Channels) &&
		(a.Cause == contact.ByAgent || a.Presence == contact.SignedOut)
}

// takes reports whether a ready agent who named the channels is asked for contacts of the channel.
func takes(named []contact.Channel, channel contact.Channel) bool {
	return len(named) == 0 || slices.Contains(named, channel)
}

// keepPlans lets the presences come that agents have planned for after their last contact.
func (e *Engine) keepPlans(now contact.Instant) {
	if len(e.leaving) == 0 {
		return
	}
	var leaving []*AgentState
	for _, a := range e.leaving {
		leaving = append(leaving, a)
	}
	slices.SortFunc(leaving, func(a, b *AgentState) int { return cmp.Compare(a.Agent, b.Agent) })
	for _, a := range leaving {
		e.emit(contact.PresenceChanged{Agent: a.Agent, Presence: a.Next, Reason: a.NextReason, Cause: contact.ByAgent}, now)
	}
}

// changePresence folds a presence. Only the agent's own word, or his leaving the roster, ends what he has
// planned: one who is paused by rule still leaves when he wanted to.
func (e *Engine) changePresence(v contact.PresenceChanged, now contact.Instant) error {
	a := e.agents[v.Agent]
	if a == nil {
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	if v.Presence == contact.Ready && a.Presence != contact.Ready {
		a.IdleSince, a.ReadySince = now, now
		a.MissedInRow = 0
		e.forgive(a.Agent)
	}
	if v.Presence == contact.SignedOut {
		a.Missed = nil
	}
	if v.Presence != a.Presence || v.Reason != a.Reason {
		a.Since = now
	}
	if v.Cause == contact.ByAgent || v.Cause == contact.ByRoster {
		a.Next, a.NextReason = "", ""
	}
	a.Presence, a.Reason, a.Cause, a.Channels = v.Presence, v.Reason, v.Cause, slices.Clone(v.Channels)
	e.refresh(a)
	return nil
}

// presencePlanned folds that the agent leaves after his last contact.
func (e *Engine) presencePlanned(v contact.PresencePlanned) error {
	a := e.agents[v.Agent]
	if a == nil {
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	a.Next, a.NextReason = v.Presence, v.Reason
	e.refresh(a)
	return nil
}
