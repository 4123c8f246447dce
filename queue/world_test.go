package queue_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// world draws commands that are likely to meet something: a few agents, nodes and
// skills, and contacts and offers that exist more often than not.
type world struct {
	draw     func(what string, most int) int
	engine   *queue.Engine
	now      contact.Instant
	contacts int
	// bounded wants rules that let nobody keep anything for ever.
	bounded bool
	// calledBack wants callers who are mostly called back, consults agents who mostly ask each other.
	calledBack, consults bool
	// telephone wants calls that go outside, that the desk begins, or that others hear.
	telephone bool
}

// evenly draws numbers below most, all alike. (rapid's own ranges prefer small ones: a
// sequence would hardly ever get a call connected.)
func evenly(t *rapid.T) func(what string, most int) int {
	return func(what string, most int) int {
		return rapid.Custom(func(t *rapid.T) int {
			n := 0
			for range 8 {
				n <<= 1
				if rapid.Bool().Draw(t, what) {
					n |= 1
				}
			}
			return n * most >> 8
		}).Draw(t, what)
	}
}

func (w *world) pick(what string, most int) int { return w.draw(what, most) }

func (w *world) oneIn(n int, what string) bool { return w.pick(what, n) == 0 }

// pass lets time pass: not at all, a little, much, or just to what is due next.
func (w *world) pass() {
	switch w.pick("time", 8) {
	case 0, 1, 2:
	case 6:
		if w.oneIn(6, "long") { // past every limit of an hour
			w.now = w.now.Add(3600_000)
		}
	case 7:
		w.now = w.now.Add(contact.Millis(w.pick("ms", 1000)))
	case 3:
		w.now = w.now.Add(contact.Millis(w.pick("s", 60)) * 1000)
	case 4:
		if at, due := w.engine.Deadline(); due {
			w.now = max(w.now, at)
		}
	case 5: // a clock that goes back
		w.now = w.now.Add(-contact.Millis(w.pick("back", 5000)))
	}
}

func (w *world) agent() contact.AgentID {
	return contact.AgentID([]string{"anna", "bo", "cecilia", "david"}[w.pick("agent", 4)])
}

func (w *world) node() contact.NodeID {
	return contact.NodeID([]string{"node-1", "node-2"}[w.pick("node", 2)])
}

func (w *world) code() contact.OutcomeCode {
	return contact.OutcomeCode([]string{"solved", "solved", "passed-on", "unheard-of", ""}[w.pick("code", 5)])
}

func (w *world) needs(most int) contact.Needs {
	var list []contact.Need
	for _, skill := range []contact.SkillID{"en", "sv"} {
		if level := w.pick("level", most+2); level > 0 {
			list = append(list, contact.Need{Skill: skill, Level: uint8(min(level, most))})
		}
	}
	return contact.NewNeeds(list...)
}

// contact names one that is open, or any.
func (w *world) contact() contact.ID {
	open := w.engine.Contacts()
	if len(open) > 0 && !w.oneIn(8, "any contact") {
		return open[w.pick("open", len(open))].Contact.ID
	}
	return contact.ID(fmt.Sprintf("k%d", w.pick("contact", w.contacts+2)))
}

// held names a contact that somebody has, with whom; else any.
func (w *world) held() (contact.ID, contact.AgentID) {
	open := slices.DeleteFunc(w.engine.Contacts(), func(c queue.ContactState) bool { return c.Agent == "" })
	if len(open) == 0 || w.oneIn(8, "any pair") {
		return w.contact(), w.agent()
	}
	c := open[w.pick("held", len(open))]
	return c.Contact.ID, c.Agent
}

// offer names one that is open or connected, with its agent; else any.
func (w *world) offer() (contact.OfferID, contact.AgentID) {
	type named struct {
		offer contact.OfferID
		agent contact.AgentID
	}
	var open []named
	for _, c := range w.engine.Contacts() {
		if c.Offer != nil {
			open = append(open, named{c.Offer.Offer, c.Offer.Agent})
		}
		if c.Connected != 0 {
			open = append(open, named{c.Connected, c.Agent})
		}
		for range 3 { // or few consultations would come to a talk
			if c.Consult != nil {
				open = append(open, named{c.Consult.Offer, c.Consult.With})
			}
		}
	}
	if len(open) == 0 || w.oneIn(8, "any offer") {
		return contact.OfferID(w.pick("offer", 20)), w.agent()
	}
	one := open[w.pick("open offer", len(open))]
	return one.offer, one.agent
}

