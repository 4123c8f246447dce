package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"svar/contact"
	"svar/queue"
)

// timeArrival puts a contact on record and returns how long it took until the sender knew that it is durable: by the bus, the
// engine and the journal with sync_always, and back.
func (w *world) timeArrival(ctx context.Context, number int) (time.Duration, error) {
	id := contact.ID(fmt.Sprintf("bench-%09d", number))
	command := contact.Arrive{
		Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Arrived: contact.InstantOf(time.Now())},
		Node:    "node-1", Leg: contact.LegID(id),
	}
	begun := time.Now()
	err := w.bus.Send(ctx, command)
	return time.Since(begun), err
}

// From command to durable event while 500 commands come in each second.
func BenchmarkDurableAt500CommandsPerSecond(b *testing.B) {
	w := newWorld(b)
	w.lead()
	took := make([]time.Duration, b.N)
	errs := make([]error, b.N)
	beat := time.NewTicker(time.Second / 500)
	defer beat.Stop()
	var senders sync.WaitGroup
	b.ResetTimer()
	for n := range b.N {
		<-beat.C
		senders.Go(func() { took[n], errs[n] = w.timeArrival(b.Context(), n) })
	}
	senders.Wait()
	b.StopTimer()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
}

// As much as 512 senders get through, who each wait for their last command to be durable.
func BenchmarkGroupCommit(b *testing.B) {
	w := newWorld(b)
	w.lead()
	const many = 512
	errs := make([]error, many)
	var senders sync.WaitGroup
	b.ResetTimer()
	for sender := range many {
		senders.Go(func() {
			for n := sender; n < b.N && errs[sender] == nil; n += many {
				_, errs[sender] = w.timeArrival(b.Context(), n)
			}
		})
	}
	senders.Wait()
	b.StopTimer()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkEverybodyIsRelaxed is what it takes to show that the needs of 10,000 mails give way at one instant, as
// those do that came overnight: it grows with their number, and not with its square.
func BenchmarkEverybodyIsRelaxed(b *testing.B) {
	const mails = 10_000
	engine, now := queue.New(), contact.Instant(1_800_000_000_000)
	step := func(command contact.Command) []contact.Event {
		events, err := engine.Step(command, now)
		if err != nil {
			b.Fatal(contact.CommandName(command), err)
		}
		return events
	}
	relaxing := rules
	relaxing.Groups = []contact.GroupRule{{Group: "staff", RelaxTexts: []contact.Relaxation{{After: 1_000, Kind: contact.RelaxAnyone}}}}
	step(contact.ChangeRules{Rules: relaxing})
	for n := range mails {
		id := contact.ID(fmt.Sprintf("mail-%09d", n))
		step(contact.Arrive{Contact: contact.Contact{ID: id, Channel: contact.Mail, Line: "mail", Language: "sv", Arrived: now}})
		step(enqueue(id))
	}
	now += 1_000
	events := step(contact.Tick{})
	if len(events) != mails {
		b.Fatalf("%d events", len(events))
	}
	d := &Dispatcher{engine: engine}
	for b.Loop() {
		var shown latest[contact.ID, int]
		for at, view := range d.touched(events).contacts {
			shown.add(view.Contact.ID, at)
		}
		if len(shown.list) != mails {
			b.Fatalf("%d views", len(shown.list))
		}
	}
}
