package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// connectTime bounds how long an agent's leg may take to come up after the agent accepted,
// or asked for it anew. The engine gives up earlier by its own rule; this only bounds the wait.
const connectTime = 30 * time.Second

// ringGrace bounds how long an agent may be without a voice before he is connected: his page
// is loaded again in a second or two, and the caller waits for it.
const ringGrace = 5 * time.Second

// voice is an agent's voice for one offer. Its leg may break and be made anew, in the same
// window or in another one, while the offer goes on.
type voice struct {
	offer contact.OfferID
	agent contact.AgentID
	// supervises says that it is a supervisor's, whose offer is 0.
	supervises bool
	// accepted says that it is to be connected as soon as it is up, pickedUp that the agent said so at his
	// own telephone.
	accepted, pickedUp bool
	// declined says that he put it down before the two were connected.
	declined bool
	// leg carries the voice, or will; nil while there is none.
	leg *agentLeg
	// renewed is closed when leg becomes another one, or none.
	renewed chan struct{}
	// next takes the place of leg once it is up, so that the talk goes on until then.
	next *agentLeg
	// bound is the window that the agent's windows were told of last.
	bound string
	// quality is how the voice came in over the legs that carried it and are over; nil while
	// there is none.
	quality *contact.Quality
	// grace runs while the voice is gone; nil when it does not. losses tells one from another.
	grace  *time.Timer
	losses int
}

// agentLeg is a leg to one window, or to all windows of the agent until one answers.
type agentLeg struct {
	channels.Leg
	// window is the id of the one; the leg reads it when it sends.
	window atomic.Pointer[string]
	// talked says that the user was connected to it, hearsRinging that he is being dialled.
	talked, hearsRinging bool
	// readers is whether its agent was told last that the user takes text.
	readers bool
}

// console returns the leg's window; empty while it is for all.
func (l *agentLeg) console() string {
	if window := l.window.Load(); window != nil {
		return *window
	}
	return ""
}

func (l *agentLeg) bind(console string) { l.window.Store(&console) }

// set changes the leg that carries the voice.
func (v *voice) set(leg *agentLeg) {
	v.leg = leg
	close(v.renewed)
	v.renewed = make(chan struct{})
}

// owner is the window in which the voice lives, or is about to; empty when in none.
func (v *voice) owner() string {
	switch {
	case v.next != nil:
		return v.next.console()
	case v.leg != nil:
		return v.leg.console()
	default:
		return ""
	}
}

// isLost reports whether the voice did not come back, nor was lost again, since that loss.
func (v *voice) isLost(since graceOver) bool { return v.grace != nil && v.losses == since.loss }

func (v *voice) stopGrace() {
	if v.grace != nil {
		v.grace.Stop()
		v.grace = nil
	}
}

// newVoice begins the voice of an offer, in whichever of the agent's windows answers first.
func (c *call) newVoice(offer contact.OfferID, agent contact.AgentID) (*voice, error) {
	v := &voice{offer: offer, agent: agent, renewed: make(chan struct{})}
	c.agents[offer] = v
	leg, err := c.ringAgent(v, "")
	if err == nil {
		v.set(leg)
	}
	return v, err
}

// ringAgent makes a leg to the window, or to all of the agent's when it is empty.
func (c *call) ringAgent(v *voice, console string) (*agentLeg, error) {
	made := &agentLeg{}
	made.bind(console)
	if console == "" {
		v.bound = "" // all windows answer, and must hear anew which one has it
	}
	id := c.board.config.NewLeg()
	leg, err := c.board.config.Agents.Ring(c.board.life, channels.Ring{
		Leg: id, Agent: v.agent, Contact: c.contact.ID, Caller: c.leg,
		Send: func(message json.RawMessage) {
			c.signalAgent(v, bus.Signal{Leg: id, Console: made.console(), Payload: message})
		},
	})
	if err != nil {
		c.log.Warn().Err(err).Str("agent", string(v.agent)).Msg("no leg to the agent could be made")
		return nil, err
	}
	made.Leg = leg
	c.helpers.Go(func() {
		<-leg.Done()
		c.post(agentOver{voice: v, leg: made})
	})
	c.followTelephone(v, made)
	c.followText(made)
	return made, nil
}

