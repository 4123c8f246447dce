package switchboard

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
	"svar/queue/bus"
)

// call is one contact with its legs. Everything about them is decided by the one
// goroutine in run; whatever happens elsewhere is posted to it.
type call struct {
	board   *Switchboard
	contact contact.Contact
	line    Line
	// flow is the one of the line that this contact walks.
	flow   ivr.Flow
	leg    channels.Leg
	record contact.LegRecord
	log    zerolog.Logger

	// recorded is true once the dispatcher has the contact.
	recorded atomic.Bool
	// closing is true once the flow says that the desk is closed.
	closing atomic.Bool
	// ordered is the newest offer of the orders that came. The switchboard's mutex guards it.
	ordered contact.OfferID
	// dialled is the offer by which the user is called back; 0 when he came by himself.
	dialled contact.OfferID

	posted   *inbox[any]
	commands *inbox[contact.Command]
	helpers  sync.WaitGroup

	// What follows belongs to run's goroutine.

	agents map[contact.OfferID]channels.Leg
	// connected is the offer whose agent is connected with the user; 0: none.
	connected contact.OfferID
	// oldest is the oldest offer that may be open still: a contact has one at a time, and they
	// are counted. What is asked for an older one comes late.
	oldest contact.OfferID
	// walk is what the user hears until somebody is connected.
	walk walk
	// ended is true once we hung up the user's leg, or it is over.
	ended bool
	// parked is true when the leg is left to the next process.
	parked bool

	// heard belongs to the goroutine of the walk.
	heard heard
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
	// closedSaid says that the user heard that the desk is closed.
	closedSaid struct{}
	// notConfirmed says that the dispatcher does not know the call-back that was connected.
	notConfirmed struct{}
	// giveUp says that the node shuts down.
	giveUp struct{}
)

// newCall makes the call of a contact. leg is nil while the user is to be dialled.
func newCall(board *Switchboard, c contact.Contact, line Line, leg channels.Leg) *call {
	call := &call{
		board: board, contact: c, line: line, flow: line.flow(c), leg: leg,
		record: contact.LegRecord{Node: board.config.Node, Contact: c.ID, Channel: c.Channel},
		log:    board.config.Log.With().Str("contact", string(c.ID)).Logger(),
		posted: newInbox[any](), commands: newInbox[contact.Command](),
		agents: map[contact.OfferID]channels.Leg{}, walk: stoodStill(),
	}
	if leg != nil {
		call.record.Leg, call.record.Gateway = leg.ID(), leg.Record()
	}
	return call
}

func (c *call) post(item any) { c.posted.put(item) }

// tell queues a command to the dispatcher. Commands of one contact go out in order, and
// nothing on the line waits for them: talk and hang-up act at once, even while there is
// no dispatcher.
func (c *call) tell(command contact.Command) { c.commands.put(command) }

// run lives from the moment the contact is on record until its legs are over and the
// dispatcher knows how. begin brings the user's leg to life; false says that there is none.
func (c *call) run(begin func() bool) {
	over := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() { c.tellDispatcher(over) })
	if begin() {
		c.serve()
		c.finish()
	}
	c.helpers.Wait()
	close(over)
	told.Wait()
	if !c.parked {
		c.deleteRecord()
	}
	c.board.forget(c)
}

// serve decides about the legs until the user's is over.
func (c *call) serve() {
	for !c.parked {
		select {
		case <-c.leg.Done():
			return
		case <-c.posted.wake:
			for _, item := range c.posted.take() {
				if c.callerGone() {
					break // its end says more than what it overtook
				}
				c.handle(item)
			}
		}
	}
}

func (c *call) callerGone() bool {
	select {
	case <-c.leg.Done():
		return true
	default:
		return false
	}
}

// finish says why the user's leg is over, unless it was our doing, and ends the rest.
func (c *call) finish() {
	c.walk.stop()
	// A gateway that shuts down ends its legs before this node learns of it.
	if !c.ended && !c.parked && c.restorable() && c.leg.Ending() == channels.EndedByUs {
		c.parked = true
	}
	switch {
	case c.ended || c.parked:
	case c.closing.Load():
		c.tell(contact.CloseOutsideHours{Contact: c.contact.ID})
	case c.leg.Ending() == channels.EndedByParty:
		c.tell(contact.Leave{Contact: c.contact.ID})
	default:
		c.tell(contact.Drop{Contact: c.contact.ID})
	}
	c.ended = true
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

// deleteRecord deletes the leg's record. A call-back has a leg of the same name: once there
// is one, the record is that leg's.
func (c *call) deleteRecord() {
	if c.board.isReplaced(c) {
		return
	}
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
				if confirmed, is := command.(contact.ConfirmConnected); is && confirmed.Offer == c.dialled {
					c.post(notConfirmed{})
				}
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
	case closedSaid:
		if !c.ended {
			c.tell(contact.CloseOutsideHours{Contact: c.contact.ID})
			c.release()
		}
	case notConfirmed:
		// It was given up at the moment when the user answered. Nobody would ever end it.
		c.release()
	case giveUp:
		c.giveUp()
	}
}

// giveUp ends the call because the node shuts down. A leg that outlives its process is left as
// it is.
func (c *call) giveUp() {
	switch {
	case c.ended:
	case c.restorable():
		c.parked = true
		return
	case c.closing.Load():
		c.tell(contact.CloseOutsideHours{Contact: c.contact.ID})
	default:
		c.tell(contact.Drop{Contact: c.contact.ID})
	}
	c.release()
}

// restorable reports whether the next process can go on with the leg.
func (c *call) restorable() bool {
	_, able := c.board.config.Restorers[c.contact.Channel]
	return able
}

// obey carries out an order. What an order asks for may be done already.
func (c *call) obey(o bus.Order) {
	switch o.Kind {
	case bus.OrderRing:
		c.withdrawBefore(o.Offer)
		if !c.texts() {
			c.ring(o)
		}
	case bus.OrderWithdraw:
		c.withdrawBefore(o.Offer + 1)
	case bus.OrderConnect:
		c.withdrawBefore(o.Offer)
		if c.texts() {
			c.join(o)
		} else {
			c.bringUp(o)
		}
	case bus.OrderRelease:
		c.release()
	case bus.OrderDial, bus.OrderReconcile: // the switchboard's own
	}
}

// release ends all legs: the agent hung up, or the node shuts down.
func (c *call) release() {
	c.ended = true
	c.walk.stop()
	c.leg.HangUp()
	for offer, agent := range c.agents {
		delete(c.agents, offer)
		agent.HangUp()
	}
}