func (w *world) roster() contact.Roster {
	roster := contact.Roster{Agents: []contact.Agent{}}
	for _, id := range []contact.AgentID{"anna", "bo", "cecilia", "david"} {
		if !w.oneIn(5, "gone") {
			roster.Agents = append(roster.Agents, contact.Agent{ID: id, Skills: w.needs(5), Reserved: contact.Class(max(0, w.pick("reserved", 8)-5))})
		}
	}
	return roster
}

func (w *world) arrival() contact.Contact {
	w.contacts++
	ago := contact.Millis(w.pick("ago", 4)-1) * 10_000 // one node's clock is ahead
	channel := []contact.Channel{contact.Voice, contact.Voice, contact.Voice, contact.Chat, contact.Chat, contact.Mail, contact.Form}[w.pick("channel", 7)]
	c := contact.Contact{
		ID: contact.ID(fmt.Sprintf("k%d", w.contacts)), Channel: channel, Line: "staff", Language: "sv",
		Callable: w.oneIn(2, "callable"), Arrived: w.now.Add(-ago),
	}
	w.known(&c)
	return c
}

// arrive sends one in, with a leg where its channel has one.
func (w *world) arrive() contact.Command {
	c := w.arrival()
	if !c.Channel.Held() {
		return contact.Arrive{Contact: c}
	}
	return contact.Arrive{Contact: c, Node: w.node(), Leg: contact.LegID("leg-" + c.ID)}
}

// rules never have room for two calls: that is what the engine is trusted with least.
func (w *world) rules() contact.Rules {
	rules := queue.DefaultRules()
	rules.MissLimit = uint8(w.pick("misses", 3))
	rules.OfferTimeout = contact.Millis(1+w.pick("timeout", 20)) * 1000
	rules.OutcomeCodes = []contact.OutcomeCode{"solved", "passed-on"}
	rules.UnreachableGrace = contact.Millis(w.pick("grace", 3)) * 15_000
	rules.WrapUpLimit, rules.WrapUpExtension = contact.Millis(w.pick("wrap-up", 3))*20_000, contact.Millis(w.pick("extension", 3))*15_000
	if w.bounded {
		rules.WrapUpLimit, rules.UnreachableGrace = max(1000, rules.WrapUpLimit), max(1000, rules.UnreachableGrace)
	}
	if rules.WrapUpLimit > 0 || w.oneIn(2, "a code without limit") {
		rules.WrapUpCode = "not-stated"
	}
	rules.TransferWait = contact.Millis(w.pick("transfer", 3)) * 15_000
	rules.DialTimeout = contact.Millis(w.pick("dial", 3)) * 20_000
	rules.DialsPerContact, rules.DialsPerHour = uint8(w.pick("dials", 6)), uint16(w.pick("all dials", 12))
	rules.Channels = []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: uint8(1 + w.pick("chats", 3))},
		{Channel: contact.Mail, Capacity: uint8(1 + w.pick("mails", 2)), OfferTimeout: contact.Millis(w.pick("mail timeout", 2)) * 40_000},
		{Channel: contact.Voice, Capacity: 1},
	}
	rules.OfferCallbacks = !w.oneIn(3, "only by hand")
	rules.CallbackTries, rules.RetryAfter = uint8(w.pick("tries", 4)), contact.Millis(w.pick("retry", 3))*20_000
	rules.AppointmentWait = contact.Millis(w.pick("appointment", 3)) * 15_000
	if w.oneIn(2, "ramp-up") {
		rules.RampUp = contact.Millis(1+w.pick("ramp", 4)) * 15_000
	}
	rules.PauseReasons = []contact.PauseRule{{Reason: "coffee", Break: true}, {Reason: "lunch", Break: true, Limit: 1_800_000}, {Reason: "meeting"}}
	rules.Groups = []contact.GroupRule{{Group: "en", BreaksAtOnce: uint16(w.pick("breaks", 3))}, {Group: "sv", BreaksAtOnce: uint16(w.pick("breaks", 3))}}
	if w.oneIn(2, "call beside") {
		rules.Channels[2].Beside = []contact.Channel{contact.Form, contact.Mail}
	}
	w.orderRules(&rules)
	if w.calledBack || w.telephone {
		w.dialRules(&rules)
	}
	if w.oneIn(3, "chat beside") {
		rules.Channels[0].Beside = []contact.Channel{contact.Form, contact.Mail, contact.Voice}
	}
	return rules
}

