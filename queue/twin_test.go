package queue_test

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	"svar/contact"
	"svar/queue"
)

// pair is a contact and the agent whom it should be offered to, with the reason.
type pair struct {
	contact contact.ID
	agent   contact.AgentID
	why     contact.Why
}

// slowNext is the obvious twin of the engine's matcher: it looks at every contact and
// every agent, with big integers, and knows nothing of lines and rankings.
// What time has brought to the desk's dials it is told: mayDial.
func slowNext(e *queue.Engine, now contact.Instant, mayDial bool) (pair, bool) {
	contacts, agents, rules := e.Contacts(), e.Agents(), e.Rules()
	waiting := slices.DeleteFunc(slices.Clone(contacts), func(c queue.ContactState) bool { return !slowStands(rules, c) })
	slices.SortFunc(waiting, func(a, b queue.ContactState) int { return slowOrder(rules, a, b, now) })
	for _, c := range waiting {
		if c.Callback && !mayDial {
			continue
		}
		var fit []queue.AgentState
		for _, a := range agents {
			if slowFits(rules, c, a, now) {
				fit = append(fit, a)
			}
		}
		if len(fit) == 0 {
			continue
		}
		level := func(a queue.AgentState) int { return slowLevel(c.StillNeeded, a.Skills) }
		slices.SortFunc(fit, func(a, b queue.AgentState) int {
			return cmp.Or(-cmp.Compare(level(a), level(b)), cmp.Compare(a.IdleSince, b.IdleSince), cmp.Compare(a.Agent, b.Agent))
		})
		class := slowClass(rules, c, now)
		return pair{contact: c.Contact.ID, agent: fit[0].Agent, why: contact.Why{
			Candidates: uint32(len(fit)), Waiting: uint32(len(waiting)), Rule: slowRule(c, fit, level),
			Level: uint8(max(0, level(fit[0]))), Idle: now.Sub(fit[0].IdleSince), Relaxed: c.Relaxed,
			Class: class, Risen: class != c.Class, Waited: slowWaited(rules, c, now), Target: c.Target, Returned: c.Returned,
		}}, true
	}
	return pair{}, false
}

// slowStands says of whom an offer may be made.
func slowStands(rules contact.Rules, c queue.ContactState) bool {
	if c.Callback && (!rules.OfferCallbacks || c.Exhausted || c.DueAt != 0 || rules.DialsPerContact == 0 || rules.DialsPerHour == 0) {
		return false
	}
	return c.State == contact.StateWaiting
}

func slowRule(c queue.ContactState, fit []queue.AgentState, level func(queue.AgentState) int) contact.Rule {
	switch {
	case c.Prefer != "":
		return c.PreferRule
	case len(fit) == 1:
		return contact.OnlyCandidate
	case level(fit[0]) != level(fit[1]):
		return contact.HighestLevel
	case fit[0].IdleSince != fit[1].IdleSince:
		return contact.LongestIdle
	default:
		return contact.ByName
	}
}

// slowOrder puts the contact that is to be served first first.
func slowOrder(rules contact.Rules, a, b queue.ContactState, now contact.Instant) int {
	if x, y := slowClass(rules, a, now), slowClass(rules, b, now); x != y {
		return int(y) - int(x)
	}
	if a.Returned != b.Returned {
		if a.Returned {
			return -1
		}
		return 1
	}
	share := func(c queue.ContactState) *big.Rat {
		return big.NewRat(int64(slowWaited(rules, c, now)), int64(max(1, c.Target)))
	}
	if c := share(b).Cmp(share(a)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Place, b.Place))
}

// slowClass is the class in which the contact is served at now.
func slowClass(rules contact.Rules, c queue.ContactState, now contact.Instant) contact.Class {
	if c.Class != contact.ClassOrdinary || rules.RiseAfter == 0 {
		return c.Class
	}
	share := big.NewRat(100*int64(slowWaited(rules, c, now)), int64(max(1, c.Target)))
	if share.Cmp(big.NewRat(int64(rules.RiseAfter), 1)) >= 0 {
		return contact.ClassResidentImpact
	}
	return c.Class
}

