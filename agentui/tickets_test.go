package agentui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"svar/contact"
	"svar/queue/bus"
	"svar/ticket"
)

type ticketsBody struct {
	Tickets []ListedTicket
	More    bool
}

func numbersOf(body ticketsBody) string {
	var list []string
	for _, t := range body.Tickets {
		list = append(list, string(t.Number))
	}
	return strings.Join(list, " ")
}

func TestTicketsAreListedAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.ticket(contact.TicketNumber(fmt.Sprint("SD-", i+1)), "karin", fmt.Sprint("Ärende ", i+1))
	}
	solved := w.ticket("SD-6", "olle", "Löst ärende")
	solved.Status = ticket.Solved
	w.tickets.put(solved)
	w.merge(bus.AgentView{Agent: "anna"}, func() bus.ContactView {
		view := connected(written("mail", contact.Mail, 1, 1), "anna", 1)
		view.Contact.Ticket = "SD-3"
		return view
	}())
	for query, want := range map[string]string{
		`{}`:                             "SD-6 SD-5 SD-4 SD-3 SD-2 SD-1/false",
		`{"open":true}`:                  "SD-5 SD-4 SD-3 SD-2 SD-1/false",
		`{"status":"solved"}`:            "SD-6/false",
		`{"person":"olle"}`:              "SD-6/false",
		`{"search":"Ärende 2"}`:          "SD-2/false",
		`{"limit":2}`:                    "SD-6 SD-5/true",
		`{"limit":2,"before":"SD-5"}`:    "SD-4 SD-3/true",
		`{"limit":2,"before":"SD-3"}`:    "SD-2 SD-1/false",
		`{"mine":true}`:                  "SD-3/false",
		`{"search":"none"}`:              "/false",
		`{"status":"closed","limit":99}`: "/false",
	} {
		r := w.do("POST", "/api/v1/search/tickets", w.token("anna"), json.RawMessage(query))
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
			continue
		}
		body := decode[ticketsBody](t, r)
		if got := fmt.Sprint(numbersOf(body), "/", body.More); got != want {
			t.Errorf("%s: %q; want %q", query, got, want)
		}
	}
	for _, query := range []string{`{"status":"asleep"}`, `{"limit":0}`, `{"limit":101}`, `{"search":"` + strings.Repeat("x", 201) + `"}`} {
		wantProblem(t, query, w.do("POST", "/api/v1/search/tickets", w.token("anna"), json.RawMessage(query)), http.StatusUnprocessableEntity)
	}
	w.tickets.fail(errFake)
	p := wantProblem(t, "no database", w.do("POST", "/api/v1/search/tickets", w.token("anna"), TicketSearch{}), http.StatusServiceUnavailable)
	if strings.Contains(p.Detail, errFake.Error()) {
		t.Errorf("the inside is told outside: %q", p.Detail)
	}
}

// What a viewer may not find leaves no hole in what he may.
func TestSearchPassesOverProtectedPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 30 {
		person := contact.PersonID("hidden")
		if i%10 == 0 {
			person = "karin"
		}
		w.ticket(contact.TicketNumber(fmt.Sprintf("SD-%02d", i)), person, "Skrivare")
	}
	body := decode[ticketsBody](t, w.do("POST", "/api/v1/search/tickets", w.token("anna"), TicketSearch{Search: "Skrivare", Limit: 10}))
	if got := numbersOf(body); got != "SD-20 SD-10 SD-00" || body.More {
		t.Errorf("found %s, more %v", got, body.More)
	}
}

