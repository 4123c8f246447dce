package queue

import (
	"cmp"
	"maps"
	"slices"

	"svar/contact"
)

// How long contacts take of an agent is folded from those that he is done with: closed, or sent on. It is
// what [Engine.Wait] reckons with.

const (
	// handlingWindow is how many contacts the moving mean looks back on, about.
	handlingWindow = 32
	// maxHandling bounds the means that are kept: one for each skill and channel of a large desk.
	// Further skills are reckoned with by their channel's mean.
	maxHandling = 512
	// longestHandling is the longest time that is taken for handling: a mail may be left open for weeks.
	longestHandling = contact.Millis(7 * 24 * 3600 * 1000)
)

// handlingKey is what a mean is of: contacts of the channel that needed the skill; all of the channel
// when it is empty.
type handlingKey struct {
	Channel contact.Channel `json:"channel"`
	Skill   contact.SkillID `json:"skill,omitempty"`
}

// handlingMean is an integer moving mean. Its JSON form is part of the snapshot.
type handlingMean struct {
	handlingKey
	// Count is how many it is of, at most [handlingWindow].
	Count contact.Millis `json:"count"`
	Mean  contact.Millis `json:"mean_ms"`
}

// learnHandling folds how long the contact's agent had it, who is done with it at now.
func (e *Engine) learnHandling(c *entry, now contact.Instant) {
	if c.TakenAt == 0 || c.Contact.Outgoing { // what the desk begins says nothing of those who wait
		return
	}
	took := min(max(0, now.Sub(c.TakenAt)), longestHandling)
	e.learnOf(handlingKey{Channel: c.Contact.Channel}, took)
	for _, need := range c.Needs {
		e.learnOf(handlingKey{Channel: c.Contact.Channel, Skill: need.Skill}, took)
	}
}

func (e *Engine) learnOf(key handlingKey, took contact.Millis) {
	mean, known := e.handling[key]
	if !known && key.Skill != "" && len(e.handling) >= maxHandling {
		return
	}
	mean.handlingKey = key
	mean.Count = min(mean.Count+1, handlingWindow)
	mean.Mean += (took - mean.Mean) / mean.Count
	e.handling[key] = mean
}

// handlingTime is how long contacts of the channel with such needs took lately: the mean over the needed
// skills that something is known of, or else over the whole channel; false when nothing is known.
func (e *Engine) handlingTime(channel contact.Channel, needs contact.Needs) (contact.Millis, bool) {
	var sum, count contact.Millis
	for _, need := range needs {
		if mean, known := e.handling[handlingKey{channel, need.Skill}]; known {
			sum, count = sum+mean.Mean, count+1
		}
	}
	if count > 0 {
		return sum / count, true
	}
	mean, known := e.handling[handlingKey{Channel: channel}]
	return mean.Mean, known
}

// handlingMeans returns all means, sorted, for the snapshot.
func (e *Engine) handlingMeans() []handlingMean {
	return slices.SortedFunc(maps.Values(e.handling), func(a, b handlingMean) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Skill, b.Skill))
	})
}
