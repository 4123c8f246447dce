package agentui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
	"svar/ticket"
)

// description is what the tests read of the API's own description.
type description struct {
	OpenAPI string
	Info    struct{ Title, Version, Description string }
	Paths   map[string]map[string]describedOperation
}

type describedOperation struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []struct {
		Name, In string
		Required bool
	}
	RequestBody *json.RawMessage
	Responses   map[string]struct {
		Description string
		Content     map[string]struct{ Schema map[string]any }
	}
	Security []map[string][]string
}

// operationTest is an operation with a request that is valid.
type operationTest struct {
	describedOperation
	route, method, path string
	body                any
}

// bodies are valid ones, by operation.
var bodies = map[string]any{
	"reload-configuration": nil,
	"sign-in":              credentials("eva", testPassword),
	"set-embargo":          map[string]string{"contact": "Åsa", "scope": "allt"},
	"lift-embargo":         nil,
	"publish-notice":       map[string]any{"text": map[string]string{"sv": "Stopp."}},
	"withdraw-notice":      nil,
	"search-tickets":       TicketSearch{},
	"open-ticket":          map[string]string{"kind": "question", "subject": "Hur?"},
	"link-contact":         map[string]string{"contact": "mine"},
	"add-entry":            map[string]string{"kind": "note", "text": "x"},
	"set-status":           map[string]string{"status": "in-progress"},
	"record-prompt":        "RIFF",
}

func describe(t *testing.T, w *world) description {
	t.Helper()
	return decode[description](t, w.do("GET", "/api/v1/openapi.json", "", nil))
}

// everyOperation returns all that there are, from their own description.
func everyOperation(t *testing.T, w *world) []operationTest {
	t.Helper()
	var all []operationTest
	for path, methods := range describe(t, w).Paths {
		for method, o := range methods {
			method = strings.ToUpper(method)
			body, given := bodies[o.OperationID]
			if method == http.MethodPost && !given {
				t.Errorf("%s has no body to try it with", o.OperationID)
			}
			all = append(all, operationTest{
				describedOperation: o, route: method + " " + path, method: method, body: body,
				path: strings.NewReplacer("{number}", "SD-7", "{id}", "1", "{name}", "welcome-staff", "{language}", "sv").Replace(path),
			})
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d operations are described", len(all))
	}
	return all
}

// The description is whole: each operation says what it takes, what it gives, and how it fails.
func TestEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := describe(t, w)
	if !strings.HasPrefix(d.OpenAPI, "3.1") || d.Info.Title == "" || d.Info.Version == "" || d.Info.Description == "" {
		t.Errorf("described as %s, %+v", d.OpenAPI, d.Info)
	}
	seen := map[string]bool{}
	placeholder := regexp.MustCompile(`\{(\w+)\}`)
	for _, o := range everyOperation(t, w) {
		if o.OperationID == "" || o.Summary == "" || len(o.Tags) != 1 || seen[o.OperationID] {
			t.Errorf("%s: id %q, summary %q, tags %q", o.route, o.OperationID, o.Summary, o.Tags)
		}
		seen[o.OperationID] = true
		if open := len(o.Security) == 0; open != (o.OperationID == "sign-in") {
			t.Errorf("%s: security %v", o.route, o.Security)
		}
		var inPath []string
		for _, parameter := range o.Parameters {
			if parameter.In == "path" && parameter.Required {
				inPath = append(inPath, parameter.Name)
			}
			if parameter.In == "cookie" {
				t.Errorf("%s: the cookie %s is a parameter; it is how one is signed in", o.route, parameter.Name)
			}
		}
		for _, name := range placeholder.FindAllStringSubmatch(o.route, -1) {
			if !slices.Contains(inPath, name[1]) {
				t.Errorf("%s: %s is not described", o.route, name[1])
			}
		}
		if (o.body != nil) != (o.RequestBody != nil) {
			t.Errorf("%s: has a body: %v", o.route, o.RequestBody != nil)
		}
		succeeds := false
		for code, response := range o.Responses {
			if strings.HasPrefix(code, "2") {
				succeeds = true
				if strings.HasPrefix(code, "204") != (len(response.Content) == 0) {
					t.Errorf("%s: %s with %d contents", o.route, code, len(response.Content))
				}
			} else if _, is := response.Content["application/problem+json"]; !is {
				t.Errorf("%s: %s is no problem: %v", o.route, code, response.Content)
			}
			if response.Description == "" {
				t.Errorf("%s: %s says nothing", o.route, code)
			}
		}
		if !succeeds || o.Responses["403"].Description == "" || o.Responses["500"].Description == "" {
			t.Errorf("%s: answers %v", o.route, slices.Sorted(maps.Keys(o.Responses)))
		}
	}
}

