package switchboard

import (
	"context"
	"slices"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// restored is a call that goes on in this process, and what the dispatcher knew of it.
type restored struct {
	call *call
	view bus.ContactView
}

// restore makes calls of the legs that outlived an earlier process. The others are orphans:
// those of contacts that are over, and those that their gateway cannot restore.
func (s *Switchboard) restore(ctx context.Context, left []contact.LegRecord) (alive []restored, orphans []contact.LegRecord, err error) {
	var candidates []contact.LegRecord
	for _, record := range left {
		if _, able := s.config.Restorers[record.Channel]; able {
			candidates = append(candidates, record)
		} else {
			orphans = append(orphans, record)
		}
	}
	if len(candidates) == 0 {
		return nil, orphans, nil
	}
	state, err := s.ask(ctx)
	if err != nil {
		return nil, nil, err
	}
	views := map[contact.ID]bus.ContactView{}
	for _, view := range state.Contacts {
		views[view.Contact.ID] = view
	}
	for _, record := range candidates {
		view, wanted := views[record.Contact]
		line, known := s.line(view.Contact.Line)
		if !wanted || !known || view.Leg != record.Leg || !onTheLine(view) {
			orphans = append(orphans, record)
			continue
		}
		leg, err := s.config.Restorers[record.Channel].RestoreLeg(ctx, record.Leg, record.Contact, record.Gateway)
		if err != nil {
			s.config.Log.Warn().Err(err).Str("contact", string(record.Contact)).Msg("a leg of the earlier process could not be restored")
			orphans = append(orphans, record)
			continue
		}
		alive = append(alive, restored{call: s.adopt(view, line, leg), view: view})
	}
	return alive, orphans, nil
}

// adopt registers the call of a restored leg, so that orders reach it from now on.
func (s *Switchboard) adopt(view bus.ContactView, line Line, leg channels.Leg) *call {
	call := newCall(s, view.Contact, line, leg)
	call.recorded.Store(true)
	call.ordered = view.ConnectedBy
	if view.Offer != nil {
		call.ordered = view.Offer.Offer
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.calls[view.Contact.ID] = call
	return call
}

// begin opens the node. What came to the restored calls meanwhile is asked for: the
// dispatcher may have ordered it before they were registered.
func (s *Switchboard) begin(alive []restored) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.open = true
	close(s.started)
	for _, r := range alive {
		s.running.Go(func() { r.call.run(func() bool { return r.call.resume(r.view) }) })
	}
	if len(alive) > 0 {
		s.askSoon()
	}
}

// legsOf names the users' legs of the calls, sorted.
func legsOf(alive []restored) []contact.LegID {
	var legs []contact.LegID
	for _, r := range alive {
		legs = append(legs, r.call.leg.ID())
	}
	slices.Sort(legs)
	return legs
}

// welcome lets a new user in.
func (c *call) welcome() bool {
	c.startWalk(c.greet)
	return true
}

// resume goes on with a user of an earlier process, at the place where he was.
func (c *call) resume(view bus.ContactView) bool {
	texting, texts := c.leg.(channels.Texting)
	switch {
	case view.State == contact.StateArrived:
		c.startWalk(c.greet)
	case view.State == contact.StateGreeted:
		c.startWalk(c.goOn)
	case view.State == contact.StateConnected && texts:
		c.know(c.told())
		c.connected, c.oldest = view.ConnectedBy, view.ConnectedBy
		texting.Joined(view.Agent)
	default:
		c.know(c.told())
		c.waitAgain()
	}
	return true
}
