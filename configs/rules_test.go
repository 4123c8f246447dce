package configs_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/ivr"
	"svar/queue"
)

func groupRule(rules contact.Rules, group contact.SkillID) contact.GroupRule {
	for _, rule := range rules.Groups {
		if rule.Group == group {
			return rule
		}
	}
	return contact.GroupRule{}
}

// What a new installation does: requirement 2.3d, and what a service desk would choose.
func TestDefaultRulesOfTheQueue(t *testing.T) {
	t.Parallel()
	rules := load(t, "").Rules()
	for group, want := range map[contact.SkillID]contact.GroupRule{
		"contact-centre": {
			Relax:      []contact.Relaxation{{After: 10_000, Kind: contact.RelaxAnyone}},
			RelaxTexts: []contact.Relaxation{{After: 1_800_000, Kind: contact.RelaxAnyone}},
		},
		"staff": {BreaksAtOnce: 5, Relax: []contact.Relaxation{
			{After: 60_000, Kind: contact.RelaxOverflow, Group: "pupils", Level: 1}, {After: 180_000, Kind: contact.RelaxAnyone},
		}, RelaxTexts: []contact.Relaxation{
			{After: 14_400_000, Kind: contact.RelaxOverflow, Group: "pupils", Level: 1}, {After: 28_800_000, Kind: contact.RelaxAnyone},
		}},
		"pupils": {BreaksAtOnce: 5, Relax: []contact.Relaxation{
			{After: 60_000, Kind: contact.RelaxOverflow, Group: "staff", Level: 1}, {After: 180_000, Kind: contact.RelaxAnyone},
		}, RelaxTexts: []contact.Relaxation{
			{After: 14_400_000, Kind: contact.RelaxOverflow, Group: "staff", Level: 1}, {After: 28_800_000, Kind: contact.RelaxAnyone},
		}},
		"english": {
			Relax:      []contact.Relaxation{{After: 90_000, Kind: contact.RelaxDrop}},
			RelaxTexts: []contact.Relaxation{{After: 28_800_000, Kind: contact.RelaxDrop}},
		},
	} {
		want.Group = group
		if got := groupRule(rules, group); !reflect.DeepEqual(got, want) {
			t.Errorf("the rule of %s is %+v, want %+v", group, got, want)
		}
	}
	want := []contact.PauseRule{{Reason: "break", Limit: 900_000, Break: true}, {Reason: "lunch", Limit: 2_700_000, Break: true}, {Reason: "meeting"}, {Reason: "other-work"}}
	if !reflect.DeepEqual(rules.PauseReasons, want) {
		t.Errorf("the pause reasons are %+v, want %+v", rules.PauseReasons, want)
	}
	if rules.RiseAfter != 300 || rules.ImpactFrom != 10 || rules.RampUp != 10_000 || rules.PreferFor != 20_000 || rules.PreferWithin != 7*24*3_600_000 ||
		rules.TransferWait != 30_000 || rules.CallbackTries != 3 || rules.RetryAfter != 600_000 || rules.AppointmentWait != 300_000 {
		t.Errorf("the rules are %+v", rules)
	}
}

// The rules are recorded whole and compared byte by byte: they stand in one order, whatever the
// file's is.
func TestRulesOfGroupsAndHoursAreSorted(t *testing.T) {
	t.Parallel()
	rules := load(t, `
hours_sets:
  - {id: office, weekly: {everyday: ["08:00-17:00"]}}
  - {id: "archive", weekly: {everyday: ["09:00-10:00"]}}
groups:
  - {id: staff, name: {sv: x, en: x}, relax: [{after: 5s, level: 3}, {after: 10s, level: 1}, {after: 20s, overflow: english, level: 2}, {after: 30s, anyone: true}]}
  - {id: english, name: {sv: x, en: x}, breaks_at_once: 2}
  - {id: pupils, name: {sv: x, en: x}}
  - {id: platform, name: {sv: x, en: x}}
  - {id: devices, name: {sv: x, en: x}}
  - {id: network, name: {sv: x, en: x}}
  - {id: mail, name: {sv: x, en: x}}
  - {id: contact-centre, name: {sv: x, en: x}}
`).Rules()
	want := []contact.GroupRule{
		{Group: "english", BreaksAtOnce: 2},
		{Group: "staff", Relax: []contact.Relaxation{
			{After: 5_000, Kind: contact.RelaxLevel, Level: 3},
			{After: 10_000, Kind: contact.RelaxLevel, Level: 1},
			{After: 20_000, Kind: contact.RelaxOverflow, Group: "english", Level: 2},
			{After: 30_000, Kind: contact.RelaxAnyone},
		}},
	}
	if !reflect.DeepEqual(rules.Groups, want) {
		t.Errorf("the groups' rules are %+v, want %+v", rules.Groups, want)
	}
	var ids []contact.HoursID
	for _, hours := range rules.Hours {
		ids = append(ids, hours.ID)
	}
	if !reflect.DeepEqual(ids, []contact.HoursID{"archive", "desk", "office"}) {
		t.Errorf("the hours are %q", ids)
	}
}

