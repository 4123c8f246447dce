package queue

import (
	"fmt"
	"slices"
	"strings"

	"svar/contact"
)

// apply is the fold: the only code that changes the state.
func (e *Engine) apply(event contact.Event, now contact.Instant) error {
	if err := e.fold(event, max(now, e.last)); err != nil {
		return fmt.Errorf("apply %s: %w", contact.EventName(event), err)
	}
	e.last = max(now, e.last)
	return nil
}

func (e *Engine) fold(event contact.Event, now contact.Instant) error {
	switch v := event.(type) {
	case contact.LeaderElected:
		e.elected(v, now)
		return nil
	case contact.RulesChanged:
		return e.rule(v.Rules, now)
	case contact.RosterChanged:
		e.enrol(v.Roster, now)
		return nil
	case contact.PresenceChanged:
		return e.changePresence(v, now)
	case contact.PresencePlanned:
		return e.presencePlanned(v)
	case contact.ReachabilityChanged:
		return e.changeReachability(v, now)
	case contact.ContactArrived:
		return e.arrived(v, now)
	case contact.CallPlaced:
		return e.callPlaced(v, now)
	case contact.RecordingChanged:
		return e.recordingChanged(v)
	case contact.ContactClosed:
		return e.close(v, now)
	}
	id, agentID := Touched(event)
	c := e.contacts[id]
	if c == nil {
		return fmt.Errorf("contact %s is not open", id)
	}
	if agentID != "" && e.agents[agentID] == nil {
		return fmt.Errorf("agent %s is unknown", agentID)
	}
	return e.foldContact(c, e.agents[agentID], event, now)
}

// foldContact folds the events of one open contact. a is the agent whom the event
// names, if any.
func (e *Engine) foldContact(c *entry, a *AgentState, event contact.Event, now contact.Instant) error {
	switch v := event.(type) {
	case contact.ContactGreeted:
		return e.greeted(c, now)
	case contact.ContactQueued:
		return e.queued(c, v, now)
	case contact.ContactOffered:
		return e.offered(c, a, v, now)
	case contact.OfferAccepted:
		if c.Offer == nil || c.Offer.Offer != v.Offer || c.Offer.Accepted {
			return fmt.Errorf("offer %d is not open", v.Offer)
		}
		c.Offer.Accepted, c.Offer.Expires = true, now.Add(e.rules.ConnectTimeout)
		e.watch(c)
		a.MissedInRow = 0
		return nil
	case contact.OfferDeclined:
		if err := e.takeBack(c, a, v.Offer, now); err != nil {
			return err
		}
		a.Declined = v.Offer
		return e.passOver(c, a, v.Again, now)
	case contact.OfferMissed:
		if err := e.takeBack(c, a, v.Offer, now); err != nil {
			return err
		}
		a.MissedInRow = min(a.MissedInRow, 254) + 1
		a.miss(c, v.Offer, contact.MissedByTime, now)
		return e.passOver(c, a, v.Again, now)
	case contact.OfferWithdrawn:
		if err := e.takeBack(c, a, v.Offer, now); err != nil {
			return err
		}
		if cause, missed := missCause(v.Cause); missed {
			a.miss(c, v.Offer, cause, now)
		}
		return nil
	case contact.ContactConnected:
		return e.connected(c, a, v, now)
	case contact.ContactReplied:
		return e.replied(c, v, now)
	case contact.CallbackTaken:
		return e.callbackTaken(c, a, v, now)
	case contact.CallbackFailed:
		return e.callbackFailed(c, a, v, now)
	case contact.CallbackScheduled:
		return e.callbackScheduled(c, v, now)
	case contact.CallbackDue:
		return e.callbackDue(c, v, now)
	case contact.ContactReturned:
		return e.returned(c, a, v, now)
	case contact.ContactHeld:
		return e.turnHold(c, v.Agent, contact.StateHeld, now)
	case contact.ContactResumed:
		return e.turnHold(c, v.Agent, contact.StateConnected, now)
	case contact.ContactHungUp:
		return e.hungUp(c, v, now)
	case contact.WrapUpExtended:
		return e.wrapUpExtended(c, v)
	case contact.OutcomeChosen:
		return e.outcomeChosen(c, v)
	case contact.QualityReported:
		c.Measured = append(slices.Clone(c.Measured), Measured{Offer: v.Offer, Party: v.Party})
		return nil
	case contact.ContactDropped:
		return e.dropped(c, now)
	case contact.ContactTransferred:
		return e.transferred(c, a, v, now)
	case contact.ConsultOffered:
		return e.consultOffered(c, a, v, now)
	case contact.ConsultAccepted:
		return e.consultAccepted(c, a, v, now)
	case contact.ConsultConnected:
		return e.consultConnected(c, a, v, now)
	case contact.ConsultEnded:
		return e.consultEnded(c, a, v, now)
	case contact.ContactHandedOver:
		return e.handedOver(c, v, now)
	case contact.OutsideCalled:
		return e.outsideCalled(c, v, now)
	case contact.OutsideAnswered:
		return e.outsideAnswered(c, v)
	case contact.OutsideEnded:
		return e.outsideEnded(c, v, now)
	case contact.ConferenceChanged:
		return e.conferenceChanged(c, v, now)
	case contact.SupervisionChanged:
		return e.supervisionChanged(c, v)
	case contact.ContactMarked:
		return e.marked(c, v)
	case contact.ContactRejoined:
		return e.rejoined(c, v, now)
	case contact.NeedsRelaxed:
		return e.relaxed(c, v)
	case contact.PreferenceEnded:
		e.restand(c, func() { e.unkeep(c) })
		return nil
	case contact.ImpactSet:
		e.impactSet(c, v)
		return nil
	default:
		return fmt.Errorf("no such event: %T", event)
	}
}

