package phone

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/contact"
	"svar/identity"
)

// phonebook are the secrets of a test's desk phones: each account's password is its name.
type phonebook struct {
	mutex   sync.Mutex
	secrets map[string]identity.PhoneSecret
}

func newPhonebook(accounts ...string) *phonebook {
	b := &phonebook{secrets: map[string]identity.PhoneSecret{}}
	for _, account := range accounts {
		b.secrets[account] = identity.NewPhoneSecret(account, account)
	}
	return b
}

func (b *phonebook) PhoneSecret(account string) (identity.PhoneSecret, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	secret, known := b.secrets[account]
	return secret, known
}

func (b *phonebook) remove(account string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.secrets, account)
}

// attempts allows a number of failures of each account and address.
type attempts struct {
	mutex  sync.Mutex
	left   int
	counts map[string]int
}

func (a *attempts) Try(_ context.Context, _ time.Time, account, address string, check func() bool) (succeeded, allowed bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.counts[account] >= a.left || a.counts[address] >= a.left {
		return false, false
	}
	if check() {
		return true, true
	}
	a.counts[account]++
	a.counts[address]++
	return false, true
}

// withPhones lets the accounts anna and bo register desk phones.
func withPhones(c *Config, _ *switchboard) {
	c.Phones, c.PhoneAttempts = newPhonebook("anna", "bo"), &attempts{left: 5, counts: map[string]int{}}
}

// registration is a REGISTER as a desk phone sends it.
type registration struct {
	*peer
	account, password string
	// username is whom the credentials name; the account when empty.
	username  string
	algorithm string
	contact   string // header values, the peer's own address when empty
	headers   string // further ones, each with CRLF
	callID    string
	sequence  int
	count     int
	nonce     string
}

func (p *peer) registration(account string) *registration {
	return &registration{peer: p, account: account, password: account, algorithm: algorithmSHA256, callID: newID()}
}

// send sends REGISTER, with credentials for the nonce if there is one.
func (r *registration) send(extra string) *sip.Response {
	r.t.Helper()
	r.sequence++
	contact := r.contact
	if contact == "" {
		contact = r.ownContact()
	}
	if contact != "none" {
		contact = "Contact: " + contact + "\r\n"
	} else {
		contact = ""
	}
	r.peer.send(fmt.Sprintf("REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@127.0.0.1>;tag=phone\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\n%s%s%sContent-Length: 0\r\n\r\n",
		r.transport, r.local, newBranch(), r.account, r.account, r.callID, r.sequence, contact, r.headers, extra))
	return r.final(sip.REGISTER)
}

func (r *registration) ownContact() string {
	return fmt.Sprintf("<sip:%s@%s;transport=%s>", r.account, r.local, strings.ToLower(r.transport))
}

// credentials answers the nonce.
func (r *registration) credentials(method, uri string) string {
	r.count++
	username := r.username
	if username == "" {
		username = r.account
	}
	hash, secret := hexSHA256, identity.NewPhoneSecret(username, r.password).SHA256
	if r.algorithm == algorithmMD5 {
		hash, secret = hexMD5, identity.NewPhoneSecret(username, r.password).MD5
	}
	response := hash(fmt.Sprintf("%s:%s:%08x:cnonce:auth:%s", secret, r.nonce, r.count, hash(method+":"+uri)))
	return fmt.Sprintf("Authorization: Digest username=%q, realm=\"svar\", nonce=%q, uri=%q, response=%q, algorithm=%s, cnonce=\"cnonce\", qop=auth, nc=%08x\r\n",
		username, r.nonce, uri, response, r.algorithm, r.count)
}

// register signs on, and returns the final response.
func (r *registration) register() *sip.Response {
	r.t.Helper()
	challenge := r.send("")
	r.takeNonce(challenge)
	return r.again()
}

// again registers with the nonce that there is.
func (r *registration) again() *sip.Response {
	r.t.Helper()
	return r.send(r.credentials("REGISTER", "sip:127.0.0.1"))
}

func (r *registration) takeNonce(challenge *sip.Response) {
	r.t.Helper()
	headers := challenge.GetHeaders("www-authenticate")
	if challenge.StatusCode != sip.StatusUnauthorized || len(headers) == 0 {
		r.t.Fatalf("no challenge:\n%s", challenge)
	}
	_, rest, _ := strings.Cut(headers[0].Value(), `nonce="`)
	r.nonce, _, _ = strings.Cut(rest, `"`)
	r.count = 0
}

