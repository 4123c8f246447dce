package phone

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/contact"
)

// certificateFor makes a certificate that signs itself, and the roots that prove it.
func certificateFor(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: names,
	}
	if len(names) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(encoded)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{encoded}, PrivateKey: key, Leaf: leaf}, roots
}

// withTLS takes SIP by TLS.
func withTLS(t testing.TB) func(*Config, *switchboard) {
	certificate, _ := certificateFor(t)
	return func(c *Config, _ *switchboard) {
		c.TLS = &TLS{
			Address:     netip.MustParseAddrPort("127.0.0.1:0"),
			Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil },
		}
	}
}

func securePeerOf(t testing.TB, conn net.Conn, target netip.AddrPort) *peer {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{
		t: t, transport: "TLS", conn: conn, target: target, voice: mediatest.NewPeer(t, media.PCMA), reader: bufio.NewReader(conn),
		local: netip.MustParseAddrPort(conn.LocalAddr().String()),
	}
}

func newSecurePeer(t testing.TB, s *server) *peer {
	t.Helper()
	target := s.SecureAddress()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(t.Context(), "tcp", target.String())
	if err != nil {
		t.Fatal(err)
	}
	return securePeerOf(t, conn, target)
}

// ear takes voice and reports.
type ear struct{ packets chan rtp.Packet }

func (e *ear) Receive(packet *rtp.Packet) error {
	select {
	case e.packets <- *packet.Clone():
	default:
	}
	return nil
}

func (e *ear) ReceiveReports([]rtcp.Packet, time.Time) {}

// secretVoicePeer is the other side of an encrypted call.
type secretVoicePeer struct {
	socket *media.Socket
	ear    *ear
	crypto cryptoLine
}

func newSecretVoice(t testing.TB, suite media.SRTPSuite) *secretVoicePeer {
	t.Helper()
	first := freeRange()
	pool, err := media.NewPortPool(media.PortPoolConfig{Address: netip.MustParseAddr("127.0.0.1"), First: first, Last: first + 99})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := pool.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	v := &secretVoicePeer{socket: socket, ear: &ear{make(chan rtp.Packet, 1)}, crypto: cryptoLine{"7", media.NewSRTPKey(suite)}}
	if err := socket.Protect(v.crypto.key, media.SRTPKey{}); err != nil { // nothing is heard before their key is known
		t.Fatal(err)
	}
	if err := socket.Start(v.ear); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *secretVoicePeer) offer(more string) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/SAVP 8\r\na=crypto:%s\r\n%s",
		v.socket.Port(), v.crypto.value(), more)
}

// talks checks that voice goes both ways, encrypted, with whoever described himself so.
func (v *secretVoicePeer) talks(t testing.TB, description []byte, prompter channels.Prompter) {
	t.Helper()
	theirs, err := readDescription(description, 0, true)
	if err != nil {
		t.Fatalf("%v in\n%s", err, description)
	}
	if err := v.socket.Protect(v.crypto.key, theirs.crypto.key); err != nil {
		t.Fatal(err)
	}
	v.socket.SetRemote(theirs.remote, netip.AddrPort{})
	if err := prompter.Loop(channels.Prompt{Name: "music", Language: "sv"}); err != nil {
		t.Fatal(err)
	}
	if got := await(t, v.ear.packets, "encrypted voice"); got.PayloadType != 8 || len(got.Payload) != 160 {
		t.Errorf("heard %v with %d bytes", got.Header, len(got.Payload))
	}
	stream := prompter.(interface{ Stream() *media.Stream }).Stream()
	sequence := uint16(0)
	until(t, "voice of the other side", func() bool {
		sequence++
		_ = v.socket.WriteRTP(&rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: sequence, Timestamp: uint32(sequence) * 160, SSRC: 9}, make([]byte, 160))
		return stream.Statistics().PacketsReceived > 0
	})
}

func TestACallByTLSIsEncrypted(t *testing.T) {
	t.Parallel()
	for _, suite := range []media.SRTPSuite{media.AES128HMACSHA180, media.AES128HMACSHA132, media.AES128GCM} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := serve(t, withTLS(t), func(c *Config, _ *switchboard) { c.Log = zerolog.New(zerolog.SyncWriter(&log)) })
			v := newSecretVoice(t, suite)
			c := newSecurePeer(t, s).call()
			c.body = v.offer("a=crypto:8 F8_128_HMAC_SHA1_80 inline:AAAA\r\n")
			c.invite()
			a := s.arrival(t)
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			ok := c.final(sip.INVITE)
			c.ack(ok, "")
			answer := string(ok.Body())
			if strings.Count(answer, "a=crypto:") != 1 || !strings.Contains(answer, "a=crypto:7 "+string(suite)+" inline:") || !strings.Contains(answer, "RTP/SAVP 8\r\n") {
				t.Fatalf("the answer is\n%s", answer)
			}
			if got := ok.Contact().Address; got.Port != int(s.SecureAddress().Port()) || got.UriParams.GetOr("transport", "") != "tls" {
				t.Errorf("our Contact is %s", got.String())
			}
			v.talks(t, ok.Body(), a.leg.(channels.Prompter))
			// A refresh keeps keys and version.
			c.within(sip.INVITE, "", c.body)
			again := c.final(sip.INVITE)
			c.ack(again, "")
			if string(again.Body()) != answer {
				t.Errorf("after a refresh the answer is\n%s", again.Body())
			}
			key := answer[strings.Index(answer, "inline:")+7:][:20]
			record := string(a.leg.(interface{ Record() []byte }).Record())
			for _, secret := range []string{key, v.crypto.value()[30:]} {
				if strings.Contains(record, secret) || strings.Contains(log.String(), secret) {
					t.Error("a key is in the record or in the log")
				}
			}
			if !strings.Contains(record, `"transport":"TLS"`) {
				t.Errorf("the record is %s", record)
			}
			c.within(sip.BYE, "", "")
			if got := c.final(sip.BYE); got.StatusCode != sip.StatusOK {
				t.Errorf("BYE got %d", got.StatusCode)
			}
			over(t, a.leg, channels.EndedByParty)
		})
	}
}

