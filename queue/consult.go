package queue

import (
	"fmt"

	"svar/contact"
	"svar/routing"
)

// A consultation is an offer of a held call to a second agent while the first one still has it. It
// reserves him like any offer, by the same number and the same index, and he has the contact among his until
// it ends. Whatever takes the contact from its agent ends it first ([Engine.overTalk]).

// asks reports whether the offer is the one by which a colleague is consulted.
func (c *entry) asks(offer contact.OfferID) bool {
	return c.Consult != nil && c.Consult.Offer == offer
}

// consulting returns the consultation of the contact that has not run out at now; nil when there
// is none.
func (c *entry) consulting(now contact.Instant) *ConsultState {
	if c.Consult == nil || (c.Consult.Expires != 0 && c.Consult.Expires <= now) {
		return nil
	}
	return c.Consult
}

// involves reports whether the agent is asked for the contact, dials it, has it or is consulted.
func (c *entry) involves(agent contact.AgentID) bool {
	return c.holder() == agent || c.Consult != nil && c.Consult.isWith(agent)
}

// planConsult asks a colleague who is free. Only a call has a user who can be left with music meanwhile.
func (e *Engine) planConsult(v contact.Consult, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.State.Joined() || c.Contact.Channel != contact.Voice:
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case v.To.Agent == v.Agent:
		return nil, reject(contact.Invalid)
	case v.To.Outside != "":
		return e.planCallOutside(c, v.Agent, v.To.Outside, false, now)
	}
	if consult := c.consulting(now); consult != nil {
		if e.isOf(consult.With, v.To) {
			return nothing, nil
		}
		return nil, reject(contact.WrongState)
	}
	with, rejection := e.colleague(c, v.To)
	if rejection != nil {
		return nil, rejection
	}
	return func() {
		if better, none := e.colleague(c, v.To); none == nil {
			with = better // what was due may have freed him
		}
		if c.State == contact.StateConnected {
			e.emit(contact.ContactHeld{Contact: v.Contact, Agent: v.Agent}, now)
		}
		e.emit(contact.ConsultOffered{
			Contact: v.Contact, Offer: e.lastOffer + 1, Agent: v.Agent, With: with, Expires: now.Add(e.offerTimeout(contact.Voice)),
		}, now)
	}, nil
}

// isOf reports whether the agent is, or belongs to, the destination.
func (e *Engine) isOf(agent contact.AgentID, to contact.Destination) bool {
	if to.Agent != "" {
		return agent == to.Agent
	}
	a := e.agents[agent]
	if a == nil {
		return false
	}
	_, eligible := routing.Level(a.Skills, to.Needs)
	return eligible
}

// colleague returns who is consulted about the call: the one who was named, if he is free, or the one
// whom routing prefers among those of a group who are.
func (e *Engine) colleague(c *entry, to contact.Destination) (contact.AgentID, *contact.Rejection) {
	if to.Agent != "" {
		a, known := e.known(to.Agent)
		switch {
		case !known:
			return "", reject(contact.UnknownAgent)
		case !e.free(a, contact.Voice), c.supervisedBy(to.Agent) != "":
			return "", reject(contact.NotFree)
		}
		return to.Agent, nil
	}
	pool := e.pools[contact.Voice]
	ranking := pool.Use(to.Needs, c.Class)
	defer pool.Release(ranking)
	choice, found := routing.Choose(ranking.Sorted(), func(agent contact.AgentID) bool {
		return agent == c.Agent || c.supervisedBy(agent) != ""
	})
	if !found {
		return "", reject(contact.NotFree)
	}
	return choice.Agent, nil
}

func (e *Engine) planAcceptConsult(c *entry, v contact.AcceptOffer, now contact.Instant) (func(), *contact.Rejection) {
	switch {
	case !c.Consult.isWith(v.Agent):
		return nil, reject(contact.NotYours)
	case c.Consult.Accepted:
		return nothing, nil
	}
	return func() {
		e.emit(contact.ConsultAccepted{Contact: c.Contact.ID, Offer: v.Offer, With: v.Agent}, now)
	}, nil
}

func (e *Engine) planDeclineConsult(c *entry, v contact.DeclineOffer, now contact.Instant) (func(), *contact.Rejection) {
	switch {
	case !c.Consult.isWith(v.Agent):
		return nil, reject(contact.NotYours)
	case c.Consult.Accepted:
		return nil, reject(contact.OfferGone)
	}
	return func() { e.endConsult(c, contact.ConsultDeclined, now) }, nil
}

