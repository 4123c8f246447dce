package switchboard

import (
	"context"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
	"svar/queue/bus"
)

// queueing is what the flow still has for a contact that waits. It outlives the walks: who waits
// again after an agent's voice broke is not offered the same twice.
type queueing struct {
	// run is nil when the flow has nothing more.
	run *ivr.Run
	// since is when the contact was queued.
	since contact.Instant
	// asksAt is when it is asked for the next action; 0 when only a key lets it be asked.
	asksAt contact.Instant
	// keys says that a key lets it be asked.
	keys bool
}

// loop lets the music play as the flow says.
func (q *queueing) loop(loop ivr.Loop, now contact.Instant) {
	q.asksAt, q.keys = 0, loop.Keys
	if loop.Until > 0 {
		q.asksAt = now.Add(loop.Until)
	}
	if q.asksAt == 0 && !q.keys {
		q.run = nil
	}
}

// due is ready when the flow is to be asked; never when it is not.
func (q *queueing) due(now contact.Instant) (due <-chan time.Time, stop func()) {
	if q.run == nil || q.asksAt == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(q.asksAt.Sub(now).Duration())
	return timer.C, func() { timer.Stop() }
}

// awaitedKeys are the user's, if one of them tells something now.
func (c *call) awaitedKeys() <-chan byte {
	if !c.queueing.awaitsKeys() && !c.asksConsent() {
		return nil
	}
	return c.keys()
}

// awaitsKeys reports whether the flow makes something of a key.
func (q *queueing) awaitsKeys() bool { return q.run != nil && q.keys }

// goOnWaiting does what the flow has for who waits, until music is to play again. It reports
// whether anything else was played, and whether the wait is over.
func (c *call) goOnWaiting(ctx context.Context, in ivr.Input) (spoke, over bool) {
	for {
		in.Waited = c.board.now().Sub(c.queueing.since)
		action := c.queueing.run.Next(in)
		in = ivr.Input{}
		switch action := action.(type) {
		case ivr.Loop:
			c.queueing.loop(action, c.board.now())
			return spoke, false
		case ivr.Ask:
			in.Place, in.Expected = c.ask(ctx)
		case ivr.Say:
			spoke = true
			in.Digit, over = c.say(ctx, action)
		case ivr.CallBack:
			spoke = true
			over = c.chooseCallback(ctx, action.Prompt)
		default: // the queue is the last step of its branch
			c.queueing = queueing{}
			return spoke, false
		}
		if over || ctx.Err() != nil {
			return spoke, true
		}
	}
}

const (
	// expectedTime bounds how long a caller waits for what he hears next until it is known how long
	// he is expected to wait: without that it is only offered later.
	expectedTime = time.Second
	// chooseTime bounds how long he waits for a dispatcher to put on record that he chose a call-back.
	chooseTime = 5 * time.Second
)

// expected is how long the contact will wait with these needs, in the place of its arrival; 0 when nobody can say, and when the
// flow makes nothing of it.
func (c *call) expected(ctx context.Context, queue ivr.Enqueue) contact.Millis {
	offers := false
	for _, step := range c.flow.Queues() {
		offers = offers || step.Callback != nil
	}
	if !offers || !c.contact.Callable {
		return 0
	}
	wait, _ := c.askWait(ctx, queue)
	return wait.Expected
}

// ask is how long the contact is expected to wait from now on, and in which place; each 0 when nobody can say.
func (c *call) ask(ctx context.Context) (place int, expected contact.Millis) {
	wait, known := c.askWait(ctx, ivr.Enqueue{})
	if wait.Agents > 0 {
		place = wait.Ahead + 1
	}
	if !known {
		return place, 0
	}
	return place, wait.Expected
}

// askWait asks the dispatcher how long the contact will wait, which needs this if it is not queued yet. Expected is
// 0 when that is not known.
func (c *call) askWait(ctx context.Context, queue ivr.Enqueue) (wait bus.Wait, known bool) {
	ctx, cancel := context.WithTimeout(ctx, expectedTime)
	defer cancel()
	wait, err := c.board.config.Dispatcher.AskWait(ctx, bus.WaitQuestion{
		Contact: c.contact.ID, Channel: c.contact.Channel, Needs: queue.Needs, Class: queue.Class, Target: queue.Target,
	})
	if err != nil {
		c.log.Debug().Err(err).Msg("nobody could say how long a caller is expected to wait")
		return bus.Wait{}, false
	}
	if !wait.Known {
		wait.Expected = 0
	}
	return wait, wait.Known
}

// chooseCallback puts on record that the user is called back in his place, says so, and lets the call
// end. It reports false when that could not be, because an agent has him that moment: then he waits
// on. Once he chose, hanging up is not leaving.
func (c *call) chooseCallback(ctx context.Context, done channels.Prompt) (over bool) {
	if c.promised.Swap(true) {
		return true // the call ends already
	}
	// Not bounded by the walk: what he chose counts though he hangs up.
	sending, cancel := context.WithTimeout(c.board.life, chooseTime)
	defer cancel()
	if err := c.board.config.Dispatcher.Send(sending, contact.ScheduleCallback{Contact: c.contact.ID}); err != nil {
		c.log.Warn().Err(err).Msg("a caller chose to be called back, and waits on")
		c.promised.Store(false)
		c.post(promiseOver{})
		return false
	}
	c.play(ctx, done)
	c.post(promiseOver{kept: true})
	return true
}
