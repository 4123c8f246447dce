package configs_test

import (
	"reflect"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/ivr"
)

// lineOf returns the configuration of one line with more settings, from line 5 on.
func lineOf(more string) string {
	return "lines:\n  - id: a\n    number: '+46850800100'\n    language: sv\n" + more
}

func TestFlowIsReadAsItIsInterpreted(t *testing.T) {
	t.Parallel()
	line := load(t, lineOf(`    flow:
      - hours: {closed: [{close: closed}]}
      - notices: true
      - menu:
          say: menu-staff
          timeout: 7s
          repeat: 0
          choices:
            2: {name: dator, steps: [{say: queued}]}
            "1":
              steps:
                - queue: {needs: [{skill: platform, level: 2}], class: resident-impact, target: 30s, music: queue-music}
      - queue: {needs: [{skill: staff, level: 1}], language_needs: {en: [{skill: english, level: 3}]}, target: 60s, music: queue-music}
`)).Lines[0]
	want := ivr.Flow{Steps: []ivr.Step{
		{Hours: &ivr.Hours{Open: []ivr.Step{}, Closed: []ivr.Step{{Close: "closed"}}}},
		{Notices: true},
		{Menu: &ivr.Menu{
			Say: "menu-staff", Timeout: 7_000, Repeat: 0, Otherwise: []ivr.Step{},
			Choices: []ivr.Choice{
				{Key: "1", Steps: []ivr.Step{{Queue: &ivr.Queue{
					Needs: contact.Needs{{Skill: "platform", Level: 2}}, Class: contact.ClassResidentImpact, Target: 30_000, Music: "queue-music",
					// That of the defaults, since the step says nothing of languages.
					LanguageNeeds: map[string]contact.Needs{"en": {{Skill: "english", Level: 1}}},
				}}}},
				{Key: "2", Name: "dator", Steps: []ivr.Step{{Say: "queued"}}},
			},
		}},
		{Queue: &ivr.Queue{
			Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000, Music: "queue-music",
			LanguageNeeds: map[string]contact.Needs{"en": {{Skill: "english", Level: 3}}},
		}},
	}}
	if got := line.IVR(); !reflect.DeepEqual(got, want) {
		t.Errorf("the flow is\n%#v\nwant\n%#v", got, want)
	}
}

func TestMenuThatSaysNothingOfTimeIsGivenFiveSeconds(t *testing.T) {
	t.Parallel()
	line := load(t, lineOf("    flow: [{menu: {say: menu-staff, choices: {'1': {}}}}, {queue: {target: 60s, music: queue-music}}]\n")).Lines[0]
	if menu := line.IVR().Steps[0].Menu; menu.Timeout != 5_000 || menu.Repeat != 1 {
		t.Errorf("the menu waits %d ms and is repeated %d times", menu.Timeout, menu.Repeat)
	}
}

func TestPromptsAreTextInTheirLanguageOrSwedish(t *testing.T) {
	t.Parallel()
	config := load(t, "prompts:\n  - {name: closed, text: {sv: Stängt, en: Closed}}\n  - {name: hi, text: {sv: Hej}}\n"+
		lineOf("    flow: [{queue: {target: 60s, music: queue-music}}]\n")+"chat: {topics: []}\n")
	for _, test := range [][3]string{{"closed", "en", "Closed"}, {"closed", "sv", "Stängt"}, {"hi", "en", "Hej"}, {"lost", "sv", ""}} {
		if got := config.PromptText(test[0], test[1]); got != test[2] {
			t.Errorf("%s in %s is %q, want %q", test[0], test[1], got, test[2])
		}
	}
}

// Requirements 3.1f and 3.1g of what a new installation does with its callers.
func TestDefaultLines(t *testing.T) {
	t.Parallel()
	for _, line := range load(t, "").Lines {
		priority := line.ID == "priority"
		if got := len(line.Parties) > 0; got != priority {
			t.Errorf("line %s has parties: %t", line.ID, got)
		}
		if menu := line.IVR().Menus(); menu != (line.ID == "staff") {
			t.Errorf("line %s has a menu: %t", line.ID, menu)
		}
		for _, queue := range line.IVR().Queues() {
			if queue.Class != contact.ClassOrdinary {
				t.Errorf("callers of line %s who are no party have the class %d", line.ID, queue.Class)
			}
		}
		if !priority {
			continue
		}
		run := line.PartyIVR().Start(ivr.Visit{Language: "sv", Open: true})
		// No menu, no message, every agent, before everybody else.
		want := ivr.Enqueue{Class: contact.ClassPriorityLine, Target: 20_000}
		if got, is := run.Next(ivr.Input{}).(ivr.Enqueue); !is || len(got.Needs) > 0 || got.Class != want.Class || got.Target != want.Target {
			t.Errorf("a party's call begins with %#v", got)
		}
		for _, party := range line.Parties {
			if len(party.Beginnings()) != len(party.Numbers) {
				t.Errorf("party %s has the numbers %q", party.ID, party.Beginnings())
			}
		}
	}
}