// presence draws an agent's word: ready for some channels or all, or gone, at once or after this contact.
func (w *world) presence() contact.SetPresence {
	v := contact.SetPresence{Agent: w.agent(), Presence: contact.Ready}
	switch w.pick("presence", 6) {
	case 0:
		v.Presence, v.After = contact.SignedOut, w.oneIn(2, "after")
	case 1, 2:
		v.Presence, v.After = contact.Paused, w.oneIn(2, "after")
		v.Reason = []string{"", "coffee", "lunch", "lunch", "meeting", "yoga"}[w.pick("reason", 6)]
	case 3:
		v.Channels = [][]contact.Channel{{contact.Chat}, {contact.Chat, contact.Voice}, {contact.Form, contact.Mail, contact.Voice}}[w.pick("channels", 3)]
	}
	return v
}

// callback names a contact that waits to be called back or is dialled, if there is one.
func (w *world) callback() contact.ID {
	for _, c := range w.engine.Contacts() {
		if c.Callback && !w.oneIn(3, "another") {
			return c.Contact.ID
		}
	}
	return w.contact()
}

// schedule lets a call go on as a call-back, by its caller's wish or its agent's promise.
func (w *world) schedule() contact.ScheduleCallback {
	v := contact.ScheduleCallback{Contact: w.contact()}
	if !w.oneIn(3, "by the caller") {
		v.Contact, v.Agent = w.call()
		v.Mine = w.oneIn(2, "mine")
	}
	if w.oneIn(2, "later") {
		v.At = w.now.Add(contact.Millis(w.pick("at", 8)-1) * 20_000)
	}
	return v
}

// dialled names the offer of a contact that is being dialled, if there is one.
func (w *world) dialled() contact.OfferID {
	for _, c := range w.engine.Contacts() {
		if c.State == contact.StateDialling {
			return c.Offer.Offer
		}
	}
	offer, _ := w.offer()
	return offer
}

// console names an agent who writes with somebody and a node of the agent's; else any.
func (w *world) console() (contact.AgentID, contact.NodeID) {
	for _, c := range w.engine.Contacts() {
		if c.State != contact.StateConnected || !c.Contact.Channel.Written() {
			continue
		}
		if a, _ := w.engine.Agent(c.Agent); len(a.Nodes) > 0 && !w.oneIn(4, "another") {
			return a.Agent, a.Nodes[0]
		}
	}
	return w.agent(), w.node()
}

// call names a call that somebody talks or listens to, with whom; else any.
func (w *world) call() (contact.ID, contact.AgentID) {
	for _, c := range w.engine.Contacts() {
		if c.State.Joined() && c.Contact.Channel == contact.Voice && !w.oneIn(3, "another") {
			return c.Contact.ID, c.Agent
		}
	}
	return w.held()
}

// text names a written contact that somebody has, with whom; else any.
func (w *world) text() (contact.ID, contact.AgentID) {
	for _, c := range w.engine.Contacts() {
		if c.Agent != "" && c.Contact.Channel.Written() && !w.oneIn(4, "another") {
			return c.Contact.ID, c.Agent
		}
	}
	return w.held()
}

func (w *world) report() contact.ReportNode {
	v := contact.ReportNode{Node: w.node(), Legs: []contact.LegID{}, Restarted: w.oneIn(3, "restarted")}
	for _, c := range w.engine.Contacts() {
		if c.Leg != "" && !w.oneIn(4, "lost") {
			v.Legs = append(v.Legs, c.Leg)
		}
	}
	slices.Sort(v.Legs)
	return v
}

