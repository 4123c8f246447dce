package agentui

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"svar/contact"
	"svar/identity"
)

const (
	// sessionLife is a working day with overtime; nobody is signed out in mid-call.
	sessionLife   = 14 * time.Hour
	sessionCookie = "svar_session"
)

// attempts limits sign-in: by account, so that a password cannot be guessed, and by
// address, so that accounts cannot be tried out.
type attempts struct {
	mutex sync.Mutex
	by    map[string]*rate.Limiter
}

const (
	attemptsEvery = 6 * time.Second
	attemptsBurst = 10
	// maxAttempts bounds the table; when it is full, all begin anew.
	maxAttempts = 10_000
)

func newAttempts() *attempts { return &attempts{by: map[string]*rate.Limiter{}} }

func (a *attempts) allow(now time.Time, keys ...string) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	allowed := true
	for _, key := range keys {
		limiter := a.by[key]
		if limiter == nil {
			if len(a.by) >= maxAttempts {
				clear(a.by)
			}
			limiter = rate.NewLimiter(rate.Every(attemptsEvery), attemptsBurst)
			a.by[key] = limiter
		}
		allowed = limiter.AllowN(now, 1) && allowed
	}
	return allowed
}

func (u *UI) sessionOf(r *http.Request) (identity.Session, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return identity.Session{}, err
	}
	return u.session(cookie.Value)
}

func (u *UI) session(token string) (identity.Session, error) {
	session, err := u.signer.Verify(token, u.config.Now())
	if err != nil {
		return identity.Session{}, err
	}
	if u.revocations.Revoked(session.ID) {
		return identity.Session{}, errors.New("the session was ended")
	}
	return session, nil
}

func (u *UI) cookie(token string, maxAge int) http.Cookie {
	return http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

type signInRequest struct {
	RemoteAddr string `header:"-"`
	Body       struct {
		Account  string `json:"account" maxLength:"64" doc:"Login name"`
		Password string `json:"password" maxLength:"128"`
	}
}

// Resolve implements huma.Resolver: it notes the peer's address.
func (r *signInRequest) Resolve(ctx huma.Context) []error {
	r.RemoteAddr, _, _ = net.SplitHostPort(ctx.RemoteAddr())
	return nil
}

type cookieResponse struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (u *UI) signIn(_ context.Context, r *signInRequest) (*cookieResponse, error) {
	if !u.attempts.allow(u.config.Now(), "account "+r.Body.Account, "address "+r.RemoteAddr) {
		return nil, huma.Error429TooManyRequests("too many attempts; wait a minute and try again")
	}
	account, known := u.config.Accounts.Account(r.Body.Account)
	if !identity.CheckPassword(account, r.Body.Password) || !known {
		return nil, huma.Error401Unauthorized("the account or the password is wrong")
	}
	token, err := u.signer.Issue(account, uuid.NewString(), u.config.Now(), sessionLife)
	if err != nil {
		return nil, err
	}
	return &cookieResponse{SetCookie: u.cookie(token, int(sessionLife.Seconds()))}, nil
}

// SessionInput is the input of every operation that needs a session. It is exported for
// huma, which fills embedded structs only then.
type SessionInput struct {
	Token string `cookie:"svar_session"`
}

// require returns the account that is signed in. Its role is what it is now: a token says
// only what it was at sign-in.
func (u *UI) require(in SessionInput) (identity.Account, error) {
	session, err := u.session(in.Token)
	if err != nil {
		return identity.Account{}, huma.Error401Unauthorized("sign in first")
	}
	account, known := u.config.Accounts.Account(session.Account)
	if !known {
		return identity.Account{}, huma.Error401Unauthorized("the account is no longer there")
	}
	return account, nil
}

func (u *UI) signOut(ctx context.Context, in *SessionInput) (*cookieResponse, error) {
	out := &cookieResponse{SetCookie: u.cookie("", -1)}
	session, err := u.session(in.Token)
	if err != nil {
		return out, nil // signed out already
	}
	bounded, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	if _, agent := u.board.Agent(contact.AgentID(session.Account)); agent {
		err := u.config.Commands.Send(bounded, contact.SetPresence{Agent: contact.AgentID(session.Account), Presence: contact.SignedOut})
		if errorCode(err) == string(contact.WrongState) {
			return nil, huma.Error409Conflict("finish your contact before you sign out")
		}
	}
	u.revocations.Revoke(session.ID, session.Expires, u.config.Now())
	u.consoles.signOut(session.ID)
	return out, nil
}

type sessionResponse struct {
	Body struct {
		Account string `json:"account"`
		Name    string `json:"name"`
		Role    string `json:"role" enum:"agent,supervisor,administrator"`
	}
}

func (u *UI) whoAmI(_ context.Context, in *SessionInput) (*sessionResponse, error) {
	account, err := u.require(*in)
	if err != nil {
		return nil, err
	}
	out := &sessionResponse{}
	out.Body.Account, out.Body.Name, out.Body.Role = account.Name, account.DisplayName, string(account.Role)
	return out, nil
}
