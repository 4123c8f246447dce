package phone

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

// freePort is a port of this machine that was free just now, by UDP and by TCP.
func freePort(t testing.TB) int {
	t.Helper()
	udp, tcp, err := listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	port := localPort(udp.LocalAddr())
	_ = udp.Close()
	_ = tcp.Close()
	return int(port)
}

// kamailio is a carrier's session border controller in front of us: TLS to us, UDP to its own network.
type kamailio struct {
	udp, tls netip.AddrPort
	roots    *x509.CertPool
}

// startKamailio starts one between a gateway's port for TLS and somebody in the carrier's network.
func startKamailio(t *testing.T, svar int, carrier netip.AddrPort) *kamailio {
	t.Helper()
	program, err := exec.LookPath("kamailio")
	if err != nil {
		program = "/usr/sbin/kamailio"
	}
	modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules/tls.so")
	if _, err := os.Stat(program); err != nil || len(modules) == 0 {
		t.Fatal("kamailio is missing: apt-get install kamailio kamailio-tls-modules (make test does it)")
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	k := &kamailio{udp: netip.AddrPortFrom(loopback, uint16(freePort(t))), tls: netip.AddrPortFrom(loopback, uint16(freePort(t)))}
	directory := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, roots := certificateFor(t)
	k.roots = roots
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificatePath := write("certificate.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	keyPath := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	write("tls.cfg", []byte("[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\nprivate_key = "+keyPath+
		"\ncertificate = "+certificatePath+"\n[client:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"))
	settings, err := os.ReadFile(filepath.Join("testdata", "kamailio", "kamailio.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	for place, value := range map[string]string{
		"@UDP@": strconv.Itoa(int(k.udp.Port())), "@TLS@": strconv.Itoa(int(k.tls.Port())), "@SVAR@": strconv.Itoa(svar),
		"@NETWORK@": strconv.Itoa(int(carrier.Port())), "@DIRECTORY@": directory, "@MODULES@": filepath.Dir(modules[0]) + "/",
	} {
		settings = bytes.ReplaceAll(settings, []byte(place), []byte(value))
	}
	var output bytes.Buffer
	command := exec.Command(program, "-f", write("kamailio.cfg", settings), "-DD", "-E", "-m", "64", "-M", "8", "-Y", directory, "-P", filepath.Join(directory, "pid"))
	command.Stdout, command.Stderr, command.Dir = &output, &output, directory
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("kamailio: %s", tail(output.Bytes()))
		}
	})
	until(t, "kamailio", func() bool {
		conn, err := net.DialTimeout("tcp", k.tls.String(), time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
	return k
}

// Calls in and out by TLS through a session border controller that stays in the dialog: answer, a change, and BYE from
// either side find their way through its double Record-Route.
func TestCallsThroughKamailio(t *testing.T) {
	t.Parallel()
	user := newProxy(t) // in the carrier's network
	port := freePort(t)
	k := startKamailio(t, port, user.address)
	s := serve(t, withTLS(t), func(c *Config, _ *switchboard) {
		c.T1 = DefaultT1
		c.TLS.Address = netip.AddrPortFrom(c.TLS.Address.Addr(), uint16(port))
	}, withTrunk(Trunk{
		Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxies: []string{k.tls.String()}, Transport: "tls", RootCAs: k.roots,
		KeepAlive: time.Hour,
	}))
	until(t, "answer to OPTIONS", func() bool { return s.carriers.hops["carrier"][0].state() == alive })

	t.Run("out", func(t *testing.T) {
		v := newSecretVoice(t, media.AES128HMACSHA180)
		v.crypto.tag = "1"
		l := s.dial(t, "leg-1")
		user.invite = user.expect(sip.INVITE)
		if routes := user.invite.GetHeaders("Record-Route"); len(routes) != 2 {
			t.Errorf("the SBC is not in the dialog twice:\n%s", user.invite)
		}
		ok := sip.NewResponseFromRequest(user.invite, 200, "OK", []byte(v.offer("")))
		ok.AppendHeader(sip.NewHeader("Contact", "<sip:phone@"+user.address.String()+">"))
		ok.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		user.answer(ok.String())
		if err := l.Answer(t.Context()); err != nil {
			t.Fatalf("Answer: %v (%s)", err, l.Failure())
		}
		user.expect(sip.ACK)
		v.talks(t, user.invite.Body(), l.(channels.Prompter))
		l.HangUp()
		bye := user.expect(sip.BYE)
		if bye.Recipient.User != "phone" {
			t.Errorf("BYE is\n%s", bye)
		}
		user.answer(sip.NewResponseFromRequest(bye, 200, "OK", nil).String())
		over(t, l, channels.EndedByUs)
	})
	for _, who := range []string{"caller", "us"} {
		t.Run("in, ended by "+who, func(t *testing.T) {
			v := newSecretVoice(t, media.AES128GCM)
			p := newPeer(t, "UDP", k.udp)
			c := p.call()
			c.body = v.offer("")
			c.invite()
			a := s.arrival(t)
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			ok := c.final(sip.INVITE)
			if ok.StatusCode != sip.StatusOK {
				t.Fatalf("INVITE got\n%s", ok)
			}
			c.routed(ok)
			c.ack(ok, "")
			v.talks(t, ok.Body(), a.leg.(channels.Prompter))
			c.within(sip.INVITE, "", v.offer("a=sendonly\r\n"))
			held := c.final(sip.INVITE)
			if held.StatusCode != sip.StatusOK || !strings.Contains(string(held.Body()), "a=recvonly") {
				t.Fatalf("hold got\n%s", held)
			}
			c.ack(held, "")
			if who == "caller" {
				c.within(sip.BYE, "", "")
				if got := c.final(sip.BYE); got.StatusCode != sip.StatusOK {
					t.Errorf("BYE got %d", got.StatusCode)
				}
				over(t, a.leg, channels.EndedByParty)
				return
			}
			a.leg.HangUp()
			p.answerTo(p.request(sip.BYE), 200)
			over(t, a.leg, channels.EndedByUs)
		})
	}
}

// routed makes further requests of the call go by those who stay in the dialog (RFC 3261 §12.1.2).
func (c *call) routed(response *sip.Response) {
	c.uri = response.Contact().Address.String()
	for _, header := range response.GetHeaders("record-route") {
		c.routes = "Route: " + header.Value() + "\r\n" + c.routes
	}
}
