package phone

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

// voicePort is where a description says that voice is taken.
func voicePort(t testing.TB, body []byte) netip.AddrPort {
	t.Helper()
	d, err := readDescription(body, 0, false)
	if err != nil {
		t.Fatalf("our description: %v\n%s", err, body)
	}
	return d.remote
}

func TestACallIsAnsweredHeardAndEnded(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			c := newPeer(t, transport, s.Address()).call()
			before := time.Now()
			c.invite()
			trying, isResponse := c.receive(patience).(*sip.Response)
			if !isResponse || trying.StatusCode != sip.StatusTrying {
				t.Fatalf("first response: %v; want 100", trying)
			}
			a := s.arrival(t)
			if a.contact.Line != "staff" || a.contact.Channel != "voice" || !a.contact.Callable || len(a.contact.ID) != 36 ||
				a.contact.Arrived.Time().Before(before.Truncate(time.Millisecond)) {
				t.Errorf("contact: %+v", a.contact)
			}
			if a.personal.Number != "+46846500401" || a.personal.Withheld {
				t.Errorf("personal: %+v", a.personal)
			}
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			answer := c.final(sip.INVITE)
			if answer.StatusCode != sip.StatusOK || answer.Contact() == nil {
				t.Fatalf("answer:\n%s", answer)
			}
			d, err := readDescription(answer.Body(), 0, false)
			if err != nil || d.format.Codec != media.PCMU || d.format.TelephoneEvent != 101 || len(d.lines[0].MediaName.Formats) != 2 {
				t.Errorf("answer: %+v, %v\n%s", d, err, answer.Body())
			}
			c.ack(answer, "")

			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() { _ = a.leg.(channels.Prompter).Loop(channels.Prompt{Name: "music", Language: "sv"}) }()
			stopTone := c.voice.SendTone(d.remote, 800)
			defer stopTone()
			verdict := await(t, heard(ctx, c.peer, media.PCMU, 620), "verdict")
			if verdict != nil {
				t.Errorf("the caller did not hear the music: %v", verdict)
			}
			c.within(sip.BYE, "", "")
			if got := c.final(sip.BYE).StatusCode; got != 200 {
				t.Errorf("BYE got %d", got)
			}
			over(t, a.leg, channels.EndedByParty)
			if got := s.Stats(); got.Calls != 1 || got.Answered != 1 {
				t.Errorf("stats: %+v", got)
			}
		})
	}
}

// heard tells when a peer heard a tone.
func heard(ctx context.Context, p *peer, codec media.Codec, frequency float64) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := p.voice.Recorder.WaitTone(ctx, codec, frequency)
		result <- err
	}()
	return result
}

func TestWeHangUp(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			c := newPeer(t, transport, s.Address()).call()
			a := s.connect(t, c)
			a.leg.HangUp()
			over(t, a.leg, channels.EndedByUs)
			bye := c.request(sip.BYE)
			if bye.CallID().Value() != c.id || tag(bye.From().Params) != c.toTag || tag(bye.To().Params) != "peer" {
				t.Errorf("BYE of another dialog:\n%s", bye)
			}
			c.answerTo(bye, 200)
			// A BYE of theirs that crossed ours is answered all the same.
			c.within(sip.BYE, "", "")
			if got := c.final(sip.BYE).StatusCode; got != 200 {
				t.Errorf("the crossing BYE got %d", got)
			}
		})
	}
}

