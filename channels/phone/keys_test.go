package phone

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
)

// The keys of a call by TLS are taken by TLS only.
func TestKeysByAnotherWay(t *testing.T) {
	t.Parallel()
	s := serve(t, withTLS(t), answering)
	v := newSecretVoice(t, media.AES128GCM)
	c := newSecurePeer(t, s).call()
	c.body = v.offer("")
	a := s.connectAnswered(t, c)
	plain := newPeer(t, "UDP", s.Address())
	other := &call{peer: plain, id: c.id, user: c.user, from: c.from, sequence: c.sequence, toTag: c.toTag}
	other.within(sip.INVITE, "", v.offer("a=sendonly\r\n"))
	refused := other.final(sip.INVITE)
	if refused.StatusCode != 488 {
		t.Errorf("keys by UDP got %d", refused.StatusCode)
	}
	// Nor are ours told by another way, when the offer is to be ours.
	other.ack(refused, "")
	other.within(sip.INVITE, "", "")
	if got := other.final(sip.INVITE); got.StatusCode != 488 || strings.Contains(string(got.Body()), "inline:") {
		t.Errorf("an offer by UDP was asked for, and got %d\n%s", got.StatusCode, got.Body())
	}
	select {
	case <-a.leg.Done():
		t.Error("the call is over")
	default:
	}
}

// notice waits for a line of a log.
type notice struct {
	line string
	seen chan struct{}
	once sync.Once
}

func (n *notice) Write(entry []byte) (int, error) {
	if bytes.Contains(entry, []byte(n.line)) {
		n.once.Do(func() { close(n.seen) })
	}
	return len(entry), nil
}

// Nor are they taken from an ACK that came by another way: the one by TLS counts.
func TestKeysInAnACKByAnotherWay(t *testing.T) {
	t.Parallel()
	refused := &notice{line: "by another way than TLS", seen: make(chan struct{})}
	s := serve(t, withTLS(t), answering, func(c *Config, _ *switchboard) { c.Log = zerolog.New(refused) })
	v, forged := newSecretVoice(t, media.AES128HMACSHA180), newSecretVoice(t, media.AES128HMACSHA180)
	v.crypto.tag, forged.crypto.tag = "1", "1"
	c := newSecurePeer(t, s).call()
	c.body = ""
	c.invite()
	a := s.arrival(t)
	ok := c.final(sip.INVITE)
	other := &call{peer: newPeer(t, "UDP", s.Address()), id: c.id, user: c.user, from: c.from, sequence: c.sequence}
	other.ack(ok, forged.offer(""))
	await(t, refused.seen, "refusal of the ACK by UDP")
	c.ack(ok, v.offer(""))
	v.talks(t, ok.Body(), a.leg.(channels.Prompter))
}

// Nor from a PRACK.
func TestKeysInAPRACKByAnotherWay(t *testing.T) {
	t.Parallel()
	s := serve(t, withTLS(t))
	v, forged := newSecretVoice(t, media.AES128HMACSHA180), newSecretVoice(t, media.AES128HMACSHA180)
	v.crypto.tag, forged.crypto.tag = "1", "1"
	c := newSecurePeer(t, s).call()
	c.body, c.headers = "", "Require: 100rel\r\n"
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	var ringing *sip.Response
	for ringing == nil || ringing.StatusCode != 180 {
		ringing, _ = c.receive(patience).(*sip.Response)
	}
	c.toTag = tag(ringing.To().Params)
	other := &call{peer: newPeer(t, "UDP", s.Address()), id: c.id, user: c.user, from: c.from, sequence: c.sequence, toTag: c.toTag}
	rack := fmt.Sprintf("RAck: %s %d INVITE\r\n", ringing.GetHeader("rseq").Value(), c.sequence)
	other.within(sip.PRACK, rack, forged.offer(""))
	if got := other.final(sip.PRACK); got.StatusCode != 488 {
		t.Errorf("keys by UDP got\n%s", got)
	}
	c.sequence++
	c.within(sip.PRACK, rack, v.offer(""))
	if got := c.final(sip.PRACK); got.StatusCode != sip.StatusOK {
		t.Errorf("keys by TLS got\n%s", got)
	}
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.sequence = 1
	c.ack(c.final(sip.INVITE), "")
	v.talks(t, ringing.Body(), a.leg.(channels.Prompter))
}