// move changes the state, and with it whether the contact stands in a line.
func (e *Engine) move(c *entry, next contact.State, now contact.Instant) error {
	if !c.State.CanBecome(next) {
		return fmt.Errorf("contact %s cannot go from %s to %s", c.Contact.ID, c.State, next)
	}
	if c.Consult != nil {
		return fmt.Errorf("contact %s has an open consultation", c.Contact.ID)
	}
	if len(c.Supervisors) > 0 && !next.Joined() {
		return fmt.Errorf("contact %s has %d supervisors who listen", c.Contact.ID, len(c.Supervisors))
	}
	e.stepOut(c)
	e.countAsked(c, -1)
	c.State, c.Since = next, now
	e.countAsked(c, 1)
	e.stand(c, now)
	return nil
}

// rule takes over new rules. What agents have stays with them, also beyond what they may
// have from now on.
func (e *Engine) rule(rules contact.Rules, now contact.Instant) error {
	clocks, err := makeClocks(rules.Hours)
	if err != nil {
		return err
	}
	e.rules, e.clocks = cloneRules(rules), clocks
	for _, a := range e.agents {
		e.refresh(a)
	}
	for _, c := range e.contacts {
		e.reckon(c)
		if c.Callback && c.State == contact.StateWaiting {
			e.stepOut(c)
			e.stand(c, now)
		} else {
			e.watch(c)
		}
	}
	return nil
}

func (e *Engine) elected(v contact.LeaderElected, now contact.Instant) {
	e.epoch, e.leader = v.Epoch, v.Node
	e.settled = 0
	if len(e.contacts) > 0 {
		e.settled = now.Add(settleTime)
	}
	for _, a := range e.agents {
		if a.UnreachableSince != 0 { // nobody could come back while nobody led
			a.UnreachableSince = now
		}
	}
	for _, c := range e.contacts {
		if c.State == contact.StateOffered && c.Offer.Accepted {
			c.Offer.Expires = now.Add(e.rules.ConnectTimeout)
			e.watch(c)
		}
		if c.Consult != nil && c.Consult.Accepted && !c.Consult.Connected && !c.Consult.talksOutside() {
			c.Consult.Expires = now.Add(e.rules.ConnectTimeout)
			e.watch(c)
		}
	}
}

func (e *Engine) arrived(v contact.ContactArrived, now contact.Instant) error {
	if e.contacts[v.Contact.ID] != nil {
		return fmt.Errorf("contact %s is open already", v.Contact.ID)
	}
	if e.pools[v.Contact.Channel] == nil {
		return fmt.Errorf("contact %s came by the unknown channel %q", v.Contact.ID, v.Contact.Channel)
	}
	e.lastPlace++
	e.contacts[v.Contact.ID] = &entry{ContactState: ContactState{
		Contact: v.Contact, Node: v.Node, Leg: v.Leg, State: contact.StateArrived, Since: now, Place: e.lastPlace,
	}}
	return nil
}

// greeted folds that the system answered a call, which may wait already.
func (e *Engine) greeted(c *entry, now contact.Instant) error {
	if c.Greeted != 0 {
		return fmt.Errorf("contact %s is greeted already", c.Contact.ID)
	}
	c.Greeted = now
	if c.State != contact.StateArrived {
		return nil
	}
	return e.move(c, contact.StateGreeted, now)
}

