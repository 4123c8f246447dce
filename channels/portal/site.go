package portal

import (
	"net/http"
	"strings"
	"sync/atomic"

	"svar/identity"
	"svar/identity/signin"
)

// Portal serves the users' site. It is safe for concurrent use.
type Portal struct {
	config      Config
	signer      *identity.Signer
	revocations *identity.Revocations
	attempts    *signin.Attempts
	catalogue   atomic.Pointer[Catalogue]
}

// New returns the portal of the configuration.
func New(config Config) (*Portal, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	signer, err := identity.NewPortalSigner(config.SessionKey)
	if err != nil {
		return nil, err
	}
	p := &Portal{config: config, signer: signer, revocations: identity.NewRevocations(), attempts: signin.New()}
	p.Reconfigure(config.Catalogue)
	return p, nil
}

// Reconfigure shows another catalogue from the next page on. It may be called at any time.
func (p *Portal) Reconfigure(c Catalogue) { p.catalogue.Store(&c) }

// maxForm bounds what a form may carry in bytes: the longest text of four bytes a character,
// each of which a browser sends as three, and room for its other fields.
const maxForm = 512 << 10

// Handler serves all pages.
func (p *Portal) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.start)
	mux.HandleFunc("GET /portal.css", p.serveStyle)
	mux.HandleFunc("GET /sign-in", p.showSignIn)
	mux.HandleFunc("POST /sign-in", p.signIn)
	mux.HandleFunc("POST /sign-out", p.signOut)
	mux.HandleFunc("GET /report", p.forUser(p.showReport))
	mux.HandleFunc("POST /report", p.forUser(p.report))
	mux.HandleFunc("GET /tickets", p.forUser(p.tickets))
	mux.HandleFunc("GET /tickets/{number}", p.forUser(p.ticket))
	mux.HandleFunc("POST /tickets/{number}", p.forUser(p.writeBack))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, http.StatusNotFound) })
	// Pages of other origins cannot make a browser send a form here.
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, http.StatusForbidden) }))
	inner := own.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		inner.ServeHTTP(w, r)
	})
}

func (p *Portal) secureCookies(r *http.Request) bool {
	return strings.HasPrefix(p.config.BaseURL, "https://") || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// secure lets the pages load nothing but their own style and the chat's button with its
// frame, and nobody frame them.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; frame-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
