package phone

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// refreshing starts a gateway that refreshes a session of 1000 s after some time already.
func refreshing(t *testing.T, after time.Duration) *server {
	t.Helper()
	s, begin := prepare(t)
	s.refreshPart = 1000 * time.Second / after
	begin()
	return s
}

// timed connects a call with further headers and returns its 200.
func (s *server) timed(t *testing.T, c *call) (arrival, *sip.Response) {
	t.Helper()
	c.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatalf("Answer: %v", err)
	}
	response := c.final(sip.INVITE)
	c.ack(response, "")
	return a, response
}

func field(message sip.Message, name string) string {
	if headers := headersOf(message, name); len(headers) > 0 {
		return headers[0].Value()
	}
	return ""
}

// RFC 4028 §9, table 2.
func TestWhoRefreshesASession(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for headers, want := range map[string]struct{ expires, require string }{
		"Supported: timer\r\nSession-Expires: 600\r\n":                              {"600;refresher=uac", "timer"},
		"k: 100rel,timer\r\nx: 600;refresher=uas\r\n":                               {"600;refresher=uas", "timer"},
		"Supported: timer\r\nSession-Expires: 600 ; a=b ; refresher = uac\r\n":      {"600;refresher=uac", "timer"},
		"Require: timer\r\nSession-Expires: 90\r\n":                                 {"90;refresher=uac", "timer"},
		"Supported: timer\r\nSession-Expires: 7200\r\n":                             {"1800;refresher=uac", "timer"},
		"Supported: timer\r\nMin-SE: 3600\r\nSession-Expires: 7200\r\n":             {"3600;refresher=uac", "timer"},
		"Session-Expires: 600\r\n":                                                  {"600;refresher=uas", ""},
		"Session-Expires: 600;refresher=uac\r\n":                                    {"600;refresher=uas", ""},
		"Session-Expires: 10\r\n":                                                   {"90;refresher=uas", ""},
		"Supported: timer\r\nSession-Expires: never\r\n":                            {"", ""},
		"Supported: timer\r\n":                                                      {"", ""},
		"Supported: timer\r\nMin-SE: 4000000000\r\nSession-Expires: 4000000000\r\n": {"86400;refresher=uac", "timer"},
	} {
		c := newPeer(t, "UDP", s.Address()).call()
		c.headers = headers
		_, response := s.timed(t, c)
		if got := field(response, "session-expires"); got != want.expires || field(response, "require") != want.require ||
			!supports(response, optionTimer) {
			t.Errorf("%q got\n%s", headers, response)
		}
	}
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers = "Supported: timer\r\nSession-Expires: 89\r\n"
	c.invite()
	if got := c.final(sip.INVITE); status(got) != 422 || field(got, "min-se") != "90" {
		t.Errorf("89 s got\n%s", got)
	}
}

// A caller who waits for an agent, and who holds, is asked by us: by UPDATE, as he takes it, again and
// again.
func TestWeRefreshByUpdate(t *testing.T) {
	t.Parallel()
	s := refreshing(t, 200*time.Millisecond)
	c := newPeer(t, "UDP", s.Address()).call()
	a, _ := s.timed(t, c)
	c.within(sip.INVITE, "Supported: timer\r\nSession-Expires: 1000;refresher=uas\r\nAllow: INVITE, ACK, UPDATE\r\n", c.offer("8", "a=sendonly\r\n"))
	held := c.finalOf(sip.INVITE, c.sequence)
	if status(held) != 200 || field(held, "session-expires") != "1000;refresher=uas" {
		t.Fatalf("hold got\n%s", held)
	}
	c.ack(held, "")
	if err := a.leg.(*leg).Loop(channels.Prompt{Name: "music"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		update := c.request(sip.UPDATE)
		if len(update.Body()) != 0 || field(update, "session-expires") != "1000;refresher=uac" || !supports(update, optionTimer) || update.Contact() == nil {
			t.Fatalf("got\n%s", update)
		}
		c.grant(update, "1000;refresher=uac", "")
	}
	c.bye(a)
}

// grant answers our refresh.
func (c *call) grant(request *sip.Request, expires, body string) {
	c.peer.t.Helper()
	response := sip.NewResponseFromRequest(request, 200, "OK", nil)
	response.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:peer@%s;transport=%s>", c.local, strings.ToLower(c.transport))))
	if expires != "" {
		response.AppendHeader(sip.NewHeader("Session-Expires", expires))
	}
	if body != "" {
		describe(response, []byte(body))
	}
	c.send(response.String())
}

// Who takes no UPDATE gets an INVITE that describes what holds, with an unchanged version (RFC 4028
// §7.4), and its 200 is acknowledged as often as it comes.
func TestWeRefreshByInvite(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := refreshing(t, 200*time.Millisecond)
			c := newPeer(t, transport, s.Address()).call()
			a, answer := s.timed(t, c)
			for _, hold := range []string{"", "a=sendonly\r\n"} {
				if hold != "" {
					c.within(sip.INVITE, "Supported: timer\r\nSession-Expires: 1000;refresher=uas\r\n", c.offer("8", hold))
				} else {
					c.within(sip.UPDATE, "Supported: timer\r\nSession-Expires: 1000;refresher=uas\r\n", "")
				}
				if response := c.finalAny(c.sequence); hold != "" {
					answer = response
					c.ack(answer, "")
				}
				invite := c.request(sip.INVITE)
				if string(invite.Body()) != string(answer.Body()) || field(invite, "session-expires") != "1000;refresher=uac" {
					t.Fatalf("got\n%s\nour answer was\n%s", invite, answer)
				}
				for range 2 {
					c.grant(invite, "1000;refresher=uas", c.offer("8", hold))
					if ack := c.request(sip.ACK); ack.CSeq().SeqNo != invite.CSeq().SeqNo || branchOf(ack) == branchOf(invite) {
						t.Errorf("acknowledged by\n%s", ack)
					}
				}
			}
			c.bye(a)
		})
	}
}

