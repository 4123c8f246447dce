package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/queue"
)

// orderRule reads a rule for the order of the queue:
//
//	relax-sv=10s:level:2,30s:drop       or 30s:overflow:en:1, 60s:anyone
//	textsrelax-sv=1h:level:2            the same for mails and forms
//	hours-desk=07:00-22:00              of every day in Stockholm; shut-desk=2026-11-26
//	rise=200 impact-from=100 prefer=30s prefer-within=72h
func (s *story) orderRule(rules *contact.Rules, name, value string) {
	s.t.Helper()
	rule, of, _ := strings.Cut(name, "-")
	switch {
	case name == "rise":
		rules.RiseAfter = uint16(s.number(value))
	case name == "impact-from":
		rules.ImpactFrom = uint32(s.number(value))
	case name == "prefer":
		rules.PreferFor = s.millis(value)
	case name == "prefer-within":
		rules.PreferWithin = s.millis(value)
	case rule == "textsrelax":
		s.group(rules, contact.SkillID(of)).RelaxTexts = s.relaxations(value)
	case rule == "relax":
		s.group(rules, contact.SkillID(of)).Relax = s.relaxations(value)
	case rule == "hours":
		hours := contact.HoursRule{ID: contact.HoursID(of), Zone: "Europe/Stockholm"}
		from, to, _ := strings.Cut(value, "-")
		for day := range hours.Weekly {
			hours.Weekly[day] = []contact.DayWindow{{From: s.timeOfDay(from), To: s.timeOfDay(to)}}
		}
		rules.Hours = append(rules.Hours, hours)
	case rule == "shut":
		at := slices.IndexFunc(rules.Hours, func(r contact.HoursRule) bool { return string(r.ID) == of })
		rules.Hours[at].Exceptions = append(rules.Hours[at].Exceptions, contact.DayException{Date: value})
	}
}

func (s *story) relaxations(text string) []contact.Relaxation {
	s.t.Helper()
	var steps []contact.Relaxation
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		words := strings.Split(one, ":")
		step := contact.Relaxation{After: s.millis(words[0]), Kind: contact.RelaxKind(words[1])}
		if len(words) > 3 {
			step.Group = contact.SkillID(words[2])
		}
		if len(words) > 2 {
			step.Level = uint8(s.number(words[len(words)-1]))
		}
		steps = append(steps, step)
	}
	return steps
}

func (s *story) timeOfDay(text string) contact.Millis {
	s.t.Helper()
	hours, minutes, _ := strings.Cut(text, ":")
	return contact.Millis(s.number(hours)*60+s.number(minutes)) * 60_000
}

// outlook tells what time will bring to a contact.
func (s *story) outlook(id contact.ID) []string {
	look := s.engine.Outlook(id)
	words := fmt.Sprintf("%s  %s is of class %d", clock(s.now), id, look.Class)
	if look.Risen {
		words += ", risen"
	}
	if look.RelaxesAt != 0 {
		words += ", needs" + tellNeeds(look.RelaxesTo) + " from " + clock(look.RelaxesAt)
	}
	if look.RisesAt != 0 {
		words += ", rises at " + clock(look.RisesAt)
	}
	return []string{words}
}

func tellOrderRules(r contact.Rules) string {
	words := ""
	for _, g := range r.Groups {
		for i, step := range slices.Concat(g.Relax, g.RelaxTexts) {
			what := ""
			if i >= len(g.Relax) {
				what = " of texts"
			}
			words += fmt.Sprintf(", %s%s after %v: %s", g.Group, what, step.After.Duration(), step.Kind)
			if step.Group != "" {
				words += " to " + string(step.Group)
			}
			if step.Level != 0 {
				words += fmt.Sprintf(" %d", step.Level)
			}
		}
	}
	for _, h := range r.Hours {
		for _, w := range h.Weekly[0] {
			midnight := time.Time{}
			words += fmt.Sprintf(", %s open %s to %s", h.ID, midnight.Add(w.From.Duration()).Format("15:04"), midnight.Add(w.To.Duration()).Format("15:04"))
		}
		for _, exception := range h.Exceptions {
			words += " but not on " + exception.Date
		}
	}
	if r.RiseAfter > 0 {
		words += fmt.Sprintf(", rise at %d %%", r.RiseAfter)
	}
	if r.ImpactFrom > 0 {
		words += fmt.Sprintf(", impact from %d", r.ImpactFrom)
	}
	if r.PreferFor > 0 {
		words += fmt.Sprintf(", keep for %v for who handled it within %v", r.PreferFor.Duration(), r.PreferWithin.Duration())
	}
	return words
}

func tellQueued(v contact.ContactQueued) string {
	words := fmt.Sprintf("%s may be offered, needs%s, class %d, target %v", v.Contact, tellNeeds(v.Needs), v.Class, v.Target.Duration())
	if v.Hours != "" {
		words += " of " + string(v.Hours)
	}
	return words + tellKept(v.Prefer, v.PreferUntil)
}

func tellKept(agent contact.AgentID, until contact.Instant) string {
	if agent == "" {
		return ""
	}
	return fmt.Sprintf(", kept for %s until %s", agent, clock(until))
}

// tellTurn says what beside waiting gave the contact its turn.
func tellTurn(w contact.Why) string {
	words := ""
	if w.Risen {
		words += fmt.Sprintf(", risen after %v of %v", w.Waited.Duration(), w.Target.Duration())
	}
	if w.Relaxed > 0 {
		words += fmt.Sprintf(", relaxed %d", w.Relaxed)
	}
	if w.Returned {
		words += ", its agent was lost"
	}
	return words
}

// tellPlace says what decides the turn of a contact that waits.
func tellPlace(c queue.ContactState) string {
	words := ""
	if c.Relaxed > 0 {
		words += fmt.Sprintf(", relaxed %d to%s", c.Relaxed, tellNeeds(c.StillNeeded))
	}
	if c.Residents > 0 {
		words += fmt.Sprintf(", stands for %d, class %d", c.Residents, c.Class)
	}
	if c.Returned {
		words += ", its agent was lost"
	}
	return words + tellKept(c.Prefer, c.PreferUntil)
}
