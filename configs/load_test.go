package configs_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/identity"
)

func noEnv(string) (string, bool) { return "", false }

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The defaults are read once: what one Load was given, and what a file or variable changed in it, must not reach the next.
func TestLoadsShareNothing(t *testing.T) {
	t.Parallel()
	first, err := configs.Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	first.Lines[0].Number = "changed"
	clear(first.Lines[0].Name)
	first.Phone.Trunks[0].Name = "changed"
	second, err := configs.Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if second.Lines[0].Number == "changed" || len(second.Lines[0].Name) == 0 || second.Phone.Trunks[0].Name == "changed" {
		t.Errorf("a Load was given what another one changed: %+v, %+v", second.Lines[0], second.Phone.Trunks[0])
	}
}

func TestDefaultsAreLegal(t *testing.T) {
	t.Parallel()
	config, err := configs.Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[contact.LineID]string{}
	for _, line := range config.Lines {
		numbers[line.ID] = line.Number
	}
	want := map[contact.LineID]string{"staff": "+46850800100", "pupils": "+4620000000", "priority": "+46850800190"}
	if !maps.Equal(numbers, want) {
		t.Errorf("the demo lines are %v, want %v", numbers, want)
	}
	if config.Desk.OfferTimeout != 15_000 {
		t.Errorf("an offer lasts %d ms by default, want 15 s", config.Desk.OfferTimeout)
	}
	if len(config.Warnings) > 0 {
		t.Errorf("the defaults are warned of: %q", config.Warnings)
	}
}

// Every file that is shipped can be loaded as somebody's own.
func TestEveryShippedFileIsLegal(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %q, %v", files, err)
	}
	for _, file := range files {
		config, err := configs.Load(file, noEnv)
		if err != nil || len(config.Warnings) > 0 {
			t.Errorf("%s: %v, warned of %q", file, err, config.Warnings)
		}
	}
}

// The demo's agents can be offered whatever the demo's entrances ask for.
func TestDemoAgentsHaveTheSkillsOfTheDefaults(t *testing.T) {
	t.Parallel()
	config, err := configs.Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	best := map[contact.SkillID]uint8{}
	for _, account := range identity.DemoAccounts() {
		for _, skill := range account.Skills {
			best[contact.SkillID(skill.Name)] = max(best[contact.SkillID(skill.Name)], skill.Level)
		}
	}
	for _, group := range config.Groups {
		if best[group.ID] < 3 {
			t.Errorf("nobody is good at %s", group.ID)
		}
	}
}

func TestOwnFileHoldsOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	config, err := configs.Load(write(t, "http:\n  address: 127.0.0.1:9000\ndesk:\n  offer_timeout: 1m30s\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if config.HTTP.Address != "127.0.0.1:9000" || config.Desk.OfferTimeout != 90_000 || config.Desk.ConnectTimeout != 5_000 {
		t.Errorf("got %+v, %+v", config.HTTP, config.Desk)
	}
	if _, err := configs.Load(write(t, "# nothing\n"), noEnv); err != nil {
		t.Errorf("an empty file is refused: %v", err)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"SVAR_HTTP_ADDRESS": "127.0.0.1:7000", "SVAR_DESK_OFFER_TIMEOUT": "20s", "SVAR_DEMO": "false",
		"SVAR_PHONE_RTP_FROM": "30000", "SVAR_PHONE_RTP_TO": "30100", "SVAR_NATS_TOKEN": "0123", "SVAR_PHONE_ADVERTISE": "192.0.2.7",
		"SVAR_DATABASE_URL": "postgres://db/svar", "SVAR_PHONE_ADDRESS": "127.0.0.1:0",
	}
	config, err := configs.Load(write(t, "http: {address: '127.0.0.1:9000'}\n"), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if config.HTTP.Address != "127.0.0.1:7000" || config.Desk.OfferTimeout != 20_000 || config.Demo ||
		config.Phone.RTP.From != 30000 || config.NATS.Token != "0123" || config.Phone.Advertise.String() != "192.0.2.7" ||
		config.Database.URL != "postgres://db/svar" || config.Phone.Address.Port() != 0 {
		t.Errorf("the environment did not win: %+v", config)
	}
}

// refused loads a file and expects a fault that says all of want.
func refused(t *testing.T, text string, env map[string]string, want ...string) {
	t.Helper()
	_, err := configs.Load(write(t, text), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the fault is %q; it should say %q", err, want)
		}
	}
}

