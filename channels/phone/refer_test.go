package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/contact"
)

// asked is who decides about the transfers of a desk phone: he notes what was dialled.
type asked struct {
	mutex   sync.Mutex
	dialled []string
	refusal error
	done    func(contact.DialFailure)
}

func (a *asked) take(dialled string, done func(contact.DialFailure)) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.dialled, a.done = append(a.dialled, dialled), done
	return a.refusal
}

func (a *asked) finish(failure contact.DialFailure) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.done(failure)
}

func (a *asked) expect(t testing.TB, want ...string) {
	t.Helper()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !slices.Equal(a.dialled, want) {
		t.Errorf("asked for %q, want %q", a.dialled, want)
	}
}

// talking is a desk phone in a talk, whose transfers are decided about.
func (s *server) talking(t testing.TB, transport string) (*desk, *deskLeg, *asked) {
	t.Helper()
	d := s.deskPhone(t, transport, "anna")
	l := s.ring(t, "anna", nil)
	decides := &asked{}
	l.FollowTransfers(decides.take)
	d.rings().pickUp()
	await(t, l.PickedUp(), "answer")
	d.request(sip.ACK)
	return d, l, decides
}

// refers sends REFER and returns what it got.
func (d *desk) refers(headers string) *sip.Response {
	d.t.Helper()
	d.headers = headers
	d.within(sip.REFER, "")
	d.headers = ""
	return d.final(sip.REFER)
}

// next is the next request, whatever it is, but for repetitions of those that came.
func (d *desk) next() *sip.Request {
	d.t.Helper()
	for {
		request, isRequest := d.receive(patience).(*sip.Request)
		if !isRequest {
			d.t.Fatal("no request came")
		}
		if id := request.Via().Params.GetOr("branch", ""); !d.seen[id] {
			if d.seen == nil {
				d.seen = map[string]bool{}
			}
			d.seen[id] = true
			return request
		}
	}
}

// shown takes the next NOTIFY and checks it.
func (d *desk) shown(event, fragment string, last bool) *sip.Request {
	d.t.Helper()
	notify := d.next()
	state := "active;"
	if last {
		state = "terminated;"
	}
	header := func(name string) string {
		if found := notify.GetHeader(name); found != nil {
			return found.Value()
		}
		return ""
	}
	if notify.Method != sip.NOTIFY || header("Event") != event || !strings.HasPrefix(header("Subscription-State"), state) || notify.Contact() == nil ||
		header("Content-Type") != "message/sipfrag;version=2.0" || string(notify.Body()) != fragment+"\r\n" ||
		header("Content-Length") != fmt.Sprint(len(notify.Body())) {
		d.t.Errorf("told of %q, last %v, by\n%s", fragment, last, notify)
	}
	return notify
}

func referTo(value string) string { return "Refer-To: " + value + "\r\n" }

func TestATransferAtADeskPhone(t *testing.T) {
	t.Parallel()
	for transport, story := range map[string]struct {
		failure  contact.DialFailure
		fragment string
	}{
		"UDP": {"", "SIP/2.0 200 OK"}, "TCP": {contact.DialBusy, "SIP/2.0 486 Busy Here"},
	} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			d, l, decides := s.talking(t, transport)
			if !allows(d.invite, sip.REFER) {
				t.Error("the phone is not told that its transfer key works")
			}
			accepted := d.refers(referTo("Office <sip:office@127.0.0.1;user=phone>") + "Referred-By: <sip:anna@127.0.0.1>\r\n")
			if accepted.StatusCode != sip.StatusAccepted || accepted.Contact() == nil {
				t.Fatalf("REFER got\n%s", accepted)
			}
			first := d.shown("refer", "SIP/2.0 100 Trying", false)
			decides.finish(story.failure)
			decides.finish(contact.DialFault) // the first counts
			if got := d.refers(referTo("<sip:bo@127.0.0.1>")).StatusCode; got != 491 {
				t.Errorf("a second one at once got %d", got)
			}
			d.reply(first, 200, "") // only now may the next be sent
			last := d.shown("refer", story.fragment, true)
			if last.CSeq().SeqNo <= first.CSeq().SeqNo {
				t.Errorf("told by CSeq %d after %d", last.CSeq().SeqNo, first.CSeq().SeqNo) // freeswitch#1833
			}
			d.reply(last, 200, "")

			// Another one is told apart (RFC 3515 §2.4.6).
			if got := d.refers(referTo("tel:+46850812345")).StatusCode; got != 202 {
				t.Fatalf("the next one got %d", got)
			}
			event := fmt.Sprintf("refer;id=%d", d.sequence)
			d.reply(d.shown(event, "SIP/2.0 100 Trying", false), 200, "")
			// The call ends with it: the phone hears how it went first.
			decides.finish("")
			l.HangUp()
			d.reply(d.shown(event, "SIP/2.0 200 OK", true), 200, "")
			d.reply(d.request(sip.BYE), 200, "")
			over(t, l, channels.EndedByUs)
			decides.expect(t, "office", "+46850812345")
		})
	}
}

