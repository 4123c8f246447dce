package agentui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"svar/contact"
	"svar/report"
)

// Supervisors find recordings by day, agent and ticket, in pages; nobody else is told that there are some.
func TestRecordedCallsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.recorded.calls = []report.RecordedCall{
		{Contact: "c", Line: "staff", Agents: []contact.AgentID{"anna", "gone"}, Ticket: "SD-7", Arrived: 3_000, Length: 61_000, DeleteAfter: 90_000},
		{Contact: "b", Line: "staff", Agents: []contact.AgentID{"bo"}, Outgoing: true, Arrived: 2_000, Length: 1},
		{Contact: "a", Line: "staff", Arrived: 1_000},
	}
	for account, status := range map[string]int{"": http.StatusUnauthorized, "anna": http.StatusForbidden, "adam": http.StatusForbidden} {
		token := ""
		if account != "" {
			token = w.token(account)
		}
		if r := w.do("GET", "/api/v1/recordings", token, nil); r.Code != status {
			t.Errorf("%q: %d %s", account, r.Code, r.Body)
		}
	}
	if len(w.recorded.asked) != 0 {
		t.Fatalf("asked for %+v", w.recorded.asked)
	}

	page := func(query string) (calls []RecordedCall, next contact.ID) {
		t.Helper()
		r := w.do("GET", "/api/v1/recordings?"+query, w.token("eva"), nil)
		var body struct {
			Calls []RecordedCall
			Next  contact.ID
		}
		if err := json.Unmarshal(r.Body.Bytes(), &body); err != nil || r.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, r.Code, r.Body)
		}
		return body.Calls, body.Next
	}
	first, next := page("limit=2")
	want := []RecordedCall{
		{Contact: "c", Line: "staff", Agents: []Colleague{{Agent: "anna", Name: "ANNA"}, {Agent: "gone", Name: "gone"}}, Ticket: "SD-7", Arrived: 3_000, LengthMs: 61_000, DeleteAfter: 90_000},
		{Contact: "b", Line: "staff", Agents: []Colleague{{Agent: "bo", Name: "BO"}}, Outgoing: true, Arrived: 2_000, LengthMs: 1},
	}
	if !reflect.DeepEqual(first, want) || next != "b" {
		t.Errorf("got %+v, next %q", first, next)
	}
	if last, next := page("limit=2&before=b"); len(last) != 1 || last[0].Contact != "a" || last[0].Agents == nil || next != "" {
		t.Errorf("got %+v, next %q", last, next)
	}

	asked := func() report.RecordedCallFilter { return w.recorded.asked[len(w.recorded.asked)-1] }
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	page("agent=anna&from=" + url.QueryEscape(from.Format(time.RFC3339)) + "&to=" + url.QueryEscape(to.Format(time.RFC3339)))
	if f := asked(); f.From != contact.InstantOf(from) || f.To != contact.InstantOf(to) || f.Agent != "anna" || f.Limit != 51 || f.Now < f.To {
		t.Errorf("asked for %+v", f)
	}
	page("")
	if f := asked(); f.To.Sub(f.From) != contact.MillisOf(24*time.Hour) {
		t.Errorf("without a day, asked for %+v", f)
	}
	for _, query := range []string{"ticket=SD-7", "contact=c"} {
		page(query)
		if f := asked(); f.From != 0 || string(f.Ticket)+string(f.Contact) == "" {
			t.Errorf("%s: asked for %+v", query, f)
		}
	}
	for _, wrong := range []string{"limit=201", "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from=yesterday", "agent=%00", "ticket=%00", "contact=%ff", "before=%00"} {
		if r := w.do("GET", "/api/v1/recordings?"+wrong, w.token("eva"), nil); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", wrong, r.Code, r.Body)
		}
	}
	w.recorded.err = errFake
	if r := w.do("GET", "/api/v1/recordings", w.token("eva"), nil); r.Code != http.StatusServiceUnavailable {
		t.Errorf("without a database: %d %s", r.Code, r.Body)
	}
	if len(w.access.list) != 0 {
		t.Errorf("a list that shows nobody is logged: %+v", w.access.list)
	}
}