// Every answer that an operation gives is one that it is described with.
func described(t *testing.T, o operationTest, code int) {
	t.Helper()
	if _, is := o.Responses[fmt.Sprint(code)]; !is {
		t.Errorf("%s answers %d, which its description does not know: %v", o.route, code, slices.Sorted(maps.Keys(o.Responses)))
	}
}

func TestEveryOperationNeedsASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, o := range everyOperation(t, w) {
		if o.OperationID == "sign-in" || o.OperationID == "sign-out" { // whoever is not signed in is signed out
			continue
		}
		for name, token := range map[string]string{"nobody": "", "no token of ours": "a.b.c"} {
			wantProblem(t, o.route+", "+name, w.do(o.method, o.path, token, o.body), http.StatusUnauthorized)
		}
		described(t, o, http.StatusUnauthorized)
	}
}

// No page of another origin makes a browser change anything, by whatever operation (CSRF).
func TestOtherOriginsChangeNothingByAnyOperation(t *testing.T) {
	t.Parallel()
	w := permissionWorld(t)
	tried, before := 0, maps.Clone(w.tickets.by)
	for _, o := range everyOperation(t, w) {
		if o.method == http.MethodGet {
			continue
		}
		tried++
		for name, header := range map[string][]string{
			"by its headers": {"Sec-Fetch-Site", "cross-site"}, "same site": {"Sec-Fetch-Site", "same-site"},
			"by its origin": {"Origin", "https://evil.example"}, "sandboxed": {"Origin", "null"},
		} {
			wantProblem(t, o.route+", "+name, w.do(o.method, o.path, w.token("group-supervisor"), o.body, header...), http.StatusForbidden)
			described(t, o, http.StatusForbidden)
		}
		// A form cannot send JSON: what it can send is refused even without those headers.
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			if o.body == nil || o.OperationID == "sign-in" {
				continue
			}
			r := w.do(o.method, o.path, w.token("group-supervisor"), `{}`, "Content-Type", kind)
			if r.Code < 400 || r.Code >= 500 {
				t.Errorf("%s as %s: %d", o.route, kind, r.Code)
			}
		}
	}
	if tried < 10 || !reflect.DeepEqual(w.tickets.by, before) || !reflect.DeepEqual(w.notices.log, contact.Notices{}) || len(w.queue.sent()) != 0 {
		t.Errorf("%d operations were tried; something was changed", tried)
	}
}

func TestEveryOperationBoundsItsBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	huge := `{"text":"` + strings.Repeat("x", maxTicketBody) + `"}`
	for _, o := range everyOperation(t, w) {
		if o.RequestBody == nil || o.OperationID == "record-prompt" { // no JSON: see prompts_test.go
			continue
		}
		wantProblem(t, o.route, w.do(o.method, o.path, w.token("eva"), huge), http.StatusRequestEntityTooLarge)
		described(t, o, http.StatusRequestEntityTooLarge)
		wantProblem(t, o.route+", no JSON", w.do(o.method, o.path, w.token("eva"), `{`), http.StatusBadRequest)
	}
}

// What is there, but not by that method, is told with those that it has.
func TestEveryPathRefusesOtherMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	has := map[string][]string{"/api/v1/openapi.json": {"GET"}}
	for _, o := range everyOperation(t, w) {
		has[o.path] = append(has[o.path], o.method)
	}
	for path, methods := range has {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if slices.Contains(methods, method) {
				continue
			}
			r := w.do(method, path, w.token("eva"), nil)
			wantProblem(t, method+" "+path, r, http.StatusMethodNotAllowed)
			for _, allowed := range methods {
				if !strings.Contains(r.Header().Get("Allow"), allowed) {
					t.Errorf("%s %s: allowed is %q", method, path, r.Header().Get("Allow"))
				}
			}
		}
	}
}

