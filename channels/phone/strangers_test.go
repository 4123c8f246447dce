package phone

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// stray makes a request of somebody who has no business here.
func (p *peer) stray(method sip.RequestMethod, uri, headers string) string {
	id := newID()
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:100@x>;tag=1\r\nTo: <sip:100@x>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:100@%s>\r\n%sContent-Length: 0\r\n\r\n",
		method, uri, p.transport, p.local, id, id, method, p.local, headers)
}

// Whatever is asked for that is not here gets the same answer, which tells nothing of us.
func TestStraysLearnNothing(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			p := newPeer(t, transport, s.Address())
			at := s.Address().String()
			strays := []struct {
				method sip.RequestMethod
				uri    string
			}{
				{sip.REGISTER, "sip:" + at},
				{sip.REGISTER, "sip:svar.example"},
				{sip.OPTIONS, "sip:100@" + at},
				{sip.OPTIONS, "sip:" + at},
				{sip.INVITE, "sip:900441234567@" + at},
				{sip.INVITE, "sip:1000@" + at},
				{sip.SUBSCRIBE, "sip:1000@" + at},
				{sip.MESSAGE, "sip:admin@" + at},
				{"FOO", "sip:a@" + at},
			}
			for _, stray := range strays {
				p.send(p.stray(stray.method, stray.uri, ""))
				got := p.final(stray.method)
				if got.StatusCode != sip.StatusNotFound {
					t.Errorf("%s %s got %d", stray.method, stray.uri, got.StatusCode)
				}
				for _, header := range got.Headers() {
					switch strings.ToLower(header.Name()) {
					case "via", "from", "to", "call-id", "cseq", "content-length":
					default:
						t.Errorf("%s %s is told %s", stray.method, stray.uri, header)
					}
				}
			}
			if got := s.Stats(); got.Strays < uint64(len(strays)) || got.Calls != 0 || got.Responses[404] != uint64(len(strays)) ||
				got.Requests["REGISTER"] != 2 || got.Requests[OtherMethods] != 1 {
				t.Errorf("stats: %+v", got)
			}
			if len(s.board.arrivals)+len(s.board.refusals) != 0 {
				t.Error("a stray was recorded")
			}
		})
	}
}

// An answer without state is the same for each repetition (RFC 3261 §8.2.7).
func TestAStrayThatIsRepeatedGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPeer(t, "UDP", s.Address())
	message := p.stray(sip.REGISTER, "sip:"+s.Address().String(), "")
	p.send(message)
	first := p.final(sip.REGISTER).String()
	p.send(message)
	if second := p.final(sip.REGISTER).String(); second != first {
		t.Errorf("got\n%s\nthen\n%s", first, second)
	}
}

func TestScannersGetSilence(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			p := newPeer(t, transport, s.Address())
			line := "sip:" + staffNumber + "@" + s.Address().String()
			for _, method := range []sip.RequestMethod{sip.OPTIONS, sip.REGISTER, sip.INVITE} {
				p.send(p.stray(method, line, "User-Agent: Friendly-Scanner 1.8\r\n"))
			}
			// What is said to a line by somebody else is answered, and nothing came before it.
			probe := p.stray(sip.OPTIONS, line, "User-Agent: Telefonen\r\n")
			p.send(probe)
			got, isResponse := p.receive(patience).(*sip.Response)
			if !isResponse || got.StatusCode != sip.StatusOK || !strings.Contains(probe, got.CallID().Value()) || got.GetHeader("Allow") == nil {
				t.Errorf("got\n%s", got)
			}
			if transport == "UDP" { // over TCP each message has a goroutine of its own
				if got := s.Stats(); got.Scanners != 3 || got.StraysDropped != 3 || got.Calls != 0 {
					t.Errorf("stats: %+v", got)
				}
			}
		})
	}
}

func TestAboveTheRateStraysGetSilence(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.StrangerAnswers = 1 })
	p := newPeer(t, "UDP", s.Address())
	const strays = 50
	for range strays {
		p.send(p.stray(sip.REGISTER, "sip:"+s.Address().String(), ""))
	}
	for range 4 { // the burst
		p.final(sip.REGISTER)
	}
	c := p.call()
	s.connect(t, c) // a line can be rung all the same
	got := s.Stats()
	if got.Strays != strays || got.StraysDropped == 0 || got.Responses[404]+got.StraysDropped != strays {
		t.Errorf("stats: %+v", got)
	}
}

