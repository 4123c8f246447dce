package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	testKey  = []byte("a key of the tests, 32 bytes long")
	testNoon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

const testLife = 12 * time.Hour

func newTestSigner(t testing.TB, key []byte) *Signer {
	t.Helper()
	signer, err := NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func issue(t testing.TB, signer *Signer) string {
	t.Helper()
	token, err := signer.Issue(Account{Name: "eva", Role: Supervisor, PasswordHash: "secret"}, "session-1", testNoon, testLife)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSession(t *testing.T) {
	t.Parallel()
	signer := newTestSigner(t, testKey)
	token := issue(t, signer)
	want := Session{ID: "session-1", Account: "eva", Role: Supervisor, SignedIn: testNoon, Issued: testNoon, Expires: testNoon.Add(testLife)}
	for _, now := range []time.Time{
		testNoon, testNoon.Add(testLife - time.Second),
		testNoon.Add(-time.Second), // this node's clock is behind the issuer's
	} {
		if got, err := signer.Verify(token, now); err != nil || got != want {
			t.Errorf("at %s: %+v, %v; want %+v", now, got, err, want)
		}
	}
	for _, now := range []time.Time{testNoon.Add(testLife), testNoon.AddDate(1, 0, 0)} {
		if got, err := signer.Verify(token, now); !errors.Is(err, ErrSessionExpired) || got != (Session{}) {
			t.Errorf("at %s: %+v, %v", now, got, err)
		}
	}
}

func TestRenewedSession(t *testing.T) {
	t.Parallel()
	signer := newTestSigner(t, testKey)
	first, err := signer.Verify(issue(t, signer), testNoon)
	if err != nil {
		t.Fatal(err)
	}
	later := testNoon.Add(testLife / 2)
	token, err := signer.Renew(first, Account{Name: "eva", Role: Agent}, later, testLife)
	if err != nil {
		t.Fatal(err)
	}
	want := Session{ID: "session-1", Account: "eva", Role: Agent, SignedIn: testNoon, Issued: later, Expires: later.Add(testLife)}
	if got, err := signer.Verify(token, testNoon.Add(testLife)); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// The format is a promise to the sessions that live through an upgrade.
func TestSessionTokenGolden(t *testing.T) {
	t.Parallel()
	const golden = `{"alg":"HS256","typ":"JWT"} {"iss":"svar-session-1","sub":"eva","exp":1795564800,"iat":1795521600,"jti":"session-1","role":"supervisor"}`
	parts := strings.Split(issue(t, newTestSigner(t, testKey)), ".")
	var readable []string
	for _, part := range parts[:len(parts)-1] {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		readable = append(readable, string(text))
	}
	if got := strings.Join(readable, " "); got != golden {
		t.Errorf("token\n got %s\nwant %s", got, golden)
	}
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	signer := newTestSigner(t, testKey)
	token := issue(t, signer)
	parts := strings.Split(token, ".")
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		signed, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		claims := jwt.MapClaims{
			"iss": sessionIssuer, "jti": "session-1", "sub": "eva", "role": "administrator",
			"iat": testNoon.Unix(), "exp": testNoon.Add(testLife).Unix(),
		}
		change(claims)
		return claims
	}
	unchanged := claims(func(jwt.MapClaims) {})
	if _, err := signer.Verify(sign(jwt.SigningMethodHS256, testKey, unchanged), testNoon); err != nil {
		t.Fatalf("the pattern of the forgeries is itself no token, so they show nothing: %v", err)
	}
	promoted := base64.RawURLEncoding.EncodeToString([]byte(
		`{"iss":"svar-session-1","sub":"eva","exp":1795564800,"iat":1795521600,"jti":"session-1","role":"administrator"}`))
	tests := map[string]string{
		"empty":           "",
		"dots":            "..",
		"cut":             token[:len(token)-2],
		"no signature":    parts[0] + "." + parts[1] + ".",
		"promoted":        parts[0] + "." + promoted + "." + parts[2],
		"another key":     issue(t, newTestSigner(t, []byte(strings.Repeat("k", 32)))),
		"alg none":        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, unchanged),
		"alg HS512":       sign(jwt.SigningMethodHS512, testKey, unchanged),
		"another issuer":  sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { c["iss"] = "svar-survey-1" })),
		"no expiry":       sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { delete(c, "exp") })),
		"no account":      sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { delete(c, "sub") })),
		"no session id":   sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { delete(c, "jti") })),
		"no time":         sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { delete(c, "iat") })),
		"an endless one":  sign(jwt.SigningMethodHS256, testKey, claims(func(c jwt.MapClaims) { c["x"] = strings.Repeat("x", maxSessionToken) })),
		"expired, forged": issue(t, newTestSigner(t, []byte(strings.Repeat("k", 33)))),
	}
	for name, forged := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := testNoon
			if name == "expired, forged" {
				now = testNoon.AddDate(1, 0, 0)
			}
			if got, err := signer.Verify(forged, now); !errors.Is(err, ErrSessionInvalid) || got != (Session{}) {
				t.Errorf("Verify = %+v, %v", got, err)
			}
		})
	}
}

func TestSignerNeedsALongKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, key := range [][]byte{nil, make([]byte, 31)} {
		if _, err := NewSigner(key); err == nil {
			t.Errorf("a key of %d bytes was taken", len(key))
		}
	}
	key := []byte(strings.Repeat("k", 32))
	signer := newTestSigner(t, key)
	token := issue(t, signer)
	key[0] = 'x'
	if _, err := signer.Verify(token, testNoon); err != nil {
		t.Errorf("the signer changed with its caller's key: %v", err)
	}
}

func TestPortalAndConsoleTakeNoTokensOfEachOther(t *testing.T) {
	t.Parallel()
	console := newTestSigner(t, testKey)
	portal, err := NewPortalSigner(testKey)
	if err != nil {
		t.Fatal(err)
	}
	ofUser := issue(t, portal)
	if _, err := portal.Verify(ofUser, testNoon); err != nil {
		t.Fatalf("the portal refuses its own token, so the rest shows nothing: %v", err)
	}
	if _, err := console.Verify(ofUser, testNoon); !errors.Is(err, ErrSessionInvalid) {
		t.Errorf("the console on a token of the portal: %v", err)
	}
	if _, err := portal.Verify(issue(t, console), testNoon); !errors.Is(err, ErrSessionInvalid) {
		t.Errorf("the portal on a token of the console: %v", err)
	}
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	revocations := NewRevocations()
	revocations.Revoke("a", testNoon.Add(time.Hour), testNoon)
	revocations.Revoke("b", testNoon.Add(2*time.Hour), testNoon)
	if !revocations.Revoked("a") || !revocations.Revoked("b") || revocations.Revoked("c") {
		t.Error("not just a and b are revoked")
	}
	// At 13:30 a has expired by itself; the list must not grow for ever.
	revocations.Revoke("c", testNoon.Add(3*time.Hour), testNoon.Add(90*time.Minute))
	if len(revocations.until) != 2 || !revocations.Revoked("b") || !revocations.Revoked("c") {
		t.Errorf("the list holds %v", revocations.until)
	}
}

func TestRevocationsAtOnce(t *testing.T) {
	t.Parallel()
	revocations := NewRevocations()
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			id := fmt.Sprint(i)
			revocations.Revoke(id, testNoon.Add(time.Hour), testNoon)
			if !revocations.Revoked(id) {
				t.Errorf("%s is not revoked", id)
			}
		})
	}
	group.Wait()
}

func FuzzVerifySession(f *testing.F) {
	signer := newTestSigner(f, testKey)
	token := issue(f, signer)
	f.Add(token)
	f.Add("")
	f.Add("..")
	f.Add(token[:strings.LastIndexByte(token, '.')+1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	want := Session{ID: "session-1", Account: "eva", Role: Supervisor, SignedIn: testNoon, Issued: testNoon, Expires: testNoon.Add(testLife)}
	f.Fuzz(func(t *testing.T, text string) {
		session, err := signer.Verify(text, testNoon)
		switch {
		case err == nil && session != want:
			t.Fatalf("a forged session: %+v", session)
		case err != nil && session != (Session{}):
			t.Fatalf("error %v with %+v", err, session)
		case err != nil && !errors.Is(err, ErrSessionInvalid) && !errors.Is(err, ErrSessionExpired):
			t.Fatalf("error %v is of no kind", err)
		}
	})
}