// Lists that grow come in pages.
func TestGrowingListsHavePages(t *testing.T) {
	t.Parallel()
	paged := map[string]bool{}
	for _, o := range everyOperation(t, newWorld(t)) {
		names := map[string]bool{}
		for _, parameter := range o.Parameters {
			names[parameter.Name] = true
		}
		if names["limit"] && (names["before"] || names["after"]) {
			paged[o.OperationID] = true
		} else if o.method == http.MethodGet && strings.HasPrefix(o.OperationID, "list-") {
			t.Errorf("%s has no pages", o.route)
		}
	}
	for _, id := range []string{"list-contacts", "list-own-contacts", "list-notices", "get-figures"} {
		if !paged[id] {
			t.Errorf("%s has no pages", id)
		}
	}
}

// stalled is a database that takes every question and answers none.
type stalled struct{}

func stall(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (stalled) OpenTicket(ctx context.Context, _ ticket.Draft, _ contact.Instant) (contact.TicketNumber, error) {
	return "", stall(ctx)
}

func (stalled) Ticket(ctx context.Context, _ contact.TicketNumber) (ticket.Ticket, error) {
	return ticket.Ticket{}, stall(ctx)
}

func (stalled) Tickets(ctx context.Context, _ ticket.Filter) ([]ticket.Ticket, error) {
	return nil, stall(ctx)
}

func (stalled) AddEntry(ctx context.Context, _ contact.TicketNumber, _ ticket.Entry, _ contact.Instant) (ticket.Entry, error) {
	return ticket.Entry{}, stall(ctx)
}

func (stalled) SetStatus(ctx context.Context, _ contact.TicketNumber, _ ticket.Status, _ contact.AgentID, _ contact.Instant) error {
	return stall(ctx)
}

func (stalled) LinkContact(ctx context.Context, _ contact.TicketNumber, _ contact.ID, _ contact.AgentID, _ contact.Instant) error {
	return stall(ctx)
}

func (stalled) EntryHTML(ctx context.Context, _ contact.TicketNumber, _ int64) (string, error) {
	return "", stall(ctx)
}

func (stalled) Attachment(ctx context.Context, _ contact.TicketNumber, _ int64) (ticket.Attachment, []byte, error) {
	return ticket.Attachment{}, nil, stall(ctx)
}

func (stalled) NoticeLog(ctx context.Context, _ contact.Instant, _ string, _ int) (contact.Notices, error) {
	return contact.Notices{}, stall(ctx)
}
func (stalled) PublishNotice(ctx context.Context, _ contact.Notice) error { return stall(ctx) }
func (stalled) WithdrawNotice(ctx context.Context, _ contact.NoticeID, _ contact.AgentID, _ contact.Instant) error {
	return stall(ctx)
}
func (stalled) SetEmbargo(ctx context.Context, _ contact.Embargo) error { return stall(ctx) }
func (stalled) LiftEmbargo(ctx context.Context, _ contact.EmbargoID, _ contact.AgentID, _ contact.Instant) error {
	return stall(ctx)
}

func (stalled) Contacts(ctx context.Context, _ ContactFilter) ([]StoredContact, error) {
	return nil, stall(ctx)
}

func (stalled) AgentContacts(ctx context.Context, _ contact.AgentID, _ contact.Instant, _ int) ([]report.AgentContact, error) {
	return nil, stall(ctx)
}

func (stalled) Recorded(ctx context.Context, _ contact.ID) ([]report.Recorded, error) {
	return nil, stall(ctx)
}

func (stalled) RecordedCalls(ctx context.Context, _ report.RecordedCallFilter) ([]report.RecordedCall, error) {
	return nil, stall(ctx)
}

func (stalled) OutgoingCalls(ctx context.Context, _ report.CallFilter) ([]report.OutgoingCall, error) {
	return nil, stall(ctx)
}

func (stalled) Supervisions(ctx context.Context, _ report.CallFilter) ([]report.Supervision, error) {
	return nil, stall(ctx)
}

func (stalled) Marks(ctx context.Context, _ report.CallFilter) ([]report.MarkedContact, error) {
	return nil, stall(ctx)
}

func (stalled) ContactFigures(ctx context.Context, _ report.Query) ([]report.Row, error) {
	return nil, stall(ctx)
}

func (stalled) Today(ctx context.Context, _ time.Time) (DayFigures, error) {
	return DayFigures{}, stall(ctx)
}
func (stalled) LogAccess(ctx context.Context, _ []identity.Access) error { return stall(ctx) }

// stall takes the database away, before the surface runs.
func (w *world) stall() *world {
	c, away := &w.ui.config, stalled{}
	c.Tickets, c.NoticeDesk, c.Contacts, c.OwnContacts, c.ContactFigures, c.Explanations, c.RecordedCalls, c.CallLog = away, away, away, away, away, away, away, away
	w.ui.earlier.tickets, w.ui.figures.source, w.ui.figures.stored, w.ui.accesses.target = away, away, away, away
	return w
}

// Without PostgreSQL, what needs it says so within seconds, and when to try again; who is
// signed in, signing in and out go on.
func TestOperationsWithoutADatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).stall()
		mine := connected(waitingContact("mine", "staff", 1), "eva", 1)
		w.merge(bus.AgentView{Agent: "eva"}, mine)
		for _, o := range everyOperation(t, w) {
			switch o.OperationID {
			case "reload-configuration", "record-prompt", "speak-prompt":
				continue // they need no database, but an administrator
			}
			began := time.Now()
			r := w.do(o.method, o.path, w.token("eva"), o.body)
			took := time.Since(began)
			if strings.HasSuffix(o.path, "/session") {
				if r.Code/100 != 2 || took != 0 {
					t.Errorf("%s: %d after %s", o.route, r.Code, took)
				}
				w.ui.revocations = identity.NewRevocations() // signing out was one of them
				continue
			}
			p := wantProblem(t, o.route, r, http.StatusServiceUnavailable)
			described(t, o, r.Code)
			if r.Header().Get("Retry-After") == "" || !strings.Contains(p.Detail, "database") {
				t.Errorf("%s: retry after %q: %q", o.route, r.Header().Get("Retry-After"), p.Detail)
			}
			limit := readingTime
			switch {
			case strings.Contains(o.path, "/figures"):
				limit = countingTime
			case o.method != http.MethodGet && o.OperationID != "search-tickets":
				limit = writingTime
			}
			if took > limit {
				t.Errorf("%s: after %s; want %s at most", o.route, took, limit)
			}
		}
	})
}

