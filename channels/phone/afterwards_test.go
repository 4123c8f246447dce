package phone

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// next is the next message, which must be the answer to a request that was sent last.
func (c *call) next(method sip.RequestMethod, code int) {
	c.t.Helper()
	response, isResponse := c.receive(patience).(*sip.Response)
	if !isResponse || response.CSeq().MethodName != method || response.StatusCode != code {
		c.t.Fatalf("instead of %d to %s came\n%v", code, method, response)
	}
}

// Copies that the network kept for a while, of requests that were answered: an INVITE's does nothing, and a BYE's is answered as before.
func TestCopiesOfWhatWasAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	toTag := c.toTag
	c.toTag = ""
	first := c.message(sip.INVITE, c.branch, c.headers, c.body)
	c.toTag = toTag
	c.send(first)
	c.within(sip.INVITE, "", c.body)
	again := c.message(sip.INVITE, c.branch, "", c.body)
	answer := c.final(sip.INVITE)
	if answer.StatusCode != sip.StatusOK || answer.CSeq().SeqNo != 2 {
		t.Fatalf("the second INVITE got\n%s", answer)
	}
	c.ack(answer, "")
	c.send(again)
	c.within(sip.OPTIONS, "", "")
	c.next(sip.OPTIONS, 200)
	c.within(sip.BYE, "", "")
	bye := c.message(sip.BYE, c.branch, "", "")
	c.next(sip.BYE, 200)
	over(t, a.leg, channels.EndedByParty)
	for range 2 {
		c.send(first)
		c.send(bye)
		c.next(sip.BYE, 200)
	}
	if calls := s.Stats().Calls; calls != 1 {
		t.Errorf("%d calls", calls)
	}
}
