package phone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"

	"svar/channels"
	"svar/channels/media"
)

func TestReadText(t *testing.T) {
	t.Parallel()
	const audio = "m=audio 4000 RTP/AVP 8"
	for name, test := range map[string]struct {
		lines  []string
		format media.TextFormat
		line   int
		none   bool
	}{
		"with redundancy": {
			lines:  []string{audio, "m=text 5000 RTP/AVP 99 98", "a=rtpmap:98 t140/1000", "a=rtpmap:99 red/1000", "a=fmtp:99 98/98/98"},
			format: media.TextFormat{T140: 98, Redundant: 99}, line: 1,
		},
		"without": {
			lines:  []string{"m=text 5000 RTP/AVP 98", "a=rtpmap:98 T140/1000", audio},
			format: media.TextFormat{T140: 98},
		},
		"redundancy of something else": {
			lines:  []string{audio, "m=text 5000 RTP/AVP 99 98", "a=rtpmap:98 t140/1000", "a=rtpmap:99 red/1000", "a=fmtp:99 98/97"},
			format: media.TextFormat{T140: 98}, line: 1,
		},
		"its rate": {
			lines:  []string{audio, "m=text 5000 RTP/AVP 98", "a=rtpmap:98 t140/1000", "a=fmtp:98 cps=10"},
			format: media.TextFormat{T140: 98, Rate: 10}, line: 1,
		},
		"no rate that is one": {
			lines:  []string{audio, "m=text 5000 RTP/AVP 98", "a=rtpmap:98 t140/1000", "a=fmtp:98 cps=-1"},
			format: media.TextFormat{T140: 98}, line: 1,
		},
		"held": {
			lines:  []string{audio, "m=text 5000 RTP/AVP 98", "a=rtpmap:98 t140/1000", "a=sendonly"},
			format: media.TextFormat{T140: 98, Direction: media.ReceiveOnly}, line: 1,
		},
		"refused":           {lines: []string{audio, "m=text 0 RTP/AVP 98", "a=rtpmap:98 t140/1000"}, none: true},
		"at another rate":   {lines: []string{audio, "m=text 5000 RTP/AVP 98", "a=rtpmap:98 t140/8000"}, none: true},
		"encrypted":         {lines: []string{audio, "m=text 5000 RTP/SAVP 98", "a=rtpmap:98 t140/1000"}, none: true},
		"by another way":    {lines: []string{audio, "m=text 5000 TCP/MSRP *"}, none: true},
		"redundancy alone":  {lines: []string{audio, "m=text 5000 RTP/AVP 99", "a=rtpmap:99 red/1000", "a=fmtp:99 98/98"}, none: true},
		"number beyond 127": {lines: []string{audio, "m=text 5000 RTP/AVP 198", "a=rtpmap:198 t140/1000"}, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readDescription(sdpOf(append([]string{"c=IN IP4 192.0.2.7", "t=0 0"}, test.lines...)...), 0, false)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case test.none:
				if got.text != nil {
					t.Errorf("got %+v", got.text)
				}
			case got.text == nil:
				t.Error("there is none")
			case got.text.format != test.format || got.text.line != test.line || got.text.remote != netip.MustParseAddrPort("192.0.2.7:5000"):
				t.Errorf("got %+v", got.text)
			}
		})
	}
}

// Beside an encrypted voice text would go in the clear: there is none (RFC 4568 by TLS alone, and then always).
func TestNoTextBesideAnEncryptedVoice(t *testing.T) {
	t.Parallel()
	offer, err := readDescription(sdpOf("c=IN IP4 192.0.2.7", "t=0 0", "m=audio 4000 RTP/SAVP 8",
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+strings.Repeat("A", 40), "m=text 5000 RTP/AVP 98", "a=rtpmap:98 t140/1000"), 0, true)
	if err != nil || offer.text != nil {
		t.Errorf("%+v, %v", offer.text, err)
	}
}

// textPeer is a peer's text over RTP, on a port of 127.0.0.1.
type textPeer struct {
	*media.TextStream
	connection *net.UDPConn
	remote     netip.AddrPort // set before anything is written
}

func newTextPeer(t *testing.T) *textPeer {
	t.Helper()
	connection, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p := &textPeer{connection: connection}
	p.TextStream = media.NewTextStream(p)
	if err := p.Start(media.TextFormat{T140: 98, Redundant: 99}); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		buffer := make([]byte, 1500)
		for {
			count, err := connection.Read(buffer)
			if err != nil {
				return
			}
			var packet rtp.Packet
			if packet.Unmarshal(buffer[:count]) == nil {
				_ = p.Receive(&packet)
			}
		}
	}()
	t.Cleanup(func() {
		p.Close()
		_ = connection.Close()
		<-stopped
	})
	return p
}

func (p *textPeer) WriteRTP(header *rtp.Header, payload []byte) error {
	data, err := (&rtp.Packet{Header: *header, Payload: payload}).Marshal()
	if err == nil {
		_, err = p.connection.WriteToUDPAddrPort(data, p.remote)
	}
	return err
}

