package phone

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"svar/channels"
)

// sippTime bounds one run of sipp.
const sippTime = time.Minute

// sipp runs a scenario against a gateway and returns when it went as it should.
func (s *server) sipp(t *testing.T, scenario string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath("sipp"); err != nil {
		t.Fatal("sipp is missing: apt-get install sip-tester (make test does it)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), sippTime)
	defer cancel()
	path, err := filepath.Abs(filepath.Join("testdata", "sipp", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	ports := int(freeRange())
	arguments = append([]string{
		"-sf", path, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-m", "1", "-timeout", "50s", "-timeout_error",
		"-key", "caller", "+46846500401", "-key", "asserted", "+46701740605", "-mp", strconv.Itoa(ports),
	}, arguments...)
	if !containsOption(arguments, "-s") {
		arguments = append(arguments, "-s", staffNumber)
	}
	if !containsOption(arguments, "-p") { // what it finds by itself others may find as well
		arguments = append(arguments, "-p", strconv.Itoa(ports+50))
	}
	command := exec.CommandContext(ctx, "sipp", append(arguments, s.Address().String())...)
	command.Dir = t.TempDir()
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("sipp %s: %v\n%s", scenario, err, tail(output))
	}
}

func containsOption(arguments []string, option string) bool {
	for _, argument := range arguments {
		if argument == option {
			return true
		}
	}
	return false
}

func tail(output []byte) []byte { return output[max(0, len(output)-4000):] }

func TestSippCallers(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, answering, trusting)
			s.sipp(t, "answered", "-t", transport, "-d", "100")
			over(t, s.arrival(t).leg, channels.EndedByParty)
			s.sipp(t, "at-once", "-t", transport)
			over(t, s.arrival(t).leg, channels.EndedByParty)
			if transport == "u1" {
				s.sipp(t, "repeated", "-t", transport, "-d", "100")
				over(t, s.arrival(t).leg, channels.EndedByParty)
			}
			s.sipp(t, "unknown", "-t", transport, "-s", "+46850800999")
			if got := await(t, s.board.refusals, "refusal"); got.code != 404 {
				t.Errorf("refused with %d", got.code)
			}
			s.sipp(t, "asserted", "-t", transport, "-d", "1")
			if a := s.arrival(t); a.personal.Number != "+46701740605" {
				t.Errorf("the caller is %+v", a.personal)
			}
			s.sipp(t, "private", "-t", transport, "-d", "1")
			if a := s.arrival(t); !a.personal.Withheld || a.personal.Number != "" {
				t.Errorf("the caller is %+v", a.personal)
			}
		})
	}
}

func TestSippAsserted(t *testing.T) {
	t.Parallel()
	s := serve(t, answering) // this machine is a stranger
	s.sipp(t, "asserted", "-d", "1")
	if a := s.arrival(t); a.personal.Number != "+46846500401" {
		t.Errorf("the caller is %+v", a.personal)
	}
}

func TestSippCancelled(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		s := serve(t)
		s.sipp(t, "cancelled", "-t", transport, "-d", "50")
		over(t, s.arrival(t).leg, channels.EndedByParty)
	}
}

func TestSippHungUp(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		s := serve(t)
		hungUp := make(chan struct{})
		go func() {
			defer close(hungUp)
			l := (<-s.board.arrivals).leg
			if err := l.Answer(context.Background()); err != nil {
				t.Errorf("Answer: %v", err)
			}
			l.HangUp()
			<-l.Done()
		}()
		s.sipp(t, "hung-up", "-t", transport)
		await(t, hungUp, "end")
	}
}

func TestSippLostACK(t *testing.T) {
	t.Parallel()
	s := serve(t, answering, func(c *Config, _ *switchboard) {
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	})
	s.sipp(t, "lost-ack")
	over(t, s.arrival(t).leg, channels.EndedByFault)
}