// A ticket is made from a contact that the agent has: whose it is comes from the contact.
func TestTicketIsOpenedFromAContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view := connected(written("chat", contact.Chat, 1, 1), "anna", 1)
	view.Contact.Person, view.Contact.Service, view.Contact.Language, view.Contact.Audience = "karin", "login", "en", contact.AudienceStaff
	w.merge(bus.AgentView{Agent: "anna"}, view, connected(written("bos", contact.Chat, 1, 1), "bo", 2))
	w.personal.by["chat"] = contact.Personal{Name: "Karin", Address: "karin@example.se"}
	open := func(body map[string]string) *httptest.ResponseRecorder {
		return w.do("POST", "/api/v1/tickets", w.token("anna"), body)
	}
	r := open(map[string]string{"kind": "incident", "subject": "Cannot sign in", "category": "password", "service": "login", "note": "Tried twice", "contact": "chat"})
	if r.Code != http.StatusCreated {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	got := w.tickets.by[decode[struct{ Number contact.TicketNumber }](t, r).Number]
	if got.Person != "karin" || got.Reporter != (ticket.Reporter{Person: "karin", Name: "Karin", Address: "karin@example.se"}) ||
		got.Channel != contact.Chat || got.Line != "staff" || got.Audience != contact.AudienceStaff || got.Language != "en" ||
		got.Service != "login" || got.Category != "password" || !reflect.DeepEqual(got.Contacts, []contact.ID{"chat"}) {
		t.Errorf("opened %+v", got)
	}
	if first := got.Entries[0]; first.Kind != ticket.Note || first.Agent != "anna" || first.Text != "Tried twice" {
		t.Errorf("the first entry is %+v", first)
	}
	// Two clicks: a kind, and the subject that is there already.
	r = open(map[string]string{"kind": "question", "subject": "Fråga"})
	free := w.tickets.by[decode[struct{ Number contact.TicketNumber }](t, r).Number]
	if free.Person != "" || free.Language != "sv" || len(free.Contacts) != 0 || free.Entries[0].Text != "Fråga" {
		t.Errorf("opened without a contact: %+v", free)
	}
	for name, test := range map[string]struct {
		body   map[string]string
		status int
	}{
		"no kind":           {map[string]string{"subject": "x"}, 422},
		"another kind":      {map[string]string{"kind": "wish", "subject": "x"}, 422},
		"no subject":        {map[string]string{"kind": "order"}, 422},
		"a blank subject":   {map[string]string{"kind": "order", "subject": "  "}, 422},
		"a long subject":    {map[string]string{"kind": "order", "subject": strings.Repeat("ö", 201)}, 422},
		"two lines":         {map[string]string{"kind": "order", "subject": "a\r\nb"}, 422},
		"no such service":   {map[string]string{"kind": "order", "subject": "x", "service": "moon"}, 422},
		"no such category":  {map[string]string{"kind": "order", "subject": "x", "service": "login", "category": "moon"}, 422},
		"another's contact": {map[string]string{"kind": "order", "subject": "x", "contact": "bos"}, 409},
		"no such contact":   {map[string]string{"kind": "order", "subject": "x", "contact": "none"}, 409},
	} {
		before := len(w.tickets.by)
		wantProblem(t, name, open(test.body), test.status)
		if len(w.tickets.by) != before {
			t.Errorf("%s: a ticket was opened", name)
		}
	}
}

func TestAnswerIsWrittenAndTheQueueHearsOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "karin", "Kan inte logga in")
	mail := connected(written("mail", contact.Mail, 1, 1), "anna", 1)
	mail.Contact.Ticket = "SD-1"
	other := connected(written("form", contact.Form, 1, 1), "anna", 2)
	other.Contact.Ticket = "SD-2"
	w.merge(bus.AgentView{Agent: "anna"}, mail, other)
	write := func(account, number string, body map[string]string) *httptest.ResponseRecorder {
		return w.do("POST", "/api/v1/tickets/"+number+"/entries", w.token(account), body)
	}
	if r := write("anna", "SD-1", map[string]string{"kind": "note", "text": "Ringde skolan", "contact": "mail"}); r.Code != http.StatusCreated {
		t.Errorf("a note: %d %s", r.Code, r.Body)
	}
	if sent := w.queue.sent(); len(sent) != 0 {
		t.Errorf("a note was taken for an answer: %+v", sent)
	}
	// The queue is away: the answer is safe, and the job that sends it tells the queue later.
	w.queue.decide = func(context.Context, contact.Command) error { return errFake }
	r := write("anna", "SD-1", map[string]string{"kind": "answer", "text": "Nu går det.", "contact": "mail"})
	if r.Code != http.StatusCreated {
		t.Fatalf("an answer: %d %s", r.Code, r.Body)
	}
	if e := decode[ticket.Entry](t, r); e.Kind != ticket.Answer || e.Agent != "anna" || e.Contact != "mail" || e.ID == 0 || e.At == 0 {
		t.Errorf("the entry is %+v", e)
	}
	if sent := w.queue.sent(); !reflect.DeepEqual(sent, []contact.Command{contact.Reply{Contact: "mail", Agent: "anna"}}) {
		t.Errorf("sent %+v", sent)
	}
	if entries := w.tickets.by["SD-1"].Entries; len(entries) != 2 || entries[1].Text != "Nu går det." {
		t.Errorf("the log is %+v", entries)
	}
	for name, test := range map[string]struct {
		account, number string
		body            map[string]string
		status          int
	}{
		"nothing":             {"anna", "SD-1", map[string]string{"kind": "note", "text": ""}, 422},
		"blank":               {"anna", "SD-1", map[string]string{"kind": "note", "text": " "}, 422},
		"NUL":                 {"anna", "SD-1", map[string]string{"kind": "note", "text": "a\x00"}, 422},
		"too long":            {"anna", "SD-1", map[string]string{"kind": "note", "text": strings.Repeat("ö", 100_001)}, 422},
		"another kind":        {"anna", "SD-1", map[string]string{"kind": "from-user", "text": "x"}, 422},
		"no such ticket":      {"anna", "SD-99", map[string]string{"kind": "note", "text": "x"}, 404},
		"no number":           {"anna", "x'--", map[string]string{"kind": "note", "text": "x"}, 404},
		"another's contact":   {"bo", "SD-1", map[string]string{"kind": "answer", "text": "x", "contact": "mail"}, 409},
		"of another's ticket": {"anna", "SD-1", map[string]string{"kind": "answer", "text": "x", "contact": "form"}, 409},
	} {
		wantProblem(t, name, write(test.account, test.number, test.body), test.status)
	}
	if entries := w.tickets.by["SD-1"].Entries; len(entries) != 2 {
		t.Errorf("refused, but written: %+v", entries)
	}
}

func TestStatusAndLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "karin", "Kan inte logga in")
	w.ticket("SD-2", "hidden", "Hemligt")
	w.merge(bus.AgentView{Agent: "anna"}, connected(waitingContact("call", "staff", 1), "anna", 1))
	set := func(number, status string) *httptest.ResponseRecorder {
		return w.do("POST", "/api/v1/tickets/"+number+"/status", w.token("anna"), map[string]string{"status": status})
	}
	if r := set("SD-1", "solved"); r.Code != http.StatusNoContent || w.tickets.by["SD-1"].Status != ticket.Solved {
		t.Errorf("solved: %d %s", r.Code, r.Body)
	}
	if r := set("SD-1", "closed"); r.Code != http.StatusNoContent {
		t.Errorf("closed: %d %s", r.Code, r.Body)
	}
	wantProblem(t, "closed stays closed", set("SD-1", "in-progress"), http.StatusConflict)
	wantProblem(t, "no such status", set("SD-1", "gone"), http.StatusUnprocessableEntity)
	wantProblem(t, "a protected person's", set("SD-2", "solved"), http.StatusForbidden)
	link := func(number, id string) *httptest.ResponseRecorder {
		return w.do("POST", "/api/v1/tickets/"+number+"/contacts", w.token("anna"), map[string]string{"contact": id})
	}
	for range 2 {
		if r := link("SD-2", "call"); r.Code != http.StatusNoContent || !reflect.DeepEqual(w.tickets.by["SD-2"].Contacts, []contact.ID{"call"}) {
			t.Errorf("link: %d %s", r.Code, r.Body)
		}
	}
	wantProblem(t, "a contact of nobody", link("SD-2", "none"), http.StatusConflict)
	wantProblem(t, "no such ticket", link("SD-9", "call"), http.StatusNotFound)
}

// What a stranger wrote is shown where it can do nothing, and his files are only saved.
func TestStrangersHTMLAndFilesAreHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "karin", "Kan inte logga in")
	w.tickets.html[1] = `<p onclick="x()">Hej</p><script>alert(1)</script>`
	w.tickets.files[2] = []byte("<script>alert(1)</script>")
	r := w.do("GET", "/api/v1/tickets/SD-1/entries/1/html", w.token("anna"), nil)
	policy := strings.Join(r.Header().Values("Content-Security-Policy"), "|")
	if r.Code != 200 || !strings.HasPrefix(policy, "sandbox; default-src 'none'") || strings.Contains(policy, "allow-") || strings.Contains(policy, "|") ||
		!strings.Contains(policy, "frame-ancestors 'self'") || r.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", r.Code, r.Header())
	}
	r = w.do("GET", "/api/v1/tickets/SD-1/attachments/2", w.token("anna"), nil)
	if r.Code != 200 || r.Body.String() != "<script>alert(1)</script>" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	for header, want := range map[string]string{
		"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Disposition":     "attachment; filename*=utf-8''Kallelse%20%C3%A5k%209.html",
		"Content-Security-Policy": filePolicy,
	} {
		if got := strings.Join(r.Header().Values(header), "|"); got != want {
			t.Errorf("%s: %q; want %q", header, got, want)
		}
	}
	for _, path := range []string{"/api/v1/tickets/SD-1/entries/9/html", "/api/v1/tickets/SD-1/attachments/9", "/api/v1/tickets/SD-9/entries/1/html", "/api/v1/tickets/SD-9"} {
		wantProblem(t, path, w.do("GET", path, w.token("anna"), nil), http.StatusNotFound)
	}
}

// Another site's page cannot make a browser write anything here (CSRF).
func TestOtherOriginsWriteNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "karin", "Kan inte logga in")
	for path, body := range map[string]any{
		"/api/v1/tickets":                  map[string]string{"kind": "order", "subject": "x"},
		"/api/v1/tickets/SD-1/entries":     map[string]string{"kind": "note", "text": "x"},
		"/api/v1/tickets/SD-1/status":      map[string]string{"status": "solved"},
		"/api/v1/notices":                  map[string]any{"text": map[string]string{"sv": "x"}},
		"/api/v1/embargoes":                map[string]string{"contact": "x", "scope": "y"},
		"/api/v1/notices/n/withdraw":       nil,
		"/api/v1/embargoes/e/lift":         nil,
		"/api/v1/tickets/SD-1/contacts":    map[string]string{"contact": "x"},
		"/api/v1/tickets/SD-1/unknown-one": nil,
	} {
		r := w.do("POST", path, w.token("eva"), body, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		wantProblem(t, path, r, http.StatusForbidden)
	}
	if len(w.tickets.by) != 1 || len(w.tickets.by["SD-1"].Entries) != 0 || len(w.notices.log.Notices) != 0 {
		t.Error("something was written")
	}
}
