package queue

import (
	"slices"
	"strconv"

	"svar/contact"
	"svar/routing"
)

// crew are the agents on duty who may be asked for the same: equal in skills, channels and reservation.
// On duty is who is ready and reachable, busy or not, and has not said that he leaves.
type crew struct {
	key      string
	skills   contact.Needs
	channels []contact.Channel
	reserved contact.Class
	size     int
}

// isOf reports whether the agent belongs to the crew while he is on duty.
func (k *crew) isOf(a *AgentState) bool {
	return k.reserved == a.Reserved && slices.Equal(k.skills, a.Skills) && slices.Equal(k.channels, a.Channels)
}

// serves reports whether the crew may be asked for contacts of the channel, class and needs.
func (k *crew) serves(channel contact.Channel, class contact.Class, needs contact.Needs) bool {
	if k.reserved > class || len(k.channels) > 0 && !slices.Contains(k.channels, channel) {
		return false
	}
	_, eligible := routing.Level(k.skills, needs)
	return eligible
}

// muster brings up to date who is on duty. It costs something only when that changes, not when an agent
// becomes free or busy.
func (e *Engine) muster(a *AgentState) {
	onDuty := !a.Gone && a.Presence == contact.Ready && a.Reachable() && a.Next == ""
	was := e.crewOf[a.Agent]
	if was == nil && !onDuty || was != nil && onDuty && was.isOf(a) {
		return
	}
	e.musters++
	if was != nil {
		was.size--
		if was.size == 0 {
			delete(e.crews, was.key)
		}
		delete(e.crewOf, a.Agent)
	}
	if !onDuty {
		return
	}
	key := strconv.Itoa(int(a.Reserved))
	for _, channel := range a.Channels {
		key += " " + string(channel)
	}
	key += " " + routing.Key(a.Skills)
	k := e.crews[key]
	if k == nil {
		k = &crew{key: key, skills: slices.Clone(a.Skills), channels: slices.Clone(a.Channels), reserved: a.Reserved}
		e.crews[key] = k
	}
	k.size++
	e.crewOf[a.Agent] = k
}

// crewsFor returns the crews that may be asked for such contacts, in no order, and how many agents they are.
func (e *Engine) crewsFor(channel contact.Channel, class contact.Class, needs contact.Needs) (crews []*crew, agents int) {
	for _, k := range e.crews {
		if k.serves(channel, class, needs) {
			crews, agents = append(crews, k), agents+k.size
		}
	}
	return crews, agents
}
