package queue

import (
	"svar/contact"
)

// alive reports whether the contact has an offer that has not run out at now.
func (c *entry) alive(now contact.Instant) bool {
	return c.Offer != nil && now < c.Offer.Expires
}

// liveOffer returns the contact of an offer that is open, or by which it is connected or a colleague
// consulted.
func (e *Engine) liveOffer(id contact.OfferID, now contact.Instant) *entry {
	c := e.offers[id]
	switch {
	case c == nil:
		return nil
	case c.asks(id) && c.consulting(now) == nil:
		return nil
	case c.asks(id):
		return c
	case c.Connected == id && e.overdue(c, now), c.Connected != id && !c.alive(now):
		return nil
	}
	return c
}

// holder is the agent to whom the contact is offered, for whom it is dialled or who has it.
func (c *entry) holder() contact.AgentID {
	if c.Offer != nil {
		return c.Offer.Agent
	}
	return c.Agent
}

func (e *Engine) planAccept(v contact.AcceptOffer, now contact.Instant) (func(), *contact.Rejection) {
	c := e.liveOffer(v.Offer, now)
	switch {
	case c == nil:
		return nil, reject(contact.OfferGone)
	case c.asks(v.Offer):
		return e.planAcceptConsult(c, v, now)
	case c.holder() != v.Agent:
		return nil, reject(contact.NotYours)
	case c.Connected == v.Offer, c.Offer.Accepted:
		return nothing, nil
	}
	if c.Callback { // the one who accepts is the one for whom it is dialled
		return func() { e.acceptCallback(c, e.agents[v.Agent].Nodes[0], v.Confirmed, now) }, nil
	}
	return func() {
		e.emit(contact.OfferAccepted{Contact: c.Contact.ID, Offer: v.Offer, Agent: v.Agent}, now)
		if c.Leg == "" { // nobody has to be connected
			e.emit(contact.ContactConnected{Contact: c.Contact.ID, Offer: v.Offer, Agent: v.Agent}, now)
		}
	}, nil
}

func (e *Engine) planDecline(v contact.DeclineOffer, now contact.Instant) (func(), *contact.Rejection) {
	c := e.liveOffer(v.Offer, now)
	if c == nil {
		if a := e.agents[v.Agent]; a != nil && a.Declined == v.Offer {
			return nothing, nil
		}
		return nil, reject(contact.OfferGone)
	}
	switch {
	case c.asks(v.Offer):
		return e.planDeclineConsult(c, v, now)
	case c.holder() != v.Agent:
		return nil, reject(contact.NotYours)
	case c.State != contact.StateOffered: // one that was accepted and whose two are not connected yet may still be declined
		return nil, reject(contact.OfferGone)
	}
	return func() { e.decline(c, v.Reason, now) }, nil
}

// decline takes the agent's no.
func (e *Engine) decline(c *entry, reason string, now contact.Instant) {
	e.emit(contact.OfferDeclined{
		Contact: c.Contact.ID, Offer: c.Offer.Offer, Agent: c.Offer.Agent, Reason: reason, Again: now.Add(passOver),
	}, now)
}

func (e *Engine) planConfirm(v contact.ConfirmConnected, now contact.Instant) (func(), *contact.Rejection) {
	c := e.liveOffer(v.Offer, now)
	switch {
	case c == nil && e.handedBy(v.Offer):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.OfferGone)
	case c.asks(v.Offer) && c.Consult.talksOutside():
		return e.planAnswerOutside(c, v, now)
	case c.asks(v.Offer):
		return e.planConfirmConsult(c, v, now)
	case c.Connected == v.Offer:
		return nothing, nil
	case !c.Offer.Accepted:
		return nil, reject(contact.WrongState)
	case v.Leg == "" && !c.Contact.Channel.Written():
		return nil, reject(contact.Invalid) // nobody hears an agent without one
	}
	return func() {
		agent := c.Offer.Agent
		e.emit(contact.ContactConnected{Contact: c.Contact.ID, Offer: v.Offer, Agent: agent, Leg: v.Leg}, now)
		e.letGo(e.agents[agent], now)
	}, nil
}

func (e *Engine) planFailConnect(v contact.FailConnect, now contact.Instant) (func(), *contact.Rejection) {
	c := e.liveOffer(v.Offer, now)
	if c == nil {
		return nil, reject(contact.OfferGone)
	}
	if c.asks(v.Offer) {
		return func() { e.failConsult(c, now) }, nil
	}
	return func() { e.failConnect(c, now) }, nil
}

