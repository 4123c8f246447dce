package switchboard

import (
	"slices"

	"svar/channels"
	"svar/queue/bus"
)

// typed is text that the party of a leg typed beside his voice. taken is closed when it was passed on: a
// party who types faster than that waits.
type typed struct {
	leg   channels.Leg
	text  string
	taken chan struct{}
}

// followText posts what the party of the leg types.
func (c *call) followText(leg channels.Leg) {
	if agent, is := leg.(*agentLeg); is {
		leg = agent.Leg
	}
	texting, able := leg.(channels.RealTimeText)
	if !able {
		return
	}
	c.helpers.Go(func() {
		for text := range texting.Text() {
			item := typed{leg, text, make(chan struct{})}
			if !c.post(item) {
				return
			}
			select {
			case <-item.taken:
			case <-leg.Done():
			}
		}
	})
}

// tellReaders tells agents in the talk, for each of their legs, when the user's side begins to take text or no longer does: none is to be
// offered a field that nobody reads.
func (c *call) tellReaders() {
	reader, able := c.leg.(channels.RealTimeText)
	reads := able && reader.TextAble()
	for _, v := range c.agents {
		if v.leg == nil || v.leg.readers == reads || !slices.ContainsFunc(c.talk.parties, func(p party) bool { return p.agent == v.leg }) {
			continue
		}
		v.leg.readers = reads
		c.signalAgent(v, bus.Signal{Text: &reads})
	}
}

// passText lets those read it who hear its writer. What is typed while nobody does is lost, as what is said.
func (c *call) passText(item typed) {
	defer close(item.taken)
	c.tellReaders() // who types may have become able to since the talk began
	for _, from := range c.talk.parties {
		if from.leg != item.leg {
			continue
		}
		for _, to := range c.talk.parties {
			if to.leg == from.leg || to.seat.Deaf || from.seat.HeardBy&to.seat.Kind == 0 {
				continue
			}
			if reader, able := to.leg.(channels.RealTimeText); able && reader.TextAble() {
				if err := reader.WriteText(item.text); err != nil {
					c.log.Debug().Err(err).Msg("text beside a voice could not be passed on")
				}
			}
		}
	}
}
