package queue

import (
	"maps"
	"slices"

	"svar/contact"
)

func (e *Engine) sortedAgents() []contact.AgentID {
	return slices.Sorted(maps.Keys(e.agents))
}

func (e *Engine) isOutcome(code contact.OutcomeCode) bool {
	return slices.Contains(e.rules.OutcomeCodes, code)
}

// known returns an agent of the roster.
func (e *Engine) known(id contact.AgentID) (*AgentState, bool) {
	a := e.agents[id]
	return a, a != nil && !a.Gone
}

func (e *Engine) mustBeSignedIn(id contact.AgentID) *contact.Rejection {
	a, known := e.known(id)
	switch {
	case !known:
		return reject(contact.UnknownAgent)
	case a.Presence == contact.SignedOut || !a.Reachable():
		return reject(contact.NotSignedIn)
	}
	return nil
}

// stopRinging withdraws the offer that the agent has not accepted.
func (e *Engine) stopRinging(a *AgentState, cause contact.WithdrawCause, now contact.Instant) {
	if c := e.offers[a.Offer]; c != nil && c.Offer != nil && !c.Offer.Accepted {
		e.withdraw(c, cause, now)
	}
	if cause == contact.AgentLeft {
		e.stopAsking(a, contact.ConsultDeclined, now)
	}
}

func (e *Engine) planReachable(v contact.SetReachable, now contact.Instant) (func(), *contact.Rejection) {
	if v.Reachable {
		a, known := e.known(v.Agent)
		if !known {
			return nil, reject(contact.UnknownAgent)
		}
		return func() {
			if !slices.Contains(a.Nodes, v.Node) {
				e.emit(contact.ReachabilityChanged(v), now)
			}
		}, nil
	}
	a := e.agents[v.Agent]
	if a == nil { // gone from the roster, and forgotten with the last console
		return nothing, nil
	}
	return func() { e.loseConsole(a, v.Node, now) }, nil
}

// loseConsole says that the agent has no console on the node. One who has none anywhere
// is not rung any more; a contact in connection goes on, a text for as long as the rules
// allow ([Engine.returnOverdue]).
func (e *Engine) loseConsole(a *AgentState, node contact.NodeID, now contact.Instant) {
	if !slices.Contains(a.Nodes, node) {
		return
	}
	if len(a.Nodes) == 1 {
		e.stopRinging(a, contact.AgentUnreachable, now)
	}
	e.emit(contact.ReachabilityChanged{Agent: a.Agent, Node: node}, now)
	if !a.Reachable() {
		e.stopAsking(a, contact.ConsultFault, now)
		e.stopSupervising(a.Agent, now)
	}
	e.letGo(a, now)
}

// changeRoster signs out those who are gone from it before it counts. Their texts go back;
// what else they have accepted goes on ([Engine.letGo]).
func (e *Engine) changeRoster(roster contact.Roster, now contact.Instant) {
	if e.isRoster(roster) {
		return
	}
	for _, id := range e.sortedAgents() {
		a := e.agents[id]
		if a.Gone || isListed(roster, id) {
			continue
		}
		e.stopRinging(a, contact.AgentLeft, now)
		e.stopSupervising(id, now)
		e.returnTexts(a, contact.ReturnRoster, now)
		if a.Presence != contact.SignedOut {
			e.emit(contact.PresenceChanged{Agent: id, Presence: contact.SignedOut, Cause: contact.ByRoster}, now)
		}
	}
	e.emit(contact.RosterChanged{Roster: roster}, now)
	for _, id := range e.sortedAgents() {
		e.letGo(e.agents[id], now)
	}
}

func isListed(roster contact.Roster, id contact.AgentID) bool {
	return slices.ContainsFunc(roster.Agents, func(a contact.Agent) bool { return a.ID == id })
}

// isRoster reports whether the roster is the one in force.
func (e *Engine) isRoster(roster contact.Roster) bool {
	inForce := 0
	for _, a := range e.agents {
		if !a.Gone {
			inForce++
		}
	}
	if inForce != len(roster.Agents) {
		return false
	}
	for _, agent := range roster.Agents {
		if a, known := e.known(agent.ID); !known || !slices.Equal(a.Skills, agent.Skills) || a.Reserved != agent.Reserved {
			return false
		}
	}
	return true
}