func (r *registration) must(response *sip.Response, code int) *sip.Response {
	r.t.Helper()
	if response.StatusCode != code {
		r.t.Fatalf("REGISTER got %d, want %d:\n%s", response.StatusCode, code, response)
	}
	return response
}

func TestADeskPhoneRegisters(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		for _, algorithm := range []string{algorithmSHA256, algorithmMD5} {
			t.Run(transport+" "+algorithm, func(t *testing.T) {
				t.Parallel()
				s := serve(t, withPhones)
				changes := make(chan contact.AgentID, 4)
				defer s.FollowPhones(func(agent contact.AgentID) { changes <- agent })()
				r := newPeer(t, transport, s.Address()).registration("anna")
				r.algorithm = algorithm
				r.headers = "Expires: 120\r\n"
				response := r.must(r.register(), 200)
				if got := response.Contact(); got == nil || got.Address.User != "anna" || got.Params.GetOr("expires", "") != "120" {
					t.Errorf("the answer has not what was registered:\n%s", response)
				}
				if agent := await(t, changes, "change"); agent != "anna" || !s.PhoneRegistered("anna") || s.PhoneRegistered("bo") {
					t.Errorf("%s has a phone now; anna %v, bo %v", agent, s.PhoneRegistered("anna"), s.PhoneRegistered("bo"))
				}
				if got := s.Stats(); got.Phones != 1 || got.PhoneContacts != 1 || got.Registrations != 1 {
					t.Errorf("stats: %+v", got)
				}
				r.must(r.again(), 200) // a refresh, with the same nonce
				r.headers = "Expires: 0\r\n"
				if response := r.must(r.again(), 200); response.Contact() != nil {
					t.Errorf("unregistered, and still:\n%s", response)
				}
				await(t, changes, "change")
				if s.PhoneRegistered("anna") {
					t.Error("anna's phone is registered still")
				}
			})
		}
	}
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*registration)
		code   int
	}{
		"a wrong password":               {func(r *registration) { r.password = "guess" }, 401},
		"no such account":                {func(r *registration) { r.account = "nobody" }, 401},
		"for somebody else":              {func(r *registration) { r.username, r.password = "bo", "bo" }, 403},
		"a short interval":               {func(r *registration) { r.headers = "Expires: 59\r\n" }, 423},
		"a short interval of a contact":  {func(r *registration) { r.contact = r.ownContact() + ";expires=1" }, 423},
		"all contacts, without the end":  {func(r *registration) { r.contact = "*" }, 400},
		"too many contacts":              {func(r *registration) { r.contact = "<sip:1@h>, <sip:2@h>, <sip:3@h>, <sip:4@h>" }, 403},
		"a contact that is no telephone": {func(r *registration) { r.contact = "<mailto:anna@example.org>" }, 400},
		"a very long contact":            {func(r *registration) { r.contact = "<sip:" + strings.Repeat("a", 600) + "@h>" }, 400},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			r := newPeer(t, "UDP", s.Address()).registration("anna")
			test.change(r)
			response := r.must(r.register(), test.code)
			if test.code == 423 && response.GetHeader("min-expires").Value() != "60" {
				t.Errorf("423 without its time:\n%s", response)
			}
			if got := s.Stats(); got.PhoneContacts != 0 || got.Registrations != 0 {
				t.Errorf("stats: %+v", got)
			}
		})
	}
	// What rings it would go to the carrier, past the dial plan.
	for _, user := range []string{"+46900123456", "00882991234", "*72", "%2B46900123456"} {
		t.Run("from a trunk's address, as the number "+user, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones, trusting)
			r := newPeer(t, "UDP", s.Address()).registration("anna")
			r.contact = "<sip:" + user + "@carrier.example>"
			r.must(r.register(), 403)
			if s.PhoneRegistered("anna") {
				t.Error("it is registered")
			}
		})
	}
	t.Run("when no account has a phone", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.must(r.send(""), 404)
		s = serve(t, trusting)
		r = newPeer(t, "UDP", s.Address()).registration("anna")
		r.must(r.send(""), 405)
	})
}