// signalAgent sends a message to the agent's windows. It reads only what never changes of the
// voice: legs call it from goroutines of their own.
func (c *call) signalAgent(v *voice, s bus.Signal) {
	s.Node, s.Agent, s.Contact, s.Offer = c.board.config.Node, v.agent, c.contact.ID, v.offer
	if err := c.board.config.Dispatcher.SignalAgent(s); err != nil {
		c.log.Warn().Err(err).Msg("a message to the agent's console could not be sent")
	}
}

// announce tells all windows of the agent in which one his voice lives: the others let go.
func (c *call) announce(v *voice, console string) {
	if console == "" || v.bound == console {
		return
	}
	v.bound = console
	c.signalAgent(v, bus.Signal{Bound: console})
}

// passSignal hands a message of a window to the leg that it is for. The first window that
// answers has the voice; what the others say is passed over.
func (c *call) passSignal(m bus.Signal) {
	v := c.agents[m.Offer]
	if s := c.supervisors[m.Agent]; m.Offer == 0 && s != nil {
		v = s.voice
	}
	if v == nil || m.Agent != v.agent || m.Console == "" {
		return
	}
	for _, leg := range []*agentLeg{v.next, v.leg} {
		if leg == nil || m.Leg != "" && m.Leg != leg.ID() {
			continue
		}
		switch leg.console() {
		case "":
			leg.bind(m.Console)
			c.announce(v, m.Console)
		case m.Console:
		default:
			continue
		}
		if signalled, able := leg.Leg.(channels.Signalled); able {
			if err := signalled.Signal(m.Payload); err != nil {
				c.log.Warn().Err(err).Str("agent", string(m.Agent)).Msg("a message of the agent's console made no sense")
			}
		}
		return
	}
}

// renew makes the agent's voice anew in a window. While the two talk, the leg that they talk
// over stays until the new one is up; otherwise it is replaced at once. Only the newest counts.
func (c *call) renew(v *voice, console string, take bool) error {
	if owner := v.owner(); owner != "" && owner != console && !take {
		return &contact.Rejection{Code: contact.VoiceElsewhere}
	}
	if v.leg != nil {
		if is, _ := v.leg.isTelephone(); is {
			return &contact.Rejection{Code: contact.VoiceElsewhere} // another ring would ring it too
		}
	}
	made, err := c.ringAgent(v, console)
	if err != nil {
		return errNoVoice
	}
	former := v.next
	if c.carries(v) {
		v.next = made
	} else {
		former = v.leg
		v.stopGrace() // the offer itself runs out
		v.set(made)
		c.announce(v, console)
	}
	if former != nil {
		former.HangUp()
	}
	if c.carries(v) || v.accepted {
		c.awaitUp(v, made)
	}
	return nil
}

var errNoVoice = errors.New("this node could not make another voice now")

// awaitUp waits in the background until sound can flow over the leg.
func (c *call) awaitUp(v *voice, leg *agentLeg) {
	c.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(c.board.life, connectTime)
		defer cancel()
		c.post(agentUp{voice: v, leg: leg, err: leg.Answer(ctx)})
	})
}

// replace lets the leg that is up take the place of the one that carried the talk.
func (c *call) replace(v *voice, err error) {
	made, former := v.next, v.leg
	v.next = nil
	if err != nil {
		c.log.Warn().Err(err).Msg("the agent's new voice did not come up")
		made.HangUp()
		c.lastHope(v)
		return
	}
	v.stopGrace()
	v.set(made)
	c.goOnTalking()
	if former != nil {
		former.HangUp()
		v.account(former)
	}
	c.announce(v, made.console())
	c.log.Info().Msg("the agent's voice goes on over another leg")
}

// lastHope gives up a voice that nothing is left of: no leg, none on its way, and no time.
func (c *call) lastHope(v *voice) {
	if v.leg == nil && v.next == nil && v.grace == nil {
		c.fail(v)
	}
}

