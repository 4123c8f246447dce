package configs_test

import (
	"reflect"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/ivr"
)

const plainFlow = "    flow: [{say: closed}, {queue: {target: 60s, music: queue-music}}]\n"

// faultsOf returns what is wrong with the text; "" when nothing is.
func faultsOf(t *testing.T, text string) string {
	t.Helper()
	_, err := configs.Load(write(t, text), noEnv)
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestLineAnswersAtOnceOrRingsFirst(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]contact.Millis{
		"": 0, "    answer: at_once\n": 0, "    answer: ring_first\n": 20_000, "    answer: ring_first\n    ring_for: 7s\n": 7_000,
	} {
		if got := load(t, lineOf(more+plainFlow)).Lines[0].RingsFor(); got != want {
			t.Errorf("a line with %q rings for %d ms, want %d", more, got, want)
		}
	}
	for more, want := range map[string]string{
		"    answer: later\n":                        `:5:13: a line answers at_once or ring_first, not "later"`,
		"    ring_for: 5s\n":                         ":5:15: line a answers at once: ring_for means something",
		"    answer: ring_first\n    ring_for: 2s\n": ":6:15: calls ring for 2s before",
		"    answer: ring_first\n    ring_for: 2m\n": ":6:15: calls ring for 2m0s before",
	} {
		if got := faultsOf(t, lineOf(more+plainFlow)); !strings.Contains(got, want) {
			t.Errorf("a line with %q has the faults\n%s\nwant %q", more, got, want)
		}
	}
	menu := "    answer: ring_first\n    flow: [{menu: {say: menu-staff, choices: {'1': {}}}}, {queue: {target: 60s, music: queue-music}}]\n"
	if got := faultsOf(t, lineOf(menu)); !strings.Contains(got, ":5:13: line a rings first, but its flow asks for a key") {
		t.Errorf("a line that rings before its menu has the faults %q", got)
	}
}

func TestAnnouncementsAreReadAsTheyAreInterpreted(t *testing.T) {
	t.Parallel()
	text := "    flow: [{queue: {target: 60s, music: queue-music, callback: {say: callback-offer, after: 60s, every: 3m, key: '2', done: callback-promised},\n" +
		"      announcements: [{tell: place, first: 30s, every: 60s}, {say: tip-portal, first: 1m}]}}]\n"
	queue := load(t, lineOf(text)).Lines[0].IVR().Queues()[0]
	want := []ivr.Announcement{{Tell: ivr.TellPlace, First: 30_000, Every: 60_000}, {Say: "tip-portal", First: 60_000}}
	if !reflect.DeepEqual(queue.Announcements, want) || queue.Callback.Every != 180_000 {
		t.Errorf("the queue has %+v and the offer comes every %d ms", queue.Announcements, queue.Callback.Every)
	}
}

// Requirement 3.1f: the proof of a flow goes on into what is told to who waits.
func TestWrongAnnouncementsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]string{
		"class: priority, announcements: [{tell: place, first: 30s}]": ":5:11: the flow of line a: step 1: announcements are made on the priority line",
		"announcements: [{say: nothing, first: 30s}]":                 `plays the prompt "nothing", which does not exist`,
		"announcements: [{tell: weather, first: 30s}]":                `announcement 1 tells "weather"; there are place and wait`,
	} {
		text := "    flow: [{queue: {target: 60s, music: queue-music, " + more + "}}]\n"
		if got := faultsOf(t, lineOf(text)); !strings.Contains(got, want) {
			t.Errorf("%s has the faults\n%s\nwant %q", more, got, want)
		}
	}
}

// Requirement 3.2f of what a new installation does with those who wait.
func TestDefaultLinesTellWhoWaits(t *testing.T) {
	t.Parallel()
	for _, line := range load(t, "").Lines {
		for _, queue := range line.IVR().Queues() {
			if told := len(queue.Announcements) > 0; told != (line.ID != "priority") {
				t.Errorf("line %s tells those who wait something: %t", line.ID, told)
			}
		}
		for _, queue := range line.PartyIVR().Queues() {
			if len(queue.Announcements) > 0 || queue.Callback != nil {
				t.Errorf("the parties of line %s are told something", line.ID)
			}
		}
	}
}

func TestRecordingIsOffUnlessTheLineSaysAllOfIt(t *testing.T) {
	t.Parallel()
	for _, line := range load(t, "").Lines {
		if line.Recording.On {
			t.Errorf("line %s records without being told to", line.ID)
		}
	}
	right := "    recording: {on: true, announcement: closed, decline_key: '9', retention: 720h}\n" + plainFlow
	if got := load(t, lineOf(right)).Lines[0].Recording; got != (configs.Recording{On: true, Announcement: "closed", DeclineKey: "9", Retention: 30 * 24 * 3600_000}) {
		t.Errorf("the line records as %+v", got)
	}
	for more, want := range map[string]string{
		"    audience: pupil\n" + right:                                                                ":6:21: calls of a pupils' line are never recorded",
		"    answer: ring_first\n" + right:                                                             "line a rings first: nobody could hear",
		"    recording: {on: true, decline_key: '9', retention: 1h}\n" + plainFlow:                     "not recorded without an announcement",
		"    recording: {on: true, announcement: lost, decline_key: '9', retention: 1h}\n" + plainFlow: `plays the prompt "lost", which does not exist`,
		"    recording: {on: true, announcement: closed, retention: 1h}\n" + plainFlow:                 "without a key to decline",
		"    recording: {on: true, announcement: closed, decline_key: '9'}\n" + plainFlow:              "kept for 0s",
		"    recording: {on: true, announcement: closed, decline_key: '2', retention: 1h}\n" +
			"    flow: [{queue: {target: 60s, music: queue-music, callback: {say: callback-offer, after: 60s, key: '2', done: callback-promised}}}]\n": "the key 2 takes a call-back",
	} {
		if got := faultsOf(t, lineOf(more)); !strings.Contains(got, want) {
			t.Errorf("a line with %q has the faults\n%s\nwant %q", more, got, want)
		}
	}
}

func TestNuisanceIsSlowedAndNeverRefused(t *testing.T) {
	t.Parallel()
	if got := load(t, "").Desk.Nuisance; got != (configs.Nuisance{After: 3, Wait: 30_000, Keep: 720 * 3600_000}) {
		t.Errorf("nuisance is treated by %+v", got)
	}
	for more, want := range map[string]string{
		"wait: 3m":  ":1:25: a caller waits for 3m0s before he is queued",
		"keep: 10m": ":1:25: marks are kept for 10m0s",
		"keep: 30d": "is not a length of time",
	} {
		if got := faultsOf(t, "desk: {nuisance: {"+more+"}}\n"); !strings.Contains(got, want) {
			t.Errorf("%s has the faults\n%s\nwant %q", more, got, want)
		}
	}
}
