package phone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/contact"
)

// proxy is one of a trunk's, without anybody behind it.
func newProxy(t testing.TB) *callee {
	t.Helper()
	return &callee{peerListener: newPeerListener(t, "UDP"), t: t, voice: mediatest.NewPeer(t, media.PCMA)}
}

// nowhere is an address where nobody listens.
func nowhere(t testing.TB) string {
	t.Helper()
	l := newPeerListener(t, "TCP")
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.address.Port()).String()
}

// withTrunk adds a trunk. Those that take calls carry every call, in their order.
func withTrunk(trunk Trunk) func(*Config, *switchboard) {
	return func(c *Config, _ *switchboard) {
		c.Trunks = append(c.Trunks, trunk)
		if len(trunk.Proxies) == 0 {
			return
		}
		if len(c.Routes) == 0 {
			c.Routes = []Route{{Prefix: "+"}}
		}
		c.Routes[0].Trunks = append(c.Routes[0].Trunks, trunk.Name)
	}
}

func (s *server) dial(t testing.TB, leg contact.LegID) channels.DialledLeg {
	t.Helper()
	l, err := s.Dial(t.Context(), channels.Call{Leg: leg, Contact: "contact-1", Line: "staff", Number: userNumber, Confirmed: true})
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	return l
}

func TestACallGoesOnToTheNextProxy(t *testing.T) {
	t.Parallel()
	for what, fail := range map[string]func(*callee){
		"503":     func(c *callee) { c.respond(c.invite, 503, "proxy", "") },
		"silence": func(*callee) {},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			first, second := newProxy(t), newProxy(t)
			s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{first.address.String(), second.address.String()}}))
			l := s.dial(t, "leg-1")
			first.invite = first.expect(sip.INVITE)
			fail(first)
			second.invite = second.expect(sip.INVITE)
			if branchOf(second.invite) == branchOf(first.invite) || second.invite.CSeq().SeqNo <= first.invite.CSeq().SeqNo {
				t.Errorf("the second INVITE is no new one:\n%s", second.invite)
			}
			second.pickUp("phone")
			if err := l.Answer(t.Context()); err != nil {
				t.Fatalf("Answer: %v (%s)", err, l.Failure())
			}
			if ack := second.expect(sip.ACK); ack.CSeq().SeqNo != second.invite.CSeq().SeqNo {
				t.Errorf("ACK is\n%s", ack)
			}
			// The first one is passed over now.
			next := s.dial(t, "leg-2")
			second.invite = second.expect(sip.INVITE)
			second.respond(second.invite, 486, "phone", "")
			over(t, next, channels.EndedByParty)
		})
	}
}

// A proxy that answers when the call has gone on to another one: the user must not be in two calls.
func TestAProxyThatWakesUpTooLate(t *testing.T) {
	t.Parallel()
	first, second := newProxy(t), newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{first.address.String(), second.address.String()}}))
	l := s.dial(t, "leg-1")
	first.invite = first.expect(sip.INVITE)
	second.invite = second.expect(sip.INVITE)
	second.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.pickUp("late")
	if bye := first.expect(sip.BYE); tag(bye.To().Params) != "late" {
		t.Errorf("BYE is\n%s", bye)
	} else {
		first.respond(bye, 200, "late", "")
	}
	select {
	case <-l.Done():
		t.Error("the call at the second proxy is over")
	default:
	}
}

func TestATrunkThatCannotBeReached(t *testing.T) {
	t.Parallel()
	second := newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "gone", Transport: "TCP", Proxies: []string{nowhere(t)}}), withTrunk(Trunk{Name: "carrier", Proxies: []string{second.address.String()}}))
	l := s.dial(t, "leg-1")
	second.invite = second.expect(sip.INVITE)
	second.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestARouteChoosesTheTrunk(t *testing.T) {
	t.Parallel()
	mobile, rest := newProxy(t), newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "rest", Proxies: []string{rest.address.String()}}), withTrunk(Trunk{Name: "mobile", Proxies: []string{mobile.address.String()}}),
		func(c *Config, _ *switchboard) {
			c.Routes = []Route{{Prefix: "+", Trunks: []string{"rest"}}, {Prefix: "+4670", Trunks: []string{"mobile"}}}
		})
	s.dial(t, "leg-1")
	mobile.expect(sip.INVITE)
	if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg-2", Contact: "contact", Line: "staff", Number: "+468123456", Confirmed: true}); err != nil {
		t.Fatal(err)
	}
	rest.expect(sip.INVITE)
}

