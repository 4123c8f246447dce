package configs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/ivr"
)

const password = "hemligt-lösenord"

// mailbox is one mailbox; the arguments replace what it says of the key.
func mailbox(replace ...string) string {
	text := `mail:
  mailboxes:
    - id: desk
      name: {sv: Brevlåda, en: Mailbox}
      address: desk@example.org
      audience: staff
      language: sv
      service: mail
      needs: [{skill: staff, level: 2}]
      class: resident-impact
      target: 8h
      imap: {address: 'imap.example.org:993', username: desk, password: hemligt-lösenord}
      smtp: {address: '127.0.0.1:25', tls: none}
`
	return strings.NewReplacer(replace...).Replace(text)
}

func TestMailboxIsRead(t *testing.T) {
	t.Parallel()
	config := load(t, mailbox())
	box := config.Mail.Mailboxes[0]
	if box.Target != 8*60*60*1000 || box.Class.Contact() != contact.ClassResidentImpact ||
		box.IMAP.Mode() != configs.TLSImplicit || box.IMAP.FolderName() != "INBOX" || box.SMTP.Mode() != configs.TLSNone ||
		box.IMAP.Password.Reveal() != password {
		t.Errorf("the mailbox is %+v", box)
	}
	if want := `=?utf-8?q?Brevl=C3=A5da?= <desk@example.org>`; box.Sender() != want {
		t.Errorf("answers come from %s, want %s", box.Sender(), want)
	}
	want := contact.Needs{{Skill: "mail", Level: 1}, {Skill: "staff", Level: 2}}
	if got := config.MailNeeds(box, "sv"); !reflect.DeepEqual(got, want) {
		t.Errorf("a mail needs %v, want %v: those of the mailbox and of its service", got, want)
	}
}

func TestPasswordComesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	path := write(t, mailbox(", password: hemligt-lösenord", ""))
	env := map[string]string{"SVAR_MAIL_MAILBOXES_DESK_IMAP_PASSWORD": "0123", "SVAR_CHAT_TOPICS_CHAT_STAFF_AUDIENCE": "supplier"}
	config, err := configs.Load(path, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if config.Mail.Mailboxes[0].IMAP.Password.Reveal() != "0123" || config.Chat.Topics[0].Audience != contact.AudienceSupplier {
		t.Error("the environment did not win")
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	config := load(t, mailbox())
	asJSON, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	_, fault := configs.Load(write(t, mailbox("8h", "0h", "class: resident-impact", "class: x", "password: hemligt-lösenord}", "password: hemligt-lösenord, folder: 3}")), noEnv)
	_, wrong := configs.Load(write(t, mailbox("password: hemligt-lösenord", "password: {hemligt-lösenord: 1}")), noEnv)
	if fault == nil || wrong == nil {
		t.Fatal("a fault was accepted")
	}
	for _, text := range []string{fmt.Sprint(config), fmt.Sprintf("%+v %#v", config, config), string(asJSON), fault.Error(), wrong.Error()} {
		if strings.Contains(text, password) {
			t.Errorf("the password stands in %q", text)
		}
	}
}

func TestCertificatesOfMailServers(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	empty := filepath.Join(directory, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(directory, "missing.pem")
	refused(t, mailbox("username: desk", "ca_file: "+empty+", username: desk"), nil, "own.yaml:12:56:", "no certificate in PEM form")
	refused(t, mailbox("tls: none", "tls: starttls, ca_file: "+missing), nil, "own.yaml:13:", missing)
	if pool, err := load(t, mailbox()).Mail.Mailboxes[0].IMAP.Roots(); pool != nil || err != nil {
		t.Errorf("without a file the machine's certificates are used, not %v, %v", pool, err)
	}
}

func TestFormNeedsWhoWroteItAndWhatItIsAbout(t *testing.T) {
	t.Parallel()
	config := load(t, "")
	for _, test := range []struct {
		audience contact.Audience
		service  contact.ServiceID
		want     contact.Needs
	}{
		{contact.AudienceStaff, "school-platform", contact.Needs{{Skill: "platform", Level: 1}, {Skill: "staff", Level: 1}}},
		{contact.AudienceGuardian, "network", contact.Needs{{Skill: "network", Level: 1}, {Skill: "pupils", Level: 1}}},
		{contact.AudiencePupil, "other", contact.Needs{{Skill: "pupils", Level: 1}}},
		{contact.AudienceSupplier, "gone", nil},
	} {
		if got := config.FormNeeds(test.audience, test.service, "", "sv"); !reflect.DeepEqual(got, test.want) {
			t.Errorf("a form of %s about %s needs %v, want %v", test.audience, test.service, got, test.want)
		}
	}
}

func TestDefaultTopicsAskForEnglishInEnglish(t *testing.T) {
	t.Parallel()
	for _, topic := range load(t, "").Chat.Topics {
		run := topic.IVR().Start(ivr.Visit{Language: "en", Line: topic.ID, Open: true})
		if got, is := run.Next(ivr.Input{}).(ivr.Say); !is || got.Prompt.Name != "chat-queued" || got.Prompt.Language != "en" {
			t.Errorf("topic %s writes %#v", topic.ID, got)
		}
		queued, is := run.Next(ivr.Input{}).(ivr.Enqueue)
		if !is || queued.Needs[0].Skill != "english" || len(queued.Needs) != 2 {
			t.Errorf("topic %s needs %v", topic.ID, queued.Needs)
		}
		if got := run.Next(ivr.Input{}); got != nil {
			t.Errorf("topic %s goes on with %#v", topic.ID, got)
		}
	}
}

func TestDefaultRulesOfTheDesk(t *testing.T) {
	t.Parallel()
	rules := load(t, "").Rules()
	want := []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: 3, Beside: []contact.Channel{contact.Form, contact.Mail}},
		{Channel: contact.Form, Capacity: 2, Beside: []contact.Channel{contact.Mail}, OfferTimeout: 30_000},
		{Channel: contact.Mail, Capacity: 2, Beside: []contact.Channel{contact.Form}, OfferTimeout: 30_000},
		{Channel: contact.Voice, Capacity: 1, Beside: []contact.Channel{contact.Form, contact.Mail}},
	}
	if !reflect.DeepEqual(rules.Channels, want) {
		t.Errorf("the channels' rules are %+v, want %+v", rules.Channels, want)
	}
	if rules.UnreachableGrace != 30_000 || rules.DialTimeout != 45_000 || rules.DialsPerContact != 3 || rules.DialsPerHour != 60 {
		t.Errorf("the rules are %+v", rules)
	}
}

func TestRulesAreSortedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	config := load(t, "desk: {channels: [{channel: voice, capacity: 1, beside: [mail, form]}, {channel: chat, capacity: 5}]}\n")
	want := []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: 5},
		{Channel: contact.Voice, Capacity: 1, Beside: []contact.Channel{contact.Form, contact.Mail}},
	}
	if got := config.Rules().Channels; !reflect.DeepEqual(got, want) {
		t.Errorf("the channels' rules are %+v, want %+v", got, want)
	}
}

func TestDeskAndEntrancesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	channel := func(rule string) string { return "desk:\n  channels:\n    - {" + rule + "}\n" }
	topic := func(rest string) string {
		return "chat:\n  topics:\n    - id: t\n      name: {sv: t, en: t}\n      languages: [sv, en]\n" + rest
	}
	queue := "      flow: [{queue: {target: 60s}}]\n"
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"channel":                 {channel("channel: fax, capacity: 1"), []string{"own.yaml:3:17:", `no channel "fax"`}},
		"channel twice":           {channel("channel: mail, capacity: 1}\n    - {channel: mail, capacity: 1"), []string{"own.yaml:4:17:", "two rules"}},
		"capacity":                {channel("channel: mail, capacity: 0"), []string{"own.yaml:3:33:", "not one of 1–50"}},
		"two calls at once":       {channel("channel: voice, capacity: 2"), []string{"own.yaml:3:34:", "one caller at a time"}},
		"beside":                  {channel("channel: mail, capacity: 1, beside: [form, fax]"), []string{"own.yaml:3:51:", `no channel "fax"`}},
		"beside itself":           {channel("channel: mail, capacity: 1, beside: [mail]"), []string{"own.yaml:3:45:", "is its capacity"}},
		"beside twice":            {channel("channel: mail, capacity: 1, beside: [form, form]"), []string{"own.yaml:3:51:", "twice"}},
		"ring":                    {"desk: {dial_timeout: 0s}\n", []string{"own.yaml:1:22:", "longer than 0 s"}},
		"retention":               {"retention: {pupil_numbers: 0s}\n", []string{"own.yaml:1:28:", "longer than 0 s"}},
		"name in one language":    {"groups:\n  - {id: staff, name: {sv: x}}\n", []string{"own.yaml:2:", `language "en" is missing`}},
		"group twice":             {"groups:\n  - {id: a, name: {sv: x, en: x}}\n  - {id: a, name: {sv: x, en: x}}\n", []string{"own.yaml:3:10:", "taken by another group"}},
		"service of no group":     {"services:\n  - {id: a, name: {sv: x, en: x}, needs: [{skill: magic, level: 1}]}\n", []string{"own.yaml:2:51:", `no competence group "magic"`}},
		"category twice":          {"services:\n  - id: a\n    name: {sv: x, en: x}\n    categories: [{id: b, name: {sv: x, en: x}}, {id: b, name: {sv: x, en: x}}]\n", []string{"own.yaml:4:54:", "taken by another category"}},
		"origin with a path":      {"chat: {origins: ['https://example.org/']}\n", []string{"own.yaml:1:18:", "is no origin"}},
		"any origin":              {"chat: {origins: ['*']}\n", []string{"own.yaml:1:18:", "is no origin"}},
		"away":                    {"chat: {away_limit: 0s}\n", []string{"own.yaml:1:20:", "longer than 0 s"}},
		"topic is a line":         {strings.Replace(topic(queue), "id: t", "id: staff", 1), []string{"own.yaml:3:11:", "taken by another entrance"}},
		"topic in no language":    {strings.Replace(topic(queue), "[sv, en]", "[]", 1), []string{"own.yaml:3:", "needs a language"}},
		"topic in Finnish":        {strings.Replace(topic(queue), "[sv, en]", "[fi]", 1), []string{"own.yaml:5:19:", `no language "fi"`}},
		"topic of no service":     {topic("      service: magic\n" + queue), []string{"own.yaml:6:16:", `no service "magic"`}},
		"topic with a menu":       {topic("      flow: [{menu: {say: menu-staff, choices: {'1': {}}}}, {queue: {target: 60s}}]\n"), []string{"own.yaml:6:", "have no keys"}},
		"topic with music":        {topic("      flow: [{queue: {target: 60s, music: queue-music}}]\n"), []string{"own.yaml:6:43:", "nobody hears"}},
		"topic without a queue":   {topic("      flow: [{notices: true}]\n"), []string{"own.yaml:6:", "does not end in the queue"}},
		"prompt in Swedish only":  {"prompts: [{name: hi, text: {sv: Hej}}]\n" + topic("      flow: [{say: hi}, {queue: {target: 60s}}]\n"), []string{"own.yaml:7:", `no text in the language "en" of topic t`}},
		"address":                 {mailbox("desk@example.org", "Desk <desk@example.org>"), []string{"own.yaml:5:16:", "is no mail address"}},
		"from":                    {mailbox("audience: staff", "from: nobody"), []string{"own.yaml:6:13:", "is no sender"}},
		"mailbox of no service":   {mailbox("service: mail", "service: magic"), []string{"own.yaml:8:16:", `no service "magic"`}},
		"mailbox of no group":     {mailbox("skill: staff", "skill: magic"), []string{"own.yaml:9:23:", `no competence group "magic"`}},
		"target":                  {mailbox("8h", "0h"), []string{"own.yaml:11:15:", "above 0 s"}},
		"target is left":          {mailbox("      target: 8h\n", ""), []string{"own.yaml:3:", "above 0 s"}},
		"imap without a port":     {mailbox("imap.example.org:993", "imap.example.org"), []string{"own.yaml:12:23:", "is not host:port"}},
		"imap without TLS":        {mailbox("username: desk", "tls: none, username: desk"), []string{"own.yaml:12:", "does not protect a mailbox"}},
		"imap without a password": {mailbox(", password: hemligt-lösenord", ""), []string{"own.yaml:12:", "needs a username and a password"}},
		"smtp far without TLS":    {mailbox("127.0.0.1:25", "smtp.example.org:25"), []string{"own.yaml:13:", "on this machine only"}},
		"smtp TLS mode":           {mailbox("tls: none", "tls: maybe"), []string{"own.yaml:13:", `no TLS mode "maybe"`}},
		"base url":                {"portal: {base_url: servicedesk.example.org}\n", []string{"own.yaml:1:20:", "is no address of a site"}},
		"form is a line":          {"portal: {form: {id: staff}}\n", []string{"own.yaml:1:21:", "taken by another entrance"}},
		"form of no audience":     {"portal: {form: {needs: {robots: []}}}\n", []string{"own.yaml:1:", `no audience "robots"`}},
		"form of no group":        {"portal: {form: {needs: {staff: [{skill: magic, level: 1}]}}}\n", []string{"own.yaml:1:41:", `no competence group "magic"`}},
		"form target":             {"portal: {form: {target: 0h}}\n", []string{"own.yaml:1:25:", "above 0 s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, nil, test.want...)
		})
	}
}

// Requirement D3: longer is allowed by no default, and said.
func TestPupilsNumbersKeptLongAreWarnedOf(t *testing.T) {
	t.Parallel()
	config := load(t, "retention: {pupil_numbers: 48h}\n")
	if len(config.Warnings) != 1 || !strings.Contains(config.Warnings[0], "own.yaml:1:28:") {
		t.Errorf("warned of %q", config.Warnings)
	}
}
