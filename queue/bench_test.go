package queue_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"svar/contact"
	"svar/queue"
)

// desk is a busy one: agents who have three of its groups each, and contacts that wait for one group, at two levels
// and with two targets.
type desk struct {
	b      *testing.B
	groups int
	engine *queue.Engine
	now    contact.Instant
	next   int
	offers []contact.ContactOffered
	// talking are the offers of those who are connected, the oldest first.
	talking []contact.ContactOffered
	// tape keeps what was decided, when it is not nil.
	tape *[]recorded
}

func newDesk(b *testing.B, agents, waiting, groups int) *desk {
	b.Helper()
	d := &desk{b: b, groups: groups, engine: queue.New(), now: begin}
	rules := queue.DefaultRules()
	rules.OutcomeCodes = []contact.OutcomeCode{"solved"}
	d.step(contact.ChangeRules{Rules: rules})
	var roster contact.Roster
	for n := range agents {
		roster.Agents = append(roster.Agents, contact.Agent{
			ID: contact.AgentID(fmt.Sprintf("agent-%05d", n)),
			Skills: contact.NewNeeds(
				contact.Need{Skill: d.skill(n), Level: uint8(1 + n%5)},
				contact.Need{Skill: d.skill(n + 1), Level: uint8(1 + n%3)},
				contact.Need{Skill: d.skill(n + 5), Level: uint8(2 + n%3)},
			),
		})
	}
	// Applied, since a command may not have so many.
	if err := d.engine.Apply(contact.RosterChanged{Roster: roster}, d.now); err != nil {
		b.Fatal(err)
	}
	for range waiting {
		d.arrive()
	}
	for _, agent := range roster.Agents {
		d.step(contact.SetReachable{Agent: agent.ID, Node: "node-1", Reachable: true})
		d.step(contact.SetPresence{Agent: agent.ID, Presence: contact.Ready})
	}
	return d
}

func (d *desk) skill(n int) contact.SkillID {
	return contact.SkillID(fmt.Sprintf("group-%03d", n%d.groups))
}

func (d *desk) step(command contact.Command) {
	d.b.Helper()
	events, err := d.engine.Step(command, d.now)
	if d.tape != nil {
		*d.tape = append(*d.tape, recorded{d.now, events})
	}
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
	d.step(d.arrival())
	d.step(d.enqueueing())
}

func (d *desk) id() contact.ID { return contact.ID(fmt.Sprintf("contact-%08d", d.next)) }

func (d *desk) arrival() contact.Arrive {
	id := d.id()
	return contact.Arrive{
		Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Arrived: d.now},
		Node:    "node-1", Leg: contact.LegID(id),
	}
}