// The INVITE has no description: ours in the 200 has the keys, theirs in the ACK.
func TestALateOfferByTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, withTLS(t), answering)
	v := newSecretVoice(t, media.AES128GCM)
	c := newSecurePeer(t, s).call()
	c.body = ""
	c.invite()
	a := s.arrival(t)
	ok := c.final(sip.INVITE)
	if strings.Count(string(ok.Body()), "a=crypto:") != len(offeredSuites) {
		t.Fatalf("our offer is\n%s", ok.Body())
	}
	v.crypto.tag = "2"
	c.ack(ok, v.offer(""))
	// What we read of our own offer is its first key; the answer has chosen the second one.
	chosen := strings.Replace(string(ok.Body()), "a=crypto:1 ", "a=not:", 1)
	v.talks(t, []byte(chosen), a.leg.(channels.Prompter))
}

func TestVoiceIsEncryptedByTLSAndOnlyThere(t *testing.T) {
	t.Parallel()
	s := serve(t, withTLS(t))
	v := newSecretVoice(t, media.AES128GCM)
	for what, test := range map[string]struct {
		peer *peer
		body func(*call) string
	}{
		"plain voice by TLS":     {newSecurePeer(t, s), func(c *call) string { return c.offer("8", "") }},
		"no key by TLS":          {newSecurePeer(t, s), func(*call) string { return strings.Replace(v.offer(""), "a=crypto", "a=nothing", 1) }},
		"an unknown suite":       {newSecurePeer(t, s), func(*call) string { return strings.Replace(v.offer(""), "AEAD", "ARIA", 1) }},
		"a key that is too long": {newSecurePeer(t, s), func(*call) string { return strings.Replace(v.offer(""), "inline:", "inline:AAAA", 1) }},
		"a key with an MKI": {newSecurePeer(t, s), func(*call) string {
			return strings.Replace(v.offer(""), "\r\na=crypto", "\r\na=x", 1) + "a=crypto:" + v.crypto.value() + "|1:4\r\n"
		}},
		"unencrypted by request": {newSecurePeer(t, s), func(*call) string {
			return strings.Replace(v.offer(""), v.crypto.value(), v.crypto.value()+" UNENCRYPTED_SRTP", 1)
		}},
		"keys by UDP": {newPeer(t, "UDP", s.Address()), func(*call) string { return v.offer("") }},
		"keys by TCP": {newPeer(t, "TCP", s.Address()), func(*call) string { return v.offer("") }},
	} {
		c := test.peer.call()
		c.body = test.body(c)
		c.invite()
		if got := c.final(sip.INVITE); got.StatusCode != 488 || got.GetHeader("Warning") == nil || strings.Contains(got.String(), "inline") {
			t.Errorf("%s got\n%s", what, got)
		}
	}
	// Where both are offered, each way takes its own.
	both := func(c *call) string {
		_, encrypted, _ := strings.Cut(v.offer(""), "t=0 0\r\n")
		return c.offer("8", "") + encrypted
	}
	for transport, want := range map[string]string{"UDP": "m=audio 0 RTP/SAVP", "TLS": "m=audio 0 RTP/AVP"} {
		p := newPeer(t, "UDP", s.Address())
		if transport == "TLS" {
			p = newSecurePeer(t, s)
		}
		c := p.call()
		c.body = both(c)
		c.invite()
		if err := s.arrival(t).leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ok := c.final(sip.INVITE); !strings.Contains(string(ok.Body()), want) {
			t.Errorf("by %s the answer is\n%s", transport, ok.Body())
		}
	}
}

// secureTrunk is a trunk by TLS. Each connection that we open to it comes out of connections.
func secureTrunk(t testing.TB, names ...string) (trunk Trunk, connections chan *peer) {
	t.Helper()
	certificate, roots := certificateFor(t, names...)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = make(chan *peer, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if conn.(*tls.Conn).HandshakeContext(t.Context()) == nil {
				connections <- securePeerOf(t, conn, netip.AddrPort{})
			}
		}
	}()
	return Trunk{Name: "carrier", Proxies: []string{listener.Addr().String()}, Transport: "tls", RootCAs: roots}, connections
}

