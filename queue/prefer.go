package queue

import (
	"svar/contact"
	"svar/routing"
)

// maxHandled is how many tickets, persons and visitors are remembered with who handled them last.
const maxHandled = 20_000

// handled is what was handled last by an agent: a ticket, a person's contact or a visitor's chat. One of the first
// three fields is set. Its JSON form is part of the snapshot.
type handled struct {
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	Person contact.PersonID     `json:"person,omitempty"`
	Chat   contact.ID           `json:"chat,omitempty"`
	Agent  contact.AgentID      `json:"agent"`
	At     contact.Instant      `json:"at"`
}

// what returns the key: what was handled.
func (h handled) what() handled {
	return handled{Ticket: h.Ticket, Person: h.Person, Chat: h.Chat}
}

// memory is who handled what last, within a bound of number and of time.
type memory struct {
	last map[handled]handled // by what was handled
	// noted are all that were noted, oldest first. One that is not the last of its kind is void.
	noted []handled
}

// note remembers the newest, and forgets the oldest and those before the instant.
func (m *memory) note(h handled, before contact.Instant) {
	if m.last == nil {
		m.last = map[handled]handled{}
	}
	m.last[h.what()] = h
	m.noted = append(m.noted, h)
	for first := m.noted[0]; first.At < before || len(m.last) > maxHandled || m.last[first.what()] != first; first = m.noted[0] {
		if m.last[first.what()] == first {
			delete(m.last, first.what())
		}
		m.noted = m.noted[1:]
	}
	if len(m.noted) > 2*maxHandled {
		m.noted = m.list()
	}
}

// list returns what is remembered, oldest first.
func (m *memory) list() []handled {
	var list []handled
	for _, h := range m.noted {
		if m.last[h.what()] == h {
			list = append(list, h)
		}
	}
	return list
}

// learn folds that the agent has handled the contact, while the rules keep contacts for who did. What
// ended without an agent's work, a call-back that nobody dialled, says nothing.
func (e *Engine) learn(c *entry, v contact.ContactClosed, now contact.Instant) {
	if e.rules.PreferFor == 0 || v.Agent == "" || v.Stage == contact.StageCallback ||
		v.End != contact.EndHandled && v.End != contact.EndHandedOver {
		return
	}
	chat := contact.ID("")
	if c.Contact.Channel == contact.Chat {
		chat = c.Contact.ID
	}
	for _, h := range []handled{{Ticket: c.Contact.Ticket}, {Ticket: v.Ticket}, {Chat: chat}, {Person: c.Contact.Person}} {
		if h == (handled{}) {
			continue
		}
		known := e.handled.last[h]
		if h.Agent, h.At = v.Agent, now; h != known {
			e.handled.note(h, now.Add(-e.rules.PreferWithin))
		}
	}
}

// preferred returns the agent whom the contact is kept for when it is queued at now: who handled its
// ticket, else its visitor, else its person last, is ready and has what it needs; empty when there is none.
func (e *Engine) preferred(c *entry, v contact.Enqueue, now contact.Instant) contact.AgentID {
	if e.rules.PreferFor == 0 {
		return ""
	}
	for _, what := range []handled{{Ticket: c.Contact.Ticket}, {Chat: c.Contact.Follows}, {Person: c.Contact.Person}} {
		h, known := e.handled.last[what]
		if what != (handled{}) && known && now.Sub(h.At) <= e.rules.PreferWithin && e.suits(h.Agent, c, v, now) {
			return h.Agent
		}
	}
	return ""
}

// suits reports whether the agent is ready, busy or not, and would be asked for the contact as it is
// queued.
func (e *Engine) suits(agent contact.AgentID, c *entry, v contact.Enqueue, now contact.Instant) bool {
	if !e.attends(agent, c.Contact.Channel) || c.passes(agent, now) || e.agents[agent].Reserved > e.impactClass(v.Class, c.Residents) {
		return false
	}
	_, eligible := routing.Level(e.agents[agent].Skills, v.Needs)
	return eligible
}

// enqueue lets the contact be offered, kept at first for an agent who knows its matter.
func (e *Engine) enqueue(c *entry, v contact.Enqueue, now contact.Instant) {
	queued := contact.ContactQueued{
		Contact: v.Contact, Needs: v.Needs, Class: v.Class, Target: v.Target, Hours: v.Hours, Prefer: e.preferred(c, v, now),
	}
	if queued.Prefer != "" {
		queued.PreferUntil = now.Add(e.rules.PreferFor)
	}
	e.emit(queued, now)
}
