package switchboard

import (
	"context"
	"errors"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
)

// walk is what a user hears while no agent is connected. It has a goroutine of its own, so
// that an order or a hang-up never waits for a prompt.
type walk struct {
	cancel context.CancelFunc
	over   chan struct{} // closed when nothing is played any more
}

// stoodStill is a walk that is over.
func stoodStill() walk {
	over := make(chan struct{})
	close(over)
	return walk{cancel: func() {}, over: over}
}

// stop lets the walk end; wait returns when it has.
func (w walk) stop() { w.cancel() }
func (w walk) wait() { <-w.over }

// heard are the outage messages that need not be told again.
type heard map[contact.NoticeID]bool

// startWalk lets the user hear something else from now on.
func (c *call) startWalk(steps func(ctx context.Context)) {
	c.walk.stop()
	c.walk.wait()
	ctx, cancel := context.WithCancel(c.board.life)
	over := make(chan struct{})
	c.walk = walk{cancel: cancel, over: over}
	c.helpers.Go(func() {
		defer close(over)
		defer cancel()
		steps(ctx)
	})
}

// waitAgain lets the user hear that he waits.
func (c *call) waitAgain() {
	if !c.ended {
		c.startWalk(c.waitInQueue)
	}
}

// greet answers the user and walks the flow into the queue.
func (c *call) greet(ctx context.Context) { c.enter(ctx, false) }

// goOn walks the flow of a user who was greeted by an earlier process: into the queue, and
// without saying again what he was told.
func (c *call) goOn(ctx context.Context) { c.enter(ctx, true) }

func (c *call) enter(ctx context.Context, mute bool) {
	rung := notRung
	if !mute {
		rung = c.ringFirst(ctx)
	}
	if rung == rungOver || !c.answer() {
		return
	}
	// What stands already is told by the flow, where the line wants that, and never in the
	// queue.
	standing := c.told()
	if c.follow(ctx, mute || rung == rungAccepted) {
		c.know(standing)
		c.waitInQueue(ctx)
	}
}

// answer answers the user and says so. It reports whether he is on the line. A walk that is stopped does not
// break it off: an agent may wait for it.
func (c *call) answer() bool {
	if err := c.leg.Answer(c.board.life); err != nil {
		if !errors.Is(err, channels.ErrLegOver) && c.board.life.Err() == nil {
			c.log.Warn().Err(err).Msg("the call could not be answered")
			c.leg.HangUp()
		}
		return false
	}
	c.rings.Store(false)
	c.tell(contact.Greet{Contact: c.contact.ID})
	return true
}

// visit is what the flow needs to know of the contact.
func (c *call) visit() ivr.Visit {
	return ivr.Visit{
		Language: c.contact.Language, Line: c.contact.Line, Audience: c.contact.Audience,
		Open:     c.line.open(c.contact.Arrived.Time(), c.board.config.Hours),
		Callable: c.contact.Callable && c.board.config.Dialler != nil,
	}
}

// follow walks the flow and reports whether the contact is in the queue.
func (c *call) follow(ctx context.Context, mute bool) (queued bool) {
	run := c.flow.Start(c.visit())
	in := ivr.Input{}
	for {
		in.Notices = c.told()
		action := run.Next(in)
		in = ivr.Input{}
		over := false // before the queue: the stage of an abandon must be true
		switch action := action.(type) {
		case ivr.Say:
			if !mute {
				in.Digit, over = c.say(ctx, action)
			}
		case ivr.SayNotice:
			if !mute {
				over = c.sayNotice(ctx, action.Notice, action.Prompt)
			}
		case ivr.Collect:
			in.Digit, over = c.collect(ctx, action.Timeout)
		case ivr.Enqueue:
			if over = c.announceRecording(ctx) || c.slow(ctx); over || ctx.Err() != nil {
				return false
			}
			c.enqueue(action)
			in.Expected = c.expected(ctx, action)
			c.queueing = queueing{run: run, since: c.queuedAt}
			_, over = c.goOnWaiting(ctx, in)
			return !over && ctx.Err() == nil
		case ivr.Close:
			c.close(ctx, action.Prompt)
			return false
		default:
			return false // a flow that was checked comes to the queue or closes
		}
		if over || ctx.Err() != nil {
			return false
		}
	}
}

// enqueue queues the contact, once.
func (c *call) enqueue(queue ivr.Enqueue) {
	if c.queuedAt == 0 {
		c.queuedAt = c.board.now()
		c.tell(contact.Enqueue{Contact: c.contact.ID, Needs: queue.Needs, Class: queue.Class, Target: queue.Target})
	}
}

// close says that the desk is closed. However that ends, the user heard why.
func (c *call) close(ctx context.Context, prompt channels.Prompt) {
	c.closing.Store(true)
	if over := c.play(ctx, prompt); !over && ctx.Err() == nil {
		c.post(closedSaid{})
	}
}

