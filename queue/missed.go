package queue

import (
	"slices"

	"svar/contact"
)

// maxMissed is how many missed offers are kept of an agent.
const maxMissed = 10

// miss notes an offer of the contact that the agent did not get.
func (a *AgentState) miss(c *entry, offer contact.OfferID, cause contact.MissCause, now contact.Instant) {
	a.Missed = slices.Insert(a.Missed, 0, MissedOffer{Cause: cause, Contact: c.Contact.ID, Line: c.Contact.Line, Offer: offer, At: now})
	a.Missed = a.Missed[:min(len(a.Missed), maxMissed)]
}

// missCause is what a withdrawal means to the agent it is withdrawn from; false when he has
// missed nothing by it.
func missCause(cause contact.WithdrawCause) (contact.MissCause, bool) {
	switch cause {
	case contact.ConnectFailed, contact.TechnicalFault:
		return contact.MissedByFault, true
	case contact.AgentUnreachable:
		return contact.MissedByReach, true
	case contact.CallerLeft, contact.CallerBack, contact.AgentLeft, contact.TakeOver, contact.RulesWithdrew:
		return "", false
	default:
		return "", false
	}
}