func TestATrunkByTLS(t *testing.T) {
	t.Parallel()
	trunk, connections := secureTrunk(t)
	s := serve(t, withTLS(t), withTrunk(trunk))
	l := s.dial(t, "leg-1")
	p := await(t, connections, "connection")
	invite := p.request(sip.INVITE)
	if via := invite.Via(); via.Transport != "TLS" || via.Port != int(s.SecureAddress().Port()) || strings.Count(string(invite.Body()), "RTP/SAVP") != 2 || strings.Contains(string(invite.Body()), "RTP/AVP") {
		t.Errorf("INVITE is\n%s", invite)
	}
	v := newSecretVoice(t, media.AES128HMACSHA180)
	v.crypto.tag = "1"
	ok := sip.NewResponseFromRequest(invite, 200, "OK", []byte(v.offer("")))
	ok.AppendHeader(sip.NewHeader("Contact", "<sip:phone@"+trunk.Proxies[0]+";transport=tls>"))
	ok.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	p.send(ok.String())
	if err := l.Answer(t.Context()); err != nil {
		t.Fatalf("Answer: %v (%s)", err, l.Failure())
	}
	p.request(sip.ACK)
	v.talks(t, invite.Body(), l.(channels.Prompter))
	// A second call goes by the same connection.
	other := s.dial(t, "leg-2")
	p.answerTo(p.request(sip.INVITE), 486)
	over(t, other, channels.EndedByParty)
	l.HangUp()
	p.answerTo(p.request(sip.BYE), 200)
	if len(connections) > 0 {
		t.Error("there is a second connection")
	}
}

func TestATrunkThatIsSomebodyElse(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*Trunk){
		"another name":       func(*Trunk) {},
		"nobody vouches":     func(trunk *Trunk) { trunk.ServerName, trunk.RootCAs = "sbc.example", x509.NewCertPool() },
		"the name of a sort": func(trunk *Trunk) { trunk.ServerName = "sbc.example.org" },
	} {
		trunk, _ := secureTrunk(t, "sbc.example")
		change(&trunk)
		s := serve(t, withTLS(t), withTrunk(trunk))
		l := s.dial(t, "leg-1")
		over(t, l, channels.EndedByFault)
		if l.Failure() != contact.DialRefused {
			t.Errorf("%s: the failure is %q", what, l.Failure())
		}
	}
	trunk, connections := secureTrunk(t, "sbc.example")
	trunk.ServerName = "sbc.example"
	s := serve(t, withTLS(t), withTrunk(trunk))
	s.dial(t, "leg-1")
	await(t, connections, "connection").request(sip.INVITE)
}

// What is no TLS costs nothing and is counted.
func TestHandshakesThatAreNone(t *testing.T) {
	t.Parallel()
	s := serve(t, withTLS(t))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.SecureAddress().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "OPTIONS sip:h SIP/2.0\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn) // until it is closed
	until(t, "counted handshake", func() bool { return s.Stats().Handshakes == 1 })
	s.secure.readers.Wait()
}

// A stranger's Via makes us connect to nobody (RFC 3261 §18.2.2 would).
func TestNoTLSConnectionIsOpenedForAResponse(t *testing.T) {
	t.Parallel()
	victim, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = victim.Close() }()
	s := serve(t, withTLS(t))
	c := newSecurePeer(t, s).call()
	c.body = newSecretVoice(t, media.AES128GCM).offer("")
	c.send(strings.Replace(c.message(sip.INVITE, c.branch, "", c.body), "/TLS "+c.local.String(), "/TLS "+victim.Addr().String(), 1))
	a := s.arrival(t)
	_ = c.conn.Close()
	s.secure.readers.Wait()
	a.leg.HangUp()
	over(t, a.leg, channels.EndedByUs)
	s.waitIdle()
	if err := victim.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if conn, err := victim.Accept(); err == nil {
		_ = conn.Close()
		t.Error("we connected to where the Via said")
	}
}

// connectAnswered brings a call up that is answered at once.
func (s *server) connectAnswered(t testing.TB, c *call) arrival {
	t.Helper()
	c.invite()
	a := s.arrival(t)
	response := c.final(sip.INVITE)
	if response.StatusCode != sip.StatusOK {
		t.Fatalf("INVITE got %d %s", response.StatusCode, response.Reason)
	}
	c.ack(response, "")
	return a
}

func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Repeat("A", 40) + "|2^31|1:4 UNENCRYPTED_SRTP")
	f.Add(cryptoLine{"1", media.NewSRTPKey(media.AES128GCM)}.value())
	f.Fuzz(func(t *testing.T, value string) {
		crypto, usable := readCrypto(value)
		if !usable {
			return
		}
		again, usable := readCrypto(crypto.value())
		if !usable || again.value() != crypto.value() {
			t.Errorf("%q is read as what is not read again", value)
		}
	})
}
