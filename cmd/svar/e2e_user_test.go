package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"svar/contact"
	"svar/identity"
)

// user is somebody who is signed in to the portal with a browser that runs no JavaScript.
type user struct {
	t      testing.TB
	web    string
	client *http.Client
}

func (a *testApp) user(t testing.TB, name string) *user {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, web: a.web(), client: client(t)}
	u.client.Jar = jar
	if page := u.send("/sign-in", url.Values{"name": {name}, "password": {identity.DemoPassword}}); strings.Contains(page, `type="password"`) {
		t.Fatalf("%s could not sign in:\n%s", name, page)
	}
	return u
}

func (u *user) send(path string, form url.Values) (page string) {
	u.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(u.t.Context(), method, u.web+path, body)
	if err != nil {
		u.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := u.client.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		u.t.Fatalf("%s %s: status %d, %v:\n%s", method, path, response.StatusCode, err, data)
	}
	return html.UnescapeString(string(data))
}

var (
	formID       = regexp.MustCompile(`name="id" value="([^"]+)"`)
	ticketNumber = regexp.MustCompile(`SD-\d+`)
)

// Report reports something with the form and returns the number that the page shows. Sent
// twice, as a browser does that lost the answer, it is one ticket.
func (u *user) Report(about, subject, text string) contact.TicketNumber {
	u.t.Helper()
	id := formID.FindStringSubmatch(u.send("/report", nil))
	if id == nil {
		u.t.Fatal("the form has no id")
	}
	form := url.Values{"id": {id[1]}, "kind": {"incident"}, "about": {about}, "subject": {subject}, "text": {text}}
	number := ticketNumber.FindString(u.send("/report", form))
	if again := ticketNumber.FindString(u.send("/report", form)); again != number || number == "" {
		u.t.Fatalf("the form became ticket %q, and %q when it was sent again", number, again)
	}
	return contact.TicketNumber(number)
}