// What a stranger is told is the same for every account, and guessing is stopped for all alike.
func TestGuessingFindsNoAccount(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	told := func(account string) string {
		r := newPeer(t, "UDP", s.Address()).registration(account)
		r.password = "guess"
		response := r.register()
		text := fmt.Sprint(response.StatusCode, response.Reason)
		for _, header := range response.GetHeaders("www-authenticate") {
			before, rest, _ := strings.Cut(header.Value(), `nonce="`)
			_, after, _ := strings.Cut(rest, `"`)
			text += before + after
		}
		return text
	}
	if one, other := told("anna"), told("nobody"); one != other || !strings.HasPrefix(one, "401") {
		t.Errorf("an account shows:\n%s\n%s", one, other)
	}
	var codes []int
	for range 4 {
		r := newPeer(t, "UDP", s.Address()).registration("nobody")
		r.password = "guess"
		codes = append(codes, r.register().StatusCode)
	}
	if codes[0] != 401 || codes[len(codes)-1] != 503 {
		t.Errorf("guessing goes on: %v", codes)
	}
	if got := s.Stats().RegistrationsRefused; got < 6 {
		t.Errorf("%d refusals are counted", got)
	}
}

func TestNoncesCountOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	r := newPeer(t, "UDP", s.Address()).registration("anna")
	r.must(r.register(), 200)
	r.count = 0 // what somebody overheard, again
	stale := r.must(r.again(), 401)
	if !strings.Contains(stale.GetHeader("www-authenticate").Value(), "stale=true") {
		t.Errorf("not stale:\n%s", stale)
	}
	r.takeNonce(stale)
	r.must(r.again(), 200)
	r.nonce = "made-up"
	r.must(r.again(), 401)

	n, from, now := newNonces(), netip.MustParseAddr("192.0.2.1"), time.Now()
	nonce := n.fresh(now, from)
	if !n.isFresh(nonce, now.Add(nonceLife-time.Second), from) || n.isFresh(nonce, now.Add(nonceLife+time.Second), from) {
		t.Error("a nonce lives otherwise than it should")
	}
	if n.isFresh(nonce, now, netip.MustParseAddr("192.0.2.2")) || newNonces().isFresh(nonce, now, from) || n.isFresh(nonce[1:], now, from) {
		t.Error("a nonce of others counts")
	}
	if n.fresh(now, from) == nonce {
		t.Error("two phones behind one address got the same nonce")
	}
}

// Telephones that know MD5 alone give up when something else is offered beside it.
func TestTelephonesThatKnowMD5Alone(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	offered := func(response *sip.Response) (algorithms string) {
		for _, header := range response.GetHeaders("www-authenticate") {
			_, rest, _ := strings.Cut(header.Value(), "algorithm=")
			algorithm, _, _ := strings.Cut(rest, ",")
			algorithms += algorithm + " "
		}
		return algorithms
	}
	r := newPeer(t, "UDP", s.Address()).registration("anna")
	r.algorithm = algorithmMD5
	if got := offered(r.must(r.send(""), 401)); got != "SHA-256 MD5 " {
		t.Errorf("first offered: %s", got)
	}
	second := r.must(r.send(""), 401) // it gave up, and tries again
	if got := offered(second); got != "MD5 " {
		t.Errorf("then offered: %s", got)
	}
	r.takeNonce(second)
	r.must(r.again(), 200)
	r.count = 0
	if got := offered(r.must(r.again(), 401)); got != "MD5 " {
		t.Errorf("for a stale nonce: %s", got)
	}
	named := newPeer(t, "UDP", s.Address()).registration("bo")
	named.headers = "User-Agent: baresip v1.0.0 (x86_64/linux)\r\n"
	if got := offered(named.must(named.send(""), 401)); got != "MD5 " {
		t.Errorf("whose name is known is offered: %s", got)
	}
}

