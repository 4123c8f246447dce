package phone

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/channeltest"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

// desk is a desk phone: it has registered, and answers what it is told.
type desk struct {
	*registration
	device string
	invite *sip.Request
	// seen are the branches of the requests that came.
	seen map[string]bool
}

// deskPhone registers a phone of the account.
func (s *server) deskPhone(t testing.TB, transport, account string) *desk {
	t.Helper()
	d := &desk{registration: newPeer(t, transport, s.Address()).registration(account), device: newID()}
	d.must(d.register(), 200)
	return d
}

// ring rings an agent's phones.
func (s *server) ring(t testing.TB, agent contact.AgentID, caller channels.Leg) *deskLeg {
	t.Helper()
	l, err := s.Ring(t.Context(), channels.Ring{Leg: "leg-1", Agent: agent, Contact: "contact-1", Caller: caller})
	if err != nil {
		t.Fatalf("Ring: %v", err)
	}
	return l.(*deskLeg)
}

// rings waits for INVITE and says that it rings.
func (d *desk) rings() *desk {
	d.t.Helper()
	d.invite = d.request(sip.INVITE)
	d.reply(d.invite, 180, "")
	return d
}

// reply answers a request, with a description if there is one.
func (d *desk) reply(request *sip.Request, code int, body string) {
	d.t.Helper()
	response := sip.NewResponseFromRequest(request, code, "Reply", nil)
	response.To().Params.Remove("tag") // the library invents one
	response.To().Params.Add("tag", d.device)
	// As behind a NAT: what it believes to be its address leads nowhere.
	response.AppendHeader(sip.NewHeader("Contact", "<sip:anna@192.0.2.7:5062>"))
	if body != "" {
		response.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		response.SetBody([]byte(body))
	}
	d.peer.send(response.String())
}

// pickUp answers the call; its description names an address that it does not have.
func (d *desk) pickUp() {
	d.t.Helper()
	d.reply(d.invite, 200, strings.ReplaceAll(d.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n"), "c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.7"))
}

// within sends a request in the dialog.
func (d *desk) within(method sip.RequestMethod, body string) {
	d.t.Helper()
	if method != sip.ACK {
		d.sequence++
	}
	d.peer.send(d.message(method, body, newBranch()))
}

// message is a request in the dialog.
func (d *desk) message(method sip.RequestMethod, body, branch string) string {
	contentType := ""
	if body != "" {
		contentType = "Content-Type: application/sdp\r\n"
	}
	contact := d.invite.Contact().Address
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\nContact: %s\r\n%s%sContent-Length: %d\r\n\r\n%s",
		method, contact.String(), d.transport, d.local, branch, d.invite.To().Value(), d.device, d.invite.From().Value(),
		d.invite.CallID().Value(), d.sequence, method, d.ownContact(), d.headers, contentType, len(body), body)
}

func TestADeskPhoneRingsAndIsPickedUp(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones, func(c *Config, _ *switchboard) {
				c.ShownTo = func(agent contact.AgentID, line contact.LineID, who identity.CallerID) Shown {
					return Shown{Name: `Personal "` + string(agent) + `" ` + string(line), Number: who.Number}
				}
			})
			d := s.deskPhone(t, transport, "anna")
			caller := newPeer(t, "UDP", s.Address()).call()
			caller.body = caller.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
			a := s.connect(t, caller)
			l := s.ring(t, "anna", a.leg)
			d.rings()
			if from := d.invite.From(); from.DisplayName != `Personal \"anna\" staff` || from.Address.User != "+46846500401" {
				t.Errorf("it shows %q, %q", from.DisplayName, from.Address.User)
			}
			if offer, err := readDescription(d.invite.Body(), 0, false); err != nil || offer.format.Codec != media.PCMA {
				t.Errorf("the offer begins with %v, %v", offer.format, err)
			}
			select {
			case <-l.PickedUp():
				t.Error("picked up before it was")
			default:
			}
			before := l.Record()
			d.pickUp()
			await(t, l.PickedUp(), "answer")
			d.request(sip.ACK) // comes, though the phone names another address
			if err := l.Answer(t.Context()); err != nil {
				t.Error(err)
			}
			if string(l.Record()) == string(before) {
				t.Error("the record has no answered call")
			}
			if err := media.Connect(a.leg.(*leg).Stream(), l.Stream()); err != nil {
				t.Fatal(err)
			}
			callerHears := heard(t.Context(), caller.peer, media.PCMA, 700)
			deskHears := heard(t.Context(), d.peer, media.PCMA, 500)
			defer d.voice.SendTone(voicePort(t, d.invite.Body()), 700)()
			defer caller.voice.SendTone(a.leg.(*leg).socketAddress(), 500)()
			if err := errors.Join(await(t, callerHears, "tone"), await(t, deskHears, "tone")); err != nil {
				t.Error(err)
			}
			d.within(sip.BYE, "")
			if got := d.final(sip.BYE).StatusCode; got != 200 {
				t.Errorf("BYE got %d", got)
			}
			over(t, l, channels.EndedByParty)
			if got := l.Failure(); got != "" {
				t.Errorf("an answered call failed: %s", got)
			}
		})
	}
}