func TestPartyIsKnownByItsNumberOrItsBeginning(t *testing.T) {
	t.Parallel()
	party := configs.Party{Numbers: []string{"+46 8 508 2", "08-465 004 20", "+46846500421"}}
	want := []identity.Number{"+4685082", "+46846500420", "+46846500421"}
	if got := party.Beginnings(); !reflect.DeepEqual(got, want) {
		t.Errorf("the numbers begin with %q, want %q", got, want)
	}
}

func TestFlowsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	queue := "{queue: {target: 60s, music: queue-music}}"
	parties := func(party, flow string) string {
		return lineOf("    flow: [" + queue + "]\n    parties:\n      - " + party + "\n    party_flow: [" + flow + "]\n")
	}
	flow := func(steps string) string { return lineOf("    flow:\n" + steps) }
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"a choice that hangs up":   {flow("      - menu: {say: menu-staff, choices: {'2': {steps: [{say: queued}, {close: closed}]}}}\n      - " + queue + "\n"), []string{"own.yaml:6:7:", "menu choice 2 → step 2 closes"}},
		"closes while open":        {flow("      - close: closed\n"), []string{"own.yaml:6:7:", "while the desk is open"}},
		"two things in a step":     {flow("      - {say: queued, notices: true}\n      - " + queue + "\n"), []string{"step 1 does say and notices at once"}},
		"nested menus":             {flow("      - menu: {say: menu-staff, choices: {'1': {steps: [{menu: {say: menu-staff, choices: {'1': {}}}}]}}}\n      - " + queue + "\n"), []string{"is a second menu"}},
		"prompt of a choice":       {flow("      - menu:\n          say: menu-staff\n          choices:\n            '1': {steps: [{say: lost}]}\n      - " + queue + "\n"), []string{"own.yaml:9:33:", `"lost", which does not exist`}},
		"prompt of the closed":     {flow("      - hours: {closed: [{close: lost}]}\n      - " + queue + "\n"), []string{"own.yaml:6:34:", `"lost", which does not exist`}},
		"no music":                 {flow("      - queue: {target: 60s}\n"), []string{"own.yaml:6:", "has no music"}},
		"no such group":            {flow("      - queue: {needs: [{skill: magic, level: 1}], target: 60s, music: queue-music}\n"), []string{"own.yaml:6:33:", `no competence group "magic"`}},
		"group of a language":      {flow("      - queue: {language_needs: {en: [{skill: magic, level: 1}]}, target: 60s, music: queue-music}\n"), []string{"own.yaml:6:47:", `no competence group "magic"`}},
		"language of needs":        {flow("      - queue: {language_needs: {xx: []}, target: 60s, music: queue-music}\n"), []string{`no language "xx"`}},
		"level":                    {flow("      - queue: {needs: [{skill: staff, level: 9}], target: 60s, music: queue-music}\n"), []string{"own.yaml:6:47:", "the level 9"}},
		"class":                    {flow("      - queue: {class: urgent, target: 60s, music: queue-music}\n"), []string{"own.yaml:6:24:", `no class "urgent"`}},
		"class as a number":        {flow("      - queue: {class: 2, target: 60s, music: queue-music}\n"), []string{"own.yaml:6:24:", `no class "2"`}},
		"key of a menu":            {flow("      - menu: {say: menu-staff, choices: {'12': {}}}\n      - " + queue + "\n"), []string{`a choice "12"`}},
		"notices are a prompt":     {"prompts: [{name: notice, text: {sv: x}}]\n" + flow("      - "+queue+"\n"), []string{"own.yaml:1:18:", "taken by outage messages"}},
		"party without a name":     {parties("{id: p, numbers: ['+46846500420']}", queue), []string{"own.yaml:7:", "needs a name"}},
		"party without a number":   {parties("{id: p, name: P}", queue), []string{"own.yaml:7:", "needs the numbers"}},
		"everybody is a party":     {parties("{id: p, name: P, numbers: ['+46']}", queue), []string{"own.yaml:7:36:", "at least 6 digits"}},
		"party twice":              {parties("{id: p, name: P, numbers: ['+46846500420']}\n      - {id: p, name: Q, numbers: ['08-465 004 20']}", queue), []string{"own.yaml:8:14:", "taken by another party", "two parties have the number +46846500420"}},
		"party of which audience":  {parties("{id: p, name: P, audience: x, numbers: ['+46846500420']}", queue), []string{`no audience "x"`}},
		"parties without a flow":   {parties("{id: p, name: P, numbers: ['+46846500420']}", ""), []string{"own.yaml:8:17:", "does not end in the queue"}},
		"a flow without parties":   {lineOf("    flow: [" + queue + "]\n    party_flow: [" + queue + "]\n"), []string{"own.yaml:6:", "none of them"}},
		"id":                       {"lines:\n  - id: A b\n    number: '+46850800100'\n    language: sv\n    flow: [" + queue + "]\n", []string{"own.yaml:2:9:", "a–z"}},
		"language is missing":      {"lines:\n  - id: a\n    number: '+46850800100'\n    flow: [" + queue + "]\n", []string{"own.yaml:2:", "needs a language"}},
		"call-backs of no line":    {lineOf("    flow: ["+queue+"]\n") + "phone: {outbound: {numbers: {b: '+46850800100'}}}\n", []string{"own.yaml:6:33:", `no line "b"`}},
		"call-backs of no number":  {lineOf("    flow: ["+queue+"]\n") + "phone: {outbound: {numbers: {a: x}}}\n", []string{"own.yaml:6:33:", "not a telephone number"}},
		"call-backs to no trunk":   {"phone: {outbound: {trunk: this machine}}\n", []string{"own.yaml:1:27:", "neither the name of a trunk with a proxy"}},
		"trunk that takes nothing": {"phone: {trunks: [{name: t, proxy: example.org}]}\n", []string{"own.yaml:1:35:", "not host:port"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, nil, test.want...)
		})
	}
}

