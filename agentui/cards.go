package agentui

import (
	"context"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// activities are what an agent can be doing, the most pressing last.
var activities = map[contact.State]int{
	contact.StateWrapUp: 1, contact.StateHeld: 2, contact.StateConnected: 3, contact.StateDialling: 4, contact.StateOffered: 5,
}

// addCard adds one of the agent's contacts to the state.
func (m *stateMaker) addCard(ctx context.Context, s *OwnState, agent contact.AgentID, viewer identity.Viewer, view bus.ContactView) {
	c := view.Contact
	since := view.Since
	switch offer, consult := view.Offer, view.Consult; {
	case isConsulted(view, agent) && !consult.Connected:
		since = consult.Since
		who, details := m.look(ctx, agent, viewer, surfaceRing, view)
		s.Offer = &RingCard{
			Offer: consult.Offer, Contact: c.ID, Channel: c.Channel, Line: c.Line, Language: c.Language,
			Caller: who, Arrived: c.Arrived, Since: consult.Since, Expires: consult.Expires, Accepted: consult.Accepted,
			ConsultedBy: m.colleague(view.Agent), Details: details,
		}
		m.active(s, contact.StateOffered, since)
		return
	case isOffered(view, agent):
		since = offer.Since
		who, details := m.look(ctx, agent, viewer, surfaceRing, view)
		s.Offer = &RingCard{
			Offer: offer.Offer, Contact: c.ID, Channel: c.Channel, Line: c.Line, Language: c.Language,
			Caller: who, Arrived: c.Arrived, Since: offer.Since, Expires: offer.Expires,
			Accepted: offer.Accepted, Why: offer.Why, Callback: view.Callback, Details: details,
		}
	case isWith(view, agent):
		who, details := m.look(ctx, agent, viewer, surfaceOngoing, view)
		s.Contacts = append(s.Contacts, OngoingCard{
			Contact: c.ID, Offer: offerOf(view), Channel: c.Channel, Line: c.Line, Language: c.Language,
			Caller: who, State: view.State, Since: view.Since, Arrived: c.Arrived, Answered: view.Answered, Details: details,
			Conference: view.Conference, Supervisors: m.heardSupervisors(view), Marks: view.Marks, Recording: view.Recording, Outgoing: c.Outgoing,
		})
		card := &s.Contacts[len(s.Contacts)-1]
		if c.Channel.Written() {
			card.Replied = view.Answered
		}
		if isConsulted(view, agent) { // he talks with the colleague, whose contact it is, and so are the note and the outcome
			card.Offer, card.State, card.Since = consult.Offer, contact.StateConnected, consult.Since
			card.ConsultedBy = m.colleague(view.Agent)
			m.active(s, contact.StateConnected, consult.Since)
			return
		}
		card.Consult = m.consultCard(view)
		card.Code, card.ChosenTicket, card.WrapUpUntil = view.Code, view.Ticket, view.WrapUpUntil
		var err error
		if card.Note, err = m.notes.of(ctx, view); err != nil {
			m.board.log.Warn().Err(err).Str("contact", string(c.ID)).Msg("the note of a contact could not be read")
		}
	default:
		return
	}
	m.active(s, view.State, since)
}

// active takes an activity that began then over when it is more pressing than what the agent does
// besides.
func (m *stateMaker) active(s *OwnState, state contact.State, since contact.Instant) {
	if activities[state] > activities[contact.State(s.Me.Activity)] {
		s.Me.Activity, s.Me.ActivitySince = string(state), since
	}
}

// look returns whose contact it is and the details of it, as far as the agent may see, and
// logs the look.
func (m *stateMaker) look(ctx context.Context, agent contact.AgentID, viewer identity.Viewer, surface string, view bus.ContactView) (Caller, Details) {
	c := view.Contact
	who, _ := m.callers.of(ctx, c, viewer)
	if c.Channel.Written() && c.Person == "" && c.Ticket != "" {
		who = m.earlier.writer(viewer, who, c.Ticket)
	}
	m.shown(agent, surface, c.ID, who.Caller)
	details := Details{Service: c.Service, Party: c.Party, Subject: who.subject, Residents: view.Residents, Ticket: c.Ticket, Tickets: []TicketRow{}}
	if !who.masked {
		details.Tickets = m.earlier.of(viewer, who, c.Ticket)
	}
	return who.Caller, details
}
