package phone

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// reinvite changes the session and returns our description.
func (c *call) reinvite(body string) []byte {
	c.peer.t.Helper()
	c.within(sip.INVITE, "", body)
	response := c.finalOf(sip.INVITE, c.sequence)
	if response.StatusCode != sip.StatusOK {
		c.peer.t.Fatalf("re-INVITE got %d %s", response.StatusCode, response.Reason)
	}
	c.ack(response, "")
	return response.Body()
}

// bye hangs up and waits for the leg's end.
func (c *call) bye(a arrival) {
	c.peer.t.Helper()
	c.within(sip.BYE, "", "")
	if got := c.final(sip.BYE).StatusCode; got != 200 {
		c.peer.t.Errorf("BYE got %d", got)
	}
	over(c.peer.t, a.leg, channels.EndedByParty)
}

// A call moves to another phone, which speaks another codec at another port, and back: by
// re-INVITE and by UPDATE. Both ways are heard after each move.
func TestACallChangesItsCodecAndPort(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
	a := s.connect(t, c)
	l := a.leg.(*leg)
	if err := l.Loop(channels.Prompt{Name: "music"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hears := func(codec media.Codec) {
		t.Helper()
		if verdict, err := c.voice.Recorder.WaitTone(ctx, codec, 620); err != nil {
			t.Fatalf("the caller does not hear the music in %s: %v (%s)", codec, err, verdict)
		}
		before := l.Quality().Received
		stop := c.voice.SendTone(l.socketAddress(), 800)
		defer stop()
		until(t, "voice in "+codec.Name(), func() bool { return l.Quality().Received >= before+10 })
	}
	hears(media.PCMA)
	version := uint64(1)
	for _, move := range []struct {
		codec media.Codec
		by    sip.RequestMethod
	}{{media.PCMU, sip.INVITE}, {media.G722, sip.INVITE}, {media.PCMA, sip.UPDATE}, {media.PCMU, sip.UPDATE}, {media.G722, sip.UPDATE}, {media.PCMA, sip.INVITE}} {
		c.voice = mediatest.NewPeer(t, move.codec)
		offer := c.offer(fmt.Sprint(move.codec.PayloadType(), " 96"), "a=rtpmap:96 telephone-event/8000\r\n")
		var answer []byte
		if move.by == sip.INVITE {
			answer = c.reinvite(offer)
		} else {
			c.within(sip.UPDATE, "", offer)
			answer = c.finalOf(sip.UPDATE, c.sequence).Body()
		}
		d, err := readDescription(answer, 0, false)
		if err != nil || d.format != (media.Format{Codec: move.codec, PayloadType: move.codec.PayloadType(), TelephoneEvent: 96}) {
			t.Fatalf("answer to %s: %+v, %v\n%s", move.by, d.format, err, answer)
		}
		if version++; origin(t, answer).SessionVersion != version {
			t.Errorf("our version is %d; want %d", origin(t, answer).SessionVersion, version)
		}
		hears(move.codec)
	}
	// The same offer again changes nothing, our version neither (RFC 3264 §8).
	if got := origin(t, c.reinvite(c.offer("8 96", "a=rtpmap:96 telephone-event/8000\r\n"))).SessionVersion; got != version {
		t.Errorf("our version is %d after the same offer; want %d", got, version)
	}
	c.bye(a)
}

// While a caller holds he is sent nothing, unless he listens; his RTCP goes on.
func TestNothingIsSentToACallerWhoHolds(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8", "")
	a := s.connect(t, c)
	clock := newPeer(t, "UDP", s.Address()).call()
	clock.body = clock.offer("8", "")
	ticking := s.connect(t, clock)
	for _, a := range []arrival{a, ticking} {
		if err := a.leg.(*leg).Loop(channels.Prompt{Name: "music"}); err != nil {
			t.Fatal(err)
		}
	}
	// sent is how many packets the caller is sent while another one is sent ten.
	sent := func() uint64 {
		t.Helper()
		before, begin := a.leg.(*leg).stream.Statistics().PacketsSent, ticking.leg.(*leg).stream.Statistics().PacketsSent
		until(t, "ten packets", func() bool { return ticking.leg.(*leg).stream.Statistics().PacketsSent >= begin+10 })
		return a.leg.(*leg).stream.Statistics().PacketsSent - before
	}
	old := strings.Replace(c.body, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1)
	for _, step := range []struct {
		name, body, want string
		hears            bool
	}{
		{"hold", c.body + "a=sendonly\r\n", "a=recvonly", false},
		{"its end", c.body, "a=sendrecv", true},
		{"hold of old", old, "a=recvonly", false},
		{"hold of old from both sides", old + "a=inactive\r\n", "a=inactive", false},
		{"its end by the attribute", c.body + "a=sendrecv\r\n", "a=sendrecv", true},
		{"listening only", c.body + "a=recvonly\r\n", "a=sendonly", true},
		{"neither way", c.body + "a=inactive\r\n", "a=inactive", false},
		{"the end", c.body + "a=sendrecv\r\n", "a=sendrecv", true},
	} {
		if answer := string(c.reinvite(step.body)); !strings.Contains(answer, step.want+"\r\n") {
			t.Errorf("%s was answered\n%s", step.name, answer)
		}
		if got := sent(); (got > 0) != step.hears {
			t.Errorf("%s: %d packets were sent", step.name, got)
		}
		if got := a.leg.(*leg).stream.Statistics().SendErrors; got != 0 {
			t.Errorf("%s: %d could not be sent", step.name, got)
		}
	}
	c.bye(a)
}

// An offer of ours is open: what else would change the session has to wait (RFC 3261 §14.2).
func TestGlare(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	c.within(sip.INVITE, "", "")
	offered := c.finalOf(sip.INVITE, c.sequence)
	invite := c.sequence
	for _, method := range []sip.RequestMethod{sip.UPDATE, sip.INVITE} {
		c.within(method, "", c.body+"a=sendonly\r\n")
		if got := c.finalOf(method, c.sequence); got.StatusCode != 491 {
			t.Errorf("%s got %d", method, got.StatusCode)
		} else if method == sip.INVITE {
			c.ack(got, "")
		}
	}
	last := c.sequence
	c.sequence = invite
	c.ack(offered, c.offer("0", ""))
	c.sequence = last
	// With the answer there is room for the next offer.
	if answer := string(c.reinvite(c.offer("0", "a=sendonly\r\n"))); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("hold was answered\n%s", answer)
	}
	c.bye(a)
}

// finalOf returns the final response to one request, passing over repetitions of others.
func (c *call) finalOf(method sip.RequestMethod, sequence int) *sip.Response {
	c.peer.t.Helper()
	for {
		if response := c.final(method); response.CSeq().SeqNo == uint32(sequence) {
			return response
		}
	}
}

// A BYE that nobody's hand sent says why (RFC 3326).
func TestAnswersInACKThatCanNotBeUsed(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*call) string{
		"none":               func(*call) string { return "" },
		"not readable":       func(*call) string { return "hello" },
		"no codec in common": func(c *call) string { return c.offer("18", "") },
		"voice refused": func(c *call) string {
			return strings.Replace(c.offer("8", ""), "m=audio ", "m=audio 0 RTP/AVP 8\r\na=x:", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			c := newPeer(t, "UDP", s.Address()).call()
			body := answer(c)
			c.body = ""
			c.invite()
			a := s.arrival(t)
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.ack(c.final(sip.INVITE), body)
			bye := c.request(sip.BYE)
			if reason := bye.GetHeader("Reason"); reason == nil || !strings.HasPrefix(reason.Value(), "SIP;cause=488;text=\"") {
				t.Errorf("BYE:\n%s", bye)
			}
			c.answerTo(bye, 200)
			over(t, a.leg, channels.EndedByFault)
		})
		t.Run("in mid-call: "+name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			c := newPeer(t, "UDP", s.Address()).call()
			a := s.connect(t, c)
			c.within(sip.INVITE, "", "")
			c.ack(c.finalOf(sip.INVITE, c.sequence), answer(c))
			if name == "none" {
				c.bye(a) // a refresh by somebody who forgot the answer: the call went on
				return
			}
			bye := c.request(sip.BYE)
			if bye.GetHeader("Reason") == nil {
				t.Errorf("BYE:\n%s", bye)
			}
			c.answerTo(bye, 200)
			over(t, a.leg, channels.EndedByFault)
		})
	}
}

