package phone

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

// replaces is the header that names a call, as it is at our side.
func (c *call) replaces(further string) string {
	return "Replaces: " + c.id + ";to-tag=" + c.toTag + ";from-tag=peer" + further + "\r\n"
}

// A consulted transfer somewhere outside: the caller's call moves to another phone, which speaks
// another codec, and the contact goes on. By an offer of theirs and by one of ours.
func TestACallIsTakenOverByAnotherDevice(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"their offer": false, "our offer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, trusting)
			first := newPeer(t, "UDP", s.Address()).call()
			a := s.connect(t, first)
			if err := a.leg.(*leg).Loop(channels.Prompt{Name: "music"}); err != nil {
				t.Fatal(err)
			}
			before := string(a.leg.Record())
			second := newPeer(t, "TCP", s.Address()).call()
			second.user, second.headers = "", first.replaces("")
			offer := second.offer("0 101", "a=rtpmap:101 telephone-event/8000\r\n")
			if second.body = offer; late {
				second.body = ""
			}
			second.invite()
			answer := second.final(sip.INVITE)
			if status(answer) != 200 || len(answer.Body()) == 0 {
				t.Fatalf("got\n%s", answer)
			}
			if offer = ""; late {
				offer = second.offer("0", "")
			}
			second.ack(answer, offer)
			bye := first.request(sip.BYE)
			if bye.CallID().Value() != first.id || tag(bye.To().Params) != "peer" {
				t.Errorf("BYE:\n%s", bye)
			}
			first.answerTo(bye, 200)
			if err := await(t, heard(t.Context(), second.peer, media.PCMU, 620), "verdict"); err != nil {
				t.Errorf("the other phone does not hear the music: %v", err)
			}
			if after := string(a.leg.Record()); after == before || !strings.Contains(after, second.id) {
				t.Errorf("the record is %s", after)
			}
			// What belonged to the former dialog is over.
			first.within(sip.BYE, "", "")
			if got := first.finalOf(sip.BYE, first.sequence); status(got) != 200 {
				t.Errorf("a BYE that crossed ours got %d", status(got))
			}
			first.within(sip.UPDATE, "", "")
			if got := first.finalOf(sip.UPDATE, first.sequence); status(got) != 481 {
				t.Errorf("UPDATE in the former dialog got %d", status(got))
			}
			second.headers = ""
			if answer := string(second.reinvite(second.offer("0", "a=sendonly\r\n"))); !strings.Contains(answer, "a=recvonly") {
				t.Errorf("hold was answered\n%s", answer)
			}
			second.bye(a)
			until(t, "end of the dialog", func() bool { return s.Stats().Active == 0 })
			if got := s.Stats().Calls; got != 1 {
				t.Errorf("%d calls", got)
			}
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if len(s.legs)+len(s.arriving)+len(s.parties)+s.strangers != 0 {
				t.Errorf("left: %d legs, %d INVITEs, %d parties, %d strangers", len(s.legs), len(s.arriving), len(s.parties), s.strangers)
			}
		})
	}
}