func (e *Engine) planConfirmConsult(c *entry, v contact.ConfirmConnected, now contact.Instant) (func(), *contact.Rejection) {
	switch {
	case c.Consult.Connected:
		return nothing, nil
	case !c.Consult.Accepted:
		return nil, reject(contact.WrongState)
	case v.Leg == "":
		return nil, reject(contact.Invalid)
	}
	return func() {
		e.emit(contact.ConsultConnected{Contact: c.Contact.ID, Offer: v.Offer, With: c.Consult.With, Leg: v.Leg}, now)
	}, nil
}

// planEndConsult ends what is under way. When nothing is, that is done.
func (e *Engine) planEndConsult(v contact.EndConsult, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if c == nil {
		if e.isClosed(v.Contact) {
			return nothing, nil
		}
		return nil, reject(contact.UnknownContact)
	}
	consult := c.consulting(now)
	switch {
	case consult == nil:
		return nothing, nil
	case consult.isWith(v.Agent):
		return func() { e.leaveConsult(c, now) }, nil
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	return func() { e.endConsult(c, contact.ConsultCancelled, now) }, nil
}

// leaveConsult takes the no of the one who was asked: before the two talked, or after.
func (e *Engine) leaveConsult(c *entry, now contact.Instant) {
	cause := contact.ConsultDeclined
	if c.Consult.Connected {
		cause = contact.ConsultLeft
	}
	e.endConsult(c, cause, now)
}

// planComplete leaves the user to the colleague whom his agent talks with.
func (e *Engine) planComplete(v contact.CompleteTransfer, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && e.leftOutside(v.Contact, v.Agent):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.sentOnBy(v.Agent), c.HandedBy != 0 && c.Agent == v.Agent:
		return nothing, nil
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case c.Consult == nil, !c.Consult.Connected:
		return nil, reject(contact.WrongState)
	}
	return func() {
		if c.Consult.talksOutside() {
			e.takeOutside(c, now)
			return
		}
		e.endSupervision(c, now)
		e.endConsult(c, contact.ConsultCompleted, now)
	}, nil
}

// overTalk ends what goes on beside the talk of a contact that leaves its agent: whom he asks, and who listens.
func (e *Engine) overTalk(c *entry, now contact.Instant) {
	e.overConsult(c, now)
	e.endSupervision(c, now)
}

// overConsult ends what is under way because the contact leaves its agent; nothing when nothing is.
func (e *Engine) overConsult(c *entry, now contact.Instant) {
	if c.Consult != nil {
		e.endConsult(c, contact.ConsultOver, now)
	}
}

func (e *Engine) endConsult(c *entry, cause contact.ConsultCause, now contact.Instant) {
	if c.Consult.talksOutside() {
		e.endOutside(c, outsideFailure(cause), now)
		return
	}
	e.emit(contact.ConsultEnded{
		Contact: c.Contact.ID, Offer: c.Consult.Offer, Agent: c.Agent, With: c.Consult.With, Cause: cause,
	}, now)
}

// stopAsking ends the asking of an agent who has not accepted it.
func (e *Engine) stopAsking(a *AgentState, cause contact.ConsultCause, now contact.Instant) {
	if c := e.offers[a.Offer]; c != nil && c.asks(a.Offer) && !c.Consult.Accepted {
		e.endConsult(c, cause, now)
	}
}

// consultRunsOut ends a consultation that was not answered, or not connected, in time.
func (e *Engine) consultRunsOut(c *entry, now contact.Instant) {
	if c.Consult.talksOutside() {
		e.endOutside(c, contact.DialNoAnswer, now)
		return
	}
	if c.Consult.Accepted {
		e.failConsult(c, now)
		return
	}
	with := c.Consult.With
	e.endConsult(c, contact.ConsultMissed, now)
	e.pauseByMisses(with, now)
}

// failConsult ends a consultation because the colleague cannot be heard, and pauses him, so that the next
// caller does not meet the same fault.
func (e *Engine) failConsult(c *entry, now contact.Instant) {
	with := c.Consult.With
	e.endConsult(c, contact.ConsultFault, now) // a place outside is nobody who could be paused
	e.pause(with, contact.ByFault, now)
}

