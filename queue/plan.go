package queue

import (
	"reflect"
	"slices"

	"svar/contact"
)

func reject(code contact.RejectionCode) *contact.Rejection {
	return &contact.Rejection{Code: code}
}

func nothing() {}

// plan says what a command does once what is due at now has happened, or why it is
// rejected. It changes nothing: what time brings by now is taken into account by
// [Engine.liveOffer], [entry.alive], [entry.lapses] and [Engine.overdue].
func (e *Engine) plan(command contact.Command, now contact.Instant) (perform func(), rejection *contact.Rejection) {
	if !valid(command) {
		return nil, reject(contact.Invalid)
	}
	switch v := command.(type) {
	case contact.Tick:
		return nothing, nil
	case contact.ChangeRules:
		return e.planRules(v, now), nil
	case contact.ChangeRoster:
		return func() { e.changeRoster(v.Roster, now) }, nil
	case contact.ReportNode:
		return func() { e.reconcile(v, now) }, nil
	case contact.Arrive:
		return e.planArrive(v, now), nil
	case contact.Refuse:
		return e.planRefuse(v, now)
	case contact.Greet:
		return e.planGreet(v, now)
	case contact.Enqueue:
		return e.planEnqueue(v, now)
	case contact.Leave:
		return e.planEnd(v.Contact, e.leave, now)
	case contact.Drop:
		return e.planEnd(v.Contact, e.drop, now)
	case contact.AcceptOffer:
		return e.planAccept(v, now)
	case contact.DeclineOffer:
		return e.planDecline(v, now)
	case contact.ConfirmConnected:
		return e.planConfirm(v, now)
	case contact.FailConnect:
		return e.planFailConnect(v, now)
	case contact.Hold:
		return e.planHold(v, now)
	case contact.Resume:
		return e.planResume(v, now)
	case contact.HangUp:
		return e.planHangUp(v, now)
	case contact.ChooseOutcome:
		return e.planChoose(v, now)
	case contact.ExtendWrapUp:
		return e.planExtend(v, now)
	case contact.ReportQuality:
		return e.planQuality(v, now)
	case contact.Finish:
		return e.planFinish(v, now)
	case contact.Reply:
		return e.planReply(v, now)
	case contact.GiveBack:
		return e.planGiveBack(v, now)
	case contact.CloseOutsideHours:
		return e.planOutsideHours(v, now)
	case contact.TakeCallback:
		return e.planTakeCallback(v, now)
	case contact.ScheduleCallback:
		return e.planScheduleCallback(v, now)
	case contact.FailDial:
		return e.planFailDial(v, now)
	case contact.Transfer:
		return e.planTransfer(v, now)
	case contact.Consult:
		return e.planConsult(v, now)
	case contact.EndConsult:
		return e.planEndConsult(v, now)
	case contact.CompleteTransfer:
		return e.planComplete(v, now)
	case contact.HandOver:
		return e.planHandOver(v, now)
	case contact.SetConference:
		return e.planConference(v, now)
	case contact.Supervise:
		return e.planSupervise(v, now)
	case contact.Mark:
		return e.planMark(v, now)
	case contact.PlaceCall:
		return e.planPlaceCall(v, now)
	case contact.ReportRecording:
		return e.planRecording(v, now)
	case contact.Rejoin:
		return e.planRejoin(v, now)
	case contact.SetImpact:
		return e.planImpact(v, now)
	case contact.SetPresence:
		return e.planPresence(v, now)
	case contact.SetReachable:
		return e.planReachable(v, now)
	default:
		return nil, reject(contact.Invalid)
	}
}

func (e *Engine) planRules(v contact.ChangeRules, now contact.Instant) func() {
	if sameRules(v.Rules, e.rules) {
		return nothing
	}
	return func() {
		e.emit(contact.RulesChanged(v), now)
		e.withdrawUndialable(now)
		e.returnOverdue(now) // the grace may be shorter now
	}
}

