package queue

import (
	"fmt"
	"slices"
	"strings"

	"svar/contact"
)

// maxSupervisors is how many may be in one call at once: every further ear costs the mix.
const maxSupervisors = 4

// planSupervise takes a supervisor into a call, in a mode, or out of it. He hears one call at a time: whoever goes
// into another leaves the first.
func (e *Engine) planSupervise(v contact.Supervise, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	if c == nil {
		if v.Mode == "" && e.isClosed(v.Contact) {
			return nothing, nil
		}
		return nil, reject(contact.UnknownContact)
	}
	mode := c.supervisedBy(v.Supervisor)
	switch {
	case mode == v.Mode:
		return nothing, nil
	case v.Mode == "":
	case !c.State.Joined() || c.Contact.Channel != contact.Voice:
		return nil, reject(contact.WrongState)
	case c.involves(v.Supervisor): // he is heard already
		return nil, reject(contact.WrongState)
	case mode == "" && len(c.Supervisors) >= maxSupervisors:
		return nil, reject(contact.NotFree)
	}
	return func() {
		if other := e.supervising[v.Supervisor]; other != nil && other != c {
			e.emit(contact.SupervisionChanged{Contact: other.Contact.ID, Supervisor: v.Supervisor}, now)
		}
		e.emit(contact.SupervisionChanged(v), now)
	}, nil
}

// supervisedBy is the mode in which the supervisor is in the call; empty when he is not.
func (c *entry) supervisedBy(supervisor contact.AgentID) contact.SupervisionMode {
	for _, s := range c.Supervisors {
		if s.Supervisor == supervisor {
			return s.Mode
		}
	}
	return ""
}

// endSupervision takes every supervisor out of a call whose connection ends.
func (e *Engine) endSupervision(c *entry, now contact.Instant) {
	for _, s := range slices.Clone(c.Supervisors) {
		e.emit(contact.SupervisionChanged{Contact: c.Contact.ID, Supervisor: s.Supervisor}, now)
	}
}

// stopSupervising takes the supervisor out of the call that he is in, if any.
func (e *Engine) stopSupervising(supervisor contact.AgentID, now contact.Instant) {
	if c := e.supervising[supervisor]; c != nil {
		e.emit(contact.SupervisionChanged{Contact: c.Contact.ID, Supervisor: supervisor}, now)
	}
}

func (e *Engine) supervisionChanged(c *entry, v contact.SupervisionChanged) error {
	if !c.State.Joined() {
		return fmt.Errorf("contact %s is %s: nobody can be listened to", v.Contact, c.State)
	}
	if other := e.supervising[v.Supervisor]; other != nil && other != c {
		return fmt.Errorf("supervisor %s is in contact %s", v.Supervisor, other.Contact.ID)
	}
	c.Supervisors = slices.DeleteFunc(slices.Clone(c.Supervisors), func(s Supervision) bool { return s.Supervisor == v.Supervisor })
	delete(e.supervising, v.Supervisor)
	if len(c.Supervisors) == 0 {
		c.Supervisors = nil
	}
	if v.Mode == "" {
		return nil
	}
	at, _ := slices.BinarySearchFunc(c.Supervisors, v.Supervisor, func(s Supervision, id contact.AgentID) int {
		return strings.Compare(string(s.Supervisor), string(id))
	})
	c.Supervisors = slices.Insert(c.Supervisors, at, Supervision{Supervisor: v.Supervisor, Mode: v.Mode})
	e.supervising[v.Supervisor] = c
	return nil
}
