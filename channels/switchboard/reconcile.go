package switchboard

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"svar/contact"
	"svar/queue/bus"
)

// askAgain bounds the time between two questions to a dispatcher that does not answer.
const askAgain = time.Second

// askSoon lets the state be asked for. The mutex is held.
func (s *Switchboard) askSoon() {
	s.again = true
	// While the node is closed it has no calls; Start reports that.
	if s.open && !s.reconciling {
		s.reconciling, s.again = true, false
		s.running.Go(s.reconcile)
	}
}

// reconcile makes the node's legs do what the dispatcher wants of them, after orders
// were lost or a new leader took over, until nothing more was lost meanwhile. Orders are
// idempotent, so that what was carried out already is harmless.
func (s *Switchboard) reconcile() {
	for again := true; again; {
		before := s.recorded()
		state, err := s.ask(s.service)
		if err == nil {
			s.followAll(state, before)
		} else if s.service.Err() == nil {
			s.config.Log.Error().Err(err).Msg("this node could not learn what its contacts should be doing")
		}
		s.mutex.Lock()
		again = s.again && s.open
		s.again, s.reconciling = false, again
		s.mutex.Unlock()
	}
}

// ask asks what the dispatcher wants of this node until one answers or ctx ends.
func (s *Switchboard) ask(ctx context.Context) (bus.NodeState, error) {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = askAgain
	return backoff.Retry(ctx, func() (bus.NodeState, error) {
		return s.config.Dispatcher.AskNodeState(ctx, s.config.Node)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
}

// followAll carries out a state. before are the calls that were on record when it was asked
// for, with the newest offer that each had been ordered for.
func (s *Switchboard) followAll(state bus.NodeState, before map[contact.ID]ordered) {
	wanted := map[contact.ID]bool{}
	for _, id := range state.HandedOver {
		wanted[id] = true
		if known := before[id]; known.call != nil && known.consulted != 0 {
			known.call.post(bus.Order{Kind: bus.OrderOutsideTake, Contact: id, Offer: known.consulted})
		}
	}
	for _, view := range state.Contacts {
		if wanted[view.Contact.ID] {
			continue // left to a place outside: nobody but the two who talk ends that
		}
		wanted[view.Contact.ID] = true
		if known := before[view.Contact.ID]; known.call != nil {
			known.makeUp(view)
		}
		s.follow(view, before[view.Contact.ID].call)
		if known := before[view.Contact.ID]; known.call != nil {
			s.followTalk(known.call, view, stamp{state.Epoch, state.Number})
		}
	}
	for id, known := range before {
		if !wanted[id] {
			known.call.post(bus.Order{Kind: bus.OrderRelease, Contact: id})
		}
	}
}

// makeUp carries out what the dispatcher ordered about the offers that the call knows, and what was not
// heard of.
func (k ordered) makeUp(view bus.ContactView) {
	id := view.Contact.ID
	switch {
	case view.Offer != nil:
	case view.ConnectedBy > k.offer: // by the colleague who was asked
		k.call.post(bus.Order{Kind: bus.OrderHandOver, Contact: id, Offer: view.ConnectedBy, Agent: view.Agent})
	case view.ConnectedBy != k.offer: // it had an offer, which is over
		k.call.post(bus.Order{Kind: bus.OrderWithdraw, Contact: id, Offer: k.offer})
	}
	if k.consulted != 0 && (view.Consult == nil || view.Consult.Offer != k.consulted) {
		k.call.post(bus.Order{Kind: bus.OrderConsultEnd, Contact: id, Offer: k.consulted})
	}
}

// follow makes one contact do what the dispatcher wants of it. before is its call of the
// time when that was asked for, if it had one.
func (s *Switchboard) follow(view bus.ContactView, before *call) {
	id := view.Contact.ID
	s.mutex.Lock()
	call := s.calls[id]
	s.mutex.Unlock()
	switch {
	case view.State == contact.StateDialling:
		s.followDial(view)
	case call == nil && onTheLine(view):
		// Every contact is registered before it is on record, so this leg is gone.
		s.report(id, contact.Drop{Contact: id})
	case call == nil:
	case !onTheLine(view):
		if call == before { // else it is being called back since then
			call.post(bus.Order{Kind: bus.OrderRelease, Contact: id})
		}
	case view.Offer != nil && view.Offer.Accepted:
		call.post(bus.Order{Kind: bus.OrderConnect, Contact: id, Offer: view.Offer.Offer, Agent: view.Offer.Agent})
	case view.Offer != nil:
		call.post(bus.Order{Kind: bus.OrderRing, Contact: id, Offer: view.Offer.Offer, Agent: view.Offer.Agent})
	case view.Consult != nil:
		s.followConsult(call, view)
	}
}

// followTalk makes up for lost orders about who is in the talk, unless newer ones came since the state was as it says.
func (s *Switchboard) followTalk(c *call, view bus.ContactView, at stamp) {
	if view.State != contact.StateConnected && view.State != contact.StateHeld {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock() // what is ordered from now on comes behind
	if c.arranged.after(at) {
		return
	}
	id := view.Contact.ID
	c.post(bus.Order{Kind: bus.OrderConference, Contact: id, On: view.Conference})
	c.post(supervisedBy(view.Supervisors))
	for _, supervisor := range view.Supervisors {
		c.post(bus.Order{Kind: bus.OrderSupervise, Contact: id, Agent: supervisor.Supervisor, Mode: supervisor.Mode})
	}
}

// followConsult makes up for a lost order about the colleague, or the place outside, who is asked.
func (s *Switchboard) followConsult(c *call, view bus.ContactView) {
	o := bus.Order{Kind: bus.OrderConsult, Contact: view.Contact.ID, Offer: view.Consult.Offer, Agent: view.Consult.With}
	switch {
	case view.Consult.To != "":
		o.Kind, o.Agent, o.To, o.Leg = bus.OrderOutside, view.Agent, view.Consult.To, view.Consult.Leg
	case view.Consult.Accepted:
		o.Kind = bus.OrderConsultConnect
	}
	s.mutex.Lock()
	c.note(o)
	s.mutex.Unlock()
	c.post(o)
}

// onTheLine reports whether the contact's user has a live leg.
func onTheLine(view bus.ContactView) bool {
	return !view.Callback && view.State != contact.StateWrapUp && view.State != contact.StateClosed
}

// followDial makes up for a lost order to dial. One that is behind already was carried out,
// or will never come since a newer one did: then nobody is rung.
func (s *Switchboard) followDial(view bus.ContactView) {
	if view.Offer == nil {
		return
	}
	id, offer := view.Contact.ID, view.Offer.Offer
	s.mutex.Lock()
	s.dial(bus.Order{Kind: bus.OrderDial, Contact: id, Offer: offer, Agent: view.Offer.Agent, Leg: view.Leg, Confirmed: view.Offer.Confirmed})
	call := s.calls[id]
	dialling := call != nil && call.dialled == offer
	s.mutex.Unlock()
	if !dialling {
		s.report(id, contact.FailDial{Offer: offer, Reason: contact.DialCancelled})
	}
}

// report tells the dispatcher about a contact that has no leg here.
func (s *Switchboard) report(id contact.ID, command contact.Command) {
	if err := s.config.Dispatcher.Send(s.life, command); err != nil && !isRejected(err) {
		s.config.Log.Warn().Err(err).Str("contact", string(id)).Msg("a contact without a leg could not be given up")
	}
}

// stamp is a point in the sequence of orders.
type stamp struct{ epoch, number uint64 }

func (s stamp) after(other stamp) bool {
	return s.epoch > other.epoch || s.epoch == other.epoch && s.number > other.number
}

// ordered is a call with the newest offer that it was ordered for, and the newest by which a
// colleague was to be asked; 0: none.
type ordered struct {
	call             *call
	offer, consulted contact.OfferID
}

// note keeps for which offers orders came. The switchboard's mutex is held.
func (c *call) note(o bus.Order) {
	switch o.Kind {
	case bus.OrderConsult, bus.OrderConsultConnect, bus.OrderConsultEnd, bus.OrderOutside, bus.OrderOutsideEnd, bus.OrderOutsideTake:
		c.consulted = max(c.consulted, o.Offer)
	case bus.OrderConference, bus.OrderSupervise:
		c.arranged = stamp{o.Epoch, o.Number}
	default:
		c.ordered = max(c.ordered, o.Offer)
	}
}

// recorded returns the calls that are on record.
func (s *Switchboard) recorded() map[contact.ID]ordered {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	calls := make(map[contact.ID]ordered, len(s.calls))
	for id, call := range s.calls {
		if call.recorded.Load() {
			calls[id] = ordered{call, call.ordered, call.consulted}
		}
	}
	return calls
}
