package configs_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
)

// base is a configuration with one entrance of each kind.
const base = `
hours_sets: [{id: office, weekly: {everyday: ["08:00-17:00"]}}]
prompts:
  - {name: closed, text: {sv: Stängt, en: Closed}}
  - {name: hello, text: {sv: Hej, en: Hello}}
lines:
  - id: staff
    number: "+46850800100"
    language: sv
    flow: [{say: hello}, {queue: {target: 60s, music: queue-music}}]
  - id: old
    number: "+46850800101"
    language: sv
    hours: office
    flow: [{queue: {target: 60s, music: queue-music}}]
chat: {topics: [{id: talk, name: {sv: t, en: t}, languages: [sv], flow: [{queue: {target: 60s}}]}]}
`

func TestWhatIsTakenOverWhileContactsGoOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		more             string
		changed, restart []string
	}{
		"nothing":      {},
		"the desk":     {more: "desk: {rise_after: 200, outcome_codes: [solved], voice_grace: 10s}\n", changed: []string{"desk.outcome_codes", "desk.rise_after"}, restart: []string{"desk.voice_grace"}},
		"hours":        {more: "hours: {exceptions: [{date: 2026-12-24, open: []}]}\n", changed: []string{"hours.exceptions"}},
		"a closed day": {more: "hours: {weekly: {sunday: []}}\n", changed: []string{"hours.weekly.sunday"}},
		"addresses":    {more: "http: {address: '127.0.0.1:9'}\nphone: {max_calls: 3}\nnats: {url: 'nats://x'}\n", restart: []string{"http.address", "nats.url", "phone.max_calls"}},
		"languages":    {more: "languages: {en: []}\n", changed: []string{"chat.topics.talk.flow", "languages", "lines.old.flow", "lines.staff.flow"}},
		"the form":     {more: "portal: {base_url: 'https://x', form: {id: other, target: 4h}}\n", changed: []string{"portal.form.target"}, restart: []string{"portal.base_url", "portal.form.id"}},
		"retention":    {more: "retention: {pupil_numbers: 1h}\n", changed: []string{"retention.pupil_numbers"}},
		"the log":      {more: "log: {level: debug}\n", restart: []string{"log.level"}},
		"a mailbox":    {more: mailbox(), restart: []string{"mail.mailboxes.desk"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, load(t, base), load(t, base+test.more), test.changed, test.restart)
		})
	}
}

// compare takes next over and says what differs from the expected. Asked again, nothing is left to
// be done but the restart.
func compare(t *testing.T, old, next configs.Config, changed, restart []string) configs.Config {
	t.Helper()
	live, difference := old.TakeOver(next)
	slices.Sort(difference.Changed)
	slices.Sort(difference.Restart)
	if !slices.Equal(difference.Changed, changed) || !slices.Equal(difference.Restart, restart) {
		t.Errorf("changed are %q, want %q; a restart is needed by %q, want %q", difference.Changed, changed, difference.Restart, restart)
	}
	again, difference := live.TakeOver(next)
	slices.Sort(difference.Restart)
	if len(difference.Changed) > 0 || !slices.Equal(difference.Restart, restart) || !reflect.DeepEqual(again, live) {
		t.Errorf("taken over again, changed are %q, and a restart is needed by %q, want %q", difference.Changed, difference.Restart, restart)
	}
	return live
}

