package queue

import (
	"fmt"

	"svar/contact"
)

// lapses reports whether what is due by now closes the contact: its wrap-up has run out, or a call that the desk began has
// rung for as long as it may.
func (c *entry) lapses(now contact.Instant) bool {
	if c.isFirstDial() {
		return !c.alive(now)
	}
	return c.State == contact.StateWrapUp && c.WrapUpUntil != 0 && c.WrapUpUntil <= now
}

// hangUp ends the connection of a contact and begins its wrap-up.
func (e *Engine) hangUp(c *entry, by contact.Party, now contact.Instant) {
	e.endConnection(c, by, now)
	e.letGo(e.agents[c.Agent], now)
}

func (e *Engine) endConnection(c *entry, by contact.Party, now contact.Instant) {
	e.overTalk(c, now)
	e.emit(contact.ContactHungUp{Contact: c.Contact.ID, Agent: c.Agent, By: by, Until: e.wrapUpEnd(now)}, now)
}

// wrapUpEnd is when a wrap-up that begins now runs out; 0 means never.
func (e *Engine) wrapUpEnd(now contact.Instant) contact.Instant {
	if e.rules.WrapUpLimit == 0 {
		return 0
	}
	return now.Add(e.rules.WrapUpLimit)
}

// lapse closes a contact whose wrap-up is over with what its agent has chosen so far.
func (e *Engine) lapse(c *entry, now contact.Instant) {
	code := c.Code
	if code == "" && c.Ticket == "" {
		code = c.LapseCode
	}
	e.emit(contact.ContactClosed{
		Contact: c.Contact.ID, End: c.answeredEnd(), Waited: c.answerTime(now),
		Agent: c.Agent, Code: code, Ticket: c.Ticket, Lapsed: true,
	}, now)
}

// afterTakeOver is how long a wrap-up lasts at least when somebody leads again.
const afterTakeOver = contact.Millis(30_000)

// resumeWrapUp keeps a wrap-up from running out while nobody could be told anything: what its
// agent chose and noted meanwhile would be lost.
func (e *Engine) resumeWrapUp(c *entry, now contact.Instant) {
	if until := now.Add(afterTakeOver); c.State == contact.StateWrapUp && c.WrapUpUntil != 0 && c.WrapUpUntil < until {
		e.emit(contact.WrapUpExtended{Contact: c.Contact.ID, Agent: c.Agent, Until: until}, now)
	}
}

// letGo takes from an agent who is gone from the roster, and from the consoles too, what
// neither he nor time would ever end: texts go back, and a wrap-up without limit is over.
func (e *Engine) letGo(a *AgentState, now contact.Instant) {
	if !a.Gone || a.Reachable() {
		return
	}
	e.returnTexts(a, contact.ReturnRoster, now)
	var endless []*entry
	for _, held := range a.Contacts {
		if c := e.contacts[held.Contact]; c.State == contact.StateWrapUp && c.WrapUpUntil == 0 {
			endless = append(endless, c)
		}
	}
	for _, c := range endless {
		e.lapse(c, now)
	}
}

// hungUp folds the beginning of wrap-up.
func (e *Engine) hungUp(c *entry, v contact.ContactHungUp, now contact.Instant) error {
	if c.Agent != v.Agent {
		return fmt.Errorf("contact %s is with %q, not %q", v.Contact, c.Agent, v.Agent)
	}
	return e.wrapUp(c, v.Until, now)
}

// wrapUp folds that the connection is over, and that what the agent has to say of it may take until
// then.
func (e *Engine) wrapUp(c *entry, until, now contact.Instant) error {
	e.loseLegs(c)
	if err := e.move(c, contact.StateWrapUp, now); err != nil {
		return err
	}
	c.WrapUpUntil, c.LapseCode = until, e.rules.WrapUpCode
	e.watch(c)
	return nil
}

// planExtend gives more time. How much is ruled now; that there is an end was ruled when
// wrap-up began.
func (e *Engine) planExtend(v contact.ExtendWrapUp, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.State != contact.StateWrapUp, c.WrapUpUntil == 0, c.lapses(now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	}
	until := now.Add(e.rules.WrapUpExtension)
	if until <= c.WrapUpUntil {
		return nothing, nil
	}
	return func() { e.emit(contact.WrapUpExtended{Contact: v.Contact, Agent: v.Agent, Until: until}, now) }, nil
}

func (e *Engine) wrapUpExtended(c *entry, v contact.WrapUpExtended) error {
	if c.Agent != v.Agent || c.State != contact.StateWrapUp {
		return fmt.Errorf("contact %s is %s with %q, not in wrap-up with %q", v.Contact, c.State, c.Agent, v.Agent)
	}
	c.WrapUpUntil = v.Until
	e.watch(c)
	return nil
}

// planChoose keeps what the agent has chosen so far. A code that is in the rules no more may
// stay, but not be chosen.
func (e *Engine) planChoose(v contact.ChooseOutcome, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.State.Joined() && c.State != contact.StateWrapUp, c.lapses(now), e.overdue(c, now):
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case c.Code == v.Code && c.Ticket == v.Ticket:
		return nothing, nil
	case v.Code != "" && v.Code != c.Code && !e.isOutcome(v.Code):
		return nil, reject(contact.UnknownOutcome)
	}
	return func() { e.emit(contact.OutcomeChosen(v), now) }, nil
}

func (e *Engine) outcomeChosen(c *entry, v contact.OutcomeChosen) error {
	if c.Agent != v.Agent {
		return fmt.Errorf("contact %s is with %q, not %q", v.Contact, c.Agent, v.Agent)
	}
	c.Code, c.Ticket = v.Code, v.Ticket
	return nil
}
