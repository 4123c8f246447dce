package queue

import (
	"svar/contact"
	"svar/routing"
)

// passOver is how long an agent who declined, missed or gave back a contact is not offered
// that same one again. It keeps the two from looping, and the contact from being stranded
// when nobody else comes. An agent who leaves and says that he is ready again is asked
// at once.
const passOver contact.Millis = 30_000

// settleTime is how long a new leader makes no offers when it took over open contacts:
// nodes report in that time which of their legs and consoles still live.
const settleTime contact.Millis = 1_000

// match offers contacts until no pair that fits is left apart.
func (e *Engine) match(now contact.Instant) {
	for {
		c, claim := e.next(now)
		if c == nil {
			return
		}
		choice, _ := e.choose(c, now)
		e.emit(contact.ContactOffered{
			Contact: c.Contact.ID,
			Offer:   e.lastOffer + 1,
			Agent:   choice.Agent,
			Expires: now.Add(e.offerTimeout(c.Contact.Channel)),
			Why: contact.Why{
				Candidates: uint32(choice.Candidates),
				Waiting:    uint32(e.waiting),
				Rule:       choice.Rule,
				Level:      choice.Level,
				Idle:       max(0, now.Sub(choice.IdleSince)),
				Relaxed:    c.Relaxed,
				Class:      claim.Class,
				Risen:      claim.Class != c.Class,
				Waited:     claim.Waited,
				Target:     c.Target,
				Returned:   c.Returned,
			},
		}, now)
	}
}

// offerTimeout is how long an agent is asked for a contact of the channel.
func (e *Engine) offerTimeout(channel contact.Channel) contact.Millis {
	for i := range e.rules.Channels {
		if rule := &e.rules.Channels[i]; rule.Channel == channel && rule.OfferTimeout > 0 {
			return rule.OfferTimeout
		}
	}
	return e.rules.OfferTimeout
}

// next returns the contact that is served next at now, and its claim; nil when no
// contact that waits has a free agent.
func (e *Engine) next(now contact.Instant) (first *entry, claim routing.Claim) {
	if e.waiting == 0 || now < e.settled {
		return nil, routing.Claim{}
	}
	for _, channel := range channels {
		for _, ranking := range e.pools[channel].Open() {
			for _, l := range e.byRanking[ranking] {
				head := e.head(l, now)
				if head == nil {
					continue
				}
				if own := e.claim(head, now); first == nil || routing.CompareClaims(own, claim) < 0 {
					first, claim = head, own
				}
			}
		}
	}
	return first, claim
}

// head returns the first contact of the line that a free agent fits. Only those that
// somebody declined or missed just now can be skipped.
func (e *Engine) head(l *line, now contact.Instant) *entry {
	if l.key.callback && !e.mayDial(now) {
		return nil
	}
	for _, c := range l.waiting.All() {
		if len(c.PassedOver) == 0 {
			return c
		}
		if _, found := e.choose(c, now); found {
			return c
		}
	}
	return nil
}

// choose returns the agent for a contact that stands in a line.
func (e *Engine) choose(c *entry, now contact.Instant) (choice routing.Choice, found bool) {
	sorted := c.line.key.ranking.Sorted()
	if len(c.PassedOver) == 0 {
		choice, found = routing.Choose(sorted, nil)
	} else {
		choice, found = routing.Choose(sorted, func(agent contact.AgentID) bool { return c.passes(agent, now) })
	}
	if found && c.Prefer != "" {
		choice.Rule = c.PreferRule
		choice.Level, _ = routing.Level(e.agents[c.Prefer].Skills, c.StillNeeded)
	}
	return choice, found
}

// passes reports whether the agent is passed over for the contact at now.
func (c *entry) passes(agent contact.AgentID, now contact.Instant) bool {
	for _, p := range c.PassedOver {
		if p.Agent == agent {
			return now < p.Until
		}
	}
	return false
}

// Deadline returns when the next [contact.Tick] is due: the first instant, not before
// that of the last event, at which time alone makes something happen. There is none
// while everything waits for a command. At one that gives an agent room for more texts
// ([contact.Rules.RampUp]) it may turn out that none of those that wait is for him: then nothing happens,
// and after its Tick the next deadline is told.
func (e *Engine) Deadline() (contact.Instant, bool) {
	first, some := e.nextAlarm()
	deadline := first.at
	for _, next := range []func() (contact.Instant, bool){e.nextReturn, e.nextMatch, e.nextText} {
		if at, due := next(); due && (!some || at < deadline) {
			deadline, some = at, true
		}
	}
	return max(deadline, e.last), some
}

// nextMatch returns when time alone makes the next pair fit: when a new leader begins to
// make offers, when an agent is no longer passed over, or when the desk may dial again.
func (e *Engine) nextMatch() (at contact.Instant, due bool) {
	from := max(e.last, e.settled)
	if e.settled > e.last {
		if c, _ := e.next(from); c != nil {
			return from, true
		}
	}
	for _, c := range e.passedOver {
		if c.line == nil {
			continue
		}
		for _, p := range c.PassedOver {
			if p.Until <= from || (due && p.Until >= at) || !e.fits(c, p.Agent) || c.Callback && !e.mayDial(p.Until) {
				continue
			}
			at, due = p.Until, true
		}
	}
	if again, dials := e.nextDial(from); dials && (!due || again < at) {
		at, due = again, true
	}
	return at, due
}

// fits reports whether the agent is free and may be asked for the contact.
func (e *Engine) fits(c *entry, agent contact.AgentID) bool {
	a := e.agents[agent]
	if a == nil || !e.free(a, c.Contact.Channel) {
		return false
	}
	if c.Prefer != "" {
		return agent == c.Prefer
	}
	_, eligible := routing.Level(a.Skills, c.StillNeeded)
	return eligible && a.Reserved <= c.Class
}
