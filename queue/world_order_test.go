package queue_test

import (
	"fmt"

	"svar/contact"
)

// orderRules draws what rules the order: needs that give way within a minute, a clock that stands still now
// and then, rising, impact, and a short memory of who handled what.
func (w *world) orderRules(rules *contact.Rules) {
	for i := range rules.Groups {
		rule, after := &rules.Groups[i], contact.Millis(0)
		for range w.pick("steps", 4) {
			after += contact.Millis(w.pick("after", 4)) * 7000
			rule.Relax = append(rule.Relax, w.relaxation(max(1, after)))
		}
		if w.oneIn(2, "texts too") {
			rule.RelaxTexts = append(rule.RelaxTexts, w.relaxation(10_000))
		}
	}
	if w.oneIn(2, "hours") {
		rules.Hours = []contact.HoursRule{w.hours()}
	}
	rules.RiseAfter = uint16(w.pick("rise", 3)) * 100
	rules.ImpactFrom = uint32(w.pick("impact", 3)) * 50
	if w.oneIn(2, "prefer") {
		rules.PreferFor, rules.PreferWithin = contact.Millis(1+w.pick("prefer for", 30))*1000, contact.Millis(1+w.pick("within", 10))*60_000
	}
}

func (w *world) relaxation(after contact.Millis) contact.Relaxation {
	step := contact.Relaxation{After: after}
	switch w.pick("kind", 5) {
	case 0, 1:
		step.Kind, step.Level = contact.RelaxLevel, uint8(1+w.pick("to level", 3))
	case 2:
		step.Kind = contact.RelaxDrop
	case 3:
		// The others are each other's overflow, so that some contacts need both.
		step.Kind, step.Group, step.Level = contact.RelaxOverflow, "fi", uint8(1+w.pick("to level", 3))
	default:
		step.Kind = contact.RelaxAnyone
	}
	return step
}

// hours are open around 08:00 in Stockholm, when every world begins, with a gap of twenty seconds.
func (w *world) hours() contact.HoursRule {
	rule := contact.HoursRule{ID: "desk", Zone: "Europe/Stockholm"}
	const eight = contact.Millis(8 * 3600_000)
	for day := range rule.Weekly {
		rule.Weekly[day] = []contact.DayWindow{{From: eight - 60_000, To: eight + 20_000}, {From: eight + 40_000, To: eight + 3600_000}}
	}
	if w.oneIn(3, "holiday") {
		rule.Exceptions = []contact.DayException{{Date: "2026-11-25"}, {Date: "2026-11-26", Open: []contact.DayWindow{{From: 0, To: 24 * 3600_000}}}}
	}
	return rule
}

// clockHours names the hours that contacts count in, when there are any.
func (w *world) clockHours() contact.HoursID {
	if hours := w.engine.Rules().Hours; len(hours) > 0 && w.oneIn(2, "in hours") {
		return hours[0].ID
	}
	return ""
}

// known gives the contact a matter that others have too.
func (w *world) known(c *contact.Contact) {
	if w.oneIn(2, "person") {
		c.Person = contact.PersonID(fmt.Sprintf("p%d", w.pick("who", 3)))
	}
	if w.oneIn(4, "ticket") {
		c.Ticket = "SD-100234"
	}
	if c.Channel == contact.Chat && w.oneIn(2, "again") {
		c.Follows = contact.ID(fmt.Sprintf("k%d", w.pick("follows", w.contacts+1)))
	}
}