// Requirements 3.2c and 3.2e.
func TestLinesCostTheirCallersWhatTheyMay(t *testing.T) {
	t.Parallel()
	line := func(audience, number string) string {
		return "lines:\n  - id: a\n    audience: " + audience + "\n    number: '" + number + "'\n    language: sv\n    flow: [{queue: {target: 60s, music: queue-music}}]\n"
	}
	for _, number := range []string{"+469001234567", "0939-1234567", "+469441234567", "+46771234567", "118118"} {
		refused(t, line("staff", number), nil, "own.yaml:4:13:", "costs more than a local call")
	}
	for _, number := range []string{"+46850800100", "031-100000", "+46101234567"} {
		if config := load(t, line("staff", number)); len(config.Warnings) > 0 {
			t.Errorf("a staff line's %s is warned of: %q", number, config.Warnings)
		}
	}
	if config := load(t, line("pupil", "020-000000")); len(config.Warnings) > 0 {
		t.Errorf("a pupils' line's number is warned of: %q", config.Warnings)
	}
	warnings := load(t, line("pupil", "+46850800100")).Warnings
	if len(warnings) != 1 || !strings.Contains(warnings[0], "own.yaml:4:13:") || !strings.Contains(warnings[0], "not free of charge") {
		t.Errorf("a pupils' line that costs is warned of as %q", warnings)
	}
}

func TestCallBacksGoToATrunkAndShowALine(t *testing.T) {
	t.Parallel()
	config := load(t, "phone:\n  trunks: [{name: carrier, addresses: [192.0.2.0/24], proxy: 'sip.example.org:5060'}]\n  outbound: {trunk: carrier, numbers: {pupils: 08-508 001 00}}\n")
	if address := config.Phone.OutboundAddress(); address != "sip.example.org:5060" {
		t.Errorf("call-backs go to %q", address)
	}
	for line, want := range map[contact.LineID]identity.Number{"pupils": "+46850800100", "priority": "+46850800190", "none": ""} {
		if got := config.ShownNumber(line); got != want {
			t.Errorf("a call-back of line %s shows %q, want %q", line, got, want)
		}
	}
	config = load(t, "phone: {outbound: {trunk: '192.0.2.1:5060'}}\n")
	if address := config.Phone.OutboundAddress(); address != "192.0.2.1:5060" {
		t.Errorf("call-backs go to %q", address)
	}
	if address := load(t, "").Phone.OutboundAddress(); address != "" {
		t.Errorf("by default call-backs go to %q", address)
	}
}