// sameRules compares every field; an empty list is the same as none.
func sameRules(a, b contact.Rules) bool {
	lists := slices.Equal(a.OutcomeCodes, b.OutcomeCodes) && slices.EqualFunc(a.Channels, b.Channels, func(a, b contact.ChannelRule) bool {
		return a.Channel == b.Channel && a.Capacity == b.Capacity && a.OfferTimeout == b.OfferTimeout && slices.Equal(a.Beside, b.Beside)
	}) && slices.EqualFunc(a.Groups, b.Groups, func(a, b contact.GroupRule) bool {
		return a.Group == b.Group && a.BreaksAtOnce == b.BreaksAtOnce && slices.Equal(a.Relax, b.Relax) && slices.Equal(a.RelaxTexts, b.RelaxTexts)
	}) && slices.EqualFunc(a.Hours, b.Hours, sameHours) && slices.Equal(a.PauseReasons, b.PauseReasons)
	for _, rules := range []*contact.Rules{&a, &b} {
		rules.OutcomeCodes, rules.Channels, rules.Groups, rules.Hours, rules.PauseReasons = nil, nil, nil, nil, nil
	}
	return lists && reflect.DeepEqual(a, b)
}

func sameHours(a, b contact.HoursRule) bool {
	weekly := true
	for day := range a.Weekly {
		weekly = weekly && slices.Equal(a.Weekly[day], b.Weekly[day])
	}
	return weekly && a.ID == b.ID && a.Zone == b.Zone && slices.EqualFunc(a.Exceptions, b.Exceptions, func(a, b contact.DayException) bool {
		return a.Date == b.Date && slices.Equal(a.Open, b.Open)
	})
}

func (e *Engine) planArrive(v contact.Arrive, now contact.Instant) func() {
	if e.contacts[v.Contact.ID] != nil || e.isClosed(v.Contact.ID) {
		return nothing
	}
	return func() { e.emit(contact.ContactArrived(v), now) }
}

func (e *Engine) isClosed(id contact.ID) bool {
	_, closed := e.closedBy[id]
	return closed
}

// wasClosedBy reports whether the contact is remembered as one that the agent had when it
// closed.
func (e *Engine) wasClosedBy(id contact.ID, agent contact.AgentID) bool {
	c, closed := e.closedBy[id]
	return closed && c.Agent == agent
}

func (e *Engine) planRefuse(v contact.Refuse, now contact.Instant) (func(), *contact.Rejection) {
	if e.contacts[v.Contact.ID] != nil {
		return nil, reject(contact.WrongState)
	}
	if e.isClosed(v.Contact.ID) {
		return nothing, nil
	}
	return func() {
		refused := v.Contact
		e.emit(contact.ContactClosed{
			Contact: refused.ID, End: contact.EndRefused, Response: v.Response, Refused: &refused,
			Waited: max(0, now.Sub(refused.Arrived)),
		}, now)
	}, nil
}

func (e *Engine) planGreet(v contact.Greet, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if c == nil || c.lapses(now) {
		return nil, reject(contact.UnknownContact)
	}
	if c.Greeted != 0 || c.Callback || c.Contact.Outgoing || c.State == contact.StateWrapUp {
		return nothing, nil
	}
	return func() { e.emit(contact.ContactGreeted(v), now) }, nil
}

func (e *Engine) planEnqueue(v contact.Enqueue, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if c == nil || c.lapses(now) {
		return nil, reject(contact.UnknownContact)
	}
	same := slices.Equal(v.Needs, c.Needs) && v.Class == c.QueuedClass && v.Target == c.Target && v.Hours == c.Hours
	switch {
	case c.Queued != 0 && same:
		return nothing, nil
	case c.Callback, c.Contact.Outgoing, c.alive(now), c.State.Joined(), c.State == contact.StateWrapUp:
		return nil, reject(contact.WrongState)
	case v.Hours != "" && e.clocks[v.Hours] == nil:
		return nil, reject(contact.Invalid)
	}
	return func() { e.enqueue(c, v, now) }, nil
}