// An agent is never offered a call that nobody can make.
func TestCallbacksAreOfferedOnlyWhereSomebodyCanDial(t *testing.T) {
	t.Parallel()
	const trunk = "phone: {outbound: {trunk: '192.0.2.1:5060'}}\n"
	for text, want := range map[string]bool{"": false, trunk: true, trunk + "desk: {callbacks: {offer: false}}\n": false} {
		if got := load(t, text).Rules().OfferCallbacks; got != want {
			t.Errorf("with %q call-backs are offered: %t, want %t", text, got, want)
		}
	}
}

func TestNeedsOfACategoryAndOfTheLanguageAreAdded(t *testing.T) {
	t.Parallel()
	config := load(t, `services:
  - id: school-platform
    name: {sv: x, en: x}
    needs: [{skill: platform, level: 1}]
    categories:
      - {id: access, name: {sv: x, en: x}, needs: [{skill: platform, level: 3}, {skill: staff, level: 2}]}
      - {id: sign-in, name: {sv: x, en: x}}
`)
	for _, test := range []struct {
		category, language string
		want               contact.Needs
	}{
		{"access", "sv", contact.Needs{{Skill: "platform", Level: 3}, {Skill: "staff", Level: 2}}},
		{"sign-in", "sv", contact.Needs{{Skill: "platform", Level: 1}, {Skill: "staff", Level: 1}}},
		{"", "en", contact.Needs{{Skill: "english", Level: 1}, {Skill: "platform", Level: 1}, {Skill: "staff", Level: 1}}},
	} {
		if got := config.FormNeeds(contact.AudienceStaff, "school-platform", test.category, test.language); !reflect.DeepEqual(got, test.want) {
			t.Errorf("a form about %q in %s needs %v, want %v", test.category, test.language, got, test.want)
		}
	}
	box := configs.Mailbox{Service: "school-platform"}
	want := contact.Needs{{Skill: "english", Level: 1}, {Skill: "platform", Level: 1}}
	if got := config.MailNeeds(box, "en"); !reflect.DeepEqual(got, want) {
		t.Errorf("a mail in English needs %v, want %v", got, want)
	}
}

func TestQueueStepReplacesWhatLanguagesNeed(t *testing.T) {
	t.Parallel()
	for own, want := range map[string]contact.Needs{
		"": {{Skill: "english", Level: 1}}, "language_needs: {}, ": {}, "language_needs: {en: [{skill: staff, level: 2}]}, ": {{Skill: "staff", Level: 2}},
	} {
		line := load(t, lineOf("    flow: [{hours: {open: [{queue: {"+own+"target: 60s, music: queue-music}}], closed: [{close: closed}]}}]\n")).Lines[0]
		run := line.IVR().Start(ivr.Visit{Language: "en", Open: true})
		got, is := run.Next(ivr.Input{}).(ivr.Enqueue)
		if !is || len(got.Needs) != len(want) || len(want) > 0 && !reflect.DeepEqual(got.Needs, want) {
			t.Errorf("with %q a contact in English needs %v, want %v", own, got.Needs, want)
		}
	}
}

