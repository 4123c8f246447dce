package phone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Messages in the spirit of RFC 4475, as far as the parser lets them through.
func TestInvalidMessagesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tests := map[string]struct {
		old, new string
		code     int
	}{
		"Via without branch":           {";branch=%BRANCH%", "", 0},
		"branch of old":                {"branch=%BRANCH%", "branch=1", 0},
		"branch without a number":      {"branch=%BRANCH%", "branch=z9hG4bK", 400},
		"headers in the Request-URI":   {" SIP/2.0\r\nVia", "?Subject=x SIP/2.0\r\nVia", 400},
		"From without tag":             {";tag=peer", "", 400},
		"two From":                     {"To: ", "From: <sip:b@x>;tag=2\r\nTo: ", 400},
		"CSeq of another method":       {"1 INVITE\r\n", "1 BYE\r\n", 400},
		"no Contact":                   {"Contact: ", "X-Contact: ", 400},
		"Contact is everything":        {"Contact: <", "Contact: *\r\nX: <", 400},
		"two Contacts":                 {"Contact: <", "Contact: <sip:a@b>, <", 400},
		"Contact by mail":              {"Contact: <sip:peer@", "Contact: <mailto:peer@", 400},
		"no To":                        {"To: ", "X-To: ", 400},
		"control character":            {"From: <", "From: \"a\x01b\" <", 400},
		"endless Call-ID":              {"Call-ID: ", "Call-ID: " + strings.Repeat("a", 300), 400},
		"endless Contact":              {"Contact: <sip:peer@", "Contact: <sip:" + strings.Repeat("p", 600) + "@", 400},
		"many routes":                  {"Contact: ", strings.Repeat("Record-Route: <sip:192.0.2.1;lr>\r\n", 11) + "Contact: ", 400},
		"version of the future":        {" SIP/2.0\r\nVia", " SIP/7.0\r\nVia", 505},
		"URI of another kind":          {"INVITE sip:", "INVITE urn:", 416},
		"body of another kind":         {"application/sdp", "text/plain", 415},
		"body without kind":            {"Content-Type", "X-Type", 400},
		"body in another coding":       {"Content-Type", "Content-Encoding: gzip\r\nContent-Type", 415},
		"long body":                    {"%BODY%", strings.Repeat("a=x\r\n", 2000), 413},
		"telephone number as URI":      {"INVITE sip:+46850800100@%TARGET% ", "INVITE tel:+46850800100 ", 0},
		"nothing wrong":                {"X", "X", 0},
		"in the short form":            {"From: ", "f: ", 0},
		"Contact without port, folded": {"Max-Forwards: 70", "Max-Forwards:\r\n 70", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPeer(t, "UDP", s.Address()).call()
			if test.old == "%BODY%" {
				c.body += test.new
				test.old = "X"
				test.new = "X"
			}
			old := strings.NewReplacer("%BRANCH%", c.branch, "%TARGET%", c.target.String()).Replace(test.old)
			message := c.message(sip.INVITE, c.branch, c.headers, c.body)
			if old != "X" && !strings.Contains(message, old) {
				t.Fatalf("no %q in\n%s", old, message)
			}
			c.send(strings.Replace(message, old, test.new, 1))
			if test.code == 0 {
				s.arrival(t)
				return
			}
			method := sip.INVITE
			if strings.Contains(test.new, "BYE") {
				method = sip.BYE // a response repeats the CSeq
			}
			if got := c.peer.final(method); got.StatusCode != test.code { // what repeats no whole Call-ID is its answer too
				t.Errorf("got %d %s; want %d", got.StatusCode, got.Reason, test.code)
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for method, code := range map[sip.RequestMethod]int{
		sip.OPTIONS: 200, sip.REGISTER: 405, sip.SUBSCRIBE: 405, sip.MESSAGE: 405, sip.REFER: 403, sip.PUBLISH: 405,
		sip.INFO: 481, "FOO": 405, sip.BYE: 481, sip.UPDATE: 481,
	} {
		c := newPeer(t, "UDP", s.Address()).call()
		c.send(c.message(method, c.branch, "", ""))
		got := c.final(method)
		if got.StatusCode != code || (code != 481 && code != 403 && got.GetHeader("Allow") == nil) {
			t.Errorf("%s got\n%s", method, got)
		}
		if method == sip.OPTIONS && got.GetHeader("Accept") == nil {
			t.Errorf("OPTIONS got\n%s", got)
		}
	}
}

// A response must not make us connect to what a stranger wrote into his Via.
func TestResponsesOpenNoConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ *Config, b *switchboard) { b.answer = true })
	victim, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Close() })
	for range 50 {
		c := newPeer(t, "TCP", s.Address()).call()
		message := strings.Replace(c.message(sip.INVITE, c.branch, "", c.body), "/TCP "+c.local.String(), "/TCP "+victim.Addr().String(), 1)
		c.send(message)
		c.conn.Close()
	}
	// The library's dial is refused, or it found the connection still open: none may arrive.
	if err := victim.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if conn, err := victim.Accept(); err == nil {
		conn.Close()
		t.Error("the gateway connected to an address out of a Via")
	}
	dialer := s.guardDial(nil)
	if conn, err := dialer.DialContext(t.Context(), "tcp", victim.Addr().String()); err == nil {
		conn.Close()
		t.Error("a dial without mark went through")
	}
	if s.Stats().DialsRefused == 0 {
		t.Error("not counted")
	}
}

