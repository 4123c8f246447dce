package phone

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/identity"
)

// Whoever gets at an agent's account, a desk phone or a caller's number tries to make us call what pays him.

// reason is why the dial plan refuses a text that somebody wants to be called, or "".
func (s *server) reason(text string, confirmed bool) Refusal {
	number, err := s.readDialled(text)
	if err == nil {
		err = s.permit(number, confirmed)
	}
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

func TestPremiumNumbersInDisguise(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t)
	for _, text := range []string{
		"0900-123 456", "+46 900 123456", "+46 0900 123456", "+46(0)900123456", "0046900123456", "46900123456", "00460900123456",
		"+46\u00a0900\u2011123456", "tel:+46900123456", "tel:900123456;phone-context=+46", "tel:0900123456;phone-context=+46",
		"sip:+46900123456@carrier.example", "sips:0900123456@h;user=phone", "sip:%2B46900123456@h", "sip:0900123456;phone-context=+46@h",
		"sip:0900123456:secret@h", "TEL:+46-900-123456", "0939123456", "0944-123 456", "099123456", "+46 77 1234567", "0718123456",
		"+4690", "118118", "+46118118", "tel:118118;phone-context=+46",
	} {
		if got := s.reason(text, true); got != RefusedCostly && got != RefusedNumber {
			t.Errorf("%q is refused by %q", text, got)
		}
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t)
	for _, text := range []string{
		"", "+", "anna", "sip:anna@h", "sip:+46701740605%40evil@h", "+4670174060٥", "＋46701740605", "+４６701740605", "०९००123456", "+46701740605\r\nX: y",
		"+46701740605w1", "+46701740605,,1", "*21*+46701740605#", "sip:%30900123456@h", "tel:+46701740605%3B", "http://h/", "mailto:a@b",
		"sip:@h", "tel:", strings.Repeat("1", 100), "+46701740605+46900123456", "++46701740605",
	} {
		if got := s.reason(text, true); got == "" {
			t.Errorf("%q may be called", text)
		}
	}
}

func TestOtherCountriesInDisguise(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t)
	for _, text := range []string{
		"+15005550006", "0015005550006", "tel:5005550006;phone-context=+1", "sip:+15005550006;phone-context=+46@h", "00882161234567", "+252612345678",
		"tel:701740605;phone-context=+1900", "011 1 500 555 0006",
	} {
		if got := s.reason(text, true); got == "" {
			t.Errorf("%q may be called", text)
		}
	}
}

// A call to a line of ours would come back, and again, until every trunk is full.
func TestOurLinesInDisguise(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t, func(c *Config, _ *switchboard) { c.Lines[0].Shown = "+46850800777" })
	for _, text := range []string{
		staffNumber, "08-508 001 00", "0046850800100", "46850800100", "tel:850800100;phone-context=+46", "sip:+46850800100;ext=5@h", "+46 (0)8 508 001 00",
		"020-00 00 00", "+4620000000", "08-508 007 77",
	} {
		if got := s.reason(text, true); got != RefusedOurs && got != RefusedCostly && got != RefusedNumber {
			t.Errorf("%q is refused by %q", text, got)
		}
	}
	if got := s.reason(staffNumber, true); got != RefusedOurs {
		t.Errorf("a line of ours is refused by %q", got)
	}
}

func TestANumberThatNobodyVouchesForWantsALook(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t)
	call := channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: userNumber}
	var refused *RefusedError
	if _, err := s.Dial(t.Context(), call); !errors.As(err, &refused) || refused.Reason != RefusedUnconfirmed || !errors.Is(err, ErrNotDialled) {
		t.Errorf("nobody looked at it: %v", err)
	}
	call.Confirmed = true
	if _, err := s.Dial(t.Context(), call); err != nil {
		t.Error(err)
	}
	user.expect(sip.INVITE)
}

