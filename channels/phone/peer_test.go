package phone

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// patience bounds each wait of these tests. Nothing waits that long when all is well.
const patience = 20 * time.Second

const (
	staffNumber = "+46850800100"
	callerURI   = "sip:+46846500401@127.0.0.1"
)

// server is a gateway that serves, and the intake behind it.
type server struct {
	*Gateway
	board *switchboard
	stop  func() // ends Serve and waits for it
}

// serve starts a gateway on a free port. Changes are made to a configuration whose timers are
// a tenth of the usual, and where this machine is a stranger.
func serve(t testing.TB, changes ...func(*Config, *switchboard)) *server {
	t.Helper()
	s, begin := prepare(t, changes...)
	begin()
	return s
}

// prepare makes what serve starts, and how.
func prepare(t testing.TB, changes ...func(*Config, *switchboard)) (s *server, begin func()) {
	t.Helper()
	board := &switchboard{arrivals: make(chan arrival, 100), refusals: make(chan refusal, 100)}
	pacer := media.NewPacer()
	first := freeRange()
	config := Config{
		Address: netip.MustParseAddrPort("127.0.0.1:0"), Intake: board, Prompts: tones(), Pacer: pacer,
		RTPFirst: first, RTPLast: first + 99, T1: 50 * time.Millisecond, StrangerInvites: 1000,
		AllStrangerInvites: 1000, StrangerAnswers: 1000,
		Lines: []Line{{ID: "staff", Number: staffNumber}, {ID: "pupils", Number: "+4620000000"}, {ID: "test", Number: "anna"}},
	}
	for _, change := range changes {
		change(&config, board)
	}
	gateway, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	gateway.farewell, gateway.reports = 200*time.Millisecond, 200*time.Millisecond
	if err := gateway.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	begin = func() { go func() { served <- gateway.Serve(ctx) }() }
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-served:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("Serve does not end")
		}
		if err := pacer.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &server{Gateway: gateway, board: board, stop: stop}, begin
}

func trusting(c *Config, _ *switchboard) {
	c.Trunks = append(c.Trunks, Trunk{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
}

func answering(_ *Config, b *switchboard) { b.answer = true }

// freeRange gives each gateway and each sipp of these tests ports of its own, below those that the system gives to connections, and
// from another one on each time: somebody else may run the same tests. Those of sipp are free: it gives up when one is taken, and
// the tests of svar itself, which run beside these, have calls on ports of this range.
var freeRange = func() func() uint16 {
	const first, last, size = 10_000, 32_600, 100
	var mutex sync.Mutex
	next := first + size*rand.Uint32N((last-first)/size)
	return func() uint16 {
		mutex.Lock()
		defer mutex.Unlock()
		for range (last - first) / size {
			if next += size; next >= last {
				next = first
			}
			if areFree(next, next+2, next+50) { // sipp's voice, its picture, and where it is called
				break
			}
		}
		return uint16(next)
	}
}()

// areFree reports whether nobody has any of the ports.
func areFree(ports ...uint32) bool {
	for _, port := range ports {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
		packets, err := net.ListenPacket("udp", address)
		if err != nil {
			return false
		}
		_ = packets.Close()
		stream, err := net.Listen("tcp", address)
		if err != nil {
			return false
		}
		_ = stream.Close()
	}
	return true
}

func (s *server) arrival(t testing.TB) arrival {
	t.Helper()
	return await(t, s.board.arrivals, "an arrival")
}

func await[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}

// until looks again and again until something is so.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); !so(); {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("no %s", what)
		}
	}
}

// over waits for a leg's end.
func over(t testing.TB, l channels.Leg, want channels.Ending) {
	t.Helper()
	await(t, l.Done(), "end of the leg")
	if got := l.Ending(); got != want {
		t.Errorf("the leg ended by %q; want %q", got, want)
	}
}

// peer is a SIP phone that sends what it is told, however wrong.
type peer struct {
	t         testing.TB
	transport string
	conn      net.Conn
	reader    *bufio.Reader // TCP
	local     netip.AddrPort
	target    netip.AddrPort
	voice     *mediatest.Peer
	events    *net.UDPConn
}