// A re-INVITE without an offer gets all that we speak, so that the call can be connected to
// another phone.
func TestOurOfferInMidCallLeavesTheChoice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
	a := s.connect(t, c)
	c.within(sip.INVITE, "", "")
	response := c.finalOf(sip.INVITE, c.sequence)
	if !strings.Contains(string(response.Body()), "RTP/AVP 8 0 9 101\r\n") {
		t.Errorf("our offer:\n%s", response.Body())
	}
	c.voice = mediatest.NewPeer(t, media.PCMU)
	c.ack(response, c.offer("0", ""))
	if err := a.leg.(*leg).Loop(channels.Prompt{Name: "music"}); err != nil {
		t.Fatal(err)
	}
	if err := await(t, heard(t.Context(), c.peer, media.PCMU, 620), "verdict"); err != nil {
		t.Errorf("the other phone does not hear the music: %v", err)
	}
	c.bye(a)
}

// A caller behind NAT, whose description names an inner address: when it names another one his
// voice may come from elsewhere, and is followed.
func TestACallerBehindNATMoves(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	inner := func(port int) string {
		return strings.ReplaceAll(fmt.Sprintf("v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio %d RTP/AVP 8\n", port), "\n", "\r\n")
	}
	c.body = inner(4000)
	a := s.connect(t, c)
	l := a.leg.(*leg)
	follows := func(voice *mediatest.Peer) {
		t.Helper()
		stop := voice.SendTone(l.socketAddress(), 800)
		defer stop()
		until(t, "step after the voice", func() bool { return l.socket.Remote() == voice.Address() })
	}
	follows(c.voice)
	c.reinvite(inner(4000)) // nothing new: the source stays locked
	if got := l.socket.Remote(); got != c.voice.Address() {
		t.Errorf("voice goes to %s after a refresh", got)
	}
	c.reinvite(inner(4002))
	follows(mediatest.NewPeer(t, media.PCMA))
	c.bye(a)
}

