package agentui

import (
	"cmp"
	"context"
	"slices"

	"svar/contact"
	"svar/queue/bus"
)

// maxResidents is the largest impact that a contact may be said to have: more than the city has
// residents and companies is a slip of the finger.
const maxResidents = 1_000_000

// moveOn sends a contact on, or asks a colleague about it first.
func (c *console) moveOn(ctx context.Context, r Request) error {
	to, err := c.destination(r.To)
	if err != nil {
		return err
	}
	if r.Do == DoConsult {
		return c.ui.config.Commands.Send(ctx, contact.Consult{Contact: r.Contact, Agent: c.agent, To: to})
	}
	return c.ui.config.Commands.Send(ctx, contact.Transfer{Contact: r.Contact, Agent: c.agent, To: to})
}

// destination reads where a contact is to go: to one colleague, to a group or to a place outside of the
// configuration.
func (c *console) destination(to *TransferTo) (contact.Destination, error) {
	switch {
	case to == nil, *to != TransferTo{Agent: to.Agent} && *to != TransferTo{Group: to.Group} && *to != TransferTo{Outside: to.Outside}:
		return contact.Destination{}, errInvalid
	case to.Outside != "":
		if !c.ui.catalogue.Load().hasDestination(to.Outside) {
			return contact.Destination{}, errInvalid
		}
		return contact.Destination{Outside: to.Outside}, nil
	case to.Agent == c.agent:
		return contact.Destination{}, errInvalid
	case to.Agent != "":
		return contact.Destination{Agent: to.Agent}, nil
	case !c.ui.catalogue.Load().hasGroup(to.Group):
		return contact.Destination{}, errInvalid
	}
	return contact.Destination{Needs: contact.Needs{{Skill: to.Group, Level: 1}}}, nil
}

// setImpact says for how many a contact stands. The agent whose it is may, and who supervises may
// for any.
func (c *console) setImpact(ctx context.Context, r Request) error {
	if r.Residents > maxResidents {
		return errInvalid
	}
	account, known := c.ui.config.Accounts.Account(string(c.agent))
	if _, holds := c.ui.board.Holds(c.agent, r.Contact); !holds && (!known || !supervises(account)) {
		return errNotYours
	}
	return c.ui.config.Commands.Send(ctx, contact.SetImpact{Contact: r.Contact, Agent: c.agent, Residents: r.Residents})
}

// colleagues are the agents who are signed in, by name. The board is locked.
func (m *stateMaker) colleagues() []ColleagueCard {
	catalogue := m.catalogue.Load()
	cards := []ColleagueCard{}
	for _, agent := range m.board.agents {
		if agent.Presence == contact.SignedOut {
			continue
		}
		card := ColleagueCard{
			Agent: agent.Agent, Name: m.nameOf(agent.Agent), State: colleagueState(agent), Since: agent.Since, Groups: []contact.SkillID{},
			Overdue: catalogue.overdue(agent.Presence, agent.Reason, agent.Since),
		}
		if card.State == "paused" {
			card.Reason = agent.Reason
		}
		for _, skill := range agent.Skills {
			card.Groups = append(card.Groups, skill.Skill)
		}
		cards = append(cards, card)
	}
	slices.SortFunc(cards, func(a, b ColleagueCard) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Agent, b.Agent))
	})
	return cards
}

func colleagueState(agent bus.AgentView) string {
	switch {
	case !agent.Reachable:
		return "away"
	case len(agent.Contacts) > 0:
		return "busy"
	case agent.Presence == contact.Ready:
		return "ready"
	default:
		return "paused"
	}
}

// nameOf is how an agent is called; his account's name when that is gone.
func (m *stateMaker) nameOf(agent contact.AgentID) string {
	if account, known := m.accounts.Account(string(agent)); known && account.DisplayName != "" {
		return account.DisplayName
	}
	return string(agent)
}

func (m *stateMaker) colleague(agent contact.AgentID) *Colleague {
	return &Colleague{Agent: agent, Name: m.nameOf(agent)}
}

// consultCard shows the colleague who is asked, or the place outside that is called, to the agent who has the contact.
func (m *stateMaker) consultCard(view bus.ContactView) *ConsultCard {
	consult := view.Consult
	if consult == nil {
		return notReachedPlace(view)
	}
	card := &ConsultCard{Outside: consult.To, Blind: consult.Blind, State: "asked", Since: consult.Since, Expires: consult.Expires}
	if consult.With != "" {
		card.Colleague = *m.colleague(consult.With)
	}
	switch {
	case consult.Connected:
		card.State, card.Expires = "talking", 0
	case consult.Accepted:
		card.State = "accepted"
	}
	return card
}

// notReachedPlace shows the place outside that was called last, when that reached nobody; nil when there is none.
func notReachedPlace(view bus.ContactView) *ConsultCard {
	missed := view.NotReached
	if missed == nil || missed.To == "" {
		return nil
	}
	return &ConsultCard{Outside: missed.To, State: "failed", Failure: missed.Failure, Since: missed.At}
}
