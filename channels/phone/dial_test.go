package phone

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

func TestAUserIsCalledHeardAndHungUpOn(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	if l.ID() != "leg-1" {
		t.Errorf("the leg is %q", l.ID())
	}
	invite := user.invite
	asserted := invite.GetHeader("P-Asserted-Identity")
	if from := invite.From(); from.Address.User != staffNumber || from.DisplayName != "" || asserted == nil || !strings.Contains(asserted.Value(), staffNumber) {
		t.Errorf("INVITE does not show the line's number:\n%s", invite)
	}
	if invite.Recipient.User != string(userNumber) || invite.To().Address.User != string(userNumber) || tag(invite.To().Params) != "" {
		t.Errorf("INVITE does not call the user:\n%s", invite)
	}
	if _, err := readDescription(invite.Body(), 0, false); err != nil {
		t.Errorf("INVITE's offer: %v", err)
	}
	user.respond(invite, 100, "", "")
	user.respond(invite, 180, "phone", "")
	select {
	case <-l.Done():
		t.Fatal("a call that rings is over")
	default:
	}
	user.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatalf("Answer: %v", err)
	}
	ack := user.expect(sip.ACK)
	if tag(ack.To().Params) != "phone" || branchOf(ack) == branchOf(invite) || ack.CSeq().SeqNo != invite.CSeq().SeqNo {
		t.Errorf("ACK is\n%s", ack)
	}
	if err := l.(channels.Prompter).Loop(channels.Prompt{Name: "music", Language: "sv"}); err != nil {
		t.Fatal(err)
	}
	if _, err := user.voice.Recorder.WaitTone(t.Context(), media.PCMA, 620); err != nil {
		t.Errorf("the user hears nothing: %v", err)
	}
	l.HangUp()
	over(t, l, channels.EndedByUs)
	bye := user.expect(sip.BYE)
	if tag(bye.To().Params) != "phone" || bye.CSeq().SeqNo <= invite.CSeq().SeqNo || bye.Recipient.User != "phone" {
		t.Errorf("BYE is\n%s", bye)
	}
	user.respond(bye, 200, "phone", "")
	if l.Failure() != "" {
		t.Errorf("an answered call failed by %q", l.Failure())
	}
}

func TestAUserWhoWasCalledHangsUp(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	user.bye("phone")
	over(t, l, channels.EndedByParty)
}

func TestWhyAUserIsNotReached(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]contact.DialFailure{
		486: contact.DialBusy, 600: contact.DialBusy, 480: contact.DialNoAnswer, 408: contact.DialNoAnswer,
		403: contact.DialRefused, 404: contact.DialRefused, 503: contact.DialRefused, 603: contact.DialRefused,
		302: contact.DialRefused, // never followed: the carrier would choose whom we call
	} {
		s, user := serveWithCallee(t)
		l := user.dial(s)
		user.respond(user.invite, 180, "phone", "")
		user.respond(user.invite, code, "phone", "")
		over(t, l, channels.EndedByParty)
		if got := l.Failure(); got != want {
			t.Errorf("%d is %q; want %q", code, got, want)
		}
		if ack := user.expect(sip.ACK); branchOf(ack) != branchOf(user.invite) {
			t.Errorf("the ACK of %d is\n%s", code, ack)
		}
		if err := l.Answer(t.Context()); !errors.Is(err, channels.ErrLegOver) {
			t.Errorf("Answer after %d: %v", code, err)
		}
	}
}

func TestACarrierThatSaysNothing(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t, quick)
	l := user.dial(s)
	over(t, l, channels.EndedByParty)
	if l.Failure() != contact.DialNoAnswer {
		t.Errorf("the failure is %q", l.Failure())
	}
}

func TestGivingUpSendsCANCEL(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.respond(user.invite, 180, "phone", "")
	l.HangUp()
	over(t, l, channels.EndedByUs)
	if l.Failure() != contact.DialCancelled {
		t.Errorf("the failure is %q", l.Failure())
	}
	cancel := user.expect(sip.CANCEL)
	if branchOf(cancel) != branchOf(user.invite) || cancel.CSeq().SeqNo != user.invite.CSeq().SeqNo ||
		tag(cancel.To().Params) != "" || cancel.Recipient.String() != user.invite.Recipient.String() {
		t.Errorf("CANCEL is\n%s", cancel)
	}
	user.respond(cancel, 200, "phone", "")
	user.respond(user.invite, 487, "phone", "")
	user.expect(sip.ACK)
	s.waitIdle()
	if got := s.Stats().Active; got != 0 {
		t.Errorf("%d calls are left", got)
	}
}

// RFC 3261 §9.1: no CANCEL before the other side said anything.
func TestGivingUpWaitsForASign(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	l.HangUp()
	over(t, l, channels.EndedByUs)
	user.respond(user.invite, 100, "", "")
	for {
		request := user.request(t)
		if request.Method == sip.INVITE {
			continue // a repetition
		}
		if request.Method != sip.CANCEL {
			t.Errorf("%s came", request.Method)
		}
		user.respond(request, 200, "phone", "")
		break
	}
	user.respond(user.invite, 487, "phone", "")
	user.expect(sip.ACK)
}

func TestAnAnswerThatCrossesCANCEL(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.respond(user.invite, 180, "phone", "")
	l.HangUp()
	user.expect(sip.CANCEL)
	user.pickUp("phone")
	if ack := user.expect(sip.ACK); tag(ack.To().Params) != "phone" {
		t.Errorf("ACK is\n%s", ack)
	}
	bye := user.expect(sip.BYE)
	if tag(bye.To().Params) != "phone" {
		t.Errorf("BYE is\n%s", bye)
	}
	user.respond(bye, 200, "phone", "")
	over(t, l, channels.EndedByUs)
	if l.Failure() != contact.DialCancelled {
		t.Errorf("the failure is %q", l.Failure())
	}
}

