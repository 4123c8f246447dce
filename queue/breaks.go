package queue

import (
	"slices"

	"svar/contact"
)

// isPauseReason reports whether an agent may give the reason. None is always allowed: who has to go
// need not say why.
func (e *Engine) isPauseReason(reason string) bool {
	return reason == "" || len(e.rules.PauseReasons) == 0 ||
		slices.ContainsFunc(e.rules.PauseReasons, func(r contact.PauseRule) bool { return r.Reason == reason })
}

// isBreak reports whether a presence with the reason counts against [contact.GroupRule.BreaksAtOnce].
func (e *Engine) isBreak(presence contact.Presence, reason string) bool {
	return presence == contact.Paused && slices.ContainsFunc(e.rules.PauseReasons, func(r contact.PauseRule) bool {
		return r.Break && r.Reason == reason
	})
}

// hasBreak reports whether the agent is on a break, or has planned one.
func (e *Engine) hasBreak(a *AgentState) bool {
	return e.isBreak(a.Presence, a.Reason) || e.isBreak(a.Next, a.NextReason)
}

// breakIsFull reports whether the agent asks for a break while as many of one of his groups have one as
// may. Who has one keeps it, whatever its reason becomes, and nobody is sent back when the rules allow
// fewer.
func (e *Engine) breakIsFull(a *AgentState, v contact.SetPresence) bool {
	if !e.isBreak(v.Presence, v.Reason) || e.hasBreak(a) {
		return false
	}
	for _, rule := range e.rules.Groups {
		if rule.BreaksAtOnce == 0 || !a.holds(rule.Group) {
			continue
		}
		taken := 0
		for _, other := range e.agents {
			if other.holds(rule.Group) && e.hasBreak(other) {
				taken++
			}
		}
		if taken >= int(rule.BreaksAtOnce) {
			return true
		}
	}
	return false
}

// holds reports whether the agent has the skill, at whatever level.
func (a *AgentState) holds(skill contact.SkillID) bool {
	return slices.ContainsFunc(a.Skills, func(n contact.Need) bool { return n.Skill == skill })
}
