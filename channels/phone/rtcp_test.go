package phone

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"svar/channels/media"
)

// rtcpPhone is a caller's voice on a pair of ports of its own, without any of our code.
type rtcpPhone struct {
	t         testing.TB
	rtp, rtcp *net.UDPConn
	port      int
}

func newRTCPPhone(t testing.TB) *rtcpPhone {
	t.Helper()
	for range 100 {
		first, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		port := first.LocalAddr().(*net.UDPAddr).Port
		second, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		if err != nil {
			_ = first.Close()
			continue
		}
		t.Cleanup(func() { first.Close(); second.Close() })
		return &rtcpPhone{t: t, rtp: first, rtcp: second, port: port}
	}
	t.Fatal("no pair of ports is free")
	return nil
}

func (p *rtcpPhone) body(attributes string) string {
	return strings.ReplaceAll(fmt.Sprintf("v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio %d RTP/AVP 8\n%s", p.port, attributes), "\n", "\r\n")
}

// talk sends packets of voice, all but every fourth.
func (p *rtcpPhone) talk(to netip.AddrPort, ssrc uint32, packets int) {
	p.t.Helper()
	for i := range packets {
		if i%4 == 3 {
			continue
		}
		packet := rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: 8, SSRC: ssrc, SequenceNumber: uint16(i), Timestamp: uint32(160 * i)},
			Payload: make([]byte, 160),
		}
		data, err := packet.Marshal()
		if err != nil {
			p.t.Fatal(err)
		}
		if _, err := p.rtp.WriteToUDPAddrPort(data, to); err != nil {
			p.t.Fatal(err)
		}
	}
}

// report waits for a report with a block about ssrc, on either socket.
func (p *rtcpPhone) report(on *net.UDPConn, ssrc uint32) (*rtcp.SenderReport, rtcp.ReceptionReport) {
	p.t.Helper()
	buffer := make([]byte, 2048)
	if err := on.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for {
		count, err := on.Read(buffer)
		if err != nil {
			p.t.Fatalf("no report came: %v", err)
		}
		if buffer[1] < 192 || buffer[1] > 223 {
			continue // voice
		}
		packets, err := rtcp.Unmarshal(buffer[:count])
		if err != nil {
			p.t.Fatal(err)
		}
		if sender, isSender := packets[0].(*rtcp.SenderReport); isSender && len(sender.Reports) == 1 && sender.Reports[0].SSRC == ssrc {
			if _, described := packets[1].(*rtcp.SourceDescription); !described {
				p.t.Error("a report without a name (RFC 3550 §6.1)")
			}
			return sender, sender.Reports[0]
		}
	}
}

func (p *rtcpPhone) send(from *net.UDPConn, to netip.AddrPort, packets ...rtcp.Packet) {
	p.t.Helper()
	data, err := rtcp.Marshal(packets)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := from.WriteToUDPAddrPort(data, to); err != nil {
		p.t.Fatal(err)
	}
}

// Reports go both ways, at the next port, or at that of voice where the caller offered it (RFC
// 5761), and hold what really was.
func TestReportsGoBothWays(t *testing.T) {
	t.Parallel()
	for _, multiplexed := range []bool{false, true} {
		t.Run(fmt.Sprint("on one port: ", multiplexed), func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			voice := newRTCPPhone(t)
			c := newPeer(t, "UDP", s.Address()).call()
			c.body = voice.body("")
			if multiplexed {
				c.body = voice.body("a=rtcp-mux\n")
			}
			c.invite()
			a := s.arrival(t)
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			answer := c.final("INVITE")
			c.ack(answer, "")
			if got := strings.Contains(string(answer.Body()), "a=rtcp-mux\r\n"); got != multiplexed {
				t.Errorf("the answer:\n%s", answer.Body())
			}
			l := a.leg.(*leg)
			rtpAt := l.socketAddress()
			on, at := voice.rtcp, netip.AddrPortFrom(rtpAt.Addr(), rtpAt.Port()+1)
			if multiplexed {
				on, at = voice.rtp, rtpAt
			}
			until(t, "stream", func() bool { return l.stream.Format() != media.Format{} })

			const ssrc, packets, lost = 4711, 43, 10
			voice.talk(rtpAt, ssrc, packets)
			until(t, "voice", func() bool { return l.Quality().Received == packets-lost })
			const ntp = 0x1122334455667788
			voice.send(on, at, &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp}, rtcp.NewCNAMESourceDescription(ssrc, "phone"))
			var (
				sender *rtcp.SenderReport
				block  rtcp.ReceptionReport
			)
			for block.LastSenderReport == 0 {
				sender, block = voice.report(on, ssrc)
			}
			if block.TotalLost != lost || block.LastSequenceNumber != packets-1 || block.LastSenderReport != uint32(ntp>>16&0xFFFFFFFF) {
				t.Errorf("we report %+v", block)
			}
			if sender.PacketCount == 0 || sender.OctetCount != 160*sender.PacketCount || sender.SSRC != l.stream.SSRC() {
				t.Errorf("we sent %+v", sender)
			}
			// The caller lost a quarter of ours, and our report reached him a moment ago.
			voice.send(on, at, &rtcp.ReceiverReport{SSRC: ssrc, Reports: []rtcp.ReceptionReport{{
				SSRC: sender.SSRC, FractionLost: 64, LastSenderReport: uint32(sender.NTPTime >> 16),
			}}}, rtcp.NewCNAMESourceDescription(ssrc, "phone"))
			until(t, "round trip", func() bool { return l.Quality().RoundTrip > 0 })
			if got := l.Quality(); got.RemoteLost != 64 || got.Lost != lost || got.RoundTrip > uint32(patience.Microseconds()) {
				t.Errorf("quality: %+v", got)
			}
			if got := s.Stats().Media; got.Legs != 1 || got.PacketsReceived != packets-lost || got.PacketsLost != lost || got.PacketsSent == 0 {
				t.Errorf("media: %+v", got)
			}
			last := l.Quality()
			c.bye(a)
			if got := l.Quality(); got.Received != last.Received || got.RemoteLost != last.RemoteLost {
				t.Errorf("quality after the end: %+v; it was %+v", got, last)
			}
			if got := s.Stats().Media; got.Legs != 1 || got.PacketsReceived != packets-lost {
				t.Errorf("media after the end: %+v", got)
			}
		})
	}
}
