package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/ivr"
	"svar/queue/bus"
)

// connectTime bounds how long an agent's leg may take to come up after the agent
// accepted. The engine gives up earlier by its own rule; this only bounds the wait.
const connectTime = 30 * time.Second

// audible is a leg that has sound.
type audible interface{ Stream() *media.Stream }

// call is one contact with its legs. Everything about them is decided by the one
// goroutine in run; whatever happens elsewhere is posted to it.
type call struct {
	board   *Switchboard
	contact contact.Contact
	line    Line
	leg     channels.Leg
	record  contact.LegRecord
	log     zerolog.Logger

	// recorded is true once the dispatcher has the contact.
	recorded atomic.Bool
	// ordered is the newest offer of the orders that came. The switchboard's mutex guards it.
	ordered contact.OfferID

	posted   *inbox[any]
	commands *inbox[contact.Command]
	helpers  sync.WaitGroup

	// What follows belongs to run's goroutine.

	agents map[contact.OfferID]channels.Leg
	// connected is the offer whose agent leg is connected with the caller's; 0: none.
	connected contact.OfferID
	// oldest is the oldest offer that may be open still: a contact has one at a time, and they
	// are counted. What is asked for an older one comes late.
	oldest   contact.OfferID
	stopFlow context.CancelFunc
	flowOver chan struct{} // closed when the flow plays nothing any more
	// ended is true once we hung up the caller's leg, or it is over.
	ended bool
}

// What is posted besides orders and signals.
type (
	// agentUp says how the set-up of an accepted agent's leg went.
	agentUp struct {
		offer contact.OfferID
		err   error
	}
	// agentOver says that an agent's leg is over.
	agentOver struct {
		offer contact.OfferID
		leg   channels.Leg
	}
	// giveUp says that the node shuts down.
	giveUp struct{}
)

func newCall(board *Switchboard, c contact.Contact, line Line, leg channels.Leg) *call {
	return &call{
		board: board, contact: c, line: line, leg: leg,
		record: contact.LegRecord{
			Node: board.config.Node, Contact: c.ID, Leg: leg.ID(), Channel: c.Channel, Gateway: leg.Record(),
		},
		log:    board.config.Log.With().Str("contact", string(c.ID)).Logger(),
		posted: newInbox[any](), commands: newInbox[contact.Command](),
		agents: map[contact.OfferID]channels.Leg{}, stopFlow: func() {}, flowOver: make(chan struct{}),
	}
}

func (c *call) post(item any) { c.posted.put(item) }

// tell queues a command to the dispatcher. Commands of one contact go out in order, and
// nothing on the line waits for them: talk and hang-up act at once, even while there is
// no dispatcher.
func (c *call) tell(command contact.Command) { c.commands.put(command) }

// run lives from the moment the contact is on record until its legs are over and the
// dispatcher knows how.
func (c *call) run() {
	over := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() { c.tellDispatcher(over) })
	flow, stopFlow := context.WithCancel(c.board.life)
	c.stopFlow = stopFlow
	c.helpers.Go(func() {
		defer close(c.flowOver)
		c.greet(flow)
	})

	for alive := true; alive; {
		select {
		case <-c.leg.Done():
			alive = false
		case <-c.posted.wake:
			for _, item := range c.posted.take() {
				if c.callerGone() {
					break // its end says more than what it overtook
				}
				c.handle(item)
			}
		}
	}
	c.finish()
	c.helpers.Wait()
	close(over)
	told.Wait()
	c.deleteRecord()
	c.board.forget(c)
}

func (c *call) callerGone() bool {
	select {
	case <-c.leg.Done():
		return true
	default:
		return false
	}
}

// finish says why the caller's leg is over, unless it was our doing, and ends the rest.
func (c *call) finish() {
	c.stopFlow()
	if !c.ended {
		c.ended = true
		if c.leg.Ending() == channels.EndedByParty {
			c.tell(contact.Leave{Contact: c.contact.ID})
		} else {
			c.tell(contact.Drop{Contact: c.contact.ID})
		}
	}
	for _, agent := range c.agents {
		agent.HangUp()
	}
}

// giveBack cleans up after a contact that could not be put on record. Whether it was
// is unknown when the reply was lost; then the dispatcher must not keep it open.
func (c *call) giveBack() {
	var end contact.Command = contact.Drop{Contact: c.contact.ID}
	if c.callerGone() && c.leg.Ending() == channels.EndedByParty {
		end = contact.Leave{Contact: c.contact.ID}
	}
	if err := c.board.config.Dispatcher.Send(c.board.life, end); err != nil && !isRejected(err) {
		c.log.Error().Err(err).Msg("a contact that could not be taken may be on record as open")
	}
	c.deleteRecord()
	c.board.forget(c)
}

// recordTime bounds the deletion of a leg's record.
const recordTime = 10 * time.Second

func (c *call) deleteRecord() {
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	if err := c.board.config.Personal.DeleteLeg(ctx, c.record); err != nil {
		c.log.Error().Err(err).Msg("the record of an ended leg could not be deleted; the next start will try to end that leg")
	}
}

func isRejected(err error) bool {
	rejection := (*contact.Rejection)(nil)
	return errors.As(err, &rejection)
}

// tellDispatcher sends the queued commands in order until over is closed and none is left.
func (c *call) tellDispatcher(over <-chan struct{}) {
	send := func() {
		for _, command := range c.commands.take() {
			err := c.board.config.Dispatcher.Send(c.board.life, command)
			switch {
			case isRejected(err):
				// Time passed the command: the caller left while the agent accepted.
				c.log.Debug().Err(err).Msg("the dispatcher rejected what a leg told it")
			case err != nil:
				c.log.Error().Err(err).Msg("the dispatcher could not be told what happened to a leg")
			}
		}
	}
	for {
		select {
		case <-c.commands.wake:
			send()
		case <-over:
			send()
			return
		}
	}
}

