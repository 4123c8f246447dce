package agentui

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"svar/contact"
	"svar/identity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what is made now with the file, as JSON that people can read.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var readable bytes.Buffer
	if err := json.Indent(&readable, got, "", "  "); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	readable.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, readable.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readable.Bytes(), want) {
		t.Errorf("%s is another than before. If that is meant, and others can live with it, run: go test ./agentui -update\n%s", path, readable.Bytes())
	}
}

var testNoon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func apiWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return testNoon }
	for i := range 5 {
		at := testNoon.Add(-time.Duration(i+1) * time.Hour)
		line := contact.LineID("staff")
		if i == 4 {
			line = "pupils"
		}
		w.contacts.list = append(w.contacts.list, StoredContact{
			ID: contact.ID(fmt.Sprint("c", i)), Channel: contact.Voice, Line: line, State: contact.StateClosed, End: contact.EndHandled, Arrived: at,
			Transitions: []Transition{
				{Sequence: 1, At: at, Event: "contact_arrived", Data: json.RawMessage(`{"contact":{"id":"c","person":"petra.gomd","arrived":1795521600000},"node":"n"}`)},
				{Sequence: 2, At: at, Event: "contact_queued", Data: json.RawMessage(`{"contact":"c","target_ms":60000}`)},
			},
		})
	}
	return w
}

type contactsBody struct {
	Contacts []struct{ ID string }
	Next     string
}

func TestWhoMayListContacts(t *testing.T) {
	t.Parallel()
	w := apiWorld(t)
	for account, status := range map[string]int{"eva": 200, "adam": 200, "anna": 403, "": 401} {
		token := ""
		if account != "" {
			token = w.token(account)
		}
		r := w.do("GET", "/api/v1/contacts", token, nil)
		if status == http.StatusOK {
			if r.Code != status {
				t.Errorf("%s: %d %s", account, r.Code, r.Body)
			}
			continue
		}
		wantProblem(t, account, r, status)
	}
	// The account decides, not what the token says.
	token := w.token("eva")
	w.accounts.set(identity.Account{Name: "eva", Role: identity.Agent, Active: true})
	wantProblem(t, "no longer a supervisor", w.do("GET", "/api/v1/contacts", token, nil), http.StatusForbidden)
	w.accounts.remove("eva")
	wantProblem(t, "no longer there", w.do("GET", "/api/v1/contacts", token, nil), http.StatusUnauthorized)
}

func TestContactsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := apiWorld(t)
	token := w.token("eva")
	ids := func(query string) string {
		r := w.do("GET", "/api/v1/contacts"+query, token, nil)
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
			return ""
		}
		var list []string
		body := decode[contactsBody](t, r)
		for _, c := range body.Contacts {
			list = append(list, c.ID)
		}
		return strings.Join(list, " ") + "/" + body.Next
	}
	for query, want := range map[string]string{
		"":               "c0 c1 c2 c3 c4/",
		"?line=pupils":   "c4/",
		"?line=none":     "/",
		"?state=waiting": "/",
		"?from=2026-11-24T09:00:00Z&to=2026-11-24T11:00:00Z": "c1 c2/", // half-open
		"?limit=2":                        "c0 c1/c1",
		"?limit=2&before=c1":              "c2 c3/c3",
		"?limit=2&before=c3":              "c4/",
		"?to=2026-11-24T08:30:00%2B01:00": "c4/",
	} {
		if got := ids(query); got != want {
			t.Errorf("%s: %q; want %q", query, got, want)
		}
	}
	if r := w.do("GET", "/api/v1/contacts?line=none", token, nil); !strings.Contains(r.Body.String(), `"contacts":[]`) {
		t.Errorf("no contacts: %s", r.Body)
	}
	for query, field := range map[string]string{
		"?limit=0": "query.limit", "?limit=201": "query.limit", "?limit=x": "query.limit",
		"?from=yesterday": "query.from", "?to=1": "query.to", "?state=asleep": "query.state",
		"?line=" + strings.Repeat("x", 65):   "query.line",
		"?before=" + strings.Repeat("x", 65): "query.before",
		"?before=%00":                        "query.before", "?line=%ff": "query.line",
		"?from=2026-11-24T11:00:00Z&to=2026-11-24T11:00:00Z": "query.from",
	} {
		p := wantProblem(t, query, w.do("GET", "/api/v1/contacts"+query, token, nil), http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || p.Errors[0].Location != field {
			t.Errorf("%.40s: %+v; want %s named", query, p.Errors, field)
		}
	}
	w.contacts.err = errFake
	p := wantProblem(t, "no database", w.do("GET", "/api/v1/contacts", token, nil), http.StatusServiceUnavailable)
	if strings.Contains(p.Detail, errFake.Error()) {
		t.Errorf("the inside is told outside: %q", p.Detail)
	}
}

// Requirements D1 to D3: a list of contacts says nothing about the people behind them.
func TestListedContactsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	w := apiWorld(t)
	w.personal.by["c0"] = contact.Personal{Number: numberKnown}
	text := w.do("GET", "/api/v1/contacts", w.token("eva"), nil).Body.String()
	for _, word := range []string{"petra", "person", "Karin", "number", "name", string(numberKnown)} {
		if strings.Contains(text, word) {
			t.Errorf("the list holds %q: %s", word, text)
		}
	}
	if !strings.Contains(text, `"arrived":1795521600000`) || !strings.Contains(text, `{"contact":"c","target_ms":60000}`) {
		t.Errorf("the events are not whole: %s", text)
	}
}

func TestUnknownOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/people", "/api/v2/contacts", "/api/v1/contacts/c0"} {
		wantProblem(t, path, w.do("GET", path, "", nil), http.StatusNotFound)
	}
	for _, call := range []string{"POST /api/v1/contacts", "PUT /api/v1/session"} {
		method, path, _ := strings.Cut(call, " ")
		r := w.do(method, path, "", nil)
		wantProblem(t, call, r, http.StatusMethodNotAllowed)
		if !strings.Contains(r.Header().Get("Allow"), "GET") {
			t.Errorf("%s: allowed is %q", call, r.Header().Get("Allow"))
		}
	}
}

func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	r := newWorld(t).do("GET", "/api/v1/openapi.json", "", nil)
	if r.Code != http.StatusOK {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	golden(t, "openapi.json", r.Body.Bytes())
}
