package queue

import (
	"fmt"

	"svar/contact"
)

// planRejoin gives the place of a call-back to its caller, who rings again. While an agent dials it the
// place is on its way to him already: the new call is another contact then.
func (e *Engine) planRejoin(v contact.Rejoin, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.Callback && c.Node == v.Node && c.Leg == v.Leg:
		return nothing, nil
	case !c.Callback || c.State == contact.StateDialling && c.alive(now):
		return nil, reject(contact.WrongState)
	}
	return func() {
		if c.Offer != nil {
			e.withdraw(c, contact.CallerBack, now)
		}
		e.emit(contact.ContactRejoined(v), now)
	}, nil
}

// rejoined folds that the caller waits on the line himself: nobody has promised him anything more.
func (e *Engine) rejoined(c *entry, v contact.ContactRejoined, now contact.Instant) error {
	if !c.Callback || c.State != contact.StateWaiting {
		return fmt.Errorf("contact %s is %s and does not wait to be called back", v.Contact, c.State)
	}
	e.restand(c, func() {
		e.unkeep(c)
		e.endCallback(c)
		c.Node, c.Leg, c.Since = v.Node, v.Leg, now
		c.Greeted = now // he is answered at once
	})
	if c.line == nil {
		e.lineUp(c)
	}
	return nil
}
