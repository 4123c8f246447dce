package phone

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

// FuzzHeaders reads the header fields of extensions out of whatever the parser accepts.
func FuzzHeaders(f *testing.F) {
	for _, headers := range []string{
		"Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nSupported: timer\r\n", "x: 1;;=;refresher\r\nk: ,, timer\r\n",
		"Replaces: a;to-tag=b;from-tag=c;early-only\r\n", "Replaces: ;;,\r\nRequire: 100rel, x\r\nRAck: 1 1 INVITE\r\n", "RAck: -1 x\r\nAccept: ;\r\nAllow: UPDATE,\r\n",
	} {
		f.Add([]byte("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a ; branch = z9hG4bK1\r\nFrom: <sip:a> ; tag = 1\r\nTo: <sip:b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n" + headers + "\r\n"))
	}
	parser := newParser()
	f.Fuzz(func(t *testing.T, data []byte) {
		message, err := parser.ParseSIP(data)
		if err != nil {
			return
		}
		tidy(message)
		if interval, _, found := readExpiry(message); found && interval == 0 {
			t.Fatal("a session without time")
		}
		if least := shortest(message); least < shortestSession || least > longestSession {
			t.Fatalf("Min-SE %d", least)
		}
		request, isRequest := message.(*sip.Request)
		if !isRequest {
			return
		}
		if len(unsupportedOptions(request)) > maxOptions {
			t.Fatal("too many options are repeated")
		}
		if e, refusal := agree(request, expiry{}); refusal == nil && e.interval != 0 && (e.interval < shortestSession || e.interval > longestSession) {
			t.Fatalf("agreed on %d s", e.interval)
		}
		if r, found, refusal := readReplaces(request); found && refusal == nil && (r.callID == "" || r.localTag == "" || r.remoteTag == "") {
			t.Fatalf("Replaces names %+v", r)
		}
		acceptsDescriptions(request)
		acknowledges(request, 1, 1)
		validate(request)
	})
}
