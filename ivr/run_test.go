package ivr_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
)

func open(language string) ivr.Visit { return ivr.Visit{Language: language, Line: "staff", Open: true} }

func sv(name string) channels.Prompt { return channels.Prompt{Name: name, Language: "sv"} }

// expect asks for the next action after a key (0: none) and compares it.
func expect(t *testing.T, run *ivr.Run, digit byte, want ivr.Action) {
	t.Helper()
	if got := run.Next(ivr.Input{Digit: digit}); !reflect.DeepEqual(got, want) {
		t.Fatalf("after the key %q the flow does\n%#v\nwant\n%#v", digit, got, want)
	}
}

var (
	menuSaid   = ivr.Say{Prompt: sv("menu"), Interruptible: true}
	keyWanted  = ivr.Collect{Timeout: 5_000}
	staffQueue = ivr.Enqueue{Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000}
	music      = ivr.Loop{Prompt: sv("queue-music")}
)

func TestCallerChoosesAfterTheMenu(t *testing.T) {
	t.Parallel()
	run := deskFlow().Start(open("sv"))
	expect(t, run, 0, ivr.Say{Prompt: sv("welcome")})
	expect(t, run, 0, menuSaid)
	expect(t, run, 0, keyWanted)
	expect(t, run, '1', ivr.Say{Prompt: sv("platform")})
	expect(t, run, 0, ivr.Enqueue{Needs: contact.Needs{{Skill: "platform", Level: 2}}, Target: 60_000})
	expect(t, run, 0, music)
	expect(t, run, 0, nil)
	expect(t, run, '1', nil)
}

func TestKeyDuringTheMenuChoosesAtOnce(t *testing.T) {
	t.Parallel()
	run := deskFlow().Start(open("sv"))
	expect(t, run, 0, ivr.Say{Prompt: sv("welcome")})
	expect(t, run, '1', menuSaid) // a key of the welcome is no choice: its meaning was not said yet
	expect(t, run, '2', ivr.Say{Prompt: sv("device")})
	expect(t, run, 0, staffQueue) // the branch goes on after the menu
}

func TestNoKeyAndWrongKeyEndInTheQueue(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][2]byte{"time-out": {0, 0}, "wrong keys": {'9', '#'}, "both": {0, '9'}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := deskFlow().Start(open("sv"))
			expect(t, run, 0, ivr.Say{Prompt: sv("welcome")})
			expect(t, run, 0, menuSaid)
			expect(t, run, 0, keyWanted)
			expect(t, run, keys[0], menuSaid) // once more
			expect(t, run, 0, keyWanted)
			expect(t, run, keys[1], staffQueue)
		})
	}
}

func TestClosedDeskSaysSo(t *testing.T) {
	t.Parallel()
	run := deskFlow().Start(ivr.Visit{Language: "en"})
	expect(t, run, 0, ivr.Close{Prompt: channels.Prompt{Name: "closed", Language: "en"}})
	expect(t, run, 0, nil)
}

func TestNeedsOfTheLanguageAreAdded(t *testing.T) {
	t.Parallel()
	step := queueStep()
	step.Queue.LanguageNeeds = map[string]contact.Needs{"en": {{Skill: "english", Level: 3}}}
	step.Queue.Class, step.Queue.Music = contact.ClassResidentImpact, ""
	flow := ivr.Flow{Steps: []ivr.Step{step}}
	swedish := ivr.Enqueue{Needs: contact.Needs{{Skill: "staff", Level: 1}}, Class: contact.ClassResidentImpact, Target: 60_000}
	english := swedish
	english.Needs = contact.Needs{{Skill: "english", Level: 3}, {Skill: "staff", Level: 1}}
	for language, want := range map[string]ivr.Enqueue{"sv": swedish, "en": english} {
		run := flow.Start(open(language))
		expect(t, run, 0, want)
		expect(t, run, 0, nil) // no music where users write
	}
}

var (
	untilOffered = ivr.Loop{Prompt: sv("queue-music"), Until: 60_000}
	offered      = ivr.Say{Prompt: sv("offer"), Interruptible: true}
	untilChosen  = ivr.Loop{Prompt: sv("queue-music"), Keys: true}
	calledBack   = ivr.CallBack{Prompt: sv("promised")}
)

