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
	// joined says that the two agents talk.
	joined bool
	// last is the newest offer by which anybody was asked: an order that comes again asks nobody.
	last contact.OfferID
}

// carries reports whether somebody is heard over the voice, or was until it broke: then its
// replacement comes up before it goes.
func (c *call) carries(v *voice) bool {
	return c.connected == v.offer || c.consult.joined && c.consult.offer == v.offer
}

// askColleague leaves the user with music and begins the voice of the one who is asked.
func (c *call) askColleague(o bus.Order) {
	if c.ended || c.connected == 0 || o.Offer <= c.connected || o.Offer < c.oldest || o.Offer <= c.consult.last {
		return
	}
	c.endConsult(c.consult.offer)
	c.leaveUser()
	c.consult = consultation{offer: o.Offer, last: o.Offer}
	if v, err := c.newVoice(o.Offer, o.Agent); err != nil {
		c.fail(v)
	}
}

// leaveUser puts the user on hold for the agent, which the dispatcher has on record already.
func (c *call) leaveUser() {
	if c.held {
		return
	}
	c.held = true
	if v := c.agents[c.connected]; v != nil && v.leg != nil {
		separate(c.leg, v.leg.Leg)
		c.startWalk(c.playMusic)
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
	c.joinAgents()
	c.tell(contact.ConfirmConnected{Offer: v.offer, Leg: v.leg.ID()})
}

// joinAgents lets the two hear each other; while one of them has no voice the other hears
// nothing. When it fails one of them is over, and its end is on its way.
func (c *call) joinAgents() {
	asking, asked := c.agents[c.connected], c.agents[c.consult.offer]
	if !c.consult.joined || asking == nil || asked == nil || asking.leg == nil || asked.leg == nil {
		return
	}
	if err := connectSound(asking.leg.Leg, asked.leg.Leg); err != nil {
		c.log.Warn().Err(err).Msg("two agents could not be connected")
	}
}

// endConsult ends the voice of the colleague by that offer, if he is asked or talks by it. The
// user stays on hold.
func (c *call) endConsult(offer contact.OfferID) {
	if offer == 0 || c.consult.offer != offer {
		return
	}
	if v := c.agents[offer]; v != nil {
		c.endVoice(v)
	}
	c.consult.offer, c.consult.joined = 0, false
}

// handOver leaves the user to the colleague and ends the voice of the agent who asked. A colleague
// who is without a voice at that moment has the same grace as in any talk.
func (c *call) handOver(o bus.Order) {
	if c.ended || o.Offer < c.oldest || o.Offer <= c.connected {
		return
	}
	c.consult.offer, c.consult.joined = 0, false
	c.oldest = o.Offer
	for offer, v := range c.agents {
		if offer < o.Offer {
			c.endVoice(v)
		}
	}
	c.connected, c.held = o.Offer, false
	v := c.agents[o.Offer]
	switch {
	case v != nil && v.leg != nil:
		c.resumeTalk(v)
	case v == nil: // he hung up that moment, or orders were lost: the dispatcher takes it that he has the user
		c.fail(&voice{offer: o.Offer, agent: o.Agent})
	}
}
