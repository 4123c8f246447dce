package queue

import (
	"cmp"
	"fmt"
	"slices"

	"svar/contact"
)

// need folds what the contact needs from now on. Its relaxation begins anew. The contact must not
// stand in a line.
func (e *Engine) need(c *entry, needs contact.Needs, now contact.Instant) {
	c.Needs, c.NeedsSince = slices.Clone(needs), now
	c.StillNeeded, c.Relaxed = c.Needs, 0 // lists of needs are replaced, never changed
	e.reckon(c)
}

// reckon brings up to date what follows from the contact's clock and needs, and the rules for them.
func (e *Engine) reckon(c *entry) {
	c.clock, c.arrival = e.clocks[c.Hours], 0
	if c.clock != nil {
		c.arrival = c.clock.At(c.Contact.Arrived)
	}
	c.relaxesAt = 0
	if step, some := e.nextStep(c); some {
		c.relaxesAt = c.dueAfter(c.NeedsSince, step.After)
	}
}

// step is one of the steps by which the need for a group gives way.
type step struct {
	contact.Relaxation
	of contact.SkillID
}

// nextStep returns the first step of the rules in force that changes what the contact still needs.
// Each need gives way by the steps of its own group; those of a group that is needed instead
// are not its own. A step that was taken changes nothing any more, so that new rules take
// effect from where the contact is, and never ask for more again.
func (e *Engine) nextStep(c *entry) (next step, some bool) {
	if len(c.StillNeeded) == 0 {
		return step{}, false
	}
	for _, need := range c.Needs {
		rule := e.groupRule(need.Skill)
		if rule == nil {
			continue
		}
		for _, relaxation := range rule.Steps(c.Contact.Channel) {
			if some && relaxation.After >= next.After {
				break
			}
			if s := (step{relaxation, need.Skill}); s.changes(c.StillNeeded) {
				next, some = s, true
				break
			}
		}
	}
	return next, some
}

func (e *Engine) groupRule(group contact.SkillID) *contact.GroupRule {
	at, found := slices.BinarySearchFunc(e.rules.Groups, group, func(r contact.GroupRule, id contact.SkillID) int {
		return cmp.Compare(r.Group, id)
	})
	if !found {
		return nil
	}
	return &e.rules.Groups[at]
}

// changes reports whether the step makes a difference to the needs.
func (s step) changes(needs contact.Needs) bool {
	if s.Kind == contact.RelaxAnyone {
		return len(needs) > 0
	}
	return slices.ContainsFunc(needs, func(n contact.Need) bool {
		return n.Skill == s.of && (s.Kind != contact.RelaxLevel || n.Level > s.Level)
	})
}

// take returns what is still needed after the step. A group that was needed from the beginning is not
// needed again by the overflow of another one.
func (s step) take(still, original contact.Needs) contact.Needs {
	if s.Kind == contact.RelaxAnyone {
		return contact.Needs{}
	}
	list := make([]contact.Need, 0, len(still))
	for _, need := range still {
		switch {
		case need.Skill != s.of:
			list = append(list, need)
		case s.Kind == contact.RelaxLevel:
			list = append(list, contact.Need{Skill: s.of, Level: min(need.Level, s.Level)})
		case s.Kind == contact.RelaxOverflow && !slices.ContainsFunc(original, func(n contact.Need) bool { return n.Skill == s.Group }):
			list = append(list, contact.Need{Skill: s.Group, Level: s.Level})
		}
	}
	return contact.NewNeeds(list...)
}

// relax takes the next step of a contact that has waited for it.
func (e *Engine) relax(c *entry, now contact.Instant) {
	next, some := e.nextStep(c)
	if !some {
		return
	}
	e.emit(contact.NeedsRelaxed{Contact: c.Contact.ID, Step: c.Relaxed + 1, Needs: next.take(c.StillNeeded, c.Needs)}, now)
}

// relaxed folds a step of relaxation.
func (e *Engine) relaxed(c *entry, v contact.NeedsRelaxed) error {
	if v.Step != c.Relaxed+1 {
		return fmt.Errorf("contact %s has taken %d steps of relaxation, not %d", v.Contact, c.Relaxed, v.Step-1)
	}
	e.restand(c, func() {
		c.StillNeeded, c.Relaxed = slices.Clone(v.Needs), v.Step
		e.reckon(c)
	})
	return nil
}
