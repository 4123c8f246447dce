package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
	"svar/report"
)

func TestCheckNamesThePlaceOfEveryFault(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	if status := run(t.Context(), []string{"check"}, &out, &complaints); status != 0 || !strings.Contains(out.String(), "is right") {
		t.Errorf("the defaults: status %d\n%s%s", status, &out, &complaints)
	}
	path := filepath.Join(t.TempDir(), "own.yaml")
	text := "desk:\n  offer_timeout: 0s\n  outcome_codes: []\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	complaints.Reset()
	status := run(t.Context(), []string{"check", "--config", path}, &out, &complaints)
	for _, place := range []string{path + ":2:18: ", path + ":3:18: "} {
		if !strings.Contains(complaints.String(), place) {
			t.Errorf("%s is not named:\n%s", place, &complaints)
		}
	}
	if status != 1 || out.Len() > 0 {
		t.Errorf("status %d, %q", status, &out)
	}
	if status := run(t.Context(), []string{"chekc"}, &out, &complaints); status != 2 {
		t.Errorf("a command that does not exist: status %d", status)
	}
}

// The commands change a server that runs: the next ring card shows the people that were
// imported, and an account that was added signs in and gets calls.
func TestCommandsReachARunningServer(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	server := home.serve(t)
	desk := deskNamed("desk", 0)

	if status, out, complaints := home.run(t, "", "migrate"); status != 0 || out != "The database has the newest schema.\n" {
		t.Fatalf("migrate: status %d\n%s%s", status, out, complaints)
	}
	if status, _, complaints := home.run(t, "short\n", "user", "add", "ida"); status != 1 || !strings.Contains(complaints, "password") {
		t.Errorf("a bad password: status %d, %s", status, complaints)
	}
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", desk.skill+"=3", "ida"); status != 0 {
		t.Fatalf("user add: status %d, %s", status, complaints)
	}
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "ida"); status != 1 || !strings.Contains(complaints, "ida") {
		t.Errorf("an account that is there: status %d, %s", status, complaints)
	}
	ida := signIn(t, server.web, "ida", "a good password")
	ida.Ready()
	ring := func() agentui.Caller {
		caller := dial(t, call{scenario: "until-bye", to: server.sip, number: desk.number, from: "<sip:0701740605@127.0.0.1>"})
		talk := ida.Accept(ida.Ring())
		ida.HangUp(talk)
		caller.Wait()
		ida.Finish(talk.Contact, "solved")
		return talk.Caller
	}
	karin := identity.DemoPeople()[0].Name
	if shown := ring(); shown.Name != karin {
		t.Errorf("before any import the caller is %+v", shown)
	}

	path := filepath.Join(home.directory, "people.csv")
	header := "id,name,role,title,school,numbers,protected\n"
	write := func(rows string) {
		if err := os.WriteFile(path, []byte(header+rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("p1,Nina Ny,staff,Lärare,Nya skolan,070-174 06 05,\np2,Otto Fel,stuff,,,,\n")
	status, out, complaints := home.run(t, "", "import", "people", path)
	if status != 1 || out != "" || !regexp.MustCompile(`(?m)nothing was changed.*line 3.*(column|role)`).MatchString(complaints) {
		t.Errorf("a wrong row: status %d\n%s%s", status, out, complaints)
	}
	if shown := ring(); shown.Name != karin {
		t.Errorf("after an import that failed the caller is %+v", shown)
	}
	write("p1,Nina Ny,staff,Lärare,Nya skolan,070-174 06 05,\n")
	if status, out, complaints := home.run(t, "", "import", "people", path); status != 0 || !strings.Contains(out, "1 people") {
		t.Fatalf("import people: status %d\n%s%s", status, out, complaints)
	}
	// The server hears of it a moment later.
	eventually(t, func() bool { return ring().Name == "Nina Ny" }, func() string { return "the imported person is never shown" })

	status, out, complaints = home.run(t, "", "report", "calls", "--line", string(desk.id))
	if status != 0 || !regexp.MustCompile(`(?m)^answered +[3-9]`).MatchString(out) {
		t.Errorf("report calls: status %d\n%s%s", status, out, complaints)
	}
	if status, _, complaints := home.run(t, "", "report", "calls", "--line", "nobody"); status != 1 || !strings.Contains(complaints, "staff, pupils") {
		t.Errorf("a line that does not exist: status %d, %s", status, complaints)
	}
	if status, _, complaints := home.run(t, "", "report", "calls", "--line", "staff", "--day", "24/11"); status != 1 || !strings.Contains(complaints, "2026-11-24") {
		t.Errorf("a day that is none: status %d, %s", status, complaints)
	}
	ida.expectLoss()
	server.terminate()

	// And without a server, on the same data.
	if status, again, complaints := home.run(t, "", "report", "calls", "--line", string(desk.id)); status != 0 || again != out {
		t.Errorf("the report without a server: status %d\n%s%s\nwith it:\n%s", status, again, complaints, out)
	}
	if left := processesOf(home.data()); len(left) > 0 {
		t.Errorf("these processes are left: %q", left)
	}
}

func TestTheReportOfCallsOnPaper(t *testing.T) {
	t.Parallel()
	fold := report.NewContactFold(report.Query{From: time.UnixMilli(0), To: time.UnixMilli(1_000_000)})
	arrive := func(id contact.ID, at contact.Instant) {
		fold.Add(contact.ContactArrived{Contact: contact.Contact{ID: id, Channel: contact.Voice, Arrived: at}}, at)
	}
	for i, answered := range []contact.Instant{3_000, 9_000, 61_500} {
		id := contact.ID(fmt.Sprintf("answered-%d", i))
		arrive(id, 1_000)
		fold.Add(contact.ContactQueued{Contact: id}, 2_000)
		fold.Add(contact.ContactConnected{Contact: id}, answered)
	}
	arrive("short", 1_000)
	fold.Add(contact.ContactClosed{Contact: "short", End: contact.EndAbandoned, Stage: contact.StageMessage, Waited: 2_000}, 3_000)
	arrive("long", 1_000)
	fold.Add(contact.ContactClosed{Contact: "long", End: contact.EndAbandoned, Stage: contact.StageQueue, Waited: 90_000}, 91_000)
	arrive("open", 1_000)
	var out bytes.Buffer
	if err := printCalls(&out, "staff", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), fold.Total()); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report-calls.golden.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the report differs from %s:\n%s", golden, &out)
	}
}

// containsFigure reports whether a line of a report has a value.
func containsFigure(out, name string, value int) bool {
	return regexp.MustCompile(fmt.Sprintf(`(?m)^%s +%d$`, name, value)).MatchString(out)
}