func TestThePortIsTaken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	config := s.config
	config.Address = s.Address()
	second, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	err = second.Serve(t.Context())
	var taken *AddressError
	if !errors.As(err, &taken) || !errors.Is(err, ErrAddress) || !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), s.Address().String()) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationsThatCanNotBe(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Config){
		"no intake":         func(c *Config) { c.Intake = nil },
		"no pacer":          func(c *Config) { c.Pacer = nil },
		"negative":          func(c *Config) { c.MaxCalls = -1 },
		"same number twice": func(c *Config) { c.Lines = append(c.Lines, Line{ID: "b", Number: "0850800100"}) },
		"line without id":   func(c *Config) { c.Lines = append(c.Lines, Line{Number: "1"}) },
		"trunk of nobody":   func(c *Config) { c.Trunks = []Trunk{{Name: "a"}} },
		"advertise nothing": func(c *Config) { c.Advertise = netip.IPv4Unspecified() },
		"no ports":          func(c *Config) { c.RTPFirst, c.RTPLast = 5, 5 },
	} {
		config := serve(t).config
		spoil(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestManySourcesDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	l := newSourceLimiter(1, 2, 1e9, 1e9)
	for i := range 3 * maxSources {
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if got := len(l.sources); got > maxSources {
		t.Errorf("%d sources", got)
	}
	var m memory[int]
	for i := range 3 * maxSources {
		m.add(i, time.Now(), time.Hour)
	}
	if len(m.until) > maxSources || len(m.order) > maxSources || !m.has(3*maxSources-1) {
		t.Errorf("%d, %d", len(m.until), len(m.order))
	}
}

// The library is made to forget its sources, and goes on.
func TestTheReaderBeginsAnew(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ask := func() {
		c := newPeer(t, "UDP", s.Address()).call()
		c.send(c.message(sip.OPTIONS, c.branch, "", ""))
		if got := c.final(sip.OPTIONS).StatusCode; got != 200 {
			t.Errorf("OPTIONS got %d", got)
		}
	}
	ask()
	before := s.transport.Pool("udp").Size()
	s.udp.forget.Store(true)
	ask()
	ask()
	if got := s.transport.Pool("udp").Size(); got > before+1 {
		t.Errorf("%d sources are remembered; %d were", got, before)
	}
}

// FuzzServer feeds a live server with whatever comes to mind, and asks after each whether it
// still serves.
func FuzzServer(f *testing.F) {
	s := serve(f, trusting, answering)
	c := (&peer{t: f, transport: "UDP", local: netip.MustParseAddrPort("127.0.0.1:9"), target: s.Address()}).seed()
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.UPDATE, "FOO"} {
		f.Add([]byte(c.message(method, c.branch, "Record-Route: <sip:a;lr>, <sip:b>\r\nRequire: x\r\n", c.body)))
		f.Add([]byte(c.message(method, c.branch, "", "")))
	}
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 1 BYE\r\n\r\n"))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.Address()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	buffer := make([]byte, 65536)
	count := 0
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = conn.Write(data) // too long for a datagram
		count++
		id := fmt.Sprintf("alive%d", count)
		probe := strings.Replace(c.message(sip.OPTIONS, "z9hG4bK"+id, "", ""), "Call-ID: ", "Call-ID: "+id+"-", 1)
		probe = strings.Replace(probe, ";rport", "", 1)
		probe = strings.Replace(probe, "127.0.0.1:9;", conn.LocalAddr().String()+";", 1)
		for deadline := time.Now().Add(patience); ; {
			if _, err := conn.Write([]byte(probe)); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			for {
				got, err := conn.Read(buffer)
				if err != nil {
					break
				}
				if strings.Contains(string(buffer[:got]), id+"-") {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatal("the server no longer answers")
			}
		}
	})
}
