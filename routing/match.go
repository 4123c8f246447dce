package routing

import (
	"cmp"
	"slices"

	"svar/contact"
)

// Status is what decides whether an agent is free for a contact.
type Status struct {
	Presence contact.Presence
	// Reachable says that the agent has a console that is connected.
	Reachable bool
	// Asked says that the agent has an open offer, or is calling somebody back. An agent is
	// asked for one contact at a time.
	Asked bool
	// Has are the channels of all the contacts that the agent has, one by one: offered,
	// dialled, connected and in wrap-up.
	Has []contact.Channel
}

// Free reports whether the agent may be offered a contact of the channel.
func (s Status) Free(rules []contact.ChannelRule, channel contact.Channel) bool {
	return s.Presence == contact.Ready && s.Reachable && !s.Asked && Room(rules, s.Has, channel)
}

// Room reports whether an agent who has contacts of those channels has room for one more
// of the channel: fewer of it than its capacity, and others only of channels that it may
// stand beside. A channel without a rule has room for one contact, beside nothing.
func Room(rules []contact.ChannelRule, has []contact.Channel, channel contact.Channel) bool {
	if len(has) == 0 {
		return true
	}
	capacity, beside := 1, []contact.Channel(nil)
	for i := range rules {
		if rules[i].Channel == channel {
			capacity, beside = int(rules[i].Capacity), rules[i].Beside
		}
	}
	for _, other := range has {
		if other == channel {
			capacity--
		} else if !slices.Contains(beside, other) {
			return false
		}
	}
	return capacity > 0
}

// Level returns the lowest level that the skills have over the needs, and whether
// every need is held at its level. With no needs everybody is eligible, at level 0.
// Both lists are sorted by skill, see [contact.NewNeeds].
func Level(skills, needs contact.Needs) (level uint8, eligible bool) {
	held := 0
	for _, need := range needs {
		for held < len(skills) && skills[held].Skill < need.Skill {
			held++
		}
		if held == len(skills) || skills[held].Skill != need.Skill || skills[held].Level < need.Level {
			return 0, false
		}
		if level == 0 || skills[held].Level < level {
			level = skills[held].Level
		}
	}
	return level, true
}

// Candidate is a free agent who is eligible for some needs.
type Candidate struct {
	Agent contact.AgentID
	// Level is the agent's lowest level over the needs; 0 when none is needed.
	Level uint8
	// IdleSince is when the agent's idle time began.
	IdleSince contact.Instant
}

// Compare orders candidates for the same needs, the preferred one first. It is a
// total order: no two agents have the same name.
func Compare(a, b Candidate) int {
	return cmp.Or(
		cmp.Compare(b.Level, a.Level),
		cmp.Compare(a.IdleSince, b.IdleSince),
		cmp.Compare(a.Agent, b.Agent),
	)
}

// Choice is the agent who is preferred, and why.
type Choice struct {
	Candidate
	// Candidates is how many could have been chosen.
	Candidates int
	Rule       contact.Rule
}

// Choose returns the first of the candidates, which are sorted by [Compare], leaving
// out those whom passed names; nil leaves out nobody.
func Choose(sorted []Candidate, passed func(contact.AgentID) bool) (choice Choice, found bool) {
	var second Candidate
	for _, c := range sorted {
		if passed != nil && passed(c.Agent) {
			continue
		}
		choice.Candidates++
		switch choice.Candidates {
		case 1:
			choice.Candidate = c
		case 2:
			second = c
		}
		if passed == nil && choice.Candidates == 2 {
			choice.Candidates = len(sorted)
			break
		}
	}
	if choice.Candidates == 0 {
		return Choice{}, false
	}
	choice.Rule = deciding(choice, second)
	return choice, true
}

// deciding names what set the chosen candidate apart from the next one.
func deciding(choice Choice, second Candidate) contact.Rule {
	switch {
	case choice.Candidates == 1:
		return contact.OnlyCandidate
	case choice.Level != second.Level:
		return contact.HighestLevel
	case choice.IdleSince != second.IdleSince:
		return contact.LongestIdle
	default:
		return contact.ByName
	}
}