func (d *desk) enqueueing() contact.Enqueue {
	n := d.next
	return contact.Enqueue{
		Contact: d.id(), Needs: contact.Needs{{Skill: d.skill(n), Level: uint8(1 + n%2)}}, Target: contact.Millis(60_000 * (1 + n%2)),
	}
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
	d := newDesk(b, 500, 10_500, 12)
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
	d := newDesk(b, 500, 0, 12)
	for b.Loop() {
		d.arrive()
		d.serve()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}

// An offer that is declined goes back to the head of 10,000.
func BenchmarkDeclineWith10000Waiting(b *testing.B) {
	d := newDesk(b, 500, 10_500, 12)
	for b.Loop() {
		offer := d.offers[0]
		d.offers = d.offers[1:]
		d.step(contact.DeclineOffer{Offer: offer.Offer, Agent: offer.Agent})
		d.now += 20
	}
}

// The largest desk that is promised: one step with 100,000 waiting, 10,000 agents, all busy, and 300 groups, and for the
// growth of its cost the same with 1,000 waiting. A step is one of the seven of a whole call, in turn. The
// quantiles hold the clock's own cost of some 50 ns.
func BenchmarkStep(b *testing.B) {
	for _, size := range []struct{ waiting, agents, groups int }{{1000, 10_000, 300}, {100_000, 10_000, 300}} {
		b.Run(fmt.Sprintf("waiting=%d/agents=%d/groups=%d", size.waiting, size.agents, size.groups), func(b *testing.B) {
			d := newDesk(b, size.agents, size.waiting+size.agents, size.groups)
			talking := d.offers
			for d.offers = nil; len(talking) > 0; talking = talking[1:] {
				d.step(contact.AcceptOffer{Offer: talking[0].Offer, Agent: talking[0].Agent})
				d.step(contact.ConfirmConnected{Offer: talking[0].Offer, Leg: "agent-leg"})
				d.talking = append(d.talking, talking[0])
			}
			took := make([]time.Duration, 0, 1<<20)
			b.ReportAllocs()
			next := d.call()
			for b.Loop() {
				begun := time.Now()
				next()
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
		})
	}
}

// call returns what plays the steps of one call after the other, one each time: the oldest talk ends, and its agent gets
// the next.
func (d *desk) call() func() {
	at, over, offer := 0, contact.ContactOffered{}, contact.ContactOffered{}
	return func() {
		switch at++; at {
		case 1:
			over = d.talking[0]
			d.talking = d.talking[1:]
			d.step(contact.Leave{Contact: over.Contact})
		case 2:
			d.step(contact.Finish{Contact: over.Contact, Agent: over.Agent, Code: "solved"})
		case 3:
			offer = d.offers[0]
			d.offers = d.offers[1:]
			d.step(contact.AcceptOffer{Offer: offer.Offer, Agent: offer.Agent})
		case 4:
			d.step(contact.ConfirmConnected{Offer: offer.Offer, Leg: "agent-leg"})
			d.talking = append(d.talking, offer)
		case 5:
			d.next++
			d.step(d.arrival())
		case 6:
			d.step(d.enqueueing())
		default:
			at = 0
			d.now += 10
			d.step(contact.Tick{})
		}
	}
}

// A whole desk is written and read: 100,000 waiting, 10,000 agents, 300 groups.
func BenchmarkSnapshotAndRestore100000Waiting(b *testing.B) {
	d := newDesk(b, 10_000, 110_000, 300)
	data, err := d.engine.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.engine.Snapshot(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(data)), "bytes")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := queue.Restore(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Replay: the events of whole calls are read from their wire form, in records of some fifty, and applied.
func BenchmarkReplay(b *testing.B) {
	tape := []recorded{}
	d := newDesk(b, 500, 10_500, 12)
	begun, err := d.engine.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	d.tape = &tape
	for range 2000 {
		d.arrive()
		d.serve()
		d.now += 10
	}
	type record struct {
		now  contact.Instant
		data []byte
	}
	var records []record
	events := 0
	for batch := range slices.Chunk(tape, 50) {
		var all contact.Events
		for _, step := range batch {
			all = append(all, step.events...)
		}
		data, err := json.Marshal(all)
		if err != nil {
			b.Fatal(err)
		}
		events += len(all)
		records = append(records, record{batch[len(batch)-1].now, data})
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, r := range records {
				var read contact.Events
				if err := json.Unmarshal(r.data, &read); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("apply", func(b *testing.B) { // of events that are decoded already
		read := make([]contact.Events, len(records))
		for i, r := range records {
			if err := json.Unmarshal(r.data, &read[i]); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			b.StopTimer()
			follower, err := queue.Restore(begun)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			for i, r := range records {
				for _, event := range read[i] {
					if err := follower.Apply(event, r.now); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("decode-and-apply", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			follower, err := queue.Restore(begun)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			for _, r := range records {
				var read contact.Events
				if err := json.Unmarshal(r.data, &read); err != nil {
					b.Fatal(err)
				}
				for _, event := range read {
					if err := follower.Apply(event, r.now); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

func BenchmarkSnapshot10000Waiting(b *testing.B) {
	d := newDesk(b, 500, 10_500, 12)
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
