package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
	"svar/queue/journal"
	"svar/store"
)

// reloadConfig is a desk whose callers hear the prompts first, and whose agents give the outcomes.
func reloadConfig(outcomes string, prompts ...string) string {
	text := `desk: {connect_timeout: 20s, offer_timeout: 60s, ramp_up: 0s, preferred: {for: 0s}, outcome_codes: [` + outcomes + `]}
hours: {weekly: {everyday: ["00:00-24:00"]}}
lines:
  - id: staff
    number: "+46850800100"
    audience: staff
    language: sv
    look_up: true
    name: {sv: Medarbetare, en: Staff}
    greeting: {sv: Hej, en: Hello}
    flow:
`
	for _, prompt := range prompts {
		text += "      - say: " + prompt + "\n"
	}
	return text + "      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}\n"
}

// configure writes the App's configuration file anew.
func (a *testApp) configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.data, "svar.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload asks for it by the API, and returns the answer's status and text.
func (a *testApp) reload(t *testing.T, account string) (int, string) {
	t.Helper()
	c := client(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.web()+"/api/v1/configuration/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(session(t, a.web(), c, account, identity.DemoPassword))
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var text json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&text); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// A change of the configuration never touches a live contact, and a bad file changes nothing:
// asterisk#1255, asterisk#1972, asterisk#2081.
func TestReloadLeavesCallsAlone(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, reloadConfig("solved"), nil, nil)
	welcome, err := app.prompts.Clip("welcome-staff", "sv")
	if err != nil {
		t.Fatal(err)
	}
	anna := app.skilled(t, "staff")
	anna.Ready()
	first := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	talk := anna.Accept(anna.Ring())
	goesOn := func(when string) {
		t.Helper()
		first.Hears(agentTone)
		anna.Hears(talk.Offer, callerTone)
		if mine := anna.State().Contacts; len(mine) != 1 || mine[0].Contact != talk.Contact || mine[0].State != contact.StateConnected {
			t.Errorf("%s the agent has %s", when, asJSON(mine))
		}
	}
	goesOn("at first")

	// By SIGHUP, which is told to nobody but the log.
	app.configure(t, reloadConfig("solved, other", "welcome-staff"))
	app.hangups <- syscall.SIGHUP
	eventually(t, func() bool { return strings.Contains(app.log.String(), "taken over") }, app.log.tail)
	goesOn("after SIGHUP")
	second := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	second.waitHears("the welcome", second.beginning(welcome))

	// A bad file, by the API.
	app.configure(t, reloadConfig("solved", "lost")+"desk: 3\n")
	status, answer := app.reload(t, "adam")
	if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "svar.yaml:14:") {
		t.Errorf("a bad file is answered by %d %s", status, answer)
	}
	app.configure(t, reloadConfig("solved", "lost"))
	if status, answer = app.reload(t, "adam"); status != http.StatusUnprocessableEntity || !strings.Contains(answer, `svar.yaml:12:14: the flow of line staff plays the prompt \"lost\"`) {
		t.Errorf("a file that names a prompt which is not there is answered by %d %s", status, answer)
	}
	goesOn("after a bad file")
	third := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	third.waitHears("the welcome still", third.beginning(welcome))

	// A new prompt, an address that needs a restart, and an outcome less than the agent was shown.
	app.configure(t, "prompts: [{name: closed, text: {sv: Nytt., en: New.}}, {name: welcome-staff, text: {sv: Nu är allting nytt., en: All is new.}}, "+
		"{name: welcome-pupils, text: {sv: Hej., en: Hi.}}, {name: chat-queued, text: {sv: Hej., en: Hi.}}]\nphone: {max_calls: 77}\n"+reloadConfig("other", "welcome-staff"))
	if status, answer = app.reload(t, "eva"); status != http.StatusForbidden {
		t.Errorf("a supervisor is answered by %d %s", status, answer)
	}
	status, answer = app.reload(t, "adam")
	var reloaded agentui.Reloaded
	if err := json.Unmarshal([]byte(answer), &reloaded); err != nil || status != http.StatusOK {
		t.Fatalf("answered by %d %s, %v", status, answer, err)
	}
	if changed := strings.Join(reloaded.Changed, " "); !strings.Contains(changed, "desk.outcome_codes") || !strings.Contains(changed, "prompts.welcome-staff.text") ||
		!strings.Contains(strings.Join(reloaded.Restart, " "), "phone.max_calls") {
		t.Errorf("the answer is %s", answer)
	}
	renewed, err := app.prompts.Clip("welcome-staff", "sv")
	if err != nil {
		t.Fatal(err)
	}
	fourth := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	fourth.waitHears("the new welcome", fourth.beginning(renewed))
	goesOn("at last")

	// The others were not lost on their way, and the talk ends like any other.
	anna.waitQueue(3)
	anna.HangUp(talk)
	first.Wait()
	if code := anna.ask(agentui.Request{Do: agentui.DoFinish, Contact: talk.Contact, Code: "solved"}); code != string(contact.UnknownOutcome) {
		t.Errorf("an outcome that is no more is answered by %q", code)
	}
	anna.Finish(talk.Contact, "other")
	if next := anna.Ring(); next.Contact == talk.Contact {
		t.Errorf("the next offer is %s", asJSON(next))
	}
	for _, waiting := range []*caller{second, third, fourth} {
		waiting.HangUp()
	}
}

