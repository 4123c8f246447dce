package queue_test

import (
	"cmp"
	"fmt"
	"strings"

	"svar/contact"
	"svar/queue"
)

// tell says an event in words.
func tell(event contact.Event) string {
	switch v := event.(type) {
	case contact.LeaderElected:
		return fmt.Sprintf("%s leads, epoch %d", v.Node, v.Epoch)
	case contact.RulesChanged:
		return tellRules(v.Rules)
	case contact.RosterChanged:
		names := []string{}
		for _, a := range v.Roster.Agents {
			words := string(a.ID) + tellNeeds(a.Skills)
			if a.Reserved > 0 {
				words += fmt.Sprintf(" for class %d", a.Reserved)
			}
			names = append(names, words)
		}
		return "the roster: " + strings.Join(names, ", ")
	case contact.ContactArrived:
		if v.Node == "" {
			return fmt.Sprintf("%s arrives by %s", v.Contact.ID, v.Contact.Channel)
		}
		return fmt.Sprintf("%s arrives on %s", v.Contact.ID, v.Node)
	case contact.ContactGreeted:
		return fmt.Sprintf("%s is greeted", v.Contact)
	case contact.ContactQueued:
		return tellQueued(v)
	case contact.NeedsRelaxed:
		return fmt.Sprintf("%s has waited, step %d: it needs%s", v.Contact, v.Step, tellNeeds(v.Needs))
	case contact.PreferenceEnded:
		return fmt.Sprintf("%s is kept for %s no longer: %s", v.Contact, v.Agent, v.Cause)
	case contact.ImpactSet:
		return fmt.Sprintf("%s stands for %d residents and companies", v.Contact, v.Residents)
	case contact.ContactOffered:
		return fmt.Sprintf("%s is offered to %s (offer %d, until %s): %s", v.Contact, v.Agent, v.Offer, clock(v.Expires), tellWhy(v.Why))
	case contact.OfferAccepted:
		return fmt.Sprintf("%s accepts %s (offer %d)", v.Agent, v.Contact, v.Offer)
	case contact.OfferDeclined:
		return fmt.Sprintf("%s declines %s (offer %d, passed over until %s)%s", v.Agent, v.Contact, v.Offer, clock(v.Again), tellReason(v.Reason))
	case contact.OfferMissed:
		return fmt.Sprintf("%s misses %s (offer %d, passed over until %s)", v.Agent, v.Contact, v.Offer, clock(v.Again))
	case contact.OfferWithdrawn:
		return fmt.Sprintf("%s is withdrawn from %s (offer %d): %s", v.Contact, v.Agent, v.Offer, v.Cause)
	case contact.ContactConnected:
		return fmt.Sprintf("%s and %s are connected (offer %d)", v.Contact, v.Agent, v.Offer)
	case contact.ContactReturned:
		words := fmt.Sprintf("%s has lost %s (offer %d) and waits on in the old place", v.Contact, v.Agent, v.Offer)
		if v.Again != 0 {
			words += fmt.Sprintf(" (passed over until %s)", clock(v.Again))
		}
		return words + tellReason(string(v.Cause))
	case contact.ContactReplied:
		return fmt.Sprintf("%s has the first reply of %s", v.Contact, v.Agent)
	case contact.CallbackScheduled:
		words := fmt.Sprintf("%s is to be called back, as the %s said: it was %s%s", v.Contact, v.By, v.From, tellWith(v.Agent))
		if v.At != 0 {
			words += ", at " + clock(v.At)
		}
		if v.For != "" {
			words += ", by " + string(v.For)
		}
		return words
	case contact.CallbackDue:
		words := fmt.Sprintf("%s is due to be called back", v.Contact)
		if v.For != "" {
			words += ", kept for " + string(v.For)
		}
		if v.PreferUntil != 0 {
			words += " until " + clock(v.PreferUntil)
		}
		return words
	case contact.CallbackTaken:
		return fmt.Sprintf("%s is dialled on %s for %s (offer %d, until %s)", v.Contact, v.Node, v.Agent, v.Offer, clock(v.Expires))
	case contact.CallbackFailed:
		return fmt.Sprintf("%s is not reached for %s (offer %d): %s", v.Contact, v.Agent, v.Offer, v.Reason)
	case contact.ContactTransferred:
		return tellTransferred(v)
	case contact.ConsultOffered:
		return fmt.Sprintf("%s asks %s about %s (offer %d, until %s)", v.Agent, v.With, v.Contact, v.Offer, clock(v.Expires))
	case contact.ConsultAccepted:
		return fmt.Sprintf("%s agrees to be asked about %s (offer %d)", v.With, v.Contact, v.Offer)
	case contact.ConsultConnected:
		return fmt.Sprintf("%s is asked about %s (offer %d)", v.With, v.Contact, v.Offer)
	case contact.ConsultEnded:
		return fmt.Sprintf("%s and %s talk no more about %s (offer %d): %s", v.Agent, v.With, v.Contact, v.Offer, v.Cause)
	case contact.ContactHandedOver:
		words := fmt.Sprintf("%s is handed over by %s to %s", v.Contact, v.Agent, v.To)
		if v.Offer != 0 {
			words += fmt.Sprintf(" (offer %d)", v.Offer)
		}
		return words + tellUntil(v.Until)
	case contact.OutsideCalled:
		words := fmt.Sprintf("%s has %s called about %s (offer %d, until %s)", v.Agent, v.To, v.Contact, v.Offer, clock(v.Expires))
		if v.Blind {
			words += ", to hand it over"
		}
		return words
	case contact.OutsideAnswered:
		return fmt.Sprintf("%s answers about %s (offer %d)", v.To, v.Contact, v.Offer)
	case contact.OutsideEnded:
		return fmt.Sprintf("%s is called no more about %s (offer %d)%s", v.To, v.Contact, v.Offer, tellReason(string(v.Failure)))
	case contact.ConferenceChanged:
		if v.On {
			return fmt.Sprintf("%s, %s and who is asked hear each other", v.Contact, v.Agent)
		}
		return fmt.Sprintf("%s is on hold again, %s and who is asked talk on", v.Contact, v.Agent)
	case contact.SupervisionChanged:
		if v.Mode == "" {
			return fmt.Sprintf("%s has left %s", v.Supervisor, v.Contact)
		}
		return fmt.Sprintf("%s is in %s: %s", v.Supervisor, v.Contact, v.Mode)
	case contact.ContactMarked:
		return fmt.Sprintf("%s says of %s: %s", v.Agent, v.Contact, v.Mark)
	case contact.CallPlaced:
		return fmt.Sprintf("%s calls by %s on %s (offer %d, until %s)", v.Agent, v.Contact.ID, v.Node, v.Offer, clock(v.Expires))
	case contact.RecordingChanged:
		return fmt.Sprintf("the recording of %s has %s%s", v.Contact, v.Recording, tellReason(v.File))
	case contact.ContactRejoined:
		return fmt.Sprintf("%s rings again, on %s, and has the place of the call-back", v.Contact, v.Node)
	case contact.ContactHeld:
		return fmt.Sprintf("%s is put on hold by %s", v.Contact, v.Agent)
	case contact.ContactResumed:
		return fmt.Sprintf("%s is taken off hold by %s", v.Contact, v.Agent)
	case contact.ContactHungUp:
		return fmt.Sprintf("%s and %s have ended, by the %s%s", v.Contact, v.Agent, v.By, tellUntil(v.Until))
	case contact.WrapUpExtended:
		return fmt.Sprintf("%s gets more time for %s%s", v.Agent, v.Contact, tellUntil(v.Until))
	case contact.OutcomeChosen:
		return fmt.Sprintf("%s has chosen so far for %s%s", v.Agent, v.Contact, tellOutcome(v.Code, v.Ticket))
	case contact.QualityReported:
		return fmt.Sprintf("%s was heard over offer %d, the %s: %d of %d packets lost", v.Contact, v.Offer, v.Party, v.Quality.Lost, v.Quality.Lost+v.Quality.Received)
	case contact.ContactDropped:
		return fmt.Sprintf("%s is to be called back, it was %s%s", v.Contact, v.From, tellWith(v.Agent))
	case contact.ContactClosed:
		return tellClosed(v)
	case contact.PresenceChanged:
		return fmt.Sprintf("%s is %s%s (%s)%s", v.Agent, v.Presence, tellChannels(v.Channels), v.Cause, tellReason(v.Reason))
	case contact.PresencePlanned:
		return fmt.Sprintf("%s is offered nothing more, and %s after what is open%s", v.Agent, v.Presence, tellReason(v.Reason))
	case contact.ReachabilityChanged:
		if v.Reachable {
			return fmt.Sprintf("%s has a console on %s", v.Agent, v.Node)
		}
		return fmt.Sprintf("%s has no console on %s", v.Agent, v.Node)
	default:
		return fmt.Sprintf("%T", event)
	}
}

