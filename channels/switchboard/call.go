package switchboard

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"svar/channels"
	"svar/channels/media"
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

	// kept says that the leg may be on record, announced that the dispatcher may know the
	// contact. They are written before the call runs.
	kept, announced bool
	// recorded is true once the dispatcher has the contact.
	recorded atomic.Bool
	// closing is true once the flow says that the desk is closed.
	closing atomic.Bool
	// promised is true once the user chose to be called back, until that is refused; released says
	// that the dispatcher wanted the call's end while he was told so, and belongs to run's goroutine.
	promised atomic.Bool
	released bool
	// delay is how long the user waits before he is queued; it is written before the call runs.
	delay time.Duration
	// rings is true while the user hears ringing, before he is answered; ringing is what ends it.
	rings   atomic.Bool
	ringing ringing
	// ordered is the newest offer of the orders that came, consulted the newest by which a
	// colleague was asked. The switchboard's mutex guards them.
	ordered, consulted contact.OfferID
	// arranged is the newest order about who is in the talk. The switchboard's mutex guards it.
	arranged stamp
	// dialled is the offer by which the user is called back; 0 when he came by himself. soundsEarly says
	// that he, or the network, is heard before he answers; it belongs to run's goroutine.
	dialled     contact.OfferID
	soundsEarly bool

	posted   *inbox[any]
	commands *inbox[contact.Command]
	helpers  sync.WaitGroup

	// What follows belongs to run's goroutine.

	// agents are the voices of agents, by offer.
	agents map[contact.OfferID]*voice
	// connected is the offer whose agent has the user; 0: none.
	connected contact.OfferID
	// held says that the agent put the user on hold.
	held bool
	// consult is the colleague, or the place outside, whom the agent asks meanwhile.
	consult consultation
	// conference says that the user, though held, is in the talk with whoever is consulted.
	conference bool
	// transfer is what the agent asked for by his telephone's own key; nil when nothing is open.
	transfer *phoneTransfer
	// handed is the place outside that the user was left to; nil before.
	handed *place
	// supervisors are in the call, or about to be.
	supervisors map[contact.AgentID]*supervisor
	// talk is who hears each other, talking whether the user is one of them.
	talk    talk
	talking bool
	// recording is what the talk is written into while the user talks; nil when it is not. It is its owner's, who lets the
	// talk go on ([call.goOnTalking]) once he set it.
	recording *media.Recording
	recorder  recorder
	// spoke is the offer by which an agent was connected last, 0: never; before is how the user
	// had come in until then.
	spoke  contact.OfferID
	before contact.Quality
	// last is the agent who had the user at the end.
	last contact.AgentID
	// keyLimit and changeLimit bound what the agent does with the call.
	keyLimit, changeLimit *rate.Limiter
	// oldest is the oldest offer that may be open still: a contact has one at a time, and they
	// are counted. What is asked for an older one comes late.
	oldest contact.OfferID
	// walk is what the user hears until somebody is connected.
	walk walk
	// ended is true once we hung up the user's leg, or it is over.
	ended bool
	// parked is true when the leg is left to the next process.
	parked bool

	// heard, queueing and queuedAt, which is 0 until the contact was queued, belong to the goroutine of the walk.
	heard    heard
	queueing queueing
	queuedAt contact.Instant
}

// What is posted besides orders and signals.
type (
	// agentUp says how the set-up of an accepted agent's leg went.
	agentUp struct {
		voice *voice
		leg   *agentLeg
		err   error
	}
	// agentOver says that an agent's leg is over.
	agentOver struct {
		voice *voice
		leg   *agentLeg
	}
	// graceOver says that a voice was gone for too long after a loss.
	graceOver struct {
		voice *voice
		loss  int
	}
	// closedSaid says that the user heard that the desk is closed.
	closedSaid struct{}
	// promiseOver says that the user heard that he is called back; or, not kept, that he is not.
	promiseOver struct{ kept bool }
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
		agents: map[contact.OfferID]*voice{}, supervisors: map[contact.AgentID]*supervisor{}, walk: stoodStill(), ringing: newRinging(),
		keyLimit: rate.NewLimiter(keysPerSecond, keysAtOnce), changeLimit: rate.NewLimiter(changesPerSecond, changesAtOnce),
	}
	if leg != nil {
		call.record.Leg, call.record.Gateway = leg.ID(), leg.Record()
	}
	return call
}

