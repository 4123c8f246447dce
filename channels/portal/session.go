package portal

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"svar/identity"
)

const (
	sessionCookie = "svar_portal"
	sessionLife   = 8 * time.Hour
	maxLogin      = 64
	maxPassword   = 128
)

// session returns who sends a request; false when nobody is signed in.
func (p *Portal) session(r *http.Request) (identity.Session, User, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return identity.Session{}, User{}, false
	}
	session, err := p.signer.Verify(cookie.Value, p.config.Now())
	if err != nil || p.revocations.Revoked(session.ID) {
		return identity.Session{}, User{}, false
	}
	user, known := p.config.Users.User(identity.PersonID(session.Account))
	return session, user, known
}

// forUser lets only those in who are signed in; others sign in first and come back.
func (p *Portal) forUser(next func(http.ResponseWriter, *http.Request, User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, user, in := p.session(r)
		if !in {
			http.Redirect(w, r, "/sign-in?next="+r.URL.EscapedPath(), http.StatusSeeOther) //nolint:gosec // a path of our own
			return
		}
		next(w, r, user)
	}
}

type signInForm struct{ Name, Next string }

// back returns where somebody goes after signing in: a page of ours, never another site.
func back(next string) string {
	if next == "/report" || next == "/tickets" || (strings.HasPrefix(next, "/tickets/") && !strings.ContainsAny(next, "\\?#%")) {
		return next
	}
	return "/tickets"
}

func (p *Portal) showSignIn(w http.ResponseWriter, r *http.Request) {
	content := p.newPage(r, "sign-in")
	content.Data = signInForm{Next: back(r.URL.Query().Get("next"))}
	p.show(w, r, http.StatusOK, "sign-in", content)
}

func (p *Portal) signIn(w http.ResponseWriter, r *http.Request) {
	if !p.parse(w, r) {
		return
	}
	name, password := strings.ToLower(strings.TrimSpace(r.PostForm.Get("name"))), r.PostForm.Get("password")
	refuse := func(status int, key string) {
		content := p.newPage(r, "sign-in")
		content.Faults = []fault{{"name", content.T(key)}}
		content.Data = signInForm{Name: name, Next: back(r.PostForm.Get("next"))}
		p.show(w, r, status, "sign-in", content)
	}
	if len(name) > maxLogin || len(password) > maxPassword {
		refuse(http.StatusUnauthorized, "wrong")
		return
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	now := p.config.Now()
	var user User
	var err error
	right, allowed := p.attempts.Try(r.Context(), now, name, address, func() bool {
		user, err = p.config.Users.SignIn(r.Context(), name, password, address)
		return err == nil
	})
	switch {
	case !allowed:
		refuse(http.StatusTooManyRequests, "too-many")
		return
	case !right && errors.Is(err, ErrWrongPassword):
		refuse(http.StatusUnauthorized, "wrong")
		return
	}
	var token string
	if err == nil {
		token, err = p.signer.Issue(identity.Account{Name: string(user.Person)}, uuid.NewString(), now, sessionLife)
	}
	if err != nil {
		p.config.Log.Error().Err(err).Msg("somebody could not sign in to the portal")
		p.fail(w, r, http.StatusServiceUnavailable)
		return
	}
	p.setSession(w, r, token, sessionLife)
	http.Redirect(w, r, back(r.PostForm.Get("next")), http.StatusSeeOther) //nolint:gosec // back lets only our own pages through
}

func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) {
	if session, _, in := p.session(r); in {
		p.revocations.Revoke(session.ID, session.Expires, p.config.Now())
	}
	p.setSession(w, r, "", -time.Second)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// setSession is Lax, not Strict, so that a link in a mail opens the ticket.
func (p *Portal) setSession(w http.ResponseWriter, r *http.Request, token string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set by whether the browser speaks TLS
		Name: sessionCookie, Value: token, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.secureCookies(r),
	})
}

// parse reads a form, and answers itself when it cannot.
func (p *Portal) parse(w http.ResponseWriter, r *http.Request) bool {
	if err := r.ParseForm(); err != nil {
		p.fail(w, r, http.StatusRequestEntityTooLarge)
		return false
	}
	return true
}
