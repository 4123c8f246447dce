package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/queue/bus"
)

// connectTime bounds how long an agent's leg may take to come up after the agent
// accepted. The engine gives up earlier by its own rule; this only bounds the wait.
const connectTime = 30 * time.Second

// audible is a leg that has sound.
type audible interface{ Stream() *media.Stream }

// ring begins a leg to the agent, so that it is ready when the agent accepts.
func (c *call) ring(o bus.Order) {
	if _, there := c.agents[o.Offer]; there || c.ended || o.Offer < c.oldest {
		return
	}
	if err := c.ringAgent(o.Offer, o.Agent); err != nil {
		c.fail(o.Offer)
	}
}

// ringAgent makes the leg of an offer.
func (c *call) ringAgent(offer contact.OfferID, agent contact.AgentID) error {
	leg, err := c.board.config.Agents.Ring(c.board.life, channels.Ring{
		Leg: c.board.config.NewLeg(), Agent: agent, Contact: c.contact.ID, Caller: c.leg,
		Send: func(message json.RawMessage) {
			signal := bus.Signal{Node: c.board.config.Node, Agent: agent, Contact: c.contact.ID, Offer: offer, Payload: message}
			if err := c.board.config.Dispatcher.SignalAgent(signal); err != nil {
				c.log.Warn().Err(err).Msg("a message to the agent's console could not be sent")
			}
		},
	})
	if err != nil {
		c.log.Warn().Err(err).Str("agent", string(agent)).Msg("no leg to the agent could be made")
		return err
	}
	c.agents[offer] = leg
	c.helpers.Go(func() {
		<-leg.Done()
		c.post(agentOver{offer: offer, leg: leg})
	})
	return nil
}

// bringUp waits in the background for the leg of the agent who accepted.
func (c *call) bringUp(o bus.Order) {
	c.ring(o) // does nothing when it rings already
	leg, there := c.agents[o.Offer]
	if !there || c.connected == o.Offer {
		return
	}
	c.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(c.board.life, connectTime)
		defer cancel()
		c.post(agentUp{offer: o.Offer, err: leg.Answer(ctx)})
	})
}

// connect lets the two hear each other, then says so.
func (c *call) connect(up agentUp) {
	agent, there := c.agents[up.offer]
	if !there || c.ended || c.connected != 0 {
		return // withdrawn meanwhile, or connected already
	}
	if up.err == nil {
		c.walk.stop()
		c.walk.wait() // else its music could replace the agent's voice
		if up.err = connectSound(c.leg, agent); up.err != nil {
			c.waitAgain()
		}
	}
	switch {
	case errors.Is(up.err, media.ErrClosed):
		// One of the two is over, and its end, which is on its way, tells which: a caller
		// who hangs up now is no fault of the agent's.
		return
	case up.err != nil:
		c.log.Warn().Err(up.err).Msg("caller and agent could not be connected")
		agent.HangUp()
		c.fail(up.offer)
		return
	}
	c.connected = up.offer
	c.tell(contact.ConfirmConnected{Offer: up.offer, Leg: agent.ID()})
}

func connectSound(caller, agent channels.Leg) error {
	a, aAudible := caller.(audible)
	b, bAudible := agent.(audible)
	if !aAudible || !bAudible {
		return errors.New("one of the two legs has no sound")
	}
	return media.Connect(a.Stream(), b.Stream())
}

// agentGone notices that an agent's leg is over without our doing. The caller stays on
// the line and waits again.
func (c *call) agentGone(over agentOver) {
	if c.agents[over.offer] != over.leg {
		return // we ended it
	}
	c.fail(over.offer)
	c.disconnectBefore(over.offer + 1)
}

// fail says that the agent of an offer cannot be reached by voice. That ends the offer.
func (c *call) fail(offer contact.OfferID) {
	delete(c.agents, offer)
	c.oldest = max(c.oldest, offer+1)
	c.tell(contact.FailConnect{Offer: offer})
}

// withdrawBefore takes the contact from the agents of all offers before this one, which are
// no more.
func (c *call) withdrawBefore(first contact.OfferID) {
	c.oldest = max(c.oldest, first)
	for offer, agent := range c.agents {
		if offer < c.oldest {
			delete(c.agents, offer)
			agent.HangUp()
		}
	}
	c.disconnectBefore(c.oldest)
}

// disconnectBefore lets a user who is with an agent of an earlier offer wait again.
func (c *call) disconnectBefore(first contact.OfferID) {
	if c.connected == 0 || c.connected >= first {
		return
	}
	c.connected = 0
	if texting, able := c.leg.(channels.Texting); able {
		texting.Left()
	}
	c.waitAgain()
}

func (c *call) passSignal(m bus.Signal) {
	leg, able := c.agents[m.Offer].(channels.Signalled)
	if !able {
		return
	}
	if err := leg.Signal(m.Payload); err != nil {
		c.log.Warn().Err(err).Str("agent", string(m.Agent)).Msg("a message of the agent's console made no sense")
	}
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