// consultOffered folds that a colleague is asked.
func (e *Engine) consultOffered(c *entry, with *AgentState, v contact.ConsultOffered, now contact.Instant) error {
	if c.State != contact.StateHeld || c.Agent != v.Agent || c.Consult != nil || v.With == v.Agent {
		return fmt.Errorf("contact %s is %s with %q: %q cannot be consulted about it", v.Contact, c.State, c.Agent, v.With)
	}
	if err := e.hold(with, c, v.Offer); err != nil {
		return err
	}
	c.Consult = &ConsultState{Offer: v.Offer, With: v.With, Since: now, Expires: v.Expires}
	c.NotReached = nil
	e.watch(c)
	return nil
}

// consultOf returns the consultation that an event is about.
func (c *entry) consultOf(offer contact.OfferID, with contact.AgentID) (*ConsultState, error) {
	if !c.asks(offer) || c.Consult.With != with {
		return nil, fmt.Errorf("contact %s: %q is not consulted by offer %d", c.Contact.ID, with, offer)
	}
	return c.Consult, nil
}

func (e *Engine) consultAccepted(c *entry, with *AgentState, v contact.ConsultAccepted, now contact.Instant) error {
	consult, err := c.consultOf(v.Offer, v.With)
	if err != nil {
		return err
	}
	if consult.Accepted {
		return fmt.Errorf("offer %d is accepted already", v.Offer)
	}
	consult.Accepted, consult.Expires = true, now.Add(e.rules.ConnectTimeout)
	with.MissedInRow = 0
	e.watch(c)
	return nil
}

func (e *Engine) consultConnected(c *entry, with *AgentState, v contact.ConsultConnected, now contact.Instant) error {
	consult, err := c.consultOf(v.Offer, v.With)
	if err != nil {
		return err
	}
	if !consult.Accepted || consult.Connected {
		return fmt.Errorf("offer %d is not accepted, or connected already", v.Offer)
	}
	consult.Connected, consult.Expires, consult.Leg = true, 0, v.Leg
	with.Offer, with.IdleSince = 0, now
	e.refresh(with)
	return nil
}

// consultEnded folds that the two talk no more: one of them is free.
func (e *Engine) consultEnded(c *entry, with *AgentState, v contact.ConsultEnded, now contact.Instant) error {
	consult, err := c.consultOf(v.Offer, v.With)
	if err != nil {
		return err
	}
	c.Consult, c.Conference = nil, false
	if v.Cause == contact.ConsultCompleted {
		return e.consultCompleted(c, consult, now)
	}
	delete(e.offers, v.Offer)
	if with.Offer == v.Offer {
		with.Offer = 0
	}
	switch v.Cause {
	case contact.ConsultMissed:
		with.MissedInRow = min(with.MissedInRow, 254) + 1
		with.miss(c, v.Offer, contact.MissedByTime, now)
		with.IdleSince = now
	case contact.ConsultDeclined:
		with.Declined, with.IdleSince = v.Offer, now
	case contact.ConsultFault:
		if !consult.Connected {
			with.missFault(c, v.Offer, now)
		}
	case contact.ConsultCompleted, contact.ConsultCancelled, contact.ConsultLeft, contact.ConsultOver:
	}
	if consult.Connected {
		with.IdleSince = now
	}
	e.release(with, c)
	return nil
}

// missFault notes an offer that did not reach the agent: he has no console, or his voice did not come up.
func (a *AgentState) missFault(c *entry, offer contact.OfferID, now contact.Instant) {
	cause := contact.MissedByFault
	if !a.Reachable() {
		cause = contact.MissedByReach
	}
	a.miss(c, offer, cause, now)
}

// consultCompleted folds that the one who was consulted has the contact, and that the first agent is
// free: what he chose is his own.
func (e *Engine) consultCompleted(c *entry, consult *ConsultState, now contact.Instant) error {
	if !consult.Connected {
		return fmt.Errorf("contact %s: the two do not talk", c.Contact.ID)
	}
	c.SentBy = c.Agent
	e.learnHandling(c, now)
	e.finishAgent(c, now)
	e.loseLegs(c)
	e.loseAgent(c)
	if c.State != contact.StateConnected { // as it is when they all heard each other
		if err := e.move(c, contact.StateConnected, now); err != nil {
			return err
		}
	}
	c.Since = now
	c.Agent, c.Connected, c.AgentLeg = consult.With, consult.Offer, consult.Leg
	c.ConnectedAt, c.TakenAt = now, now
	return nil
}
