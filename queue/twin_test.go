package queue_test

import (
	"cmp"
	"math/big"
	"slices"

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
func slowNext(e *queue.Engine, now contact.Instant) (pair, bool) {
	contacts, agents, rules := e.Contacts(), e.Agents(), e.Rules()
	waiting := slices.DeleteFunc(slices.Clone(contacts), func(c queue.ContactState) bool {
		return c.State != contact.StateWaiting || c.Callback
	})
	slices.SortFunc(waiting, func(a, b queue.ContactState) int { return slowOrder(a, b, now) })
	for _, c := range waiting {
		var fit []queue.AgentState
		for _, a := range agents {
			if slowFits(rules, c, a, now) {
				fit = append(fit, a)
			}
		}
		if len(fit) == 0 {
			continue
		}
		slices.SortFunc(fit, func(a, b queue.AgentState) int {
			return cmp.Or(
				-cmp.Compare(slowLevel(c.Needs, a.Skills), slowLevel(c.Needs, b.Skills)),
				cmp.Compare(a.IdleSince, b.IdleSince),
				cmp.Compare(a.Agent, b.Agent),
			)
		})
		rule := contact.OnlyCandidate
		if len(fit) > 1 {
			switch {
			case slowLevel(c.Needs, fit[0].Skills) != slowLevel(c.Needs, fit[1].Skills):
				rule = contact.HighestLevel
			case fit[0].IdleSince != fit[1].IdleSince:
				rule = contact.LongestIdle
			default:
				rule = contact.ByName
			}
		}
		return pair{contact: c.Contact.ID, agent: fit[0].Agent, why: contact.Why{
			Candidates: uint32(len(fit)), Waiting: uint32(len(waiting)), Rule: rule,
			Level: uint8(slowLevel(c.Needs, fit[0].Skills)), Idle: now.Sub(fit[0].IdleSince),
		}}, true
	}
	return pair{}, false
}

// slowOrder puts the contact that is to be served first first.
func slowOrder(a, b queue.ContactState, now contact.Instant) int {
	if a.Class != b.Class {
		return int(b.Class) - int(a.Class)
	}
	share := func(c queue.ContactState) *big.Rat {
		return big.NewRat(max(0, int64(now-c.Contact.Arrived)), int64(max(1, c.Target)))
	}
	if c := share(b).Cmp(share(a)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Place, b.Place))
}

func slowFits(rules contact.Rules, c queue.ContactState, a queue.AgentState, now contact.Instant) bool {
	if a.Gone || a.Presence != contact.Ready || len(a.Nodes) == 0 || a.Offer != 0 || !slowRoom(rules, a, c.Contact.Channel) {
		return false
	}
	for _, p := range c.PassedOver {
		if p.Agent == a.Agent && now < p.Until {
			return false
		}
	}
	return slowLevel(c.Needs, a.Skills) >= 0
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