// line is its part of an offer.
func (p *textPeer) line(direction string) string {
	return fmt.Sprintf("m=text %d RTP/AVP 99 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:99 red/1000\r\na=fmtp:99 98/98/98\r\na=%s\r\n",
		netip.MustParseAddrPort(p.connection.LocalAddr().String()).Port(), direction)
}

// textIn is the port of our text line, which must be the second and as it was asked for.
func textIn(t *testing.T, body []byte, direction string) int {
	t.Helper()
	var parsed sdp.SessionDescription
	if err := parsed.Unmarshal(body); err != nil || len(parsed.MediaDescriptions) != 2 {
		t.Fatalf("%v\n%s", err, body)
	}
	line := parsed.MediaDescriptions[1]
	red, _ := line.Attribute("fmtp")
	_, directed := line.Attribute(direction)
	if line.MediaName.Media != "text" || strings.Join(line.MediaName.Formats, " ") != "99 98" || red != "99 98/98/98" || !directed {
		t.Errorf("text is answered by\n%s", body)
	}
	return line.MediaName.Port.Value
}

// expect reads text until it is what was typed.
func expect(t *testing.T, pieces <-chan string, want string) {
	t.Helper()
	got := ""
	for got != want {
		piece := await(t, pieces, "text")
		if got += piece; piece == "" || !strings.HasPrefix(want, got) {
			t.Fatalf("%q came instead of %q", got, want)
		}
	}
}

// EN 301 549, 6.2: text both ways beside the voice, through hold and its end, to the end of the call.
func TestTextBesideTheVoice(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config, *switchboard){"a stranger": func(*Config, *switchboard) {}, "a trunk": trusting} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, change)
			c := newPeer(t, "UDP", s.Address()).call()
			text := newTextPeer(t)
			c.body = c.offer("8", "") + text.line("sendrecv")
			c.invite()
			a := s.arrival(t)
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			response := c.final("INVITE")
			text.remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(textIn(t, response.Body(), "sendrecv")))
			c.ack(response, "")
			texting := a.leg.(channels.RealTimeText)
			if !texting.TextAble() {
				t.Fatal("no text")
			}
			talk := func(ours, theirs string) {
				t.Helper()
				if err := errors.Join(texting.WriteText(ours), text.Write(theirs)); err != nil {
					t.Fatal(err)
				}
				expect(t, texting.Text(), theirs)
				expect(t, text.Typed(), ours)
			}
			talk("Hej, vad gäller det?", "Datro\b\bor\u2028")
			held := c.reinvite(c.offer("8", "a=inactive\r\n") + text.line("inactive"))
			if port := textIn(t, held, "inactive"); port != int(text.remote.Port()) || texting.TextAble() {
				t.Errorf("text at port %d while it is held", port)
			}
			// What they ask us to offer has it in its place.
			c.within("INVITE", "", "")
			offered := c.finalOf("INVITE", c.sequence)
			if port := textIn(t, offered.Body(), "sendrecv"); port != int(text.remote.Port()) {
				t.Errorf("text is offered at port %d", port)
			}
			c.ack(offered, c.offer("8", "")+text.line("sendrecv"))
			until(t, "text", texting.TextAble)
			talk("Då ser vi.", "Tack!")
			c.bye(a)
			if _, more := <-texting.Text(); more {
				t.Error("there is text after the end")
			}
			if err := texting.WriteText("x"); !errors.Is(err, channels.ErrLegOver) || texting.TextAble() {
				t.Errorf("after the end: %v", err)
			}
			until(t, "free port", func() bool {
				connection, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(text.remote))
				if err == nil {
					_ = connection.Close()
				}
				return err == nil
			})
		})
	}
}

// A call without text takes what is written and sends it nowhere; one that gives text up stays a call.
func TestCallsWithoutText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	texting := a.leg.(channels.RealTimeText)
	if err := texting.WriteText("x"); err != nil || texting.TextAble() {
		t.Errorf("without text: %v", err)
	}
	text := newTextPeer(t)
	textIn(t, c.reinvite(c.offer("8", "")+text.line("sendrecv")), "sendrecv")
	if !texting.TextAble() {
		t.Error("no text after it was offered")
	}
	if answer := string(c.reinvite(c.offer("8", "") + "m=text 0 RTP/AVP 99 98\r\n")); !strings.Contains(answer, "m=text 0 ") || texting.TextAble() {
		t.Errorf("text after its end:\n%s", answer)
	}
	c.bye(a)
}

// Where no ports are left the voice is answered alone.
func TestTextWithoutAPort(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.RTPLast = c.RTPFirst + 1 })
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8", "") + newTextPeer(t).line("sendrecv")
	c.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	response := c.final("INVITE")
	if !strings.Contains(string(response.Body()), "m=text 0 ") {
		t.Errorf("answer:\n%s", response.Body())
	}
	c.ack(response, "")
	c.bye(a)
}
