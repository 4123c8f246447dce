package phone

import (
	"testing"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/channels/phone/phonetest"
	"svar/contact"
)

// callersTone is what the caller of these tests says, in hertz.
const callersTone = 500

// telephones are the real ones.
var telephones = map[string]func(testing.TB, phonetest.Account) phonetest.Telephone{
	"baresip": phonetest.NewBaresip, "Linphone": phonetest.NewLinphone,
}

// spokenBy are the codecs and transports that each telephone is tried with.
var spokenBy = []struct {
	transport string
	codec     media.Codec
}{{"udp", media.PCMA}, {"tcp", media.PCMU}, {"udp", media.G722}}

func TestRealTelephonesAreDeskPhones(t *testing.T) {
	t.Parallel()
	for name, start := range telephones {
		for _, way := range spokenBy {
			t.Run(name+" "+way.transport+" "+way.codec.Name(), func(t *testing.T) {
				t.Parallel()
				s := serve(t, withPhones)
				p := start(t, phonetest.Account{Name: "anna", Password: "anna", Server: s.Address(), Transport: way.transport})
				until(t, "registration", func() bool { return s.PhoneRegistered("anna") })
				caller := newSpeaking(t, s, way.codec)
				a := s.connect(t, caller)
				until(t, "voice of the caller", func() bool { return a.leg.(*leg).Stream().Format().Codec == way.codec })
				l := s.ring(t, "anna", a.leg)
				p.AwaitRing(1)
				p.PickUp()
				await(t, l.PickedUp(), "answer")
				if got := l.Stream().Format().Codec; got != way.codec {
					t.Errorf("the telephone speaks %v", got)
				}
				if err := media.Connect(a.leg.(*leg).Stream(), l.Stream()); err != nil {
					t.Fatal(err)
				}
				defer caller.voice.SendTone(a.leg.(*leg).socketAddress(), callersTone)()
				if err := await(t, heard(t.Context(), caller.peer, way.codec, phonetest.Tone), "tone of the telephone"); err != nil {
					t.Errorf("the caller: %v", err)
				}
				p.Hears(callersTone)
				for _, held := range []bool{true, false} {
					if held {
						p.Hold()
					} else {
						p.Resume()
					}
					if got := await(t, l.Held(), "hold"); got != held {
						t.Errorf("held: %v", got)
					}
				}
				if way.transport == "udp" {
					p.HangUp()
					over(t, l, channels.EndedByParty)
				} else {
					l.HangUp()
					over(t, l, channels.EndedByUs)
				}
				p.AwaitEnd(1)

				l = s.ring(t, "anna", a.leg)
				p.AwaitRing(2)
				p.HangUp() // declines
				over(t, l, channels.EndedByParty)
				if l.Failure() == "" {
					t.Error("it is not told that the agent declined")
				}
			})
		}
	}
}

// newSpeaking is a call of a peer that speaks one codec.
func newSpeaking(t testing.TB, s *server, codec media.Codec) *call {
	t.Helper()
	p := newPeer(t, "UDP", s.Address())
	p.voice = mediatest.NewPeer(t, codec)
	c := p.call()
	formats := map[media.Codec]string{media.PCMA: "8 101", media.PCMU: "0 101", media.G722: "9 101"}
	c.body = c.offer(formats[codec], "a=rtpmap:101 telephone-event/8000\r\n")
	return c
}

func TestRealTelephonesCall(t *testing.T) {
	t.Parallel()
	for name, start := range telephones {
		for _, way := range spokenBy {
			t.Run(name+" "+way.transport+" "+way.codec.Name(), func(t *testing.T) {
				t.Parallel()
				s := serve(t)
				p := start(t, phonetest.Account{Name: "caller", Server: s.Address(), Transport: way.transport, Codec: way.codec})
				p.Call(staffNumber)
				a := s.arrival(t)
				if err := a.leg.Answer(t.Context()); err != nil {
					t.Fatal(err)
				}
				other := newSpeaking(t, s, way.codec)
				b := s.connect(t, other)
				until(t, "voice", func() bool { return b.leg.(*leg).Stream().Format().Codec == way.codec })
				if err := media.Connect(a.leg.(*leg).Stream(), b.leg.(*leg).Stream()); err != nil {
					t.Fatal(err)
				}
				defer other.voice.SendTone(b.leg.(*leg).socketAddress(), callersTone)()
				if err := await(t, heard(t.Context(), other.peer, way.codec, phonetest.Tone), "tone of the caller"); err != nil {
					t.Error(err)
				}
				p.Hears(callersTone)
				a.leg.HangUp()
				p.AwaitEnd(1)
			})
		}
	}
}

// The transfer key of a real telephone: it hears that it worked, and its call ends.
func TestRealTelephonesSendTheUserOn(t *testing.T) {
	t.Parallel()
	for name, start := range telephones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			p := start(t, phonetest.Account{Name: "anna", Password: "anna", Server: s.Address(), Transport: "udp"})
			until(t, "registration", func() bool { return s.PhoneRegistered("anna") })
			l := s.ring(t, "anna", nil)
			transfers := make(chan string, 1)
			l.FollowTransfers(func(dialled string, done func(contact.DialFailure)) error {
				done("")
				transfers <- dialled
				return nil
			})
			p.AwaitRing(1)
			p.PickUp()
			await(t, l.PickedUp(), "answer")
			p.Transfer("office")
			if got := await(t, transfers, "transfer"); got != "office" {
				t.Errorf("sent on to %q", got)
			}
			l.HangUp()
			over(t, l, channels.EndedByUs)
			if name == "Linphone" { // busy with that it takes no other; baresip tells nothing of an end after its transfer
				p.AwaitEnd(1)
			}
			l = s.ring(t, "anna", nil) // its call is over, so that this hangs up the next
			p.AwaitRing(2)
			p.HangUp()
			over(t, l, channels.EndedByParty)
		})
	}
}
