package switchboard

import (
	"errors"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/queue/bus"
)

// ring begins the agent's voice, so that it is ready when the agent accepts.
func (c *call) ring(o bus.Order) {
	if c.agents[o.Offer] != nil || c.ended || o.Offer < c.oldest {
		return
	}
	if v, err := c.newVoice(o.Offer, o.Agent); err != nil {
		c.fail(v)
	}
}

// bringUp waits in the background for the voice of the agent who accepted.
func (c *call) bringUp(o bus.Order) {
	c.ring(o) // does nothing when it rings already
	v := c.agents[o.Offer]
	if v == nil || v.declined || c.connected == o.Offer {
		return
	}
	v.accepted = true
	if v.leg == nil {
		c.ringAgain(v)
		return
	}
	c.awaitUp(v, v.leg)
}

// ringAgain makes another leg for an agent who accepted, and whose window is gone: he accepted
// in another one, or it is loaded again.
func (c *call) ringAgain(v *voice) {
	leg, err := c.ringAgent(v, "")
	if err != nil {
		c.fail(v)
		return
	}
	v.stopGrace()
	v.set(leg)
	c.awaitUp(v, leg)
}

// agentIsUp goes on with a leg of an agent who accepted.
func (c *call) agentIsUp(up agentUp) {
	v := up.voice
	switch {
	case !c.holds(v) || c.ended || errors.Is(up.err, channels.ErrLegOver):
		// Withdrawn or replaced meanwhile, or over: its end, which is on its way, says more.
	case up.leg == v.next:
		c.replace(v, up.err)
	case up.leg != v.leg:
	case v.supervises:
		c.letListen(v, up.err)
	case c.consult.offer == v.offer:
		c.confer(v, up.err)
	case c.connected == 0:
		c.connect(v, up.err)
	}
}

// connect lets the two hear each other, then says so.
func (c *call) connect(v *voice, err error) {
	if err == nil {
		c.beginRecording()
		if err = c.talkWith(v); err != nil {
			c.waitAgain()
		}
	}
	switch {
	case errors.Is(err, media.ErrClosed):
		// One of the two is over, and its end, which is on its way, tells which: a caller
		// who hangs up now is no fault of the agent's.
		return
	case err != nil:
		c.log.Warn().Err(err).Msg("caller and agent could not be connected")
		c.fail(v)
		return
	}
	c.tell(contact.ConfirmConnected{Offer: v.offer, Leg: v.leg.ID()})
	c.sayRecorded()
}

// withdrawBefore takes the contact from the agents of all offers before this one, which are
// no more.
func (c *call) withdrawBefore(first contact.OfferID) {
	c.oldest = max(c.oldest, first)
	for offer, v := range c.agents {
		if offer < c.oldest {
			c.endVoice(v)
		}
	}
	c.disconnectBefore(c.oldest)
}

// disconnectBefore lets a user who is with an agent of an earlier offer wait again.
func (c *call) disconnectBefore(first contact.OfferID) {
	if c.connected == 0 || c.connected >= first {
		return
	}
	c.dropConsult()
	c.endSupervisions()
	c.connected, c.held = 0, false
	c.endTalk()
	if texting, able := c.leg.(channels.Texting); able {
		texting.Left()
	}
	c.waitAgain()
}

// texts reports whether the user writes: then no leg to the agent is needed.
func (c *call) texts() bool {
	_, able := c.leg.(channels.Texting)
	return able
}

// join lets the agent who accepted write with the user.
func (c *call) join(o bus.Order) {
	texting, able := c.leg.(channels.Texting)
	if !able || c.ended || o.Offer < c.oldest || c.connected == o.Offer {
		return
	}
	c.walk.stop()
	c.walk.wait() // else its words could come after the agent's
	c.connected = o.Offer
	texting.Joined(o.Agent)
	c.tell(contact.ConfirmConnected{Offer: o.Offer})
}
