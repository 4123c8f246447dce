package agentui

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

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

// stateMaker makes a console's whole state from the board. Its methods may be called
// concurrently.
type stateMaker struct {
	board   *Board
	callers *callers
	notes   Personal
	figures *figures
	order   []contact.LineID
	now     func() contact.Instant

	mutex  sync.Mutex
	shared *sharedState
}

// sharedState is the part that all consoles show alike. It is made once for a change, not
// once for a console.
type sharedState struct {
	version     uint64
	directory   *identity.Directory
	connected   bool
	waiting     []WaitingLine
	callbacks   []CallbackCard
	agents      AgentCounts
	lastContact contact.Instant
	// complete is false when a caller could not be read.
	complete bool
}

// state returns everything that the agent's console shows now. Its lists are shared with
// other consoles' states and must not be changed.
func (m *stateMaker) state(ctx context.Context, agent contact.AgentID) ConsoleState {
	shared := m.sharedNow(ctx)
	s := ConsoleState{
		Now: m.now(), Connected: shared.connected, Contacts: []OngoingCard{}, Waiting: shared.waiting,
		Callbacks: shared.callbacks, Missed: []MissedCard{}, LastContact: shared.lastContact,
		Today: m.figures.of(agent), Agents: shared.agents,
	}
	m.board.mutex.RLock()
	me, current := m.board.agents[agent], bus.ContactView{}
	if view, has := m.board.contacts[me.Contact]; has {
		current = view
	}
	m.board.mutex.RUnlock()

	s.Me = Me{Presence: me.Presence, Reason: me.Reason, Cause: me.Cause, Since: me.Since, Reachable: me.Reachable}
	if s.Me.Presence == "" {
		s.Me.Presence = contact.SignedOut
	}
	m.addCurrent(ctx, &s, agent, current)
	for _, missed := range me.Missed {
		s.Missed = append(s.Missed, MissedCard{Contact: missed.Contact, Line: missed.Line, At: missed.At})
	}
	return s
}

// sharedNow returns the shared part for the board and the directory as they are.
func (m *stateMaker) sharedNow(ctx context.Context) *sharedState {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	directory := m.callers.people.Directory()
	m.board.mutex.RLock()
	if m.shared != nil && m.shared.version == m.board.version && m.shared.directory == directory {
		m.board.mutex.RUnlock()
		return m.shared
	}
	s := &sharedState{
		version: m.board.version, directory: directory, connected: m.board.connected, complete: true,
		waiting: m.waiting(), callbacks: []CallbackCard{}, agents: m.counts(), lastContact: m.board.lastContact,
	}
	var waiting []bus.ContactView
	for _, view := range m.board.contacts {
		if view.Callback {
			waiting = append(waiting, view)
		}
	}
	m.callers.forgetAllBut(m.board.contacts)
	m.board.mutex.RUnlock()

	slices.SortFunc(waiting, func(a, b bus.ContactView) int {
		return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Contact.ID, b.Contact.ID))
	})
	// All consoles wait for it and share it: the one that asks may be closing.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	for _, view := range waiting[:min(len(waiting), maxCallbacks)] {
		caller, read := m.callers.of(bounded, view.Contact)
		s.complete = s.complete && read
		s.callbacks = append(s.callbacks, CallbackCard{
			Contact: view.Contact.ID, Line: view.Contact.Line, Caller: caller, Arrived: view.Contact.Arrived, Since: view.Since,
		})
	}
	m.shared = s
	return s
}

// again makes the shared part anew when something of it could not be read, and reports
// whether there is something to show because of that.
func (m *stateMaker) again() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.shared == nil || m.shared.complete {
		return false
	}
	m.shared = nil
	return true
}

// readTime bounds the reading of personal data for one state: a console shows what there
// is rather than nothing.
const readTime = time.Second

// maxCallbacks bounds what one state carries; the oldest are shown.
const maxCallbacks = 50

// addCurrent adds the one contact that the agent is busy with.
func (m *stateMaker) addCurrent(ctx context.Context, s *ConsoleState, agent contact.AgentID, view bus.ContactView) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
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
		note, err := m.notes.Note(ctx, c.ID)
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
		default: // an agent has it
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

func (m *stateMaker) caller(ctx context.Context, c contact.Contact) Caller {
	caller, _ := m.callers.of(ctx, c)
	return caller
}
