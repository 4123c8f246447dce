package agentui

import (
	"cmp"
	"context"
	"slices"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// Personal reads and keeps what records do not hold; the journal's personal stream is one.
type Personal interface {
	Personal(ctx context.Context, id contact.ID) (contact.Personal, error)
	Note(ctx context.Context, id contact.ID) (string, error)
	PutNote(ctx context.Context, id contact.ID, note string) error
}

// People is the directory in memory.
type People interface{ Directory() *identity.Directory }

// stateMaker makes a console's whole state from the board.
type stateMaker struct {
	board    *Board
	personal Personal
	people   People
	figures  *figures
	lookUps  map[contact.LineID]bool
	order    []contact.LineID
	now      func() contact.Instant
}

// state returns everything that the agent's console shows now.
func (m *stateMaker) state(ctx context.Context, agent contact.AgentID) ConsoleState {
	s := ConsoleState{
		Now: m.now(), Contacts: []OngoingCard{}, Waiting: []WaitingLine{}, Callbacks: []CallbackCard{}, Missed: []MissedCard{},
		Today: m.figures.of(agent),
	}
	m.board.mutex.RLock()
	me, current := m.board.agents[agent], bus.ContactView{}
	if view, has := m.board.contacts[me.Contact]; has {
		current = view
	}
	s.Connected = m.board.connected
	s.Waiting = m.waiting()
	s.Agents = m.counts()
	var callbacks []bus.ContactView
	for _, view := range m.board.contacts {
		if view.Callback {
			callbacks = append(callbacks, view)
		}
	}
	m.board.mutex.RUnlock()

	s.Me = Me{Presence: me.Presence, Reason: me.Reason, Cause: me.Cause, Since: me.Since, Reachable: me.Reachable}
	if s.Me.Presence == "" {
		s.Me.Presence = contact.SignedOut
	}
	m.addCurrent(ctx, &s, agent, current)
	slices.SortFunc(callbacks, func(a, b bus.ContactView) int {
		return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Contact.ID, b.Contact.ID))
	})
	for _, view := range callbacks[:min(len(callbacks), maxCallbacks)] {
		s.Callbacks = append(s.Callbacks, CallbackCard{
			Contact: view.Contact.ID, Line: view.Contact.Line, Caller: m.caller(ctx, view.Contact),
			Arrived: view.Contact.Arrived, Since: view.Since,
		})
	}
	for _, missed := range me.Missed {
		s.Missed = append(s.Missed, MissedCard{Contact: missed.Contact, At: missed.At})
	}
	return s
}

// maxCallbacks bounds what one state carries; the oldest are shown.
const maxCallbacks = 50

// addCurrent adds the one contact that the agent is busy with.
func (m *stateMaker) addCurrent(ctx context.Context, s *ConsoleState, agent contact.AgentID, view bus.ContactView) {
	c := view.Contact
	switch {
	case view.Offer != nil && view.Offer.Agent == agent:
		s.Me.Activity, s.Me.ActivitySince = "offered", view.Offer.Since
		s.Offer = &RingCard{
			Offer: view.Offer.Offer, Contact: c.ID, Channel: c.Channel, Line: c.Line, Language: c.Language,
			Caller: m.caller(ctx, c), Arrived: c.Arrived, Since: view.Offer.Since, Expires: view.Offer.Expires,
			Accepted: view.Offer.Accepted, Why: view.Offer.Why,
		}
	case view.Agent == agent && agent != "":
		s.Me.Activity, s.Me.ActivitySince = string(view.State), view.Since
		note, err := m.personal.Note(ctx, c.ID)
		if err != nil {
			m.board.log.Warn().Err(err).Str("contact", string(c.ID)).Msg("the note of a contact could not be read")
		}
		s.Contacts = append(s.Contacts, OngoingCard{
			Contact: c.ID, Offer: view.ConnectedBy, Channel: c.Channel, Line: c.Line, Language: c.Language,
			Caller: m.caller(ctx, c), State: view.State, Since: view.Since, Arrived: c.Arrived, Answered: view.Answered, Note: note,
		})
	}
}

// waiting counts who waits, by line in the configured order. The board is locked.
func (m *stateMaker) waiting() []WaitingLine {
	rows := make([]WaitingLine, len(m.order))
	index := map[contact.LineID]int{}
	for i, line := range m.order {
		rows[i].Line, index[line] = line, i
	}
	for _, view := range m.board.contacts {
		i, known := index[view.Contact.Line]
		if !known || view.Callback {
			continue
		}
		row := &rows[i]
		switch view.State {
		case contact.StateArrived, contact.StateGreeted:
			row.Greeted++
		case contact.StateWaiting, contact.StateOffered:
			row.Waiting++
			if row.Longest == 0 || view.Contact.Arrived < row.Longest {
				row.Longest, row.TargetMs = view.Contact.Arrived, view.Target
			}
		}
	}
	return rows
}

// counts counts agents without names. The board is locked.
func (m *stateMaker) counts() AgentCounts {
	var n AgentCounts
	for _, agent := range m.board.agents {
		switch {
		case agent.Presence == contact.SignedOut || !agent.Reachable:
		case agent.Contact != "":
			n.Busy++
		case agent.Presence == contact.Ready:
			n.Ready++
		default:
			n.Paused++
		}
	}
	return n
}

// caller returns who is calling, as far as agents may see it.
func (m *stateMaker) caller(ctx context.Context, c contact.Contact) Caller {
	kept, err := m.personal.Personal(ctx, c.ID)
	if err != nil {
		m.board.log.Warn().Err(err).Str("contact", string(c.ID)).Msg("the caller of a contact could not be read")
	}
	var matches []identity.Person
	if m.lookUps[c.Line] && kept.Number != "" {
		matches = m.people.Directory().ByNumber(kept.Number)
	}
	card := identity.PresentCaller(identity.CallerID{Number: kept.Number, Withheld: kept.Withheld}, matches, identity.Viewer{})
	shown := Caller{Kind: string(card.Kind), Number: string(card.Number), Verification: string(card.Verification)}
	switch card.Kind {
	case identity.CallerKnown:
		person := card.People[0]
		shown.Name, shown.Role, shown.Title, shown.School = person.Name, string(person.Role), person.Title, person.School
	case identity.CallerShared, identity.CallerNumber:
		shown.Kind = string(identity.CallerUnknown)
	}
	return shown
}