// agentGone notices that an agent's leg is over without our doing. The caller stays on the line.
func (c *call) agentGone(over agentOver) {
	v := over.voice
	switch {
	case c.ended || !c.holds(v): // we ended it
	case v.next == over.leg:
		v.next = nil
		c.lastHope(v)
	case v.leg != over.leg:
	case !c.putDown(v, over.leg):
		c.lose(v)
	}
}

// lose notices that the leg that carried the voice is over. For a while the contact stays the
// agent's: the user hears music, and a window of the agent asks for the voice again.
func (c *call) lose(v *voice) {
	gone := v.leg
	v.account(gone)
	v.set(nil)
	grace := c.graceFor(v, gone.Ending())
	switch {
	case grace > 0 && v.accepted && !v.supervises && !c.carries(v):
		c.ringAgain(v) // the engine bounds how often
	case grace > 0:
		c.startGrace(v, grace)
	case v.next == nil:
		c.fail(v)
		return
	}
	c.goOnTalking()
}

// startGrace gives the voice up if it does not come back in time.
func (c *call) startGrace(v *voice, grace time.Duration) {
	c.log.Warn().Dur("grace", grace).Msg("the agent's voice is gone; he keeps the contact for a while")
	v.stopGrace()
	v.losses++
	lost := graceOver{voice: v, loss: v.losses}
	v.grace = time.AfterFunc(grace, func() { c.post(lost) })
}

// graceFor returns how long an agent may be without the voice that ended so. Before he is
// connected only a page that was closed may come back: a fault would meet the next caller too.
func (c *call) graceFor(v *voice, ending channels.Ending) time.Duration {
	switch grace := c.board.config.VoiceGrace; {
	case c.carries(v):
		return grace
	case ending == channels.EndedByParty:
		return min(grace, ringGrace)
	default:
		return 0
	}
}

// graceRanOut gives up a voice that did not come back in time.
func (c *call) graceRanOut(over graceOver) {
	if v := over.voice; c.holds(v) && v.isLost(over) {
		c.fail(v)
	}
}

// fail says that the agent of an offer cannot be reached by voice. That ends the offer.
func (c *call) fail(v *voice) {
	if v.supervises {
		c.leaveSupervision(v)
		return
	}
	if v.offer == c.consult.offer {
		c.endConsult(v.offer)
		c.tell(contact.FailConnect{Offer: v.offer})
		return
	}
	c.endTransferOf(v, contact.DialFault)
	c.endVoice(v)
	c.oldest = max(c.oldest, v.offer+1)
	c.tell(contact.FailConnect{Offer: v.offer})
	c.disconnectBefore(v.offer + 1)
}

// endVoice ends all legs of a voice, and tells how the two came in if they were connected.
func (c *call) endVoice(v *voice) {
	delete(c.agents, v.offer)
	c.endTransferOf(v, "") // only who has sent the contact on loses it meanwhile
	v.hangUp()
	c.reportQuality(v)
}

// hangUp ends all legs of the voice.
func (v *voice) hangUp() {
	v.stopGrace()
	for _, leg := range []*agentLeg{v.leg, v.next} {
		if leg != nil {
			leg.HangUp()
			v.account(leg)
		}
	}
}

// endVoices ends the voices of all offers.
func (c *call) endVoices() {
	for _, v := range c.agents {
		c.endVoice(v)
	}
}

// holds reports whether the voice is one of the call's still.
func (c *call) holds(v *voice) bool {
	if v.supervises {
		return c.supervisorOf(v) != nil
	}
	return c.agents[v.offer] == v
}

// voiceOf returns the agent's voice of the newest offer, or the one by which he supervises, or nil.
func (c *call) voiceOf(agent contact.AgentID) *voice {
	var newest *voice
	for _, v := range c.agents {
		if v.agent == agent && (newest == nil || v.offer > newest.offer) {
			newest = v
		}
	}
	if s := c.supervisors[agent]; newest == nil && s != nil {
		return s.voice
	}
	return newest
}