func tellRules(r contact.Rules) string {
	words := fmt.Sprintf("the rules: ring for %v, connect within %v, pause after %d missed, outcomes %v",
		r.OfferTimeout.Duration(), r.ConnectTimeout.Duration(), r.MissLimit, r.OutcomeCodes)
	for _, c := range r.Channels {
		words += fmt.Sprintf(", %s up to %d", c.Channel, c.Capacity)
		for _, other := range c.Beside {
			words += " beside " + string(other)
		}
	}
	if r.WrapUpLimit > 0 {
		words += fmt.Sprintf(", wrap up for %v and %v more, or it is %s", r.WrapUpLimit.Duration(), r.WrapUpExtension.Duration(), r.WrapUpCode)
	}
	if r.DialsPerContact > 0 {
		words += fmt.Sprintf(", dial for %v, %d times of %d in an hour", r.DialTimeout.Duration(), r.DialsPerContact, r.DialsPerHour)
	}
	return words + tellDesk(r) + tellOrderRules(r)
}

func tellDesk(r contact.Rules) string {
	words := ""
	if r.OfferCallbacks {
		words += fmt.Sprintf(", call-backs are offered, %d tries, again after %v, kept for who promised for %v",
			r.CallbackTries, r.RetryAfter.Duration(), r.AppointmentWait.Duration())
	}
	if r.RampUp > 0 {
		words += fmt.Sprintf(", one more text every %v", r.RampUp.Duration())
	}
	for _, p := range r.PauseReasons {
		words += ", pause for " + p.Reason
		if p.Limit > 0 {
			words += fmt.Sprintf(" up to %v", p.Limit.Duration())
		}
		if p.Break {
			words += " (a break)"
		}
	}
	for _, g := range r.Groups {
		if g.BreaksAtOnce > 0 {
			words += fmt.Sprintf(", %d of %s on a break at once", g.BreaksAtOnce, g.Group)
		}
	}
	return words
}

