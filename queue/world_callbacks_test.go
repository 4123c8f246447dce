package queue_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// Of a desk whose callers are mostly called back, everything holds that holds of others; and what can become of a
// call-back becomes of some.
func TestInvariantsOfCallbacks(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{draw: evenly(t), now: begin, calledBack: true}
		for _, step := range soundWorld(t, w, 40+w.pick("steps", 80), seldom).tape {
			for _, event := range step.events {
				switch v := event.(type) {
				case contact.OfferWithdrawn:
					met[string(v.Cause)]++
				case contact.ContactOffered:
					met[string(v.Why.Rule)]++
				case contact.CallbackFailed:
					met[string(v.Reason)]++
				}
			}
		}
	})
	if underRace {
		return // in so few worlds not everything happens
	}
	for _, what := range []string{string(contact.CallerBack), string(contact.Appointed), string(contact.DialBusy), string(contact.DialNoAnswer)} {
		if met[what] == 0 {
			t.Errorf("no call-back met %s", what)
		}
	}
}

// dialRules let the desk dial, now and then with narrow limits.
func (w *world) dialRules(rules *contact.Rules) {
	rules.OfferCallbacks = !w.oneIn(8, "only by hand")
	rules.DialsPerContact, rules.DialsPerHour = uint8(1+w.pick("dials", 6)), uint16(2+w.pick("all dials", 12))
}

// callBack draws what has to do with call-backs.
func (w *world) callBack() contact.Command {
	var calls, callbacks []queue.ContactState
	for _, c := range w.engine.Contacts() {
		switch {
		case c.Contact.Channel != contact.Voice:
		case c.Callback:
			callbacks = append(callbacks, c)
		case c.Contact.Callable:
			calls = append(calls, c)
		}
	}
	if len(calls) == 0 || len(callbacks) > 0 && w.oneIn(2, "a call-back") {
		if len(callbacks) == 0 {
			c := w.arrival()
			c.Channel, c.Callable = contact.Voice, true
			return contact.Arrive{Contact: c, Node: w.node(), Leg: contact.LegID("leg-" + c.ID)}
		}
		return w.ofCallback(callbacks[w.pick("call-back", len(callbacks))])
	}
	c := calls[w.pick("call", len(calls))]
	promise := contact.ScheduleCallback{Contact: c.Contact.ID, Agent: c.Agent, Mine: c.Agent != "" && w.oneIn(2, "mine")}
	if w.oneIn(2, "later") {
		promise.At = w.now.Add(contact.Millis(w.pick("at", 8)) * 20_000)
	}
	switch {
	case (c.State.Joined() || c.State == contact.StateWrapUp || c.State == contact.StateWaiting) && w.oneIn(2, "call back"):
		return promise
	case w.oneIn(6, "breaks"):
		return contact.Drop{Contact: c.Contact.ID}
	default:
		return w.next(c)
	}
}

func (w *world) ofCallback(c queue.ContactState) contact.Command {
	id := c.Contact.ID
	again := contact.Rejoin{Contact: id, Node: w.node(), Leg: contact.LegID(fmt.Sprintf("leg-%s-%d", id, w.pick("leg", 100)))}
	switch {
	case w.oneIn(6, "rings again"):
		return again
	case w.oneIn(12, "others"):
		return []contact.Command{
			contact.ChangeRules{Rules: w.rules()},
			contact.ChangeRoster{Roster: w.roster()},
			w.report(),
			w.presence(),
			contact.SetReachable{Agent: w.agent(), Node: "node-1"},
			contact.SetImpact{Contact: id, Residents: 100},
		}[w.pick("other", 6)]
	case c.State == contact.StateDialling && w.oneIn(2, "in vain"):
		return contact.FailDial{Offer: c.Offer.Offer, Reason: []contact.DialFailure{contact.DialBusy, contact.DialFault, contact.DialRefused}[w.pick("reason", 3)]}
	case c.State == contact.StateOffered && w.oneIn(4, "no"):
		return contact.DeclineOffer{Offer: c.Offer.Offer, Agent: c.Offer.Agent}
	case c.State == contact.StateOffered && w.oneIn(4, "from the list"):
		return contact.TakeCallback{Contact: id, Agent: c.Offer.Agent, Node: w.node()}
	case c.State == contact.StateWaiting && w.oneIn(8, "done with"):
		return contact.Finish{Contact: id, Agent: w.agent(), Code: "solved"}
	default:
		return w.next(c)
	}
}
