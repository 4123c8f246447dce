package queue

import (
	"cmp"
	"container/heap"

	"svar/contact"
)

// Ramp-up is the only part of whether an agent is free that time alone changes. It brings no event: the
// pools are refreshed when time passes ([Engine.passTo]), and an offer says why it was made.

// roomForTextAt is when ramp-up gives the agent, with the texts that he has, room for one more.
func (e *Engine) roomForTextAt(a *AgentState) contact.Instant {
	texts := contact.Millis(0)
	for _, held := range a.Contacts {
		if held.Channel.Written() {
			texts++
		}
	}
	return a.ReadySince.Add(e.rules.RampUp * texts)
}

// rampAlarm is when an agent gets room for one more text. One that the agent has no more is void.
type rampAlarm struct {
	at    contact.Instant
	agent contact.AgentID
}

// rampAlarms is a heap.
type rampAlarms []rampAlarm

func (x rampAlarms) Len() int { return len(x) }

func (x rampAlarms) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(x[i].at, x[j].at), cmp.Compare(x[i].agent, x[j].agent)) < 0
}
func (x rampAlarms) Swap(i, j int) { x[i], x[j] = x[j], x[i] }
func (x *rampAlarms) Push(v any)   { *x = append(*x, v.(rampAlarm)) }

func (x *rampAlarms) Pop() any {
	last := len(*x) - 1
	v := (*x)[last]
	*x = (*x)[:last]
	return v
}

// watchRamp notes when ramp-up gives the agent more room, if it keeps him from any now.
func (e *Engine) watchRamp(a *AgentState) {
	at := e.roomForTextAt(a)
	if e.rules.RampUp == 0 || a.Gone || a.Presence != contact.Ready || at <= e.clock {
		delete(e.ramping, a.Agent)
		return
	}
	if e.ramping[a.Agent] != at {
		e.ramping[a.Agent] = at
		heap.Push(&e.rampAlarms, rampAlarm{at: at, agent: a.Agent})
	}
}

// nextRamp returns when an agent gets more room next.
func (e *Engine) nextRamp() (rampAlarm, bool) {
	for len(e.rampAlarms) > 0 {
		if first := e.rampAlarms[0]; e.ramping[first.agent] == first.at {
			return first, true
		}
		heap.Pop(&e.rampAlarms)
	}
	return rampAlarm{}, false
}

// passTo brings the pools up to now. A clock that goes back, over time in which nothing happened, brings
// them back: the engine decides as one that was restored. It returns the alarms that came by now.
func (e *Engine) passTo(now contact.Instant) (passed []rampAlarm) {
	back := now < e.clock
	e.clock = now
	if back && e.rules.RampUp > 0 {
		for _, a := range e.agents {
			e.refresh(a)
		}
	}
	for next, some := e.nextRamp(); some && next.at <= now; next, some = e.nextRamp() {
		heap.Pop(&e.rampAlarms)
		delete(e.ramping, next.agent)
		e.refresh(e.agents[next.agent])
		passed = append(passed, next)
	}
	return passed
}

// takeBackTime undoes that the alarms passed since before, for a command that was rejected: nothing was
// offered then to those who got more room, and time has to bring it still.
func (e *Engine) takeBackTime(before contact.Instant, passed []rampAlarm) {
	e.clock = min(e.clock, before)
	for _, a := range passed {
		e.refresh(e.agents[a.agent])
	}
}

// nextText returns when ramp-up gives an agent room for a text while one waits.
func (e *Engine) nextText() (contact.Instant, bool) {
	next, some := e.nextRamp()
	if !some {
		return 0, false
	}
	for _, l := range e.lines {
		if l.key.channel.Written() && l.waiting.Len() > 0 {
			return next.at, true
		}
	}
	return 0, false
}
