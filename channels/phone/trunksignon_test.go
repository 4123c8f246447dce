package phone

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/identity"
)

// roaming is a trunk without addresses.
var roaming = Trunk{Name: "roaming", Challenge: true, User: "roaming", Password: "secret", Domain: "carrier.example"}

// withRoaming lets it sign on, with a number of failures.
func withRoaming(failures int) func(*Config, *switchboard) {
	return func(c *Config, _ *switchboard) {
		c.Trunks, c.PhoneAttempts = append(c.Trunks, roaming), &attempts{left: failures, counts: map[string]int{}}
	}
}

// trunkCall is a call of a trunk that signs on.
type trunkCall struct {
	*call
	user, password, algorithm, nonce string
	count                            int
}

func (p *peer) trunkCall() *trunkCall {
	c := &trunkCall{call: p.call(), user: roaming.User, password: roaming.Password, algorithm: algorithmSHA256}
	c.from, c.headers = "<sip:roaming@127.0.0.1>", "P-Asserted-Identity: <tel:"+string(userNumber)+">\r\n"
	return c
}

// ask sends INVITE without credentials and takes the challenge.
func (c *trunkCall) ask() *sip.Response {
	c.peer.t.Helper()
	c.invite()
	return c.challenged(c.final(sip.INVITE))
}

// challenged takes a challenge.
func (c *trunkCall) challenged(response *sip.Response) *sip.Response {
	c.peer.t.Helper()
	headers := response.GetHeaders("www-authenticate")
	if response.StatusCode != sip.StatusUnauthorized || len(headers) == 0 {
		c.peer.t.Fatalf("no challenge:\n%s", response)
	}
	c.ack(response, "")
	_, rest, _ := strings.Cut(headers[0].Value(), `nonce="`)
	c.nonce, _, _ = strings.Cut(rest, `"`)
	c.count = 0
	return response
}

// prove sends INVITE with an answer to the nonce.
func (c *trunkCall) prove() {
	c.peer.t.Helper()
	c.count++
	c.sequence++
	c.branch, c.toTag = newBranch(), ""
	hash, secret := hexSHA256, identity.NewPhoneSecret(c.user, c.password).SHA256
	if c.algorithm == algorithmMD5 {
		hash, secret = hexMD5, identity.NewPhoneSecret(c.user, c.password).MD5
	}
	uri := fmt.Sprintf("sip:%s@%s", c.call.user, c.target)
	if c.uri != "" {
		uri = c.uri
	}
	response := hash(fmt.Sprintf("%s:%s:%08x:cnonce:auth:%s", secret, c.nonce, c.count, hash("INVITE:"+uri)))
	c.send(c.message(sip.INVITE, c.branch, c.headers+fmt.Sprintf(
		"Authorization: Digest username=%q, realm=\"svar\", nonce=%q, uri=%q, response=%q, algorithm=%s, cnonce=\"cnonce\", qop=auth, nc=%08x\r\n",
		c.user, c.nonce, uri, response, c.algorithm, c.count), c.body))
}

func TestATrunkWithoutAddressesSignsOn(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		for _, algorithm := range []string{algorithmSHA256, algorithmMD5} {
			t.Run(transport+" "+algorithm, func(t *testing.T) {
				t.Parallel()
				s := serve(t, withRoaming(5))
				c := newPeer(t, transport, s.Address()).trunkCall()
				c.algorithm = algorithm
				asked := c.ask().GetHeaders("www-authenticate")
				if len(asked) != 2 || !strings.Contains(asked[0].Value(), "algorithm=SHA-256") || !strings.Contains(asked[1].Value(), "algorithm=MD5") {
					t.Errorf("it is asked %v", asked)
				}
				c.prove()
				a := s.arrival(t)
				if a.personal.Number != userNumber || !a.personal.Vouched {
					t.Errorf("its word on who calls does not count: %+v", a.personal)
				}
				if l := a.leg.(*leg); !l.trusted || l.dialog.Trunk != roaming.Name {
					t.Error("the call is a stranger's")
				}
				if err := a.leg.Answer(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.ack(c.final(sip.INVITE), "")
				c.within(sip.BYE, "", "") // further requests are in the dialog, and need no proof
				if got := c.final(sip.BYE); got.StatusCode != sip.StatusOK {
					t.Errorf("BYE got %d", got.StatusCode)
				}
				over(t, a.leg, channels.EndedByParty)
				if len(s.board.refusals) > 0 {
					t.Error("a challenge is on record as a call that was refused")
				}
			})
		}
	}
}

func TestWhatNamesATrunkThatSignsOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*trunkCall)
		code   int // 0: the call arrives, as a stranger's
	}{
		"its domain in From":       {func(c *trunkCall) { c.from = "<sip:+4670@Carrier.example>" }, 401},
		"its user in Request-URI":  {func(c *trunkCall) { c.from, c.uri = "<"+callerURI+">", "sip:roaming@127.0.0.1" }, 401},
		"nothing":                  {func(c *trunkCall) { c.from = "<" + callerURI + ">" }, 0},
		"another user in From":     {func(c *trunkCall) { c.from = "<sip:roamer@127.0.0.1>" }, 0},
		"a number that is no line": {func(c *trunkCall) { c.from, c.call.user = "<"+callerURI+">", "+46850899999" }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withRoaming(5))
			c := newPeer(t, "UDP", s.Address()).trunkCall()
			test.change(c)
			c.invite()
			if test.code == 0 {
				a := s.arrival(t)
				if l := a.leg.(*leg); l.trusted || a.personal.Number == userNumber {
					t.Errorf("a stranger is believed: %+v", a.personal)
				}
				return
			}
			response := c.final(sip.INVITE)
			if response.StatusCode != test.code {
				t.Fatalf("got\n%s", response)
			}
			if test.code == 401 { // the number that was dialled is in To
				c.challenged(response)
				c.prove()
				s.arrival(t)
			}
		})
	}
}