// callable is the visit of a caller who can be called back.
func callable() ivr.Visit {
	visit := open("sv")
	visit.Callable = true
	return visit
}

// after asks for the next action of one who has waited for so long, and compares it.
func after(t *testing.T, run *ivr.Run, waited contact.Millis, digit byte, want ivr.Action) {
	t.Helper()
	if got := run.Next(ivr.Input{Waited: waited, Digit: digit}); !reflect.DeepEqual(got, want) {
		t.Fatalf("after %d ms and the key %q the flow does\n%#v\nwant\n%#v", waited, digit, got, want)
	}
}

func TestCallbackIsOfferedOnceToWhoHasWaited(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{offering(func(*ivr.Queue) {})}}.Start(callable())
	expect(t, run, 0, staffQueue)
	expect(t, run, 0, untilOffered)
	after(t, run, 60_000, '2', offered)     // a key from before the offer takes nothing
	after(t, run, 65_000, 0, untilChosen)   // he says nothing,
	after(t, run, 80_000, '9', untilChosen) // presses a wrong key,
	after(t, run, 90_000, '2', calledBack)  // and then decides
	after(t, run, 91_000, 0, untilChosen)   // an agent came first: he waits on, and may choose again
	after(t, run, 100_000, '2', calledBack)
}

func TestCallbackIsTakenWhileItIsOffered(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{offering(func(*ivr.Queue) {})}}.Start(callable())
	expect(t, run, 0, staffQueue)
	expect(t, run, 0, untilOffered)
	after(t, run, 60_000, 0, offered)
	after(t, run, 62_000, '2', calledBack)
}

func TestCallbackIsOfferedAgain(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{offering(func(q *ivr.Queue) { q.Callback.Every = 90_000 })}}.Start(callable())
	expect(t, run, 0, staffQueue)
	after(t, run, 60_000, 0, offered)
	after(t, run, 65_000, 0, ivr.Loop{Prompt: sv("queue-music"), Until: 85_000, Keys: true})
	after(t, run, 150_000, 0, offered)
	after(t, run, 151_000, '2', calledBack)
}

func TestCallbackIsOfferedAtOnceToWhoIsExpectedToWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expected contact.Millis
		want     ivr.Action
	}{{59_999, untilOffered}, {60_000, offered}} {
		run := ivr.Flow{Steps: []ivr.Step{offering(func(*ivr.Queue) {})}}.Start(callable())
		expect(t, run, 0, staffQueue)
		if got := run.Next(ivr.Input{Expected: test.expected}); !reflect.DeepEqual(got, test.want) {
			t.Errorf("who is expected to wait %d ms hears %#v, want %#v", test.expected, got, test.want)
		}
	}
}

// Requirement D2: who withholds the number cannot be called back, and is not told that he can.
func TestCallbackIsNotOfferedToWhoCannotBeCalled(t *testing.T) {
	t.Parallel()
	run := ivr.Flow{Steps: []ivr.Step{offering(func(*ivr.Queue) {})}}.Start(open("sv"))
	expect(t, run, 0, staffQueue)
	expect(t, run, 0, music)
	expect(t, run, 0, nil)
}

// Requirement 3.1i: messages are told before the queue, one that is published or withdrawn
// meanwhile included.
func TestEveryNoticeIsToldOnce(t *testing.T) {
	t.Parallel()
	mail := contact.Notice{ID: "mail", Text: map[string]string{"sv": "E-posten är nere.", "en": "Mail is down."}}
	wifi := contact.Notice{ID: "wifi", Text: map[string]string{"sv": "Nätet är nere."}}
	gone := contact.Notice{ID: "gone", Text: map[string]string{"sv": "Borta."}}
	flow := ivr.Flow{Steps: []ivr.Step{{Notices: true}, queueStep()}}

	run := flow.Start(open("en"))
	told := func(digit byte, notices ...contact.Notice) ivr.Action {
		return run.Next(ivr.Input{Digit: digit, Notices: notices})
	}
	want := ivr.SayNotice{Notice: mail, Prompt: channels.Prompt{Name: "notice", Language: "en", Text: "Mail is down."}}
	if got := told(0, mail, gone); !reflect.DeepEqual(got, want) {
		t.Fatalf("first comes %#v, want %#v", got, want)
	}
	// A key skips one message, no more; gone was withdrawn; the other has no English text.
	want = ivr.SayNotice{Notice: wifi, Prompt: channels.Prompt{Name: "notice", Language: "sv", Text: "Nätet är nere."}}
	if got := told('1', mail, wifi); !reflect.DeepEqual(got, want) {
		t.Fatalf("then comes %#v, want %#v", got, want)
	}
	if got := told(0, mail, wifi); !reflect.DeepEqual(got, staffQueue) {
		t.Fatalf("at last comes %#v, want the queue", got)
	}
}

