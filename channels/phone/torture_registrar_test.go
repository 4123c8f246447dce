package phone

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"svar/identity"
)

type registerTorture struct {
	name            string
	first, signedOn int
	contacts        []string
	why             string
}

// registerTortures are the REGISTER messages of RFC 4475 and RFC 5118, and what answers them where there is a registrar: at first,
// and when who sends them has signed on, with the Contacts that are registered then.
var registerTortures = []registerTorture{
	{"rfc4475/escnull", 401, 200, []string{"<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"}, "two addresses, which no zero ends"},
	{"rfc4475/dblreq", 401, 200, []string{"<sip:j.user@host.example.com>"}, "what follows in the datagram is ignored"},
	{"rfc4475/scalar02", 400, 0, nil, "numbers that are too large"},
	{"rfc4475/regbadct", 401, 400, nil, "a Contact with headers, without brackets"},
	{"rfc4475/regaut01", 401, 200, nil, "an unknown scheme counts as none; it asks what is registered"},
	{"rfc4475/unksm2", 401, 403, nil, "an address that is nobody's"},
	{"rfc4475/cparam01", 401, 200, []string{"<sip:+19725552222@gw1.example.net>"}, "a parameter of the Contact is none of its address"},
	{"rfc4475/cparam02", 401, 200, []string{"<sip:+19725552222@gw1.example.net;unknownparam>"}, "a parameter of the address is"},
	{"rfc4475/regescrt", 401, 200, []string{"<sip:user@example.com>"}, "no Route is taken out of a Contact"},
	{"rfc5118/ipv6-good", 401, 200, []string{"<sip:caller@[2001:db8::1]>"}, "valid"},
	{"rfc5118/ipv6-bad", 400, 0, nil, "an address without brackets"},
	{"rfc5118/port-ambiguous", 401, 200, []string{"<sip:caller@[2001:db8::1]>"}, "valid, an address without a port"},
	{"rfc5118/port-unambiguous", 401, 200, []string{"<sip:caller@[2001:db8::1]>"}, "valid"},
}

func TestEveryREGISTERThatTorturesIsTried(t *testing.T) {
	t.Parallel()
	for _, test := range tortures {
		tried := slices.ContainsFunc(registerTortures, func(other registerTorture) bool { return other.name == test.name })
		if is := bytes.HasPrefix(tortureMessage(t, filepath.FromSlash(test.name)), []byte("REGISTER ")); is != tried {
			t.Errorf("%s is REGISTER: %v; tried: %v", test.name, is, tried)
		}
	}
}

// tormentRegistrar is torment for a gateway at which desk phones register.
func tormentRegistrar(t *testing.T) {
	accounts := []string{"user", "watson", "j.user", "null-%00-null"}
	for i, test := range registerTortures {
		t.Run(test.name+" at a registrar", func(t *testing.T) {
			t.Parallel()
			s, begin := prepare(t, withPhones, func(c *Config, _ *switchboard) { c.Phones = newPhonebook(accounts...) })
			from := netip.AddrFrom4([4]byte{127, 48, 0, byte(i + 1)})
			s.udp.watch = func(to net.Addr) {
				if got := to.(*net.UDPAddr).AddrPort().Addr().Unmap(); got != from {
					t.Errorf("something was sent to %s", got)
				}
			}
			begin()
			message := tortureMessage(t, test.name)
			code, challenge := torture(t, s, message, from)
			if code != test.first {
				t.Fatalf("got %d; want %d (%s)", code, test.first, test.why)
			}
			if test.signedOn == 0 {
				return
			}
			account := "user"
			for _, name := range accounts {
				if bytes.Contains(message, []byte("To: sip:"+name+"@")) {
					account = name
				}
			}
			code, answer := torture(t, s, signed(message, account, challenge), from)
			if code != test.signedOn {
				t.Fatalf("signed on, got %d; want %d (%s)", code, test.signedOn, test.why)
			}
			var contacts []string
			for line := range strings.SplitSeq(answer, "\r\n") {
				if contact, is := strings.CutPrefix(line, "Contact: "); is {
					contact, _, _ = strings.Cut(contact, ";expires=")
					contacts = append(contacts, contact)
				}
			}
			slices.Reverse(contacts) // the newest is first
			if !slices.Equal(contacts, test.contacts) {
				t.Errorf("registered are %v; want %v (%s)", contacts, test.contacts, test.why)
			}
		})
	}
}

// signed puts credentials into a REGISTER, which makes it another request.
func signed(message []byte, account, challenge string) []byte {
	_, rest, _ := strings.Cut(challenge, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	first, after, _ := bytes.Cut(message, []byte("\r\n"))
	uri := strings.Fields(string(first))[1]
	response := hexSHA256(identity.NewPhoneSecret(account, account).SHA256 + ":" + nonce + ":00000001:c:auth:" + hexSHA256("REGISTER:"+uri))
	credentials := fmt.Sprintf("Authorization: Digest username=%q, realm=\"svar\", nonce=%q, uri=%q, response=%q, algorithm=SHA-256, cnonce=\"c\", qop=auth, nc=00000001",
		account, nonce, uri, response)
	after = bytes.Replace(after, []byte("branch=z9hG4bK"), []byte("branch=z9hG4bKsigned"), 1)
	return bytes.Join([][]byte{first, []byte(credentials), after}, []byte("\r\n"))
}