func TestTheCallerLeavesEarly(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run("CANCEL before 200 over "+transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			c := newPeer(t, transport, s.Address()).call()
			c.invite()
			a := s.arrival(t)
			c.send(c.message(sip.CANCEL, c.branch, "", ""))
			cancelled := c.final(sip.CANCEL)
			terminated := c.final(sip.INVITE)
			if cancelled.StatusCode != sip.StatusOK || terminated.StatusCode != 487 {
				t.Errorf("CANCEL got %d, INVITE %d", cancelled.StatusCode, terminated.StatusCode)
			}
			if tag(cancelled.To().Params) != tag(terminated.To().Params) {
				t.Error("the responses have different To tags")
			}
			c.ack(terminated, "")
			over(t, a.leg, channels.EndedByParty)
			if err := a.leg.Answer(t.Context()); err != channels.ErrLegOver {
				t.Errorf("Answer after the end: %v", err)
			}
		})
	}
	t.Run("CANCEL right behind the INVITE", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		p := newPeer(t, "UDP", s.Address())
		for range 25 { // ports rest after each; others may have taken some of the 50 pairs
			c := p.call()
			c.invite()
			c.send(c.message(sip.CANCEL, c.branch, "", ""))
			response := c.final(sip.INVITE)
			if response.StatusCode != 487 {
				t.Fatalf("INVITE got %d", response.StatusCode)
			}
			c.ack(response, "")
			over(t, s.arrival(t).leg, channels.EndedByParty)
		}
	})
	t.Run("CANCEL after 200 changes nothing", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		c.invite()
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer := c.final(sip.INVITE)
		c.send(c.message(sip.CANCEL, c.branch, "", ""))
		if got := c.final(sip.CANCEL).StatusCode; got != 200 {
			t.Errorf("CANCEL got %d", got)
		}
		c.ack(answer, "")
		c.within(sip.OPTIONS, "", "")
		if got := c.final(sip.OPTIONS); got.StatusCode != sip.StatusOK || got.GetHeader("Allow") == nil {
			t.Errorf("OPTIONS in the call got:\n%s", got)
		}
		if a.leg.(*leg).isOver() {
			t.Error("the call is over")
		}
	})
	t.Run("BYE before 200", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		c.invite()
		trying := c.receive(patience)
		a := s.arrival(t)
		c.toTag = tag(trying.To().Params)
		c.within(sip.BYE, "", "")
		if got := c.final(sip.BYE).StatusCode; got != 200 {
			t.Errorf("BYE got %d", got)
		}
		if got := c.final(sip.INVITE).StatusCode; got != 487 {
			t.Errorf("INVITE got %d", got)
		}
		over(t, a.leg, channels.EndedByParty)
	})
	t.Run("BYE instead of ACK", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		c.invite()
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.toTag = tag(c.final(sip.INVITE).To().Params)
		c.within(sip.BYE, "", "")
		if got := c.final(sip.BYE).StatusCode; got != 200 {
			t.Errorf("BYE got %d", got)
		}
		over(t, a.leg, channels.EndedByParty)
	})
	t.Run("BYE right behind ACK", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		c := newPeer(t, "UDP", s.Address()).call()
		a := s.connect(t, c)
		c.within(sip.BYE, "", "")
		if got := c.final(sip.BYE).StatusCode; got != 200 {
			t.Errorf("BYE got %d", got)
		}
		over(t, a.leg, channels.EndedByParty)
	})
}

func TestALostACKEndsInBYE(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.T1 = 10 * time.Millisecond })
	c := newPeer(t, "UDP", s.Address()).call()
	c.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	var repeated int
	var first string
	for {
		message := c.receive(patience)
		if message == nil {
			t.Fatal("no BYE came")
		}
		if response, isResponse := message.(*sip.Response); isResponse && response.StatusCode == sip.StatusOK {
			repeated++
			if first == "" {
				first = response.String()
			} else if response.String() != first {
				t.Errorf("another 200 than before:\n%s\n%s", first, response)
			}
		}
		if request, isRequest := message.(*sip.Request); isRequest {
			if request.Method != sip.BYE {
				t.Fatalf("got %s", request.Method)
			}
			c.answerTo(request, 481)
			break
		}
	}
	// 10, 30, 70 … 630 ms: six repetitions fit before 64·T1.
	if repeated < 5 || repeated > 7 {
		t.Errorf("200 came %d times", repeated)
	}
	over(t, a.leg, channels.EndedByParty) // a stranger, who may have made it all up
	if got := s.Stats().LostACKs; got != 1 {
		t.Errorf("lost ACKs: %d", got)
	}
}

func TestHangingUpBeforeTheACKWaitsForItWithBYE(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	c.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.leg.HangUp()
	over(t, a.leg, channels.EndedByUs)
	answer := c.final(sip.INVITE)
	c.ack(answer, "")
	c.answerTo(c.request(sip.BYE), 200)
}

func TestARepeatedInviteIsOneCall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	for range 3 {
		c.invite()
	}
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := c.final(sip.INVITE)
	c.invite() // a straggler
	c.ack(answer, "")
	// The same call by another way (RFC 3261 §8.2.2.2).
	copied := *c
	copied.branch, copied.toTag = "z9hG4bK"+newID(), ""
	copied.invite()
	var merged *sip.Response
	for merged = c.final(sip.INVITE); merged.StatusCode == sip.StatusOK; {
		merged = c.final(sip.INVITE) // repetitions of the answer
	}
	if merged.StatusCode != 482 {
		t.Errorf("the merged INVITE got %d", merged.StatusCode)
	}
	c.within(sip.BYE, "", "")
	if got := c.final(sip.BYE).StatusCode; got != 200 {
		t.Errorf("BYE got %d", got)
	}
	if got := s.Stats().Calls; got != 1 {
		t.Errorf("%d calls", got)
	}
}

