package queue

import (
	"fmt"

	"svar/contact"
)

// planConference lets the user, his agent and whoever is consulted hear each other, or puts the user on hold again.
func (e *Engine) planConference(v contact.SetConference, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case !c.State.Joined() || c.Contact.Channel != contact.Voice:
		return nil, reject(contact.WrongState)
	case c.Agent != v.Agent:
		return nil, reject(contact.NotYours)
	case c.Conference == v.On:
		return nothing, nil
	case v.On && (c.Consult == nil || !c.Consult.Connected):
		return nil, reject(contact.WrongState)
	}
	return func() { e.emit(contact.ConferenceChanged(v), now) }, nil
}

// conferenceChanged folds that three hear each other, or that the user is on hold again. The consultation goes on.
func (e *Engine) conferenceChanged(c *entry, v contact.ConferenceChanged, now contact.Instant) error {
	switch {
	case c.Agent != v.Agent || c.Consult == nil || !c.Consult.Connected:
		return fmt.Errorf("contact %s is %s with %q, and nobody else talks", v.Contact, c.State, c.Agent)
	case c.Conference == v.On:
		return fmt.Errorf("contact %s: the conference is so already", v.Contact)
	}
	c.Conference, c.State, c.Since = v.On, contact.StateHeld, now
	if v.On {
		c.State = contact.StateConnected
	}
	return nil
}