// challenge asks who we are, and checks what is answered.
type challenge struct {
	code      int
	algorithm string
	qop       string
}

func (c challenge) header(nonce string, stale bool) sip.Header {
	name := "WWW-Authenticate"
	if c.code == 407 {
		name = "Proxy-Authenticate"
	}
	value := fmt.Sprintf(`Digest realm="carrier", nonce=%q, algorithm=%s`, nonce, c.algorithm)
	if c.qop != "" {
		value += fmt.Sprintf(", qop=%q", c.qop)
	}
	if stale {
		value += ", stale=true"
	}
	return sip.NewHeader(name, value)
}

func (c challenge) check(t testing.TB, request *sip.Request, nonce string) {
	t.Helper()
	name := "Authorization"
	if c.code == 407 {
		name = "Proxy-Authorization"
	}
	header := request.GetHeader(name)
	if header == nil {
		t.Fatalf("no %s in\n%s", name, request)
	}
	given, err := digest.ParseCredentials(header.Value())
	if err != nil {
		t.Fatal(err)
	}
	asked := &digest.Challenge{Realm: "carrier", Nonce: nonce, Algorithm: c.algorithm}
	if c.qop != "" {
		asked.QOP = []string{c.qop}
	}
	want, err := digest.Digest(asked, digest.Options{
		Method: string(request.Method), URI: request.Recipient.String(), Username: "svar", Password: "secret", Count: given.Nc, Cnonce: given.Cnonce,
	})
	if err != nil || given.Response != want.Response || given.Username != "svar" || given.Nonce != nonce || given.URI != request.Recipient.String() {
		t.Errorf("%s answers the challenge by %s; want %v, %v", request.Method, header.Value(), want, err)
	}
}

func (c *callee) ask(request *sip.Request, code int, headers ...sip.Header) {
	c.t.Helper()
	response := sip.NewResponseFromRequest(request, code, "Who are you", nil)
	for _, header := range headers {
		response.AppendHeader(header)
	}
	c.answer(response.String())
}

func TestChallengesAreAnswered(t *testing.T) {
	t.Parallel()
	for _, asked := range []challenge{
		{401, "MD5", ""}, {407, "MD5", "auth"}, {407, "SHA-256", "auth"}, {401, "SHA-256", "auth"}, {407, "SHA-512-256", "auth"},
	} {
		t.Run(fmt.Sprint(asked), func(t *testing.T) {
			t.Parallel()
			user := newProxy(t)
			s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}, User: "svar", Password: "secret"}))
			l := user.dial(s)
			first := user.invite
			user.ask(first, asked.code, sip.NewHeader("WWW-Authenticate", `Digest realm="x", nonce="y", algorithm=AKAv1-MD5`), asked.header("one", false))
			if ack := user.expect(sip.ACK); branchOf(ack) != branchOf(first) {
				t.Errorf("the ACK of the challenge is\n%s", ack)
			}
			second := user.expect(sip.INVITE)
			asked.check(t, second, "one")
			if branchOf(second) == branchOf(first) || second.CSeq().SeqNo != first.CSeq().SeqNo+1 ||
				second.CallID().Value() != first.CallID().Value() || tag(second.From().Params) != tag(first.From().Params) {
				t.Errorf("the second INVITE is\n%s", second)
			}
			user.ask(second, asked.code, asked.header("two", true)) // it was stale
			user.invite = user.expect(sip.INVITE)
			asked.check(t, user.invite, "two")
			user.pickUp("phone")
			if err := l.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			for ack := user.expect(sip.ACK); ; ack = user.expect(sip.ACK) {
				if tag(ack.To().Params) == "phone" {
					if ack.CSeq().SeqNo != user.invite.CSeq().SeqNo || ack.GetHeader("Authorization") == nil && ack.GetHeader("Proxy-Authorization") == nil {
						t.Errorf("ACK is\n%s", ack)
					}
					break
				}
			}
			l.HangUp()
			bye := user.expect(sip.BYE)
			user.ask(bye, asked.code, asked.header("three", false))
			again := user.expect(sip.BYE)
			asked.check(t, again, "three")
			if again.CSeq().SeqNo != bye.CSeq().SeqNo+1 {
				t.Errorf("the second BYE is\n%s", again)
			}
			user.respond(again, 200, "phone", "")
		})
	}
}

