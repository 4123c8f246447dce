package phone

import (
	"testing"
	"time"

	"svar/channels"
)

func TestSippReliableRinging(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, trusting, func(c *Config, _ *switchboard) { c.T1 = 500 * time.Millisecond })
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				a := <-s.board.arrivals
				a.leg.(channels.Ringer).Ringing()
				// Once PRACK is answered the call is: 180 holds no offer, so that nothing has to be waited for.
				until(t, "PRACK", func() bool { return s.Stats().Requests["PRACK"] >= 2 })
				if err := a.leg.Answer(t.Context()); err != nil {
					t.Errorf("Answer: %v", err)
				}
				<-a.leg.Done()
			}()
			s.sipp(t, "ringing-reliable", "-t", transport, "-d", "100")
			await(t, answered, "end of the call")
		})
	}
}

func TestSippSessionTimer(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s, begin := prepare(t, answering, trusting)
			s.refreshPart = 1000 * time.Second / (200 * time.Millisecond)
			begin()
			s.sipp(t, "session-timer", "-t", transport, "-d", "100")
			over(t, s.arrival(t).leg, channels.EndedByParty)
		})
	}
}

func TestSippExtensions(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"u1", "t1"} {
		s := serve(t, trusting)
		s.sipp(t, "extensions", "-t", transport)
		if got := s.Stats(); got.Calls != 0 {
			t.Errorf("%d calls", got.Calls)
		}
	}
}
