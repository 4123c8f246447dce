package queue

import (
	"svar/contact"
)

// Limits of the rules for the order of the queue.
const (
	maxGroups     = 2000
	maxRelaxSteps = 8
	// maxRelaxAfter is longer than any target of a text is.
	maxRelaxAfter = contact.Millis(90 * 24 * 3600 * 1000)
	maxHours      = 100
	maxWindows    = 12  // of a day
	maxExceptions = 400 // of one rule
	// minRise and maxRise are percentages of a target.
	minRise, maxRise = 100, 10_000
	// maxPrefer bounds how long a contact is kept for one agent, and maxPreferWithin how long it is
	// remembered whom for.
	maxPrefer       = contact.Millis(24 * 3600 * 1000)
	maxPreferWithin = contact.Millis(366 * 24 * 3600 * 1000)
	// maxArrived is an instant that no contact has arrived at: the year 2100. Clocks count days up to it.
	maxArrived = contact.Instant(4_102_444_800_000)
)

// validOrder checks what rules whose turn it is, and what is needed of an agent.
func validOrder(r contact.Rules) bool {
	return len(r.Groups) <= maxGroups && all(r.Groups, validGroup) &&
		rising(r.Groups, func(g contact.GroupRule) contact.SkillID { return g.Group }) &&
		len(r.Hours) <= maxHours && all(r.Hours, validHours) &&
		rising(r.Hours, func(h contact.HoursRule) contact.HoursID { return h.ID }) &&
		(r.RiseAfter == 0 || r.RiseAfter >= minRise && r.RiseAfter <= maxRise) && r.ImpactFrom <= maxResidents &&
		r.PreferFor >= 0 && r.PreferFor <= maxPrefer && r.PreferWithin >= 0 && r.PreferWithin <= maxPreferWithin &&
		(r.PreferFor == 0 || r.PreferWithin > 0)
}

func validGroup(g contact.GroupRule) bool {
	return validID(g.Group) && validSteps(g.Group, g.Relax) && validSteps(g.Group, g.RelaxTexts)
}

func validSteps(group contact.SkillID, steps []contact.Relaxation) bool {
	last := contact.Millis(0)
	for _, step := range steps {
		if step.After < max(1, last) || step.After > maxRelaxAfter || !validRelaxation(step) || step.Group == group {
			return false
		}
		last = step.After
	}
	return len(steps) <= maxRelaxSteps
}

// validRelaxation wants a level and a group just where the kind needs them.
func validRelaxation(r contact.Relaxation) bool {
	leveled := r.Level >= 1 && r.Level <= 5
	switch r.Kind {
	case contact.RelaxLevel:
		return leveled && r.Group == ""
	case contact.RelaxOverflow:
		return leveled && validID(r.Group)
	case contact.RelaxDrop, contact.RelaxAnyone:
		return r.Level == 0 && r.Group == ""
	default:
		return false
	}
}

// validHours wants a zone that is known, dates in order, and windows in order inside their day.
func validHours(h contact.HoursRule) bool {
	few := func(windows []contact.DayWindow) bool { return len(windows) <= maxWindows }
	if !validID(h.ID) || len(h.Zone) > maxID || len(h.Exceptions) > maxExceptions ||
		!all(h.Weekly[:], few) || !all(h.Exceptions, func(e contact.DayException) bool { return few(e.Open) }) {
		return false
	}
	_, err := h.Hours()
	return err == nil
}
