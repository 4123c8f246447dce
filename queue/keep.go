package queue

import (
	"cmp"
	"slices"

	"svar/contact"
)

// A contact that waits may be kept for one agent: it is offered to him alone, whatever it needs, until
// an instant, or for as long as he is ready. [Engine.keep] and [Engine.unkeep] are parts of folds; that
// a keeping ends is decided by [Engine.endKeepings] at the end of each step, and by time.

// keep folds that the contact is kept for the agent until then (0: for as long as he is ready), and
// by which rule. The contact must not stand in a line; when it comes into one and the agent cannot be
// asked, the keeping ends in the same step.
func (e *Engine) keep(c *entry, agent contact.AgentID, until contact.Instant, rule contact.Rule) {
	e.unkeep(c)
	if agent == "" {
		return
	}
	c.Prefer, c.PreferUntil, c.PreferRule = agent, until, rule
	if e.keptFor[agent] == nil {
		e.keptFor[agent] = map[contact.ID]*entry{}
	}
	e.keptFor[agent][c.Contact.ID] = c
}

// unkeep folds that the contact is kept for nobody. It must not stand in a line.
func (e *Engine) unkeep(c *entry) {
	if c.Prefer == "" {
		return
	}
	kept := e.keptFor[c.Prefer]
	delete(kept, c.Contact.ID)
	if len(kept) == 0 {
		delete(e.keptFor, c.Prefer)
	}
	c.Prefer, c.PreferUntil, c.PreferRule = "", 0, ""
}

// attends reports whether contacts of the channel may be kept for the agent: he is ready for them and
// reachable, and stays so as far as he has said. He may be busy.
func (e *Engine) attends(id contact.AgentID, channel contact.Channel) bool {
	a := e.agents[id]
	return a != nil && !a.Gone && a.Presence == contact.Ready && a.Reachable() && a.Next == "" &&
		takes(a.Channels, channel)
}

// doubt notes that the keeping of the contact may have to end.
func (e *Engine) doubt(c *entry) {
	if c.Prefer != "" {
		e.doubted = append(e.doubted, c)
	}
}

// doubtFor notes it of all that is kept for the agent, when he cannot be asked any more.
func (e *Engine) doubtFor(agent contact.AgentID) {
	for _, c := range e.keptFor[agent] {
		if !e.attends(agent, c.Contact.Channel) {
			e.doubt(c)
		}
	}
}

// endKeepings decides which keepings end by what happened in this step: the agent cannot be asked
// any more, or has refused the contact.
func (e *Engine) endKeepings(now contact.Instant) {
	slices.SortFunc(e.doubted, func(a, b *entry) int { return cmp.Compare(a.Place, b.Place) })
	for _, c := range e.doubted {
		switch {
		case c.line == nil || c.Prefer == "":
		case !e.attends(c.Prefer, c.Contact.Channel):
			e.endKeeping(c, contact.PreferenceAway, now)
		case c.passes(c.Prefer, now):
			e.endKeeping(c, contact.PreferenceRefused, now)
		}
	}
	e.doubted = e.doubted[:0]
}

func (e *Engine) endKeeping(c *entry, cause contact.PreferenceCause, now contact.Instant) {
	e.emit(contact.PreferenceEnded{Contact: c.Contact.ID, Agent: c.Prefer, Cause: cause}, now)
}