func TestSippSessions(t *testing.T) {
	t.Parallel()
	// Scenarios of one call, by how it ends.
	for scenario, ending := range map[string]channels.Ending{
		"late-offer": channels.EndedByParty, "late-offer-unanswered": channels.EndedByFault, "held": channels.EndedByParty,
		"moved": channels.EndedByParty, "merged": channels.EndedByParty, "glare": channels.EndedByParty,
		"lost-ack-later": channels.EndedByFault, "silent": channels.EndedByFault,
	} {
		for _, transport := range []string{"u1", "t1"} {
			t.Run(scenario+" "+transport, func(t *testing.T) {
				t.Parallel()
				s := serve(t, answering, trusting, func(c *Config, _ *switchboard) {
					if scenario == "silent" {
						c.ProbeAfter = 200 * time.Millisecond
					}
				})
				s.sipp(t, scenario, "-t", transport, "-d", "100")
				over(t, s.arrival(t).leg, ending)
				if got := s.Stats(); got.Calls != 1 {
					t.Errorf("%d calls", got.Calls)
				}
			})
		}
	}
}

func TestSippOutsideCalls(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		for who, change := range map[string]func(*Config, *switchboard){"a trunk": trusting, "a stranger": func(*Config, *switchboard) {}} {
			t.Run(who+" "+transport, func(t *testing.T) {
				t.Parallel()
				s := serve(t, change)
				s.sipp(t, "no-dialog", "-t", transport)
				if got := s.Stats(); got.Calls != 0 || got.Responses[481] < 5 {
					t.Errorf("stats: %+v", got)
				}
			})
		}
		t.Run("strays "+transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			s.sipp(t, "stray", "-t", transport)
			if got := s.Stats(); got.Scanners != 1 || got.Responses[404] != 3 || got.Calls != 0 {
				t.Errorf("stats: %+v", got)
			}
		})
	}
}

func TestSippUnavailable(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ *Config, b *switchboard) { b.fail = context.DeadlineExceeded })
	s.sipp(t, "unavailable")
}

func TestSippManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	const callers = 40
	s := serve(t, answering, trusting)
	s.sipp(t, "answered", "-m", strconv.Itoa(callers), "-r", strconv.Itoa(callers), "-d", "300")
	for range callers {
		over(t, s.arrival(t).leg, channels.EndedByParty)
	}
	until(t, "end of the last call", func() bool { return s.Stats().Active == 0 })
	if got := s.Stats(); got.LostACKs != 0 {
		t.Errorf("stats: %+v", got)
	}
}

func TestSippCallee(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ scenario, transport, option string }{
		{"callee", "UDP", "u1"}, {"callee", "TCP", "t1"}, {"callee-early", "UDP", "u1"}, {"callee-early", "TCP", "t1"},
	} {
		transport, option := test.transport, test.option
		t.Run(test.scenario+" "+transport, func(t *testing.T) {
			t.Parallel()
			carrier := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freeRange()+50)
			s := serve(t, func(c *Config, _ *switchboard) {
				c.T1 = 500 * time.Millisecond
			}, withTrunk(Trunk{Name: "carrier", Proxies: []string{carrier.String()}, Transport: transport}))
			called := make(chan struct{})
			go func() {
				defer close(called)
				l := s.dialListening(t, transport, carrier.String())
				if l == nil {
					return
				}
				if err := l.Answer(t.Context()); err != nil {
					t.Errorf("Answer: %v; %q", err, l.Failure())
				}
				<-l.Done()
				if l.Ending() != channels.EndedByParty {
					t.Errorf("the leg ended by %q", l.Ending())
				}
			}()
			s.sipp(t, test.scenario, "-t", option, "-p", strconv.Itoa(int(carrier.Port())), "-d", "100")
			await(t, called, "end of the call")
		})
	}
}

// dialListening dials once somebody listens at the other side. Over UDP the INVITE is repeated
// until then.
func (s *server) dialListening(t *testing.T, transport, carrier string) channels.DialledLeg {
	for transport == "TCP" {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", carrier)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-time.After(10 * time.Millisecond): // sipp does not say when it is ready
		case <-t.Context().Done():
			return nil
		}
	}
	l, err := s.Dial(t.Context(), channels.Call{Leg: "leg", Contact: "contact", Line: "staff", Number: userNumber, Confirmed: true})
	if err != nil {
		t.Errorf("Dial: %v", err)
		return nil
	}
	return l
}