// A trunk is never limited, and learns what it asks for.
func TestTrunksAreNotLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, trusting, func(c *Config, _ *switchboard) { c.StrangerAnswers, c.StrangerInvites = 1, 1 })
	p := newPeer(t, "UDP", s.Address())
	for range 50 {
		p.send(p.stray(sip.REGISTER, "sip:"+s.Address().String(), ""))
		if got := p.final(sip.REGISTER); got.StatusCode != sip.StatusMethodNotAllowed || got.GetHeader("Allow") == nil {
			t.Fatalf("REGISTER got\n%s", got)
		}
	}
	for range 20 {
		c := p.call()
		c.user = "+46850800999"
		c.invite()
		if got := c.final(sip.INVITE).StatusCode; got != 404 {
			t.Fatalf("INVITE got %d", got)
		}
	}
	if got := s.Stats(); got.Strays != 0 || got.RateLimited != 0 {
		t.Errorf("stats: %+v", got)
	}
}

// A repetition is no further call: a lossy network is no flood.
func TestRepetitionsOfAnInviteAreNotLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.StrangerInvites = 1 }) // a burst of two
	c := newPeer(t, "UDP", s.Address()).call()
	for range 20 {
		c.invite()
	}
	s.arrival(t)
	second := newPeer(t, "UDP", s.Address()).call()
	s.connect(t, second)
	got := s.Stats()
	if got.RateLimited != 0 || got.Calls != 2 || got.Repeated == 0 {
		t.Errorf("stats: %+v", got)
	}
}

// Whoever sends the INVITE of a call that is over again rings again, and has no more of that than
// others.
func TestAnInviteOfACallThatIsOverIsNoRepetition(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d, from := s.doorman, netip.MustParseAddrPort("127.0.0.99:9")
	d.invites = newSourceLimiter(0, 2, 1000, 1000) // two, and never more
	p := &peer{t: t, transport: "UDP", local: from, target: s.Address()}
	invite := p.stray(sip.INVITE, "sip:"+staffNumber+"@"+s.Address().String(), "")
	_, callID, _ := strings.Cut(callIDLine.FindString(invite), ": ")
	for call, want := range []bool{true, true, false} {
		for range 3 { // the network repeats it
			if got := d.admit([]byte(invite), from); got != want {
				t.Errorf("call %d: let in %t, want %t", call, got, want)
			}
		}
		d.open(callID)
		d.close(callID)
	}
}

// Whoever has one call, or rang once, can send what belongs to it from every address that he can
// forge. Each message would be a transaction of half a minute.
func TestOneCallIsNoWayPastTheDoorman(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d, own := s.doorman, netip.MustParseAddrPort("127.0.0.99:9")
	d.invites, d.answers = newSourceLimiter(0, 1, 0, 5), newSourceLimiter(0, 1, 0, 5)
	p := &peer{t: t, transport: "UDP", local: own, target: s.Address()}
	invite := p.stray(sip.INVITE, "sip:"+staffNumber+"@"+s.Address().String(), "")
	for range 2 { // the network repeats it
		if !d.admit([]byte(invite), own) {
			t.Fatal("a caller does not get in")
		}
	}
	again := strings.Replace(invite, "To: <sip:100@x>", "To: <sip:100@x>;tag=2", 1)
	for _, message := range []string{invite, again} {
		let := 0
		for i := range 100 {
			if d.admit([]byte(message), netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 9)) {
				let++
			}
		}
		if let > 5 {
			t.Errorf("%d of 100 got in", let)
		}
	}
	s.mutex.Lock()
	s.parties[own.Addr()] = 1 // he has a call
	s.mutex.Unlock()
	for range 10 {
		if !d.admit([]byte(again), own) {
			t.Error("a caller does not reach his call")
		}
	}
}

// What belongs to nothing is thrown away before it costs anything.
func TestMessagesOfNoCallGoNowhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPeer(t, "UDP", s.Address())
	line := "sip:" + staffNumber + "@" + s.Address().String()
	p.send(p.stray(sip.ACK, line, ""))
	p.send(p.stray(sip.CANCEL, line, ""))
	p.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " + s.Address().String() + ";branch=z9hG4bKnone\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n" +
		"Call-ID: none\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n")
	p.send("\r\n\r\n")
	p.send("not SIP at all")
	bye := strings.Replace(p.stray(sip.BYE, line, ""), "To: <sip:100@x>", "To: <sip:100@x>;tag=2", 1)
	p.send(bye)
	if got, isResponse := p.receive(patience).(*sip.Response); !isResponse || got.StatusCode != 481 {
		t.Errorf("got\n%s", got)
	}
	if got := s.Stats(); got.Strays != 4 || got.StraysDropped != 3 || got.Unparsable != 1 {
		t.Errorf("stats: %+v", got)
	}
}

var callIDLine = regexp.MustCompile(`Call-ID: \S+`)