// Without PostgreSQL the console opens, shows its state, and takes all that a call needs.
func TestConsoleWithoutADatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).stall().run().serve(nil)
		w.personal.by["call"] = contact.Personal{Number: numberKnown}
		if r := w.do("POST", "/api/v1/session", "", credentials("anna", testPassword)); r.Code != http.StatusNoContent {
			t.Errorf("sign in: %d %s", r.Code, r.Body)
		}
		c := w.console("anna")
		c.state(anyState)
		w.queue.send(w.queue.record(offeredTo("anna", 1, waitingContact("call", "staff", 1))))
		if s := c.state(func(s *ConsoleState) bool { return s.Offer != nil }); s.Offer.Caller.Name != "Karin Ek" {
			t.Errorf("rings as %+v", s.Offer.Caller)
		}
		w.queue.send(w.queue.record(connectedWith("anna", 1, waitingContact("call", "staff", 1))))
		c.state(func(s *ConsoleState) bool { return len(s.Contacts) == 1 })
		began := time.Now()
		for i, r := range []Request{
			{Do: DoPresence, Presence: contact.Ready},
			{Do: DoAccept, Offer: 1},
			{Do: DoHold, Contact: "call"},
			{Do: DoResume, Contact: "call"},
			{Do: DoKey, Contact: "call", Key: "5"},
			{Do: DoVoice, Contact: "call"},
			{Do: DoNote, Contact: "call", Note: "Ringer åter"},
			{Do: DoOutcome, Contact: "call", Code: "solved"},
			{Do: DoHangUp, Contact: "call"},
			{Do: DoExtend, Contact: "call"},
			{Do: DoFinish, Contact: "call", Code: "solved"},
		} {
			if r.ID = int64(i + 1); c.ask(r) != "" {
				t.Errorf("%s is refused", r.Do)
			}
		}
		if took := time.Since(began); took > stateEvery {
			t.Errorf("it took %s", took)
		}
		// Whether a ticket is there cannot be said; that holds an end up for a second at most.
		if code := c.ask(Request{ID: 99, Do: DoFinish, Contact: "call", Ticket: "SD-1"}); code != "" || time.Since(began) > checkTime+stateEvery {
			t.Errorf("finished with a ticket: %q after %s", code, time.Since(began))
		}
		if w.personal.notes["call"] != "Ringer åter" {
			t.Error("the note was not kept")
		}
	})
}
