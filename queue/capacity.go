package queue

import (
	"fmt"
	"slices"

	"svar/contact"
	"svar/routing"
)

// free reports whether the agent may be offered a contact of the channel.
func (e *Engine) free(a *AgentState, channel contact.Channel) bool {
	if a.Gone || a.Next != "" || !takes(a.Channels, channel) || (channel.Written() && e.roomForTextAt(a) > e.clock) {
		return false
	}
	var few [8]contact.Channel // so that nothing is allocated for most agents
	status := routing.Status{Presence: a.Presence, Reachable: a.Reachable(), Asked: a.Offer != 0, Has: a.has(few[:0])}
	return status.Free(e.rules.Channels, channel)
}

// has adds the channels of all the contacts that the agent has.
func (a *AgentState) has(has []contact.Channel) []contact.Channel {
	for _, held := range a.Contacts {
		has = append(has, held.Channel)
	}
	return has
}

// hold reserves the contact and the agent for each other by an offer.
func (e *Engine) hold(a *AgentState, c *entry, offer contact.OfferID) error {
	if a.Offer != 0 {
		return fmt.Errorf("agent %s has the open offer %d", a.Agent, a.Offer)
	}
	a.Contacts = append(a.Contacts, Held{Contact: c.Contact.ID, Channel: c.Contact.Channel})
	a.Offer = offer
	e.offers[offer] = c
	e.lastOffer = max(e.lastOffer, offer)
	e.watch(c)
	e.refresh(a)
	return nil
}

// release says that the agent has the contact no more.
func (e *Engine) release(a *AgentState, c *entry) {
	a.Contacts = slices.DeleteFunc(a.Contacts, func(h Held) bool { return h.Contact == c.Contact.ID })
	if c.Offer != nil && c.Offer.Offer == a.Offer {
		a.Offer = 0
	}
	e.refresh(a)
}

// finishAgent frees the agent who has the contact; the idle time begins anew.
func (e *Engine) finishAgent(c *entry, now contact.Instant) {
	if a := e.agents[c.Agent]; a != nil {
		a.IdleSince = now
		e.release(a, c)
	}
}

// refresh brings what follows from the agent up to date, and forgets one who is gone and
// has nothing open.
func (e *Engine) refresh(a *AgentState) {
	e.watchRamp(a)
	for _, channel := range channels {
		if e.free(a, channel) {
			e.pools[channel].Free(a.Agent, a.Skills, a.Reserved, a.IdleSince)
		} else {
			e.pools[channel].Busy(a.Agent)
		}
	}
	e.doubtFor(a.Agent)
	e.muster(a)
	if !a.Reachable() && len(a.Contacts) > 0 {
		e.away[a.Agent] = a
	} else {
		delete(e.away, a.Agent)
	}
	if a.Next != "" && len(a.Contacts) == 0 {
		e.leaving[a.Agent] = a
	} else {
		delete(e.leaving, a.Agent)
	}
	if a.Gone && len(a.Contacts) == 0 && !a.Reachable() {
		delete(e.agents, a.Agent)
	}
}
