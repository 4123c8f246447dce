package configs

import (
	"fmt"
	"maps"
	"slices"

	"svar/contact"
)

// The most that the engine takes, as in check_desk.go.
const (
	maxRelaxations = 8
	// maxNeeds is how much one contact can need, however many lists it comes from.
	maxNeeds = 16
	// maxImpact is how many residents and companies a contact can stand for.
	maxImpact = 1_000_000
	// maxTextsRelax is how long a mail may wait for a group at most, in opening hours.
	maxTextsRelax   = contact.Millis(90 * 24 * 3600 * 1000)
	maxTarget       = contact.Millis(366 * 24 * 3600 * 1000)
	maxPauseReasons = 50
	maxTries        = 20
	maxPreferWithin = contact.Millis(366 * 24 * 60 * 60 * 1000)
	// Contacts rise at their target at the earliest: before it nobody is late.
	minRise, maxRise = 100, 10_000
)

func (c *checker) competence(groups []Group) {
	for i, group := range groups {
		path := fmt.Sprintf("$.groups[%d]", i)
		id(c, path, "group", group.ID, c.groups)
		c.named(path+".name", group.Name)
	}
	for i, group := range groups { // an overflow may name a group that stands further down
		c.relaxation(fmt.Sprintf("$.groups[%d].relax", i), group.ID, group.Relax, maxGrace)
		c.relaxation(fmt.Sprintf("$.groups[%d].relax_texts", i), group.ID, group.RelaxTexts, maxTextsRelax)
	}
}

// relaxation checks the steps of a group, each of which must ask for less than the one before.
func (c *checker) relaxation(path string, group contact.SkillID, steps []Relaxation, longest contact.Millis) {
	if n := len(steps); n > maxRelaxations {
		c.fault(path, "there are %d steps; %d is the most", n, maxRelaxations)
	}
	level, gone := uint8(maxLevel+1), false
	for i, step := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		if step.After <= 0 {
			c.fault(at, "a step needs after, which is longer than 0 s")
		}
		c.atMost(at+".after", step.After, longest)
		if i > 0 && step.After <= steps[i-1].After {
			c.fault(at+".after", "the steps stand in the order of time: %s does not come after the step before it", step.After.Duration())
		}
		if gone && !step.Anyone {
			c.fault(at, "the need for %s is gone by the step before it: only anyone can come after that", group)
		}
		c.relaxed(at, group, step)
		if step.rule().Kind == contact.RelaxLevel {
			if step.Level >= level {
				c.fault(at+".level", "the level %d asks for no less than the step before it", step.Level)
			}
			level = step.Level
			continue
		}
		gone = true
	}
}

// relaxed checks what one step says.
func (c *checker) relaxed(path string, group contact.SkillID, step Relaxation) {
	says := 0
	for _, said := range []bool{step.Level > 0 && step.Overflow == "", step.Drop, step.Overflow != "", step.Anyone} {
		if said {
			says++
		}
	}
	if says != 1 || step.Level > 0 && (step.Drop || step.Anyone) {
		c.fault(path, "a step says one of level: 1–%d, drop: true, overflow: GROUP with a level, and anyone: true", maxLevel)
		return
	}
	if (step.Level > 0 || step.Overflow != "") && (step.Level < 1 || step.Level > maxLevel) {
		c.fault(path, "the level %d is not one of 1–%d", step.Level, maxLevel)
	}
	switch {
	case step.Overflow == "":
	case step.Overflow == group:
		c.fault(path+".overflow", "the group %s overflows to itself", group)
	case !c.groups[step.Overflow]:
		c.fault(path+".overflow", "there is no competence group %q", step.Overflow)
	}
}

// spoken checks what contacts need in a language.
func (c *checker) spoken(needed map[string][]Need) {
	c.ofLanguages = most(needed)
	for _, language := range slices.Sorted(maps.Keys(needed)) {
		path := "$.languages." + language
		c.language(path, language)
		c.needs(path, needed[language])
	}
}

// most is how many needs the longest of the lists has.
func most[K comparable](lists map[K][]Need) int {
	longest := 0
	for _, list := range lists {
		longest = max(longest, len(list))
	}
	return longest
}

// together says when what a contact needs may be more than the engine takes: it would refuse the contact.
func (c *checker) together(path string, lists ...int) {
	sum := 0
	for _, n := range lists {
		sum += n
	}
	if sum > maxNeeds {
		c.fault(path, "a contact may need %d skills; %d is the most", sum, maxNeeds)
	}
}

func (c *checker) catalogue(services []Service) {
	for i, service := range services {
		path := fmt.Sprintf("$.services[%d]", i)
		id(c, path, "service", service.ID, c.services)
		c.named(path+".name", service.Name)
		c.needs(path+".needs", service.Needs)
		c.ofServices[service.ID] = len(service.Needs)
		c.ofForms = max(c.ofForms, len(service.Needs))
		categories := map[string]bool{}
		for j, category := range service.Categories {
			at := fmt.Sprintf("%s.categories[%d]", path, j)
			id(c, at, "category", category.ID, categories)
			c.named(at+".name", category.Name)
			c.needs(at+".needs", category.Needs)
			c.ofForms = max(c.ofForms, len(service.Needs)+len(category.Needs))
		}
	}
}

// order checks who is served before whom, and by whom.
func (c *checker) order(desk Desk) {
	if rise := desk.RiseAfter; rise != 0 && (rise < minRise || rise > maxRise) {
		c.fault("$.desk.rise_after", "%d %% of the target is not within %d–%d; 0 means never", rise, minRise, maxRise)
	}
	if desk.ImpactFrom > maxImpact {
		c.fault("$.desk.impact_from", "%d is more than %d, which is the most that a contact can stand for", desk.ImpactFrom, maxImpact)
	}
	for key, length := range map[string]contact.Millis{
		"ramp_up": desk.RampUp, "transfer_wait": desk.TransferWait, "preferred.for": desk.Preferred.For, "preferred.within": desk.Preferred.Within,
	} {
		c.notBelow("$.desk."+key, length)
	}
	if desk.Preferred.For > 0 && desk.Preferred.Within <= 0 {
		c.fault("$.desk.preferred.within", "who had a contact last is preferred for longer than 0 s")
	}
}

func (c *checker) notBelow(path string, length contact.Millis) {
	if length < 0 {
		c.fault(path, "the time cannot be below 0 s")
	}
}

func (c *checker) callbacks(desk Desk) {
	calls := desk.Callbacks
	if calls.Tries > maxTries {
		c.fault("$.desk.callbacks.tries", "%d is more than %d", calls.Tries, maxTries)
	}
	c.notBelow("$.desk.callbacks.appointment_wait", calls.AppointmentWait)
	c.notBelow("$.desk.callbacks.retry", calls.Retry)
	if calls.Offer && calls.Retry == 0 {
		c.fault("$.desk.callbacks.retry", "who was not reached is tried again after longer than 0 s")
	}
}

func (c *checker) pauseReasons(reasons []PauseReason) {
	if n := len(reasons); n > maxPauseReasons {
		c.fault("$.desk.pause_reasons", "there are %d pause reasons; %d is the most", n, maxPauseReasons)
	}
	seen := map[string]bool{}
	for i, reason := range reasons {
		path := fmt.Sprintf("$.desk.pause_reasons[%d]", i)
		id(c, path, "pause reason", reason.ID, seen)
		if reason.Limit < 0 {
			c.fault(path+".limit", "the limit cannot be below 0 s; 0s sets none")
		}
		c.atMost(path+".limit", reason.Limit, maxGrace)
	}
}