// greet answers the caller and walks the line's flow into the queue.
func (c *call) greet(ctx context.Context) {
	if err := c.leg.Answer(ctx); err != nil {
		if !errors.Is(err, channels.ErrLegOver) && ctx.Err() == nil {
			c.log.Warn().Err(err).Msg("the call could not be answered")
			c.leg.HangUp()
		}
		return
	}
	c.tell(contact.Greet{Contact: c.contact.ID})
	run := c.line.Flow.Start(c.contact.Language)
	for action := run.Next(); action != nil && ctx.Err() == nil; action = run.Next() {
		switch action := action.(type) {
		case ivr.Say:
			if over := c.say(ctx, action.Prompt); over {
				return // before the queue: the stage of an abandon must be true
			}
		case ivr.Enqueue:
			c.tell(contact.Enqueue{Contact: c.contact.ID, Needs: action.Needs, Class: action.Class, Target: action.Target})
		case ivr.Loop:
			c.loop(action.Prompt)
		}
	}
}

// say plays a prompt and reports whether the leg ended in it. One that cannot be played
// is logged and passed over: nobody is kept out of the queue by a missing recording.
func (c *call) say(ctx context.Context, prompt channels.Prompt) (over bool) {
	prompter, able := c.leg.(channels.Prompter)
	if !able {
		return false
	}
	err := prompter.Play(ctx, prompt)
	over = errors.Is(err, channels.ErrLegOver)
	if err != nil && ctx.Err() == nil && !over {
		c.log.Warn().Err(err).Str("prompt", prompt.Name).Msg("a prompt could not be played")
	}
	return over
}

func (c *call) loop(prompt channels.Prompt) {
	prompter, able := c.leg.(channels.Prompter)
	if !able {
		return
	}
	if err := prompter.Loop(prompt); err != nil && !errors.Is(err, channels.ErrLegOver) {
		c.log.Warn().Err(err).Str("prompt", prompt.Name).Msg("a loop could not be played")
	}
}

func (c *call) handle(item any) {
	switch item := item.(type) {
	case bus.Order:
		c.obey(item)
	case bus.Signal:
		c.passSignal(item)
	case agentUp:
		c.connect(item)
	case agentOver:
		c.agentGone(item)
	case giveUp:
		if !c.ended {
			c.tell(contact.Drop{Contact: c.contact.ID})
		}
		c.release()
	}
}

// obey carries out an order. What an order asks for may be done already.
func (c *call) obey(o bus.Order) {
	switch o.Kind {
	case bus.OrderRing:
		c.withdrawBefore(o.Offer)
		c.ring(o)
	case bus.OrderWithdraw:
		c.withdrawBefore(o.Offer + 1)
	case bus.OrderConnect:
		c.withdrawBefore(o.Offer)
		c.bringUp(o)
	case bus.OrderRelease:
		c.release()
	case bus.OrderReconcile: // the switchboard's own
	}
}

// ring begins a leg to the agent, so that it is ready when the agent accepts.
func (c *call) ring(o bus.Order) {
	if _, there := c.agents[o.Offer]; there || c.ended || o.Offer < c.oldest {
		return
	}
	leg, err := c.board.config.Agents.Ring(c.board.life, channels.Ring{
		Leg: c.board.config.NewLeg(), Agent: o.Agent, Contact: c.contact.ID, Caller: c.leg,
		Send: func(message json.RawMessage) {
			signal := bus.Signal{Agent: o.Agent, Contact: c.contact.ID, Offer: o.Offer, Payload: message}
			if err := c.board.config.Dispatcher.SignalAgent(signal); err != nil {
				c.log.Warn().Err(err).Msg("a message to the agent's console could not be sent")
			}
		},
	})
	if err != nil {
		c.log.Warn().Err(err).Str("agent", string(o.Agent)).Msg("no leg to the agent could be made")
		c.fail(o.Offer)
		return
	}
	c.agents[o.Offer] = leg
	c.helpers.Go(func() {
		<-leg.Done()
		c.post(agentOver{offer: o.Offer, leg: leg})
	})
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
		c.stopFlow()
		<-c.flowOver // else its music could replace the agent's voice
		if up.err = connectSound(c.leg, agent); up.err != nil {
			c.music()
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
	c.waitAgain(over.offer)
}

// fail says that the agent of an offer cannot be reached by voice. That ends the offer.
func (c *call) fail(offer contact.OfferID) {
	delete(c.agents, offer)
	c.oldest = max(c.oldest, offer+1)
	c.tell(contact.FailConnect{Offer: offer})
}

// withdrawBefore ends the legs of all offers before this one, which are no more.
func (c *call) withdrawBefore(first contact.OfferID) {
	c.oldest = max(c.oldest, first)
	for offer, agent := range c.agents {
		if offer < c.oldest {
			delete(c.agents, offer)
			agent.HangUp()
			c.waitAgain(offer)
		}
	}
}

func (c *call) waitAgain(offer contact.OfferID) {
	if c.connected != offer {
		return
	}
	c.connected = 0
	c.music()
}

// music lets the caller hear that he waits.
func (c *call) music() {
	if music := c.line.Flow.Music(); music != "" && !c.ended {
		c.loop(channels.Prompt{Name: music, Language: c.contact.Language})
	}
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

// release ends all legs: the agent hung up, or the node shuts down.
func (c *call) release() {
	c.ended = true
	c.stopFlow()
	c.leg.HangUp()
	for offer, agent := range c.agents {
		delete(c.agents, offer)
		agent.HangUp()
	}
}
