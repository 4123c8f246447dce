package agentui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"svar/contact"
	"svar/identity"
)

type problemBody struct {
	Status int
	Title  string
	Detail string
	Errors []struct{ Location, Message string }
}

// wantProblem checks an error as RFC 9457 has it.
func wantProblem(t *testing.T, what string, r *httptest.ResponseRecorder, status int) problemBody {
	t.Helper()
	if r.Code != status || r.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %s %s; want %d as problem+json", what, r.Code, r.Header().Get("Content-Type"), r.Body, status)
		return problemBody{}
	}
	body := decode[problemBody](t, r)
	if body.Status != status || body.Detail == "" || body.Title == "" {
		t.Errorf("%s: %s says too little", what, r.Body)
	}
	return body
}

func credentials(account, password string) map[string]string {
	return map[string]string{"account": account, "password": password}
}

func sessionOf(t *testing.T, r *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	for _, cookie := range r.Result().Cookies() {
		if cookie.Name == sessionCookie || cookie.Name == secureCookie {
			return cookie
		}
	}
	t.Fatalf("no cookie in %d %s", r.Code, r.Body)
	return nil
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.set(identity.Account{Name: "idle", Role: identity.Agent, PasswordHash: testHash()}) // not active
	for name, body := range map[string]map[string]string{
		"wrong password": credentials("anna", "not this one"),
		"unknown":        credentials("nobody", testPassword),
		"inactive":       credentials("idle", testPassword),
		"empty":          credentials("", ""),
	} {
		r := w.do("POST", "/api/v1/session", "", body)
		if p := wantProblem(t, name, r, http.StatusUnauthorized); p.Detail != "the account or the password is wrong" {
			t.Errorf("%s: %q tells which it was", name, p.Detail)
		}
		if r.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie", name)
		}
	}
	r := w.do("POST", "/api/v1/session", "", credentials("anna", testPassword))
	if r.Code != http.StatusNoContent {
		t.Fatalf("sign in: %d %s", r.Code, r.Body)
	}
	cookie := sessionOf(t, r)
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.Path != "/" ||
		cookie.Domain != "" || cookie.MaxAge != int(sessionLife.Seconds()) {
		t.Errorf("cookie %s", cookie)
	}
	who := w.do("GET", "/api/v1/session", cookie.Value, nil)
	if got, want := strings.TrimSpace(who.Body.String()), `{"account":"anna","name":"ANNA","role":"agent"}`; got != want || who.Header().Get("Set-Cookie") != "" {
		t.Errorf("who: %s, cookie %q; want %s and none", got, who.Header().Get("Set-Cookie"), want)
	}
	if who.Header().Get("Cache-Control") != "no-store" {
		t.Error("caches may keep who is signed in")
	}
	if log := w.log.String(); strings.Contains(log, testPassword) || strings.Contains(log, cookie.Value) {
		t.Error("the log holds a secret")
	}
}

// Over TLS the session's cookie is one that only this host can set and get: a plain one, which a
// neighbour or somebody in between may have set, counts for nothing there, and the other way
// round.
func TestSessionCookieOverTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const tls = "https://desk.example/api/v1/session"
	for name, r := range map[string]*httptest.ResponseRecorder{
		"TLS":              w.do("POST", tls, "", credentials("anna", testPassword)),
		"TLS at the proxy": w.do("POST", "/api/v1/session", "", credentials("anna", testPassword), "X-Forwarded-Proto", "https"),
	} {
		c := sessionOf(t, r)
		if c.Name != "__Host-svar_session" || !c.Secure || c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
			t.Errorf("%s: %s", name, c)
		}
		for cookie, status := range map[string]int{"__Host-svar_session": http.StatusOK, "svar_session": http.StatusUnauthorized} {
			if r := w.do("GET", tls, "", nil, "Cookie", cookie+"="+c.Value); r.Code != status {
				t.Errorf("%s: %d by %s; want %d", name, r.Code, cookie, status)
			}
		}
		if r := w.do("GET", "/api/v1/session", "", nil, "Cookie", "__Host-svar_session="+c.Value); r.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d without TLS", name, r.Code)
		}
		// The socket's door has the same lock.
		for cookie, status := range map[string]int{"__Host-svar_session": http.StatusBadRequest, "svar_session": http.StatusUnauthorized} {
			if r := w.do("GET", "https://desk.example/console/socket", "", nil, "Cookie", cookie+"="+c.Value); r.Code != status {
				t.Errorf("%s: the socket answers %d to %s; want %d", name, r.Code, cookie, status)
			}
		}
		gone := sessionOf(t, w.do("DELETE", tls, "", nil, "Cookie", "__Host-svar_session="+c.Value))
		if gone.Name != "__Host-svar_session" || gone.MaxAge >= 0 || !gone.Secure {
			t.Errorf("%s: signed out by %s", name, gone)
		}
	}
}

// A refusal names the field and repeats nothing of what was sent.
func TestBadSignInsAreNotEchoed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := strings.Repeat("s3cret", 30)
	for body, field := range map[string]string{
		`{"account":"anna","password":"` + secret + `"}`:         "body.password",
		`{"account":"` + secret + `","password":"x"}`:            "body.account",
		`{"account":"anna","password":"s3cret","remember":"me"}`: "body.remember",
		`{"account":"anna","password":["s3cret"]}`:               "body.password",
		`{"password":"s3cret"}`:                                  "body",
		`{"account":"anna"`:                                      "body",
		`{"account":"` + strings.Repeat("s3cret", 1000) + `"}`:   "",
		`["s3cret"]`: "body",
	} {
		r := w.do("POST", "/api/v1/session", "", body)
		if r.Code < 400 || r.Code >= 500 || r.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: %d %s", body, r.Code, r.Header().Get("Content-Type"))
		}
		if text := r.Body.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, field) {
			t.Errorf("%.60s: %s; want %q named and nothing repeated", body, text, field)
		}
	}
}

func TestSignInIsRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixed := time.Now()
	w.ui.config.Now = func() time.Time { return fixed }
	for allowed := true; allowed; {
		_, allowed = w.ui.attempts.Try(t.Context(), fixed, "anna", "198.51.100.1", func() bool { return false })
	}
	r := w.do("POST", "/api/v1/session", "", credentials("anna", testPassword))
	if wantProblem(t, "guessed at", r, http.StatusTooManyRequests); r.Header().Get("Retry-After") == "" {
		t.Error("not told when to try again")
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t).run()
	token := w.token("anna")
	w.queue.set(func() {
		w.queue.decide = func(context.Context, contact.Command) error { return &contact.Rejection{Code: contact.WrongState} }
	})
	wantProblem(t, "in a contact", w.do("DELETE", "/api/v1/session", token, nil), http.StatusConflict)
	if r := w.do("GET", "/api/v1/session", token, nil); r.Code != http.StatusOK {
		t.Errorf("after the refusal: %d", r.Code)
	}
	for name, outcome := range map[string]error{"anna": nil, "bo": &contact.Rejection{Code: contact.NotSignedIn}, "eva": errFake} {
		token := w.token(name)
		w.queue.set(func() { w.queue.decide = func(context.Context, contact.Command) error { return outcome } })
		r := w.do("DELETE", "/api/v1/session", token, nil)
		if c := sessionOf(t, r); r.Code != http.StatusNoContent || c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("%s: %d, cookie %s", name, r.Code, c)
		}
		wantProblem(t, name+" after it", w.do("GET", "/api/v1/session", token, nil), http.StatusUnauthorized)
		if again := w.do("DELETE", "/api/v1/session", token, nil); again.Code != http.StatusNoContent {
			t.Errorf("%s twice: %d", name, again.Code)
		}
	}
	// An administrator answers no contacts: the dispatcher is not asked.
	before := len(w.queue.sent())
	if r := w.do("DELETE", "/api/v1/session", w.token("adam"), nil); r.Code != http.StatusNoContent || len(w.queue.sent()) != before {
		t.Errorf("an administrator: %d, %d commands", r.Code, len(w.queue.sent())-before)
	}
}

func TestSessionIsRenewedWhileItIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := time.Now().Truncate(time.Second)
	now := begin
	w.ui.config.Now = func() time.Time { return now }
	first := w.token("anna")
	now = begin.Add(sessionLife/2 - time.Minute)
	if r := w.do("GET", "/api/v1/session", first, nil); r.Header().Get("Set-Cookie") != "" {
		t.Error("renewed before half of it was used")
	}
	now = begin.Add(sessionLife/2 + time.Minute)
	second := sessionOf(t, w.do("GET", "/api/v1/session", first, nil))
	if !second.HttpOnly || second.SameSite != http.SameSiteStrictMode || second.MaxAge != int(sessionLife.Seconds()) {
		t.Errorf("renewed as %s", second)
	}
	now = begin.Add(sessionLife + time.Minute)
	wantProblem(t, "the old token", w.do("GET", "/api/v1/session", first, nil), http.StatusUnauthorized)
	if r := w.do("GET", "/api/v1/session", second.Value, nil); r.Code != http.StatusOK {
		t.Errorf("the renewed one: %d", r.Code)
	}
	// It ends in the end, however often it is used.
	token := second.Value
	for r := w.do("GET", "/api/v1/session", token, nil); r.Code == http.StatusOK; r = w.do("GET", "/api/v1/session", token, nil) {
		if r.Header().Get("Set-Cookie") != "" {
			token = sessionOf(t, r).Value
		}
		now = now.Add(time.Hour)
	}
	if lasted := now.Sub(begin); lasted > sessionLongest+time.Hour || lasted < sessionLongest-sessionLife {
		t.Errorf("the sign-in lasted %s; want up to %s", lasted, sessionLongest)
	}
	// Signing out with an old token ends the renewed ones too, to their last minute.
	now = begin
	first = w.token("bo")
	now = begin.Add(sessionLife - time.Minute)
	renewed := sessionOf(t, w.do("GET", "/api/v1/session", first, nil)).Value
	w.do("DELETE", "/api/v1/session", first, nil)
	now = now.Add(sessionLife - time.Minute)
	w.ui.revocations.Revoke("another", now.Add(time.Hour), now)
	wantProblem(t, "renewed before the sign-out", w.do("GET", "/api/v1/session", renewed, nil), http.StatusUnauthorized)
}

// Another site's page cannot make a browser sign in or out, or send commands (CSRF).
func TestOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("anna")
	for name, header := range map[string][]string{
		"by its headers": {"Sec-Fetch-Site", "cross-site"},
		"same site":      {"Sec-Fetch-Site", "same-site"},
		"by its origin":  {"Origin", "https://evil.example"},
		"sandboxed":      {"Origin", "null"},
	} {
		for _, method := range []string{"POST", "DELETE"} {
			wantProblem(t, method+" "+name, w.do(method, "/api/v1/session", token, credentials("anna", testPassword), header...), http.StatusForbidden)
		}
	}
	if r := w.do("GET", "/api/v1/session", token, nil); r.Code != http.StatusOK {
		t.Errorf("the session was ended: %d", r.Code)
	}
	if r := w.do("DELETE", "/api/v1/session", token, nil, "Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"); r.Code != http.StatusNoContent {
		t.Errorf("our own page: %d", r.Code)
	}
}