func TestFaultsNameFileLineAndColumn(t *testing.T) {
	t.Parallel()
	line := func(more string) string {
		return "lines:\n  - id: a\n    number: '+46850800100'\n    language: sv\n" + more
	}
	queue := "    flow: [{queue: {target: 60s, music: queue-music}}]\n"
	for name, test := range map[string]struct {
		text string
		env  map[string]string
		want []string
	}{
		"unknown key":            {text: "http:\n  adress: x\n", want: []string{"own.yaml:2:3:", "adress"}},
		"not YAML":               {text: "http: [\n", want: []string{"own.yaml:1:"}},
		"wrong type":             {text: "demo: perhaps\n", want: []string{"own.yaml:1:7:"}},
		"bad duration":           {text: "desk:\n  offer_timeout: soon\n", want: []string{"own.yaml:2:18:", "soon", "15s"}},
		"zero offer":             {text: "desk:\n  offer_timeout: 0s\n", want: []string{"own.yaml:2:18:", "longer than 0 s"}},
		"no outcome":             {text: "desk: {outcome_codes: []}\n", want: []string{"own.yaml:1:", "outcome code"}},
		"unknown prompt":         {text: line("    flow: [{say: hello}, {queue: {target: 60s, music: queue-music}}]\n"), want: []string{"own.yaml:5:", `prompt "hello", which does not exist`}},
		"prompt in no language":  {text: "prompts: [{name: hi, text: {en: Hi}}]\n" + line("    flow: [{say: hi}, {queue: {target: 60s, music: queue-music}}]\n"), want: []string{`no text in the language "sv"`}},
		"flow without a queue":   {text: line("    flow: [{say: welcome-staff}]\n") + "prompts: [{name: welcome-staff, text: {sv: Hej}}]\n", want: []string{"does not end in the queue"}},
		"not a number":           {text: "lines:\n  - id: a\n    number: 'abc'\n    language: sv\n" + queue, want: []string{"own.yaml:3:13:", "not a telephone number"}},
		"two lines of an id":     {text: line(queue) + "  - id: a\n    number: '+46850800101'\n    language: sv\n" + queue, want: []string{"own.yaml:6:9:", `the id "a" is taken by another line`}},
		"two lines of a number":  {text: line(queue) + "  - id: b\n    number: '08-508 001 00'\n    language: sv\n" + queue, want: []string{"two lines have the number +46850800100"}},
		"pupils looked up":       {text: line("    audience: pupil\n    look_up: true\n" + queue), want: []string{"own.yaml:6:14:", "never looked up"}},
		"unknown audience":       {text: line("    audience: robots\n" + queue), want: []string{`no audience "robots"`}},
		"nats without a token":   {text: "nats: {listen: '127.0.0.1:4222'}\n", want: []string{"needs a token"}},
		"no engine anywhere":     {text: "nats: {engine: false}\n", want: []string{"own.yaml:1:16:", "needs the url"}},
		"ports":                  {text: "phone: {rtp: {from: 5, to: 5}}\n", want: []string{"no pair of ports"}},
		"environment":            {env: map[string]string{"SVAR_PHONE_MAX_CALLS": "many"}, want: []string{"SVAR_PHONE_MAX_CALLS", "many"}},
		"several faults at once": {text: "desk: {offer_timeout: 0s, connect_timeout: 0s}\n", want: []string{"an offer must", "connecting must"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, test.env, test.want...)
		})
	}
}

// What is empty where something was meant is said like any other fault.
func TestEmptyPartsAreNoFaultOfOurs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"lines: [null]\n", "lines: [{id: a, flow: [null]}]\n", "lines: [{id: a, flow: [{menu: {choices: {'1': null}}}]}]\n",
		"lines: [{id: a, flow: [{hours: {}}]}]\n", "mail: {mailboxes: [null]}\n", "chat: {topics: [null]}\n",
		"groups: [null]\n", "services: [{id: a, categories: [null]}]\n", "hours: {exceptions: [null]}\n",
		"desk: {channels: [null]}\n", "lines: [{id: a, parties: [null]}]\n",
	} {
		refused(t, text, nil, "own.yaml:1:")
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := configs.Load("/nowhere/svar.yaml", noEnv); err == nil || !strings.Contains(err.Error(), "/nowhere/svar.yaml") {
		t.Errorf("Load = %v", err)
	}
}