func TestEmergencyCalls(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t)
	for _, text := range []string{"112", "tel:112", "sip:112@h"} {
		if got := s.reason(text, false); got != RefusedEmergency {
			t.Errorf("%q is refused by %q", text, got)
		}
	}
	_, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: "112"})
	if err == nil || !strings.Contains(err.Error(), "another telephone") {
		t.Errorf("112 without a trunk is refused by words: %v", err)
	}
	if got := s.Stats().CallsRefused[RefusedEmergency]; got != 4 {
		t.Errorf("%d refused emergency calls were counted", got)
	}
	// With a trunk nothing holds them: no limit, no confirmation, no other route.
	other, rescue := newProxy(t), newProxy(t)
	s = serve(t, withTrunk(Trunk{Name: "other", Proxies: []string{other.address.String()}}), withTrunk(Trunk{Name: "rescue", Proxies: []string{rescue.address.String()}, MaxCalls: 1}),
		func(c *Config, _ *switchboard) {
			c.Routes[0].Trunks = []string{"other"}
			c.DialPlan = DialPlan{Emergency: "rescue", MaxCalls: 1, CallsPerHour: 1, NumberPerHour: 1}
		})
	s.dial(t, "leg-1")
	for _, number := range []identity.Number{"112", "+46112", "112"} {
		if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: number}); err != nil {
			t.Errorf("an emergency call: %v", err)
			continue
		}
		if invite := rescue.expect(sip.INVITE); invite.Recipient.User != "112" {
			t.Errorf("the emergency call is\n%s", invite)
		}
	}
}

func TestShortNumbersThatAreAllowed(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t, func(c *Config, _ *switchboard) { c.DialPlan.Short = []identity.Number{"11414"} })
	if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: "11414", Confirmed: true}); err != nil {
		t.Fatal(err)
	}
	if invite := user.expect(sip.INVITE); invite.Recipient.User != "11414" {
		t.Errorf("INVITE is\n%s", invite)
	}
	if got := s.reason("118118", true); got == "" {
		t.Error("directory enquiries may be called")
	}
}

// Calls at the same moment share the limits: none slips through between looking and counting.
func TestParallelCallsShareTheLimits(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		plan  DialPlan
		trunk Trunk
		want  Refusal
	}{
		"at one time":       {DialPlan{MaxCalls: 3}, Trunk{}, RefusedTooMany},
		"of a number":       {DialPlan{MaxCalls: 100, NumberPerHour: 3}, Trunk{}, RefusedNumberOften},
		"of an hour":        {DialPlan{MaxCalls: 100, NumberPerHour: 100, CallsPerHour: 3}, Trunk{}, RefusedHour},
		"of a trunk":        {DialPlan{MaxCalls: 100, NumberPerHour: 100}, Trunk{MaxCalls: 3}, RefusedTrunk},
		"of a trunk's hour": {DialPlan{MaxCalls: 100, NumberPerHour: 100}, Trunk{CallsPerHour: 3}, RefusedTrunk},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			const callers = 12
			user := newProxy(t)
			test.trunk.Name, test.trunk.Proxies = "carrier", []string{user.address.String()}
			s := serve(t, withTrunk(test.trunk), func(c *Config, _ *switchboard) { c.DialPlan = test.plan })
			var through, refused atomic.Int32
			var work sync.WaitGroup
			for range callers {
				work.Go(func() {
					_, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: userNumber, Confirmed: true})
					var why *RefusedError
					if err == nil {
						through.Add(1)
					} else if errors.As(err, &why) && why.Reason == test.want {
						refused.Add(1)
					}
				})
			}
			work.Wait()
			if through.Load() != 3 || refused.Load() != callers-3 {
				t.Errorf("%d calls of %d went through, %d were refused by %q", through.Load(), callers, refused.Load(), test.want)
			}
			if got := s.Stats().CallsRefused[test.want]; got != callers-3 {
				t.Errorf("%d were counted", got)
			}
		})
	}
}