// failConnect puts a contact whose agent cannot be heard back into its place, and
// pauses the agent, so that the next caller does not meet the same fault.
func (e *Engine) failConnect(c *entry, now contact.Instant) {
	agent := c.holder()
	switch c.State {
	case contact.StateConnected, contact.StateHeld:
		e.overTalk(c, now)
		e.emit(contact.ContactReturned{Contact: c.Contact.ID, Offer: c.Connected, Agent: agent}, now)
	case contact.StateDialling:
		e.failDial(c, contact.DialFault, now)
	default:
		e.withdraw(c, contact.ConnectFailed, now)
	}
	e.pause(agent, contact.ByFault, now)
}

// missOffer ends an offer that nobody answered, and pauses the agent who missed as many
// in a row as the rules allow.
func (e *Engine) missOffer(c *entry, now contact.Instant) {
	agent := c.Offer.Agent
	e.emit(contact.OfferMissed{
		Contact: c.Contact.ID, Offer: c.Offer.Offer, Agent: agent, Again: now.Add(passOver),
	}, now)
	e.pauseByMisses(agent, now)
}

func (e *Engine) pauseByMisses(agent contact.AgentID, now contact.Instant) {
	if a := e.agents[agent]; a != nil && e.rules.MissLimit > 0 && a.MissedInRow >= e.rules.MissLimit {
		e.pause(agent, contact.ByMisses, now)
	}
}

// pause pauses a ready agent by rule.
func (e *Engine) pause(agent contact.AgentID, cause contact.PresenceCause, now contact.Instant) {
	if a := e.agents[agent]; a != nil && a.Presence == contact.Ready {
		e.emit(contact.PresenceChanged{Agent: agent, Presence: contact.Paused, Cause: cause}, now)
	}
}

// withdraw takes the contact's open offer back.
func (e *Engine) withdraw(c *entry, cause contact.WithdrawCause, now contact.Instant) {
	e.emit(contact.OfferWithdrawn{Contact: c.Contact.ID, Offer: c.Offer.Offer, Agent: c.Offer.Agent, Cause: cause}, now)
}

func (e *Engine) planHangUp(v contact.HangUp, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if c == nil {
		if e.wasClosedBy(v.Contact, v.Agent) {
			return nothing, nil
		}
		return nil, reject(contact.UnknownContact)
	}
	if consult := c.consulting(now); consult != nil && consult.isWith(v.Agent) {
		return func() { e.leaveConsult(c, now) }, nil
	}
	open := c.alive(now)
	switch {
	case e.overdue(c, now), !open && !c.State.Joined() && c.State != contact.StateWrapUp:
		return nil, reject(contact.WrongState)
	case c.holder() != v.Agent:
		return nil, reject(contact.NotYours)
	case c.State == contact.StateWrapUp:
		return nothing, nil
	case c.State == contact.StateDialling:
		return func() { e.failDial(c, contact.DialCancelled, now) }, nil
	case open: // not connected yet: it is a no to the offer, and the caller waits on
		return func() { e.decline(c, "", now) }, nil
	}
	return func() { e.hangUp(c, contact.PartyAgent, now) }, nil
}

func (e *Engine) planFinish(v contact.Finish, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && e.wasClosedBy(v.Contact, v.Agent) && e.closedBy[v.Contact].Lapsed:
		return nil, reject(contact.WrongState) // it is closed, but not with what this says
	case c == nil && e.wasClosedBy(v.Contact, v.Agent):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.Callback && c.State == contact.StateWaiting:
		if rejection := e.mustBeSignedIn(v.Agent); rejection != nil {
			return nil, rejection
		}
	case c.State != contact.StateWrapUp && !c.isText(), c.lapses(now), e.overdue(c, now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	if !e.isOutcome(v.Code) && (v.Code != "" || v.Ticket == "") {
		return nil, reject(contact.UnknownOutcome)
	}
	return func() { e.finish(c, v, now) }, nil
}

// finish closes a contact as its agent says. A text that the agent is connected with ends
// by that.
func (e *Engine) finish(c *entry, v contact.Finish, now contact.Instant) {
	var stage contact.Stage
	if c.Callback {
		stage = contact.StageCallback
	}
	if c.isText() {
		e.endConnection(c, contact.PartyAgent, now)
	}
	e.emit(contact.ContactClosed{
		Contact: v.Contact, End: c.answeredEnd(), Stage: stage, Waited: c.answerTime(now),
		Agent: v.Agent, Code: v.Code, Ticket: v.Ticket,
	}, now)
}
