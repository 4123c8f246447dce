package phone

import (
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// provisionalOf returns the next provisional response above 100, passing over others.
func (c *call) provisionalOf() *sip.Response {
	c.peer.t.Helper()
	for {
		message := c.receive(patience)
		if message == nil {
			c.peer.t.Fatal("no provisional response came")
		}
		if response, isResponse := message.(*sip.Response); isResponse && response.IsProvisional() && response.StatusCode > 100 {
			return response
		}
	}
}

// status is the code of a response.
func status(response *sip.Response) int { return response.StatusCode }

// prack acknowledges a reliable response and returns the answer.
func (c *call) prack(acknowledged, body string) *sip.Response {
	c.peer.t.Helper()
	c.within(sip.PRACK, "RAck: "+acknowledged+"\r\n", body)
	return c.finalOf(sip.PRACK, c.sequence)
}

func TestACallerHearsThatItRings(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		s := serve(t)
		c := newPeer(t, transport, s.Address()).call()
		c.headers = "Supported: 100rel, timer\r\nRecord-Route: <sip:192.0.2.1;lr>\r\n"
		c.invite()
		a := s.arrival(t)
		for range 2 {
			a.leg.(channels.Ringer).Ringing()
			got := c.provisionalOf()
			// Who only could acknowledge it is not asked to.
			if status(got) != 180 || tag(got.To().Params) == "" || got.Contact() == nil || got.GetHeader("Require") != nil ||
				got.GetHeader("RSeq") != nil || got.GetHeader("Record-Route") == nil {
				t.Errorf("ringing:\n%s", got)
			}
		}
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.ack(c.final(sip.INVITE), "")
		a.leg.(channels.Ringer).Ringing() // too late; nothing happens
		c.bye(a)
		a.leg.(channels.Ringer).Ringing()
	}
}

// RFC 3262: whoever insists on it gets a reliable 180, again and again until his PRACK.
func TestAReliableResponseIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "TCP", s.Address()).call() // where nobody else repeats
	c.headers = "Require: 100rel\r\n"
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	first := c.provisionalOf()
	again := c.provisionalOf()
	if first.String() != again.String() || first.GetHeader("RSeq") == nil || first.GetHeader("Require").Value() != "100rel" || len(first.Body()) != 0 {
		t.Fatalf("first\n%s\nthen\n%s", first, again)
	}
	c.toTag = tag(first.To().Params)
	number := first.GetHeader("RSeq").Value()
	for _, wrong := range []string{"0 1 INVITE", number + " 2 INVITE", number + " 1 BYE", number, "", number + " x INVITE"} {
		if got := c.prack(wrong, ""); status(got) != 481 {
			t.Errorf("RAck %q got %d", wrong, got.StatusCode)
		}
	}
	if got := c.prack(number+" 1 INVITE", ""); status(got) != 200 {
		t.Errorf("PRACK got\n%s", got)
	}
	if got := c.prack(number+" 1 INVITE", ""); status(got) != 481 {
		t.Errorf("PRACK in another transaction got %d", got.StatusCode)
	}
	// The next one has the next number.
	a.leg.(channels.Ringer).Ringing()
	second := c.provisionalOf()
	for second.GetHeader("RSeq").Value() == number { // on its way when PRACK was sent
		second = c.provisionalOf()
	}
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := c.final(sip.INVITE)
	if status(answer) != 200 || len(answer.Body()) == 0 {
		t.Errorf("answer:\n%s", answer)
	}
	// PRACK may cross the 200.
	invite := c.sequence
	if got := c.prack(second.GetHeader("RSeq").Value()+" 1 INVITE", ""); status(got) != 200 {
		t.Errorf("the crossing PRACK got\n%s", got)
	}
	last := c.sequence
	_, c.sequence = invite, 1
	c.ack(answer, "")
	c.sequence = last
	c.bye(a)
}

// RFC 3262 §3: without PRACK in 64·T1 the call is refused.
func TestWhoNeverAcknowledgesIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, quick)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers = "Require: 100rel\r\n"
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	if got := c.final(sip.INVITE); status(got) != 504 {
		t.Errorf("got %d", got.StatusCode)
	}
	over(t, a.leg, channels.EndedByFault)
}

