package queue_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// Of calls that go outside, are heard by three or by a supervisor, or that the desk begins, everything holds that holds
// of others; and each of these happens.
func TestInvariantsOfTheTelephone(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{draw: evenly(t), now: begin, telephone: true}
		for _, step := range soundWorld(t, w, 40+w.pick("steps", 80), seldom).tape {
			for _, event := range step.events {
				met[contact.EventName(event)]++
				switch v := event.(type) {
				case contact.ContactHandedOver:
					met[fmt.Sprintf("handed over by telephone: %t", v.Offer != 0)]++
				case contact.OutsideEnded:
					met["outside "+string(v.Failure)]++
				case contact.ContactClosed:
					met[string(v.End)]++
				}
			}
		}
	})
	if underRace {
		return // in so few worlds not everything happens
	}
	for _, what := range []string{
		"outside-called", "outside-answered", "outside no-answer", "outside cancelled", "outside ", "handed over by telephone: true",
		"conference-changed", "supervision-changed", "contact-marked", "call-placed", "not-reached", "recording-changed",
	} {
		if met[what] == 0 {
			t.Errorf("nothing met %q", what)
		}
	}
}

func (w *world) supervisor() contact.AgentID {
	return contact.AgentID([]string{"eva", "eskil", "bo"}[w.pick("supervisor", 3)])
}

func (w *world) mode() contact.SupervisionMode {
	return []contact.SupervisionMode{contact.SuperviseListen, contact.SuperviseWhisper, contact.SuperviseBarge, ""}[w.pick("mode", 4)]
}

// placeCall lets an agent call somebody; now and then again as the same contact.
func (w *world) placeCall() contact.Command {
	c := w.arrival()
	c.Channel, c.Outgoing = contact.Voice, !w.oneIn(12, "comes in")
	if w.oneIn(8, "again") {
		c.ID = w.contact()
	}
	return contact.PlaceCall{Contact: c, Agent: w.agent(), Node: w.node(), Leg: contact.LegID("leg-" + c.ID)}
}

// recording draws what a node says of one, in an order that may be.
func (w *world) recording(id contact.ID, was contact.RecordingState) contact.Command {
	next := map[contact.RecordingState]contact.RecordingState{
		"": contact.RecordingBegun, contact.RecordingBegun: contact.RecordingPaused, contact.RecordingPaused: contact.RecordingResumed,
		contact.RecordingResumed: contact.RecordingEnded,
	}[was]
	states := []contact.RecordingState{next, next, contact.RecordingEnded, contact.RecordingEnded, contact.RecordingPaused, contact.RecordingDeclined, contact.RecordingBegun}
	v := contact.ReportRecording{Contact: id, Recording: states[w.pick("recording", len(states))]}
	if v.Recording == contact.RecordingEnded {
		v.File, v.SHA256, v.Bytes, v.Length = "a.wav", strings.Repeat("0", 64), 44, 1
	}
	return v
}

// telephones draws what has to do with calls that go outside, or that others hear.
func (w *world) telephones() contact.Command {
	var calls []queue.ContactState
	for _, c := range w.engine.Contacts() {
		if c.Contact.Channel == contact.Voice {
			calls = append(calls, c)
		}
	}
	if len(calls) == 0 || w.oneIn(6, "a new one") {
		if w.oneIn(2, "of ours") {
			return w.placeCall()
		}
		c := w.arrival()
		c.Channel = contact.Voice
		return contact.Arrive{Contact: c, Node: w.node(), Leg: contact.LegID("leg-" + c.ID)}
	}
	c := calls[w.pick("call", len(calls))]
	id, outside := c.Contact.ID, contact.Destination{Outside: "supplier"}
	switch {
	case c.Consult != nil && c.Consult.To != "":
		return w.ofOutside(c)
	case c.Consult != nil && c.Consult.Connected && w.oneIn(2, "three"):
		return contact.SetConference{Contact: id, Agent: c.Agent, On: !c.Conference || w.oneIn(4, "as it is")}
	case c.Consult != nil:
		return w.next(c)
	case w.oneIn(8, "recorded"):
		return w.recording(id, c.Recording)
	case c.State.Joined():
		return []contact.Command{
			contact.Transfer{Contact: id, Agent: c.Agent, To: outside},
			contact.Consult{Contact: id, Agent: c.Agent, To: outside},
			contact.Consult{Contact: id, Agent: c.Agent, To: outside},
			contact.Consult{Contact: id, Agent: c.Agent, To: w.destination()},
			contact.Supervise{Contact: id, Supervisor: w.supervisor(), Mode: w.mode()},
			contact.Supervise{Contact: id, Supervisor: w.supervisor(), Mode: w.mode()},
			contact.Mark{Contact: id, Agent: c.Agent, Mark: contact.MarkThreat},
			contact.HangUp{Contact: id, Agent: c.Agent},
		}[w.pick("of a talk", 8)]
	case c.State == contact.StateDialling && w.oneIn(2, "in vain"):
		return contact.FailDial{Offer: c.Offer.Offer, Reason: contact.DialBusy}
	default:
		return w.next(c)
	}
}