// slowWaited is how long the contact has waited on its own clock.
func slowWaited(rules contact.Rules, c queue.ContactState, now contact.Instant) contact.Millis {
	return slowBetween(rules, c.Hours, c.Contact.Arrived, now)
}

// slowBetween adds up the open time of all days that lie between.
func slowBetween(rules contact.Rules, hours contact.HoursID, from, to contact.Instant) contact.Millis {
	at := slices.IndexFunc(rules.Hours, func(r contact.HoursRule) bool { return r.ID == hours })
	if at < 0 {
		return max(0, to.Sub(from))
	}
	rule := rules.Hours[at]
	zone, err := time.LoadLocation(rule.Zone)
	if err != nil {
		panic(err)
	}
	var sum contact.Millis
	first, last := from.Time().In(zone), to.Time().In(zone).AddDate(0, 0, 1)
	for day := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone); day.Before(last); day = day.AddDate(0, 0, 1) {
		windows := rule.Weekly[day.Weekday()]
		for _, exception := range rule.Exceptions {
			if exception.Date == day.Format(time.DateOnly) {
				windows = exception.Open
			}
		}
		for _, w := range windows {
			clock := func(d contact.Millis) contact.Instant {
				return contact.InstantOf(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, int(d.Duration()), zone))
			}
			sum += max(0, min(to, clock(w.To)).Sub(max(from, clock(w.From))))
		}
	}
	return sum
}

func slowFits(rules contact.Rules, c queue.ContactState, a queue.AgentState, now contact.Instant) bool {
	if a.Next != "" || len(a.Channels) > 0 && !slices.Contains(a.Channels, c.Contact.Channel) || !slowRampedUp(rules, c, a, now) {
		return false
	}
	if a.Gone || a.Presence != contact.Ready || len(a.Nodes) == 0 || a.Offer != 0 || !slowRoom(rules, a, c.Contact.Channel) {
		return false
	}
	for _, p := range c.PassedOver {
		if p.Agent == a.Agent && now < p.Until {
			return false
		}
	}
	if c.Prefer != "" {
		return c.Prefer == a.Agent
	}
	return a.Reserved <= c.Class && slowLevel(c.StillNeeded, a.Skills) >= 0
}

// slowRampedUp gives one text when the agent becomes ready, and one more after each step.
func slowRampedUp(rules contact.Rules, c queue.ContactState, a queue.AgentState, now contact.Instant) bool {
	if rules.RampUp == 0 || c.Contact.Channel == contact.Voice {
		return true
	}
	allowed, texts := 0, 0
	for at := a.ReadySince; at <= now && allowed < 200; at = at.Add(rules.RampUp) {
		allowed++
	}
	for _, held := range a.Contacts {
		if held.Channel != contact.Voice {
			texts++
		}
	}
	return texts < allowed
}

// slowRoom counts what the agent has by channel and looks each up in the rules.
func slowRoom(rules contact.Rules, a queue.AgentState, channel contact.Channel) bool {
	rule := contact.ChannelRule{Channel: channel, Capacity: 1}
	for _, r := range rules.Channels {
		if r.Channel == channel {
			rule = r
		}
	}
	counts := map[contact.Channel]int{}
	for _, held := range a.Contacts {
		counts[held.Channel]++
	}
	for other := range counts {
		if other != channel && !slices.Contains(rule.Beside, other) {
			return false
		}
	}
	return counts[channel] < int(rule.Capacity)
}

// slowLevel is the lowest level over the needs, 0 without needs, -1 when one is not held.
func slowLevel(needs, skills contact.Needs) int {
	lowest := 0
	for i, need := range needs {
		level := -1
		for _, skill := range skills {
			if skill.Skill == need.Skill && skill.Level >= need.Level {
				level = int(skill.Level)
			}
		}
		if level < 0 {
			return -1
		}
		if i == 0 || level < lowest {
			lowest = level
		}
	}
	return lowest
}