// A wrong password is said once: further tries lock accounts.
func TestAWrongPasswordIsSaidOnce(t *testing.T) {
	t.Parallel()
	user := newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}, User: "svar", Password: "wrong"}))
	l := user.dial(s)
	asked := challenge{407, "SHA-256", "auth"}
	user.ask(user.invite, 407, asked.header("one", false))
	user.ask(user.expect(sip.INVITE), 407, asked.header("two", false))
	over(t, l, channels.EndedByParty)
	if l.Failure() != contact.DialRefused {
		t.Errorf("the failure is %q", l.Failure())
	}
	if record := string(l.Record()); strings.Contains(record, "wrong") || strings.Contains(record, "response") {
		t.Errorf("the record holds credentials: %s", record)
	}
}

// Nobody but the trunk that has a password gets an answer to a challenge.
func TestChallengesOfOthersAreNotAnswered(t *testing.T) {
	t.Parallel()
	user := newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}}),
		withTrunk(Trunk{Name: "other", User: "svar", Password: "secret", Proxies: []string{nowhere(t)}}))
	l := user.dial(s)
	user.ask(user.invite, 407, challenge{407, "MD5", "auth"}.header("one", false))
	over(t, l, channels.EndedByParty)
}

// answerAll answers every request by reply until stop, which waits for the last one.
func (c *callee) answerAll(reply func(*sip.Request) *sip.Response) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case got := <-c.messages:
				got.reply(reply(got.request).String())
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() { cancel(); <-ended }
	c.t.Cleanup(stop)
	return stop
}

func TestATrunkIsAskedWhetherItLives(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	s := serve(t, quick, withTrunk(Trunk{Name: "carrier", Proxies: []string{proxy.address.String()}, KeepAlive: 10 * time.Millisecond}))
	state := func() TrunkState { return s.Trunks()[0] }
	refuse := func(request *sip.Request) *sip.Response {
		return sip.NewResponseFromRequest(request, 404, "Not Found", nil)
	}
	stop := proxy.answerAll(refuse)
	until(t, "living trunk", func() bool { return s.carriers.hops["carrier"][0].state() == alive })
	stop()
	until(t, "dead trunk", func() bool { return !state().Up && state().Dead == 1 })
	if down := s.TrunksDown(); !slices.Equal(down, []string{"carrier"}) {
		t.Errorf("down are %q", down)
	}
	proxy.answerAll(refuse)
	until(t, "trunk that lives again", func() bool { return state().Up && s.TrunksDown() == nil })
}

func TestATrunkThatAnswers503IsDown(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{proxy.address.String()}, KeepAlive: time.Hour}))
	proxy.respond(proxy.expect(sip.OPTIONS), 503, "proxy", "")
	until(t, "dead trunk", func() bool { return !s.Trunks()[0].Up })
}

// registrar takes registrations as told.
func (c *callee) grant(request *sip.Request, expires int) {
	c.t.Helper()
	response := sip.NewResponseFromRequest(request, 200, "OK", nil)
	response.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:other@192.0.2.1>;expires=3600, %s;expires=%d", request.Contact().Value(), expires)))
	c.answer(response.String())
}

func TestARegistrationLivesAndIsTakenBack(t *testing.T) {
	t.Parallel()
	registrar := newProxy(t)
	s := serve(t, withTrunk(Trunk{
		Name: "carrier", Proxies: []string{registrar.address.String()}, User: "svar", Password: "secret", Domain: "carrier.example", Register: time.Hour,
	}))
	asked := challenge{401, "SHA-256", "auth"}
	first := registrar.expect(sip.REGISTER)
	if first.Recipient.String() != "sip:carrier.example" || first.To().Address.User != "svar" || first.To().Address.Host != "carrier.example" ||
		first.Contact().Address.User != "svar" || first.Contact().Address.Port != int(s.port) || first.GetHeader("Expires").Value() != "3600" {
		t.Errorf("REGISTER is\n%s", first)
	}
	if s.Trunks()[0].Up {
		t.Error("the trunk is up before it is registered")
	}
	registrar.ask(first, 401, asked.header("one", false))
	second := registrar.expect(sip.REGISTER)
	asked.check(t, second, "one")
	registrar.ask(second, 423, sip.NewHeader("Min-Expires", "7200"))
	third := registrar.expect(sip.REGISTER)
	if third.GetHeader("Expires").Value() != "7200" {
		t.Errorf("after 423 REGISTER is\n%s", third)
	}
	registrar.grant(third, 1) // renewed in time: after 0.8 s
	until(t, "registration", func() bool { return s.Trunks()[0].Registered })
	renewal := registrar.expect(sip.REGISTER)
	if renewal.CallID().Value() != first.CallID().Value() || renewal.CSeq().SeqNo <= third.CSeq().SeqNo {
		t.Errorf("the renewal is\n%s", renewal)
	}
	registrar.grant(renewal, 3600)
	until(t, "renewal", func() bool { return s.registrations["carrier"].holds(time.Now().Add(time.Minute)) })
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.stop() }()
	last := registrar.expect(sip.REGISTER)
	if last.GetHeader("Expires").Value() != "0" {
		t.Errorf("the last REGISTER is\n%s", last)
	}
	registrar.grant(last, 0)
	await(t, stopped, "end of Serve")
}