// waitInQueue plays music, once each outage message that comes to stand meanwhile, and what the flow
// has for those who wait. The contact can be offered all the time; whoever connects it ends this.
func (c *call) waitInQueue(ctx context.Context) {
	music := false
	for ctx.Err() == nil {
		news := c.board.config.Notices.NoticesChanged()
		if notice, is := c.unheard(); is {
			if over := c.sayNotice(ctx, notice, noticePrompt(notice, c.contact.Language)); over {
				return
			}
			music = false
			continue
		}
		if !music {
			c.music()
			music = true
		}
		begins, stop := c.board.alarm(c.board.config.Notices.Notices(), func(n contact.Notice) contact.Instant { return n.From })
		due, stopDue := c.queueing.due(c.board.now())
		in := ivr.Input{}
		asks := false
		select {
		case <-news:
		case <-begins:
		case <-due:
			asks = true
		case in.Digit, asks = <-c.awaitedKeys():
			asks = asks && !c.declinesBy(in.Digit) && c.queueing.awaitsKeys()
		case <-c.leg.Done():
		case <-ctx.Done():
		}
		stop()
		stopDue()
		if c.callerGone() {
			return
		}
		if asks {
			spoke, over := c.goOnWaiting(ctx, in)
			if over {
				return
			}
			music = music && !spoke
		}
	}
}

// music lets the user hear that he waits.
func (c *call) music() {
	name := c.flow.Music()
	prompter, able := c.leg.(channels.Prompter)
	if !able || name == "" {
		return
	}
	err := prompter.Loop(c.prompt(name))
	if err != nil && !errors.Is(err, channels.ErrLegOver) {
		c.log.Warn().Err(err).Str("prompt", name).Msg("a loop could not be played")
	}
}

// prompt is one of the catalogue, in the contact's language.
func (c *call) prompt(name string) channels.Prompt {
	return channels.Prompt{Name: name, Language: c.contact.Language}
}

// say says a prompt, and returns the key that stopped it.
func (c *call) say(ctx context.Context, say ivr.Say) (digit byte, over bool) {
	if !say.Interruptible {
		return 0, c.play(ctx, say.Prompt)
	}
	return c.playUntilKey(ctx, say.Prompt)
}

// sayNotice tells an outage message until a key is pressed, or until it is not told any more:
// what is withdrawn or blocked is cut off. It is told once.
func (c *call) sayNotice(ctx context.Context, notice contact.Notice, prompt channels.Prompt) (over bool) {
	if c.heard[notice.ID] {
		return false
	}
	c.know([]contact.Notice{notice})
	playing, cancel := context.WithCancel(ctx)
	defer cancel()
	c.helpers.Go(func() {
		c.awaitSilence(playing, notice.ID)
		cancel()
	})
	_, over = c.playUntilKey(playing, prompt)
	return over
}

// play says a prompt to its end and reports whether the leg ended in it. One that cannot be
// played is logged and passed over: nobody is kept out of the queue by a missing recording.
func (c *call) play(ctx context.Context, prompt channels.Prompt) (over bool) {
	_, over = c.playWhole(ctx, prompt)
	return over
}

// playWhole is play that also says whether the user heard all of it.
func (c *call) playWhole(ctx context.Context, prompt channels.Prompt) (heard, over bool) {
	prompter, able := c.leg.(channels.Prompter)
	if !able {
		return false, false
	}
	err := prompter.Play(ctx, prompt)
	over = errors.Is(err, channels.ErrLegOver)
	if err != nil && ctx.Err() == nil && !over {
		c.log.Warn().Err(err).Str("prompt", prompt.Name).Msg("a prompt could not be played")
	}
	return err == nil, over
}

// playUntilKey is play that a key stops. Keys from before it began are no answer to it.
func (c *call) playUntilKey(ctx context.Context, prompt channels.Prompt) (digit byte, over bool) {
	keys := c.freshKeys()
	playing, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan bool, 1)
	c.helpers.Go(func() { ended <- c.play(playing, prompt) })
	for {
		select {
		case over := <-ended:
			return 0, over
		case digit, open := <-keys:
			if !open {
				keys = nil // the leg is over, which ends the prompt too
				continue
			}
			cancel()
			return digit, <-ended
		}
	}
}

// collect waits for a key.
func (c *call) collect(ctx context.Context, timeout contact.Millis) (digit byte, over bool) {
	keys := c.keys()
	if keys == nil {
		return 0, false // who cannot press a key has none to wait for
	}
	patience := time.NewTimer(timeout.Duration())
	defer patience.Stop()
	select {
	case digit, open := <-keys:
		return digit, !open
	case <-patience.C:
		return 0, false
	case <-c.leg.Done():
		return 0, true
	case <-ctx.Done():
		return 0, false
	}
}

// freshKeys are those that the user presses from now on; nil when there can be none.
func (c *call) freshKeys() <-chan byte {
	keys := c.keys()
	for {
		select {
		case _, open := <-keys:
			if !open {
				return keys
			}
		default:
			return keys
		}
	}
}

// keys are those that the user presses; nil when there can be none.
func (c *call) keys() <-chan byte {
	keypad, able := c.leg.(channels.Keypad)
	if !able {
		return nil
	}
	return keypad.Digits()
}
