package switchboard

import (
	"context"
	"errors"
	"slices"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// dialTime bounds how long a user's phone rings. The dispatcher gives up earlier by its own
// rule; this only bounds the wait.
const dialTime = 2 * time.Minute

// ringingPrompt is what the agent hears while the user's phone rings.
const ringingPrompt = "ringing"

// dialOver ends an attempt to reach a user. The dispatcher is told why; empty means that it
// was its own wish.
type dialOver contact.DialFailure

func (d dialOver) Error() string { return "the user was not reached: " + string(d) }

// dial begins a call-back. The mutex is held.
func (s *Switchboard) dial(o bus.Order) {
	if !s.open || o.Offer <= s.dialled {
		return
	}
	s.dialled = o.Offer
	if former := s.calls[o.Contact]; former != nil {
		// On its way out: the contact has nobody on the line.
		former.post(bus.Order{Kind: bus.OrderRelease, Contact: o.Contact})
	}
	call := newCall(s, contact.Contact{ID: o.Contact, Channel: contact.Voice}, Line{}, nil)
	call.record.Leg = o.Leg
	call.dialled, call.ordered = o.Offer, o.Offer
	call.recorded.Store(true)
	s.calls[o.Contact] = call
	s.running.Go(func() { call.run(func() bool { return call.callBack(o) }) })
}

// callBack reaches the user for the agent, and reports whether it did: then the call is one
// like any other, with both connected.
func (c *call) callBack(o bus.Order) (reached bool) {
	err := c.reach(o)
	if err == nil {
		c.know(c.told())
		c.connected, c.oldest = o.Offer, o.Offer
		c.tell(contact.ConfirmConnected{Offer: o.Offer, Leg: c.agents[o.Offer].leg.ID()})
		return true
	}
	c.endVoices()
	if c.leg != nil {
		c.leg.HangUp()
		<-c.leg.Done()
	}
	if over := dialOver(""); errors.As(err, &over) && over != "" {
		c.tell(contact.FailDial{Offer: o.Offer, Reason: contact.DialFailure(over)})
	}
	return false
}

// reach connects agent and user. The agent's voice comes first, so that nobody who is called
// back meets silence. It returns a dialOver when it fails.
func (c *call) reach(o bus.Order) error {
	user, err := await(c, o, c.lookUp)
	if err != nil {
		return err
	}
	c.contact, c.line, c.flow = user.contact, user.line, user.line.flow(user.contact)
	v, err := c.newVoice(o.Offer, o.Agent)
	if err != nil {
		return dialOver(contact.DialFault)
	}
	v.accepted = true // he asked for it
	if err := c.awaitVoice(o, v); err != nil {
		return err
	}
	c.playRinging(v.leg)
	leg, err := c.board.config.Dialler.Dial(c.board.life, channels.Call{
		Leg: o.Leg, Contact: c.contact.ID, Line: c.contact.Line, Number: user.number, Confirmed: user.vouched || o.Confirmed,
	})
	if err != nil {
		c.log.Warn().Err(err).Msg("a user could not be called back")
		return dialOver(contact.DialRefused)
	}
	c.leg = leg
	c.followEarlySound(leg, soundsEarly{})
	if _, err := await(c, o, func(ctx context.Context) (struct{}, error) { return c.answeredBy(ctx, leg, c.record) }); err != nil {
		return err
	}
	if err := c.awaitVoice(o, v); err != nil { // the agent may have loaded his page again meanwhile
		return err
	}
	if err := c.talkWith(v); err != nil {
		c.log.Warn().Err(err).Msg("a user who was called back could not be connected")
		if c.callerGone() {
			return dialOver(contact.DialNoAnswer)
		}
		return dialOver(contact.DialFault)
	}
	return nil
}

// callee is whom to call.
type callee struct {
	contact contact.Contact
	line    Line
	number  identity.Number
	// vouched says that somebody vouches for the number.
	vouched bool
}

// lookUp finds out whom to call: the one who called in, at the number he called from, and
// nobody else.
func (c *call) lookUp(ctx context.Context) (callee, error) {
	state, err := c.board.ask(ctx)
	if err != nil {
		return callee{}, dialOver("")
	}
	at := slices.IndexFunc(state.Contacts, func(v bus.ContactView) bool {
		return v.Contact.ID == c.contact.ID && v.State == contact.StateDialling && v.Offer != nil && v.Offer.Offer == c.dialled
	})
	if at < 0 {
		return callee{}, dialOver("") // given up already
	}
	found := callee{contact: state.Contacts[at].Contact}
	line, known := c.board.line(found.contact.Line)
	personal, err := c.board.config.Personal.Personal(ctx, c.contact.ID)
	switch {
	case err != nil:
		c.log.Error().Err(err).Msg("the number of a user to be called back could not be read")
	case !known || c.board.config.Dialler == nil:
		c.log.Error().Str("line", string(found.contact.Line)).Msg("this node cannot call back the users of the line")
	case personal.Number == "":
		c.log.Warn().Msg("the number of a user to be called back is not kept any more")
	default:
		found.line, found.number, found.vouched = line, personal.Number, personal.Vouched
		return found, nil
	}
	return callee{}, dialOver(contact.DialRefused)
}

// errRenewed says that another leg is to carry the agent's voice.
var errRenewed = errors.New("the agent's voice is made anew")

// awaitVoice waits for the agent's voice, whichever leg carries it in the end.
func (c *call) awaitVoice(o bus.Order, v *voice) error {
	for {
		leg, renewed := v.leg, v.renewed
		_, err := await(c, o, func(ctx context.Context) (struct{}, error) { return bringUp(ctx, leg, renewed) })
		switch {
		case errors.Is(err, errRenewed):
		case err != nil:
			return err
		case v.leg == leg:
			return nil
		}
	}
}

// bringUp waits until the leg is up, or until another one takes its place.
func bringUp(ctx context.Context, leg *agentLeg, renewed <-chan struct{}) (struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if leg != nil {
		if err := leg.Answer(ctx); !errors.Is(err, channels.ErrLegOver) {
			return struct{}{}, asDialFault(err)
		}
	}
	select { // its end is on its way, or another window asks for it
	case <-renewed:
		return struct{}{}, errRenewed
	case <-ctx.Done():
		return struct{}{}, asDialFault(ctx.Err())
	}
}

func asDialFault(err error) error {
	if err == nil {
		return nil
	}
	return dialOver(contact.DialFault)
}

// soundsEarly says that the one who is called back is heard before he answers.
type soundsEarly struct{}

// followEarlySound posts the item once the leg is heard, if it may be before it is answered.
func (c *call) followEarlySound(leg channels.DialledLeg, item any) {
	early, able := leg.(channels.EarlySound)
	if !able {
		return
	}
	c.helpers.Go(func() {
		select {
		case <-early.EarlySound():
			c.post(item)
		case <-leg.Done():
		}
	})
}

// hearDialled lets the agent hear what sounds of the call, or that it rings. He himself is not heard before the answer.
func (c *call) hearDialled(v *voice) {
	if !c.soundsEarly {
		c.playRinging(v.leg)
		return
	}
	if err := overhear(v.leg.Leg, c.leg); err != nil {
		c.log.Debug().Err(err).Msg("the agent does not hear what sounds before the answer")
		return // one of the two is over
	}
	v.leg.hearsRinging = false
}

// playRinging lets the agent hear that it rings, from now on. Without that prompt he hears nothing.
func (c *call) playRinging(agent *agentLeg) {
	prompter, able := agent.Leg.(channels.Prompter)
	if !able || agent.hearsRinging {
		return
	}
	agent.hearsRinging = true
	if err := prompter.Loop(channels.Prompt{Name: ringingPrompt, Language: c.line.Language}); err != nil {
		c.log.Debug().Err(err).Msg("the agent hears no ringing tone")
	}
}

// answeredBy waits until the one who is called answers. The leg is on record from the beginning, so that it
// can be ended after a crash, and again once the call is made: only then is all of it known.
func (c *call) answeredBy(ctx context.Context, leg channels.DialledLeg, record contact.LegRecord) (struct{}, error) {
	record.Gateway = leg.Record()
	if err := c.board.config.Personal.PutLeg(ctx, record); err != nil {
		c.log.Error().Err(err).Msg("a leg that is dialled could not be put on record")
		return struct{}{}, dialOver(contact.DialRefused)
	}
	ringing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := leg.Answer(ringing); err != nil {
		return struct{}{}, dialOver(failure(leg))
	}
	record.Gateway = leg.Record()
	if err := c.board.config.Personal.PutLeg(ctx, record); err != nil {
		c.log.Error().Err(err).Msg("a leg that was answered could not be put on record")
	}
	return struct{}{}, nil
}

// failure says why the user was not reached.
func failure(leg channels.DialledLeg) contact.DialFailure {
	select {
	case <-leg.Done():
		if reason := leg.Failure(); reason != "" {
			return reason
		}
	default: // it still rings
	}
	return contact.DialNoAnswer
}

// failureOf is what a dialOver says.
func failureOf(err error) contact.DialFailure {
	if over := dialOver(""); errors.As(err, &over) {
		return contact.DialFailure(over)
	}
	return contact.DialNoAnswer
}

// await waits for a part of a call-back, which ends at once when the dispatcher takes it
// back, the agent's leg is over, or the node shuts down.
func await[T any](c *call, o bus.Order, part func(ctx context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(c.board.life)
	defer cancel()
	done := make(chan outcome, 1)
	c.helpers.Go(func() {
		value, err := part(ctx)
		done <- outcome{value, err}
	})
	for {
		select {
		case out := <-done:
			return out.value, out.err
		case <-c.posted.wake:
			items := c.posted.take()
			for at, item := range items {
				if err := c.whileDialling(item, o.Offer); err != nil {
					c.refuse(items[at+1:])
					var none T
					return none, err
				}
			}
		}
	}
}

// whileDialling handles what is posted before the user answered. It returns a dialOver when
// that ends the attempt.
func (c *call) whileDialling(item any, offer contact.OfferID) error {
	switch item := item.(type) {
	case bus.Signal:
		c.passSignal(item)
	case bus.Order:
		if item.Kind == bus.OrderRelease || item.Kind == bus.OrderWithdraw && item.Offer >= offer {
			return dialOver("")
		}
	case asked:
		item.done(c.carryOut(item.control))
	case agentUp: // of a voice that was made anew
		if v := item.voice; c.holds(v) && v.leg == item.leg && item.err == nil && c.leg != nil {
			c.hearDialled(v)
		}
	case soundsEarly:
		c.soundsEarly = true
		if v := c.agents[offer]; v != nil && v.leg != nil {
			c.hearDialled(v)
		}
	case agentOver:
		return c.loseWhileDialling(item)
	case graceOver:
		if v := item.voice; c.holds(v) && v.isLost(item) {
			return dialOver(contact.DialFault)
		}
	case typed:
		close(item.taken)
	case giveUp:
		return dialOver(contact.DialCancelled)
	}
	return nil
}

// loseWhileDialling notices that the leg of the agent's voice is over. An agent whose page is
// loaded again asks for another one.
func (c *call) loseWhileDialling(over agentOver) error {
	v := over.voice
	if !c.holds(v) || v.leg != over.leg {
		return nil // we ended it
	}
	if is, _ := over.leg.isTelephone(); is && over.leg.Ending() == channels.EndedByParty {
		return dialOver(contact.DialCancelled) // he put his own telephone down
	}
	if grace := c.graceFor(v, over.leg.Ending()); grace > 0 {
		v.set(nil)
		c.startGrace(v, grace)
		return nil
	}
	return dialOver(contact.DialFault)
}
