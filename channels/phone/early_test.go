package phone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

// rings answers INVITE provisionally, by the device of the tag.
func (c *callee) rings(code int, device, headers, body string) {
	c.t.Helper()
	response := sip.NewResponseFromRequest(c.invite, code, "Reply", nil)
	response.To().Params.Remove("tag")
	response.To().Params.Add("tag", device)
	response.AppendHeader(sip.NewHeader("Contact", "<sip:"+device+"@"+c.address.String()+">"))
	for line := range strings.SplitSeq(headers, "\r\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			response.AppendHeader(sip.NewHeader(name, value))
		}
	}
	if body != "" {
		describe(response, []byte(body))
	}
	c.answer(response.String())
}

// within sends a request of a device in its dialog.
func (c *callee) within(method sip.RequestMethod, device string, sequence int, body string) {
	c.t.Helper()
	contact := c.invite.Contact().Address
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	c.answer(fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:%s@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, contact.String(), c.address, newBranch(), c.invite.To().Value(), device, c.invite.From().Value(),
		c.invite.CallID().Value(), sequence, method, device, c.address, kind, len(body), body))
}

// RFC 3262 and RFC 3261 §12.1.2: two devices ring reliably, each in a dialog of its own; one of them is
// picked up, and its next request has a number that was not used.
func TestReliableRingingOfOurCallIsAcknowledged(t *testing.T) {
	t.Parallel()
	s, c := serveWithCallee(t)
	l := c.dial(s)
	if !supports(c.invite, optionReliable) || requires(c.invite, optionReliable) || field(c.invite, "session-expires") != "1800" {
		t.Errorf("INVITE:\n%s", c.invite)
	}
	for _, step := range []struct {
		device, number, want string
	}{{"one", "7", "7 1 INVITE"}, {"two", "1", "1 1 INVITE"}, {"one", "7", ""}, {"one", "8", "8 1 INVITE"}} {
		c.rings(180, step.device, "Require: 100rel\r\nRSeq: "+step.number, "")
		if step.want == "" {
			continue // it came before
		}
		prack := c.expect(sip.PRACK)
		if field(prack, "rack") != step.want || tag(prack.To().Params) != step.device || prack.Recipient.User != step.device || prack.CSeq().SeqNo < 2 {
			t.Errorf("%+v got\n%s", step, prack)
		}
		c.respond(prack, 200, step.device, "")
	}
	c.pickUp("one")
	c.expect(sip.ACK)
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.HangUp()
	bye := c.expect(sip.BYE)
	if tag(bye.To().Params) != "one" || bye.CSeq().SeqNo != 4 {
		t.Errorf("BYE:\n%s", bye)
	}
	c.respond(bye, 200, "one", "")
	over(t, l, channels.EndedByUs)
}

// Early media: what the network says before the answer is heard, and the answer may then come
// without a description (RFC 3261 §13.2.1).
func TestWhatSoundsBeforeTheAnswerIsHeard(t *testing.T) {
	t.Parallel()
	s, c := serveWithCallee(t)
	l := c.dial(s).(*dialled)
	c.rings(180, "one", "", "")
	c.rings(183, "one", "Require: 100rel\r\nRSeq: 1", c.description())
	c.respond(c.expect(sip.PRACK), 200, "one", "")
	select {
	case <-l.EarlySound():
		t.Error("a description alone is no sound: whoever calls would hear nothing") // RFC 3960 §3.2
	default:
	}
	stop := c.voice.SendTone(l.socketAddress(), 800)
	defer stop()
	await(t, l.EarlySound(), "early sound")
	until(t, "voice before the answer", func() bool { return l.Quality().Received >= 10 })
	// UPDATE changes it (RFC 3311).
	c.within(sip.UPDATE, "one", 1, strings.Replace(c.description(), "RTP/AVP 8 101", "RTP/AVP 0 101", 1))
	until(t, "another codec", func() bool { return l.stream.Format().Codec == media.PCMU })
	c.within(sip.UPDATE, "one", 2, c.description())
	until(t, "the former codec", func() bool { return l.stream.Format().Codec == media.PCMA })
	c.respond(c.invite, 200, "one", "")
	c.expect(sip.ACK)
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.within(sip.BYE, "one", 3, "")
	over(t, l, channels.EndedByParty)
}

// Each of several devices may sound; who picks up is heard.
func TestADeviceThatSoundedIsNotTheOneThatAnswers(t *testing.T) {
	t.Parallel()
	s, c := serveWithCallee(t)
	l := c.dial(s).(*dialled)
	c.rings(183, "one", "", strings.Replace(c.description(), "RTP/AVP 8 101", "RTP/AVP 0", 1))
	until(t, "early sound's format", func() bool { return l.stream.Format().Codec == media.PCMU })
	c.pickUp("two")
	c.expect(sip.ACK)
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.stream.Format().Codec; got != media.PCMA {
		t.Errorf("it speaks %s", got)
	}
	// The other one answers as well, and is hung up.
	c.respond(c.invite, 200, "one", c.description())
	if bye := c.expect(sip.BYE); tag(bye.To().Params) != "one" {
		t.Errorf("BYE:\n%s", bye)
	} else {
		c.respond(bye, 200, "one", "")
	}
	c.within(sip.BYE, "two", 1, "")
	over(t, l, channels.EndedByParty)
	until(t, "end of the dialog", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return len(s.legs)+len(s.arriving) == 0
	})
}

// RFC 4028 §7.4: a 422 is tried again with what it asks for.
func TestOurCallAsksForASession(t *testing.T) {
	t.Parallel()
	s, c := serveWithCallee(t)
	l := c.dial(s)
	first := c.invite
	refusal := sip.NewResponseFromRequest(first, 422, "Session Interval Too Small", nil)
	refusal.AppendHeader(sip.NewHeader("Min-SE", "3600"))
	c.answer(refusal.String())
	c.invite = c.expect(sip.INVITE)
	if field(c.invite, "session-expires") != "3600;refresher=uac" || field(c.invite, "min-se") != "3600" || c.invite.CSeq().SeqNo != 2 ||
		c.invite.CallID().Value() != first.CallID().Value() {
		t.Errorf("then\n%s", c.invite)
	}
	c.pickUp("one")
	if ack := c.expect(sip.ACK); ack.CSeq().SeqNo != 1 && ack.CSeq().SeqNo != 2 {
		t.Errorf("ACK:\n%s", ack)
	}
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.within(sip.BYE, "one", 1, "")
	over(t, l, channels.EndedByParty)
}