func TestAnotherRegistrarTakesOver(t *testing.T) {
	t.Parallel()
	first, second := newProxy(t), newProxy(t)
	s := serve(t, quick, withTrunk(Trunk{
		Name: "carrier", Registrars: []string{first.address.String(), second.address.String()}, Proxies: []string{first.address.String()},
		User: "svar", Register: time.Hour,
	}))
	first.respond(first.expect(sip.REGISTER), 503, "registrar", "")
	second.respond(second.expect(sip.REGISTER), 403, "registrar", "")
	if s.Trunks()[0].Registered {
		t.Error("nobody took the registration")
	}
	// Again, after a while; the first one says nothing.
	second.answerAll(func(request *sip.Request) *sip.Response { return sip.NewResponseFromRequest(request, 200, "OK", nil) })
	until(t, "registration", func() bool { return s.Trunks()[0].Up })
}

// Carriers call the user that is registered; what was dialled is in To.
func TestACallToTheRegisteredUser(t *testing.T) {
	t.Parallel()
	registrar := newProxy(t)
	s := serve(t, withTrunk(Trunk{
		Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxies: []string{registrar.address.String()}, User: "account", Register: time.Hour,
	}))
	registrar.grant(registrar.expect(sip.REGISTER), 3600)
	p := newPeer(t, "UDP", s.Address())
	c := p.call()
	c.user = staffNumber
	c.send(strings.Replace(c.message(sip.INVITE, c.branch, "", c.body), "INVITE sip:"+staffNumber, "INVITE sip:account", 1))
	if a := s.arrival(t); a.contact.Line != "staff" {
		t.Errorf("the call is for line %q", a.contact.Line)
	}
}

// What a trunk says of the caller counts only where it is believed.
func TestATrunkThatIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := serve(t, withTrunk(Trunk{Name: "carrier", Distrusted: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
	p := newPeer(t, "UDP", s.Address())
	c := p.call()
	c.headers = "P-Asserted-Identity: <sip:+46850800777@127.0.0.1>\r\n"
	c.invite()
	if a := s.arrival(t); a.personal.Vouched || strings.Contains(string(a.personal.Number), "777") {
		t.Errorf("who is not believed gave %+v", a.personal)
	}
}

func TestTrunksThatCannotBe(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*Config){
		"no address": func(c *Config) { c.Trunks = []Trunk{{Name: "a"}} },
		"no name":    func(c *Config) { c.Trunks = []Trunk{{Proxies: []string{"127.0.0.1:1"}}} },
		"two of one name": func(c *Config) {
			c.Trunks = []Trunk{{Name: "a", Proxies: []string{"h:1"}}, {Name: "a", Proxies: []string{"h:1"}}}
		},
		"no port":             func(c *Config) { c.Trunks = []Trunk{{Name: "a", Proxies: []string{"127.0.0.1"}}} },
		"another transport":   func(c *Config) { c.Trunks = []Trunk{{Name: "a", Proxies: []string{"h:1"}, Transport: "SCTP"}} },
		"nobody to register":  func(c *Config) { c.Trunks = []Trunk{{Name: "a", Proxies: []string{"h:1"}, Register: time.Hour}} },
		"a user of headers":   func(c *Config) { c.Trunks = []Trunk{{Name: "a", Proxies: []string{"h:1"}, User: "a>\r\nX: y"}} },
		"a route to nobody":   func(c *Config) { c.Routes = []Route{{Prefix: "+46", Trunks: []string{"a"}}} },
		"emergency to nobody": func(c *Config) { c.DialPlan.Emergency = "a" },
	} {
		config := Config{Intake: &switchboard{}, Pacer: media.NewPacer()}
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: there is no error", what)
		}
		_ = config.Pacer.Close()
	}
}

