package phone

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

var salvageSource = netip.MustParseAddrPort("192.0.2.9:5070")

func TestWhatCanNotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	head := "Via: SIP/2.0/UDP a;branch=z9hG4bK1,\r\n  SIP/2.0/UDP b\r\nv: SIP/2.0/UDP c\r\nf: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: x\r\nCSeq: 1 INVITE\r\n"
	got := string(salvage([]byte("INVITE  sip:a SIP/2.0\r\n"+head+"\r\n"), salvageSource))
	want := "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;received=192.0.2.9\r\nVia: SIP/2.0/UDP c\r\n" +
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=400\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
	for first, code := range map[string]string{
		"INVITE sip:a SIP/3.0": "505", "OPTIONS soap.beep://a:1 SIP/2.0": "416", "OPTIONS <sip:a> SIP/2.0": "400", "OPTIONS tel:1 SIP/2.0": "400",
		"ACK sip:a  SIP/2.0": "", "SIP/2.0 200 OK": "", "GET / HTTP/1.1": "", "": "", "INVITE": "",
	} {
		got := string(salvage([]byte(first+"\r\n"+head+"\r\n"), salvageSource))
		if code == "" && got != "" || code != "" && !strings.HasPrefix(got, "SIP/2.0 "+code+" ") {
			t.Errorf("%q got\n%s", first, got)
		}
	}
	for _, missing := range []string{"Via: SIP/2.0/UDP a;branch=z9hG4bK1,\r\n  SIP/2.0/UDP b\r\nv: SIP/2.0/UDP c\r\n", "f: <sip:a@b>;tag=1\r\n", "i: x\r\n", "CSeq: 1 INVITE\r\n"} {
		if got := salvage([]byte("INVITE  sip:a SIP/2.0\r\n"+strings.Replace(head, missing, "", 1)+"\r\n"), salvageSource); got != nil {
			t.Errorf("without %q it got\n%s", missing, got)
		}
	}
}

// What cannot be read makes no noise: strangers get few answers.
func TestUnreadableMessagesOfStrangersAreAnsweredAtABoundedRate(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.StrangerAnswers = 1 })
	p := newPeer(t, "UDP", s.Address())
	c := p.call()
	for range 20 {
		p.send(strings.Replace(c.message(sip.OPTIONS, c.branch, "", ""), "OPTIONS ", "OPTIONS  ", 1))
	}
	until(t, "twenty messages", func() bool { return s.Stats().Unparsable == 20 })
	if got := s.Stats().Responses[400]; got < 1 || got > 5 {
		t.Errorf("%d were answered", got)
	}
}

func FuzzSalvage(f *testing.F) {
	f.Add([]byte("INVITE  sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n b\r\nv: c\r\nf: d\r\nt: e\r\ni: f\r\nCSeq: 1 INVITE\r\n\r\n"))
	f.Add([]byte("OPTIONS soap.beep://a SIP/2.0\r\nVia: \r\nFrom: a\rb\r\nTo: \x00\r\nCall-ID: g\r\nCSeq: -1\r\n\r\n"))
	f.Add([]byte("SIP/2.0 1 x\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		response := string(salvage(data, salvageSource))
		if response == "" {
			return
		}
		if len(response) > len(data)+maxSalvagedGrowth {
			t.Fatalf("%d bytes answer %d", len(response), len(data))
		}
		head, rest, ended := strings.Cut(response, "\r\n\r\n")
		if !ended || rest != "" || !strings.HasPrefix(head, "SIP/2.0 ") {
			t.Fatalf("got %q", response)
		}
		for _, line := range strings.Split(head, "\r\n") {
			if strings.ContainsFunc(line, isControl) {
				t.Fatalf("a control character in %q", line)
			}
		}
	})
}