// post reports whether the item will be read: after the call's end it will not.
func (c *call) post(item any) bool { return c.posted.put(item) }

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
		left := c.serve()
		c.finish()
		c.refuse(left)
	}
	c.refuse(c.posted.close())
	c.helpers.Wait()
	close(over)
	told.Wait()
	if !c.parked {
		c.deleteRecord()
	}
	c.board.forget(c)
}

// serve decides about the legs until the user's is over. It returns what it did not come to.
func (c *call) serve() (left []any) {
	c.followText(c.leg)
	for !c.parked {
		select {
		case <-c.leg.Done():
			return nil
		case <-c.posted.wake:
			items := c.posted.take()
			for at, item := range items {
				if c.callerGone() {
					return items[at:] // its end says more than what it overtook
				}
				c.handle(item)
			}
		}
	}
	return nil
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
	case c.ended:
	case c.parked:
		c.ended = true
		c.endVoices()
	case c.handed != nil:
		c.release()
	case c.closing.Load():
		c.release(contact.CloseOutsideHours{Contact: c.contact.ID})
	case c.promised.Swap(true):
		c.release(contact.ScheduleCallback{Contact: c.contact.ID})
	default:
		c.release(c.left())
	}
}

// left says that the user's leg is over, and whether he ended it.
func (c *call) left() contact.Command {
	if c.leg.Ending() == channels.EndedByParty {
		return contact.Leave{Contact: c.contact.ID}
	}
	return contact.Drop{Contact: c.contact.ID}
}

// giveBack cleans up after a contact that could not be put on record. Whether it was
// is unknown when the reply was lost; then the dispatcher must not keep it open. Nothing is told
// or deleted of what was never told: callers who are turned away for an hour, since the disk is full, leave
// nothing behind that waits.
func (c *call) giveBack() {
	defer c.board.forget(c)
	if c.kept {
		defer c.deleteRecord()
	}
	if !c.announced {
		return
	}
	var end contact.Command = contact.Drop{Contact: c.contact.ID}
	if c.callerGone() && c.leg.Ending() == channels.EndedByParty {
		end = contact.Leave{Contact: c.contact.ID}
	}
	if err := c.board.config.Dispatcher.Send(c.board.life, end); err != nil && !isRejected(err) {
		c.log.Error().Err(err).Msg("a contact that could not be taken may be on record as open")
	}
}

// recordTime bounds the deletion of a leg's record.
const recordTime = 10 * time.Second

// deleteRecord deletes the leg's record. A call-back has a leg of the same name: once there
// is one, the record is that leg's.
func (c *call) deleteRecord() {
	if !c.board.isReplaced(c) {
		c.forgetLeg(c.record)
	}
}

// forgetLeg deletes the record of a leg that is over.
func (c *call) forgetLeg(record contact.LegRecord) {
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	if err := c.board.config.Personal.DeleteLeg(ctx, record); err != nil {
		c.log.Error().Err(err).Msg("the record of an ended leg could not be deleted; the next start will try to end that leg")
	}
}

func isRejected(err error) bool {
	rejection := (*contact.Rejection)(nil)
	return errors.As(err, &rejection)
}

// tellDispatcher sends the queued commands in order until over is closed and none is left.
func (c *call) tellDispatcher(over <-chan struct{}) {
	for {
		select {
		case <-c.commands.wake:
			c.sendAll()
		case <-over:
			c.sendAll()
			return
		}
	}
}

// sendAll sends the queued commands, and those that their outcomes make needed.
func (c *call) sendAll() {
	for commands := c.commands.take(); len(commands) > 0; commands = c.commands.take() {
		for _, command := range commands {
			err := c.board.config.Dispatcher.Send(c.board.life, command)
			if transfer, is := command.(contact.Transfer); is && err != nil {
				c.post(transferFailed{transfer.Agent, err})
			}
			switch {
			case isRejected(err):
				// Time passed the command: the caller left while the agent accepted.
				c.log.Debug().Err(err).Msg("the dispatcher rejected what a leg told it")
				c.rejected(command)
			case err != nil:
				c.log.Error().Err(err).Msg("the dispatcher could not be told what happened to a leg")
			}
		}
	}
}

