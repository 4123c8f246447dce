package queue

import (
	"fmt"
	"slices"

	"svar/contact"
)

// A call-back stands in a line like a call, in its old place, while it may be offered: the rules offer
// call-backs, it is due, and it was not tried in vain too often. When it was dialled as often as one contact may be
// within the hour it is due later; when the desk was, lines of call-backs are passed by.

// maxAhead is how far ahead a call-back may be promised.
const maxAhead contact.Millis = 30 * 24 * 3600_000

// offersCallback reports whether a waiting call-back may be offered, as far as it alone decides.
func (e *Engine) offersCallback(c *entry) bool {
	return e.rules.OfferCallbacks && e.rules.DialsPerContact > 0 && e.rules.DialsPerHour > 0 && c.DueAt == 0 && !c.Exhausted
}

// mayDial reports whether the desk may dial once more at now. Every call-back that is offered may be
// dialled, so it counts.
func (e *Engine) mayDial(now contact.Instant) bool {
	return countDials(e.dials, now)+e.asked < int(e.rules.DialsPerHour)
}

// countAsked counts the call-backs that are offered.
func (e *Engine) countAsked(c *entry, one int) {
	if c.Callback && c.State == contact.StateOffered {
		e.asked += one
	}
}

// freesAt is when there are fewer than limit of the dials within the hour; 0 when it is so always.
func freesAt(dials []contact.Instant, limit int) contact.Instant {
	if len(dials) < limit || limit == 0 {
		return 0
	}
	return dials[len(dials)-limit].Add(dialWindow)
}

// nextDial returns when the desk may dial again, after from, somebody for whom an agent is free.
func (e *Engine) nextDial(from contact.Instant) (contact.Instant, bool) {
	limit := int(e.rules.DialsPerHour) - e.asked
	if limit <= 0 || e.waiting == 0 || e.mayDial(from) {
		return 0, false
	}
	at := freesAt(e.dials, limit)
	for _, ranking := range e.pools[contact.Voice].Open() {
		for _, l := range e.byRanking[ranking] {
			if l.key.callback && e.head(l, at) != nil {
				return at, true
			}
		}
	}
	return 0, false
}

// postpone lets a call-back that was dialled as often as one contact may be come due when it may be dialled again.
func (e *Engine) postpone(c *entry, now contact.Instant) {
	if !e.rules.OfferCallbacks || e.rules.DialsPerContact == 0 || c.Exhausted {
		return
	}
	if at := freesAt(c.Dials, int(e.rules.DialsPerContact)); at > now {
		c.DueAt = max(c.DueAt, at)
	}
}

// withdrawUndialable takes back the offers of call-backs that the rules do not allow any more, the
// newest first.
func (e *Engine) withdrawUndialable(now contact.Instant) {
	if e.asked == 0 {
		return
	}
	offered := slices.DeleteFunc(e.sortedContacts(), func(c *entry) bool { return !c.Callback || c.State != contact.StateOffered })
	slices.SortFunc(offered, func(a, b *entry) int { return int(b.Offer.Offer) - int(a.Offer.Offer) })
	for _, c := range offered {
		tooMany := countDials(e.dials, now)+e.asked > int(e.rules.DialsPerHour)
		if tooMany || !e.rules.OfferCallbacks || countDials(c.Dials, now) >= int(e.rules.DialsPerContact) {
			e.withdraw(c, contact.RulesWithdrew, now)
		}
	}
}

// planScheduleCallback lets a call go on as a call-back, as its caller chose while he waited or as its agent has promised.
func (e *Engine) planScheduleCallback(v contact.ScheduleCallback, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if v.At > now.Add(maxAhead) {
		return nil, reject(contact.Invalid)
	}
	if v.At <= now {
		v.At = 0
	}
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case e.isScheduled(c, v):
		return nothing, nil
	case c.Callback, !c.Contact.Callable, c.Contact.Channel != contact.Voice, e.callbacksFull():
		return nil, reject(contact.WrongState)
	case v.Agent == "" && !c.waitsAlone(now):
		return nil, reject(contact.WrongState)
	case v.Agent == "":
	case !c.State.Joined() && c.State != contact.StateWrapUp, c.lapses(now), c.HandedOver != "":
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	return func() { e.schedule(c, v, now) }, nil
}

// isScheduled reports whether the contact waits as the command says.
func (e *Engine) isScheduled(c *entry, v contact.ScheduleCallback) bool {
	if !c.Callback || c.Exhausted || c.State != contact.StateWaiting && c.State != contact.StateOffered || (c.For != "") != v.Mine {
		return false
	}
	return (!v.Mine || c.For == v.Agent) && (c.DueAt == v.At || c.DueAt == max(v.At, freesAt(c.Dials, int(e.rules.DialsPerContact))))
}