func (e *Engine) queued(c *entry, v contact.ContactQueued, now contact.Instant) error {
	again := c.State == contact.StateWaiting && !c.Callback
	if again {
		e.stepOut(c)
	}
	c.QueuedClass, c.Class, c.Target, c.Hours = v.Class, e.impactClass(v.Class, c.Residents), v.Target, v.Hours
	if c.Queued == 0 || !slices.Equal(c.Needs, v.Needs) {
		e.need(c, v.Needs, now)
	} else {
		e.reckon(c)
	}
	if c.Queued == 0 || !again {
		c.Queued = now
	}
	e.keep(c, v.Prefer, v.PreferUntil, contact.Preferred)
	if again {
		e.lineUp(c)
		return nil
	}
	return e.move(c, contact.StateWaiting, now)
}

func (e *Engine) offered(c *entry, a *AgentState, v contact.ContactOffered, now contact.Instant) error {
	if a.Offer != 0 {
		return fmt.Errorf("agent %s has the open offer %d", a.Agent, a.Offer)
	}
	if err := e.move(c, contact.StateOffered, now); err != nil {
		return err
	}
	c.Offer = &OfferState{Offer: v.Offer, Agent: v.Agent, Since: now, Expires: v.Expires, Why: v.Why}
	return e.hold(a, c, v.Offer)
}

// takeBack ends an open offer and puts the contact back into its place.
func (e *Engine) takeBack(c *entry, a *AgentState, offer contact.OfferID, now contact.Instant) error {
	if c.Offer == nil || c.Offer.Offer != offer || c.Offer.Agent != a.Agent {
		return fmt.Errorf("offer %d is not open", offer)
	}
	e.release(a, c)
	e.loseLegs(c)
	return e.move(c, contact.StateWaiting, now)
}

// returned puts a contact that its agent has no more back into its place.
func (e *Engine) returned(c *entry, a *AgentState, v contact.ContactReturned, now contact.Instant) error {
	if c.Connected != v.Offer || c.Agent != a.Agent {
		return fmt.Errorf("contact %s is not connected by offer %d", v.Contact, v.Offer)
	}
	e.finishAgent(c, now)
	e.loseLegs(c)
	e.loseAgent(c)
	c.Returned = v.Cause != contact.ReturnGivenBack
	if err := e.move(c, contact.StateWaiting, now); err != nil {
		return err
	}
	if v.Again == 0 {
		return nil
	}
	return e.passOver(c, a, v.Again, now)
}

// loseLegs forgets the offer, and whatever came of it.
func (e *Engine) loseLegs(c *entry) {
	if c.Offer != nil {
		delete(e.offers, c.Offer.Offer)
	}
	delete(e.offers, c.Connected)
	c.Offer, c.Connected, c.ConnectedAt, c.AgentLeg, c.NotReached = nil, 0, 0, "", nil
}

// loseAgent forgets who had the contact, and what was chosen: nobody has it now, and who
// gets it chooses anew.
func (e *Engine) loseAgent(c *entry) { c.Agent, c.Code, c.Ticket, c.TakenAt = "", "", "", 0 }

// passOver keeps the contact from the agent until again.
func (e *Engine) passOver(c *entry, a *AgentState, again, now contact.Instant) error {
	c.PassedOver = slices.DeleteFunc(c.PassedOver, func(p PassedOver) bool { return p.Until <= now || p.Agent == a.Agent })
	at, _ := slices.BinarySearchFunc(c.PassedOver, a.Agent, func(p PassedOver, id contact.AgentID) int {
		return strings.Compare(string(p.Agent), string(id))
	})
	c.PassedOver = slices.Insert(c.PassedOver, at, PassedOver{Agent: a.Agent, Until: again})
	e.passedOver[c.Contact.ID] = c
	if c.Prefer == a.Agent {
		e.doubt(c)
	}
	a.IdleSince = now
	e.refresh(a)
	return nil
}

// forgive ends that the agent is passed over for anything: who says that he is ready
// again may be rung again.
func (e *Engine) forgive(agent contact.AgentID) {
	for id, c := range e.passedOver {
		c.PassedOver = slices.DeleteFunc(c.PassedOver, func(p PassedOver) bool { return p.Agent == agent })
		if len(c.PassedOver) == 0 {
			c.PassedOver = nil
			delete(e.passedOver, id)
		}
	}
}

func (e *Engine) connected(c *entry, a *AgentState, v contact.ContactConnected, now contact.Instant) error {
	if c.Offer == nil || c.Offer.Offer != v.Offer || !c.Offer.Accepted {
		return fmt.Errorf("offer %d is not accepted", v.Offer)
	}
	if err := e.move(c, contact.StateConnected, now); err != nil {
		return err
	}
	c.Offer, c.Agent, c.Connected, c.ConnectedAt, c.AgentLeg = nil, v.Agent, v.Offer, now, v.Leg
	c.TakenAt = now
	if c.SentBy == v.Agent {
		c.SentBy = "" // he has it again
	}
	c.Returned = false
	e.endCallback(c)
	e.unkeep(c)
	if c.Answered == 0 && !c.Contact.Channel.Written() {
		c.Answered = now
	}
	c.PassedOver = nil
	delete(e.passedOver, c.Contact.ID)
	a.Offer, a.IdleSince = 0, now
	e.refresh(a)
	return nil
}