// What claims to be in a dialog that is none is a stray over a connection, too: the library would
// keep the transaction of each INVITE for half a minute.
func TestStraysInNoDialogCostNothingOverTCP(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.StrangerAnswers = 1 })
	p := newPeer(t, "TCP", s.Address())
	c := p.call()
	a := s.connect(t, c)
	const strays = 30
	for i := range strays {
		stray := strings.Replace(p.stray(sip.INVITE, "sip:"+staffNumber+"@"+s.Address().String(), ""), "To: <sip:100@x>", "To: <sip:100@x>;tag=2", 1)
		if i%2 == 0 { // to know the Call-ID of a call gains nothing
			stray = callIDLine.ReplaceAllString(stray, "Call-ID: "+c.id)
		}
		p.send(stray)
	}
	for range 4 { // the burst
		got := p.final(sip.INVITE).StatusCode
		for got == 200 { // repeated, where the ACK was slow
			got = p.final(sip.INVITE).StatusCode
		}
		if got != 481 {
			t.Errorf("got %d", got)
		}
	}
	c.within(sip.BYE, "", "")
	if got := c.final(sip.BYE).StatusCode; got != 200 {
		t.Errorf("BYE got %d", got)
	}
	over(t, a.leg, channels.EndedByParty)
	until(t, "account of all strays", func() bool { return s.Stats().Strays == strays })
	if got := s.Stats(); got.StraysDropped < strays-10 {
		t.Errorf("stats: %+v", got)
	}
}

// Many connections of one address may not send more than one.
func TestConnectionsOfOneAddressShareWhatTheyMaySend(t *testing.T) {
	t.Parallel()
	listener := newConnections(serve(t).Gateway, nil)
	one, another := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	if !listener.bytes.of(one).AllowN(time.Now(), 2*strangerBytes) || listener.bytes.of(one).AllowN(time.Now(), strangerBytes) {
		t.Error("a second connection has an allowance of its own")
	}
	if !listener.bytes.of(another).AllowN(time.Now(), strangerBytes) {
		t.Error("another address pays for the first")
	}
}

// A connection of a stranger who has no call does not stay; a caller's does, however silent.
func TestStrangersWithoutACallKeepNoConnection(t *testing.T) {
	t.Parallel()
	s, begin := prepare(t)
	s.tcp.idle = time.Second
	begin()
	c := newPeerAt(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 21)}, "TCP", s.Address()).call()
	a := s.connect(t, c)
	for range 2 { // one after the other, each longer than a caller would have otherwise
		idler := newPeerAt(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 22)}, "TCP", s.Address())
		if err := idler.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := idler.reader.ReadByte(); !errors.Is(err, io.EOF) {
			t.Fatalf("an idle connection: %v", err)
		}
	}
	c.bye(a)
}

// Messages over a connection are counted before they are judged.
func TestLongBranchesAreNotRemembered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPeer(t, "TCP", s.Address())
	for range 2 {
		p.send(strings.Replace(p.stray(sip.REGISTER, "sip:a@b", ""), "z9hG4bK", "z9hG4bK"+strings.Repeat("a", maxToken), 1))
		if got := p.final(sip.REGISTER).StatusCode; got != 400 {
			t.Errorf("got %d", got)
		}
	}
	s.counters.mutex.Lock()
	defer s.counters.mutex.Unlock()
	for key := range s.counters.seen.until {
		if len(key) > 2*maxToken || strings.Contains(key, "aaaa") {
			t.Errorf("%d bytes are remembered", len(key))
		}
	}
}

// Only so much is remembered of what was let in.
func TestTheDoormanForgets(t *testing.T) {
	t.Parallel()
	d := serve(t).doorman
	for i := range 3 * maxSources {
		d.letIn(fmt.Sprint("key", i), fmt.Sprint("call", i))
		d.open(fmt.Sprint("call", i))
		d.close(fmt.Sprint("call", i))
	}
	if len(d.calls) != 0 || len(d.begun.until) > maxSources || len(d.recent.until) > maxSources || len(d.over.until) > maxSources {
		t.Errorf("%d, %d, %d", len(d.calls), len(d.begun.until), len(d.recent.until))
	}
	if last := fmt.Sprint("call", 3*maxSources-1); !d.knows(last) || d.knows("call0") {
		t.Error("the oldest is known, or the last one is not")
	}
	for i := range 2 * maxSources {
		d.answers.allow(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if got := len(d.answers.sources); got > maxSources {
		t.Errorf("%d sources", got)
	}
}

// FuzzStranger lets the doorman judge whatever comes to mind.
func FuzzStranger(f *testing.F) {
	s := serve(f)
	p := &peer{t: f, transport: "UDP", local: netip.MustParseAddrPort("127.0.0.1:9"), target: s.Address()}
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.REGISTER, "FOO"} {
		f.Add([]byte(p.stray(method, "sip:100@x", "")))
		f.Add([]byte(p.stray(method, "tel:+46850800100", "User-Agent: sipvicious\r\n")))
	}
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 1 BYE\r\n\r\n"))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\n\r\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = s.doorman.admit(data, netip.MustParseAddrPort("127.0.0.99:9"))
	})
}
