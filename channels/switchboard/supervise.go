package switchboard

import (
	"svar/channels/media"
	"svar/contact"
	"svar/queue/bus"
)

// A supervisor in a call has a voice of his own in it, by offer 0. He hears whom the agent hears, and the mode says who
// hears him: it is a seat in the mix, so that it changes without another leg.

// supervisor is one who is in the call, or about to be.
type supervisor struct {
	*voice
	mode contact.SupervisionMode
	// joined says that his voice came up.
	joined bool
}

// seat is the supervisor's in the talk.
func (s *supervisor) seat() media.Seat {
	seat := media.Seat{Kind: media.Supervisor}
	switch s.mode {
	case contact.SuperviseWhisper:
		seat.HeardBy = media.Agent
	case contact.SuperviseBarge:
		seat.HeardBy = everybody
	case contact.SuperviseListen:
	}
	return seat
}

// supervise takes a supervisor into the call, changes what he may say in it, or takes him out.
func (c *call) supervise(o bus.Order) {
	s := c.supervisors[o.Agent]
	switch {
	case o.Mode == "":
		if s != nil {
			c.endSupervision(s)
			c.goOnTalking()
		}
	case c.ended || c.connected == 0 || c.texts(): // its end is on its way
	case s != nil:
		if s.mode != o.Mode {
			s.mode = o.Mode
			c.goOnTalking()
		}
	default:
		c.beginSupervision(o)
	}
}

func (c *call) beginSupervision(o bus.Order) {
	v := &voice{agent: o.Agent, supervises: true, accepted: true, renewed: make(chan struct{})}
	s := &supervisor{voice: v, mode: o.Mode}
	c.supervisors[o.Agent] = s
	leg, err := c.ringAgent(v, "")
	if err != nil {
		c.fail(v)
		return
	}
	v.set(leg)
	c.awaitUp(v, leg)
}

// letListen takes the supervisor whose voice is up into the talk.
func (c *call) letListen(v *voice, err error) {
	if err != nil {
		c.log.Warn().Err(err).Str("agent", string(v.agent)).Msg("the voice of a supervisor did not come up")
		c.fail(v)
		return
	}
	c.supervisors[v.agent].joined = true
	c.goOnTalking()
}

// leaveSupervision takes a supervisor out who left, or whose voice is gone, and says so.
func (c *call) leaveSupervision(v *voice) {
	if s := c.supervisorOf(v); s != nil {
		c.endSupervision(s)
		c.goOnTalking()
		c.tell(contact.Supervise{Contact: c.contact.ID, Supervisor: v.agent})
	}
}

func (c *call) endSupervision(s *supervisor) {
	delete(c.supervisors, s.agent)
	s.hangUp()
}

func (c *call) endSupervisions() {
	for _, s := range c.supervisors {
		c.endSupervision(s)
	}
}

// supervisorOf returns the supervisor whose voice it is now, or nil.
func (c *call) supervisorOf(v *voice) *supervisor {
	if s := c.supervisors[v.agent]; s != nil && s.voice == v {
		return s
	}
	return nil
}

// supervisedBy are the supervisors who should be in the call; it is posted when orders were lost.
type supervisedBy []bus.SupervisorView

// superviseOnly takes those out of the call whom the dispatcher does not name.
func (c *call) superviseOnly(named supervisedBy) {
	wanted := map[contact.AgentID]bool{}
	for _, view := range named {
		wanted[view.Supervisor] = true
	}
	for agent, s := range c.supervisors {
		if !wanted[agent] {
			c.endSupervision(s)
			c.goOnTalking()
		}
	}
}