func TestCallsThatAreTurnedAway(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*Config, *switchboard)
		call    func(*call)
		code    int
		refused bool   // the intake was told
		warning string // the code of 488's
	}{
		"unknown number":            {code: 404, call: func(c *call) { c.user = "+46850800999" }},
		"unknown number of a trunk": {change: trusting, code: 404, refused: true, call: func(c *call) { c.user = "+46850800999" }},
		"the intake fails":          {change: func(_ *Config, b *switchboard) { b.fail = fmt.Errorf("no journal") }, code: 503},
		"too many calls": {change: func(c *Config, _ *switchboard) {
			trusting(c, nil)
			c.MaxCalls = 0
			c.MaxCalls = 1
			c.RTPLast = c.RTPFirst
			c.RTPLast++
		}, code: 200, call: nil},
		"hops used up":                 {code: 483, call: func(c *call) { c.headers = "X: y\r\n" }},
		"extension that we have not":   {code: 420, call: func(c *call) { c.headers = "Require: precondition\r\n" }},
		"video only":                   {code: 488, warning: "304", call: func(c *call) { c.body = strings.Replace(c.body, "m=audio", "m=video", 1) }},
		"no codec in common":           {code: 488, warning: "305", call: func(c *call) { c.body = c.offer("18 4", "") }},
		"encrypted only":               {code: 488, warning: "302", call: func(c *call) { c.body = strings.Replace(c.body, "RTP/AVP", "RTP/SAVP", 1) }},
		"encrypted, or no codec":       {code: 488, warning: "305", call: func(c *call) { c.body = c.offer("18", "") + "m=audio 9 RTP/SAVP 8\r\n" }},
		"no description but something": {code: 488, warning: "399", call: func(c *call) { c.body = "hello" }},
		"in a dialog that is none":     {code: 481, call: func(c *call) { c.toTag = "abc" }},
	}
	delete(tests, "too many calls") // has a test of its own
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := test.change
			if change == nil {
				change = func(*Config, *switchboard) {}
			}
			s := serve(t, change)
			c := newPeer(t, "UDP", s.Address()).call()
			if test.call != nil {
				test.call(c)
			}
			message := c.message(sip.INVITE, c.branch, c.headers, c.body)
			if test.code == 483 {
				message = strings.Replace(message, "Max-Forwards: 70", "Max-Forwards: 0", 1)
			}
			c.send(message)
			response := c.final(sip.INVITE)
			if response.StatusCode != test.code {
				t.Errorf("got %d %s; want %d", response.StatusCode, response.Reason, test.code)
			}
			if test.code == 420 && (response.GetHeader("Unsupported") == nil || response.GetHeader("Unsupported").Value() != "precondition") {
				t.Errorf("Unsupported is not named:\n%s", response)
			}
			if test.code == 488 {
				if warning := response.GetHeader("Warning"); warning == nil || !strings.HasPrefix(warning.Value(), test.warning+" 127.0.0.1 \"") {
					t.Errorf("the Warning is %v; want %s", warning, test.warning)
				}
			}
			c.ack(response, "")
			if test.refused {
				if got := await(t, s.board.refusals, "refusal"); got.code != test.code || got.contact.ID == "" || got.contact.Line != "" {
					t.Errorf("refused: %+v", got)
				}
			} else if len(s.board.refusals) > 0 {
				t.Error("a stranger's call was recorded")
			}
		})
	}
}

func TestTheCallerIsIdentified(t *testing.T) {
	t.Parallel()
	asserted := "P-Asserted-Identity: \"Skolan\" <sip:+46701740605@carrier.example>, <tel:+46701740605>\r\n"
	tests := map[string]struct {
		change             func(*Config, *switchboard)
		from, headers      string
		number             string
		withheld, callable bool
	}{
		"From":                     {number: "+46846500401", callable: true},
		"asserted by a trunk":      {change: trusting, headers: asserted, number: "+46701740605", callable: true},
		"asserted by a stranger":   {headers: asserted, number: "+46846500401", callable: true},
		"asserted, and private":    {change: trusting, headers: asserted + "Privacy: id\r\n", withheld: true},
		"anonymous":                {from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, withheld: true},
		"anonymous, but asserted":  {change: trusting, from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, headers: asserted, withheld: true},
		"From without user":        {from: "<sip:127.0.0.1>", withheld: true},
		"a name, no number":        {from: "<sip:anna@127.0.0.1>"},
		"From is a telephone URI":  {from: "<tel:+46846500401>", number: "+46846500401", callable: true},
		"national number of trunk": {change: trusting, from: "<sip:0846500401@127.0.0.1>", number: "+46846500401", callable: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := test.change
			if change == nil {
				change = func(*Config, *switchboard) {}
			}
			s := serve(t, change)
			c := newPeer(t, "UDP", s.Address()).call()
			if test.from != "" {
				c.from = test.from
			}
			c.headers = test.headers
			c.invite()
			a := s.arrival(t)
			if string(a.personal.Number) != test.number || a.personal.Withheld != test.withheld || a.contact.Callable != test.callable {
				t.Errorf("got %+v, callable %t", a.personal, a.contact.Callable)
			}
			if vouched := test.change != nil && test.number != ""; a.personal.Vouched != vouched {
				t.Errorf("vouched for: %t", a.personal.Vouched)
			}
		})
	}
}

func TestLinesAreFoundByNumberAndByName(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPeer(t, "UDP", s.Address())
	for user, line := range map[string]string{
		staffNumber: "staff", "0850800100": "staff", "46850800100": "staff", "+46850800100;npdi": "staff", "%2B46850800100": "staff",
		"+4620000000": "pupils", "anna": "test",
	} {
		c := p.call()
		c.user = user
		c.invite()
		if a := s.arrival(t); string(a.contact.Line) != line {
			t.Errorf("%s: line %q; want %q", user, a.contact.Line, line)
		}
	}
}
