package switchboard

import (
	"context"
	"errors"
	"fmt"

	"svar/channels"
	"svar/contact"
	"svar/identity"
)

// Callbacks knows the call-backs that wait, by the numbers that their callers rang from. It must
// not block, and may be wrong for a moment: the dispatcher decides.
type Callbacks interface {
	// Waiting returns the oldest contact of that caller that waits to be called back.
	Waiting(number identity.Number) (contact.Contact, bool)
}

// rejoinedPrompt tells a caller who rings again that he has his place still.
const rejoinedPrompt = "callback-rejoined"

// waitingFor returns the contact that the caller waits to be called back in. A number that no trunk
// vouches for gives nobody another one's place. Who rings as a party of a priority line goes before those
// who wait: the place of an ordinary call-back is none for him. Outside opening hours nobody would
// come to who waits: he hears what the line says then, and is called back still.
func (s *Switchboard) waitingFor(c contact.Contact, p contact.Personal, line Line) (contact.Contact, bool) {
	if s.config.Callbacks == nil || c.Channel != contact.Voice || p.Number == "" || p.Withheld || !p.Vouched {
		return contact.Contact{}, false
	}
	former, waits := s.config.Callbacks.Waiting(p.Number)
	party, is := line.party(p)
	if is && party.ID != former.Party || !line.open(c.Arrived.Time(), s.config.Hours) {
		return contact.Contact{}, false
	}
	return former, waits
}

// rejoin lets a caller who rings again go on as the contact that waits to be called back. It returns a
// rejection when that cannot be: an agent dials it that moment, or it is over. Then nothing is left
// of it, and the caller is a new contact.
func (s *Switchboard) rejoin(ctx context.Context, former contact.Contact, leg channels.Leg) error {
	line, known := s.line(former.Line)
	if !known {
		return reject(contact.WrongState)
	}
	call := newCall(s, former, line, leg)
	if !s.awaitStart(ctx) || !s.register(call) {
		return reject(contact.WrongState)
	}
	call.kept = true
	err := s.config.Personal.PutLeg(ctx, call.record)
	if err == nil {
		call.announced = true
		err = s.config.Dispatcher.Send(ctx, contact.Rejoin{Contact: former.ID, Node: s.config.Node, Leg: leg.ID()})
	}
	if isRejected(err) {
		s.forget(call)
		// Before the new contact keeps the same leg; the one that is dialled has another.
		if err := s.config.Personal.DeleteLeg(ctx, call.record); err != nil {
			call.log.Error().Err(err).Msg("the record of a leg that is another contact's could not be deleted")
		}
		s.running.Done()
		return err
	}
	if err != nil {
		s.running.Go(call.giveBack)
		s.running.Done()
		return fmt.Errorf("give the place of call-back %s to its caller: %w", former.ID, err)
	}
	call.recorded.Store(true)
	go func() {
		defer s.running.Done()
		call.run(call.welcomeBack)
	}()
	return nil
}

// welcomeBack answers a caller who has his place again. He chose what he needs when he rang first.
func (c *call) welcomeBack() bool {
	c.startWalk(func(ctx context.Context) {
		// He can be offered already: an agent who is fast waits for the answer, and never breaks it off.
		if err := c.leg.Answer(c.board.life); err != nil {
			if !errors.Is(err, channels.ErrLegOver) && c.board.life.Err() == nil {
				c.log.Warn().Err(err).Msg("the call could not be answered")
				c.leg.HangUp()
			}
			return
		}
		if c.play(ctx, channels.Prompt{Name: rejoinedPrompt, Language: c.contact.Language}) {
			return
		}
		c.know(c.told())
		c.waitInQueue(ctx)
	})
	return true
}
