package agentui

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// supervisionModes are how a supervisor may take part in a call; empty ends that.
var supervisionModes = []contact.SupervisionMode{"", contact.SuperviseListen, contact.SuperviseWhisper, contact.SuperviseBarge}

// markKinds are what an agent may say of a call.
var markKinds = []contact.MarkKind{contact.MarkThreat, contact.MarkNuisance}

// maxTalks bounds what one state carries; marked calls come first, then the oldest.
const maxTalks = 200

// errNotAllowed: the account may not do that, or not with this person.
var errNotAllowed = &contact.Rejection{Code: contact.NotAllowed}

// joinsTalks reports whether the account may take part in others' calls, and hear what was recorded of them. It is for those
// who lead agents: who administers the system has no errand in a talk.
func joinsTalks(account identity.Account) bool { return account.Role == identity.Supervisor }

// supervise takes a supervisor into a call of somebody else's, or out of it. That he takes part is on record before he
// hears anything: the dispatcher decides it, and only then the node is asked for his voice. A call with a protected person is
// heard by those alone who may see him (requirement D1).
func (c *console) supervise(ctx context.Context, r Request) error {
	account, known := c.ui.config.Accounts.Account(string(c.agent))
	switch {
	case !slices.Contains(supervisionModes, r.Mode):
		return errInvalid
	case !known || !account.Active || !joinsTalks(account):
		return errNotAllowed
	}
	if r.Mode != "" {
		view, open := c.ui.board.contact(r.Contact)
		switch {
		case !open:
			return errWrongState
		case isWith(view, c.agent):
			return errInvalid // it is his own
		}
		who, err := c.ui.states.callers.read(ctx, r.Contact)
		if err != nil {
			return fmt.Errorf("read whose call it is: %w", err) // he may be protected
		}
		if c.ui.states.callers.present(view.Contact, who, account.Viewer()).masked {
			return errNotAllowed
		}
	}
	return c.ui.config.Commands.Send(ctx, contact.Supervise{Contact: r.Contact, Supervisor: c.agent, Mode: r.Mode})
}

// mark puts on record what an agent says of a call.
func (c *console) mark(ctx context.Context, r Request) error {
	if !slices.Contains(markKinds, r.Mark) {
		return errInvalid
	}
	return c.ui.config.Commands.Send(ctx, contact.Mark{Contact: r.Contact, Agent: c.agent, Mark: r.Mark})
}

// contact returns an open contact.
func (b *Board) contact(id contact.ID) (bus.ContactView, bool) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	view, open := b.contacts[id]
	return view, open
}

// supervised returns the node of a call in which the agent takes part as a supervisor.
func (b *Board) supervised(agent contact.AgentID, id contact.ID) (contact.NodeID, bool) {
	view, open := b.contact(id)
	return view.Node, open && view.Node != "" && modeIn(view, agent) != ""
}

// modeIn is how the agent takes part in a call as a supervisor; empty when he does not.
func modeIn(view bus.ContactView, agent contact.AgentID) contact.SupervisionMode {
	for _, supervisor := range view.Supervisors {
		if supervisor.Supervisor == agent {
			return supervisor.Mode
		}
	}
	return ""
}

// talks are the calls that a supervisor may take part in, those with a mark first and then the oldest. One in which somebody was
// threatened stays until its wrap-up ends. They say nothing of who calls.
func (m *stateMaker) talks(supervisor contact.AgentID) []TalkCard {
	var cards []TalkCard
	m.board.mutex.RLock()
	for _, view := range m.board.contacts {
		talking := view.State == contact.StateConnected || view.State == contact.StateHeld
		threat := view.State == contact.StateWrapUp && slices.Contains(view.Marks, contact.MarkThreat)
		if view.Contact.Channel != contact.Voice || view.Agent == "" || isWith(view, supervisor) || !talking && !threat {
			continue
		}
		cards = append(cards, TalkCard{
			Contact: view.Contact.ID, Line: view.Contact.Line, Agent: Colleague{Agent: view.Agent}, State: view.State,
			Since: cmp.Or(view.ConnectedAt, view.Since), Mode: modeIn(view, supervisor), Marks: view.Marks,
		})
	}
	m.board.mutex.RUnlock()
	slices.SortFunc(cards, func(a, b TalkCard) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Contact, b.Contact))
	})
	cards = cards[:min(len(cards), maxTalks)]
	for i := range cards {
		cards[i].Agent = *m.colleague(cards[i].Agent.Agent)
	}
	return cards
}

// urgency puts a supervisor's own talk and threats before all others.
func urgency(card TalkCard) int {
	switch {
	case card.Mode != "":
		return 0
	case slices.Contains(card.Marks, contact.MarkThreat):
		return 1
	default:
		return 2
	}
}

// heardSupervisors are those in a call whom its agents hear. One who only listens is not told of.
func (m *stateMaker) heardSupervisors(view bus.ContactView) []Colleague {
	var heard []Colleague
	for _, supervisor := range view.Supervisors {
		if supervisor.Mode == contact.SuperviseWhisper || supervisor.Mode == contact.SuperviseBarge {
			heard = append(heard, *m.colleague(supervisor.Supervisor))
		}
	}
	return heard
}
