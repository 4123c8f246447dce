package phone

import (
	"net"
	"net/netip"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// mustBeBusy wants the refusal of one call too many.
func mustBeBusy(t *testing.T, p *peer) {
	t.Helper()
	response := p.final(sip.INVITE)
	if response.StatusCode != sip.StatusServiceUnavailable || response.GetHeader("Retry-After") == nil {
		t.Errorf("got:\n%s", response)
	}
}

func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.MaxCalls = 1 })
	p := newPeer(t, "UDP", s.Address())
	p.call().invite()
	s.arrival(t)
	p.call().invite()
	mustBeBusy(t, p)
}

// Who comes while more wait for their record than can be served is told so at once; strangers leave room there for the
// trunks' callers; and who waits no more makes room.
func TestTooManyCallsAtTheDoor(t *testing.T) {
	t.Parallel()
	recorded := make(chan struct{})
	s := serve(t, func(c *Config, s *switchboard) {
		c.MaxArriving, s.recording = 2, recorded
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}}
	})
	stranger := newPeer(t, "UDP", s.Address())
	trunk := newPeerAt(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, "UDP", s.Address())
	stranger.call().invite()
	s.arrival(t)
	stranger.call().invite()
	mustBeBusy(t, stranger)
	trunk.call().invite()
	s.arrival(t)
	trunk.call().invite()
	mustBeBusy(t, trunk)
	close(recorded)
	until(t, "room at the door", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return s.atDoor == 0 && s.strangersAtDoor == 0
	})
	s.connect(t, newPeer(t, "UDP", s.Address()).call())
}

// Strangers can fill what is theirs, never what the trunks' callers need.
func TestStrangersLeaveRoomForTrunks(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) {
		c.MaxCalls = 2
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}}
	})
	stranger := newPeer(t, "UDP", s.Address())
	first := stranger.call()
	leg := s.connect(t, first).leg.(*leg)
	another := newPeer(t, "UDP", s.Address())
	another.call().invite()
	if response := another.final(sip.INVITE); response.StatusCode != sip.StatusServiceUnavailable {
		t.Errorf("a stranger's second call of two got:\n%s", response)
	}
	trunk := newPeerAt(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, "UDP", s.Address())
	s.connect(t, trunk.call())
	first.within(sip.BYE, "", "")
	stranger.final(sip.BYE)
	<-leg.finished
	until(t, "an end of the leg", func() bool { // forgotten right after it finished
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return s.legs[leg.dialogID] == nil
	})
	s.connect(t, stranger.call()) // what a stranger gave back can be used again
}

// One address outside the trunks can not take what all the others need.
func TestOneStrangerLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.MaxCalls = 8 })
	greedy := newPeer(t, "UDP", s.Address())
	s.connect(t, greedy.call())
	s.connect(t, greedy.call())
	third := greedy.call()
	third.invite()
	if response := third.final(sip.INVITE); response.StatusCode != sip.StatusServiceUnavailable {
		t.Errorf("the third call of one address got:\n%s", response)
	}
	other := newPeerAt(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, "UDP", s.Address())
	s.connect(t, other.call())
}

func TestAStrangerInAHurryIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.StrangerInvites = 1 })
	p := newPeer(t, "UDP", s.Address())
	for range 3 { // a burst of two is allowed
		p.call().invite()
	}
	if response := p.final(sip.INVITE); response.StatusCode != sip.StatusServiceUnavailable {
		t.Errorf("got %d", response.StatusCode)
	}
	if got := s.Stats().RateLimited; got == 0 {
		t.Error("not counted")
	}
}
