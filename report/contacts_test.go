package report_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/report"
)

func arrived(id contact.ID, channel contact.Channel, at contact.Instant) contact.ContactArrived {
	return contact.ContactArrived{Contact: contact.Contact{ID: id, Channel: channel, Line: "staff", Arrived: at}}
}

func closed(id contact.ID, end contact.End, stage contact.Stage, waited contact.Millis) contact.ContactClosed {
	return contact.ContactClosed{Contact: id, End: end, Stage: stage, Waited: waited}
}

// everything is a query that leaves nobody out, as of an instant.
func everything(now contact.Instant) report.Query {
	return report.Query{From: time.UnixMilli(0), To: time.UnixMilli(1 << 42), By: report.Total, Now: now.Time()}
}

// only returns the one row of a fold.
func only(t *testing.T, f *report.ContactFold) report.Row {
	t.Helper()
	rows := f.Rows()
	if len(rows) != 1 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	return rows[0]
}

func TestEveryCallIsCountedOnce(t *testing.T) {
	t.Parallel()
	f := report.NewContactFold(everything(100_000))
	queued := func(id contact.ID) contact.ContactQueued { return contact.ContactQueued{Contact: id, Target: 60_000} }
	// answered after 20 s, 15 s of them in the queue; dropped in the talk and dialled later: still one, answered
	f.Add(arrived("a", contact.Voice, 1_000), 1_010)
	f.Add(queued("a"), 6_000)
	f.Add(contact.ContactConnected{Contact: "a"}, 21_000)
	f.Add(contact.ContactDropped{Contact: "a", From: contact.StateConnected}, 30_000)
	f.Add(contact.ContactConnected{Contact: "a"}, 90_000)
	f.Add(closed("a", contact.EndHandled, "", 20_000), 99_000)
	// hung up in the queue, once late and once soon, and before that
	for id, waited := range map[contact.ID]contact.Millis{"b": 5_000, "c": 4_999} {
		f.Add(arrived(id, contact.Voice, 0), 0)
		f.Add(queued(id), 1)
		f.Add(closed(id, contact.EndAbandoned, contact.StageQueue, waited), contact.Instant(waited))
	}
	f.Add(arrived("d", contact.Voice, 0), 0)
	f.Add(closed("d", contact.EndAbandoned, contact.StageMessage, 30_000), 30_000)
	// refused, closed, dropped for good
	f.Add(contact.ContactClosed{Contact: "e", End: contact.EndRefused, Response: 404, Refused: &contact.Contact{ID: "e", Channel: contact.Voice, Line: "staff"}}, 7)
	f.Add(arrived("f", contact.Voice, 0), 0)
	f.Add(closed("f", contact.EndOutsideHours, "", 9_000), 9_000)
	f.Add(arrived("g", contact.Voice, 0), 0)
	f.Add(queued("g"), 1)
	f.Add(closed("g", contact.EndDropped, contact.StageQueue, 1), 1)
	// dropped before an answer: dialled in time, dialled too late, and finished without a call
	for id, reached := range map[contact.ID]contact.Instant{"h": 60_000, "i": 60_002} {
		f.Add(arrived(id, contact.Voice, 0), 0)
		f.Add(queued(id), 1)
		f.Add(contact.ContactDropped{Contact: id, From: contact.StateWaiting}, 5)
		f.Add(contact.ContactConnected{Contact: id}, reached)
	}
	f.Add(arrived("j", contact.Voice, 0), 0)
	f.Add(queued("j"), 1)
	f.Add(contact.ContactDropped{Contact: "j", From: contact.StateWaiting}, 5)
	f.Add(closed("j", contact.EndHandled, "", 50), 50)
	// open: past its target, and not yet
	f.Add(arrived("k", contact.Voice, 0), 0)
	f.Add(queued("k"), 39_999)
	f.Add(arrived("l", contact.Voice, 50_000), 50_000)
	f.Add(queued("l"), 50_000)
	// not of this cohort
	f.Add(closed("z", contact.EndAbandoned, contact.StageQueue, 1), 1)

	want := report.Row{
		Key:     report.Key{Start: time.UnixMilli(0), Channel: contact.Voice, Line: "staff"},
		Offered: 12, Answered: 1, CalledBack: 3, OutsideHours: 1, Refused: 1, Dropped: 1, Open: 2,
		Abandoned: []report.Abandoned{
			{Stage: contact.StageBeforeAnswer},
			{Stage: contact.StageMessage, Count: 1},
			{Stage: contact.StageQueue, Count: 2, Short: 1},
			{Stage: contact.StageRinging},
			{Stage: contact.StageCallback},
		},
		Callbacks:    report.Callbacks{Contacts: 4, Reached: 3}, // a, h, i, j
		FromArrival:  report.Times{N: 1, Mean: 20_000, Median: 20_000, P90: 20_000, Max: 20_000},
		FromQueue:    report.Times{N: 1, Mean: 15_000, Median: 15_000, P90: 15_000, Max: 15_000},
		WithinTarget: 3,                                      // a, h, j
		Answerable:   1 + 1 + 1 + 3 + 1,                      // a; b; g; h, i, j; k
		StrictWithin: 3, StrictAnswerable: 1 + 3 + 1 + 3 + 1, // a; b, c, d; g; h, i, j; k
		Handling: report.Handling{Talk: once(18_000), Held: once(0), WrapUp: once(0), Total: once(18_000)}, // a, twice 9 s
	}
	got := only(t, f)
	got.Start = want.Start
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\ngot  %+v\nwant %+v", got, want)
	}
}

