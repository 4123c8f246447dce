package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"svar/contact"
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
