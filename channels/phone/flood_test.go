package phone

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"

	"svar/channels"
	"svar/channels/media"
)

// crowd sends from any address of 127.0.0.0/8, through one socket.
type crowd struct {
	t      testing.TB
	conn   *net.UDPConn
	target netip.AddrPort
	sent   int
}

func newCrowd(t testing.TB, target netip.AddrPort) *crowd {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &crowd{t: t, conn: conn, target: target}
}

// address is that of one of the crowd; none is another test's.
func (*crowd) address(member int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(100 + member>>16), byte(member >> 8), byte(member)})
}

// send sends a request of a member that has nothing to do with any other one.
func (c *crowd) send(member int, method sip.RequestMethod, uri, headers, body string) {
	c.t.Helper()
	c.sent++
	from := c.address(member)
	var contentType string
	if body != "" {
		contentType = "Content-Type: application/sdp\r\n"
	}
	message := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:100@%s>;tag=%d\r\n"+
		"To: <%s>\r\nCall-ID: stray-%d\r\nCSeq: 1 %s\r\nContact: <sip:100@%s:5060>\r\n%s%sContent-Length: %d\r\n\r\n%s",
		method, uri, from, c.sent, from, c.sent, uri, c.sent, method, from, headers, contentType, len(body), body)
	source := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	if _, _, err := c.conn.WriteMsgUDPAddrPort([]byte(message), source, c.target); err != nil {
		c.t.Fatal(err)
	}
}

// handled waits until the gateway has dealt with all that was sent, by what it counted. The
// crowd never runs ahead of it: what the system drops for want of room is nobody's count.
func (c *crowd) handled(count func() uint64) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); count() < uint64(c.sent); runtime.Gosched() {
		if time.Now().After(deadline) {
			c.t.Fatalf("%d of %d were counted", count(), c.sent)
		}
	}
}

// talk is a pair of callers who hear each other.
type talk struct {
	calls [2]*call
	legs  [2]*leg
	hears [2]float64 // Hz
}

// beginTalk connects two callers at the given addresses.
func (s *server) beginTalk(t testing.TB, addresses ...string) *talk {
	t.Helper()
	var pair talk
	for i, address := range addresses {
		c := newPeerAt(t, &net.UDPAddr{IP: net.ParseIP(address)}, "UDP", s.Address()).call()
		c.body = c.offer("8", "")
		c.invite()
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		response := c.final(sip.INVITE)
		c.ack(response, "")
		frequency := 500 + 300*float64(i)
		c.voice.SendTone(voicePort(t, response.Body()), frequency)
		pair.calls[i], pair.legs[i], pair.hears[1-i] = c, a.leg.(*leg), frequency
	}
	if err := media.Connect(pair.legs[0].stream, pair.legs[1].stream); err != nil {
		t.Fatal(err)
	}
	pair.hear(t)
	return &pair
}

// hear waits until both hear the other one's tone anew.
func (p *talk) hear(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, c := range p.calls {
		c.voice.Reset()
		if verdict, err := c.voice.WaitTone(ctx, p.hears[i]); err != nil {
			t.Fatalf("one does not hear the other: %v (%s)", err, verdict)
		}
	}
}

// untouched tells what a voice lost: at our end, and at the caller's.
func (p *talk) untouched(t testing.TB) {
	t.Helper()
	for i, l := range p.legs {
		if got := l.Quality(); got.Received == 0 || got.Lost != 0 {
			t.Errorf("our end counted %+v", got)
		}
		packets := p.calls[i].voice.Packets()
		for j := 1; j < len(packets); j++ {
			if packets[j].SequenceNumber != packets[j-1].SequenceNumber+1 {
				t.Errorf("a gap in what a caller heard: %d, %d", packets[j-1].SequenceNumber, packets[j].SequenceNumber)
			}
		}
		if verdict := p.calls[i].voice.Listen(media.PCMA, p.hears[i]); verdict.Share() < 0.95 {
			t.Errorf("a caller heard %s", verdict)
		}
	}
}