// A limit holds over rotating spellings of one number.
func TestRotatingSpellingsAreOneNumber(t *testing.T) {
	t.Parallel()
	s, _ := serveWithCallee(t, func(c *Config, _ *switchboard) { c.DialPlan.NumberPerHour = 2 })
	through := 0
	for _, text := range []string{"0701-740 605", "+46701740605", "0046701740605", "tel:701740605;phone-context=+46", "sip:%2B46701740605@h", "+46 (0)70 174 06 05"} {
		number, err := s.readDialled(text)
		if err != nil {
			continue
		}
		if _, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: number, Confirmed: true}); err == nil {
			through++
		}
	}
	if through != 2 {
		t.Errorf("%d calls went through", through)
	}
}

// A carrier, or who forges its answers, may not choose whom we call.
func TestARedirectionIsNotFollowed(t *testing.T) {
	t.Parallel()
	user, elsewhere := newProxy(t), newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{user.address.String()}}))
	l := user.dial(s)
	user.ask(user.invite, 302, sip.NewHeader("Contact", "<sip:+46900123456@"+elsewhere.address.String()+">"))
	over(t, l, channels.EndedByParty)
	s.waitIdle()
	select {
	case got := <-elsewhere.messages:
		t.Errorf("the redirection was followed:\n%s", got.request)
	default:
	}
}

// The transfer key of a desk phone is no way round the dial plan: whoever decides about transfers is asked for what is no
// disguise, and nothing is called from the telephone's word.
func TestATransferKeyDialsNobody(t *testing.T) {
	t.Parallel()
	s, user := serveWithCallee(t, withPhones)
	d, l, decides := s.talking(t, "TCP")
	decides.refusal = channels.ErrNobodyThere
	var asked []string
	for _, dialled := range []string{
		"<sip:0900123456@127.0.0.1>", "<sip:+46900123456@127.0.0.1;user=phone>", "<tel:+46900123456>", "<tel:112>", "<sip:" + staffNumber + "@127.0.0.1>",
		"<sip:" + string(userNumber) + "@127.0.0.1>",
	} {
		if got := d.refers(referTo(dialled)).StatusCode; got != 404 {
			t.Errorf("%s got %d", dialled, got)
		}
		uri, _, _ := strings.Cut(strings.Trim(dialled, "<>"), "@")
		_, number, _ := strings.Cut(uri, ":")
		asked = append(asked, number)
	}
	// Even one that is said to be taken calls nobody from here.
	decides.refusal = nil
	if got := d.refers(referTo("<sip:"+string(userNumber)+"@127.0.0.1>") + "Refer-Sub: false\r\n").StatusCode; got != 202 {
		t.Errorf("got %d", got)
	}
	decides.finish("")
	decides.expect(t, append(asked, string(userNumber))...)
	l.HangUp()
	d.reply(d.request(sip.BYE), 200, "")
	over(t, l, channels.EndedByUs)
	s.waitIdle()
	select {
	case got := <-user.messages:
		t.Errorf("called by\n%s", got.request)
	default:
	}
}

// A carrier's transfer of a call that we made to it, and a caller's of his own, are refused within the call and outside.
func TestCarriersAndCallersTransferNobody(t *testing.T) {
	t.Parallel()
	headers := referTo("<sip:+46900123456@127.0.0.1>") + "Referred-By: <sip:anna@127.0.0.1>\r\n"
	for name, known := range map[string]func(*Config, *switchboard){"a trunk": trusting, "a stranger": func(*Config, *switchboard) {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones, known)
			c := newPeer(t, "UDP", s.Address()).call()
			a := s.connect(t, c)
			c.within(sip.REFER, headers, "")
			if got := c.final(sip.REFER).StatusCode; got != 403 {
				t.Errorf("in a call: %d", got)
			}
			c.bye(a)
			c.send(c.stray(sip.REFER, "sip:"+staffNumber+"@127.0.0.1", headers))
			if got := c.peer.final(sip.REFER).StatusCode; got != 403 {
				t.Errorf("outside of one: %d", got)
			}
		})
	}
	t.Run("who was called", func(t *testing.T) {
		t.Parallel()
		s, c := serveWithCallee(t)
		l := c.dial(s)
		if l.(*dialled).onRefer != nil || allows(c.invite, sip.REFER) {
			t.Error("a carrier may transfer our call")
		}
		l.HangUp()
	})
}
