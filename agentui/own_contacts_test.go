package agentui

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"svar/contact"
	"svar/report"
)

type ownContactsBody struct {
	Contacts []OwnContact
	Next     string
}

// An agent looks back on his own contacts, page by page, and on nobody else's.
func TestOwnContactsComeInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.ui.instant()
	for i := range 45 {
		w.own.by["anna"] = append(w.own.by["anna"], report.AgentContact{
			Contact: contact.ID(fmt.Sprint("c", i)), Channel: contact.Voice, Line: "staff", State: contact.StateClosed, Taken: now - contact.Instant(i),
		})
	}
	w.own.by["bo"] = []report.AgentContact{{Contact: "bos", Taken: now}}
	list := func(query string) (ids []contact.ID, next string) {
		r := w.do("GET", "/api/v1/me/contacts"+query, w.token("anna"), nil)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, r.Code, r.Body)
		}
		body := decode[ownContactsBody](t, r)
		for _, c := range body.Contacts {
			ids = append(ids, c.Contact)
		}
		return ids, body.Next
	}
	var all []contact.ID
	for pages, query := 0, ""; ; pages++ {
		ids, next := list(query)
		all = append(all, ids...)
		if next == "" {
			if pages != 2 {
				t.Errorf("%d pages of 20", pages+1)
			}
			break
		}
		query = "?before=" + next
	}
	for i, id := range all {
		if id != contact.ID(fmt.Sprint("c", i)) {
			t.Fatalf("contact %d is %s", i, id)
		}
	}
	if len(all) != 45 {
		t.Errorf("%d contacts", len(all))
	}
	if ids, next := list("?limit=45"); len(ids) != 45 || next != "" {
		t.Errorf("all at once: %d, next %q", len(ids), next)
	}
	if r := w.do("GET", "/api/v1/me/contacts", w.token("adam"), nil); !strings.Contains(r.Body.String(), `"contacts":[]`) {
		t.Errorf("who had none: %s", r.Body)
	}
	for query, field := range map[string]string{
		"?limit=0": "query.limit", "?limit=51": "query.limit", "?limit=x": "query.limit", "?before=-1": "query.before",
		"?before=c4": "query.before", "?before=99999999999999999999": "query.before", "?before=9999999999999": "query.before",
		"?before=" + strings.Repeat("1", 21): "query.before",
	} {
		p := wantProblem(t, query, w.do("GET", "/api/v1/me/contacts"+query, w.token("anna"), nil), http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || p.Errors[0].Location != field {
			t.Errorf("%s: %+v; want %s named", query, p.Errors, field)
		}
	}
}

// What is told of one that is over: the directory's person as far as the agent may see him, on
// lines whose callers are looked up; never a number.
func TestOwnContactsShowWhomTheDirectoryKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.personal.by["c"] = contact.Personal{Number: numberKnown, Name: "Sara Lund", Address: "sara@example.se"}
	karin := Caller{Kind: "known", Person: "karin", Name: "Karin Ek", Role: "staff", Title: "Rektor", School: "Ekbackens skola", Verification: "none"}
	nobody, masked := Caller{Kind: "unknown", Verification: "none"}, Caller{Kind: "protected", Verification: "none"}
	for name, test := range map[string]struct {
		had  report.AgentContact
		want Caller
	}{
		"known":          {report.AgentContact{Channel: contact.Voice, Line: "staff", Person: "karin"}, karin},
		"mail":           {report.AgentContact{Channel: contact.Mail, Line: "mail", Person: "karin"}, karin},
		"nobody":         {report.AgentContact{Channel: contact.Voice, Line: "staff"}, nobody},
		"pupils' line":   {report.AgentContact{Channel: contact.Voice, Line: "pupils", Person: "karin"}, nobody},
		"protected":      {report.AgentContact{Channel: contact.Voice, Line: "staff", Person: "hidden"}, masked},
		"protected, too": {report.AgentContact{Channel: contact.Voice, Line: "pupils", Person: "hidden"}, masked},
		"gone":           {report.AgentContact{Channel: contact.Form, Person: "gone"}, masked},
	} {
		test.had.Contact, test.had.Taken = "c", 1
		w.own.by["anna"] = []report.AgentContact{test.had}
		r := w.do("GET", "/api/v1/me/contacts", w.token("anna"), nil)
		if got := decode[ownContactsBody](t, r).Contacts; len(got) != 1 || got[0].Caller != test.want {
			t.Errorf("%s: %s; want %+v", name, r.Body, test.want)
		}
		for _, secret := range []string{string(numberKnown), "Sara", "example.se"} {
			if strings.Contains(r.Body.String(), secret) {
				t.Errorf("%s: holds %s: %s", name, secret, r.Body)
			}
		}
	}
	if n := w.access.has("anna", surfaceOwnContacts, "karin"); n != 1 { // twice shown within the hour
		t.Errorf("logged %d times", n)
	}
	w.access.fail(errFake)
	w.own.by["bo"] = []report.AgentContact{{Contact: "c", Channel: contact.Mail, Person: "karin", Taken: 1}}
	if r := w.do("GET", "/api/v1/me/contacts", w.token("bo"), nil); r.Code != http.StatusServiceUnavailable || strings.Contains(r.Body.String(), "Karin") {
		t.Errorf("shown though it could not be logged: %d %s", r.Code, r.Body)
	}
}

func TestOwnContactIsToldWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	had := report.AgentContact{
		Contact: "c", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, State: contact.StateClosed, End: contact.EndHandled,
		Parted: report.Parted("x"), Code: "solved", Ticket: "SD-1", Taken: 1, Arrived: 2, Answered: 3, Closed: 4, Talk: 5, Held: 6, WrapUp: 7, Lapsed: true,
		Quality: &report.CallQuality{Loss: 1},
	}
	w.own.by["anna"] = []report.AgentContact{had}
	want := OwnContact{
		Contact: "c", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Caller: Caller{Kind: "unknown", Verification: "none"},
		State: contact.StateClosed, End: contact.EndHandled, Parted: report.Parted("x"), Code: "solved", Ticket: "SD-1",
		Taken: 1, Arrived: 2, Answered: 3, Closed: 4, TalkMs: 5, HeldMs: 6, WrapUpMs: 7, Lapsed: true, Quality: &report.CallQuality{Loss: 1},
	}
	if got := decode[ownContactsBody](t, w.do("GET", "/api/v1/me/contacts", w.token("anna"), nil)).Contacts; len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v; want %+v", got, want)
	}
	for i := range reflect.TypeOf(had).NumField() {
		if field := reflect.TypeOf(had).Field(i); field.Name != "Person" && reflect.ValueOf(had).Field(i).IsZero() {
			t.Errorf("%s is not tried", field.Name)
		}
	}
}