// planEnd is for what ends a contact's leg. One that is closed already has ended.
func (e *Engine) planEnd(id contact.ID, end func(*entry, contact.Instant), now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[id]
	switch {
	case c == nil && e.isClosed(id):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.Leg == "": // a mail or a form, which nobody can leave or lose
		return nil, reject(contact.WrongState)
	case c.Callback || c.State == contact.StateWrapUp || c.lapses(now): // its leg has ended before
		return nothing, nil
	}
	return func() { end(c, now) }, nil
}

// leave ends a contact whose user ended it.
func (e *Engine) leave(c *entry, now contact.Instant) {
	if c.State.Joined() {
		e.hangUp(c, contact.PartyCaller, now)
		return
	}
	if c.isFirstDial() {
		e.closeUnreached(c, contact.DialNoAnswer, now)
		return
	}
	stage := c.stage()
	if c.Offer != nil {
		e.withdraw(c, contact.CallerLeft, now)
	}
	e.emit(contact.ContactClosed{
		Contact: c.Contact.ID, End: contact.EndAbandoned, Stage: stage, Waited: c.answerTime(now),
	}, now)
}

// drop ends a contact whose leg broke, or lets it go on as a call-back: only a call has a
// number to dial.
func (e *Engine) drop(c *entry, now contact.Instant) {
	if c.isFirstDial() {
		e.closeUnreached(c, contact.DialFault, now)
		return
	}
	e.overTalk(c, now)
	from, agent, stage := c.State, c.Agent, c.stage()
	if c.Offer != nil {
		agent = c.Offer.Agent
		e.withdraw(c, contact.TechnicalFault, now)
	}
	if c.Contact.Callable && c.Contact.Channel == contact.Voice && !e.callbacksFull() {
		e.emit(contact.ContactDropped{Contact: c.Contact.ID, From: from, Agent: agent}, now)
		return
	}
	e.emit(contact.ContactClosed{
		Contact: c.Contact.ID, End: contact.EndDropped, Stage: stage, Waited: c.answerTime(now), Agent: c.Agent,
	}, now)
}

// maxCallbacks bounds the call-backs that wait: nobody could ring more people than that,
// and what a stranger's broken calls leave behind must not fill the memory of every node.
// Further ones are closed as dropped.
const maxCallbacks = 5_000

func (e *Engine) callbacksFull() bool { return e.callbacks >= maxCallbacks }

// stage is how far the contact has come without an agent; empty from connected on. A call that waits and has not
// been answered by the system still rings.
func (c *entry) stage() contact.Stage {
	switch c.State {
	case contact.StateArrived:
		return contact.StageBeforeAnswer
	case contact.StateGreeted:
		return contact.StageMessage
	case contact.StateWaiting, contact.StateOffered:
		if c.Greeted == 0 && c.Answered == 0 && c.Contact.Channel == contact.Voice && !c.Contact.Outgoing {
			return contact.StageBeforeAnswer
		}
		if c.State == contact.StateWaiting {
			return contact.StageQueue
		}
		return contact.StageRinging
	default:
		return ""
	}
}

// answerTime is the time from arrival until the first answer, or until now.
func (c *entry) answerTime(now contact.Instant) contact.Millis {
	if c.Answered != 0 {
		now = c.Answered
	}
	return max(0, now.Sub(c.Contact.Arrived))
}

// reconcile takes a node's word for which of its legs live, and whether its consoles do.
func (e *Engine) reconcile(v contact.ReportNode, now contact.Instant) {
	for _, c := range e.sortedContacts() {
		dialling := c.State == contact.StateDialling
		if c.Node != v.Node || (c.Callback && !dialling) || c.State == contact.StateWrapUp {
			continue
		}
		switch _, alive := slices.BinarySearch(v.Legs, c.Leg); {
		case alive:
		case dialling:
			e.failDial(c, contact.DialFault, now)
		default:
			e.drop(c, now)
		}
	}
	if !v.Restarted {
		return
	}
	for _, id := range e.sortedAgents() {
		e.loseConsole(e.agents[id], v.Node, now)
	}
}
