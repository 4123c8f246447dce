package switchboard

import (
	"svar/channels"
	"svar/contact"
)

// An agent's own telephone says by itself what others say in the console: it is picked up, busy, put down, and puts the
// user on hold by a key of its own.

// declinedAtPhone is why an offer is declined that an agent's telephone does not take.
const declinedAtPhone = "busy"

// What is posted about an agent's telephone.
type (
	// pickedUp says that he answered it.
	pickedUp struct {
		voice *voice
		leg   *agentLeg
	}
	// heldAtPhone says that he put the other side on hold there, or took it back.
	heldAtPhone struct {
		voice *voice
		leg   *agentLeg
		hold  bool
	}
	// notTaken says that the dispatcher does not let the agent have what he picked up for.
	notTaken struct{ offer contact.OfferID }
)

// followTelephone posts what an agent does at his own telephone, if the leg goes there.
func (c *call) followTelephone(v *voice, leg *agentLeg) {
	if phone, is := leg.Leg.(channels.PickedUp); is {
		c.helpers.Go(func() {
			select {
			case <-phone.PickedUp():
				c.post(pickedUp{v, leg})
			case <-leg.Done():
			}
		})
	}
	c.followTransfers(v, leg)
	if phone, is := leg.Leg.(channels.Holding); is {
		c.helpers.Go(func() {
			for {
				select {
				case hold := <-phone.Held():
					c.post(heldAtPhone{v, leg, hold})
				case <-leg.Done():
					return
				}
			}
		})
	}
}

// isTelephone reports whether the leg goes to an agent's own telephone, and whether that was picked up.
func (l *agentLeg) isTelephone() (is, picked bool) {
	phone, is := l.Leg.(channels.PickedUp)
	if !is {
		return false, false
	}
	select {
	case <-phone.PickedUp():
		return true, true
	default:
		return true, false
	}
}

// takeOffer accepts the offer whose telephone was picked up, unless that was said in the console already.
func (c *call) takeOffer(item pickedUp) {
	v := item.voice
	if c.ended || !c.holds(v) || v.leg != item.leg || v.accepted || v.pickedUp {
		return
	}
	v.pickedUp = true
	c.tell(contact.AcceptOffer{Offer: v.offer, Agent: v.agent})
}

// dropNotTaken ends the leg of an agent who picked up too late.
func (c *call) dropNotTaken(offer contact.OfferID) {
	v := c.agents[offer]
	if v == nil || v.accepted {
		return
	}
	if offer == c.consult.offer {
		c.endConsult(offer)
		return
	}
	c.endVoice(v)
}

// turnAtPhone follows what the agent's telephone does with the user.
func (c *call) turnAtPhone(item heldAtPhone) {
	v := item.voice
	if c.ended || !c.holds(v) || v.leg != item.leg || v.supervises || c.connected != v.offer {
		return
	}
	if t := c.transfer; t != nil && item.hold {
		t.held = true // telephones do so before they send somebody on
	}
	if item.hold == c.holdsUser() {
		return
	}
	c.hold(v, item.hold)
}

// putDown notices that the agent himself ended the leg to his telephone, and reports whether that says it all: he does not
// take the offer, or the talk is over.
func (c *call) putDown(v *voice, leg *agentLeg) bool {
	is, picked := leg.isTelephone()
	switch {
	case !is || leg.Ending() != channels.EndedByParty:
		return false
	case picked && c.isSentOnBy(v):
		c.leaveToTransfer(v, leg)
		return true
	case picked && c.carries(v):
		c.hangUpBy(v)
		return true
	case v.supervises:
		c.leaveSupervision(v)
		return true
	case picked || !v.accepted: // put down before the user was heard, it is a no as well
		v.declined = true
		v.hangUp()
		v.set(nil)
		c.tell(contact.DeclineOffer{Offer: v.offer, Agent: v.agent, Reason: declinedAtPhone})
		return true
	default:
		return false
	}
}

// hangUpBy ends what the agent, colleague or supervisor has of the call.
func (c *call) hangUpBy(v *voice) {
	switch {
	case v.supervises:
		c.leaveSupervision(v)
	case v.offer == c.consult.offer:
		c.endConsult(v.offer)
		c.tell(contact.EndConsult{Contact: c.contact.ID, Agent: v.agent})
	default:
		c.release(contact.HangUp{Contact: c.contact.ID, Agent: v.agent})
	}
}
