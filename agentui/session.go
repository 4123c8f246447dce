package agentui

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"svar/contact"
	"svar/identity"
)

const (
	// sessionLife is a working day with overtime. When less than half of it is left, a
	// console that is opened renews it, until sessionLongest after the password was given.
	// An open console outlives it while its agent has a contact.
	sessionLife    = 14 * time.Hour
	sessionLongest = 36 * time.Hour
	// sessionCookie is the session's where there is no TLS, secureCookie where there is: browsers
	// take that name from this very host alone, over TLS, for all paths (RFC 6265bis §4.1.3.2).
	sessionCookie = "svar_session"
	secureCookie  = "__Host-" + sessionCookie
)

// What is wrong with whoever is not signed in.
var (
	errSignIn    = errors.New("sign in first")
	errNoAccount = errors.New("the account is no longer there")
)

// signedIn returns who sends a request.
func (u *UI) signedIn(r *http.Request) (identity.Session, identity.Account, error) {
	cookie, err := r.Cookie(cookieName(isSecure(r.TLS != nil, r.Header.Get(forwardedProto))))
	if err != nil {
		return identity.Session{}, identity.Account{}, errSignIn
	}
	return u.session(cookie.Value)
}

// session returns the session of a token and its account. What the account may do is what
// the account says now: a token says only what it was at sign-in.
func (u *UI) session(token string) (identity.Session, identity.Account, error) {
	session, err := u.signer.Verify(token, u.config.Now())
	if err != nil || u.revocations.Revoked(session.ID) {
		return identity.Session{}, identity.Account{}, errSignIn
	}
	account, known := u.config.Accounts.Account(session.Account)
	if !known || !account.Active {
		return identity.Session{}, identity.Account{}, errNoAccount
	}
	return session, account, nil
}

// forwardedProto is how a proxy says what the browser speaks to it.
const forwardedProto = "X-Forwarded-Proto"

// isSecure reports whether the browser speaks TLS, to us or to a proxy before us. The proxy's
// word is not proven: who lies gets a cookie that only he cannot use.
func isSecure(tls bool, forwarded string) bool { return tls || forwarded == "https" }

func cookieName(secure bool) string {
	if secure {
		return secureCookie
	}
	return sessionCookie
}

// cookie returns the session's cookie. Secure is left out only where there is no TLS at
// all: a browser would not send it back.
func cookie(token string, life time.Duration, secure bool) http.Cookie {
	return http.Cookie{ //nolint:gosec // Secure is set by whether the browser speaks TLS, see above
		Name: cookieName(secure), Value: token, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
}

// goneCookie takes the session's cookie away.
func goneCookie(secure bool) http.Cookie { return cookie("", -time.Second, secure) }

// Connection is what an operation knows of how its request came. It is exported, as is
// [SessionInput], for huma, which fills embedded structs only then.
type Connection struct {
	// Address is the peer's, without the port.
	Address string `json:"-"`
	// Secure tells that the browser speaks TLS: see [isSecure].
	Secure bool `json:"-"`
}

// Resolve implements huma.Resolver.
func (c *Connection) Resolve(ctx huma.Context) []error {
	c.Address, _, _ = net.SplitHostPort(ctx.RemoteAddr())
	c.Secure = isSecure(ctx.TLS() != nil, ctx.Header(forwardedProto))
	return nil
}

// maxCredentials is the largest body of a sign-in, in bytes.
const maxCredentials = 4 << 10

type signInInput struct {
	Connection
	Body struct {
		Account  string `json:"account" maxLength:"64" doc:"Login name"`
		Password string `json:"password" maxLength:"128"`
	}
}

type cookieOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (u *UI) signIn(ctx context.Context, in *signInInput) (*cookieOutput, error) {
	account, known := u.config.Accounts.Account(in.Body.Account)
	right, allowed := u.attempts.Try(ctx, u.config.Now(), in.Body.Account, in.Address, func() bool {
		return identity.CheckPassword(account, in.Body.Password) && known
	})
	switch {
	case !allowed:
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts; wait a minute and try again"), http.Header{"Retry-After": {"60"}})
	case !right:
		return nil, huma.Error401Unauthorized("the account or the password is wrong")
	}
	token, err := u.signer.Issue(account, uuid.NewString(), u.config.Now(), sessionLife)
	if err != nil {
		return nil, err
	}
	return &cookieOutput{SetCookie: cookie(token, sessionLife, in.Secure)}, nil
}

// SessionInput is the input of every operation that needs a session.
type SessionInput struct {
	Connection
	// The document tells of both as ways of being signed in.
	Plain  string `cookie:"svar_session" hidden:"true"`
	Secret string `cookie:"__Host-svar_session" hidden:"true"`
}

// token returns the session's token. Over TLS the plain cookie is not taken: a neighbour's host,
// or whoever is between, could have set it.
func (in SessionInput) token() string {
	if in.Secure {
		return in.Secret
	}
	return in.Plain
}

// require returns the session and the account that is signed in.
func (u *UI) require(in SessionInput) (identity.Session, identity.Account, error) {
	session, account, err := u.session(in.token())
	if err != nil {
		return session, account, huma.Error401Unauthorized(err.Error())
	}
	return session, account, nil
}

// signOut ends the session, and the agent's readiness with it. While the dispatcher cannot
// be asked (5 s at most) somebody who wants to go goes: the agent becomes unreachable by it.
func (u *UI) signOut(ctx context.Context, in *SessionInput) (*cookieOutput, error) {
	out := &cookieOutput{SetCookie: goneCookie(in.Secure)}
	session, account, err := u.session(in.token())
	if err != nil {
		return out, nil // signed out already
	}
	bounded, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	agent := contact.AgentID(account.Name)
	if _, answers := u.board.Agent(agent); answers {
		err := u.config.Commands.Send(bounded, contact.SetPresence{Agent: agent, Presence: contact.SignedOut})
		switch code := errorCode(err); code {
		case string(contact.WrongState):
			return nil, huma.Error409Conflict("finish your contact before you sign out")
		case codeUnavailable:
			u.config.Log.Warn().Err(err).Str("agent", string(agent)).Msg("signed out without the dispatcher")
		}
	}
	now := u.config.Now()
	u.revocations.Revoke(session.ID, now.Add(sessionLife), now) // no token of it lasts longer, renewed ones included
	u.consoles.signOut(session.ID)
	return out, nil
}

type sessionOutput struct {
	// SetCookie is that of a renewed session, otherwise empty.
	SetCookie string `header:"Set-Cookie"`
	Body      struct {
		Account string `json:"account"`
		Name    string `json:"name"`
		Role    string `json:"role" enum:"agent,supervisor,administrator"`
	}
}

func (u *UI) whoAmI(_ context.Context, in *SessionInput) (*sessionOutput, error) {
	session, account, err := u.require(*in)
	if err != nil {
		return nil, err
	}
	out := &sessionOutput{}
	out.Body.Account, out.Body.Name, out.Body.Role = account.Name, account.DisplayName, string(account.Role)
	now := u.config.Now()
	if left := session.Expires.Sub(now); left < sessionLife/2 && now.Sub(session.SignedIn) < sessionLongest-sessionLife {
		token, err := u.signer.Renew(session, account, now, sessionLife)
		if err != nil {
			return nil, err
		}
		renewed := cookie(token, sessionLife, in.Secure)
		out.SetCookie = renewed.String()
	}
	return out, nil
}
