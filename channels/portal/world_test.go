package portal_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/html"

	"svar/channels/portal"
	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

// desk is one in memory.
type desk struct {
	broken   bool
	reports  map[string]contact.TicketNumber
	tickets  []ticket.Ticket
	accepted []portal.Report
}

func (d *desk) Report(_ context.Context, r portal.Report) (contact.TicketNumber, error) {
	if d.broken {
		return "", errors.New("no database")
	}
	if number, again := d.reports[r.ID]; again {
		return number, nil
	}
	number := contact.TicketNumber("SD-10000" + string(rune('1'+len(d.tickets))))
	d.reports[r.ID] = number
	d.accepted = append(d.accepted, r)
	d.tickets = append(d.tickets, ticket.Ticket{
		Number: number, Status: ticket.Registered, Subject: r.Subject, Person: r.User.Person,
		Entries: []ticket.Entry{
			{Kind: ticket.FromUser, Text: r.Text},
			{Kind: ticket.Note, Text: "intern notering"},
			{Kind: ticket.Answer, Agent: "anna", Text: "Prova att starta om."},
		},
	})
	return number, nil
}

func (d *desk) TicketsOf(_ context.Context, person identity.PersonID) ([]ticket.Ticket, error) {
	var own []ticket.Ticket
	for _, t := range d.tickets {
		if t.Person == person {
			own = append(own, t)
		}
	}
	return own, nil
}

func (d *desk) TicketOf(_ context.Context, person identity.PersonID, number contact.TicketNumber) (ticket.Ticket, error) {
	for _, t := range d.tickets {
		if t.Person == person && t.Number == number {
			return t, nil
		}
	}
	return ticket.Ticket{}, portal.ErrNotFound
}

func (d *desk) WriteBack(_ context.Context, user portal.User, number contact.TicketNumber, id, text, _ string) error {
	for i := range d.tickets {
		t := &d.tickets[i]
		switch {
		case t.Number != number || t.Person != user.Person:
			continue
		case t.Status == ticket.Closed:
			return &ticket.Refusal{Code: ticket.RefusedClosed}
		}
		if _, again := d.reports[id]; !again {
			d.reports[id] = number
			t.Entries = append(t.Entries, ticket.Entry{Kind: ticket.FromUser, Text: text})
		}
		return nil
	}
	return portal.ErrNotFound
}

type users map[string]portal.User

func (u users) SignIn(_ context.Context, name, password, _ string) (portal.User, error) {
	if user, known := u[name]; known && password == "right" {
		return user, nil
	}
	return portal.User{}, portal.ErrWrongPassword
}

func (u users) User(id identity.PersonID) (portal.User, bool) {
	for _, user := range u {
		if user.Person == id {
			return user, true
		}
	}
	return portal.User{}, false
}

type board struct{ all contact.Notices }

func (b board) Notices() contact.Notices { return b.all }

var key = []byte("a key of the tests, 32 bytes long")

type world struct {
	desk    *desk
	now     time.Time
	portal  *portal.Portal
	handler http.Handler
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{desk: &desk{reports: map[string]contact.TicketNumber{}}, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	hours := contact.Hours{Zone: zone}
	for day := range hours.Weekly {
		hours.Weekly[day] = []contact.Window{{From: 7 * time.Hour, To: 22 * time.Hour}}
	}
	p, err := portal.New(portal.Config{
		Tokens: []byte(":root { --accent: blue; }\n"),
		Catalogue: portal.Catalogue{
			Lines:         []portal.Line{{Name: map[string]string{"sv": "Medarbetare", "en": "Staff"}, Number: "+46850800100"}},
			MailAddresses: []string{"desk@example.org"}, Hours: hours,
			Services: []portal.Service{{ID: "platform", Name: map[string]string{"sv": "Skolplattformen"}, Categories: []portal.Category{{ID: "login", Name: map[string]string{"sv": "Inloggning"}}}}},
		},
		Notices: board{contact.Notices{Notices: []contact.Notice{
			{ID: "1", Text: map[string]string{"sv": "Nätet ligger nere", "en": "The network is down"}},
			{ID: "2", Audiences: []contact.Audience{contact.AudiencePupil}, Text: map[string]string{"sv": "Bara för elever"}},
		}}},
		Users: users{
			"karin": {Person: "demo-1", Name: "Karin Holm", Audience: contact.AudienceStaff},
			"nils":  {Person: "demo-6", Name: "Nils Åkerlund", Audience: contact.AudienceStaff},
		},
		Desk: w.desk, SessionKey: key, FormLine: "portal",
		Now: func() time.Time { return w.now }, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.portal, w.handler = p, p.Handler()
	return w
}

// browser keeps cookies as one does, and follows nothing by itself.
type browser struct {
	t       *testing.T
	world   *world
	cookies map[string]string
	headers map[string]string
}

func (w *world) browser(t *testing.T) *browser {
	return &browser{t: t, world: w, cookies: map[string]string{}, headers: map[string]string{}}
}

func (b *browser) send(method, path string, form url.Values) (*http.Response, string) {
	b.t.Helper()
	request := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range b.headers {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	b.world.handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	defer func() { _ = response.Body.Close() }()
	for _, cookie := range response.Cookies() {
		b.cookies[cookie.Name] = cookie.Value
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response, string(body)
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	response, body := b.send(http.MethodGet, path, nil)
	return response.StatusCode, body
}

func (b *browser) signIn(name string) *browser {
	b.t.Helper()
	response, body := b.send(http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {"right"}})
	if response.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("signing in answers %d:\n%s", response.StatusCode, body)
	}
	return b
}

// values returns what the fields of a page hold, by their names.
func values(t *testing.T, body string) map[string]string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for node := range root.Descendants() {
		attributes := map[string]string{}
		for _, a := range node.Attr {
			attributes[a.Key] = a.Val
		}
		_, checked := attributes["checked"]
		switch {
		case node.Data == "textarea" && node.FirstChild != nil:
			found[attributes["name"]] = node.FirstChild.Data
		case node.Data == "input" && (attributes["type"] != "radio" || checked):
			found[attributes["name"]] = attributes["value"]
		case node.Data == "option":
			if _, selected := attributes["selected"]; selected {
				found["about"] = attributes["value"]
			}
		}
	}
	return found
}
