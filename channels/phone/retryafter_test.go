package phone

import (
	"fmt"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// afterwards answers with a time until which nobody should come again.
func afterwards(request *sip.Request, code int, retryAfter string) *sip.Response {
	response := sip.NewResponseFromRequest(request, code, "Later", nil)
	response.AppendHeader(sip.NewHeader("Retry-After", retryAfter))
	return response
}

// A registrar that sends us away is left alone, whatever its response; others are tried on as ever (RFC 3261 §21.4.5, §21.5.4).
func TestARegistrarThatSendsUsAwayIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, code := range []int{404, 486, 500, 503} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			away, other := newProxy(t), newProxy(t)
			serve(t, quick, withTrunk(Trunk{
				Name: "carrier", Registrars: []string{away.address.String(), other.address.String()}, Proxies: []string{away.address.String()},
				User: "svar", Register: time.Hour,
			}))
			away.answer(afterwards(away.expect(sip.REGISTER), code, "600 (later);duration=60").String())
			for range 3 {
				other.respond(other.expect(sip.REGISTER), 500, "registrar", "")
			}
			if len(away.messages) > 0 {
				t.Error("who sent us away is asked again")
			}
		})
	}
}

// When all have sent us away, the wait is theirs: here shorter than ours, 30 s.
func TestWhenAllRegistrarsSendUsAway(t *testing.T) {
	t.Parallel()
	registrar := newProxy(t)
	s := serve(t, func(c *Config, _ *switchboard) { c.T1 = DefaultT1 }, withTrunk(Trunk{
		Name: "carrier", Proxies: []string{registrar.address.String()}, User: "svar", Register: time.Hour,
	}))
	registrar.answer(afterwards(registrar.expect(sip.REGISTER), 503, "1").String())
	registrar.grant(registrar.expect(sip.REGISTER), 3600)
	until(t, "registration", func() bool { return s.Trunks()[0].Up })
}

func TestAProxyThatSendsUsAwayIsLeftAlone(t *testing.T) {
	t.Parallel()
	away, other := newProxy(t), newProxy(t)
	s := serve(t, withTrunk(Trunk{Name: "carrier", Proxies: []string{away.address.String(), other.address.String()}, KeepAlive: 10 * time.Millisecond}))
	away.answer(afterwards(away.expect(sip.OPTIONS), 503, "600").String())
	for range 10 {
		other.respond(other.expect(sip.OPTIONS), 200, "proxy", "")
	}
	if len(away.messages) > 0 {
		t.Error("who sent us away is asked again")
	}
	// So it is with calls, for as long as is asked and not for half a minute only.
	h := s.carriers.hops["carrier"][1]
	h.rest(time.Now().Add(time.Minute))
	if !h.passedOver(time.Now().Add(59*time.Second)) || h.passedOver(time.Now().Add(61*time.Second)) {
		t.Error("a proxy that sent a call away is passed over for another time than it said")
	}
}

func TestHowLongWeAreSentAway(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"5": 5 * time.Second, "120 (at lunch)": 2 * time.Minute, "60;duration=3600": time.Minute, "86400": longestRest,
		"soon": 0, "-1": 0, "99999999999": 0, "": 0,
	} {
		response := sip.NewResponse(503, "")
		response.AppendHeader(sip.NewHeader("Retry-After", value))
		if got := restAfter(response); got != want {
			t.Errorf("%q is %s; want %s", value, got, want)
		}
	}
	if got := restAfter(sip.NewResponse(503, "")); got != 0 {
		t.Errorf("nothing is %s", got)
	}
}