// RFC 3262 §5: an INVITE without offer gets it with the first reliable response, and no 2xx before
// PRACK has brought the answer. Then there is room for an UPDATE.
func TestTheOfferComesWithTheRinging(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers, c.body = "Require: 100rel\r\n", ""
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	ringing := c.provisionalOf()
	if !strings.Contains(string(ringing.Body()), "RTP/AVP 8 0 9 101") {
		t.Fatalf("ringing:\n%s", ringing)
	}
	answered := make(chan error, 1)
	go func() { answered <- a.leg.Answer(t.Context()) }()
	c.toTag = tag(ringing.To().Params)
	acknowledged := ringing.GetHeader("RSeq").Value() + " 1 INVITE"
	if got := c.prack(acknowledged, c.offer("18", "")); status(got) != 488 {
		t.Errorf("an answer that can not be used got %d", got.StatusCode)
	}
	if got := c.prack(acknowledged, c.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n")); status(got) != 200 {
		t.Errorf("PRACK got\n%s", got)
	}
	answer := c.final(sip.INVITE)
	if status(answer) != 200 || len(answer.Body()) != 0 {
		t.Errorf("answer:\n%s", answer)
	}
	if err := await(t, answered, "answer"); err != nil {
		t.Errorf("Answer: %v", err)
	}
	last := c.sequence
	c.sequence = 1
	c.ack(answer, "")
	c.sequence = last
	if answer := string(c.reinvite(c.offer("8", "a=sendonly\r\n"))); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("hold was answered\n%s", answer)
	}
	c.bye(a)
}

// RFC 3311: an UPDATE with a description before the answer, once there is room for it.
func TestASessionChangesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers, c.body = "Require: 100rel\r\n", ""
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	ringing := c.provisionalOf()
	c.toTag = tag(ringing.To().Params)
	if got := c.prack(ringing.GetHeader("RSeq").Value()+" 1 INVITE", c.offer("8", "")); status(got) != 200 {
		t.Fatalf("PRACK got\n%s", got)
	}
	c.within(sip.UPDATE, "", c.offer("0", ""))
	got := c.finalOf(sip.UPDATE, c.sequence)
	if status(got) != 200 || !strings.Contains(string(got.Body()), "RTP/AVP 0\r\n") {
		t.Errorf("UPDATE got\n%s", got)
	}
	c.within(sip.BYE, "", "")
	c.finalOf(sip.BYE, c.sequence)
	over(t, a.leg, channels.EndedByParty)
}

func TestAnAnswerThatWaitsForPRACKEndsWithTheCall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers, c.body = "Require: 100rel\r\n", ""
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	ringing := c.provisionalOf()
	answered := make(chan error, 1)
	go func() { answered <- a.leg.Answer(t.Context()) }()
	c.toTag = tag(ringing.To().Params)
	c.within(sip.BYE, "", "")
	c.finalOf(sip.BYE, c.sequence)
	if err := await(t, answered, "answer"); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Answer: %v", err)
	}
	over(t, a.leg, channels.EndedByParty)
}

// What is not spoken is refused by name, and only that (RFC 3261 §8.2.2.3).
func TestExtensionsThatAreNotSpoken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers = "Require: 100rel, nothingSupportsThis\r\nRequire: NothingElse\r\nProxy-Require: noProxiesSupportThis\r\n"
	c.invite()
	got := c.final(sip.INVITE)
	if fields := got.GetHeaders("unsupported"); status(got) != 420 || len(fields) != 2 ||
		fields[0].Value() != "nothingsupportsthis" || fields[1].Value() != "nothingelse" {
		t.Errorf("got\n%s", got)
	}
	c = newPeer(t, "UDP", s.Address()).call()
	c.headers = "Accept: text/plain\r\n"
	c.invite()
	if got := c.final(sip.INVITE); status(got) != 406 {
		t.Errorf("who reads no descriptions got %d", got.StatusCode)
	}
	c = newPeer(t, "UDP", s.Address()).call()
	c.headers = "Accept: text/plain, application/sdp;level=1\r\n"
	c.invite()
	s.arrival(t)
}