// Our BYE finds a caller whose NAT gave him another port in the meantime.
func TestOurRequestsFollowTheCallersPort(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	contact := "Contact: <sip:peer@10.0.0.7:5060>"
	c.send(strings.Replace(c.message(sip.INVITE, c.branch, "", c.body), fmt.Sprintf("Contact: <sip:peer@%s;transport=udp>", c.local), contact, 1))
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ack(c.final(sip.INVITE), "")
	moved := *c
	moved.peer = newPeer(t, "UDP", s.Address())
	moved.sequence, moved.branch = 2, "z9hG4bK"+newID()
	moved.send(strings.Replace(moved.message(sip.UPDATE, moved.branch, "", ""), fmt.Sprintf("Contact: <sip:peer@%s;transport=udp>", moved.local), contact, 1))
	if got := moved.final(sip.UPDATE).StatusCode; got != 200 {
		t.Fatalf("UPDATE got %d", got)
	}
	a.leg.HangUp()
	moved.answerTo(moved.request(sip.BYE), 200)
	over(t, a.leg, channels.EndedByUs)
}

// Requests before the answer.
func TestRequestsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.invite()
	trying := c.receive(patience)
	a := s.arrival(t)
	c.toTag = tag(trying.To().Params)
	for _, test := range []struct {
		method sip.RequestMethod
		body   string
		code   int
	}{{sip.UPDATE, "", 200}, {sip.UPDATE, c.body, 500}, {sip.INFO, "", 200}, {sip.OPTIONS, "", 200}, {sip.INVITE, c.body, 500}} {
		c.within(test.method, "", test.body)
		if got := c.finalOf(test.method, c.sequence); got.StatusCode != test.code || (test.code == 500) != (got.GetHeader("Retry-After") != nil) {
			t.Errorf("%s got\n%s", test.method, got)
		}
	}
	if a.leg.(*leg).isOver() {
		t.Error("the call is over")
	}
}
