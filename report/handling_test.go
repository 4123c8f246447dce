package report_test

import (
	"reflect"
	"testing"

	"svar/contact"
	"svar/report"
)

// told is an event and when it was recorded.
type told struct {
	at    contact.Instant
	event contact.Event
}

func foldOf(now contact.Instant, events ...told) *report.ContactFold {
	f := report.NewContactFold(everything(now))
	for _, e := range events {
		f.Add(e.event, e.at)
	}
	return f
}

// once are the times of one contact.
func once(t contact.Millis) report.Times {
	return report.Times{N: 1, Mean: t, Median: t, P90: t, Max: t}
}

func connected(id contact.ID, offer contact.OfferID, agent contact.AgentID) contact.ContactConnected {
	return contact.ContactConnected{Contact: id, Offer: offer, Agent: agent}
}

// The time on hold is no talk, and each agent's time is his own: asterisk#759,
// FreePBX/issue-tracker#124
func TestHandlingIsTalkHoldAndWrapUp(t *testing.T) {
	t.Parallel()
	f := foldOf(200_000,
		told{0, arrived("k", contact.Voice, 0)},
		told{10_000, connected("k", 1, "anna")},
		told{12_000, contact.ContactHeld{Contact: "k", Agent: "anna"}},
		told{15_000, contact.ContactResumed{Contact: "k", Agent: "anna"}},
		told{20_000, contact.ContactHeld{Contact: "k", Agent: "anna"}},
		told{24_000, contact.ContactReturned{Contact: "k", Offer: 1, Agent: "anna"}}, // still on hold
		told{30_000, connected("k", 2, "bo")},
		told{50_000, contact.ContactHeld{Contact: "k", Agent: "bo"}},
		told{51_000, contact.ContactHungUp{Contact: "k", Agent: "bo"}}, // the user gave up on the music
		told{111_000, contact.ContactClosed{Contact: "k", End: contact.EndHandled, Agent: "bo", Code: "not-stated", Lapsed: true}},
	)
	want := report.Handling{Talk: once(27_000), Held: once(8_000), WrapUp: once(60_000), Total: once(95_000), Lapsed: 1}
	if got := only(t, f).Handling; got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	agents := []report.AgentRow{
		{Agent: "anna", Segments: 1, Returned: 1, Talk: once(7_000), Held: once(7_000), WrapUp: once(0)},
		{Agent: "bo", Segments: 1, Finished: 1, Lapsed: 1, Talk: once(20_000), Held: once(1_000), WrapUp: once(60_000)},
	}
	if got := f.Agents(); !reflect.DeepEqual(got, agents) {
		t.Errorf("got %+v\nwant %+v", got, agents)
	}
}

// Nothing is told of what goes on still, and a contact that no agent had took no time.
func TestHandlingIsOfWhatIsClosed(t *testing.T) {
	t.Parallel()
	f := foldOf(200_000,
		told{0, arrived("open", contact.Voice, 0)},
		told{1_000, connected("open", 1, "anna")},
		told{2_000, contact.ContactHeld{Contact: "open", Agent: "anna"}},
		told{0, arrived("left", contact.Voice, 0)},
		told{9_000, closed("left", contact.EndAbandoned, contact.StageQueue, 9_000)},
		told{0, arrived("wraps", contact.Voice, 0)},
		told{1_000, connected("wraps", 2, "bo")},
		told{4_000, contact.ContactHungUp{Contact: "wraps", Agent: "bo"}},
	)
	if got := only(t, f).Handling; got != (report.Handling{}) {
		t.Errorf("got %+v", got)
	}
	if got := f.Agents(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// A call that breaks has no wrap-up; one that is accounted for later took no more of its
// agent.
func TestABrokenCallHasNoWrapUp(t *testing.T) {
	t.Parallel()
	f := foldOf(200_000,
		told{0, arrived("k", contact.Voice, 0)},
		told{1_000, connected("k", 1, "anna")},
		told{2_000, contact.ContactHeld{Contact: "k", Agent: "anna"}},
		told{5_000, contact.ContactDropped{Contact: "k", From: contact.StateHeld, Agent: "anna"}},
		told{90_000, contact.ContactClosed{Contact: "k", End: contact.EndHandled, Stage: contact.StageCallback, Agent: "bo", Code: "solved"}},
		told{0, arrived("gone", contact.Voice, 0)},
		told{1_000, connected("gone", 2, "anna")},
		told{3_000, contact.ContactClosed{Contact: "gone", End: contact.EndDropped, Agent: "anna"}},
	)
	two := func(a, b contact.Millis) report.Times {
		return report.Times{N: 2, Mean: (a + b) / 2, Median: a, P90: b, Max: b}
	}
	want := []report.AgentRow{{Agent: "anna", Segments: 2, Dropped: 2, Talk: two(1_000, 2_000), Held: two(0, 3_000), WrapUp: two(0, 0)}}
	if got := f.Agents(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := only(t, f).Handling.Total; got != two(2_000, 4_000) {
		t.Errorf("got %+v", got)
	}
}

func TestQualityIsTheWorst(t *testing.T) {
	t.Parallel()
	const most = 1<<64 - 1
	for name, c := range map[string]struct {
		of   contact.Quality
		want report.CallQuality
	}{
		"nothing":   {contact.Quality{}, report.CallQuality{}},
		"a tenth":   {contact.Quality{Received: 900, Lost: 100, Jitter: 3, RoundTrip: 4}, report.CallQuality{Loss: 100_000, Jitter: 3, RoundTrip: 4}},
		"all":       {contact.Quality{Lost: 1}, report.CallQuality{Loss: 1_000_000}},
		"no limits": {contact.Quality{Received: most, Lost: most, RemoteLost: 255}, report.CallQuality{Loss: 500_000, RemoteLoss: 996_093}},
	} {
		if got := report.QualityOf(c.of); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	a, b := report.CallQuality{Loss: 1, RemoteLoss: 5, Jitter: 2, RoundTrip: 9}, report.CallQuality{Loss: 3, RemoteLoss: 4, Jitter: 1, RoundTrip: 10}
	if got, want := a.Worst(b), (report.CallQuality{Loss: 3, RemoteLoss: 5, Jitter: 2, RoundTrip: 10}); got != want || b.Worst(a) != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
