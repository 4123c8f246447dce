package switchboard

import (
	"cmp"
	"context"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/queue/bus"
)

// A place outside is asked like a colleague, by an offer of its own and with the user on hold; only that its voice comes
// over a telephone call of ours. When the user is left to it, the two are connected until one of them hangs up: the contact
// has no more to say about that.

// place is a place outside that is called, or talks.
type place struct {
	offer  contact.OfferID
	record contact.LegRecord
	// leg is nil until it is dialled.
	leg channels.DialledLeg
	// sounds says that it, or the network, is heard before it answers.
	sounds bool
	// end takes the call back, or hangs up.
	end context.CancelFunc
}

// What is posted about a place.
type (
	// placeUp says that it answered, or why it did not.
	placeUp struct {
		place   *place
		failure contact.DialFailure
	}
	// placeSounds says that it is heard before it answers.
	placeSounds struct{ place *place }
	// placeOver says that the leg of one that had answered is over.
	placeOver struct{ place *place }
)

// party is its seat in a talk. Whoever whispers to agents is not heard outside, and nobody is before the answer.
func (p *place) party(answered bool) party {
	return party{leg: p.leg, seat: media.Seat{Kind: media.User, HeardBy: everybody, Deaf: !answered}}
}

// askOutside leaves the user with music and calls the place, which the agent hears ringing.
func (c *call) askOutside(o bus.Order) {
	if c.ended || c.handed != nil || c.connected == 0 || o.Offer <= c.connected || o.Offer < c.oldest || o.Offer <= c.consult.last {
		return
	}
	c.dropConsult()
	c.consult = consultation{offer: o.Offer, last: o.Offer}
	c.held = true
	number, known := c.board.config.Destinations(o.To)
	if !known || c.board.config.Dialler == nil {
		c.log.Error().Str("destination", string(o.To)).Msg("this node cannot call the place outside")
		c.consult.offer = 0
		c.goOnTalking()
		c.tell(contact.FailDial{Offer: o.Offer, Reason: contact.DialRefused})
		c.endTransfer(contact.DialRefused)
		return
	}
	leg := cmp.Or(o.Leg, c.board.config.NewLeg())
	ctx, end := context.WithCancel(c.board.life)
	p := &place{offer: o.Offer, end: end, record: c.record}
	p.record.Leg, p.record.Gateway = leg, nil
	c.consult.place = p
	c.goOnTalking()
	c.helpers.Go(func() {
		defer end()
		c.callPlace(ctx, p, channels.Call{
			Leg: leg, Contact: c.contact.ID, Line: c.contact.Line, Number: number, Confirmed: true,
		})
	})
}

// callPlace calls it, tells how that went, and lives until its leg is over and its record deleted.
func (c *call) callPlace(ctx context.Context, p *place, dialled channels.Call) {
	leg, err := c.board.config.Dialler.Dial(ctx, dialled)
	if err != nil {
		c.log.Warn().Err(err).Msg("a place outside could not be called")
		c.post(placeUp{place: p, failure: contact.DialRefused})
		return
	}
	defer c.forgetLeg(p.record)
	p.leg = leg
	c.followEarlySound(leg, placeSounds{p})
	if _, err := c.answeredBy(ctx, leg, p.record); err != nil {
		leg.HangUp()
		<-leg.Done()
		c.post(placeUp{place: p, failure: failureOf(err)})
		return
	}
	c.post(placeUp{place: p})
	select {
	case <-leg.Done():
	case <-ctx.Done():
		leg.HangUp()
		<-leg.Done()
	}
	c.post(placeOver{place: p})
}

// placeIsUp lets the place that answered talk with the agent, and says so.
func (c *call) placeIsUp(up placeUp) {
	p := up.place
	switch {
	case c.ended || c.consult.place != p: // taken back: its end was asked for
	case up.failure != "":
		c.endConsult(p.offer)
		c.tell(contact.FailDial{Offer: p.offer, Reason: up.failure})
		c.endTransfer(up.failure)
	default:
		c.consult.joined = true
		c.followText(p.leg)
		c.goOnTalking()
		c.tell(contact.ConfirmConnected{Offer: p.offer, Leg: p.leg.ID()})
	}
}

// hearPlace lets the agent hear what sounds of a place that has not answered.
func (c *call) hearPlace(p *place) {
	if c.ended || c.consult.place != p || c.consult.joined {
		return
	}
	p.sounds = true
	c.goOnTalking()
}

// placeGone notices that a place which had answered hung up: the user is his agent's, or alone.
func (c *call) placeGone(p *place) {
	switch {
	case c.ended:
	case c.handed == p:
		c.release()
	case c.consult.place == p:
		c.endConsult(p.offer)
		c.tell(contact.FailDial{Offer: p.offer, Reason: contact.DialCancelled})
		c.endTransfer(contact.DialCancelled)
	}
}

// takeOutside leaves the user to the place that was called by that offer, and ends the voices of the desk.
func (c *call) takeOutside(o bus.Order) {
	if c.ended || c.handed != nil {
		return
	}
	p := c.consult.place
	if p == nil || p.offer != o.Offer || !c.consult.joined {
		// It hung up that moment, or orders were lost. The contact is nobody's any more: nothing would end this.
		c.log.Warn().Msg("the place outside that a user was left to is gone")
		c.release()
		return
	}
	c.endTransfer("")
	c.endRecording() // the place has not agreed to it
	c.handed = p
	c.consult = consultation{last: c.consult.last}
	c.conference, c.held = false, false
	c.endSupervisions()
	c.endVoices()
	if err := c.arrange(); err != nil {
		c.log.Warn().Err(err).Msg("a user and the place outside could not be connected")
		c.release()
	}
}

// ringForPlace lets the agent hear that the place is rung.
func (c *call) ringForPlace() {
	if p := c.consult.place; p == nil || p.sounds || c.consult.joined {
		return
	}
	if v := c.agents[c.connected]; v != nil && v.leg != nil {
		c.playRinging(v.leg)
	}
}

// endRinging lets the agent hear nothing of what rang. Whoever talks with him is heard again by the next arrangement.
func (c *call) endRinging() {
	v := c.agents[c.connected]
	if v == nil || v.leg == nil || !v.leg.hearsRinging {
		return
	}
	v.leg.hearsRinging = false
	if leg, able := v.leg.Leg.(audible); able {
		_ = leg.Stream().Silence() // of one that is over there is nothing to hear
	}
}
