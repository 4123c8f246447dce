package agentui

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

// The content policies (CSP level 3). Voice needs no entry: it is not fetched.
const (
	// filesPolicy is for the files of the console, among them scripts that work apart from a
	// page and have the policy that they come with.
	filesPolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// dataPolicy is for what is no page: opened as one, it can do nothing.
	dataPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// pagePolicy lets a page run only the scripts that the answer names by its nonce, and what
// those load; everything else comes from here. The frame is for the HTML of mails.
func pagePolicy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce + "'; " +
		"img-src 'self' data:; font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-src 'self'; " +
		"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// secureHeaders adds to every answer what keeps browsers from being misled.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", dataPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store") // what the desk knows stays in no cache
		}
		next.ServeHTTP(w, r)
	})
}

// loads are the elements of a page that load or hold scripts and styles.
var loads = regexp.MustCompile(`<(script|style|link)\b`)

// noncePlace stands where the nonce of an answer goes. No page has it of its own accord.
const noncePlace = "\x00nonce\x00"

// withNonces returns the page with a place for the nonce at each element that loads something,
// and where scripts of the page look for it: Vite's preloading does.
func withNonces(page []byte) []byte {
	page = loads.ReplaceAll(page, []byte(`<$1 nonce="`+noncePlace+`"`))
	return bytes.Replace(page, []byte("<head>"), []byte(`<head><meta property="csp-nonce" nonce="`+noncePlace+`" />`), 1)
}

// servePage answers with the page under a nonce that no other answer has.
func servePage(w http.ResponseWriter, page []byte) {
	nonce := rand.Text()
	w.Header().Set("Content-Security-Policy", pagePolicy(nonce))
	w.Header().Set("Cache-Control", "no-store") // a page from a cache would have an old nonce
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.ReplaceAll(page, []byte(noncePlace), []byte(nonce))) // the browser may be gone
}

// servePages serves the built console: files under assets by their hashed names, for
// ever; everything else is the one page.
func servePages(pages fs.FS) http.Handler {
	page, missing := fs.ReadFile(pages, "index.html")
	page = withNonces(page)
	files := http.StripPrefix("/console/", http.FileServerFS(pages))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/console/")
		if info, err := fs.Stat(pages, name); err == nil && !info.IsDir() && name != "index.html" {
			w.Header().Set("Content-Security-Policy", filesPolicy)
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			files.ServeHTTP(w, r)
			return
		}
		if path.Ext(name) != "" && name != "index.html" {
			http.NotFound(w, r)
			return
		}
		if missing != nil {
			http.Error(w, "This binary was built without the console. Build it with: make build", http.StatusNotFound)
			return
		}
		servePage(w, page)
	})
}