func TestRepeatedAndFurtherAnswers(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.pickUp("phone")
	user.expect(sip.ACK)
	user.pickUp("phone") // the ACK was lost
	if ack := user.expect(sip.ACK); tag(ack.To().Params) != "phone" {
		t.Errorf("the second ACK is\n%s", ack)
	}
	user.pickUp("tablet") // another device, at the same moment
	if ack := user.expect(sip.ACK); tag(ack.To().Params) != "tablet" {
		t.Errorf("the ACK of the other device is\n%s", ack)
	}
	bye := user.expect(sip.BYE)
	if tag(bye.To().Params) != "tablet" {
		t.Errorf("BYE is\n%s", bye)
	}
	user.respond(bye, 200, "tablet", "")
	if err := l.Answer(t.Context()); err != nil {
		t.Errorf("the first device's call: %v", err)
	}
}

func TestAnAnswerWithoutUsableVoice(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.respond(user.invite, 200, "phone", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 18\r\n")
	user.expect(sip.ACK)
	user.expect(sip.BYE)
	over(t, l, channels.EndedByFault)
	if l.Failure() != contact.DialRefused {
		t.Errorf("the failure is %q", l.Failure())
	}
}

// After kill -9 another process ends what was dialled, ringing or answered.
func TestADialledLegIsEndedByItsRecord(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	ringing := l.Record()
	other := serve(t)
	ended := make(chan error, 1)
	go func() { ended <- other.EndOrphan(context.Background(), ringing) }()
	cancel := user.expect(sip.CANCEL)
	if branchOf(cancel) != branchOf(user.invite) || cancel.CallID().Value() != user.invite.CallID().Value() {
		t.Errorf("CANCEL is\n%s", cancel)
	}
	user.respond(cancel, 481, "phone", "")
	if err := await(t, ended, "end of the orphan"); err != nil {
		t.Error(err)
	}
}

func TestAnAnsweredLegIsEndedByItsRecord(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.pickUp("phone")
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := serve(t)
	ended := make(chan error, 1)
	go func() { ended <- other.EndOrphan(context.Background(), l.Record()) }()
	bye := user.expect(sip.BYE)
	if tag(bye.To().Params) != "phone" || tag(bye.From().Params) != tag(user.invite.From().Params) {
		t.Errorf("BYE is\n%s", bye)
	}
	user.respond(bye, 200, "phone", "")
	if err := await(t, ended, "end of the orphan"); err != nil {
		t.Error(err)
	}
}

func TestAShutdownCancelsWhatRings(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	l := user.dial(s)
	user.respond(user.invite, 180, "phone", "")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.stop()
	}()
	user.respond(user.expect(sip.CANCEL), 200, "phone", "")
	user.respond(user.invite, 487, "phone", "")
	over(t, l, channels.EndedByUs)
	await(t, stopped, "end of Serve")
}

func TestCallsThatAreNotDialled(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t)
	for number, reason := range map[identity.Number]string{
		"":                     "no number",
		"112":                  "an emergency number",
		"+46112":               "an emergency number with a country code",
		"118118":               "directory enquiries",
		"+46118118":            "directory enquiries with a country code",
		"0701740605":           "a number without country code",
		"+46900123456":         "premium rate",
		"+46939123456":         "premium rate",
		"+46944123456":         "premium rate",
		"+46771234567":         "shared cost",
		"+46991234567":         "mass calling",
		"+460900123456":        "premium rate behind a zero",
		"+4690":                "a beginning only",
		"+88216123456":         "a satellite",
		"+15005550006":         "another country",
		"+252612345678":        "another country",
		"+4670174060512345678": "too long",
		"+46701740605;x=y":     "parameters",
		"+46701740605@a":       "another host",
		"+46701740605\r\n":     "a line break",
		"sip:a@b":              "an address",
		staffNumber:            "a line of ours",
	} {
		if l, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: number, Confirmed: true}); !errors.Is(err, ErrNotDialled) {
			t.Errorf("%s: %v, %v", reason, l, err)
		} else if number != "" && strings.Contains(err.Error(), string(number)) {
			t.Errorf("%s: the error tells the number: %v", reason, err)
		}
	}
	for _, line := range []contact.LineID{"nobody", "test", ""} {
		if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: line, Number: userNumber, Confirmed: true}); !errors.Is(err, ErrNotDialled) {
			t.Errorf("from line %q: %v", line, err)
		}
	}
	if _, err := serve(t).Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: userNumber, Confirmed: true}); !errors.Is(err, ErrNotDialled) {
		t.Errorf("without a carrier: %v", err)
	}
	for _, number := range []identity.Number{userNumber, "+4611812345", "+468123456", "+46850800999"} {
		if err := s.permit(number, true); err != nil {
			t.Errorf("an ordinary number: %v", err)
		}
	}
}

func TestTooManyCallsOfOurs(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t, func(c *Config, _ *switchboard) { c.DialPlan.MaxCalls = 1 })
	l := user.dial(s)
	if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg-2", Contact: "contact-2", Line: "staff", Number: userNumber, Confirmed: true}); !errors.Is(err, ErrNotDialled) {
		t.Errorf("a second call: %v", err)
	}
	user.respond(user.invite, 486, "phone", "")
	over(t, l, channels.EndedByParty)
	s.waitIdle()
	user.dial(s)
}