func TestGuessesAtATrunkAreLimitedAndCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, withRoaming(3))
	// Without a nonce that he received where he is, nobody costs the trunk an attempt.
	c := newPeer(t, "UDP", s.Address()).trunkCall()
	for range 5 {
		c.nonce = "made-up"
		c.prove()
		if got := c.challenged(c.final(sip.INVITE)); !strings.Contains(got.GetHeader("www-authenticate").Value(), "stale=true") {
			t.Fatalf("a nonce that is none of ours got\n%s", got)
		}
	}
	for _, wrong := range []func(*trunkCall){
		func(c *trunkCall) { c.password = "guess" }, func(c *trunkCall) { c.user = "bo" }, func(c *trunkCall) { c.algorithm, c.password = algorithmMD5, "guess" },
	} {
		c := newPeer(t, "UDP", s.Address()).trunkCall()
		wrong(c)
		c.ask()
		c.prove()
		if got := c.challenged(c.final(sip.INVITE)); strings.Contains(got.GetHeader("www-authenticate").Value(), "stale=true") {
			t.Fatalf("a wrong answer got\n%s", got)
		}
	}
	c.prove() // rightly, but too late
	if got := c.final(sip.INVITE); got.StatusCode != sip.StatusServiceUnavailable {
		t.Errorf("after three guesses the next answer got %d", got.StatusCode)
	}
	if got := s.Stats(); got.RegistrationsRefused != 4 || got.Calls != 0 {
		t.Errorf("%d refused, %d calls", got.RegistrationsRefused, got.Calls)
	}
	if len(s.board.arrivals) > 0 || len(s.board.refusals) > 0 {
		t.Error("a guess is on record as a call")
	}
}

func TestAnAnswerOfATrunkCountsOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, withRoaming(5))
	c := newPeer(t, "UDP", s.Address()).trunkCall()
	c.ask()
	c.prove()
	s.arrival(t)
	overheard := newPeer(t, "UDP", s.Address()).trunkCall()
	overheard.nonce = c.nonce
	overheard.prove()
	if got := overheard.final(sip.INVITE); got.StatusCode != sip.StatusUnauthorized || !strings.Contains(got.GetHeader("www-authenticate").Value(), "stale=true") {
		t.Errorf("what was overheard got\n%s", got)
	}
	next := newPeer(t, "UDP", s.Address()).trunkCall()
	next.nonce, next.count = c.nonce, 1 // with the next count the nonce goes on, without a challenge
	next.prove()
	s.arrival(t)
}

// A trunk that has signed on is in no stranger's limits.
func TestATrunkThatSignedOnMayCallMore(t *testing.T) {
	t.Parallel()
	s := serve(t, withRoaming(1), func(c *Config, _ *switchboard) { c.StrangerAnswers, c.StrangerInvites, c.MaxCalls = 1, 1, 30 })
	for range 20 { // strangers: 4 answers, 2 calls, and 3 at one time
		c := newPeer(t, "UDP", s.Address()).trunkCall()
		c.ask()
		c.prove()
		s.arrival(t)
	}
}

// A trunk that has addresses may have to sign on as well.
func TestATrunkWithAddressesSignsOn(t *testing.T) {
	t.Parallel()
	s := serve(t, withRoaming(5), func(c *Config, _ *switchboard) {
		c.Trunks[0].Prefixes = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	c := newPeer(t, "UDP", s.Address()).trunkCall()
	c.from = "<" + callerURI + ">"
	c.ask()
	c.prove()
	if a := s.arrival(t); !a.personal.Vouched {
		t.Errorf("its word does not count: %+v", a.personal)
	}
}

func TestTrunksThatCannotSignOn(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*Config){
		"takes a user and a password": func(c *Config) { c.Trunks[0].Password = "" },
		"nothing limits failures":     func(c *Config) { c.PhoneAttempts = nil },
		"signs on as a line":          func(c *Config) { c.Trunks[0].User = staffNumber },
		"as another trunk does": func(c *Config) {
			c.Trunks = append(c.Trunks, Trunk{Name: "other", Challenge: true, User: "roaming", Password: "x"})
		},
		"or from its domain": func(c *Config) {
			c.Trunks = append(c.Trunks, Trunk{Name: "other", Challenge: true, User: "other", Password: "x", Domain: "CARRIER.example"})
		},
	} {
		c := Config{Lines: []Line{{ID: "staff", Number: staffNumber}}}
		withRoaming(1)(&c, nil)
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said: %v", says, err)
		}
	}
}

// Which nonces were used is remembered of so many: those that may be among the forgotten ones count no more.
func TestForgottenNoncesAreStale(t *testing.T) {
	t.Parallel()
	n, from, now := newNonces(), netip.MustParseAddr("192.0.2.1"), time.Now()
	first := n.fresh(now, from)
	n.spend(first, 1, now)
	now = now.Add(time.Millisecond)
	for range 2*maxSources + 1 {
		n.spend(n.fresh(now, from), 1, now)
	}
	if n.isFresh(first, now, from) {
		t.Error("a nonce counts whose use is forgotten")
	}
	if !n.isFresh(n.fresh(now.Add(2*time.Millisecond), from), now.Add(2*time.Millisecond), from) {
		t.Error("none is fresh any more")
	}
}