func TestADeskPhoneShowsNobodyWhoIsHidden(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d := s.deskPhone(t, "UDP", "anna")
	l := s.ring(t, "anna", nil)
	d.rings()
	if from := d.invite.From(); from.DisplayName != "" || from.Address.User != "anonymous" || from.Address.Host != "anonymous.invalid" {
		t.Errorf("it shows:\n%s", d.invite)
	}
	l.HangUp()
	over(t, l, channels.EndedByUs)
	d.reply(d.request(sip.CANCEL), 200, "")
	d.reply(d.invite, 487, "")
	d.request(sip.ACK)
}

// The phone rings on after somebody else answered: flex-project-template#303.
func TestTheFirstTelephoneHasTheCall(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	one, other, bos := s.deskPhone(t, "UDP", "anna"), s.deskPhone(t, "TCP", "anna"), s.deskPhone(t, "UDP", "bo")
	l := s.ring(t, "anna", nil)
	one.rings()
	other.rings()
	if got := len(recordsIn(l.Record())); got != 2 || len(l.Record()) > maxRecord {
		t.Errorf("the record of two ringing telephones has %d calls", got)
	}
	other.pickUp()
	await(t, l.PickedUp(), "answer")
	other.request(sip.ACK)
	one.reply(one.request(sip.CANCEL), 200, "")
	one.pickUp() // at the same moment
	one.request(sip.ACK)
	one.reply(one.request(sip.BYE), 200, "")
	l.HangUp()
	over(t, l, channels.EndedByUs)
	other.reply(other.request(sip.BYE), 200, "")
	if l := s.ring(t, "bo", nil); len(l.rings) != 1 {
		t.Errorf("%d telephones ring for bo", len(l.rings))
	}
	bos.rings() // his first call
}

func TestTelephonesThatAreNotPickedUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		codes   []int
		ending  channels.Ending
		failure contact.DialFailure
	}{
		"busy":                           {[]int{486}, channels.EndedByParty, contact.DialBusy},
		"declined":                       {[]int{603}, channels.EndedByParty, contact.DialRefused},
		"do not disturb":                 {[]int{480}, channels.EndedByParty, contact.DialNoAnswer},
		"it can not":                     {[]int{488}, channels.EndedByFault, contact.DialRefused},
		"it wants us to call elsewhere":  {[]int{302}, channels.EndedByFault, contact.DialRefused},
		"one is busy, the other can not": {[]int{500, 486}, channels.EndedByParty, contact.DialBusy},
		"one can not, the other is busy": {[]int{486, 500}, channels.EndedByParty, contact.DialBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			var desks []*desk
			for range test.codes {
				desks = append(desks, s.deskPhone(t, "UDP", "anna"))
			}
			l := s.ring(t, "anna", nil)
			for i, d := range desks {
				d.rings()
				d.reply(d.invite, test.codes[i], "")
				d.request(sip.ACK)
			}
			over(t, l, test.ending)
			if got := l.Failure(); got != test.failure {
				t.Errorf("failure %q", got)
			}
			if err := l.Answer(t.Context()); !errors.Is(err, channels.ErrLegOver) {
				t.Errorf("Answer after the end: %v", err)
			}
		})
	}
	t.Run("declined for all", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withPhones)
		one, other := s.deskPhone(t, "UDP", "anna"), s.deskPhone(t, "UDP", "anna")
		l := s.ring(t, "anna", nil)
		one.rings()
		other.rings()
		one.reply(one.invite, 603, "")
		other.reply(other.request(sip.CANCEL), 200, "")
		other.reply(other.invite, 487, "")
		over(t, l, channels.EndedByParty)
	})
	t.Run("none is registered", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withPhones)
		if _, err := s.Ring(t.Context(), channels.Ring{Leg: "leg-1", Agent: "anna"}); !errors.Is(err, ErrNoPhone) {
			t.Errorf("Ring: %v", err)
		}
	})
}

