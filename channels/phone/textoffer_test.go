package phone

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

// answersWith begins to send text to whoever described himself so; his text must be the second media, by a protocol.
func (p *textPeer) answersWith(t *testing.T, body []byte) {
	t.Helper()
	p.remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(textIn(t, body, "sendrecv")))
}

// texts checks that text goes both ways between a leg of ours and a peer.
func texts(t *testing.T, ours channels.RealTimeText, theirs *media.TextStream) {
	t.Helper()
	until(t, "text", ours.TextAble)
	if err := errors.Join(ours.WriteText("Hej!"), theirs.Write("Tack!")); err != nil {
		t.Fatal(err)
	}
	expect(t, ours.Text(), "Tack!")
	expect(t, theirs.Typed(), "Hej!")
}

func TestACallOfOursOffersText(t *testing.T) {
	t.Parallel()
	s, c := serveWithCallee(t)
	l := c.dial(s)
	text := newTextPeer(t)
	text.answersWith(t, c.invite.Body())
	c.respond(c.invite, 200, "phone", c.description()+text.line("sendrecv"))
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	texts(t, l.(channels.RealTimeText), text.TextStream)
	c.bye("phone")
	over(t, l, channels.EndedByParty)
}

// Who takes no text has a call without, and its ports are free.
func TestACallOfOursWhoseTextIsRefused(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"with port 0": "m=text 0 RTP/AVP 99 98\r\n", "without a word": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := serveWithCallee(t)
			l := c.dial(s)
			text := newTextPeer(t)
			text.answersWith(t, c.invite.Body())
			c.respond(c.invite, 200, "phone", c.description()+line)
			if err := l.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.expect(sip.ACK)
			if l.(channels.RealTimeText).TextAble() || l.(*dialled).textWay.socket.Load() != nil {
				t.Error("there is text, or a port for it")
			}
		})
	}
}