// Requirement 3.1f, for every flow that Check lets pass, whatever keys are pressed.
func TestLegalFlowAlwaysEndsInTheQueueWhileOpen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		flow := ivr.Flow{Steps: randomSteps(t, 2, "flow")}
		if flow.Check() != nil {
			t.SkipNow()
		}
		run := flow.Start(callable())
		queued, waited := 0, contact.Millis(0)
		for range 1000 {
			waited += contact.Millis(rapid.IntRange(0, 60_000).Draw(t, "passed"))
			in := ivr.Input{Waited: waited, Place: 3, Expected: 120_000, Digit: rapid.SampledFrom([]byte{0, 0, '1', '2', '3', '9', '*', 'A'}).Draw(t, "digit")}
			if rapid.Bool().Draw(t, "outage") {
				in.Notices = []contact.Notice{{ID: "n", Text: map[string]string{"sv": "Driftstörning."}}}
			}
			switch run.Next(in).(type) {
			case ivr.Close:
				t.Fatal("a caller was turned away while the desk was open")
			case ivr.Enqueue:
				queued++
			case ivr.CallBack:
				if queued != 1 {
					t.Fatalf("the caller was queued %d times before he is called back", queued)
				}
				return
			case nil:
				if queued != 1 {
					t.Fatalf("the caller was queued %d times", queued)
				}
				return
			}
		}
		if queued != 1 { // else he waits in the queue and never takes the call-back
			t.Fatal("the flow goes on for ever before the queue")
		}
	})
}

// randomSteps draws a list of steps that often, but not always, is a legal flow.
func randomSteps(t *rapid.T, depth int, label string) []ivr.Step {
	kinds := []string{"say", "notices"}
	if depth > 0 {
		kinds = append(kinds, "hours", "menu")
	}
	var steps []ivr.Step
	for range rapid.IntRange(0, 3).Draw(t, label+" length") {
		switch rapid.SampledFrom(kinds).Draw(t, label+" kind") {
		case "say":
			steps = append(steps, say("prompt"))
		case "notices":
			steps = append(steps, ivr.Step{Notices: true})
		case "hours":
			steps = append(steps, hours(randomSteps(t, depth-1, "open"), randomSteps(t, depth-1, "closed")))
		case "menu":
			var choices []ivr.Choice
			for _, key := range []string{"1", "2", "*"}[:rapid.IntRange(1, 3).Draw(t, "choices")] {
				choices = append(choices, choice(key, randomSteps(t, depth-1, "choice")...))
			}
			steps = append(steps, menu(randomSteps(t, depth-1, "otherwise"), choices...))
		}
	}
	switch end := rapid.IntRange(0, 9).Draw(t, label+" end"); {
	case depth == 2 && end > 0, end > 6:
		step := queueStep()
		if rapid.Bool().Draw(t, label+" callback") {
			step = offering(func(q *ivr.Queue) { q.Callback.Key = "9" })
		}
		if rapid.Bool().Draw(t, label+" announcements") {
			step.Queue.Announcements = []ivr.Announcement{
				{Tell: ivr.TellPlace, First: 30_000, Every: 60_000}, {Tell: ivr.TellWait}, {Say: "tip", First: 90_000},
			}
		}
		steps = append(steps, step)
	case end == 6:
		steps = append(steps, closeStep())
	}
	return steps
}
