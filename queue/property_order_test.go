package queue_test

import (
	"slices"

	"svar/contact"
	"svar/queue"
)

// closing is a contact that an agent has handled.
type closing struct {
	contact contact.Contact
	ticket  contact.TicketNumber
	agent   contact.AgentID
	at      contact.Instant
}

// slowStep is the step of relaxation that comes next: all steps of all groups that the contact needed
// at first, the one with the shortest time that changes what it still needs.
func slowStep(rules contact.Rules, c queue.ContactState) (after contact.Millis, to contact.Needs, some bool) {
	for _, need := range c.Needs {
		for _, rule := range rules.Groups {
			if rule.Group != need.Skill {
				continue
			}
			steps := rule.Relax
			if ch := c.Contact.Channel; ch == contact.Mail || ch == contact.Form {
				steps = rule.RelaxTexts
			}
			for _, step := range steps {
				left := slowRelaxed(c, need.Skill, step)
				if !slices.Equal(left, c.StillNeeded) && (!some || step.After < after) {
					after, to, some = step.After, left, true
				}
			}
		}
	}
	return after, to, some
}

// slowRelaxed is what is still needed after one step of a group.
func slowRelaxed(c queue.ContactState, group contact.SkillID, step contact.Relaxation) contact.Needs {
	if step.Kind == contact.RelaxAnyone {
		return contact.Needs{}
	}
	var left []contact.Need
	for _, n := range c.StillNeeded {
		if n.Skill != group {
			left = append(left, n)
			continue
		}
		again := slices.ContainsFunc(c.Needs, func(n contact.Need) bool { return n.Skill == step.Group })
		switch {
		case step.Kind == contact.RelaxLevel:
			left = append(left, contact.Need{Skill: group, Level: min(n.Level, step.Level)})
		case step.Kind == contact.RelaxOverflow && !again:
			left = append(left, contact.Need{Skill: step.Group, Level: step.Level})
		}
	}
	return contact.NewNeeds(left...)
}

// relaxes checks a step of relaxation against the twin: it is the next one, and has come due.
func (c *checker) relaxes(v contact.NeedsRelaxed, before queue.ContactState, now contact.Instant) {
	rules := c.follower.Rules()
	after, to, some := slowStep(rules, before)
	if !some || v.Step != before.Relaxed+1 || !slices.Equal(v.Needs, to) || slowBetween(rules, before.Hours, before.NeedsSince, now) < after {
		c.t.Fatalf("%+v at %d, the twin would have taken %v after %d (%v) of %+v", v, now, to, after, some, before)
	}
}

// queues checks whom a contact is kept for when it is queued, by a book of all closings that is never
// cut.
func (c *checker) queues(v contact.ContactQueued, before queue.ContactState, now contact.Instant) {
	rules := c.follower.Rules()
	want := contact.AgentID("")
	class := v.Class
	if class == contact.ClassOrdinary && rules.ImpactFrom > 0 && before.Residents >= rules.ImpactFrom {
		class = contact.ClassResidentImpact
	}
	last := func(of func(closing) bool) contact.AgentID {
		for _, k := range slices.Backward(c.closings) {
			if !of(k) {
				continue
			}
			a, known := c.follower.Agent(k.agent)
			suits := known && slowAttends(a, before, now) && a.Reserved <= class && slowLevel(v.Needs, a.Skills) >= 0
			if suits && now.Sub(k.at) <= rules.PreferWithin {
				return k.agent
			}
			return ""
		}
		return ""
	}
	if who := before.Contact; rules.PreferFor > 0 {
		for _, of := range []func(closing) bool{
			func(k closing) bool { return who.Person != "" && who.Person == k.contact.Person },
			func(k closing) bool { return who.Follows == k.contact.ID && k.contact.Channel == contact.Chat },
			func(k closing) bool {
				return who.Ticket != "" && (who.Ticket == k.contact.Ticket || who.Ticket == k.ticket)
			},
		} {
			if agent := last(of); agent != "" {
				want = agent
			}
		}
	}
	until := contact.Instant(0)
	if want != "" {
		until = now.Add(rules.PreferFor)
	}
	if v.Prefer != want || v.PreferUntil != until {
		c.t.Fatalf("%+v is kept for %q until %d, it should be for %q until %d", v, v.Prefer, v.PreferUntil, want, until)
	}
}