// The carrier sends our own INVITE back to us, after it asked who we are: it is no call from outside.
func TestALoopAfterAChallenge(t *testing.T) {
	t.Parallel()
	user := newProxy(t)
	s := serve(t, withTrunk(Trunk{
		Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxies: []string{user.address.String()}, User: "svar", Password: "secret",
	}))
	user.dial(s)
	user.ask(user.invite, 407, challenge{407, "MD5", "auth"}.header("one", false))
	user.invite = user.expect(sip.INVITE)
	p := newPeer(t, "UDP", s.Address())
	looped := strings.Replace(user.invite.String(), "sip:"+string(userNumber), "sip:"+staffNumber, 1)
	looped = strings.Replace(looped, "Via:", "Via: SIP/2.0/UDP "+p.local.String()+";branch="+newBranch()+";rport\r\nVia:", 1)
	p.send(looped)
	if got := p.final(sip.INVITE).StatusCode; got != 482 {
		t.Errorf("our own INVITE got %d", got)
	}
}

func TestALargeINVITEGoesByTCP(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 60) + ".example"
	carrier := newPeerListener(t, "TCP")
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{carrier.address.String()}, Domain: long}))
	l := s.dial(t, "leg-1")
	invite := carrier.request(t)
	if via := invite.Via(); via.Transport != "TCP" || len(invite.String()) <= largeMessage {
		t.Errorf("an INVITE of %d bytes came by TCP with Via %s", len(invite.String()), via.Value())
	}
	l.HangUp()
	over(t, l, channels.EndedByUs)
}

func TestALargeINVITEGoesByUDPWhereThereIsNoTCP(t *testing.T) {
	t.Parallel()
	user := newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}, Domain: strings.Repeat("long", 60) + ".example"}))
	l := user.dial(s)
	if via := user.invite.Via(); via.Transport != "UDP" || len(user.invite.String()) <= largeMessage {
		t.Errorf("an INVITE of %d bytes came by UDP with Via %s", len(user.invite.String()), via.Value())
	}
	user.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What another process ends goes with the trunk's credentials.
func TestAnOrphanOfATrunkThatAsks(t *testing.T) {
	t.Parallel()
	user := newProxy(t)
	trunk := withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}, User: "svar", Password: "secret"})
	s := serve(t, trunk)
	l := user.dial(s)
	user.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := serve(t, trunk)
	ended := make(chan error, 1)
	go func() { ended <- other.EndOrphan(context.Background(), l.Record()) }()
	asked := challenge{407, "SHA-256", "auth"}
	user.ask(user.expect(sip.BYE), 407, asked.header("one", false))
	bye := user.expect(sip.BYE)
	asked.check(t, bye, "one")
	user.respond(bye, 200, "phone", "")
	if err := await(t, ended, "end of the orphan"); err != nil {
		t.Error(err)
	}
}

func TestATrunkWithoutRoom(t *testing.T) {
	t.Parallel()
	small, second := newProxy(t), newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "small", Proxies: []string{small.address.String()}, MaxCalls: 1}),
		withTrunk(Trunk{Name: "second", Proxies: []string{second.address.String()}, CallsPerHour: 1}))
	s.dial(t, "leg-1")
	small.expect(sip.INVITE)
	s.dial(t, "leg-2")
	second.invite = second.expect(sip.INVITE)
	second.respond(second.invite, 486, "phone", "")
	refused := func() bool {
		_, err := s.Dial(t.Context(), channels.Call{Leg: "leg-3", Contact: "contact", Line: "staff", Number: userNumber, Confirmed: true})
		var why *RefusedError
		return errors.As(err, &why) && why.Reason == RefusedTrunk
	}
	if !refused() {
		t.Error("a third call was let through")
	}
	if s.Stats().CallsRefused[RefusedTrunk] != 1 {
		t.Errorf("counted: %v", s.Stats().CallsRefused)
	}
}