// Who is on a line, in a chat or counts by hours that a file has no more can go on.
func TestWhatIsGoneStaysUntilTheRestart(t *testing.T) {
	t.Parallel()
	live := compare(t, load(t, base), load(t, `
prompts: [{name: closed, text: {sv: Nytt, en: Closed}}]
lines:
  - id: new
    number: "+46850800102"
    language: sv
    flow: [{queue: {target: 60s, music: queue-music}}]
  - id: staff
    number: "+46850800109"
    language: sv
    flow: [{queue: {target: 30s, music: queue-music}}]
chat: {topics: [{id: old, name: {sv: t, en: t}, languages: [sv], flow: [{queue: {target: 60s}}]}, {id: more, name: {sv: t, en: t}, languages: [sv], flow: [{queue: {target: 60s}}]}]}
`), []string{"chat.topics.more", "lines.staff.flow", "prompts.closed.text"},
		[]string{"chat.topics.old", "chat.topics.talk", "hours_sets.office", "lines.new", "lines.old", "lines.staff.number", "prompts.hello"})
	var lines, topics []contact.LineID
	for _, line := range live.Lines {
		lines = append(lines, line.ID)
	}
	for _, topic := range live.Chat.Topics {
		topics = append(topics, topic.ID)
	}
	if !slices.Equal(lines, []contact.LineID{"staff", "old"}) || !slices.Equal(topics, []contact.LineID{"more", "talk"}) {
		t.Errorf("the lines are %q, the topics %q", lines, topics)
	}
	staff := live.Lines[0]
	if staff.Number != "+46850800100" || staff.IVR().Queues()[0].Target != 30_000 {
		t.Errorf("the line is %+v", staff)
	}
	if live.PromptText("closed", "sv") != "Nytt" || live.PromptText("hello", "sv") != "Hej" {
		t.Error("a prompt is not the new one, or is gone")
	}
	if len(live.Rules().Hours) != 2 {
		t.Errorf("the rules have the hours %+v", live.Rules().Hours)
	}
}

// Who hears a prompt in a language hears it to the end of his way.
func TestPromptsKeepTheirLanguagesUntilTheRestart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		changed []string
		sv      string
	}{
		"{sv: Hej}": {sv: "Hej"}, "{sv: Ny}": {changed: []string{"prompts.hello.text"}, sv: "Ny"},
	} {
		next := strings.Replace(base, "{sv: Hej, en: Hello}", text, 1)
		live := compare(t, load(t, base), load(t, next), want.changed, []string{"prompts.hello.text.en"})
		if sv, en := live.PromptText("hello", "sv"), live.PromptText("hello", "en"); sv != want.sv || en != "Hello" {
			t.Errorf("after %s it says %q and %q", text, sv, en)
		}
	}
}

// A text that was taken in before a restart may count in hours that are no more: the queue would refuse it.
func TestTextsCountInHoursThatThereAre(t *testing.T) {
	t.Parallel()
	config := load(t, base)
	for id, want := range map[contact.HoursID]contact.HoursID{"": "", "desk": "desk", "office": "office", "gone": "desk"} {
		if got := config.StillCounted(id); got != want {
			t.Errorf("%q counts in %q, want %q", id, got, want)
		}
	}
}

// Hours that are kept at every reading are bounded: the rules are recorded whole.
func TestTooManyHoursAreNotKept(t *testing.T) {
	t.Parallel()
	of := func(name string) configs.Config {
		text := "hours_sets:\n"
		for i := range 6 {
			text += fmt.Sprintf("  - {id: %s%d, weekly: {everyday: [\"08:00-17:00\"]}}\n", name, i)
		}
		return load(t, text)
	}
	live, _ := of("a").TakeOver(of("b"))
	if err := live.CheckKept(); err != nil {
		t.Error(err)
	}
	live, _ = live.TakeOver(of("c"))
	if err := live.CheckKept(); err == nil || !strings.Contains(err.Error(), "there are 18; 12 is the most: restart first") {
		t.Errorf("18 sets of hours: %v", err)
	}
}

func TestMailboxIsReadByTheServerItHasAndSortedByTheNewRules(t *testing.T) {
	t.Parallel()
	live := compare(t, load(t, mailbox()), load(t, mailbox("8h", "4h", "imap.example.org:993", "imap.example.net:993")),
		[]string{"mail.mailboxes.desk.target"}, []string{"mail.mailboxes.desk.imap.address"})
	if box := live.Mail.Mailboxes[0]; box.Target != 4*3_600_000 || box.IMAP.Address != "imap.example.org:993" {
		t.Errorf("the mailbox is %+v", box)
	}
}