func tellChannels(channels []contact.Channel) string {
	words := ""
	for i, channel := range channels {
		words += []string{" for ", " and "}[min(i, 1)] + string(channel)
	}
	return words
}

func tellClosed(v contact.ContactClosed) string {
	words := fmt.Sprintf("%s is closed: %s", v.Contact, v.End)
	if v.Stage != "" {
		words += " at stage " + string(v.Stage)
	}
	if v.Response != 0 {
		words += fmt.Sprintf(" with %d", v.Response)
	}
	words += tellWith(v.Agent) + tellOutcome(v.Code, v.Ticket) + tellReason(string(v.Failure))
	if v.Lapsed {
		words += ", since wrap-up ran out"
	}
	return words + fmt.Sprintf(", waited %v", v.Waited.Duration())
}

func tellTransferred(v contact.ContactTransferred) string {
	words := fmt.Sprintf("%s is sent on by %s (offer %d)", v.Contact, v.Agent, v.Offer)
	if v.To.Agent != "" {
		words += fmt.Sprintf(" to %s, kept for him", v.To.Agent)
		if v.Until != 0 {
			words += " until " + clock(v.Until)
		}
	} else {
		words += " to whoever has" + tellNeeds(v.To.Needs)
	}
	return words + fmt.Sprintf(" (%s is passed over until %s)", v.Agent, clock(v.Again))
}

func tellOutcome(code contact.OutcomeCode, ticket contact.TicketNumber) string {
	words := ""
	if code != "" {
		words += ", outcome " + string(code)
	}
	if ticket != "" {
		words += ", ticket " + string(ticket)
	}
	return words
}