// Some refuse the call for a media that they do not know: they get it without.
func TestACallOfOursIsOfferedAgainWithoutText(t *testing.T) {
	t.Parallel()
	for _, code := range []int{415, 488, 606} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s, c := serveWithCallee(t)
			l := c.dial(s)
			first := c.invite
			c.respond(first, code, "phone", "")
			c.invite = c.expect(sip.INVITE)
			if body := string(c.invite.Body()); strings.Contains(body, "m=text") || c.invite.CSeq().SeqNo <= first.CSeq().SeqNo || branchOf(c.invite) == branchOf(first) {
				t.Errorf("the second INVITE is\n%s", c.invite)
			}
			if code == 488 { // once
				c.respond(c.invite, code, "phone", "")
				over(t, l, channels.EndedByParty)
				return
			}
			c.pickUp("phone")
			if err := l.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// An INVITE by UDP that text would make too large goes without: not every carrier has TCP.
func TestTextMakesNoCallTooLarge(t *testing.T) {
	t.Parallel()
	var trunk Trunk
	c := newProxy(t)
	trunk = Trunk{Name: "carrier", Proxies: []string{c.address.String()}, Domain: strings.Repeat("long.", 20) + "example"}
	s := serve(t, withTrunk(trunk))
	c.dial(s)
	if c.invite.Via().Transport != "UDP" || strings.Contains(string(c.invite.Body()), "m=text") || len(c.invite.String()) > largeMessage {
		t.Errorf("%d bytes:\n%s", len(c.invite.String()), c.invite)
	}
}

// A desk phone is offered text when the caller has it, and only then.
func TestADeskPhoneIsOfferedText(t *testing.T) {
	t.Parallel()
	for name, callerTexts := range map[string]bool{"the caller has text": true, "the caller has none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			d := s.deskPhone(t, "UDP", "anna")
			c := newPeer(t, "UDP", s.Address()).call()
			if callerTexts {
				c.body = c.offer("8", "") + newTextPeer(t).line("sendrecv")
			}
			c.invite()
			l := s.ring(t, "anna", s.arrival(t).leg) // not answered yet
			d.rings()
			if !callerTexts {
				if strings.Contains(string(d.invite.Body()), "m=text") {
					t.Errorf("the offer is\n%s", d.invite.Body())
				}
				return
			}
			text := newTextPeer(t)
			text.answersWith(t, d.invite.Body())
			d.reply(d.invite, 200, d.offer("8", "")+text.line("sendrecv"))
			d.request(sip.ACK)
			if err := l.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			texts(t, l, text.TextStream)
			l.HangUp()
			d.reply(d.request(sip.BYE), 200, "")
			over(t, l, channels.EndedByUs)
			if _, more := <-l.Text(); more {
				t.Error("there is text after the end")
			}
			if err := l.WriteText("x"); !errors.Is(err, channels.ErrLegOver) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// What was refused keeps its place when we offer again (RFC 3264 §8).
func TestRefusedTextKeepsItsPlace(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d := s.deskPhone(t, "UDP", "anna")
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8", "") + newTextPeer(t).line("sendrecv")
	c.invite()
	l := s.ring(t, "anna", s.arrival(t).leg)
	d.rings()
	textIn(t, d.invite.Body(), "sendrecv")
	d.reply(d.invite, 200, d.offer("8", "")+"m=text 0 RTP/AVP 99 98\r\n")
	d.request(sip.ACK)
	if err := l.Answer(t.Context()); err != nil || l.TextAble() {
		t.Fatalf("%v, or there is text", err)
	}
	d.within(sip.INVITE, "")
	body := string(d.final(sip.INVITE).Body())
	_, media, _ := strings.Cut(body, "m=")
	if !strings.HasPrefix(media, "audio ") || strings.Count(media, "m=") != 1 || !strings.Contains(media, "m=text 0 ") {
		t.Errorf("then we offer\n%s", body)
	}
}

// secretText is a peer's text over SRTP.
type secretText struct {
	*media.TextStream
	socket *media.Socket
	crypto cryptoLine
}

func newSecretText(t testing.TB) *secretText {
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
	p := &secretText{TextStream: media.NewTextStream(socket), socket: socket, crypto: cryptoLine{"1", media.NewSRTPKey(media.AES128HMACSHA180)}}
	t.Cleanup(func() {
		p.Close()
		_ = socket.Close()
	})
	if err := errors.Join(socket.Protect(p.crypto.key, media.SRTPKey{}), p.Start(media.TextFormat{T140: 98, Redundant: 99}), socket.Start(p)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *secretText) line() string {
	return fmt.Sprintf("m=text %d RTP/SAVP 99 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:99 red/1000\r\na=fmtp:99 98/98/98\r\na=crypto:%s\r\n", p.socket.Port(), p.crypto.value())
}

// answersWith takes the key of whoever described himself so, which must be another one than the voice's.
func (p *secretText) answersWith(t *testing.T, body []byte) {
	t.Helper()
	theirs, err := readDescription(body, 0, true)
	if err != nil || theirs.text == nil || string(theirs.text.crypto.key.Master) == string(theirs.crypto.key.Master) {
		t.Fatalf("%v: no text, or the key of the voice\n%s", err, body)
	}
	if err := p.socket.Protect(p.crypto.key, theirs.text.crypto.key); err != nil {
		t.Fatal(err)
	}
	p.socket.SetRemote(theirs.text.remote, netip.AddrPort{})
}

// By TLS text is encrypted beside the voice, by a key of its own.
func TestTextByTLS(t *testing.T) {
	t.Parallel()
	t.Run("of a caller", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withTLS(t))
		voice, text := newSecretVoice(t, media.AES128HMACSHA180), newSecretText(t)
		c := newSecurePeer(t, s).call()
		c.body = voice.offer("") + text.line()
		c.invite()
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		ok := c.final(sip.INVITE)
		c.ack(ok, "")
		text.answersWith(t, ok.Body())
		voice.talks(t, ok.Body(), a.leg.(channels.Prompter))
		texts(t, a.leg.(channels.RealTimeText), text.TextStream)
		// A refresh keeps the keys, and so the text.
		again := c.reinvite(c.body)
		if string(again) != string(ok.Body()) {
			t.Errorf("after a refresh the answer is\n%s", again)
		}
		texts(t, a.leg.(channels.RealTimeText), text.TextStream)
	})
	t.Run("of a call of ours", func(t *testing.T) {
		t.Parallel()
		trunk, connections := secureTrunk(t)
		s := serve(t, withTLS(t), withTrunk(trunk))
		l := s.dial(t, "leg-1")
		p := await(t, connections, "connection")
		invite := p.request(sip.INVITE)
		voice, text := newSecretVoice(t, media.AES128HMACSHA180), newSecretText(t)
		voice.crypto.tag = "1"
		text.answersWith(t, invite.Body())
		ok := sip.NewResponseFromRequest(invite, 200, "OK", []byte(voice.offer("")+text.line()))
		ok.AppendHeader(sip.NewHeader("Contact", "<sip:phone@"+trunk.Proxies[0]+";transport=tls>"))
		ok.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		p.send(ok.String())
		if err := l.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		texts(t, l.(channels.RealTimeText), text.TextStream)
	})
}
