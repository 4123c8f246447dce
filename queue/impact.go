package queue

import (
	"svar/contact"
)

// maxResidents is for how many residents and companies a contact may stand: more than a city has.
const maxResidents = 1_000_000

// planImpact takes the word of a form, of an agent or of a supervisor for how many residents and
// companies the contact stands (requirement 2.3a).
func (e *Engine) planImpact(v contact.SetImpact, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil, c.lapses(now):
		return nil, reject(contact.UnknownContact)
	case c.Residents == v.Residents:
		return nothing, nil
	}
	return func() { e.emit(contact.ImpactSet(v), now) }, nil
}

// impactSet folds for how many a contact stands. The limit is that of the rules now: later ones move
// nobody.
func (e *Engine) impactSet(c *entry, v contact.ImpactSet) {
	e.restand(c, func() {
		c.Residents = v.Residents
		c.Class = e.impactClass(c.QueuedClass, v.Residents)
	})
}

// impactClass is the class of a contact that was queued in one and stands for so many (requirement
// 2.3b).
func (e *Engine) impactClass(queued contact.Class, residents uint32) contact.Class {
	if queued == contact.ClassOrdinary && e.rules.ImpactFrom > 0 && residents >= e.rules.ImpactFrom {
		return contact.ClassResidentImpact
	}
	return queued
}