// Whoever asked and has gone stops nothing half way, and the queue is given its rules anew even if they are those that the
// node believes it to have: the answer to an earlier time may have been lost.
func TestReloadIsWhole(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, reloadConfig("solved"), nil, nil)
	outcomes := func() string {
		t.Helper()
		var codes []contact.OutcomeCode
		if err := app.journal.Read(t.Context(), 1, func(_ uint64, r journal.Record) error {
			for _, event := range r.Events {
				if rules, is := event.(contact.RulesChanged); is {
					codes = rules.Rules.OutcomeCodes
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(codes)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	app.configure(t, reloadConfig("other"))
	if _, err := app.Reload(gone); err != nil || outcomes() != "[other]" || app.config().Desk.OutcomeCodes[0] != "other" {
		t.Fatalf("%v; the queue has %s, the node %v", err, outcomes(), app.config().Desk.OutcomeCodes)
	}

	lost := app.config().Rules()
	lost.OutcomeCodes = []contact.OutcomeCode{"lost"}
	if err := app.bus.Send(t.Context(), contact.ChangeRules{Rules: lost}); err != nil {
		t.Fatal(err)
	}
	if changed, err := app.Reload(t.Context()); err != nil || len(changed.Changed) > 0 || outcomes() != "[other]" {
		t.Errorf("%v, %v; the queue has %s", changed, err, outcomes())
	}
}

// A form that was taken in before a restart counts in hours that the file has no more: it comes to the queue all the same.
func TestATextOfHoursThatAreGoneIsQueued(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, reloadConfig("solved"), nil, nil)
	const id contact.ID = "01980000-0000-7000-8000-000000000001"
	err := app.bringToQueue(t.Context(), store.TextContact{
		Contact: contact.Contact{ID: id, Channel: contact.Form, Line: "portal", Language: "sv", Arrived: contact.InstantOf(time.Now())},
		Enqueue: contact.Enqueue{Contact: id, Target: 60_000, Hours: "gone"},
	})
	if err != nil {
		t.Error(err)
	}
}

// SIGHUP does not end the process.
func TestSIGHUPReadsTheConfigurationAgain(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	server := home.serve(t)
	file := home.settings["SVAR_CONFIG"]
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	hangUp := func(config, expected string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := server.command.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return strings.Contains(server.log.String(), expected) }, server.log.tail)
	}
	hangUp(string(text)+"nonsense: true\n", "svar.yaml:")
	hangUp(string(text)+"retention: {pupil_numbers: 1h}\n", "retention.pupil_numbers")
	server.terminate()
}
