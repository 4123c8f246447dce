package queue_test

import (
	"slices"

	"svar/contact"
	"svar/queue"
)

type dialled struct {
	contact contact.ID
	at      contact.Instant
}

// mayDial checks a dial against the limits, by a book of all dials that is never cut.
func (c *checker) mayDial(taken contact.CallbackTaken, now contact.Instant) {
	rules, of, all := c.follower.Rules(), 0, 0
	for _, d := range c.dials {
		if now < d.at.Add(3600_000) {
			all++
			if d.contact == taken.Contact {
				of++
			}
		}
	}
	if of >= int(rules.DialsPerContact) || all >= int(rules.DialsPerHour) {
		c.t.Fatalf("%s is dialled again: %d times of %d, all %d of %d", taken.Contact, of, rules.DialsPerContact, all, rules.DialsPerHour)
	}
	agent, _ := c.follower.Agent(taken.Agent)
	accepted := slices.ContainsFunc(c.follower.Contacts(), func(k queue.ContactState) bool {
		return k.Contact.ID == taken.Contact && k.Offer != nil && k.Offer.Offer == taken.Offer && k.Offer.Accepted && k.Offer.Agent == taken.Agent
	})
	if !accepted && (agent.Offer != 0 || !slowRoom(rules, agent, contact.Voice)) {
		c.t.Fatalf("%s is dialled for %+v, who has no room", taken.Contact, agent)
	}
	c.dials = append(c.dials, dialled{taken.Contact, now})
}

// dialsLeft reports whether one more call-back may be offered: all that are could be dialled at once.
func (c *checker) dialsLeft(e *queue.Engine, now contact.Instant) bool {
	all := 0
	for _, d := range c.dials {
		if now < d.at.Add(3600_000) {
			all++
		}
	}
	for _, k := range e.Contacts() {
		if k.Callback && k.State == contact.StateOffered {
			all++
		}
	}
	return all < int(e.Rules().DialsPerHour)
}

// comesDue checks that a call-back that waits for its time is not forgotten.
func (c *checker) comesDue(k queue.ContactState) {
	if k.DueAt == 0 || k.State != contact.StateWaiting {
		return
	}
	if at, due := c.engine.Deadline(); !due || at > max(k.DueAt, c.engine.Last()) {
		c.t.Fatalf("%s is due at %d, and time brings nothing before %d (%v)", k.Contact.ID, k.DueAt, at, due)
	}
}

// rampsUp reports whether some agent has room for one more text from now on.
func (c *checker) rampsUp(e *queue.Engine, now contact.Instant) bool {
	step := e.Rules().RampUp
	return step > 0 && slices.ContainsFunc(e.Agents(), func(a queue.AgentState) bool {
		return now > a.ReadySince && now.Sub(a.ReadySince)%step == 0
	})
}

// takesBreak checks that nobody goes on a break, or plans one, while as many of one of his groups have one
// as may. The event has not been applied yet.
func (c *checker) takesBreak(event contact.Event) {
	var who contact.AgentID
	var reason string
	switch v := event.(type) {
	case contact.PresenceChanged:
		who, reason = v.Agent, v.Reason
	case contact.PresencePlanned:
		who, reason = v.Agent, v.Reason
	}
	breaks := []string{"coffee", "lunch"}
	if !slices.Contains(breaks, reason) {
		return
	}
	has := func(a queue.AgentState) bool {
		return slices.Contains(breaks, a.Reason) || slices.Contains(breaks, a.NextReason)
	}
	member := func(a queue.AgentState, group contact.SkillID) bool {
		return slices.ContainsFunc(a.Skills, func(n contact.Need) bool { return n.Skill == group })
	}
	agents := c.follower.Agents()
	for _, a := range agents {
		if a.Agent != who || has(a) {
			continue
		}
		for _, rule := range c.follower.Rules().Groups {
			others := 0
			for _, other := range agents {
				if member(other, rule.Group) && has(other) {
					others++
				}
			}
			if rule.BreaksAtOnce > 0 && member(a, rule.Group) && others >= int(rule.BreaksAtOnce) {
				c.t.Fatalf("%s goes on a break while %d of %s have one, %d may", who, others, rule.Group, rule.BreaksAtOnce)
			}
		}
	}
}