func TestCallsThatAreNotTakenOver(t *testing.T) {
	t.Parallel()
	trunk, stranger := serve(t, trusting), serve(t)
	for name, test := range map[string]struct {
		at     *server
		change func(c, second *call, a arrival)
		code   int
	}{
		"by a stranger":       {at: stranger, code: 403},
		"a call that is none": {change: func(c, second *call, _ arrival) { second.headers = "Replaces: x;to-tag=a;from-tag=b\r\n" }, code: 481},
		"with another tag": {change: func(c, second *call, _ arrival) {
			second.headers += "X: y\r\n"
			second.headers = strings.Replace(second.headers, "from-tag=peer", "from-tag=peer2", 1)
		}, code: 481},
		"without tags": {change: func(c, second *call, _ arrival) { second.headers = "Replaces: " + c.id + "\r\n" }, code: 400},
		"two at once":  {change: func(c, second *call, _ arrival) { second.headers += c.replaces("") }, code: 400},
		"two in one": {change: func(c, second *call, _ arrival) {
			second.headers = strings.Replace(second.headers, "\r\n", ", x;to-tag=a;from-tag=b\r\n", 1)
		}, code: 400},
		"early only":            {change: func(c, second *call, _ arrival) { second.headers = c.replaces(";early-only") }, code: 486},
		"one that is over":      {change: func(c, _ *call, a arrival) { c.bye(a); awaitForgotten(c.peer.t, trunk, a) }, code: 603},
		"without a codec of us": {change: func(_, second *call, _ arrival) { second.body = second.offer("18", "") }, code: 488},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := test.at
			if s == nil {
				s = trunk
			}
			c := newPeer(t, "UDP", s.Address()).call()
			a := s.connectAmong(t, c)
			second := newPeer(t, "UDP", s.Address()).call()
			second.headers = c.replaces("")
			if test.change != nil {
				test.change(c, second, a)
			}
			second.invite()
			got := second.final(sip.INVITE)
			if status(got) != test.code {
				t.Errorf("got %d %s; want %d", status(got), got.Reason, test.code)
			}
			second.ack(got, "")
			if test.code != 603 {
				c.bye(a) // it goes on as it was
			}
		})
	}
}

// connectAmong is connect where others arrive at the same time.
func (s *server) connectAmong(t *testing.T, c *call) arrival {
	t.Helper()
	c.invite()
	response := c.receive(patience)
	c.toTag = tag(response.(*sip.Response).To().Params)
	id := dialogID{callID: c.id, localTag: c.toTag, remoteTag: "peer"}
	var l *leg
	until(t, "call", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		l = s.legs[id]
		return l != nil
	})
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ack(c.final(sip.INVITE), "")
	return arrival{leg: l}
}

func awaitForgotten(t testing.TB, s *server, a arrival) {
	t.Helper()
	until(t, "end of the dialog", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return s.legs[a.leg.(*leg).dialogID] == nil
	})
}

// A call that only rings has nobody to be taken from (RFC 3891 §3: it was not we who began it).
func TestACallThatRingsIsNotTakenOver(t *testing.T) {
	t.Parallel()
	s := serve(t, trusting)
	c := newPeer(t, "UDP", s.Address()).call()
	c.invite()
	a := s.arrival(t)
	a.leg.(channels.Ringer).Ringing()
	c.toTag = tag(c.provisionalOf().To().Params)
	second := newPeer(t, "UDP", s.Address()).call()
	second.headers = c.replaces("")
	second.invite()
	if got := second.final(sip.INVITE); status(got) != 481 {
		t.Errorf("got %d", status(got))
	}
	if a.leg.Ending() != "" {
		t.Error("the call is over")
	}
}

// A call of ours that rings outside is picked up by somebody else there: by an offer of theirs and by one of ours.
func TestACallOfOursIsPickedUpElsewhere(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"their offer": false, "our offer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := servePickedUp(t)
			l := c.dial(s)
			second := c.elsewhere(s)
			offer := second.offer("0", "")
			if second.body = offer; late {
				second.body = ""
			}
			second.invite()
			answer := second.final(sip.INVITE)
			if status(answer) != 200 {
				t.Fatalf("got\n%s", answer)
			}
			if offer = ""; late {
				offer = second.offer("0", "")
			}
			second.ack(answer, offer)
			if err := l.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			cancel := c.expect(sip.CANCEL)
			if branchOf(cancel) != branchOf(c.invite) {
				t.Errorf("CANCEL is\n%s", cancel)
			}
			c.respond(cancel, 200, "one", "")
			c.respond(c.invite, 487, "one", "")
			if err := l.(*dialled).Loop(channels.Prompt{Name: "music"}); err != nil {
				t.Fatal(err)
			}
			if err := await(t, heard(t.Context(), second.peer, media.PCMU, 620), "verdict"); err != nil {
				t.Errorf("the other phone does not hear us: %v", err)
			}
			second.headers = ""
			second.within(sip.BYE, "", "")
			if got := second.final(sip.BYE); status(got) != 200 {
				t.Errorf("BYE got %d", status(got))
			}
			over(t, l, channels.EndedByParty)
			until(t, "end of the dialog", func() bool { return s.Stats().Active == 0 })
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if len(s.legs)+len(s.arriving)+len(s.parties)+s.strangers != 0 {
				t.Errorf("left: %d legs, %d INVITEs, %d parties, %d strangers", len(s.legs), len(s.arriving), len(s.parties), s.strangers)
			}
		})
	}
}