// 10,000 stray INVITEs and 10,000 REGISTERs from as many addresses, while callers of a trunk and
// strangers talk. It measures the whole process, so that no other test may run meanwhile.
func TestAFloodOfStraysTouchesNoCall(t *testing.T) {
	const strays = 10_000
	s := serve(t, func(c *Config, _ *switchboard) {
		c.StrangerAnswers, c.AllStrangerInvites = 0, 0 // as they are by default
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	})
	talks := []*talk{s.beginTalk(t, "127.0.0.1", "127.0.0.1"), s.beginTalk(t, "127.0.0.2", "127.0.0.3"), s.beginTalk(t, "127.0.0.1", "127.0.0.4")}
	for _, pair := range talks {
		for _, c := range pair.calls {
			c.voice.Reset()
		}
	}
	begun := time.Now()
	before := s.Stats()
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	crowd := newCrowd(t, s.Address())
	dealtWith := func() uint64 {
		now := s.Stats()
		return now.Strays - before.Strays + now.RateLimited - before.RateLimited
	}
	for member := range strays {
		crowd.send(member, sip.INVITE, fmt.Sprintf("sip:9011468%07d@%s", member, s.Address()), "", "")
		crowd.send(member, sip.REGISTER, "sip:"+s.Address().String(), "", "")
		if crowd.sent%100 == 0 {
			crowd.handled(dealtWith)
		}
		if member == strays/2 { // calls come and go as ever
			newcomer := newPeerAt(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, "UDP", s.Address()).call()
			a := s.connect(t, newcomer)
			newcomer.within(sip.BYE, "", "")
			if got := newcomer.final(sip.BYE).StatusCode; got != 200 {
				t.Errorf("BYE got %d", got)
			}
			over(t, a.leg, channels.EndedByParty)
		}
	}
	crowd.handled(dealtWith)
	took := time.Since(begun)

	for _, pair := range talks {
		pair.untouched(t)
	}
	after := s.Stats()
	if got := dealtWith(); got != 2*strays {
		t.Errorf("%d of %d were counted", got, 2*strays)
	}
	answered := after.Responses[404] - before.Responses[404]
	if most := uint64(allStrayAnswers * (took.Seconds() + 2)); answered == 0 || answered > most {
		t.Errorf("%d were answered in %s; at most %d may be", answered, took, most)
	}
	if got := after.Strays - before.Strays - (after.StraysDropped - before.StraysDropped); got != answered {
		t.Errorf("%d were counted as answered, of %d that were", got, answered)
	}
	if after.Calls != before.Calls+1 || after.LostACKs != 0 || after.DeadRTP != 0 || after.Active != uint64(2*len(talks)) {
		t.Errorf("stats: %+v", after)
	}
	// Each transaction would keep a timer and some 10 KB for half a minute.
	if got := runtime.NumGoroutine(); got > goroutines+20 {
		t.Errorf("%d goroutines; there were %d", got, goroutines)
	}
	if got := heapInUse(); got > heap+12<<20 {
		t.Errorf("%d KB are in use; it was %d KB", got>>10, heap>>10)
	}
	t.Logf("%d strays in %s: %d answered, %d not even read; %d KB more in use", 2*strays, took.Round(time.Millisecond), answered,
		after.RateLimited-before.RateLimited, (int64(heapInUse())-int64(heap))>>10)
	for _, pair := range talks {
		pair.hear(t)
		for i, c := range pair.calls {
			c.within(sip.BYE, "", "")
			if got := c.final(sip.BYE).StatusCode; got != 200 {
				t.Errorf("BYE got %d", got)
			}
			over(t, pair.legs[i], channels.EndedByParty)
		}
	}
}

// heapInUse is what lives on the heap, in bytes.
func heapInUse() uint64 {
	runtime.GC()
	var statistics runtime.MemStats
	runtime.ReadMemStats(&statistics)
	return statistics.HeapAlloc
}

// Whoever rings a line is no stray, but a thousand at once from a thousand addresses are a
// flood: they get the room that strangers have and no more, and the trunk's callers theirs.
func TestAFloodOfCallsLeavesRoomForTrunks(t *testing.T) {
	t.Parallel()
	const callers = 1000
	s := serve(t, func(c *Config, _ *switchboard) {
		c.AllStrangerInvites, c.MaxCalls = 10, 30
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	})
	crowd := newCrowd(t, s.Address())
	body := strings.ReplaceAll("v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 8\n", "\n", "\r\n")
	for member := range callers {
		crowd.send(member, sip.INVITE, fmt.Sprintf("sip:%s@%s", staffNumber, s.Address()), "", body)
		if crowd.sent%50 == 0 {
			crowd.handled(func() uint64 { now := s.Stats(); return now.Calls + now.Refused })
		}
	}
	for range 10 {
		s.connect2xx(t, newPeer(t, "UDP", s.Address()).call())
	}
	got := s.Stats()
	if got.Calls-10 > 15 || got.Calls == 10 || got.Strays != 0 || got.RateLimited == 0 {
		t.Errorf("stats: %+v", got)
	}
}

// connect2xx brings a call up without looking at whose arrival it is.
func (s *server) connect2xx(t testing.TB, c *call) {
	t.Helper()
	c.invite()
	for {
		a := s.arrival(t)
		if err := a.leg.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a.personal.Vouched {
			break
		}
	}
	response := c.final(sip.INVITE)
	if response.StatusCode != sip.StatusOK {
		t.Fatalf("INVITE got %d", response.StatusCode)
	}
	c.ack(response, "")
}
