package phone

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/sdp/v3"

	"svar/channels"
	"svar/channels/media"
)

func origin(t testing.TB, body []byte) sdp.Origin {
	t.Helper()
	var parsed sdp.SessionDescription
	if err := parsed.Unmarshal(body); err != nil {
		t.Fatalf("our description: %v\n%s", err, body)
	}
	return parsed.Origin
}

// livekit/sip#779, diago#125: hold was answered sendrecv. livekit/sip#582: re-INVITEs were
// dropped, and long calls with them.
func TestTheCallerHoldsAndComesBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	first := uint64(0)
	for _, step := range []struct{ attribute, want string }{
		{"sendonly", "a=recvonly"}, {"sendonly", "a=recvonly"}, {"inactive", "a=inactive"}, {"sendrecv", "a=sendrecv"},
	} {
		c.within(sip.INVITE, "", c.body+"a="+step.attribute+"\r\n")
		response := c.finalOf(sip.INVITE, c.sequence)
		if response.StatusCode != sip.StatusOK || !strings.Contains(string(response.Body()), step.want) {
			t.Errorf("%s got\n%s", step.attribute, response)
		}
		o := origin(t, response.Body())
		if first == 0 {
			first = o.SessionID
		}
		if o.SessionID != first {
			t.Error("the session has another id")
		}
		c.ack(response, "")
	}
	// Hold by UPDATE, which has no ACK.
	c.within(sip.UPDATE, "", c.body+"a=sendonly\r\n")
	if response := c.final(sip.UPDATE); response.StatusCode != sip.StatusOK || !strings.Contains(string(response.Body()), "a=recvonly") {
		t.Errorf("UPDATE got\n%s", response)
	}
	// A refresh without description.
	c.within(sip.UPDATE, "", "")
	if response := c.final(sip.UPDATE); response.StatusCode != sip.StatusOK || len(response.Body()) != 0 {
		t.Errorf("UPDATE without description got\n%s", response)
	}
	// An offer that does not fit changes nothing.
	c.within(sip.INVITE, "", c.offer("18", ""))
	response := c.finalOf(sip.INVITE, c.sequence)
	if response.StatusCode != 488 {
		t.Errorf("a codec that we have not got %d", response.StatusCode)
	}
	c.ack(response, "")
	// We offer, to end a hold, and the answer comes with the ACK.
	c.within(sip.INVITE, "", "")
	response = c.finalOf(sip.INVITE, c.sequence)
	if response.StatusCode != sip.StatusOK || !strings.Contains(string(response.Body()), "RTP/AVP 0 8 9 101") || !strings.Contains(string(response.Body()), "a=sendrecv") {
		t.Errorf("INVITE without description got\n%s", response)
	}
	c.ack(response, c.offer("0", ""))
	c.within(sip.BYE, "", "")
	c.final(sip.BYE)
	over(t, a.leg, channels.EndedByParty)
}

func TestRequestsInTheWrongOrder(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	s.connect(t, c)
	c.sequence = 10
	c.within(sip.OPTIONS, "", "")
	if got := c.final(sip.OPTIONS).StatusCode; got != 200 {
		t.Errorf("OPTIONS got %d", got)
	}
	c.sequence = 3
	c.within(sip.OPTIONS, "", "")
	if got := c.final(sip.OPTIONS).StatusCode; got != 500 {
		t.Errorf("an older OPTIONS got %d", got)
	}
	c.sequence = 20
	c.within("REFER", "", "")
	if got := c.final("REFER"); got.StatusCode != sip.StatusForbidden {
		t.Errorf("REFER got\n%s", got)
	}
	c.within("PUBLISH", "", "")
	if got := c.final("PUBLISH"); got.StatusCode != sip.StatusMethodNotAllowed || got.GetHeader("Allow") == nil {
		t.Errorf("PUBLISH got\n%s", got)
	}
}

func TestTheOfferComesFromUs(t *testing.T) {
	t.Parallel()
	t.Run("and is answered", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		c.body = ""
		c.invite()
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		response := c.final(sip.INVITE)
		if !strings.Contains(string(response.Body()), "RTP/AVP 8 0 9 101") {
			t.Errorf("our offer:\n%s", response)
		}
		if err := a.leg.(*leg).Loop(channels.Prompt{Name: "music"}); err != nil {
			t.Error(err)
		}
		c.ack(response, c.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n"))
		if err := await(t, heard(t.Context(), c.peer, media.PCMA, 620), "verdict"); err != nil {
			t.Errorf("the music is not heard: %v", err)
		}
	})
	t.Run("and is not answered", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		c.body = ""
		a := s.connect(t, c)
		c.answerTo(c.request(sip.BYE), 200)
		over(t, a.leg, channels.EndedByFault)
	})
}

// freeswitch#1973: a caller shown as answered hours after he had hung up.
func TestAPeerThatForgotTheCallEndsIt(t *testing.T) {
	t.Parallel()
	for code, alive := range map[int]bool{481: false, 408: false, 200: true, 405: true} {
		s := serve(t, func(c *Config, _ *switchboard) { c.ProbeAfter = time.Millisecond })
		c := newPeer(t, "UDP", s.Address()).call()
		a := s.connect(t, c)
		l := a.leg.(*leg)
		c.answerTo(c.request(sip.OPTIONS), code)
		if alive {
			c.answerTo(c.request(sip.OPTIONS), code) // it is asked again
			if l.isOver() {
				t.Errorf("%d ended the call", code)
			}
			continue
		}
		c.answerTo(c.request(sip.BYE), 481)
		over(t, a.leg, channels.EndedByFault)
		if got := s.Stats().DeadRTP; got != 1 {
			t.Errorf("dead peers: %d", got)
		}
	}
}

func TestVoiceIsNotSentWhereAStrangerPoints(t *testing.T) {
	t.Parallel()
	victim := func(s *server, t *testing.T) *call {
		c := newPeer(t, "UDP", s.Address()).call()
		c.body = strings.Replace(c.body, "c=IN IP4 127.0.0.1", "c=IN IP4 127.0.0.99", 1)
		return c
	}
	stranger := serve(t)
	if got := stranger.connect(t, victim(stranger, t)).leg.(*leg).socket.Remote(); got.IsValid() {
		t.Errorf("voice goes to %s", got)
	}
	trunk := serve(t, trusting)
	if got := trunk.connect(t, victim(trunk, t)).leg.(*leg).socket.Remote(); got.Addr().String() != "127.0.0.99" {
		t.Errorf("voice of a trunk's call goes to %s", got)
	}
}

func TestShutdownEndsEveryCall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	connected, early, answered := newPeer(t, "UDP", s.Address()).call(), newPeer(t, "TCP", s.Address()).call(), newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, connected)
	early.invite()
	b := s.arrival(t)
	answered.invite()
	c := s.arrival(t)
	if err := c.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.stop()
	}()
	connected.answerTo(connected.request(sip.BYE), 200)
	if got := early.final(sip.INVITE).StatusCode; got != 503 {
		t.Errorf("the call that was not answered got %d", got)
	}
	answered.answerTo(answered.request(sip.BYE), 200)
	for _, l := range []channels.Leg{a.leg, b.leg, c.leg} {
		over(t, l, channels.EndedByUs)
	}
	await(t, done, "end of Serve")
	if got := s.Stats().Active; got != 0 {
		t.Errorf("%d calls are left", got)
	}
}
