package queue

import (
	"slices"

	"svar/contact"
)

// maxMeasured is how many reports of quality are recorded of a contact: those of the first
// connections, so that no node fills the journal with them.
const maxMeasured = 4

// planQuality records how a party's voice came in, once for each party of a connection. It
// is best effort: what comes too late or too often is passed over.
func (e *Engine) planQuality(v contact.ReportQuality, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	switch {
	case c == nil && e.isClosed(v.Contact):
		return nothing, nil
	case c == nil:
		return nil, reject(contact.UnknownContact)
	case c.Contact.Channel != contact.Voice, v.Offer == 0, v.Offer > e.lastOffer:
		return nil, reject(contact.WrongState)
	case c.lapses(now), len(c.Measured) >= maxMeasured, slices.Contains(c.Measured, Measured{Offer: v.Offer, Party: v.Party}):
		return nothing, nil
	}
	return func() { e.emit(contact.QualityReported(v), now) }, nil
}
