package phone

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/rtp"

	"svar/channels"
	"svar/channels/channeltest"
	"svar/channels/media/mediatest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture {
		s := serve(t)
		call := newPeer(t, "UDP", s.Address()).call()
		call.body = call.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n") // what its voice speaks
		phone := newPhone(call)
		phone.call.invite()
		a := s.arrival(t)
		return channeltest.Fixture{
			Leg: a.leg, Party: phone,
			Long: channels.Prompt{Name: "long", Language: "sv"}, Short: channels.Prompt{Name: "music", Language: "sv"},
		}
	})
}

// phone is a caller who does by himself what the protocol asks of him.
type phone struct {
	mutex    sync.Mutex
	call     *call
	answered bool
	leaving  bool
	up       chan struct{} // closed with the ACK
	answer   []byte
	pressed  uint32
	ears     ears
}

// ears hear keys out of what a voice received.
type ears struct{ heard int }

// next waits for the next telephone event and returns its key.
func (e *ears) next(ctx context.Context, voice *mediatest.Peer) (byte, error) {
	for look := time.NewTicker(time.Millisecond); ; {
		seen := 0
		for _, packet := range voice.Packets() {
			if packet.PayloadType != 101 || !packet.Marker {
				continue
			}
			if seen++; seen > e.heard {
				e.heard++
				return "0123456789*#ABCD"[packet.Payload[0]], nil
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("no key came: %w", ctx.Err())
		}
	}
}

// Heard waits for the next key that is pressed towards the phone.
func (p *phone) Heard(ctx context.Context) (byte, error) { return p.ears.next(ctx, p.call.voice) }

// Talk sends a tone to the end of the test.
func (p *phone) Talk() {
	await(p.call.t, p.up, "answer")
	p.call.voice.SendTone(voicePort(p.call.t, p.answer), 440)
}

func newPhone(c *call) *phone {
	p := &phone{call: c, up: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.listen()
	}()
	c.t.Cleanup(func() {
		c.conn.Close()
		<-done
	})
	return p
}

func (p *phone) listen() {
	buffer := make([]byte, 65536)
	for {
		count, err := p.call.conn.Read(buffer)
		if err != nil {
			return
		}
		message, err := sip.ParseMessage(buffer[:count])
		if err != nil {
			continue
		}
		p.mutex.Lock()
		switch message := message.(type) {
		case *sip.Response:
			if message.CSeq().MethodName == sip.INVITE && !message.IsProvisional() {
				p.acknowledge(message)
			}
		case *sip.Request:
			if message.Method != sip.ACK {
				_, _ = p.call.conn.Write([]byte(sip.NewResponseFromRequest(message, 200, "OK", nil).String()))
			}
		}
		p.mutex.Unlock()
	}
}

// acknowledge sends ACK, and BYE if the answer crossed a CANCEL. The test may be over already,
// and the socket closed.
func (p *phone) acknowledge(response *sip.Response) {
	c := p.call
	c.toTag = tag(response.To().Params)
	branch := c.branch
	if response.IsSuccess() {
		branch = "z9hG4bK" + newID()
	}
	_, _ = c.conn.Write([]byte(c.message(sip.ACK, branch, "", "")))
	if !response.IsSuccess() || p.answered {
		return
	}
	p.answered, p.answer = true, response.Body()
	close(p.up)
	if p.leaving {
		p.bye()
	}
}

func (p *phone) bye() {
	p.call.sequence++
	_, _ = p.call.conn.Write([]byte(p.call.message(sip.BYE, "z9hG4bK"+newID(), "", "")))
}

// HangUp sends CANCEL before the answer and BYE after it.
func (p *phone) HangUp() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.answered {
		p.bye()
		return
	}
	p.leaving = true
	p.call.send(p.call.message(sip.CANCEL, p.call.branch, "", ""))
}

// Press presses a key.
func (p *phone) Press(digit byte) {
	await(p.call.t, p.up, "answer")
	p.pressed++
	pressKey(p.call.t, p.call.peer.eventSender(), voicePort(p.call.t, p.answer), p.pressed, digit)
}

// pressKey sends one telephone event: its beginning and three ends (RFC 4733 §2.5.1.4).
func pressKey(t testing.TB, sender *net.UDPConn, remote netip.AddrPort, count uint32, digit byte) {
	events := map[byte]byte{'*': 10, '#': 11, 'A': 12, 'B': 13, 'C': 14, 'D': 15}
	event, special := events[digit]
	if !special {
		event = digit - '0'
	}
	for i, flags := range []byte{0x0A, 0x8A, 0x8A, 0x8A} {
		packet := rtp.Packet{
			Header: rtp.Header{
				Version: 2, PayloadType: 101, SSRC: 77, Timestamp: count * 8000,
				SequenceNumber: uint16(count*10) + uint16(i), Marker: i == 0,
			},
			Payload: []byte{event, flags, 0, 160},
		}
		data, err := packet.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sender.WriteToUDPAddrPort(data, remote); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // as packets are apart on a wire
	}
}

func TestContractOfCallsOfOurs(t *testing.T) {
	t.Parallel()
	channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture {
		s, c := serveWithCallee(t)
		l, err := s.Dial(t.Context(), channels.Call{Leg: "leg-1", Contact: "contact-1", Line: "staff", Number: userNumber, Confirmed: true})
		if err != nil {
			t.Fatal(err)
		}
		return channeltest.Fixture{
			Leg: l, Party: newUser(c),
			Long: channels.Prompt{Name: "long", Language: "sv"}, Short: channels.Prompt{Name: "music", Language: "sv"},
		}
	})
}

// user is somebody who is called and picks up at once.
type user struct {
	*callee
	voicePort netip.AddrPort
	events    *net.UDPConn
	pressed   uint32
	up        chan struct{} // closed with the ACK
	ears      ears
}

// Heard waits for the next key that is pressed towards the user.
func (u *user) Heard(ctx context.Context) (byte, error) { return u.ears.next(ctx, u.voice) }

// Talk sends a tone to the end of the test.
func (u *user) Talk() {
	await(u.t, u.up, "ACK")
	u.voice.SendTone(u.voicePort, 440)
}

func newUser(c *callee) *user {
	c.t.Helper()
	events, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.t.Fatal(err)
	}
	u := &user{callee: c, events: events, up: make(chan struct{})}
	u.invite = c.expect(sip.INVITE)
	u.voicePort = voicePort(c.t, u.invite.Body())
	stop, done := make(chan struct{}), make(chan struct{})
	c.respond(u.invite, 180, "phone", "")
	c.pickUp("phone")
	go func() {
		defer close(done)
		u.listen(stop)
	}()
	c.t.Cleanup(func() {
		close(stop)
		<-done
		events.Close()
	})
	return u
}

func (u *user) listen(stop chan struct{}) {
	up := sync.OnceFunc(func() { close(u.up) })
	for {
		select {
		case got := <-u.messages:
			switch got.request.Method {
			case sip.ACK:
				up()
			case sip.INVITE: // a repetition
			default:
				got.reply(sip.NewResponseFromRequest(got.request, 200, "OK", nil).String())
			}
		case <-stop:
			return
		}
	}
}

// HangUp hangs up once the call is up, which it soon is.
func (u *user) HangUp() {
	await(u.t, u.up, "ACK")
	u.bye("phone")
}

// Press presses a key.
func (u *user) Press(digit byte) {
	await(u.t, u.up, "ACK")
	u.pressed++
	pressKey(u.t, u.events, u.voicePort, u.pressed, digit)
}