// A receipt, or opening a mail, is no answer; what an agent writes is.
func TestATextIsAnsweredByWhatIsWritten(t *testing.T) {
	t.Parallel()
	f := report.NewContactFold(everything(100_000))
	f.Add(arrived("replied", contact.Mail, 0), 0)
	f.Add(contact.ContactQueued{Contact: "replied", Target: 60_000}, 10)
	f.Add(contact.ContactConnected{Contact: "replied"}, 20_000)
	f.Add(contact.ContactReplied{Contact: "replied"}, 50_000)
	f.Add(closed("replied", contact.EndHandled, "", 50_000), 55_000)
	f.Add(arrived("spam", contact.Mail, 0), 0)
	f.Add(contact.ContactQueued{Contact: "spam", Target: 60_000}, 10)
	f.Add(contact.ContactConnected{Contact: "spam"}, 20_000)
	f.Add(closed("spam", contact.EndHandled, "", 70_000), 70_000)
	f.Add(arrived("opened", contact.Mail, 0), 0)
	f.Add(contact.ContactQueued{Contact: "opened", Target: 60_000}, 10)
	f.Add(contact.ContactConnected{Contact: "opened"}, 20_000)
	row := only(t, f)
	if row.Answered != 2 || row.Unreplied != 1 || row.Open != 1 || row.FromArrival.Max != 70_000 || row.FromArrival.Median != 50_000 {
		t.Errorf("got %+v", row)
	}
	if row.WithinTarget != 1 || row.Answerable != 3 {
		t.Errorf("within target: %d of %d", row.WithinTarget, row.Answerable)
	}
}

func TestRowsAreByIntervalChannelLineAndAudience(t *testing.T) {
	t.Parallel()
	query := everything(0)
	query.By, query.Channel = report.Hour, contact.Voice
	f := report.NewContactFold(query)
	// The hour that comes twice: 02:30 summer time and 02:30 winter time.
	for i, at := range []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T01:59:59Z"} {
		begin, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		f.Add(arrived(contact.ID(strconv.Itoa(i)), contact.Voice, contact.InstantOf(begin)), contact.InstantOf(begin))
	}
	f.Add(arrived("mail", contact.Mail, 0), 0)
	var got []string
	for _, row := range f.Rows() {
		got = append(got, row.Start.Format(time.RFC3339)+" "+strconv.Itoa(row.Offered))
	}
	if want := []string{"2026-10-25T02:00:00+02:00 1", "2026-10-25T02:00:00+01:00 2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	t.Parallel()
	f := report.NewContactFold(everything(0))
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(10) {
		id := contact.ID(strconv.Itoa(i))
		f.Add(arrived(id, contact.Voice, 0), 0)
		f.Add(contact.ContactConnected{Contact: id}, contact.Instant((i+1)*1000))
	}
	if got, want := only(t, f).FromArrival, (report.Times{N: 10, Mean: 5_500, Median: 5_000, P90: 9_000, Max: 10_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNothingIsNothing(t *testing.T) {
	t.Parallel()
	if rows := report.NewContactFold(everything(0)).Rows(); len(rows) != 0 {
		t.Errorf("got %+v", rows)
	}
	if row := report.NewContactFold(everything(0)).Total(); row.Offered != 0 || len(row.Abandoned) != 5 {
		t.Errorf("got %+v", row)
	}
}

// Whatever happens to contacts, every cohort adds up.
func TestEveryCohortAddsUp(t *testing.T) {
	t.Parallel()
	channels := []contact.Channel{contact.Voice, contact.Chat, contact.Mail, contact.Form}
	ends := []contact.End{contact.EndHandled, contact.EndAbandoned, contact.EndRefused, contact.EndDropped, contact.EndOutsideHours}
	rapid.Check(t, func(t *rapid.T) {
		f := report.NewContactFold(everything(500_000))
		offered := rapid.IntRange(0, 20).Draw(t, "contacts")
		for i := range offered {
			id := contact.ID(strconv.Itoa(i))
			now := contact.Instant(rapid.IntRange(0, 100_000).Draw(t, "arrived"))
			f.Add(arrived(id, rapid.SampledFrom(channels).Draw(t, "channel"), now), now)
			for range rapid.IntRange(0, 6).Draw(t, "events") {
				now += contact.Instant(rapid.IntRange(0, 50_000).Draw(t, "later"))
				f.Add(rapid.SampledFrom([]contact.Event{
					contact.ContactQueued{Contact: id, Target: 60_000},
					contact.ContactConnected{Contact: id},
					contact.ContactReplied{Contact: id},
					contact.ContactDropped{Contact: id},
				}).Draw(t, "event"), now)
			}
			if rapid.Bool().Draw(t, "closes") {
				f.Add(closed(id, rapid.SampledFrom(ends).Draw(t, "end"), rapid.SampledFrom(report.Stages()).Draw(t, "stage"), 7_000), now)
			}
		}
		total := f.Total()
		sum := total.Answered + total.CalledBack + total.OutsideHours + total.Refused + total.Dropped + total.Open
		for _, row := range total.Abandoned {
			sum += row.Count
		}
		if total.Offered != offered || sum != offered {
			t.Errorf("%d contacts, %d offered, and the rest makes %d", offered, total.Offered, sum)
		}
		if total.WithinTarget > total.Answerable || total.StrictWithin > total.StrictAnswerable || total.Unreplied > total.Answered {
			t.Errorf("a part is more than the whole: %+v", total)
		}
	})
}