func TestCredentialsAreRead(t *testing.T) {
	t.Parallel()
	const whole = `Digest username="an\"na", realm="svar", nonce="n,1", uri="sip:127.0.0.1", response="AB", cnonce="c", qop=auth, nc=0000000A, opaque=""`
	got, usable := readCredentials(whole)
	if !usable || got.username != `an"na` || got.nonce != "n,1" || got.response != "ab" || got.algorithm != algorithmMD5 || got.count != 10 || got.countText != "0000000A" {
		t.Errorf("got %+v, %v", got, usable)
	}
	for _, bad := range []string{
		"", "Basic YTpi", "Digest", "Digest username", strings.Replace(whole, "nc=0000000A", "nc=0", 1), strings.Replace(whole, ", nc=0000000A", "", 1),
		strings.Replace(whole, "qop=auth", "qop=auth-int", 1), strings.Replace(whole, `realm="svar"`, `realm="other"`, 1),
		whole + `, username="bo"`, whole + `, algorithm=MD5-sess`, whole[:40] + `"` + whole[40:], strings.Repeat(" ", 3000) + whole,
		strings.Replace(whole, `an\"na`, strings.Repeat("a", 65), 1), `Digest username="anna`,
	} {
		if got, usable := readCredentials(bad); usable {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// A phone that was started anew registers from another port, and is still one phone; one more than
// an account may have takes the place of the first.
func TestTelephonesOfOneAccount(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	for i := range 2 {
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.contact = r.ownContact() + `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>"`
		response := r.must(r.register(), 200)
		if got := len(response.GetHeaders("contact")); got != 1 {
			t.Fatalf("after %d starts: %d telephones", i+1, got)
		}
	}
	for i := range 4 {
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.headers = fmt.Sprintf("Expires: %d\r\n", 3600-i)
		response := r.must(r.register(), 200)
		if got := len(response.GetHeaders("contact")); got != min(i+2, maxPhones) {
			t.Errorf("%d telephones", got)
		}
	}
	r := newPeer(t, "UDP", s.Address()).registration("anna")
	r.contact, r.headers = "none", ""
	if got := len(r.must(r.register(), 200).GetHeaders("contact")); got != maxPhones {
		t.Errorf("a question told of %d telephones", got)
	}
	// What is older than a telephone takes none of them (RFC 3261 §10.3, step 6).
	r.contact, r.headers = "", ""
	r.must(r.again(), 200)
	r.contact, r.headers = "*", "Expires: 0\r\n"
	r.sequence--
	r.must(r.again(), 500)
	if _, telephones := s.registrar.count(); telephones != maxPhones {
		t.Errorf("an old REGISTER left %d telephones", telephones)
	}
	if got := len(r.must(r.again(), 200).GetHeaders("contact")); got != 0 || s.PhoneRegistered("anna") {
		t.Errorf("%d telephones are left of none", got)
	}
	// An older REGISTER that comes late changes nothing.
	r.contact, r.headers = "", ""
	r.must(r.again(), 200)
	r.sequence -= 2
	r.must(r.again(), 500)
}

func TestTelephonesThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	quickly := func(s *server) { s.registrar.pings = 20 * time.Millisecond }
	gone := func(t *testing.T, s *server) {
		t.Helper()
		until(t, "end of the registration", func() bool { return !s.PhoneRegistered("anna") && s.Stats().PhoneContacts == 0 })
	}
	t.Run("it does not answer any more", func(t *testing.T) {
		t.Parallel()
		s, begin := prepare(t, withPhones, quick)
		quickly(s)
		begin()
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.must(r.register(), 200)
		for range 2 { // any answer is a sign of life
			r.answerTo(r.request(sip.OPTIONS), 486)
		}
		if !s.PhoneRegistered("anna") {
			t.Error("it answered, and is forgotten")
		}
		gone(t, s)
	})
	t.Run("its connection is gone", func(t *testing.T) {
		t.Parallel()
		s, begin := prepare(t, withPhones)
		quickly(s)
		begin()
		r := newPeer(t, "TCP", s.Address()).registration("anna")
		r.must(r.register(), 200)
		r.answerTo(r.request(sip.OPTIONS), 200)
		_ = r.conn.Close()
		gone(t, s)
	})
	t.Run("its password is another one", func(t *testing.T) {
		t.Parallel()
		book := newPhonebook("anna")
		s := serve(t, withPhones, func(c *Config, _ *switchboard) { c.Phones = book })
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.must(r.register(), 200)
		book.remove("anna")
		if s.PhoneRegistered("anna") {
			t.Error("it would ring still")
		}
		gone(t, s)
	})
	t.Run("its time is over", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withPhones)
		r := newPeer(t, "UDP", s.Address()).registration("anna")
		r.must(r.register(), 200)
		s.registrar.expire(time.Now().Add(maxRegistration*time.Second - time.Minute))
		if !s.PhoneRegistered("anna") {
			t.Error("it is forgotten early")
		}
		s.registrar.expire(time.Now().Add(maxRegistration * time.Second))
		gone(t, s)
	})
}