// Neither a phone that wants to hear nothing nor one that knows of nothing is told.
func TestATransferThatIsNotTold(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"Refer-Sub": "Refer-Sub: false\r\n", "Require": "Require: norefersub\r\n", "481": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			d, l, decides := s.talking(t, "TCP")
			accepted := d.refers(header + referTo("<sip:office@127.0.0.1>"))
			if told, found := headerValue(accepted, "refer-sub"); status(accepted) != 202 || found != (header != "") || found && told != "false" {
				t.Fatalf("REFER got\n%s", accepted)
			}
			if header == "" {
				d.reply(d.shown("refer", "SIP/2.0 100 Trying", false), 481, "")
				until(t, "next transfer", func() bool { // the answer is taken by another goroutine
					decides.finish("")
					return status(d.refers(referTo("<sip:office@127.0.0.1>")+"Refer-Sub: false\r\n")) == 202
				})
			}
			decides.finish("")
			l.HangUp()
			bye := d.next()
			if bye.Method != sip.BYE {
				t.Errorf("told by\n%s", bye)
			}
			d.reply(bye, 200, "")
			over(t, l, channels.EndedByUs)
		})
	}
}

// A phone that hangs up once the transfer was taken is not left with an open subscription.
func TestATransferByAPhoneThatHangsUp(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d, l, decides := s.talking(t, "TCP")
	if got := d.refers(referTo("<sip:office@127.0.0.1>")).StatusCode; got != 202 {
		t.Fatalf("REFER got %d", got)
	}
	d.reply(d.shown("refer", "SIP/2.0 100 Trying", false), 200, "")
	d.within(sip.BYE, "")
	if got := d.final(sip.BYE).StatusCode; got != 200 {
		t.Errorf("BYE got %d", got)
	}
	d.reply(d.shown("refer", "SIP/2.0 100 Trying", true), 200, "")
	over(t, l, channels.EndedByParty)
	decides.finish("") // comes late, and hurts nobody
}

// What comes twice asks once.
func TestARepeatedREFER(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d, l, decides := s.talking(t, "UDP")
	d.headers = "Refer-Sub: false\r\n" + referTo("<sip:office@127.0.0.1>")
	d.sequence++
	refer := d.message(sip.REFER, "", newBranch())
	for range 3 {
		d.peer.send(refer)
		if got := d.final(sip.REFER).StatusCode; got != 202 {
			t.Errorf("got %d", got)
		}
	}
	d.peer.send(d.message(sip.REFER, "", newBranch())) // by the same CSeq
	if got := d.final(sip.REFER).StatusCode; got != 500 {
		t.Errorf("one out of order got %d", got)
	}
	decides.expect(t, "office")
	l.HangUp()
	d.reply(d.request(sip.BYE), 200, "")
}

func TestTransfersThatAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d, l, decides := s.talking(t, "TCP")
	for _, test := range []struct {
		headers string
		code    int
	}{
		{"", 400},
		{referTo("<sip:office@127.0.0.1>") + referTo("<sip:bo@127.0.0.1>"), 400},
		{referTo("<sip:office@127.0.0.1>") + "r: <sip:bo@127.0.0.1>\r\n", 400},
		{referTo("<sip:" + strings.Repeat("a", maxURI) + "@127.0.0.1>"), 400},
		{referTo("*"), 400},
		{referTo("<http://127.0.0.1/>"), 416},
		{referTo("<mailto:bo@127.0.0.1>"), 416},
		{referTo("<urn:service:sos>"), 416},
		{referTo("<sip:office@192.0.2.1>"), 403},
		{referTo("<sip:office@evil.example>"), 403},
		{referTo("<sip:office@127.0.0.1.evil.example>"), 403},
		{referTo("<sip:office:secret@127.0.0.1>"), 403},
		{referTo("<sip:office@127.0.0.1;maddr=192.0.2.1>"), 403},
		{referTo("<sip:office@127.0.0.1;method=BYE>"), 403},
		{referTo("<sip:office@127.0.0.1?Subject=x>"), 403},
		{referTo("<sip:office@127.0.0.1?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>"), 403},
		{referTo("<sip:127.0.0.1>"), 404},
		{referTo("<sip:office%0d%0aX@127.0.0.1>"), 404},
		{referTo("<sip:%2B46900123456@127.0.0.1>"), 404},
		{referTo("<sip:0900123456;phone-context=+46@127.0.0.1>"), 404},
		{referTo("<tel:900123456;phone-context=+46>"), 404},
		{referTo("<sip:*21*46701740605%23@127.0.0.1>"), 404},
		{referTo("<sip:" + strings.Repeat("a", channels.MaxDialled+1) + "@127.0.0.1>"), 404},
		{"Require: replaces, unheard-of\r\n" + referTo("<sip:office@127.0.0.1>"), 420},
	} {
		if got := d.refers(test.headers).StatusCode; got != test.code {
			t.Errorf("%.90q got %d, want %d", test.headers, got, test.code)
		}
	}
	decides.expect(t)
	// Who decides says no.
	for refusal, code := range map[error]int{channels.ErrNobodyThere: 404, errors.New("too fast"): 403} {
		decides.refusal = refusal
		if got := d.refers(referTo("<sip:office@127.0.0.1>")).StatusCode; got != code {
			t.Errorf("%v became %d", refusal, got)
		}
	}
	l.HangUp()
	if bye := d.next(); bye.Method != sip.BYE {
		t.Errorf("told by\n%s", bye)
	} else {
		d.reply(bye, 200, "")
	}
}

// A phone whose transfers nobody follows sends nobody on, nor does one that rings.
func TestTransfersOutsideOfATalk(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d := s.deskPhone(t, "UDP", "anna")
	l := s.ring(t, "anna", nil)
	d.rings()
	until(t, "early dialog", func() bool { return s.rings(d.invite, d.device) })
	if got := d.refers(referTo("<sip:office@127.0.0.1>")).StatusCode; got != 403 {
		t.Errorf("while it rings: %d", got)
	}
	d.pickUp()
	await(t, l.PickedUp(), "answer")
	d.request(sip.ACK)
	if got := d.refers(referTo("<sip:office@127.0.0.1>")).StatusCode; got != 403 {
		t.Errorf("nobody decides: %d", got)
	}
	l.HangUp()
	d.reply(d.request(sip.BYE), 200, "")
}

// Another device that took the call over was not chosen by the queue, and may be a carrier's.
func TestWhoTookACallOverSendsNobodyOn(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones, trusting)
	d, _, decides := s.talking(t, "UDP")
	second := newPeer(t, "TCP", s.Address()).call()
	second.headers = "Replaces: " + d.invite.CallID().Value() + ";to-tag=" + tag(d.invite.From().Params) + ";from-tag=" + d.device + "\r\n"
	second.invite()
	answer := second.final(sip.INVITE)
	if status(answer) != 200 || allows(answer, sip.REFER) {
		t.Fatalf("taking over got\n%s", answer)
	}
	second.ack(answer, "")
	second.within(sip.REFER, referTo("<sip:office@127.0.0.1>"), "")
	if got := second.final(sip.REFER).StatusCode; got != 403 {
		t.Errorf("REFER got %d", got)
	}
	decides.expect(t)
	second.within(sip.BYE, "", "")
	second.final(sip.BYE)
}
