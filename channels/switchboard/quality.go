package switchboard

import (
	"cmp"

	"svar/channels"
	"svar/contact"
)

// account adds what came in over a leg that is over, if the user was connected to it.
func (v *voice) account(leg *agentLeg) {
	if !leg.talked {
		return
	}
	if measured, able := leg.Leg.(channels.Measured); able {
		whole := measured.Quality()
		if v.quality != nil {
			whole = joined(*v.quality, whole)
		}
		v.quality = &whole
	}
}

// joined is the quality of a voice that came in over one leg and then over another one. What
// is measured at the end is the later one's, if anything came in over it.
func joined(former, later contact.Quality) contact.Quality {
	both := later
	if later.Received == 0 {
		both = former
	}
	both.Received, both.Lost = former.Received+later.Received, former.Lost+later.Lost
	both.RoundTrip = cmp.Or(both.RoundTrip, former.RoundTrip)
	return both
}

// beginMeasuring notes where the user's accounts stand when an agent is connected first by an
// offer: what came in while he waited says nothing of the talk.
func (c *call) beginMeasuring(offer contact.OfferID) {
	if c.spoke == offer {
		return
	}
	c.spoke, c.before = offer, contact.Quality{}
	if measured, able := c.leg.(channels.Measured); able {
		c.before = measured.Quality()
	}
}

// reportQuality tells, once for each offer by which they were connected, how agent and user
// came in: the dispatcher keeps one report of each.
func (c *call) reportQuality(v *voice) {
	if v.quality != nil {
		c.tellQuality(v.offer, contact.PartyAgent, *v.quality)
	}
	if measured, able := c.leg.(channels.Measured); able && c.spoke == v.offer {
		quality := measured.Quality()
		quality.Received = sinceThen(quality.Received, c.before.Received)
		quality.Lost = sinceThen(quality.Lost, c.before.Lost)
		c.tellQuality(v.offer, contact.PartyCaller, quality)
	}
}

// sinceThen is how much a count grew. Packets that came late make the lost ones fewer.
func sinceThen(now, then uint64) uint64 { return now - min(now, then) }

func (c *call) tellQuality(offer contact.OfferID, party contact.Party, quality contact.Quality) {
	c.tell(contact.ReportQuality{Contact: c.contact.ID, Offer: offer, Party: party, Quality: quality})
}