// Requirement 2.3d: the Kontaktcenter's own group is asked first, for nobody else.
func TestKontaktcenterComesToItsGroup(t *testing.T) {
	t.Parallel()
	for _, line := range load(t, "").Lines {
		for _, party := range line.Parties {
			run := line.PartyIVR().Start(ivr.Visit{Language: "sv", Open: true, Audience: party.Audience})
			var want contact.Needs
			if party.Audience == contact.AudienceContactCentre {
				want = contact.Needs{{Skill: "contact-centre", Level: 1}}
			}
			if got, is := run.Next(ivr.Input{}).(ivr.Enqueue); !is || !reflect.DeepEqual(got.Needs, want) {
				t.Errorf("a call of %s needs %v, want %v", party.ID, got.Needs, want)
			}
		}
	}
}

func TestDefaultLinesOfferACallback(t *testing.T) {
	t.Parallel()
	config := load(t, "")
	for _, line := range config.Lines {
		for _, queue := range line.IVR().Queues() {
			offers := queue.Callback != nil
			if want := line.ID != "priority"; offers != want {
				t.Errorf("line %s offers a call-back: %t, want %t", line.ID, offers, want)
			}
			if offers && (queue.Callback.After != 60_000 || !strings.Contains(config.PromptText(queue.Callback.Say, line.Language), queue.Callback.Key)) {
				t.Errorf("line %s offers %+v", line.ID, *queue.Callback)
			}
		}
	}
}

// manyNeeds are so many needs for groups of manyGroups, from the first of them on.
func manyNeeds(first, n int) string {
	var needs []string
	for i := range n {
		needs = append(needs, fmt.Sprintf("{skill: g%d, level: 1}", first+i))
	}
	return "[" + strings.Join(needs, ", ") + "]"
}

// manyGroups are 20 groups beside those that the defaults name.
func manyGroups() string {
	text := "groups:"
	for i := range 20 {
		text += fmt.Sprintf("\n  - {id: g%d, name: {sv: x, en: x}}", i)
	}
	for _, id := range []string{"staff", "english", "pupils", "platform", "devices", "network", "mail", "contact-centre"} {
		text += fmt.Sprintf("\n  - {id: %s, name: {sv: x, en: x}}", id)
	}
	return text + "\n"
}

func TestRulesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	relax := func(steps string) string {
		return "groups:\n  - id: staff\n    name: {sv: x, en: x}\n    relax: [" + steps + "]\n"
	}
	offer := func(offer string) string {
		return lineOf("    flow:\n      - queue: {target: 60s, music: queue-music, callback: {" + offer + "}}\n")
	}
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"step says nothing":       {relax("{after: 5s}"), []string{"own.yaml:4:13:", "says one of level"}},
		"step says two things":    {relax("{after: 5s, drop: true, anyone: true}"), []string{"own.yaml:4:13:", "says one of level"}},
		"drop to a level":         {relax("{after: 5s, drop: true, level: 1}"), []string{"own.yaml:4:13:", "says one of level"}},
		"step at once":            {relax("{level: 1}"), []string{"own.yaml:4:13:", "longer than 0 s"}},
		"step after two days":     {relax("{after: 48h, level: 1}"), []string{"own.yaml:4:21:", "longer than 24h0m0s"}},
		"steps out of order":      {relax("{after: 9s, level: 2}, {after: 5s, level: 1}"), []string{"own.yaml:4:44:", "order of time"}},
		"step asks for more":      {relax("{after: 5s, level: 2}, {after: 9s, level: 3}"), []string{"own.yaml:4:55:", "no less than"}},
		"step after the last":     {relax("{after: 5s, drop: true}, {after: 9s, level: 3}"), []string{"own.yaml:4:38:", "the need for staff is gone"}},
		"level 6":                 {relax("{after: 5s, level: 6}"), []string{"own.yaml:4:13:", "the level 6"}},
		"overflow without level":  {relax("{after: 5s, overflow: pupils}"), []string{"own.yaml:4:13:", "the level 0"}},
		"overflow to itself":      {relax("{after: 5s, overflow: staff, level: 1}"), []string{"own.yaml:4:35:", "to itself"}},
		"overflow to nobody":      {relax("{after: 5s, overflow: magic, level: 1}"), []string{"own.yaml:4:35:", `no competence group "magic"`}},
		"texts after 91 days":     {"groups:\n  - id: staff\n    name: {sv: x, en: x}\n    relax_texts: [{after: 2184h, drop: true}]\n", []string{"own.yaml:4:", "longer than 2160h"}},
		"texts to a lower level":  {"groups:\n  - id: staff\n    name: {sv: x, en: x}\n    relax_texts: [{after: 1h, level: 6}]\n", []string{"own.yaml:4:", "the level 6"}},
		"nine steps":              {relax(strings.Repeat("{after: 5s, level: 1}, ", 9)), []string{"own.yaml:4:", "9 steps; 8 is the most"}},
		"unknown key of a step":   {relax("{after: 5s, lower: 1}"), []string{"own.yaml:4:", "lower"}},
		"rises before its target": {"desk: {rise_after: 99}\n", []string{"own.yaml:1:20:", "100–10000"}},
		"impact of all":           {"desk: {impact_from: 1000001}\n", []string{"own.yaml:1:21:", "more than 1000000"}},
		"needs of a call":         {manyGroups() + lineOf("    flow: [{queue: {needs: "+manyNeeds(0, 16)+", target: 60s, music: queue-music}}]\n"), []string{"own.yaml:34:", "may need 17 skills; 16 is the most"}},
		"needs by audience":       {manyGroups() + lineOf("    flow: [{queue: {needs: "+manyNeeds(0, 9)+", audience_needs: {staff: "+manyNeeds(9, 8)+"}, language_needs: {}, target: 60s, music: queue-music}}]\n"), []string{"own.yaml:34:", "may need 17 skills"}},
		"needs of a form":         {manyGroups() + "portal: {form: {needs: {staff: " + manyNeeds(0, 15) + "}}}\n", []string{"own.yaml:30:", "may need 17 skills"}},
		"needs of a mail":         {manyGroups() + mailbox("[{skill: staff, level: 2}]", manyNeeds(0, 15)), []string{"own.yaml:38:", "may need 17 skills"}},
		"target of a call":        {lineOf("    flow: [{queue: {target: 8785h, music: queue-music}}]\n"), []string{"own.yaml:5:29:", "longer than 8784h"}},
		"target of a form":        {"portal: {form: {target: 8785h}}\n", []string{"own.yaml:1:25:", "longer than 8784h"}},
		"ramp up":                 {"desk: {ramp_up: -1s}\n", []string{"own.yaml:1:17:", "below 0 s"}},
		"preferred since never":   {"desk: {preferred: {for: 20s, within: 0s}}\n", []string{"own.yaml:1:38:", "longer than 0 s"}},
		"retried at once":         {"desk: {callbacks: {retry: 0s}}\n", []string{"own.yaml:1:27:", "longer than 0 s"}},
		"tried for ever":          {"desk: {callbacks: {tries: 200}}\n", []string{"own.yaml:1:27:", "more than 20"}},
		"tried too often":         {"desk: {callbacks: {tries: 300}}\n", []string{"own.yaml:1:27:", "300 is not within 0–255"}},
		"tried less than never":   {"desk: {callbacks: {tries: -1}}\n", []string{"own.yaml:1:27:", "-1 is not within 0–255"}},
		"retried after days":      {"desk: {callbacks: {retry: 25h}}\n", []string{"own.yaml:1:27:", "longer than 24h0m0s"}},
		"offered perhaps":         {"desk: {callbacks: {offer: maybe}}\n", []string{"own.yaml:1:27:", "a text stands where true or false is expected"}},
		"appointment before":      {"desk: {callbacks: {appointment_wait: -1s}}\n", []string{"own.yaml:1:38:", "below 0 s"}},
		"transfer for ever":       {"desk: {transfer_wait: 25h}\n", []string{"own.yaml:1:23:", "longer than 24h0m0s"}},
		"preferred too long":      {"desk: {preferred: {for: 25h}}\n", []string{"own.yaml:1:25:", "longer than 24h0m0s"}},
		"preferred for ever":      {"desk: {preferred: {within: 9000h}}\n", []string{"own.yaml:1:28:", "longer than 8784h"}},
		"impact of nobody":        {"desk: {impact_from: -5}\n", []string{"own.yaml:1:21:", "-5 is not within 0–4294967295"}},
		"breaks":                  {"groups:\n  - {id: staff, name: {sv: x, en: x}, breaks_at_once: -1}\n", []string{"own.yaml:2:", "-1 is not within 0–65535"}},
		"break as a number":       {"desk: {pause_reasons: [{id: a, break: 3}]}\n", []string{"own.yaml:1:39:", "a number stands where true or false is expected"}},
		"pause of days":           {"desk: {pause_reasons: [{id: a, limit: 25h}]}\n", []string{"own.yaml:1:39:", "longer than 24h0m0s"}},
		"step as a number":        {relax("{after: soon, drop: true}"), []string{"own.yaml:4:21:", "is not a length of time"}},
		"offer at once":           {offer("say: callback-offer, after: 0s, key: '2', done: callback-promised"), []string{"own.yaml:6:7:", "must be above 0"}},
		"offer to nobody":         {offer("say: callback-offer, after: 2h, key: '2', done: callback-promised"), []string{"own.yaml:6:7:", "at most 3600000 ms"}},
		"mailbox's hours":         {mailbox("target: 8h", "target: 8h\n      hours: office"), []string{"own.yaml:12:14:", `no opening hours "office"`}},
		"pause reason twice":      {"desk:\n  pause_reasons:\n    - {id: a}\n    - {id: a}\n", []string{"own.yaml:4:12:", "taken by another pause reason"}},
		"pause reason as a word":  {"desk: {pause_reasons: [break]}\n", []string{"own.yaml:1:"}},
		"pause of no length":      {"desk:\n  pause_reasons:\n    - {id: a, limit: -1s}\n", []string{"own.yaml:3:22:", "below 0 s"}},
		"language of needs":       {"languages: {fi: []}\n", []string{"own.yaml:1:17:", `no language "fi"`}},
		"needs of a language":     {"languages: {en: [{skill: magic, level: 1}]}\n", []string{"own.yaml:1:26:", `no competence group "magic"`}},
		"needs of a category":     {"services:\n  - id: a\n    name: {sv: x, en: x}\n    categories: [{id: b, name: {sv: x, en: x}, needs: [{skill: magic, level: 1}]}]\n", []string{"own.yaml:4:64:", `no competence group "magic"`}},
		"needs of an audience":    {lineOf("    flow: [{queue: {audience_needs: {robots: []}, target: 60s, music: queue-music}}]\n"), []string{"own.yaml:5:", `no audience "robots"`}},
		"prompt of an offer":      {offer("say: lost, after: 60s, key: '2', done: callback-promised"), []string{"own.yaml:6:66:", `"lost", which does not exist`}},
		"end of an offer":         {offer("say: callback-offer, after: 60s, key: '2', done: lost"), []string{"own.yaml:6:110:", `"lost", which does not exist`}},
		"key of an offer":         {offer("say: callback-offer, after: 60s, key: A, done: callback-promised"), []string{"own.yaml:6:7:", `by the key "A"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, nil, test.want...)
		})
	}
}

// The engine takes every rule that the check lets pass, at its limits too.
func TestTheEngineTakesTheRulesAtTheirLimits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "desk: {rise_after: 0, impact_from: 0, ramp_up: 0s, preferred: {for: 0s, within: 0s}, callbacks: {offer: false, tries: 0, retry: 0s, appointment_wait: 0s}, transfer_wait: 0s, pause_reasons: []}\n",
		"desk: {rise_after: 10000, impact_from: 1000000, ramp_up: 10m, preferred: {for: 24h, within: 8784h}, callbacks: {tries: 20, retry: 24h, appointment_wait: 24h}, transfer_wait: 24h}\n",
		"hours_sets: [{id: a, weekly: {everyday: [\"00:00-24:00\"], holiday: [], eve: [\"08:00-09:00\", \"10:00-11:00\"]}}]\n",
		"hours: {weekly: {everyday: [" + manyWindows(12) + "]}, exceptions: [" + manyDates(400) + "]}\n",
	} {
		if _, err := queue.New().Step(contact.ChangeRules{Rules: load(t, text).Rules()}, 1); err != nil {
			t.Errorf("%s: the engine says %v", text, err)
		}
	}
}