func newPeer(t testing.TB, transport string, target netip.AddrPort) *peer {
	t.Helper()
	return newPeerAt(t, localFor(transport), transport, target)
}

func newPeerAt(t testing.TB, local net.Addr, transport string, target netip.AddrPort) *peer {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: local}).DialContext(t.Context(), strings.ToLower(transport), target.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &peer{t: t, transport: transport, conn: conn, target: target, voice: mediatest.NewPeer(t, media.PCMA)}
	p.local = netip.MustParseAddrPort(conn.LocalAddr().String())
	p.reader = bufio.NewReader(conn)
	return p
}

func localFor(transport string) net.Addr {
	if transport == "TCP" {
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	}
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
}

func (p *peer) send(message string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(message)); err != nil {
		p.t.Fatal(err)
	}
}

// receive returns the next message, or nil when none comes in time.
func (p *peer) receive(wait time.Duration) sip.Message {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		p.t.Fatal(err)
	}
	var data []byte
	if p.transport == "UDP" {
		buffer := make([]byte, 65536)
		count, err := p.conn.Read(buffer)
		if err != nil {
			return nil
		}
		data = buffer[:count]
	} else {
		length := 0
		for {
			line, err := p.reader.ReadBytes('\n')
			if err != nil {
				return nil
			}
			data = append(data, line...)
			if name, value, found := bytes.Cut(line, []byte(":")); found && strings.EqualFold(string(name), "Content-Length") {
				length, _ = strconv.Atoi(strings.TrimSpace(string(value)))
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(p.reader, body); err != nil {
			return nil
		}
		data = append(data, body...)
	}
	message, err := sip.ParseMessage(data)
	if err != nil {
		p.t.Fatalf("unreadable: %v\n%s", err, data)
	}
	return message
}

// final returns the next final response to a method, passing over others.
func (p *peer) final(method sip.RequestMethod) *sip.Response {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		response, isResponse := p.receive(time.Until(deadline)).(*sip.Response)
		if isResponse && !response.IsProvisional() && response.CSeq().MethodName == method {
			return response
		}
	}
	p.t.Fatalf("no final response to %s", method)
	return nil
}

// request returns the next request of a method, passing over others and over responses.
func (p *peer) request(method sip.RequestMethod) *sip.Request {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		request, isRequest := p.receive(time.Until(deadline)).(*sip.Request)
		if isRequest && request.Method == method {
			return request
		}
	}
	p.t.Fatalf("no %s came", method)
	return nil
}

// call is a call of a peer, as its messages are made.
type call struct {
	*peer
	id       string
	user     string
	from     string // header value without tag
	sequence int
	branch   string
	toTag    string
	headers  string // further ones of the INVITE, each with CRLF
	uri      string // of further requests, and their Route headers, where others stand between
	routes   string
	body     string
}

func (p *peer) call() *call {
	return &call{
		peer: p, id: newID(), user: staffNumber, from: "<" + callerURI + ">", sequence: 1, branch: "z9hG4bK" + newID(),
		body: p.offer("0 8 101", "a=rtpmap:101 telephone-event/8000\r\n"),
	}
}

func (p *peer) offer(formats, attributes string) string {
	voice := p.voice.Address()
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP %s\r\n%s",
		voice.Port(), formats, attributes)
}

// message makes a request of the call.
func (c *call) message(method sip.RequestMethod, branch, headers, body string) string {
	to := "<sip:" + c.user + "@127.0.0.1>"
	if c.toTag != "" {
		to += ";tag=" + c.toTag
	}
	var contentType string
	if body != "" {
		contentType = "Content-Type: application/sdp\r\n"
	}
	uri := fmt.Sprintf("sip:%s@%s", c.user, c.target)
	if c.uri != "" {
		uri = c.uri
	}
	headers = c.routes + headers
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s;tag=peer\r\n"+
		"To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:peer@%s;transport=%s>\r\n%s%sContent-Length: %d\r\n\r\n%s",
		method, uri, c.transport, c.local, branch, c.from, to, c.id, c.sequence, method,
		c.local, strings.ToLower(c.transport), headers, contentType, len(body), body)
}