func (e *Engine) replied(c *entry, v contact.ContactReplied, now contact.Instant) error {
	if c.Agent != v.Agent || c.Answered != 0 {
		return fmt.Errorf("contact %s is with %q, answered at %d", v.Contact, c.Agent, c.Answered)
	}
	c.Answered = now
	return nil
}

func (e *Engine) dropped(c *entry, now contact.Instant) error {
	if c.Offer != nil {
		return fmt.Errorf("contact %s has an open offer", c.Contact.ID)
	}
	e.finishAgent(c, now)
	e.loseLegs(c)
	e.loseAgent(c)
	return e.becomeCallback(c, now)
}

func (e *Engine) close(v contact.ContactClosed, now contact.Instant) error {
	c := e.contacts[v.Contact]
	if c == nil {
		if v.Refused == nil {
			return fmt.Errorf("contact %s is not open", v.Contact)
		}
		c = &entry{ContactState: ContactState{Contact: *v.Refused}}
	}
	if c.Offer != nil && !c.isFirstDial() {
		return fmt.Errorf("contact %s has an open offer", v.Contact)
	}
	if c.Offer != nil {
		a := e.agents[c.Offer.Agent]
		a.IdleSince = now
		e.release(a, c)
	}
	if err := e.move(c, contact.StateClosed, now); err != nil {
		return err
	}
	e.unkeep(c)
	e.learn(c, v, now)
	e.learnHandling(c, now)
	e.endCallback(c)
	e.finishAgent(c, now)
	e.loseLegs(c)
	if v.Failure != "" {
		c.NotReached = &NotReached{Failure: v.Failure, At: now}
	}
	c.TakenAt = 0
	c.End, c.Agent, c.Code, c.Ticket, c.WrapUpUntil = v.End, v.Agent, v.Code, v.Ticket, 0
	delete(e.contacts, v.Contact)
	delete(e.passedOver, v.Contact)
	closed := closedContact{Contact: v.Contact, Agent: v.Agent, Lapsed: v.Lapsed, Recording: c.Recording}
	if c.HandedBy != 0 {
		closed.HandedBy, closed.Node = c.HandedBy, c.Node
		delete(e.offers, c.HandedBy)
	}
	e.remember(closed)
	e.justClosed = append(e.justClosed, c)
	return nil
}

func (e *Engine) remember(c closedContact) {
	e.closed = append(e.closed, c)
	e.closedBy[c.Contact] = c
	if len(e.closed) > closedMemory {
		delete(e.closedBy, e.closed[0].Contact)
		e.closed = e.closed[1:]
	}
}

// enrol takes over a roster. Agents who are gone from it keep what they have open.
func (e *Engine) enrol(roster contact.Roster, now contact.Instant) {
	listed := make(map[contact.AgentID]bool, len(roster.Agents))
	for _, agent := range roster.Agents {
		listed[agent.ID] = true
		a := e.agents[agent.ID]
		if a == nil {
			a = &AgentState{Agent: agent.ID, Presence: contact.SignedOut, Since: now, IdleSince: now}
			e.agents[agent.ID] = a
		}
		a.Skills, a.Reserved, a.Gone = slices.Clone(agent.Skills), agent.Reserved, false
		e.refresh(a)
	}
	for id, a := range e.agents {
		if !listed[id] {
			a.Gone, a.Next, a.NextReason = true, "", ""
			e.refresh(a)
		}
	}
}

func (e *Engine) changeReachability(v contact.ReachabilityChanged, now contact.Instant) error {
	a := e.agents[v.Agent]
	if a == nil {
		return fmt.Errorf("agent %s is unknown", v.Agent)
	}
	at, on := slices.BinarySearch(a.Nodes, v.Node)
	switch {
	case v.Reachable && !on:
		if !a.Reachable() {
			a.IdleSince = now
			if a.Presence == contact.Ready && len(a.Contacts) == 0 { // his consoles were closed overnight
				a.ReadySince = now
			}
		}
		a.Nodes = slices.Insert(a.Nodes, at, v.Node)
		a.UnreachableSince = 0
	case !v.Reachable && on:
		a.Nodes = slices.Delete(a.Nodes, at, at+1)
		if !a.Reachable() {
			a.UnreachableSince = now
		}
	}
	e.refresh(a)
	return nil
}

func byID(a, b *entry) int {
	return strings.Compare(string(a.Contact.ID), string(b.Contact.ID))
}