// The phone's own hold is answered rightly, and told.
func TestADeskPhoneHolds(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	d := s.deskPhone(t, "UDP", "anna")
	l := s.ring(t, "anna", nil)
	d.rings().pickUp()
	await(t, l.PickedUp(), "answer")
	d.request(sip.ACK)
	for _, step := range []struct {
		theirs, ours string
		held         bool
	}{{"sendonly", "recvonly", true}, {"sendrecv", "sendrecv", false}, {"inactive", "inactive", true}, {"sendrecv", "sendrecv", false}} {
		d.within(sip.INVITE, d.offer("8 101", "a=rtpmap:101 telephone-event/8000\r\na="+step.theirs+"\r\n"))
		response := d.final(sip.INVITE)
		if response.StatusCode != sip.StatusOK || !strings.Contains(string(response.Body()), "a="+step.ours+"\r\n") {
			t.Errorf("%s got:\n%s", step.theirs, response)
		}
		d.within(sip.ACK, "")
		if held := await(t, l.Held(), "hold"); held != step.held {
			t.Errorf("after %s: held %v", step.theirs, held)
		}
	}
	l.HangUp()
	d.reply(d.request(sip.BYE), 200, "")
}

// Whoever gets at a desk phone can call nobody by it.
func TestDeskPhonesDialNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones, withTrunk(Trunk{Name: "carrier", Proxies: []string{"127.0.0.1:9"}}))
	d := s.deskPhone(t, "UDP", "anna")
	c := d.call()
	c.user, c.from = "+46701740605", "<sip:anna@127.0.0.1>"
	c.invite()
	challenge := c.final(sip.INVITE)
	d.takeNonce(challenge)
	c.ack(challenge, "")
	c.toTag, c.branch = "", newBranch()
	c.sequence++
	uri := "sip:" + c.user + "@" + c.target.String()
	c.headers = d.credentials("INVITE", uri)
	c.invite()
	refused := c.final(sip.INVITE)
	if refused.StatusCode != sip.StatusForbidden {
		t.Errorf("dialling out got:\n%s", refused)
	}
	c.ack(refused, "")
	stranger := newPeer(t, "UDP", s.Address()).call()
	stranger.user, stranger.headers = "+46701740605", d.credentials("INVITE", uri)
	stranger.invite()
	if got := stranger.final(sip.INVITE).StatusCode; got != 404 {
		t.Errorf("a stranger's call got %d", got)
	}
	// A line of ours may be rung by everybody, as from any telephone.
	own := d.call()
	own.invite()
	s.arrival(t)
}

// What an earlier process left ringing or talking is ended by the record.
func TestRecordsOfDeskPhonesEndTheirCalls(t *testing.T) {
	t.Parallel()
	s := serve(t, withPhones)
	one, other := s.deskPhone(t, "UDP", "anna"), s.deskPhone(t, "UDP", "anna")
	l := s.ring(t, "anna", nil)
	one.rings()
	other.rings()
	ringing := l.Record()
	ended := make(chan error, 1)
	end := func(record []byte) { ended <- s.EndOrphan(t.Context(), record) }
	go end(ringing)
	cancelled := make(chan struct{}, 2)
	for _, d := range []*desk{one, other} {
		go func() {
			d.reply(d.request(sip.CANCEL), 200, "")
			cancelled <- struct{}{}
		}()
	}
	await(t, cancelled, "CANCEL")
	await(t, cancelled, "CANCEL")
	if err := await(t, ended, "end"); err != nil {
		t.Error(err)
	}
	one.pickUp()
	await(t, l.PickedUp(), "answer")
	one.request(sip.ACK)
	go end(l.Record())
	one.reply(one.request(sip.BYE), 200, "")
	if err := await(t, ended, "end"); err != nil {
		t.Error(err)
	}
}

func TestContractOfDeskPhones(t *testing.T) {
	t.Parallel()
	channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture {
		s := serve(t, withPhones)
		c := &callee{peerListener: newPeerListener(t, "UDP"), t: t, voice: newPeer(t, "UDP", s.Address()).voice}
		s.registrar.fulfilFor(t, c)
		l := s.ring(t, "anna", nil)
		return channeltest.Fixture{
			Leg: l, Party: newUser(c),
			Long: channels.Prompt{Name: "long", Language: "sv"}, Short: channels.Prompt{Name: "music", Language: "sv"},
		}
	})
}

// fulfilFor registers a callee as anna's phone, without its sending anything.
func (r *registrar) fulfilFor(t testing.TB, c *callee) {
	t.Helper()
	request := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "127.0.0.1"})
	callID := sip.CallIDHeader(newID())
	request.AppendHeader(&callID)
	request.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.REGISTER})
	request.SetTransport("UDP")
	request.SetSource(c.address.String())
	secret, _ := r.phones.PhoneSecret("anna")
	wishes := []wish{{device: "one", target: "sip:anna@" + c.address.String(), seconds: maxRegistration}}
	if refusal := r.fulfil("anna", secret, request, wishes); refusal != nil {
		t.Fatalf("not registered: %d %s", refusal.code, refusal.reason)
	}
}