func (c *call) invite() {
	c.peer.t.Helper()
	c.send(c.message(sip.INVITE, c.branch, c.headers, c.body))
}

// final returns the next final response to a method in this call: one in another call of the peer may be repeated until its ACK is
// there.
func (c *call) final(method sip.RequestMethod) *sip.Response {
	c.peer.t.Helper()
	for {
		if response := c.peer.final(method); response.CallID().Value() == c.id {
			return response
		}
	}
}

// ack acknowledges a response: a 2xx with a branch of its own, others with that of the INVITE.
func (c *call) ack(response *sip.Response, body string) {
	c.peer.t.Helper()
	c.toTag = tag(response.To().Params)
	branch := c.branch
	if response.IsSuccess() {
		branch = "z9hG4bK" + newID()
	}
	c.send(c.message(sip.ACK, branch, "", body))
}

// within sends a further request in the dialog.
func (c *call) within(method sip.RequestMethod, headers, body string) {
	c.peer.t.Helper()
	c.sequence++
	c.branch = "z9hG4bK" + newID()
	c.send(c.message(method, c.branch, headers, body))
}

// answerTo answers a request of ours.
func (p *peer) answerTo(request *sip.Request, code int) {
	p.t.Helper()
	p.send(sip.NewResponseFromRequest(request, code, "Reply", nil).String())
}

// connect brings a call up to its ACK.
func (s *server) connect(t testing.TB, c *call) arrival {
	t.Helper()
	c.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatalf("Answer: %v", err)
	}
	response := c.final(sip.INVITE)
	if response.StatusCode != sip.StatusOK {
		t.Fatalf("INVITE got %d %s", response.StatusCode, response.Reason)
	}
	c.ack(response, "")
	return a
}

// eventSender is a socket for single RTP packets.
func (p *peer) eventSender() *net.UDPConn {
	p.t.Helper()
	if p.events == nil {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { conn.Close() })
		p.events = conn
	}
	return p.events
}

// peerListener takes one request that comes to it, on a connection of its own.
type peerListener struct {
	address  netip.AddrPort
	messages chan listened
	reply    func(string)
}

type listened struct {
	request *sip.Request
	reply   func(string)
}

func newPeerListener(t testing.TB, transport string) *peerListener {
	t.Helper()
	l := &peerListener{messages: make(chan listened, 100)}
	take := func(data []byte, reply func(string)) {
		if message, err := sip.ParseMessage(data); err == nil {
			if request, isRequest := message.(*sip.Request); isRequest {
				l.messages <- listened{request, reply}
			}
		}
	}
	var work sync.WaitGroup
	buffer := make([]byte, 65536)
	if transport == "UDP" {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		l.address = conn.LocalAddr().(*net.UDPAddr).AddrPort()
		work.Go(func() {
			for {
				count, from, err := conn.ReadFromUDPAddrPort(buffer)
				if err != nil {
					return
				}
				take(buffer[:count], func(text string) { _, _ = conn.WriteToUDPAddrPort([]byte(text), from) })
			}
		})
		t.Cleanup(func() { conn.Close(); work.Wait() })
		return l
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l.address = listener.Addr().(*net.TCPAddr).AddrPort()
	work.Go(func() {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
		count, err := conn.Read(buffer)
		if err != nil {
			return
		}
		take(buffer[:count], func(text string) { _, _ = conn.Write([]byte(text)) })
	})
	t.Cleanup(func() { listener.Close(); work.Wait() })
	return l
}

func (l *peerListener) request(t testing.TB) *sip.Request {
	t.Helper()
	got := await(t, l.messages, "request")
	l.reply = got.reply
	return got.request
}

func (l *peerListener) answer(text string) { l.reply(text) }

// socketAddress is where a leg takes voice.
func (l *leg) socketAddress() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.socket.Port())
}

// seed is a call of a peer that has no socket.
func (p *peer) seed() *call {
	return &call{
		peer: p, id: "seed", user: staffNumber, from: "<" + callerURI + ">", sequence: 1, branch: "z9hG4bKseed",
		body: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
	}
}
