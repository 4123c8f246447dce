package agentui

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"svar/contact"
)

type noticesBody struct {
	Notices    []NoticeCard
	Embargoes  []contact.Embargo
	Log        []contact.Notice
	EmbargoLog []contact.Embargo
	ID         string
	Blocked    bool
}

func (w *world) post(account, path string, body any) *httptest.ResponseRecorder {
	return w.do("POST", "/api/v1"+path, w.token(account), body)
}

// One publication, its block by the City and its withdrawal, and what is left on record of each.
func TestOutageMessageIsPublishedBlockedAndWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return testNoon }
	now := contact.InstantOf(testNoon)
	r := w.post("eva", "/notices", map[string]any{
		"service": "login", "lines": []string{"staff"}, "audiences": []string{"staff"},
		"text": map[string]string{"sv": " Inloggningen är störd.\nVi arbetar på det. ", "en": ""}, "until": int64(now) + 1,
	})
	if r.Code != http.StatusCreated || decode[noticesBody](t, r).Blocked {
		t.Fatalf("publish: %d %s", r.Code, r.Body)
	}
	id := decode[noticesBody](t, r).ID
	got := w.notices.all.Notices[0]
	if string(got.ID) != id || got.By != "eva" || got.Published != now || got.From != now || got.Until != now+1 || got.Service != "login" ||
		got.Text["sv"] != "Inloggningen är störd.\nVi arbetar på det." || len(got.Text) != 1 || len(got.Lines) != 1 || len(got.Audiences) != 1 {
		t.Errorf("published %+v", got)
	}
	r = w.post("adam", "/embargoes", map[string]string{"service": "login", "contact": "Stadens vakthavande", "scope": "Inloggning", "relief": "AV-7"})
	if r.Code != http.StatusCreated {
		t.Fatalf("embargo: %d %s", r.Code, r.Body)
	}
	embargo := decode[noticesBody](t, r).ID
	if e := w.notices.all.Embargoes[0]; string(e.ID) != embargo || e.Contact != "Stadens vakthavande" || e.Scope != "Inloggning" || e.Relief != "AV-7" || e.By != "adam" || e.From != now {
		t.Errorf("embargo %+v", e)
	}
	// What is published under it is accepted and shown as blocked.
	r = w.post("eva", "/notices", map[string]any{"service": "login", "text": map[string]string{"sv": "Igen"}})
	if r.Code != http.StatusCreated || !decode[noticesBody](t, r).Blocked {
		t.Errorf("publish under an embargo: %d %s", r.Code, r.Body)
	}
	list := decode[noticesBody](t, w.do("GET", "/api/v1/notices", w.token("eva"), nil))
	if len(list.Notices) != 2 || !list.Notices[0].Blocked || !list.Notices[1].Blocked || len(list.Embargoes) != 1 || len(list.Log) != 2 || len(list.EmbargoLog) != 1 {
		t.Errorf("listed %+v", list)
	}
	if r := w.post("eva", "/embargoes/"+embargo+"/lift", nil); r.Code != http.StatusNoContent {
		t.Errorf("lift: %d %s", r.Code, r.Body)
	}
	if r := w.post("eva", "/notices/"+id+"/withdraw", nil); r.Code != http.StatusNoContent {
		t.Errorf("withdraw: %d %s", r.Code, r.Body)
	}
	list = decode[noticesBody](t, w.do("GET", "/api/v1/notices", w.token("eva"), nil))
	if len(list.Notices) != 1 || list.Notices[0].Blocked || len(list.Embargoes) != 0 || list.Log[1].WithdrawnBy != "eva" {
		t.Errorf("after the withdrawal %+v", list)
	}
	wantProblem(t, "withdraw twice", w.post("eva", "/notices/"+id+"/withdraw", nil), http.StatusNotFound)
	wantProblem(t, "lift twice", w.post("eva", "/embargoes/"+embargo+"/lift", nil), http.StatusNotFound)
}

func TestOutageMessagesAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ui.config.Now = func() time.Time { return testNoon }
	now := int64(contact.InstantOf(testNoon))
	sv := map[string]string{"sv": strings.Repeat("ö", maxNoticeText)}
	if r := w.post("eva", "/notices", map[string]any{"text": sv, "from": now + 1, "until": now + 2}); r.Code != http.StatusCreated {
		t.Errorf("the longest, planned: %d %s", r.Code, r.Body)
	}
	for name, test := range map[string]struct {
		body  map[string]any
		field string
	}{
		"no text":          {map[string]any{"text": map[string]string{}}, "body.text.sv"},
		"blank":            {map[string]any{"text": map[string]string{"sv": " \n"}}, "body.text.sv"},
		"English only":     {map[string]any{"text": map[string]string{"en": "x"}}, "body.text.sv"},
		"too long":         {map[string]any{"text": map[string]string{"sv": sv["sv"] + "ö"}}, "body.text.sv"},
		"too long English": {map[string]any{"text": map[string]string{"sv": "x", "en": sv["sv"] + "ö"}}, "body.text.en"},
		"control":          {map[string]any{"text": map[string]string{"sv": "a\x07b"}}, "body.text.sv"},
		"a third language": {map[string]any{"text": map[string]string{"sv": "x", "fi": "x"}}, "body.text"},
		"ends at once":     {map[string]any{"text": sv, "from": now + 5, "until": now + 5}, "body.until"},
		"is over":          {map[string]any{"text": sv, "from": 1, "until": now}, "body.until"},
		"no such service":  {map[string]any{"text": sv, "service": "moon"}, "body.service"},
		"no such line":     {map[string]any{"text": sv, "lines": []string{"staff", "moon"}}, "body.lines"},
		"no such audience": {map[string]any{"text": sv, "audiences": []string{"martians"}}, "body.audiences"},
		"everybody's":      {map[string]any{"text": sv, "audiences": []string{""}}, "body.audiences"},
		"no text at all":   {map[string]any{}, "body"},
		"negative":         {map[string]any{"text": sv, "until": -1}, "body.until"},
	} {
		p := wantProblem(t, name, w.post("eva", "/notices", test.body), http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || p.Errors[0].Location != test.field {
			t.Errorf("%s: %+v; want %s named", name, p.Errors, test.field)
		}
	}
	for name, body := range map[string]map[string]string{
		"nobody of the City": {"scope": "x"}, "a blank name": {"contact": " ", "scope": "x"}, "no scope": {"contact": "x"},
		"control": {"contact": "x", "scope": "a\x00"}, "service": {"contact": "x", "scope": "y", "service": "moon"},
	} {
		wantProblem(t, name, w.post("eva", "/embargoes", body), http.StatusUnprocessableEntity)
	}
	for range maxNotices - 1 {
		w.notices.all.Notices = append(w.notices.all.Notices, contact.Notice{})
	}
	wantProblem(t, "too many", w.post("eva", "/notices", map[string]any{"text": sv}), http.StatusUnprocessableEntity)
	if len(w.notices.log.Notices) != 1 || len(w.notices.all.Embargoes) != 0 {
		t.Error("refused, but kept")
	}
}

func TestOnlySupervisorsPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, call := range []struct {
		path string
		body any
	}{
		{"/notices", map[string]any{"text": map[string]string{"sv": "x"}}},
		{"/notices/n/withdraw", nil},
		{"/embargoes", map[string]string{"contact": "x", "scope": "y"}},
		{"/embargoes/e/lift", nil},
	} {
		wantProblem(t, call.path, w.post("anna", call.path, call.body), http.StatusForbidden)
		wantProblem(t, call.path, w.do("POST", "/api/v1"+call.path, "", call.body), http.StatusUnauthorized)
	}
	w.notices.failed = errFake
	p := wantProblem(t, "no database", w.post("eva", "/embargoes", map[string]string{"contact": "x", "scope": "y"}), http.StatusServiceUnavailable)
	if strings.Contains(p.Detail, errFake.Error()) {
		t.Errorf("the inside is told outside: %q", p.Detail)
	}
	if anna := w.ui.hello(mustAccount(w, "anna")); anna.Publishes || anna.SeesFigures {
		t.Errorf("an agent's console offers what the server refuses: %+v", anna)
	}
	if eva := w.ui.hello(mustAccount(w, "eva")); !eva.Publishes || !eva.SeesFigures || len(eva.Services) != 1 {
		t.Errorf("a supervisor's console: %+v", eva)
	}
}

// Whoever closes a page has broken nothing.
func TestAskerWhoIsGoneIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failed error
		level  string
	}{{fmt.Errorf("read: %w", context.Canceled), "debug"}, {errFake, "error"}} {
		w := newWorld(t)
		w.notices.failed = c.failed
		wantProblem(t, "publish", w.post("eva", "/embargoes", map[string]string{"contact": "x", "scope": "y"}), http.StatusServiceUnavailable)
		if log := w.log.String(); !strings.Contains(log, `"level":"`+c.level+`"`) {
			t.Errorf("%v is logged as %s", c.failed, log)
		}
	}
}