func (w *world) ofOutside(c queue.ContactState) contact.Command {
	id, outside := c.Contact.ID, contact.Destination{Outside: "supplier"}
	commands := []contact.Command{
		contact.Leave{Contact: id},
		contact.Drop{Contact: id},
		contact.HangUp{Contact: id, Agent: c.Agent},
		contact.EndConsult{Contact: id, Agent: c.Agent},
		contact.Resume{Contact: id, Agent: c.Agent},
		contact.Hold{Contact: id, Agent: c.Agent},
		contact.FailDial{Offer: c.Consult.Offer, Reason: contact.DialNoAnswer},
		contact.FailConnect{Offer: c.Consult.Offer},
		contact.FailConnect{Offer: c.Connected},
		contact.AcceptOffer{Offer: c.Consult.Offer},
		contact.HandOver{Contact: id, Agent: c.Agent, To: "supplier"},
		contact.Consult{Contact: id, Agent: c.Agent, To: outside},
		contact.Transfer{Contact: id, Agent: c.Agent, To: outside},
		contact.Transfer{Contact: id, Agent: c.Agent, To: w.destination()},
		contact.Supervise{Contact: id, Supervisor: w.supervisor(), Mode: w.mode()},
		contact.Tick{},
	}
	n := w.pick("of a call outside", 2*len(commands))
	switch {
	case n < len(commands):
		return commands[n]
	case !c.Consult.Connected:
		return contact.ConfirmConnected{Offer: c.Consult.Offer, Leg: "outside-leg"}
	case w.oneIn(2, "three"):
		return contact.SetConference{Contact: id, Agent: c.Agent, On: !c.Conference}
	default:
		return contact.CompleteTransfer{Contact: id, Agent: c.Agent}
	}
}

// anyOfTelephone draws one of the telephone's own commands among all others.
func (w *world) anyOfTelephone() contact.Command {
	id, agent := w.call()
	switch w.pick("of the telephone", 6) {
	case 0:
		return contact.SetConference{Contact: id, Agent: agent, On: w.oneIn(2, "on")}
	case 1:
		return contact.Supervise{Contact: id, Supervisor: w.supervisor(), Mode: w.mode()}
	case 2:
		id, agent = w.held()
		return contact.Mark{Contact: id, Agent: agent, Mark: []contact.MarkKind{contact.MarkThreat, contact.MarkNuisance, "rude"}[w.pick("mark", 3)]}
	case 3:
		return w.placeCall()
	case 4:
		state, _ := w.engine.Contact(id)
		return w.recording(id, state.Recording)
	default:
		return w.recording(w.contact(), "")
	}
}

// soundOthers checks who else is in a call: a conference has somebody who is asked, and nobody listens to what is no talk,
// or to two at once.
func (c *checker) soundOthers(k queue.ContactState, listens map[contact.AgentID]contact.ID) {
	if k.Conference && (k.Consult == nil || !k.Consult.Connected || k.State != contact.StateConnected) {
		c.t.Fatalf("%s is %s and a conference: %+v", k.Contact.ID, k.State, k.Consult)
	}
	if k.HandedBy != 0 && k.HandedOver == "" {
		c.t.Fatalf("%s was handed over by offer %d to nobody", k.Contact.ID, k.HandedBy)
	}
	for _, s := range k.Supervisors {
		if other, twice := listens[s.Supervisor]; twice || !k.State.Joined() || s.Mode == "" || s.Supervisor == k.Agent {
			c.t.Fatalf("%s is %s with %q and %v listen, in %q too", k.Contact.ID, k.State, k.Agent, k.Supervisors, other)
		}
		listens[s.Supervisor] = k.Contact.ID
	}
	if k.State == contact.StateDialling && k.Contact.Outgoing && !k.Callback && k.Offer == nil {
		c.t.Fatalf("%s is dialled for nobody", k.Contact.ID)
	}
}

// callsOutside checks a dial that is no call-back against the desk's limit.
func (c *checker) callsOutside(id contact.ID, now contact.Instant) {
	all := 0
	for _, d := range c.dials {
		if now < d.at.Add(3600_000) {
			all++
		}
	}
	if limit := int(c.follower.Rules().DialsPerHour); all >= limit {
		c.t.Fatalf("for %s somebody is dialled: %d of %d", id, all, limit)
	}
	c.dials = append(c.dials, dialled{id, now})
}
