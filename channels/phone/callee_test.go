package phone

import (
	"fmt"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/identity"
)

const userNumber = identity.Number("+46701740605")

// callee is a carrier that does as it is told, and the user behind it.
type callee struct {
	*peerListener
	t      testing.TB
	voice  *mediatest.Peer
	invite *sip.Request
}

// serveWithCallee starts a gateway whose calls go to a callee.
func serveWithCallee(t testing.TB, changes ...func(*Config, *switchboard)) (*server, *callee) {
	t.Helper()
	c := &callee{peerListener: newPeerListener(t, "UDP"), t: t, voice: mediatest.NewPeer(t, media.PCMA)}
	s := serve(t, append([]func(*Config, *switchboard){withTrunk(Trunk{Name: "callee", Proxies: []string{c.address.String()}})}, changes...)...)
	return s, c
}

// dial calls the user and returns when INVITE is at the callee.
func (c *callee) dial(s *server) channels.DialledLeg {
	c.t.Helper()
	l, err := s.Dial(c.t.Context(), channels.Call{Leg: "leg-1", Contact: "contact-1", Line: "staff", Number: userNumber, Confirmed: true})
	if err != nil {
		c.t.Fatalf("Dial: %v", err)
	}
	c.invite = c.expect(sip.INVITE)
	return l
}

// expect returns the next request of a method, passing over others.
func (c *callee) expect(method sip.RequestMethod) *sip.Request {
	c.t.Helper()
	for {
		if request := c.request(c.t); request.Method == method {
			return request
		}
	}
}

// respond answers a request, by the device of the tag, with a description if there is one.
func (c *callee) respond(request *sip.Request, code int, device, body string) {
	c.t.Helper()
	response := sip.NewResponseFromRequest(request, code, "Reply", nil)
	response.To().Params.Remove("tag") // the library invents one
	if code > 100 {
		response.To().Params.Add("tag", device)
	}
	response.AppendHeader(sip.NewHeader("Contact", "<sip:"+device+"@"+c.address.String()+">"))
	response.AppendHeader(sip.NewHeader("Record-Route", "<sip:"+c.address.String()+";lr>"))
	if body != "" {
		response.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		response.SetBody([]byte(body))
	}
	c.answer(response.String())
}

// pickUp answers the call.
func (c *callee) pickUp(device string) {
	c.t.Helper()
	c.respond(c.invite, 200, device, c.description())
}

func (c *callee) description() string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8 101\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\n", c.voice.Address().Port())
}

// bye hangs up at the user's side.
func (c *callee) bye(device string) {
	c.t.Helper()
	contact := c.invite.Contact().Address
	c.answer(fmt.Sprintf("BYE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		contact.String(), c.address, newBranch(), c.invite.To().Value(), device, c.invite.From().Value(), c.invite.CallID().Value()))
}

// quick makes the timers run out soon.
func quick(c *Config, _ *switchboard) { c.T1 = 5 * time.Millisecond }