// command draws one of every kind, the everyday ones more often.
func (w *world) command() contact.Command {
	switch {
	case w.calledBack && !w.oneIn(4, "something else"):
		return w.callBack()
	case w.consults && !w.oneIn(4, "something else"):
		return w.consult()
	case w.telephone && !w.oneIn(4, "something else"):
		return w.telephones()
	}
	switch w.pick("kind", 6) {
	case 0:
		return w.move()
	case 1, 2:
		return w.goOn()
	}
	kind := w.pick("command", 82)
	switch {
	case kind < 7:
		return w.arrive()
	case kind < 9:
		return contact.Greet{Contact: w.contact()}
	case kind < 15:
		target := []contact.Millis{60_000, 60_000, 20_000, 8 * 3600_000}[w.pick("target", 4)]
		return contact.Enqueue{Contact: w.contact(), Needs: w.needs(3), Class: contact.Class(max(0, w.pick("class", 5)-2)), Target: target, Hours: w.clockHours()}
	case kind < 17:
		return contact.Leave{Contact: w.contact()}
	case kind < 19:
		return contact.Drop{Contact: w.contact()}
	case kind < 25:
		offer, agent := w.offer()
		return contact.AcceptOffer{Offer: offer, Agent: agent}
	case kind < 27:
		offer, agent := w.offer()
		return contact.DeclineOffer{Offer: offer, Agent: agent}
	case kind < 30:
		offer, _ := w.offer()
		return contact.ConfirmConnected{Offer: offer, Leg: "agent-leg"}
	case kind < 31:
		return contact.ConfirmConnected{Offer: w.dialled(), Leg: "agent-leg"}
	case kind < 33:
		offer, _ := w.offer()
		return contact.FailConnect{Offer: offer}
	case kind < 35:
		id, agent := w.held()
		return contact.HangUp{Contact: id, Agent: agent}
	case kind < 38:
		id, agent := w.held()
		return contact.Finish{Contact: id, Agent: agent, Code: w.code(), Ticket: contact.TicketNumber([]string{"", "SD-100234"}[w.pick("ticket", 2)])}
	case kind < 41:
		id, agent := w.text()
		return contact.Reply{Contact: id, Agent: agent}
	case kind < 42:
		id, agent := w.text()
		return contact.GiveBack{Contact: id, Agent: agent}
	case kind < 43:
		return contact.CloseOutsideHours{Contact: w.contact()}
	case kind < 46:
		return contact.TakeCallback{Contact: w.callback(), Agent: w.agent(), Node: w.node()}
	case kind < 48:
		reasons := []contact.DialFailure{contact.DialBusy, contact.DialNoAnswer, contact.DialFault, "no such"}
		return contact.FailDial{Offer: w.dialled(), Reason: reasons[w.pick("reason", 4)]}
	case kind < 51:
		return w.presence()
	case kind < 53:
		return contact.SetReachable{Agent: w.agent(), Node: w.node(), Reachable: true}
	case kind < 55:
		agent, node := w.console()
		return contact.SetReachable{Agent: agent, Node: node}
	case kind < 56:
		return contact.ChangeRoster{Roster: w.roster()}
	case kind < 57:
		return contact.ChangeRules{Rules: w.rules()}
	case kind < 58:
		return contact.Refuse{Contact: w.arrival(), Response: uint16(300 + w.pick("response", 500))}
	case kind < 59:
		return w.report()
	case kind < 60:
		return contact.Tick{}
	case kind < 63:
		id, agent := w.call()
		return contact.Hold{Contact: id, Agent: agent}
	case kind < 65:
		id, agent := w.call()
		return contact.Resume{Contact: id, Agent: agent}
	case kind < 68:
		id, agent := w.held()
		return contact.ChooseOutcome{Contact: id, Agent: agent, Code: w.code(), Ticket: contact.TicketNumber([]string{"", "SD-100234"}[w.pick("ticket", 2)])}
	case kind < 70:
		id, agent := w.held()
		return contact.ExtendWrapUp{Contact: id, Agent: agent}
	case kind < 72:
		return contact.SetImpact{Contact: w.contact(), Residents: uint32(w.pick("residents", 4)) * 40}
	case kind < 75:
		return w.schedule()
	case kind < 80:
		return w.anyOfTelephone()
	default:
		offer, _ := w.offer()
		party := []contact.Party{contact.PartyCaller, contact.PartyAgent, contact.PartySystem}[w.pick("party", 3)]
		return contact.ReportQuality{Contact: w.contact(), Offer: offer, Party: party, Quality: contact.Quality{Received: 9, Lost: uint64(w.pick("lost", 3))}}
	}
}