func tellUntil(until contact.Instant) string {
	if until == 0 {
		return ""
	}
	return ", wrap-up until " + clock(until)
}

func tellWhy(w contact.Why) string {
	return fmt.Sprintf("%s of %d, level %d, idle %v, %d waiting", w.Rule, w.Candidates, w.Level, w.Idle.Duration(), w.Waiting) + tellTurn(w)
}

func tellWith(agent contact.AgentID) string {
	if agent == "" {
		return ""
	}
	return " with " + string(agent)
}

func tellReason(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func tellNeeds(needs contact.Needs) string {
	words := ""
	for _, n := range needs {
		words += fmt.Sprintf(" %s=%d", n.Skill, n.Level)
	}
	if words == "" {
		return " nothing"
	}
	return words
}

func tellContact(c queue.ContactState) string {
	words := fmt.Sprintf("%s: %s since %s", c.Contact.ID, c.State, clock(c.Since))
	if c.Callback {
		words += ", to be called back"
		if c.For != "" {
			words += " by " + string(c.For)
		}
		if c.DueAt != 0 {
			words += " at " + clock(c.DueAt)
		}
		if c.Tries > 0 {
			words += fmt.Sprintf(", %d in vain", c.Tries)
		}
		if c.Exhausted {
			words += ", offered no more"
		}
	}
	if c.Offer != nil {
		words += fmt.Sprintf(", offer %d to %s until %s", c.Offer.Offer, c.Offer.Agent, clock(c.Offer.Expires))
		if c.Offer.Accepted {
			words += ", accepted"
		}
	}
	if c.Consult != nil {
		words += fmt.Sprintf(", %s is consulted (offer %d)", cmp.Or(string(c.Consult.With), string(c.Consult.To)), c.Consult.Offer)
	}
	words += tellTalk(c)
	if c.HandedOver != "" {
		words += ", handed over to " + string(c.HandedOver)
	}
	words += tellWith(c.Agent) + tellOutcome(c.Code, c.Ticket) + tellUntil(c.WrapUpUntil)
	if c.Answered != 0 {
		words += ", answered " + clock(c.Answered)
	}
	words += tellPlace(c)
	for _, p := range c.PassedOver {
		words += fmt.Sprintf(", passes over %s until %s", p.Agent, clock(p.Until))
	}
	return words
}

// tellTalk says who else hears the call, and what is said of it.
func tellTalk(c queue.ContactState) string {
	words := ""
	if c.Conference {
		words += ", all hear each other"
	}
	for _, s := range c.Supervisors {
		words += fmt.Sprintf(", %s: %s", s.Supervisor, s.Mode)
	}
	if c.NotReached != nil {
		words += fmt.Sprintf(", %s was not reached: %s", c.NotReached.To, c.NotReached.Failure)
	}
	for _, mark := range c.Marks {
		words += ", marked " + string(mark)
	}
	if c.Recording != "" {
		words += ", its recording has " + string(c.Recording)
	}
	return words
}

func tellAgent(a queue.AgentState) string {
	words := fmt.Sprintf("%s: %s%s since %s", a.Agent, a.Presence, tellChannels(a.Channels), clock(a.Since))
	if a.Cause != "" {
		words += fmt.Sprintf(" (%s)", a.Cause)
	}
	words += tellReason(a.Reason)
	if a.Next != "" {
		words += fmt.Sprintf(", then %s%s", a.Next, tellReason(a.NextReason))
	}
	if a.Gone {
		words += ", gone from the roster"
	}
	if !a.Reachable() {
		words += ", unreachable"
	}
	for i, held := range a.Contacts {
		words += []string{", has ", " and "}[min(i, 1)] + string(held.Contact)
	}
	if len(a.Contacts) == 0 {
		words += ", idle since " + clock(a.IdleSince)
	}
	if len(a.Missed) > 0 {
		words += fmt.Sprintf(", missed %d", len(a.Missed))
		for _, missed := range a.Missed {
			if missed.Cause != contact.MissedByTime {
				words += fmt.Sprintf(", %s by %s", missed.Contact, missed.Cause)
			}
		}
	}
	return words
}
