package queue_test

import (
	"fmt"
	"testing"

	"svar/contact"
	"svar/queue"
)

// desk is a busy one: agents over 12 skills, and contacts that wait over 24 kinds of needs
// and two targets.
type desk struct {
	b      *testing.B
	engine *queue.Engine
	now    contact.Instant
	next   int
	offers []contact.ContactOffered
}

func newDesk(b *testing.B, agents, waiting int) *desk {
	b.Helper()
	d := &desk{b: b, engine: queue.New(), now: begin}
	rules := queue.DefaultRules()
	rules.OutcomeCodes = []contact.OutcomeCode{"solved"}
	d.step(contact.ChangeRules{Rules: rules})
	var roster contact.Roster
	for n := range agents {
		roster.Agents = append(roster.Agents, contact.Agent{
			ID: contact.AgentID(fmt.Sprintf("agent-%04d", n)),
			Skills: contact.NewNeeds(
				contact.Need{Skill: skill(n), Level: uint8(1 + n%5)},
				contact.Need{Skill: skill(n + 1), Level: uint8(1 + n%3)},
				contact.Need{Skill: skill(n + 5), Level: uint8(2 + n%3)},
			),
		})
	}
	d.step(contact.ChangeRoster{Roster: roster})
	for range waiting {
		d.arrive()
	}
	for _, agent := range roster.Agents {
		d.step(contact.SetReachable{Agent: agent.ID, Node: "node-1", Reachable: true})
		d.step(contact.SetPresence{Agent: agent.ID, Presence: contact.Ready})
	}
	return d
}

func skill(n int) contact.SkillID { return contact.SkillID(fmt.Sprintf("skill-%02d", n%12)) }

func (d *desk) step(command contact.Command) {
	d.b.Helper()
	events, err := d.engine.Step(command, d.now)
	if err != nil {
		d.b.Fatalf("%#v: %v", command, err)
	}
	for _, event := range events {
		if offered, is := event.(contact.ContactOffered); is {
			d.offers = append(d.offers, offered)
		}
	}
}

func (d *desk) arrive() {
	d.next++
	d.now++
	n := d.next
	id := contact.ID(fmt.Sprintf("contact-%08d", n))
	d.step(contact.Arrive{
		Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Arrived: d.now},
		Node:    "node-1", Leg: contact.LegID(id),
	})
	d.step(contact.Enqueue{
		Contact: id, Needs: contact.Needs{{Skill: skill(n), Level: uint8(1 + n%2)}}, Target: contact.Millis(60_000 * (1 + n%2)),
	})
}

// serve takes one offer through a whole call. The agent who is free then gets the next.
func (d *desk) serve() {
	offer := d.offers[0]
	d.offers = d.offers[1:]
	d.step(contact.AcceptOffer{Offer: offer.Offer, Agent: offer.Agent})
	d.step(contact.ConfirmConnected{Offer: offer.Offer, Leg: "agent-leg"})
	d.step(contact.Leave{Contact: offer.Contact})
	d.step(contact.Finish{Contact: offer.Contact, Agent: offer.Agent, Code: "solved"})
}

// A whole call with 10,000 waiting and 500 agents, all busy: arrival, queue, offer,
// accept, connect, hang-up, finish. Seven steps and one offer each.
func BenchmarkCallWith10000Waiting500Agents(b *testing.B) {
	d := newDesk(b, 500, 10_500)
	for b.Loop() {
		d.arrive()
		d.serve()
		d.now += 10
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(7*b.N), "ns/step")
}

// A whole call on a calm desk: nobody waits, 500 agents are free.
func BenchmarkCallWithNobodyWaiting500Agents(b *testing.B) {
	d := newDesk(b, 500, 0)
	for b.Loop() {
		d.arrive()
		d.serve()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}

// An offer that is declined goes back to the head of 10,000.
func BenchmarkDeclineWith10000Waiting(b *testing.B) {
	d := newDesk(b, 500, 10_500)
	for b.Loop() {
		offer := d.offers[0]
		d.offers = d.offers[1:]
		d.step(contact.DeclineOffer{Offer: offer.Offer, Agent: offer.Agent})
		d.now += 20
	}
}

func BenchmarkSnapshot10000Waiting(b *testing.B) {
	d := newDesk(b, 500, 10_500)
	var size int
	for b.Loop() {
		data, err := d.engine.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(size), "bytes")
}
