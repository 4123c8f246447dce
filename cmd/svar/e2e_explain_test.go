package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
	"svar/queue/replay"
	"svar/report"
)

// A small day, explained and replayed: beside the running server, after its death (which leaves its address behind), and
// after its end.
func TestExplainAndReplay(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	server := home.serve(t)
	first, second := deskNamed("desk", 0), deskNamed("desk", 1)
	for account, skills := range map[string][]string{"ida": {first.skill + "=3"}, "bo2": {first.skill + "=3", second.skill + "=2"}} {
		arguments := []string{"user", "add"}
		for _, skill := range skills {
			arguments = append(arguments, "--skill", skill)
		}
		if status, _, complaints := home.run(t, "a good password\n", append(arguments, account)...); status != 0 {
			t.Fatalf("user add: %s", complaints)
		}
	}
	ida, bo := signIn(t, server.web, "ida", "a good password"), signIn(t, server.web, "bo2", "a good password")
	records := recordsAt(t, server.web)

	// Ida declines the first call; bo answers it. Another caller gives up.
	ida.Ready()
	caller := dial(t, call{scenario: "until-bye", to: server.sip, number: first.number})
	declined := ida.Ring()
	ida.Decline(declined)
	ida.Pause("lunch")
	bo.Ready()
	talk := bo.Accept(bo.Ring())
	bo.HangUp(talk)
	caller.Wait()
	bo.Finish(talk.Contact, "solved")
	bo.Pause("lunch")
	lost := dial(t, call{scenario: "caller-hangs-up", to: server.sip, number: second.number})
	bo.WaitWaiting(second.id, 1)
	lost.HangUp()
	lost.Wait()
	abandoned := records.closed(t, second.id)
	if talk.Contact != declined.Contact {
		t.Fatalf("bo has %s, ida declined %s", talk.Contact, declined.Contact)
	}

	var told string
	check := func(when string) {
		t.Helper()
		status, out, complaints := home.run(t, "", "explain", "--language", "sv", string(talk.Contact))
		if told == "" {
			told = out
		}
		if status != 0 || out != told {
			t.Fatalf("explain, %s: status %d\n%s%s\nwant\n%s", when, status, out, complaints, told)
		}
		status, out, complaints = home.run(t, "", "replay", "--json")
		var result replay.Result
		if err := json.Unmarshal([]byte(out), &result); err != nil || status != 0 || result.Difference != nil || result.First != 1 || result.Records < 10 || result.NotCompared != 0 {
			t.Errorf("replay, %s: status %d, %v\n%s%s", when, status, err, out, complaints)
		}
	}
	check("beside the server")
	words := strings.Join([]string{
		`^` + string(talk.Contact) + ` \(Europe/Stockholm\)\n\n\d{4}-\d\d-\d\d`,
		`Kom in: telefonsamtal, ingång ` + string(first.id) + `\.`,
		`Ställdes i kö\. Behöver ` + first.skill,
		`Erbjöds ida, .*Varför ida: ingen annan var ledig .*Varför nu: klass ordinarie`,
		`ida tackade nej`,
		`Erbjöds bo2, .*Varför bo2: ingen annan var ledig`,
		`bo2 talar med användaren`,
		`bo2 avslutade och efterarbetar`,
		`Klar: bo2 avslutade\. Utfall: solved\.`,
	}, `[\s\S]*`)
	if !regexp.MustCompile(words).MatchString(told) {
		t.Errorf("it was told otherwise:\n%s", told)
	}
	for _, number := range []string{"46701740699", "0701740699"} {
		if strings.Contains(told, number) {
			t.Errorf("it tells the caller's number:\n%s", told)
		}
	}

	status, out, complaints := home.run(t, "", "explain", "--json", "--language", "en", string(abandoned.ID))
	var e report.Explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || status != 0 || e.Contact != abandoned.ID || len(e.Steps) < 3 {
		t.Fatalf("explain --json: status %d, %v\n%s%s", status, err, out, complaints)
	}
	if last := e.Steps[len(e.Steps)-1]; last.Kind != "contact-closed" || !strings.HasPrefix(last.Text, "Abandoned: the user left. Stage: in the queue.") {
		t.Errorf("it ends with %+v", last)
	}
	for _, wrong := range []struct{ contact, complaint string }{
		{"ffffffff", "no contact begins with ffffffff"}, {string(talk.Contact)[:4], "several contacts begin with"},
	} {
		if status, out, complaints := home.run(t, "", "explain", wrong.contact); status != 1 || out != "" || !strings.Contains(complaints, wrong.complaint) {
			t.Errorf("explain %s: status %d\n%s%s", wrong.contact, status, out, complaints)
		}
	}
	unique := string(talk.Contact)[:len(talk.Contact)-1] // two calls within a test differ earlier
	if status, out, complaints := home.run(t, "", "explain", "--language", "sv", unique); status != 0 || out != told {
		t.Errorf("by its beginning: status %d\n%s%s", status, out, complaints)
	}

	// The recorded day is simulated: one contact of each of the two lines, at the times at which they came.
	lines := filesWith(t, "day.yaml", fmt.Sprintf(`day: 2026-12-01
from: "00:00"
to: "24:00"
streams:
  - {name: answered, line: %s, channel: voice, target: 60s, handling: {kind: fixed, mean: 60s}, arrivals: [500]}
  - {name: %s, channel: voice, target: 60s, handling: {kind: fixed, mean: 60s}}
  - {name: chat, line: %s, channel: chat, target: 60s, handling: {kind: fixed, mean: 60s}, arrivals: [500]}
teams: [{name: team, agents: 3, shift: 00:00-24:00}]
`, first.id, second.id, first.id))
	arrived := abandoned.Arrived
	day, _ := report.Day(arrived)
	if status, out, complaints := home.run(t, "", "simulate", "--recorded", day.Format(time.DateOnly), lines); status != 0 ||
		!regexp.MustCompile(`(?s)all +answered +1 +1 .*all +`+string(second.id)+` +1 +1 .*all +chat +0 .*2 contacts, `).MatchString(out) {
		t.Errorf("simulate --recorded: status %d\n%s%s", status, out, complaints)
	}
	if status, _, complaints := home.run(t, "", "simulate", "--recorded", "2001-01-01", lines); status != 1 || !strings.Contains(complaints, "no contact of the streams' lines") {
		t.Errorf("a day without contacts: status %d, %s", status, complaints)
	}

	readers := filepath.Join(home.data(), journalReaders)
	if file, err := os.Stat(readers); err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", file, err)
	}
	ida.expectLoss()
	bo.expectLoss()
	server.kill()
	if _, err := os.Stat(readers); err != nil {
		t.Fatalf("a dead server leaves no file: %v", err)
	}
	check("after its death")

	server = home.serve(t)
	check("beside the next one")
	server.terminate()
	if _, err := os.Stat(readers); !os.IsNotExist(err) {
		t.Errorf("after the end the file is there: %v", err)
	}
	check("after its end")
	if status, out, complaints := home.run(t, "", "replay", "3", "5"); status != 0 ||
		!regexp.MustCompile(`(?s)^Records 3 to 5 were decided again .*: 3 records, .*2 records before them were folded only\..*Every event is the same`).MatchString(out) {
		t.Errorf("replay of a part: status %d\n%s%s", status, out, complaints)
	}
	if left := processesOf(home.data()); len(left) > 0 {
		t.Errorf("these processes are left: %q", left)
	}
}