// remembers keeps the book of closings, as the rules were at each.
func (c *checker) remembers(v contact.ContactClosed, before queue.ContactState, now contact.Instant) {
	handled := v.End == contact.EndHandled || v.End == contact.EndHandedOver
	if handled && v.Stage != contact.StageCallback && v.Agent != "" && c.follower.Rules().PreferFor > 0 {
		c.closings = append(c.closings, closing{contact: before.Contact, ticket: v.Ticket, agent: v.Agent, at: now})
	}
}

// slowAttends says whether a contact may be kept for the agent, who may be busy.
func slowAttends(a queue.AgentState, c queue.ContactState, now contact.Instant) bool {
	return !a.Gone && a.Presence == contact.Ready && len(a.Nodes) > 0 && a.Next == "" &&
		(len(a.Channels) == 0 || slices.Contains(a.Channels, c.Contact.Channel)) &&
		!slices.ContainsFunc(c.PassedOver, func(p queue.PassedOver) bool { return p.Agent == a.Agent && now < p.Until })
}

// endsKeeping checks that a keeping ends for the reason that it gives.
func (c *checker) endsKeeping(v contact.PreferenceEnded, before queue.ContactState, now contact.Instant) {
	a, _ := c.follower.Agent(v.Agent)
	refused := slices.ContainsFunc(before.PassedOver, func(p queue.PassedOver) bool { return p.Agent == v.Agent && now < p.Until })
	before.PassedOver = nil
	holds := false
	switch v.Cause {
	case contact.PreferenceOver:
		holds = before.PreferUntil != 0 && before.PreferUntil <= now
	case contact.PreferenceAway:
		holds = !slowAttends(a, before, now)
	case contact.PreferenceRefused:
		holds = refused
	}
	if !holds || before.Prefer != v.Agent {
		c.t.Fatalf("%+v, but it was %+v", v, before)
	}
}

// settledOrder checks after a step that nothing is overdue: no step of relaxation, and no keeping for
// who cannot take it.
func (c *checker) settledOrder(now contact.Instant) {
	rules := c.engine.Rules()
	for _, k := range c.engine.Contacts() {
		if !slowStands(rules, k) {
			continue
		}
		k.PassedOver = slices.DeleteFunc(k.PassedOver, func(p queue.PassedOver) bool { return p.Until <= now })
		if after, to, some := slowStep(rules, k); some && slowBetween(rules, k.Hours, k.NeedsSince, now) >= after {
			c.t.Fatalf("%+v should need %v by now", k, to)
		}
		if a, _ := c.engine.Agent(k.Prefer); k.Prefer != "" && (!slowAttends(a, k, now) || k.PreferUntil != 0 && k.PreferUntil <= now) {
			c.t.Fatalf("%+v is kept for %+v", k, a)
		}
		look := c.engine.Outlook(k.Contact.ID)
		if class := slowClass(rules, k, c.engine.Last()); look.Class != class || look.Risen != (class != k.Class) {
			c.t.Fatalf("%+v is of class %d, its outlook is %+v", k, class, look)
		}
		if _, to, some := slowStep(rules, k); some && look.RelaxesAt != 0 && !slices.Equal(look.RelaxesTo, to) {
			c.t.Fatalf("%+v will need %v, its outlook is %+v", k, to, look)
		}
	}
}

// soundPlace checks what decides the turn of a contact.
func (c *checker) soundPlace(k queue.ContactState) {
	waits := k.State == contact.StateWaiting || k.State == contact.StateOffered || k.State == contact.StateDialling
	switch {
	case k.Prefer != "" && !waits, (k.Prefer == "") != (k.PreferRule == ""), k.Prefer == "" && k.PreferUntil != 0:
		c.t.Fatalf("%s is %s and kept for %q until %d by %q", k.Contact.ID, k.State, k.Prefer, k.PreferUntil, k.PreferRule)
	case k.Class != k.QueuedClass && (k.Residents == 0 || k.QueuedClass != contact.ClassOrdinary || k.Class != contact.ClassResidentImpact):
		c.t.Fatalf("%s was queued in class %d, stands for %d and is of class %d", k.Contact.ID, k.QueuedClass, k.Residents, k.Class)
	case k.Relaxed == 0 && !slices.Equal(k.StillNeeded, k.Needs):
		c.t.Fatalf("%s has not been relaxed and needs %v of %v", k.Contact.ID, k.StillNeeded, k.Needs)
	}
}
