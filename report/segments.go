package report

import (
	"svar/contact"
)

// Segment is one agent's part of a contact: from the moment when both were connected to
// the end of what the agent had to do with it. A contact that goes on with another agent, or
// with the same one later, has a further segment; agents' sums are made of segments and
// exceed those of contacts.
type Segment struct {
	Contact contact.ID
	Offer   contact.OfferID
	Agent   contact.AgentID
	// Connected and Ended bound the connection, hold included; Ended is 0 while it lasts.
	Connected, Ended contact.Instant
	// Held is how much of the connection the user was on hold, counted as each hold ends.
	Held contact.Millis
	// Finished is when the agent was done with it, wrap-up included; 0 before that.
	Finished contact.Instant
	Parted   Parted
	// Lapsed says that its wrap-up ran out.
	Lapsed bool

	heldSince contact.Instant
}

// Parted is how a segment ended; empty while the agent has the contact.
type Parted string

// The ways to part.
const (
	// PartedFinished: the agent, or the end of wrap-up, closed the contact.
	PartedFinished Parted = "finished"
	// PartedHandedOver: so too, after a place outside had taken the user over.
	PartedHandedOver Parted = "handed-over"
	// PartedTransferred: the agent sent it on, to a colleague whom he had asked, or without asking.
	PartedTransferred Parted = "transferred"
	// PartedPromised: the contact goes on as a call-back that the agent has promised.
	PartedPromised Parted = "promised"
	// PartedReturned: the contact went back into the queue.
	PartedReturned Parted = "returned"
	// PartedDropped: a technical fault broke it.
	PartedDropped Parted = "dropped"
)

// Talk is the time that agent and user could hear or write to each other, hold excluded; 0
// while the connection lasts.
func (s Segment) Talk() contact.Millis {
	if s.Ended == 0 {
		return 0
	}
	return max(0, s.Ended.Sub(s.Connected)-s.Held)
}

// WrapUp is the time from the end of the connection until the agent was done; 0 before that.
func (s Segment) WrapUp() contact.Millis {
	if s.Finished == 0 {
		return 0
	}
	return max(0, s.Finished.Sub(s.Ended))
}

// Handling is the time that the segment took of its agent so far: talk, hold and wrap-up.
func (s Segment) Handling() contact.Millis { return s.Talk() + s.Held + s.WrapUp() }

// segments are those of one contact, in the order in which they began. Only the last may
// be open.
type segments []Segment

// add takes in an event of the contact that was recorded at now.
func (l *segments) add(event contact.Event, now contact.Instant) {
	if e, is := event.(contact.ContactConnected); is {
		*l = append(*l, Segment{Contact: e.Contact, Offer: e.Offer, Agent: e.Agent, Connected: now})
		return
	}
	l.changeLast(event, now)
	if e, is := event.(contact.ConsultEnded); is && e.Cause == contact.ConsultCompleted {
		*l = append(*l, Segment{Contact: e.Contact, Offer: e.Offer, Agent: e.With, Connected: now})
	}
}

// changeLast takes in what an event says of the segment that is open, if one is.
func (l *segments) changeLast(event contact.Event, now contact.Instant) {
	if len(*l) == 0 || (*l)[len(*l)-1].Parted != "" {
		return
	}
	last := &(*l)[len(*l)-1]
	switch e := event.(type) {
	case contact.ContactHeld:
		first(&last.heldSince, now)
	case contact.ContactResumed:
		last.resume(now)
	case contact.ConferenceChanged: // the user talks meanwhile
		if e.On {
			last.resume(now)
		} else {
			first(&last.heldSince, now)
		}
	case contact.ContactHungUp, contact.ContactHandedOver:
		last.end(now)
	case contact.ContactTransferred:
		last.end(now)
		last.Parted = PartedTransferred
	case contact.ConsultEnded:
		if e.Cause == contact.ConsultCompleted {
			last.end(now)
			last.Parted = PartedTransferred
		}
	case contact.CallbackScheduled:
		last.end(now) // it may have been in wrap-up
		last.Finished, last.Parted = now, PartedPromised
	case contact.ContactReturned:
		last.end(now)
		last.Parted = PartedReturned
	case contact.ContactDropped:
		last.end(now)
		last.Parted = PartedDropped
	case contact.ContactClosed:
		last.end(now)
		last.Finished, last.Parted, last.Lapsed = now, partedAs(e.End), e.Lapsed
	}
}

// partedAs is how the segment ends of an agent who has a contact when it is closed.
func partedAs(end contact.End) Parted {
	switch end {
	case contact.EndHandled:
		return PartedFinished
	case contact.EndHandedOver:
		return PartedHandedOver
	case contact.EndAbandoned, contact.EndRefused, contact.EndDropped, contact.EndOutsideHours, contact.EndNotReached:
		return PartedDropped
	default:
		return PartedDropped
	}
}

func (s *Segment) resume(now contact.Instant) {
	if s.heldSince != 0 {
		s.Held += max(0, now.Sub(s.heldSince))
		s.heldSince = 0
	}
}

func (s *Segment) end(now contact.Instant) {
	if s.Ended == 0 {
		s.resume(now)
		s.Ended = now
	}
}
