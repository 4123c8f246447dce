package agentui

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/report"
)

func mustAccount(w *world, name string) identity.Account {
	w.t.Helper()
	account, known := w.accounts.Account(name)
	if !known {
		w.t.Fatalf("no account %s", name)
	}
	return account
}

func TestFiguresAreAskedForByDaysOfTheCalendar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return testNoon }
	moment := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for query, want := range map[string]report.Query{
		"":                                       {From: moment("2026-11-23T23:00:00Z"), To: moment("2026-11-24T23:00:00Z"), By: report.Total},
		"?from=2026-10-25":                       {From: moment("2026-10-24T22:00:00Z"), To: moment("2026-10-25T23:00:00Z"), By: report.Total}, // 25 hours
		"?from=2026-03-28&to=2026-03-29&by=hour": {From: moment("2026-03-27T23:00:00Z"), To: moment("2026-03-29T22:00:00Z"), By: report.Hour},
		"?from=2026-01-01&to=2026-12-31&by=month&channel=mail&line=post&audience=staff": {
			From: moment("2025-12-31T23:00:00Z"), To: moment("2026-12-31T23:00:00Z"), By: report.Month,
			Channel: contact.Mail, Line: "post", Audience: contact.AudienceStaff,
		},
	} {
		w.counted.asked = nil
		if r := w.do("GET", "/api/v1/figures"+query, w.token("eva"), nil); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), `"rows":[]`) {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
			continue
		}
		got := w.counted.asked[0]
		if !got.From.Equal(want.From) || !got.To.Equal(want.To) || !got.Now.Equal(testNoon) {
			t.Errorf("%s: from %s to %s", query, got.From, got.To)
		}
		got.From, got.To, got.Now, want.From, want.To = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Errorf("%s: %+v; want %+v", query, got, want)
		}
	}
	for query, field := range map[string]string{
		"?from=yesterday": "query.from", "?from=2026-02-30": "query.from", "?to=2026-11-23": "query.to", "?from=2026-11-24&to=2026-11-23": "query.to",
		"?from=2025-01-01&to=2026-11-24": "query.from", "?from=2026-10-01&to=2026-11-24&by=hour": "query.from",
		"?by=week": "query.by", "?channel=fax": "query.channel",
	} {
		p := wantProblem(t, query, w.do("GET", "/api/v1/figures"+query, w.token("eva"), nil), http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || p.Errors[0].Location != field {
			t.Errorf("%s: %+v; want %s named", query, p.Errors, field)
		}
	}
	wantProblem(t, "an agent", w.do("GET", "/api/v1/figures", w.token("anna"), nil), http.StatusForbidden)
	wantProblem(t, "an agent's CSV", w.do("GET", "/api/v1/figures.csv", w.token("anna"), nil), http.StatusForbidden)
	w.counted.err = errFake
	wantProblem(t, "no database", w.do("GET", "/api/v1/figures.csv", w.token("eva"), nil), http.StatusServiceUnavailable)
}

// A spreadsheet reads the file as it is: semicolons, comma in numbers, UTF-8, and no formulas.
func TestFiguresForSpreadsheets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return testNoon }
	start, _ := report.Day(testNoon)
	times := report.Times{N: 2, Mean: 12_340, Median: 10_000, P90: 14_700, Max: 14_700}
	w.counted.rows = []report.Row{
		{
			Key:     report.Key{Start: start.Add(8 * time.Hour), Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff},
			Offered: 10, Answered: 2, Abandoned: []report.Abandoned{{Stage: contact.StageQueue, Count: 3, Short: 1}, {Stage: contact.StageMessage, Count: 1, Short: 1}},
			CalledBack: 1, OutsideHours: 1, Refused: 1, Dropped: 1, FromArrival: times, FromQueue: times,
			WithinTarget: 2, Answerable: 6, StrictWithin: 1, StrictAnswerable: 7,
			Handling: report.Handling{
				Talk: report.Times{N: 2, Mean: 60_000}, Held: report.Times{N: 1, Max: 5_000}, WrapUp: report.Times{Median: 7_000},
				Total: report.Times{P90: 90_100}, Lapsed: 3,
			},
		},
		{Key: report.Key{Start: start, Channel: contact.Mail, Line: `=HYPERLINK("http://evil.example")`}, Offered: 1, Open: 1},
	}
	r := w.do("GET", "/api/v1/figures.csv?by=hour", w.token("eva"), nil)
	if r.Code != http.StatusOK || r.Header().Get("Content-Type") != "text/csv; charset=utf-8" ||
		r.Header().Get("Content-Disposition") != `attachment; filename="kontakter-20261124-20261124.csv"` {
		t.Errorf("%d %v", r.Code, r.Header())
	}
	text, marked := strings.CutPrefix(r.Body.String(), "\ufeff")
	if !marked {
		t.Error("nothing says that it is UTF-8")
	}
	sheet := csv.NewReader(strings.NewReader(text))
	sheet.Comma = ';'
	rows, err := sheet.ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	cell := func(row int, head string) string {
		for i, name := range rows[0] {
			if name == head {
				return rows[row][i]
			}
		}
		t.Errorf("no column %q in %q", head, rows[0])
		return ""
	}
	for head, want := range map[string]string{
		"start": "2026-11-24 08:00 +0100", "linje": "staff", "inkomna": "10", "tappade: queue": "3", "tappade: message": "1", "tappade: ringing": "0",
		"tappade inom 5 s": "2", "medel s från ankomst": "12,3", "p90 s från kön": "14,7",
		"medel s samtal": "60,0", "max s vänteläge": "5,0", "median s efterarbete": "7,0", "p90 s hantering": "90,1", "efterarbete gick ut": "3",
		"inom mål": "2", "strikt av": "7", "formel": "1",
	} {
		if got := cell(1, head); head != "formel" && got != want || got == "" {
			t.Errorf("%s: %q; want %q", head, got, want)
		}
	}
	if got := cell(2, "linje"); !strings.HasPrefix(got, "'=") {
		t.Errorf("a formula: %q", got)
	}
}

func TestFiguresComeInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		w.counted.rows = append(w.counted.rows, report.Row{Offered: i})
	}
	for query, want := range map[string]struct {
		first, rows, next int
	}{
		"": {0, 7, 0}, "?limit=7": {0, 7, 0}, "?limit=3": {0, 3, 3}, "?limit=3&after=3": {3, 3, 6}, "?limit=3&after=6": {6, 1, 0}, "?after=99": {0, 0, 0},
	} {
		body := decode[struct {
			Rows []struct{ Offered int }
			Next int
		}](t, w.do("GET", "/api/v1/figures"+query, w.token("eva"), nil))
		if len(body.Rows) != want.rows || body.Next != want.next || want.rows > 0 && body.Rows[0].Offered != want.first {
			t.Errorf("%s: %+v; want %+v", query, body, want)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=5001", "?after=-1"} {
		wantProblem(t, query, w.do("GET", "/api/v1/figures"+query, w.token("eva"), nil), http.StatusUnprocessableEntity)
	}
}
