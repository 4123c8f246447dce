package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"svar/channels/portal"
	"svar/identity"
	"svar/ticket"
)

func mustHave(t *testing.T, body string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
}

func TestStartSaysHowTheDeskIsReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, body := w.browser(t).get("/")
	mustHave(t, body, `<html lang="sv">`, `href="tel:&#43;46850800100"`, "mailto:desk@example.org", "Vi har öppet nu, till klockan 22:00", "Nätet ligger nere", "alla dagar 07:00–22:00")
	english := w.browser(t)
	_, body = english.get("/?lang=en")
	mustHave(t, body, `<html lang="en">`, "The network is down", "Staff")
	_, body = english.get("/sign-in") // the choice is kept
	mustHave(t, body, `<html lang="en">`, `href="/sign-in?lang=sv"`)
	_, body = english.get("/sign-in?next=/report") // and so is where somebody wanted to go
	mustHave(t, body, `href="/sign-in?lang=sv&amp;next=%2Freport"`)
	w.now = w.now.Add(11 * time.Hour) // midnight in Stockholm
	_, body = w.browser(t).get("/")
	mustHave(t, body, "Vi har stängt nu. Vi öppnar onsdag 2026-11-25 klockan 07:00")
}

func TestOutagesOfOtherAudiencesAreNotShown(t *testing.T) {
	t.Parallel()
	_, body := newWorld(t).browser(t).signIn("karin").get("/")
	if mustHave(t, body, "Nätet ligger nere"); strings.Contains(body, "Bara för elever") {
		t.Error("staff are told what is for pupils")
	}
}

func TestReportBecomesOneTicketAndIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	response, _ := b.send(http.MethodGet, "/report", nil)
	if response.Header.Get("Location") != "/sign-in?next=/report" {
		t.Fatalf("a stranger is sent to %q", response.Header.Get("Location"))
	}
	_, body := b.signIn("nils").get("/report") // a protected person sees his own
	form := url.Values{"id": {values(t, body)["id"]}, "kind": {"incident"}, "about": {"platform/login"}, "subject": {"Kan inte logga in"}, "text": {"Sedan i morse <b>"}}
	for range 2 { // a double click
		response, _ = b.send(http.MethodPost, "/report", form)
		if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/tickets/SD-100001?new=1" {
			t.Fatalf("%d, %s", response.StatusCode, response.Header.Get("Location"))
		}
	}
	if got := w.desk.accepted; len(got) != 1 || got[0].Service != "platform" || got[0].Category != "login" || got[0].Language != "sv" {
		t.Fatalf("the desk got %+v", got)
	}
	_, body = b.get("/tickets/SD-100001?new=1")
	mustHave(t, body, "<strong>SD-100001</strong>", "Sedan i morse &lt;b&gt;", "Prova att starta om.", "Registrerat")
	if strings.Contains(body, "intern notering") || strings.Contains(body, "anna") {
		t.Error("the user is shown a note, or an agent's login name")
	}
	write := url.Values{"id": {values(t, body)["id"]}, "text": {"Det hjälpte inte"}}
	if response, _ = b.send(http.MethodPost, "/tickets/SD-100001", write); response.StatusCode != http.StatusSeeOther {
		t.Fatalf("writing back answers %d", response.StatusCode)
	}
	_, body = b.get("/tickets/SD-100001")
	mustHave(t, body, "Det hjälpte inte")
	_, body = b.get("/tickets")
	mustHave(t, body, "Kan inte logga in", "Registrerat")
}

func TestNothingTypedIsLostByAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t).signIn("karin")
	typed := url.Values{"id": {"0190a1b2-0000-7000-8000-000000000001"}, "kind": {"question"}, "about": {"platform/login"}, "subject": {" "}, "text": {"\nfrågan"}}
	response, body := b.send(http.MethodPost, "/report", typed)
	if response.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a report without a subject answers %d", response.StatusCode)
	}
	mustHave(t, body, `<a href="#subject">`, `id="subject-fault"`)
	got := values(t, body)
	for name, want := range typed {
		if got[name] != want[0] {
			t.Errorf("%s holds %q after a fault, not %q", name, got[name], want[0])
		}
	}
	w.desk.broken = true
	typed.Set("subject", "Rubrik")
	response, body = b.send(http.MethodPost, "/report", typed)
	if got := values(t, body); response.StatusCode != http.StatusServiceUnavailable || got["text"] != "\nfrågan" || got["id"] != typed.Get("id") {
		t.Errorf("a desk that fails: %d, %v", response.StatusCode, got)
	}
	for field, value := range map[string]string{"kind": "robot", "about": "platform/none", "text": strings.Repeat("x", 20_001)} {
		bad := url.Values{"kind": {"question"}, "subject": {"Rubrik"}, "text": {"text"}}
		bad.Set(field, value)
		_, body := b.send(http.MethodPost, "/report", bad)
		mustHave(t, body, `<a href="#`+field+`">`)
	}
}

func TestTicketsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nils, karin := w.browser(t).signIn("nils"), w.browser(t).signIn("karin")
	nils.send(http.MethodPost, "/report", url.Values{"kind": {"question"}, "subject": {"Hemligt"}, "text": {"text"}})
	if code, body := nils.get("/tickets/SD-100001"); code != http.StatusOK {
		t.Fatalf("his own answers %d, so the rest shows nothing:\n%s", code, body)
	}
	code, others := karin.get("/tickets/SD-100001")
	missing, none := karin.get("/tickets/SD-999999")
	if code != http.StatusNotFound || missing != code || strings.ReplaceAll(others, "SD-100001", "SD-999999") != none {
		t.Errorf("somebody else's ticket is told from none: %d, %d", code, missing)
	}
	if response, _ := karin.send(http.MethodPost, "/tickets/SD-100001", url.Values{"text": {"jag"}}); response.StatusCode != http.StatusNotFound {
		t.Errorf("writing to it answers %d", response.StatusCode)
	}
	if _, body := karin.get("/tickets"); strings.Contains(body, "Hemligt") {
		t.Error("it is in her list")
	}
}

func TestClosedTicketsTakeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t).signIn("karin")
	b.send(http.MethodPost, "/report", url.Values{"kind": {"question"}, "subject": {"Rubrik"}, "text": {"text"}})
	w.desk.tickets[0].Status = ticket.Closed
	response, body := b.send(http.MethodPost, "/tickets/SD-100001", url.Values{"text": {"en gång till"}})
	if response.StatusCode != http.StatusConflict {
		t.Errorf("it answers %d", response.StatusCode)
	}
	mustHave(t, body, "Ärendet är stängt")
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	wrong := url.Values{"name": {"karin"}, "password": {"wrong"}}
	for i := range 11 {
		want := http.StatusUnauthorized
		if i == 10 {
			want = http.StatusTooManyRequests
		}
		if response, _ := b.send(http.MethodPost, "/sign-in", wrong); response.StatusCode != want {
			t.Fatalf("attempt %d answers %d", i, response.StatusCode)
		}
	}
	response, _ := b.send(http.MethodPost, "/sign-in", url.Values{"name": {"nils"}, "password": {"right"}, "next": {"//evil.example"}})
	if got := response.Header.Get("Location"); got != "/tickets" {
		t.Errorf("after signing in one is sent to %q", got)
	}
	stolen := b.cookies["svar_portal"]
	b.send(http.MethodPost, "/sign-out", nil)
	b.cookies["svar_portal"] = stolen
	if code, _ := b.get("/tickets"); code != http.StatusSeeOther {
		t.Errorf("a session that was ended answers %d", code)
	}
}

func TestAgentsTokenIsNoUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signer, err := identity.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Issue(identity.Account{Name: "demo-1"}, "s", w.now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.cookies["svar_portal"] = token
	if code, _ := b.get("/tickets"); code != http.StatusSeeOther {
		t.Errorf("an agent's token opens the portal: %d", code)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t).signIn("karin")
	b.headers["Sec-Fetch-Site"] = "cross-site"
	response, _ := b.send(http.MethodPost, "/report", url.Values{"kind": {"question"}, "subject": {"Rubrik"}, "text": {"text"}})
	if response.StatusCode != http.StatusForbidden || len(w.desk.tickets) != 0 {
		t.Errorf("it answers %d; %d tickets", response.StatusCode, len(w.desk.tickets))
	}
}

func TestTheRestOfTheSite(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser(t).signIn("karin")
	response, body := b.send(http.MethodGet, "/secret", nil)
	if response.StatusCode != http.StatusNotFound || !strings.Contains(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("an unknown page answers %d, %v", response.StatusCode, response.Header)
	}
	mustHave(t, body, "Sidan finns inte")
	_, css := b.get("/portal.css")
	mustHave(t, css, "--accent:", "var(--accent)")
	if response, _ := b.send(http.MethodPost, "/report", url.Values{"text": {strings.Repeat("x", 600_000)}}); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a form without end answers %d", response.StatusCode)
	}
}

func TestPortalShowsAnotherCatalogueFromTheNextPageOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.portal.Reconfigure(portal.Catalogue{MailAddresses: []string{"other@example.org"}, Services: []portal.Service{{ID: "mail", Name: map[string]string{"sv": "E-post"}}}})
	b := w.browser(t).signIn("karin")
	_, body := b.get("/")
	if mustHave(t, body, "mailto:other@example.org"); strings.Contains(body, "desk@example.org") {
		t.Errorf("the page still shows what is no more:\n%s", body)
	}
	_, body = b.get("/report")
	mustHave(t, body, `value="mail/"`)
}