// finalAny returns the final response to a request by its number.
func (c *call) finalAny(sequence int) *sip.Response {
	c.peer.t.Helper()
	for {
		message := c.receive(patience)
		if message == nil {
			c.peer.t.Fatal("no final response came")
		}
		if response, isResponse := message.(*sip.Response); isResponse && !response.IsProvisional() && response.CSeq().SeqNo == uint32(sequence) {
			return response
		}
	}
}

// Neither side refreshes in time: the call ends, and says why.
func TestASessionThatIsNotRefreshedEnds(t *testing.T) {
	t.Parallel()
	for _, refresher := range []string{"uac", "uas"} {
		s, begin := prepare(t)
		s.second = time.Millisecond
		begin()
		c := newPeer(t, "TCP", s.Address()).call()
		c.headers = "Supported: timer\r\nSession-Expires: 200;refresher=" + refresher + "\r\n"
		a, _ := s.timed(t, c)
		bye := c.request(sip.BYE) // over our refresh, which gets no answer
		if !strings.Contains(field(bye, "reason"), "SIP;cause=408") {
			t.Errorf("BYE:\n%s", bye)
		}
		c.answerTo(bye, 200)
		over(t, a.leg, channels.EndedByFault)
		if got := s.Stats().Expired; got != 1 {
			t.Errorf("%d calls expired", got)
		}
	}
}

// What the other side says to our refresh.
func TestRefusalsOfOurRefresh(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{481: "BYE", 408: "BYE", 405: "INVITE", 501: "INVITE", 422: "UPDATE", 491: "UPDATE"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := refreshing(t, 200*time.Millisecond)
			c := newPeer(t, "UDP", s.Address()).call()
			c.headers = "Supported: timer\r\nSession-Expires: 1000;refresher=uas\r\nAllow: UPDATE\r\n"
			a, _ := s.timed(t, c)
			refusal := sip.NewResponseFromRequest(c.request(sip.UPDATE), code, "No", nil)
			refusal.AppendHeader(sip.NewHeader("Min-SE", "1700"))
			c.send(refusal.String())
			next := c.request(sip.RequestMethod(want))
			switch {
			case want == "BYE":
				c.answerTo(next, 200)
				over(t, a.leg, channels.EndedByFault)
				return
			case code == 422 && (field(next, "session-expires") != "1700;refresher=uac" || field(next, "min-se") != "1700"):
				t.Errorf("after 422:\n%s", next)
			}
			c.grant(next, "", c.body)
			c.bye(a)
		})
	}
}

// Our INVITE is under way: another one meets 491 (RFC 3261 §14.2), and so does an offer by UPDATE.
func TestGlareWithOurRefresh(t *testing.T) {
	t.Parallel()
	s := refreshing(t, 200*time.Millisecond)
	c := newPeer(t, "UDP", s.Address()).call()
	c.headers = "Supported: timer\r\nSession-Expires: 1000;refresher=uas\r\n"
	a, _ := s.timed(t, c)
	invite := c.request(sip.INVITE)
	for _, method := range []sip.RequestMethod{sip.UPDATE, sip.INVITE} {
		c.within(method, "", c.body+"a=sendonly\r\n")
		got := c.finalOf(method, c.sequence)
		if status(got) != 491 {
			t.Errorf("%s got %d", method, status(got))
		}
		if method == sip.INVITE {
			c.ack(got, "")
		}
	}
	c.grant(invite, "1000;refresher=uas", c.body)
	c.request(sip.ACK)
	if answer := string(c.reinvite(c.offer("8", "a=sendonly\r\n"))); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("hold was answered\n%s", answer)
	}
	c.bye(a)
}

// RFC 3261 §14.1.
func TestHowLongAChangeWaitsAfterGlare(t *testing.T) {
	t.Parallel()
	var began, called []time.Duration
	for range 2000 {
		began, called = append(began, glareWait(true)), append(called, glareWait(false))
	}
	if least, most := slices.Min(began), slices.Max(began); least < 2100*time.Millisecond || most > 4*time.Second || most < 3*time.Second {
		t.Errorf("who began waits %s to %s", least, most)
	}
	if least, most := slices.Min(called), slices.Max(called); least < 0 || most > 2*time.Second || most < time.Second {
		t.Errorf("who was called waits %s to %s", least, most)
	}
}
