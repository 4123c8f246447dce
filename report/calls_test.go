package report_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"svar/contact"
	"svar/report"
)

func arrived(id contact.ID, at contact.Instant) contact.ContactArrived {
	return contact.ContactArrived{Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Arrived: at}}
}

func closed(id contact.ID, end contact.End, stage contact.Stage, waited contact.Millis) contact.ContactClosed {
	return contact.ContactClosed{Contact: id, End: end, Stage: stage, Waited: waited}
}

func TestEveryCallIsCountedOnce(t *testing.T) {
	t.Parallel()
	f := report.NewCallFold()
	// answered after 20 s, 15 s of them in the queue; dropped in the talk and finished later: still one, answered
	f.Add(arrived("a", 1_000), 1_010)
	f.Add(contact.ContactQueued{Contact: "a"}, 6_000)
	f.Add(contact.ContactConnected{Contact: "a"}, 21_000)
	f.Add(contact.ContactDropped{Contact: "a", From: contact.StateConnected}, 30_000)
	f.Add(contact.ContactConnected{Contact: "a"}, 90_000)
	f.Add(closed("a", contact.EndHandled, "", 20_000), 99_000)
	// hung up in the queue, once late and once soon
	f.Add(arrived("b", 0), 0)
	f.Add(closed("b", contact.EndAbandoned, contact.StageQueue, 5_000), 5_000)
	f.Add(arrived("c", 0), 0)
	f.Add(closed("c", contact.EndAbandoned, contact.StageQueue, 4_999), 4_999)
	f.Add(arrived("d", 0), 0)
	f.Add(closed("d", contact.EndAbandoned, contact.StageBeforeAnswer, 100), 100)
	// refused, dropped for good, called back, open
	f.Add(contact.ContactClosed{Contact: "e", End: contact.EndRefused, Response: 404, Refused: &contact.Contact{ID: "e"}}, 7)
	f.Add(arrived("f", 0), 0)
	f.Add(closed("f", contact.EndDropped, contact.StageQueue, 1), 1)
	f.Add(arrived("g", 0), 0)
	f.Add(contact.ContactDropped{Contact: "g", From: contact.StateWaiting}, 5)
	f.Add(closed("g", contact.EndHandled, "", 50), 50)
	f.Add(arrived("h", 0), 0)
	// not of this cohort
	f.Add(closed("z", contact.EndAbandoned, contact.StageQueue, 1), 1)

	want := report.Calls{
		Offered: 8, Answered: 1, CalledBack: 1, Refused: 1, Dropped: 1, Open: 1,
		Abandoned: []report.Abandoned{
			{Stage: contact.StageBeforeAnswer, Count: 1, Short: 1},
			{Stage: contact.StageMessage},
			{Stage: contact.StageQueue, Count: 2, Short: 1},
			{Stage: contact.StageRinging},
			{Stage: contact.StageCallback},
		},
		FromArrival: report.Times{N: 1, Median: 20_000, P90: 20_000},
		FromQueue:   report.Times{N: 1, Median: 15_000, P90: 15_000},
	}
	if got := f.Calls(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	t.Parallel()
	f := report.NewCallFold()
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(10) {
		id := contact.ID(strconv.Itoa(i))
		f.Add(arrived(id, 0), 0)
		f.Add(contact.ContactConnected{Contact: id}, contact.Instant((i+1)*1000))
	}
	if got, want := f.Calls().FromArrival, (report.Times{N: 10, Median: 5_000, P90: 9_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNothingIsNothing(t *testing.T) {
	t.Parallel()
	got := report.NewCallFold().Calls()
	if got.Offered != 0 || got.FromArrival != (report.Times{}) || len(got.Abandoned) != 5 {
		t.Errorf("got %+v", got)
	}
}