// rejected makes good what the dispatcher does not believe: a contact must not be open on
// record that has nobody on the line, nor the other way round.
func (c *call) rejected(command contact.Command) {
	switch command := command.(type) {
	case contact.ConfirmConnected:
		if command.Offer == c.dialled {
			c.post(notConfirmed{})
		}
	case contact.AcceptOffer:
		c.post(notTaken{command.Offer})
	case contact.ScheduleCallback: // an agent had him that moment
		<-c.leg.Done()
		c.tell(c.left())
	case contact.HangUp:
		// The agent hung up on a user whom the dispatcher had taken from him that moment: the
		// user is called back.
		c.tell(contact.Drop{Contact: command.Contact})
	}
}

func (c *call) handle(item any) {
	switch item := item.(type) {
	case bus.Order:
		c.obey(item)
	case bus.Signal:
		c.passSignal(item)
	case asked:
		item.done(c.carryOut(item.control))
	case agentUp:
		c.agentIsUp(item)
	case agentOver:
		c.agentGone(item)
	case graceOver:
		c.graceRanOut(item)
	case placeUp:
		c.placeIsUp(item)
	case placeSounds:
		c.hearPlace(item.place)
	case placeOver:
		c.placeGone(item.place)
	case pickedUp:
		c.takeOffer(item)
	case heldAtPhone:
		c.turnAtPhone(item)
	case transferAsked:
		c.sendOn(item)
	case transferFailed:
		c.transferNotTaken(item)
	case supervisedBy:
		c.superviseOnly(item)
	case notTaken:
		c.dropNotTaken(item.offer)
	case typed:
		c.passText(item)
	case closedSaid:
		c.release(contact.CloseOutsideHours{Contact: c.contact.ID})
	case promiseOver:
		if item.kept || c.released {
			c.release()
		}
	case notConfirmed:
		// It was given up at the moment when the user answered. Nobody would ever end it.
		c.release()
	case giveUp:
		c.giveUp()
	case recordingDeclined:
		c.declineRecording()
	}
}

// giveUp ends the call because the node shuts down. A leg that outlives its process is left as
// it is.
func (c *call) giveUp() {
	switch {
	case c.ended:
	case c.handed != nil:
		c.release()
	case c.restorable():
		c.parked = true
	case c.closing.Load():
		c.release(contact.CloseOutsideHours{Contact: c.contact.ID})
	case c.promised.Swap(true):
		c.release(contact.ScheduleCallback{Contact: c.contact.ID})
	default:
		c.release(contact.Drop{Contact: c.contact.ID})
	}
}

// restorable reports whether the next process can go on with the leg.
func (c *call) restorable() bool {
	_, able := c.board.config.Restorers[c.contact.Channel]
	return able
}

// obey carries out an order. What an order asks for may be done already. One who was left to a place outside
// is no matter of orders any more.
func (c *call) obey(o bus.Order) {
	if c.handed != nil {
		return
	}
	c.ringing.note(o.Kind)
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
		if c.released = c.promised.Load(); !c.released {
			c.release()
		}
	case bus.OrderConsult:
		c.askColleague(o)
	case bus.OrderConsultConnect:
		c.bringColleague(o)
	case bus.OrderConsultEnd, bus.OrderOutsideEnd:
		if c.endConsult(o.Offer) {
			c.endTransfer(contact.DialCancelled)
		}
		c.confirmHold()
	case bus.OrderOutside:
		c.askOutside(o)
	case bus.OrderOutsideTake:
		c.takeOutside(o)
	case bus.OrderConference:
		c.conferThree(o)
	case bus.OrderSupervise:
		c.supervise(o)
	case bus.OrderHandOver:
		c.handOver(o)
	case bus.OrderDial, bus.OrderReconcile: // the switchboard's own
	}
}

// release ends all legs, once, and tells the dispatcher why, unless it knows. How the voices
// came in is told first, while the contact is open.
func (c *call) release(why ...contact.Command) {
	if c.ended {
		return
	}
	c.ended = true
	if v := c.agents[c.connected]; v != nil {
		c.last = v.agent
	}
	c.endTransfer(contact.DialCancelled)
	c.walk.stop()
	c.leg.HangUp()
	c.dropConsult()
	if c.handed != nil {
		c.handed.end()
	}
	c.endSupervisions()
	c.endVoices()
	c.endTalk()
	c.endRecording()
	for _, command := range why {
		c.tell(command)
	}
}
