package queue_test

import (
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// Whatever ends while a colleague is consulted, everything holds that holds otherwise: nobody is left reserved, and the
// user is with one agent.
func TestInvariantsOfConsultations(t *testing.T) {
	t.Parallel()
	ended := 0
	rapid.Check(t, func(t *rapid.T) {
		w := &world{draw: evenly(t), now: begin, consults: true}
		for _, step := range soundWorld(t, w, 40+w.pick("steps", 80), seldom).tape {
			for _, event := range step.events {
				if _, is := event.(contact.ConsultEnded); is {
					ended++
				}
			}
		}
	})
	if underRace {
		return // in so few worlds not everything happens
	}
	if ended < 10 {
		t.Errorf("only %d consultations ended", ended)
	}
}

// consult draws what has to do with calls about which colleagues are asked.
func (w *world) consult() contact.Command {
	var calls []queue.ContactState
	for _, c := range w.engine.Contacts() {
		if c.Contact.Channel == contact.Voice {
			calls = append(calls, c)
		}
	}
	if len(calls) == 0 || w.oneIn(6, "a new one") {
		c := w.arrival()
		c.Channel = contact.Voice
		return contact.Arrive{Contact: c, Node: w.node(), Leg: contact.LegID("leg-" + c.ID)}
	}
	for _, c := range calls {
		if c.Consult != nil && !w.oneIn(3, "another") {
			return w.ofConsultation(c)
		}
	}
	return w.next(calls[w.pick("call", len(calls))])
}

func (w *world) ofConsultation(c queue.ContactState) contact.Command {
	id := c.Contact.ID
	commands := []contact.Command{
		contact.Leave{Contact: id},
		contact.Drop{Contact: id},
		contact.HangUp{Contact: id, Agent: c.Consult.With},
		contact.HangUp{Contact: id, Agent: c.Agent},
		contact.EndConsult{Contact: id, Agent: c.Agent},
		contact.DeclineOffer{Offer: c.Consult.Offer, Agent: c.Consult.With},
		contact.FailConnect{Offer: c.Consult.Offer},
		contact.FailConnect{Offer: c.Connected},
		contact.ChangeRoster{Roster: w.roster()},
		w.presence(),
		contact.SetPresence{Agent: c.Consult.With, Presence: contact.SignedOut, After: true},
		contact.SetReachable{Agent: c.Consult.With, Node: "node-1"},
		contact.ScheduleCallback{Contact: id, Agent: c.Agent, Mine: true},
		contact.HandOver{Contact: id, Agent: c.Agent, To: "supplier"},
		contact.Transfer{Contact: id, Agent: c.Agent, To: w.destination()},
	}
	if n := w.pick("of a consultation", 2*len(commands)); n < len(commands) {
		return commands[n]
	}
	return w.next(c)
}
