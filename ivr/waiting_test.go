package ivr_test

import (
	"reflect"
	"strings"
	"testing"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
)

// announcing is the queue with announcements, as a test may spoil it.
func announcing(spoil func(*ivr.Queue)) ivr.Step {
	step := queueStep()
	step.Queue.Announcements = []ivr.Announcement{
		{Tell: ivr.TellPlace, First: 30_000, Every: 60_000},
		{Tell: ivr.TellWait, First: 30_000, Every: 120_000},
		{Say: "tip", First: 60_000},
	}
	spoil(step.Queue)
	return step
}

func told(name, text string) ivr.Say {
	return ivr.Say{Prompt: channels.Prompt{Name: name, Language: "sv", Text: text}}
}

func musicFor(length contact.Millis) ivr.Loop {
	return ivr.Loop{Prompt: sv("queue-music"), Until: length}
}

// answered asks for the next action with the answer to what the flow asked.
func answered(t *testing.T, run *ivr.Run, in ivr.Input, want ivr.Action) {
	t.Helper()
	if got := run.Next(in); !reflect.DeepEqual(got, want) {
		t.Fatalf("with %+v the flow does\n%#v\nwant\n%#v", in, got, want)
	}
}

// Requirement 3.2f: place and expected wait after 30 s, again every 60 s.
func TestAnnouncementsComeInTheirTime(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{announcing(func(*ivr.Queue) {})}}.Start(open("sv"))
	expect(t, run, 0, staffQueue)
	expect(t, run, 0, musicFor(30_000))
	after(t, run, 30_000, 0, ivr.Ask{})
	answered(t, run, ivr.Input{Waited: 30_010, Place: 4, Expected: 270_000}, told("place", "Du är nummer fyra i kön."))
	after(t, run, 32_000, 0, ivr.Ask{})
	answered(t, run, ivr.Input{Waited: 32_010, Place: 4, Expected: 270_000}, told("wait", "Den beräknade väntetiden är ungefär fem minuter."))
	after(t, run, 36_000, 0, musicFor(24_000))
	after(t, run, 60_000, 0, ivr.Say{Prompt: sv("tip")})
	after(t, run, 70_000, 0, musicFor(20_000)) // the tip comes once
	after(t, run, 90_000, 0, ivr.Ask{})
	answered(t, run, ivr.Input{Waited: 90_010, Place: 1}, told("place", "Du är näst på tur i kön."))
	after(t, run, 92_000, 0, musicFor(58_000)) // the place, 60 s after it was told
}

// What nobody can say is not said, and its time comes again.
func TestUnknownPlaceIsNotTold(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{announcing(func(q *ivr.Queue) { q.Announcements = q.Announcements[:1] })}}.Start(open("sv"))
	expect(t, run, 0, staffQueue)
	after(t, run, 30_000, 0, ivr.Ask{})
	after(t, run, 30_000, 0, musicFor(60_000))
	after(t, run, 90_000, 0, ivr.Ask{})
	answered(t, run, ivr.Input{Waited: 90_000, Place: 2}, told("place", "Du är nummer två i kön."))
}

// Who talked in between and waits again hears once what came due meanwhile.
func TestWhatCameDueMeanwhileIsToldOnce(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{announcing(func(q *ivr.Queue) { q.Announcements = q.Announcements[:1] })}}.Start(open("sv"))
	expect(t, run, 0, staffQueue)
	expect(t, run, 0, musicFor(30_000))
	after(t, run, 600_000, 0, ivr.Ask{})
	answered(t, run, ivr.Input{Waited: 600_000, Place: 2}, told("place", "Du är nummer två i kön."))
	after(t, run, 602_000, 0, musicFor(58_000))
}

// The key that takes a call-back counts while something else is told.
func TestKeyCountsDuringAnAnnouncement(t *testing.T) {
	t.Parallel()
	step := offering(func(q *ivr.Queue) {
		q.Announcements = []ivr.Announcement{{Say: "tip", First: 90_000, Every: 60_000}}
	})
	run := ivr.Flow{Steps: []ivr.Step{step}}.Start(callable())
	expect(t, run, 0, staffQueue)
	after(t, run, 60_000, 0, offered)
	after(t, run, 65_000, 0, ivr.Loop{Prompt: sv("queue-music"), Until: 25_000, Keys: true})
	after(t, run, 90_000, 0, ivr.Say{Prompt: sv("tip"), Interruptible: true})
	after(t, run, 91_000, '2', calledBack)
}

func TestFlowWithAnnouncementsIsLegal(t *testing.T) {
	t.Parallel()
	flow := ivr.Flow{Steps: []ivr.Step{announcing(func(*ivr.Queue) {})}}
	if err := flow.Check(); err != nil {
		t.Fatal(err)
	}
	if got := flow.Prompts(); !reflect.DeepEqual(got, []string{"queue-music", "tip"}) {
		t.Errorf("the flow can play %q", got)
	}
}

func TestWrongAnnouncementsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*ivr.Queue)
		want  string
	}{
		"on the priority line":   {func(q *ivr.Queue) { q.Class = contact.ClassPriorityLine }, "on the priority line"},
		"where users write":      {func(q *ivr.Queue) { q.Music = "" }, "where nothing is played"},
		"nothing":                {func(q *ivr.Queue) { q.Announcements[0].Tell = "" }, "announcement 1 tells one thing"},
		"two things":             {func(q *ivr.Queue) { q.Announcements[1].Say = "tip" }, "announcement 2 tells one thing"},
		"something unknown":      {func(q *ivr.Queue) { q.Announcements[0].Tell = "weather" }, `tells "weather"`},
		"before the beginning":   {func(q *ivr.Queue) { q.Announcements[0].First = -1 }, "first after -1 ms"},
		"without a pause":        {func(q *ivr.Queue) { q.Announcements[2].Every = 14_999 }, "every 14999 ms"},
		"too many":               {func(q *ivr.Queue) { q.Announcements = make([]ivr.Announcement, 9) }, "there are 9 announcements"},
		"a call-back at no rest": {func(q *ivr.Queue) { q.Callback = &ivr.Callback{Say: "o", Done: "d", Key: "1", After: 1, Every: 1} }, "offered every 1 ms"},
	} {
		flow := ivr.Flow{Steps: []ivr.Step{announcing(test.spoil)}}
		if err := flow.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Check = %v, want %q", name, err, test.want)
		}
	}
}

// What a caller who presses nothing is queued with is known before he hears anything, unless he is asked.
func TestStraightWayToTheQueue(t *testing.T) {
	t.Parallel()
	straight := []ivr.Step{hours(nil, []ivr.Step{closeStep()}), say("welcome"), {Notices: true}, queueStep()}
	for name, test := range map[string]struct {
		steps []ivr.Step
		open  bool
		want  bool
	}{
		"straight": {straight, true, true},
		"closed":   {straight, false, false},
		"a menu":   {[]ivr.Step{menu(nil, choice("1")), queueStep()}, true, false},
	} {
		visit := open("sv")
		visit.Open = test.open
		queue, is := ivr.Flow{Steps: test.steps}.Straight(visit)
		if is != test.want || is && !reflect.DeepEqual(queue, staffQueue) {
			t.Errorf("%s: Straight = %+v, %t", name, queue, is)
		}
	}
}
