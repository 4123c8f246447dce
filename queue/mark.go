package queue

import (
	"fmt"
	"slices"

	"svar/contact"
)

// planMark puts on record what the agent says of his call. Once said, it stands.
func (e *Engine) planMark(v contact.Mark, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil, c.lapses(now):
		return nil, reject(contact.UnknownContact)
	case c.Contact.Channel != contact.Voice, !c.State.Joined() && c.State != contact.StateWrapUp:
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case slices.Contains(c.Marks, v.Mark):
		return nothing, nil
	}
	return func() { e.emit(contact.ContactMarked(v), now) }, nil
}

func (e *Engine) marked(c *entry, v contact.ContactMarked) error {
	if c.Agent != v.Agent || slices.Contains(c.Marks, v.Mark) {
		return fmt.Errorf("contact %s is with %q, marked %v", v.Contact, c.Agent, c.Marks)
	}
	c.Marks = append(slices.Clone(c.Marks), v.Mark)
	return nil
}