// waitsAlone reports whether the caller hears what the system says, and no agent has him or said yes to him.
func (c *entry) waitsAlone(now contact.Instant) bool {
	switch c.State {
	case contact.StateGreeted, contact.StateWaiting:
		return true
	case contact.StateOffered:
		return !c.Offer.Accepted || !c.alive(now)
	default:
		return false
	}
}

func (e *Engine) schedule(c *entry, v contact.ScheduleCallback, now contact.Instant) {
	scheduled := contact.CallbackScheduled{Contact: v.Contact, By: contact.PartyCaller, Agent: v.Agent, From: c.State, At: v.At}
	if v.Agent != "" {
		scheduled.By = contact.PartyAgent
	}
	if v.Mine {
		scheduled.For = v.Agent
	}
	if c.Offer != nil {
		e.withdraw(c, contact.CallerLeft, now)
	}
	e.overTalk(c, now)
	e.emit(scheduled, now)
	if v.Mine && c.DueAt == 0 && e.rules.OfferCallbacks {
		e.comeDue(c, now)
	}
}

// comeDue decides that a call-back may be offered. Who promised it is asked alone at first, if he is ready.
func (e *Engine) comeDue(c *entry, now contact.Instant) {
	due := contact.CallbackDue{Contact: c.Contact.ID}
	if c.For != "" && e.rules.OfferCallbacks && e.attends(c.For, c.Contact.Channel) {
		due.For = c.For
		if e.rules.AppointmentWait > 0 {
			due.PreferUntil = now.Add(e.rules.AppointmentWait)
		}
	}
	e.emit(due, now)
}

// callbackScheduled folds a call-back that somebody wanted. The agent who had the contact is free.
func (e *Engine) callbackScheduled(c *entry, v contact.CallbackScheduled, now contact.Instant) error {
	switch {
	case c.Offer != nil:
		return fmt.Errorf("contact %s has an open offer", v.Contact)
	case c.Agent != v.Agent:
		return fmt.Errorf("contact %s is with %q, not %q", v.Contact, c.Agent, v.Agent)
	case c.Callback:
		return fmt.Errorf("contact %s waits to be called back already", v.Contact)
	}
	e.learnHandling(c, now)
	e.finishAgent(c, now)
	e.loseLegs(c)
	e.loseAgent(c)
	c.Returned, c.WrapUpUntil, c.LapseCode = false, 0, ""
	c.DueAt, c.For = v.At, v.For
	return e.becomeCallback(c, now)
}

// becomeCallback lets a contact whose leg is over wait to be called back, in its place.
func (e *Engine) becomeCallback(c *entry, now contact.Instant) error {
	e.stepOut(c)
	e.unkeep(c)
	if !c.Callback {
		c.Callback = true
		e.callbacks++
	}
	if c.State != contact.StateWaiting {
		return e.move(c, contact.StateWaiting, now)
	}
	c.Since = now
	e.stand(c, now)
	return nil
}

// callbackDue folds that a call-back may be offered from now on.
func (e *Engine) callbackDue(c *entry, v contact.CallbackDue, now contact.Instant) error {
	if !c.Callback || c.State != contact.StateWaiting {
		return fmt.Errorf("contact %s is %s and does not wait to be called back", v.Contact, c.State)
	}
	e.stepOut(c)
	c.DueAt = 0
	e.keep(c, v.For, v.PreferUntil, contact.Appointed)
	e.stand(c, now)
	return nil
}

// callbackFailed folds a dial in vain. A fault of ours is not counted against the user, but waits as long; and
// the agent was not left alone by a dial, except by such a fault.
func (e *Engine) callbackFailed(c *entry, a *AgentState, v contact.CallbackFailed, now contact.Instant) error {
	if c.State != contact.StateDialling {
		return fmt.Errorf("contact %s is %s and is not dialled", v.Contact, c.State)
	}
	if v.Reason != contact.DialFault {
		c.Tries = min(c.Tries, 254) + 1
		a.IdleSince = now
	}
	if e.rules.OfferCallbacks && e.rules.CallbackTries > 0 && c.Tries >= e.rules.CallbackTries {
		c.DueAt, c.Exhausted = 0, true
	}
	if e.rules.OfferCallbacks && !c.Exhausted {
		wait := e.rules.RetryAfter
		if wait == 0 {
			wait = retryAfter
		}
		c.DueAt = max(c.DueAt, now.Add(wait))
	}
	e.unkeep(c)
	return e.takeBack(c, a, v.Offer, now)
}

// endCallback forgets that the contact waits to be called back: the user is reached or rings again, or it is
// over. It must not stand in a line.
func (e *Engine) endCallback(c *entry) {
	if c.Callback {
		e.callbacks--
	}
	c.Callback, c.DueAt, c.For, c.Tries, c.Exhausted = false, 0, "", 0, false
}