// Whoever picks up the telephone that rang, at that moment, is in no second call.
func TestTwoPickUpACallOfOurs(t *testing.T) {
	t.Parallel()
	s, c := servePickedUp(t)
	l := c.dial(s)
	second := c.elsewhere(s)
	second.invite()
	second.ack(second.final(sip.INVITE), "")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pickUp("one")
	if bye := c.expect(sip.BYE); tag(bye.To().Params) != "one" {
		t.Errorf("BYE is\n%s", bye)
	} else {
		c.respond(bye, 200, "one", "")
	}
	if l.Ending() != "" {
		t.Error("the call is over")
	}
}

func TestCallsOfOursThatAreNotPickedUpElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("by another trunk", func(t *testing.T) {
		t.Parallel()
		c := newProxy(t)
		s := serve(t, withTrunk(Trunk{Name: "callee", Proxies: []string{c.address.String()}}), trusting)
		l := c.dial(s)
		second := c.elsewhere(s)
		second.invite()
		if got := second.final(sip.INVITE); status(got) != 481 || l.Ending() != "" {
			t.Errorf("got %d", status(got))
		}
	})
	t.Run("at an agent's desk phone", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withPhones, trusting)
		d := s.deskPhone(t, "UDP", "anna")
		l := s.ring(t, "anna", nil)
		d.rings()
		until(t, "early dialog", func() bool { return s.rings(d.invite, d.device) })
		second := newPeer(t, "TCP", s.Address()).call()
		second.headers = "Replaces: " + d.invite.CallID().Value() + ";to-tag=" + tag(d.invite.From().Params) + ";from-tag=" + d.device + "\r\n"
		second.invite()
		if got := second.final(sip.INVITE); status(got) != 481 || l.Ending() != "" {
			t.Errorf("got %d", status(got))
		}
	})
}

// servePickedUp is serveWithCallee whose trunk may take calls over.
func servePickedUp(t *testing.T) (*server, *callee) {
	t.Helper()
	c := newProxy(t)
	return serve(t, withTrunk(Trunk{Name: "callee", Proxies: []string{c.address.String()}, Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})), c
}

// elsewhere lets the call ring, and is one that takes it over then.
func (c *callee) elsewhere(s *server) *call {
	c.t.Helper()
	c.rings(180, "one", "", "")
	until(c.t, "early dialog", func() bool { return s.rings(c.invite, "one") })
	second := newPeer(c.t, "TCP", s.Address()).call()
	second.headers = "Replaces: " + c.invite.CallID().Value() + ";to-tag=" + tag(c.invite.From().Params) + ";from-tag=one;early-only\r\n"
	return second
}

// rings tells whether a call of ours rings at a device.
func (s *server) rings(invite *sip.Request, device string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.legs[dialogID{callID: invite.CallID().Value(), localTag: tag(invite.From().Params), remoteTag: device}] != nil
}

// A registered desk phone may take a call over, when it signs on for that: its address alone could be anybody's.
func TestADeskPhoneMayTakeOver(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	d := s.deskPhone(t, "UDP", "anna")
	second := d.call()
	second.headers = c.replaces("")
	second.invite()
	challenge := second.final(sip.INVITE)
	d.takeNonce(challenge) // or it was not asked
	second.ack(challenge, "")
	second.toTag, second.branch = "", newBranch()
	second.sequence++
	second.headers += d.credentials("INVITE", "sip:"+second.user+"@"+second.target.String())
	second.invite()
	answer := second.final(sip.INVITE)
	if status(answer) != 200 {
		t.Fatalf("got\n%s", answer)
	}
	second.ack(answer, "")
	c.answerTo(c.request(sip.BYE), 200)
	second.headers = ""
	second.bye(a)
}
