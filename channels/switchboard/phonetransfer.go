package switchboard

import (
	"svar/channels"
	"svar/contact"
)

// The transfer key of an agent's own telephone asks for what his console has as a transfer, and it becomes the same command:
// the dispatcher decides and records it, and orders do it. Here is only followed how that goes, for the telephone to
// show, and whose the user is when the agent puts it down meanwhile.

// phoneTransfer is a transfer that is under way.
type phoneTransfer struct {
	voice *voice
	to    contact.Destination
	// held says that the user is on hold by the agent's doing, putDown that the agent has hung up his telephone.
	held, putDown bool
	done          func(contact.DialFailure)
}

// What is posted about a transfer.
type (
	// transferAsked says that the agent pressed the key.
	transferAsked struct {
		voice *voice
		leg   *agentLeg
		to    contact.Destination
		done  func(contact.DialFailure)
	}
	// transferFailed says that the dispatcher did not take it.
	transferFailed struct {
		agent contact.AgentID
		err   error
	}
)

// followTransfers posts whom the agent sends the user to at his telephone, if that can.
func (c *call) followTransfers(v *voice, leg *agentLeg) {
	phone, able := leg.Leg.(channels.Transferring)
	if !able {
		return
	}
	phone.FollowTransfers(func(dialled string, done func(contact.DialFailure)) error {
		if !c.allows(c.changeLimit) {
			return errTooFast // names could be tried out, too
		}
		if c.board.config.Transfers == nil {
			return channels.ErrNobodyThere
		}
		to, known := c.board.config.Transfers(v.agent, dialled)
		switch {
		case !known:
			return channels.ErrNobodyThere
		case !c.post(transferAsked{voice: v, leg: leg, to: to, done: done}):
			return channels.ErrLegOver
		}
		return nil
	})
}

// sendOn asks the dispatcher for a transfer, if the user is the agent's and nobody else is asked about him.
func (c *call) sendOn(item transferAsked) {
	v := item.voice
	if c.ended || !c.holds(v) || v.leg != item.leg || v.supervises || c.connected != v.offer || c.consult.offer != 0 || c.transfer != nil {
		item.done(contact.DialRefused)
		return
	}
	c.transfer = &phoneTransfer{voice: v, to: item.to, held: c.held, done: item.done}
	c.tell(contact.Transfer{Contact: c.contact.ID, Agent: v.agent, To: item.to})
}

// transferNotTaken notices that the dispatcher did not take it: the colleague is not there, or no dispatcher is.
func (c *call) transferNotTaken(item transferFailed) {
	switch {
	case c.transfer == nil || c.transfer.voice.agent != item.agent:
	case isRejected(item.err):
		c.endTransfer(contact.DialRefused)
	default:
		c.endTransfer(contact.DialFault)
	}
}

// isSentOnBy reports whether the agent of the voice has sent the user on, and that is under way.
func (c *call) isSentOnBy(v *voice) bool { return c.transfer != nil && c.transfer.voice == v }

// leaveToTransfer keeps the user for whom he is sent to, though the agent has put his telephone down: many
// telephones do as soon as they hear that the transfer was taken.
func (c *call) leaveToTransfer(v *voice, leg *agentLeg) {
	c.transfer.putDown = true
	v.account(leg)
	v.set(nil)
	c.goOnTalking()
}

// endTransferOf is endTransfer of one that this voice's agent began.
func (c *call) endTransferOf(v *voice, failure contact.DialFailure) {
	if c.isSentOnBy(v) {
		c.endTransfer(failure)
	}
}

// endTransfer tells the telephone how the transfer went. When it failed, the agent has the user again as before; a
// user whose agent has put down waits in his old place.
func (c *call) endTransfer(failure contact.DialFailure) {
	t := c.transfer
	if t == nil {
		return
	}
	c.transfer = nil
	t.done(failure)
	switch v := t.voice; {
	case failure == "" || c.ended || !c.holds(v):
	case t.putDown:
		c.fail(v)
	case t.to.Outside != "" && !t.held && c.held && c.connected == v.offer:
		c.hold(v, false)
	}
}