// A record that nothing leads to is found in a journal that no server has, and the exit status says so.
func TestReplayFindsADifference(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	nowhere := filepath.Join(home.directory, "nowhere")
	for _, command := range [][]string{{"replay"}, {"explain", "0193"}} {
		if status, _, complaints := home.run(t, "", append(command, "--data", nowhere)...); status != 1 || !strings.Contains(complaints, "there is no data directory") {
			t.Errorf("%s without a directory: status %d, %s", command[0], status, complaints)
		}
		if _, err := os.Stat(nowhere); !os.IsNotExist(err) {
			t.Errorf("%s, which only reads, made the directory (%v)", command[0], err)
		}
	}
	if status, _, complaints := home.run(t, "", "replay"); status != 1 || !strings.Contains(complaints, "there is no journal in") {
		t.Errorf("without a journal: status %d, %s", status, complaints)
	}
	server, err := journal.StartEmbedded(t.Context(), journal.EmbeddedConfig{Dir: filepath.Join(home.data(), journalDirectory), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	written, err := journal.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	engine := queue.New()
	elected, err := engine.Elect(1, "node-1", 1_000)
	if err != nil {
		t.Fatal(err)
	}
	roster := contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "ida"}}}}
	changed, err := engine.Step(roster, 2_000)
	if err != nil {
		t.Fatal(err)
	}
	record := journal.Record{Format: journal.Format, Epoch: 1, Engine: queue.EngineVersion, Now: 1_000, Commands: contact.Commands{}, Events: elected}
	tampered := record
	tampered.Now, tampered.Commands = 2_000, contact.Commands{roster}
	tampered.Events = append(contact.Events{contact.RosterChanged{Roster: contact.Roster{Agents: []contact.Agent{{ID: "eve"}}}}}, changed[1:]...)
	for i, r := range []journal.Record{record, tampered} {
		if _, err := written.Append(t.Context(), r, uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, out, complaints := home.run(t, "", "replay")
	if status != 1 || !strings.Contains(out, "Records 1 to 1 were decided again") || strings.Contains(out, "is the same") ||
		!regexp.MustCompile(`record 2 differs: another event follows from the command change-roster than was recorded\n.*recorded: .*"eve".*\n.*decided: .*"ida"`).MatchString(complaints) {
		t.Errorf("status %d\n%s%s", status, out, complaints)
	}
}

func TestPlacesInTheJournal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to  string
		want      replay.Span
		complaint string
	}{
		{"", "", replay.Span{}, ""},
		{"7", "", replay.Span{First: 7}, ""},
		{"7", "9", replay.Span{First: 7, Last: 9}, ""},
		{"1970-01-01T01:00:01+01:00", "1970-01-01T00:00:02Z", replay.Span{From: 1000, To: 2000}, ""},
		{"7", "1970-01-01T00:00:02Z", replay.Span{First: 7, To: 2000}, ""},
		{"9", "7", replay.Span{}, "7 is before 9"},
		{"1970-01-01T00:00:02Z", "1970-01-01T00:00:01Z", replay.Span{}, "is before"},
		{"0", "", replay.Span{}, "from 1"},
		{"-1", "", replay.Span{}, "neither the number"},
		{"", "yesterday", replay.Span{}, "yesterday is neither"},
	} {
		got, err := replayCommand{From: test.from, To: test.to}.span()
		if test.complaint == "" && (err != nil || got != test.want) {
			t.Errorf("%q to %q: %+v, %v; want %+v", test.from, test.to, got, err, test.want)
		}
		if test.complaint != "" && (err == nil || !strings.Contains(err.Error(), test.complaint)) {
			t.Errorf("%q to %q: %v; want %q", test.from, test.to, err, test.complaint)
		}
	}
}

func TestADifferenceInWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		difference replay.Difference
		want       string
	}{
		{
			replay.Difference{Sequence: 4, Command: "enqueue", Kind: replay.OtherEvent, Recorded: []byte(`{"a":1}`), Decided: []byte(`{"a":2}`)},
			"record 4 differs: another event follows from the command enqueue than was recorded\n  recorded: {\"a\":1}\n  decided:  {\"a\":2}",
		},
		{replay.Difference{Sequence: 5, Kind: replay.NotDecided}, "record 5 differs: what was recorded does not follow from the beginning of a new leader"},
		{
			replay.Difference{Sequence: 6, Command: "leave", Kind: replay.Rejected, Rejection: contact.UnknownContact},
			"record 6 differs: the command leave is rejected (unknown-contact), though it was recorded",
		},
		{replay.Difference{Sequence: 7, Command: "tick", Kind: replay.NotRecorded}, "record 7 differs: an event follows from the command tick that is not on record"},
		{replay.Difference{Sequence: 8, Kind: replay.OtherTime}, "record 8 differs: it was recorded at an instant before that of an earlier record"},
	} {
		if got := different(test.difference); got != test.want {
			t.Errorf("%q; want %q", got, test.want)
		}
	}
}

func TestLanguageOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked       string
		environment map[string]string
		want        string
	}{
		{"", nil, "en"},
		{"sv", map[string]string{"LANG": "en_US.UTF-8"}, "sv"},
		{"", map[string]string{"LANG": "sv_SE.UTF-8"}, "sv"},
		{"", map[string]string{"LANG": "sv_SE.UTF-8", "LC_MESSAGES": "en_GB"}, "en"},
		{"", map[string]string{"LANG": "C", "LC_ALL": "sv"}, "sv"},
		{"", map[string]string{"LANG": "de_DE"}, "en"},
	} {
		got := explainCommand{Language: test.asked}.language(func(name string) string { return test.environment[name] })
		if got != test.want {
			t.Errorf("%q in %v: %s; want %s", test.asked, test.environment, got, test.want)
		}
	}
}
