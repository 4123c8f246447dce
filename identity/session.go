package identity

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Session is one sign-in. It is proven by a signed token, so that it lives without the
// database; a list in memory revokes it.
type Session struct {
	ID      string
	Account string
	Role    Role
	// SignedIn is when the password was given; a renewal keeps it. Issued is when this
	// token was.
	SignedIn time.Time
	Issued   time.Time
	Expires  time.Time
}

// The kinds of refusal of a token.
var (
	ErrSessionExpired = errors.New("the session has expired")
	ErrSessionInvalid = errors.New("the session's token is not one of ours")
)

// The issuers tell our tokens and their version from any others signed with the key: a user
// of the portal is nobody in the console, and the reverse.
const (
	sessionIssuer = "svar-session-1"
	portalIssuer  = "svar-portal-1"
)

const (
	minSessionKey   = 32
	maxSessionToken = 2048 // bytes
)

type sessionClaims struct {
	jwt.RegisteredClaims
	Role Role `json:"role"`
	// AuthTime is when the password was given (OpenID Connect Core §2); absent in tokens
	// that were issued then.
	AuthTime *jwt.NumericDate `json:"auth_time,omitempty"`
}

// Signer issues and verifies sessions. It is safe for concurrent use.
type Signer struct {
	key    []byte
	issuer string
}

// NewSigner returns a signer of the console's sessions, with a secret key of at least 32 bytes.
func NewSigner(key []byte) (*Signer, error) { return newSigner(key, sessionIssuer) }

// NewPortalSigner returns a signer of the portal's sessions, whose accounts are named by
// [PersonID] and have no role. Neither signer takes the other's tokens, even with one key.
func NewPortalSigner(key []byte) (*Signer, error) { return newSigner(key, portalIssuer) }

func newSigner(key []byte, issuer string) (*Signer, error) {
	if len(key) < minSessionKey {
		return nil, fmt.Errorf("the key of the sessions has %d bytes; it must have at least %d", len(key), minSessionKey)
	}
	return &Signer{key: append([]byte(nil), key...), issuer: issuer}, nil
}

// Issue returns the token of a new session of the account, which lasts for life.
func (s *Signer) Issue(account Account, sessionID string, now time.Time, life time.Duration) (string, error) {
	return s.sign(account, sessionID, now, life, nil)
}

// Renew returns a token of the same session of the account, which lasts for life from now.
func (s *Signer) Renew(session Session, account Account, now time.Time, life time.Duration) (string, error) {
	return s.sign(account, session.ID, now, life, jwt.NewNumericDate(session.SignedIn))
}

func (s *Signer) sign(account Account, sessionID string, now time.Time, life time.Duration, signedIn *jwt.NumericDate) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, sessionClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.issuer, ID: sessionID, Subject: account.Name,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
		},
		Role: account.Role, AuthTime: signedIn,
	}).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign a session: %w", err)
	}
	return token, nil
}

// Verify returns the session that a token proves at now. The error is
// [ErrSessionExpired] or [ErrSessionInvalid]. A token from the near future is accepted: the
// clock of the node that issued it may be ahead of this one's.
func (s *Signer) Verify(token string, now time.Time) (Session, error) {
	if len(token) > maxSessionToken {
		return Session{}, ErrSessionInvalid
	}
	var claims sessionClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(s.issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Session{}, ErrSessionExpired
	case err != nil || claims.ID == "" || claims.Subject == "" || claims.IssuedAt == nil:
		return Session{}, ErrSessionInvalid
	}
	if claims.AuthTime == nil {
		claims.AuthTime = claims.IssuedAt
	}
	return Session{
		ID: claims.ID, Account: claims.Subject, Role: claims.Role,
		SignedIn: claims.AuthTime.UTC(), Issued: claims.IssuedAt.UTC(), Expires: claims.ExpiresAt.UTC(),
	}, nil
}

// Revocations are the sessions that were ended before they expired. It is safe for
// concurrent use.
type Revocations struct {
	mutex sync.Mutex
	until map[string]time.Time
}

// NewRevocations returns an empty list.
func NewRevocations() *Revocations { return &Revocations{until: map[string]time.Time{}} }

// Revoke ends a session that expires at the given time. Those that expired before now
// are forgotten.
func (r *Revocations) Revoke(sessionID string, expires, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for id, until := range r.until {
		if until.Before(now) {
			delete(r.until, id)
		}
	}
	r.until[sessionID] = expires
}

// Revoked tells whether a session was ended.
func (r *Revocations) Revoked(sessionID string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, revoked := r.until[sessionID]
	return revoked
}
