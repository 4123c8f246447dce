package switchboard

import (
	"svar/contact"
	"svar/queue/bus"
)

// An agent may ask a colleague while the user hears music. The colleague's voice is one of the
// call's like any other, under the number of his own offer; only whom it is connected with differs. The
// user stays the agent's until an order hands him over.

// consultation is the colleague who is asked, or talks with the agent.
type consultation struct {
	// offer is the one by which he is asked; 0 while nobody is.
	offer contact.OfferID
	// place is the one outside that is called by it; nil when a colleague is asked.
	place *place
	// joined says that the two talk.
	joined bool
	// last is the newest offer by which anybody was asked: an order that comes again asks nobody.
	last contact.OfferID
}

// carries reports whether somebody is heard over the voice, or was until it broke: then its
// replacement comes up before it goes.
func (c *call) carries(v *voice) bool {
	if s := c.supervisorOf(v); s != nil {
		return s.joined
	}
	return c.connected == v.offer || c.consult.joined && c.consult.offer == v.offer
}

// askColleague leaves the user with music and begins the voice of the one who is asked.
func (c *call) askColleague(o bus.Order) {
	if c.ended || c.connected == 0 || o.Offer <= c.connected || o.Offer < c.oldest || o.Offer <= c.consult.last {
		return
	}
	c.dropConsult()
	c.consult = consultation{offer: o.Offer, last: o.Offer}
	c.held = true // the dispatcher has it on record already
	c.goOnTalking()
	if v, err := c.newVoice(o.Offer, o.Agent); err != nil {
		c.fail(v)
	}
}

// bringColleague waits in the background for the voice of the colleague who accepted.
func (c *call) bringColleague(o bus.Order) {
	c.askColleague(o) // does nothing when he is asked already
	v := c.agents[o.Offer]
	if v == nil || c.consult.offer != o.Offer || v.accepted {
		return
	}
	v.accepted = true
	if v.leg == nil {
		c.ringAgain(v)
		return
	}
	c.awaitUp(v, v.leg)
}

// confer lets the two agents talk once the colleague's voice is up, and says so.
func (c *call) confer(v *voice, err error) {
	if err != nil {
		c.log.Warn().Err(err).Str("agent", string(v.agent)).Msg("the voice of a colleague who was asked did not come up")
		c.fail(v)
		return
	}
	c.consult.joined = true
	c.goOnTalking()
	c.tell(contact.ConfirmConnected{Offer: v.offer, Leg: v.leg.ID()})
}

// conferThree lets the user, his agent and whoever is consulted hear each other, or the user music again.
func (c *call) conferThree(o bus.Order) {
	if c.ended || !c.consult.joined || c.conference == o.On {
		return
	}
	c.conference = o.On
	c.goOnTalking()
}

// endConsult ends the voice of the colleague, or the call to the place, by that offer, if it is the one. The
// user stays on hold, or goes on with his agent when the three heard each other.
func (c *call) endConsult(offer contact.OfferID) (ended bool) {
	if offer == 0 || c.consult.offer != offer {
		return false
	}
	c.dropConsult()
	c.goOnTalking()
	return true
}

// confirmHold says that the user is on hold after a consultation that the dispatcher ended. What its agent did meanwhile, and
// an end that came from the other side, may have reached it in another order than they happened: it would take the user to
// be with an agent who could do nothing about it.
func (c *call) confirmHold() {
	if v := c.agents[c.connected]; v != nil && !c.ended && c.holdsUser() {
		c.tell(contact.Hold{Contact: c.contact.ID, Agent: v.agent})
	}
}

// dropConsult is endConsult of whatever is under way, before something else is arranged.
func (c *call) dropConsult() {
	offer := c.consult.offer
	if offer == 0 {
		return
	}
	if v := c.agents[offer]; v != nil {
		c.endVoice(v)
	}
	if p := c.consult.place; p != nil {
		p.end()
		c.endRinging()
	}
	c.consult = consultation{last: c.consult.last}
	if c.conference {
		c.conference, c.held = false, false
	}
}

// handOver leaves the user to the colleague and ends the voice of the agent who asked. A colleague
// who is without a voice at that moment has the same grace as in any talk.
func (c *call) handOver(o bus.Order) {
	if c.ended || o.Offer < c.oldest || o.Offer <= c.connected {
		return
	}
	if c.consult.place != nil { // it was asked instead, of which this order knows nothing
		c.dropConsult()
	}
	c.consult = consultation{last: c.consult.last}
	c.conference = false
	c.endSupervisions()
	c.oldest = o.Offer
	for offer, v := range c.agents {
		if offer < o.Offer {
			c.endVoice(v)
		}
	}
	c.connected, c.held = o.Offer, false
	v := c.agents[o.Offer]
	if v == nil { // he hung up that moment, or orders were lost: the dispatcher takes it that he has the user
		c.fail(&voice{offer: o.Offer, agent: o.Agent})
		return
	}
	c.goOnTalking()
}
