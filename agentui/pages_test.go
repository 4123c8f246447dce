package agentui

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
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
