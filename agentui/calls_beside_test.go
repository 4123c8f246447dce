package agentui

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"svar/contact"
	"svar/report"
)

// fakeCallLog has a log, the newest first, and remembers what it was asked for.
type fakeCallLog struct {
	calls        []report.OutgoingCall
	supervisions []report.Supervision
	marks        []report.MarkedContact
	err          error
	asked        []report.CallFilter
}

func (l *fakeCallLog) OutgoingCalls(_ context.Context, f report.CallFilter) ([]report.OutgoingCall, error) {
	return pageOfLog(l, l.calls, f, func(c report.OutgoingCall) string { return c.Key })
}

func (l *fakeCallLog) Supervisions(_ context.Context, f report.CallFilter) ([]report.Supervision, error) {
	return pageOfLog(l, l.supervisions, f, func(c report.Supervision) string { return c.Key })
}

func (l *fakeCallLog) Marks(_ context.Context, f report.CallFilter) ([]report.MarkedContact, error) {
	return pageOfLog(l, l.marks, f, func(m report.MarkedContact) string { return m.Key })
}

func pageOfLog[T any](l *fakeCallLog, all []T, f report.CallFilter, key func(T) string) ([]T, error) {
	l.asked = append(l.asked, f)
	from := 0
	for i, row := range all {
		if f.Before != 0 && key(row) == f.BeforeKey {
			from = i + 1
		}
	}
	return all[from:min(len(all), from+f.Limit)], l.err
}

// Who calls whom at the desk's cost, who listens to whom, and who was marked: supervisors read it in pages, nobody else does.
func TestTheLogOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callLog.calls = []report.OutgoingCall{
		{Key: "b.2", Contact: "b", Line: "staff", Agent: "anna", Destination: "supplier", Blind: true, TookOver: true, Called: 3_000, Answered: 4_000, Ended: 4_000},
		{Key: "a", Contact: "a", Line: "staff", Agent: "gone", Called: 2_000, Ended: 2_500, Failure: contact.DialBusy},
		{Key: "0", Contact: "0", Agent: "bo", Called: 1_000},
	}
	w.callLog.supervisions = []report.Supervision{
		{Key: "b.9.0", Contact: "b", Line: "staff", Supervisor: "eva", Agents: []contact.AgentID{"anna", "bo"}, Mode: contact.SuperviseListen, Begun: 3_000, Ended: 4_000},
		{Key: "a.8.0", Contact: "a", Line: "staff", Supervisor: "eva", Mode: contact.SuperviseBarge, Begun: 2_000},
	}
	w.callLog.marks = []report.MarkedContact{
		{Key: "b.threat", Contact: "b", Line: "staff", Mark: contact.MarkThreat, Agent: "anna", At: 3_000},
		{Key: "a.nuisance", Contact: "a", Line: "staff", Mark: contact.MarkNuisance, Agent: "bo", At: 2_000},
	}
	anna, bo, eva := Colleague{Agent: "anna", Name: "ANNA"}, Colleague{Agent: "bo", Name: "BO"}, w.ui.states.colleague("eva")

	type body struct {
		Calls        []OutgoingCall
		Supervisions []Supervision
		Marks        []MarkedContact
		Next         string
	}
	page := func(query string) body {
		t.Helper()
		r := w.do("GET", "/api/v1/calls/"+query, w.token("eva"), nil)
		var b body
		if err := json.Unmarshal(r.Body.Bytes(), &b); err != nil || r.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, r.Code, r.Body)
		}
		return b
	}
	for query, want := range map[string]body{
		"outgoing?limit=2": {Next: "2000.a", Calls: []OutgoingCall{
			{Contact: "b", Line: "staff", Agent: anna, Destination: "supplier", Blind: true, TookOver: true, Called: 3_000, Answered: 4_000, Ended: 4_000},
			{Contact: "a", Line: "staff", Agent: Colleague{Agent: "gone", Name: "gone"}, Called: 2_000, Ended: 2_500, Failure: contact.DialBusy},
		}},
		"outgoing?limit=2&before=2000.a": {Calls: []OutgoingCall{{Contact: "0", Agent: bo, Called: 1_000}}},
		"supervisions?limit=1": {Next: "3000.b.9.0", Supervisions: []Supervision{
			{Contact: "b", Line: "staff", Supervisor: *eva, Agents: []Colleague{anna, bo}, Mode: contact.SuperviseListen, Begun: 3_000, Ended: 4_000},
		}},
		"supervisions?limit=1&before=3000.b.9.0": {Supervisions: []Supervision{
			{Contact: "a", Line: "staff", Supervisor: *eva, Agents: []Colleague{}, Mode: contact.SuperviseBarge, Begun: 2_000},
		}},
		"marks?limit=1":                      {Next: "3000.b.threat", Marks: []MarkedContact{{Contact: "b", Line: "staff", Mark: contact.MarkThreat, Agent: anna, At: 3_000}}},
		"marks?limit=1&before=3000.b.threat": {Marks: []MarkedContact{{Contact: "a", Line: "staff", Mark: contact.MarkNuisance, Agent: bo, At: 2_000}}},
	} {
		if got := page(query); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", query, got, want)
		}
	}

	asked := func() report.CallFilter { return w.callLog.asked[len(w.callLog.asked)-1] }
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	page("marks?agent=anna&contact=b&from=" + url.QueryEscape(from.Format(time.RFC3339)) + "&to=" + url.QueryEscape(to.Format(time.RFC3339)))
	if want := (report.CallFilter{From: contact.InstantOf(from), To: contact.InstantOf(to), Agent: "anna", Contact: "b", Limit: 51}); asked() != want {
		t.Errorf("asked for %+v, want %+v", asked(), want)
	}
	if page("marks"); asked().To.Sub(asked().From) != contact.MillisOf(24*time.Hour) {
		t.Errorf("without a day, asked for %+v", asked())
	}
	for _, path := range []string{"outgoing", "supervisions", "marks"} {
		for _, wrong := range []string{"limit=201", "limit=0", "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from=yesterday", "before=b", "before=0.b", "before=x.b", "agent=%00", "contact=%ff"} {
			wantProblem(t, path+" "+wrong, w.do("GET", "/api/v1/calls/"+path+"?"+wrong, w.token("eva"), nil), http.StatusUnprocessableEntity)
		}
		w.callLog.asked = nil
		wantProblem(t, "an agent, "+path, w.do("GET", "/api/v1/calls/"+path, w.token("anna"), nil), http.StatusForbidden)
		wantProblem(t, "nobody, "+path, w.do("GET", "/api/v1/calls/"+path, "", nil), http.StatusUnauthorized)
		if len(w.callLog.asked) > 0 {
			t.Errorf("%s was read for somebody who may not", path)
		}
	}
	w.callLog.err = errFake
	wantProblem(t, "no database", w.do("GET", "/api/v1/calls/marks", w.token("eva"), nil), http.StatusServiceUnavailable)
	if len(w.access.list) != 0 {
		t.Errorf("a list that shows nobody is logged: %+v", w.access.list)
	}
}
