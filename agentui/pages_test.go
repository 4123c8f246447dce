package agentui

import (
	"errors"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"svar/agentui/web"
)

func TestEveryAnswerHasSecureHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, call := range []string{
		"GET /console", "GET /console/", "GET /console/x.js", "GET /console/socket", "GET /api/v1/session", "GET /api/v1/openapi.json",
		"GET /api/nothing", "POST /api/v1/session", "DELETE /api/v1/session", "GET /elsewhere",
	} {
		method, path, _ := strings.Cut(call, " ")
		header := w.do(method, path, "", nil).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Permissions-Policy": "microphone=(self)", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q", call, name, got)
			}
		}
		if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", call, policy)
		}
		if strings.HasPrefix(path, "/api/") && header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept by caches", call)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mux := http.NewServeMux()
	mux.Handle("GET /console/", servePages(fstest.MapFS{
		"index.html": {Data: []byte("the page")}, "favicon.svg": {Data: []byte("<svg/>")}, "assets/index-abc.js": {Data: []byte("code")},
	}))
	w.handler = mux
	const forEver = "public, max-age=31536000, immutable"
	for path, want := range map[string]struct {
		status int
		body   string
		cache  string
	}{
		"/console/":                             {200, "the page", "no-store"},
		"/console/index.html":                   {200, "the page", "no-store"},
		"/console/contacts/42":                  {200, "the page", "no-store"}, // the console's own addresses
		"/console/assets/index-abc.js":          {200, "code", forEver},
		"/console/favicon.svg":                  {200, "<svg/>", ""},
		"/console/assets/":                      {200, "the page", "no-store"}, // no listing
		"/console/assets/gone.js":               {404, "", ""},
		"/console/gone.png":                     {404, "", ""},
		"/console/%2e%2e/%2e%2e/etc/passwd.txt": {404, "", ""},
		"/console/..%2f..%2fweb.go":             {404, "", ""},
		"/console/assets/..%2f..%2f..%2fgo.mod": {404, "", ""},
		`/console/..%5c..%5cgo.mod`:             {404, "", ""},
		"/console/%00.js":                       {404, "", ""},
	} {
		r := w.do("GET", path, "", nil)
		for moves := 0; r.Code/100 == 3 && moves < 3; moves++ { // to the address it has once it is clean
			r = w.do("GET", r.Header().Get("Location"), "", nil)
		}
		if r.Code != want.status || (want.body != "" && r.Body.String() != want.body) || r.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %q, cache %q; want %+v", path, r.Code, r.Body, r.Header().Get("Cache-Control"), want)
		}
	}
	if r := w.do("POST", "/console/", "", nil); r.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.Code)
	}
	mux = http.NewServeMux()
	mux.Handle("GET /console/", servePages(fstest.MapFS{}))
	w.handler = mux
	if r := w.do("GET", "/console/", "", nil); r.Code != http.StatusNotFound || !strings.Contains(r.Body.String(), "make build") {
		t.Errorf("a binary without pages: %d %s", r.Code, r.Body)
	}
}

// Each answer of the page has a nonce of its own, on all that the page loads, and a policy that
// runs nothing without it.
func TestPageRunsOnlyWhatItsAnswerNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mux := http.NewServeMux()
	mux.Handle("GET /console/", servePages(fstest.MapFS{
		"index.html": {Data: []byte(`<!doctype html><html><head><meta charset="utf-8" /><title>Svar</title>` +
			`<link rel="icon" href="/console/favicon.svg" /><script type="module" crossorigin src="/console/assets/a.js"></script>` +
			`<link rel="modulepreload" href="/console/assets/b.js"><link rel="stylesheet" href="/console/assets/a.css"></head><body></body></html>`)},
		"assets/a.js": {Data: []byte("code")},
	}))
	w.handler = secureHeaders(mux)
	seen := map[string]bool{}
	for range 20 {
		r := w.do("GET", "/console/", "", nil)
		policy, body := r.Header().Get("Content-Security-Policy"), r.Body.String()
		match := regexp.MustCompile(`script-src 'nonce-([A-Za-z0-9+/=_-]{22,})' 'strict-dynamic';`).FindStringSubmatch(policy)
		if match == nil {
			t.Fatalf("policy %q", policy)
		}
		nonce := match[1]
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
		if !strings.Contains(policy, "style-src 'self' 'nonce-"+nonce+"'") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		for _, directive := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "connect-src 'self'", "form-action 'self'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("no %s in %q", directive, policy)
			}
		}
		named := `nonce="` + nonce + `"`
		for _, element := range []string{
			`<script ` + named + ` type="module"`, `<link ` + named + ` rel="modulepreload"`, `<link ` + named + ` rel="stylesheet"`,
			`<meta property="csp-nonce" ` + named + ` />`,
		} {
			if !strings.Contains(body, element) {
				t.Errorf("no %s in %s", element, body)
			}
		}
		if strings.Contains(body, "\x00") || r.Header().Get("Cache-Control") != "no-store" || r.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%q %v", body, r.Header())
		}
	}
	// A script that has a policy of its own may load what comes from here, and no more.
	if policy := w.do("GET", "/console/assets/a.js", "", nil).Header().Get("Content-Security-Policy"); policy != filesPolicy {
		t.Errorf("a file's policy is %q", policy)
	}
}

// The page as it is built holds nothing that its policy would stop: no script or style of its
// own text, no handler, no style attribute.
func TestBuiltPageFitsItsPolicy(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(web.Pages(), "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("this binary has no pages: make build")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, stopped := range []string{`\son\w+=`, `\sstyle=`, `javascript:`, `<script[^>]*>[^<]`, `(src|href)="(https?:)?//`} {
		if found := regexp.MustCompile(stopped).Find(page); found != nil {
			t.Errorf("the page has %q", found)
		}
	}
	if n := strings.Count(string(withNonces(page)), noncePlace); n < 3 {
		t.Errorf("%d places for a nonce; want the script's, the style sheet's and the one for scripts", n)
	}
}
