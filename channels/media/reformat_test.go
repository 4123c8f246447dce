package media_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// A loop goes on in the other codec without a jump, and what comes in the old one is refused.
func TestTheFormatChangesInMidCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		leg := newLeg(t, pacer, media.Format{})
		if err := leg.SetFormat(formatU); !errors.Is(err, media.ErrNotStarted) {
			t.Errorf("before Start: %v", err)
		}
		if err := leg.Start(formatA); err != nil {
			t.Fatal(err)
		}
		if err := leg.SetFormat(media.Format{}); !errors.Is(err, media.ErrFormat) {
			t.Errorf("no format: %v", err)
		}
		if err := leg.Loop(mediatest.Tone(500, time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := leg.SetFormat(formatU); err != nil {
			t.Fatal(err)
		}
		change := len(leg.wire.all())
		time.Sleep(time.Second)
		var heard [][]byte
		packets := leg.wire.all()
		for i, packet := range packets {
			codec := media.PCMA
			if i >= change {
				codec = media.PCMU
				heard = append(heard, packet.payload)
			}
			if packet.PayloadType != codec.PayloadType() {
				t.Fatalf("packet %d of %d has type %d", i, change, packet.PayloadType)
			}
			if i > 0 && (packet.SequenceNumber != packets[i-1].SequenceNumber+1 || packet.Timestamp-packets[i-1].Timestamp != 160) {
				t.Errorf("packet %d follows with %d, %d", i, packet.SequenceNumber-packets[i-1].SequenceNumber, packet.Timestamp-packets[i-1].Timestamp)
			}
		}
		if len(heard) < 45 || !packets[change].Marker {
			t.Errorf("%d packets after the change", len(heard))
		}
		if verdict := mediatest.ListenPayloads(media.PCMU, heard, 500); verdict.Share() < 0.95 {
			t.Errorf("after the change %s is heard", verdict)
		}
		packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: make([]byte, 160)}
		if err := leg.Receive(&packet); !errors.Is(err, media.ErrPayloadType) {
			t.Errorf("a packet in the old codec: %v", err)
		}
		packet.PayloadType = 0
		if err := leg.Receive(&packet); err != nil {
			t.Errorf("a packet in the new codec: %v", err)
		}
		_ = leg.Close()
		if err := leg.SetFormat(formatA); !errors.Is(err, media.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// reportsNowhere takes packets as part of the leg and does nothing with them.
type reportsNowhere struct{}

func (reportsNowhere) Receive(*rtp.Packet) error               { return nil }
func (reportsNowhere) ReceiveReports([]rtcp.Packet, time.Time) {}

func TestALatchIsOpenedAgain(t *testing.T) {
	t.Parallel()
	socket := openSocket(t)
	if err := socket.Start(reportsNowhere{}); err != nil {
		t.Fatal(err)
	}
	talkFrom := func() (*net.UDPConn, netip.AddrPort) {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		packet := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 9}, Payload: make([]byte, 160)}
		data, err := packet.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.WriteToUDPAddrPort(data, localAddress(socket)); err != nil {
			t.Fatal(err)
		}
		return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	settled := func(so func() bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("sends to %s", socket.Remote())
			}
		}
	}
	_, first := talkFrom()
	settled(func() bool { return socket.Remote() == first })
	talkFrom()
	settled(func() bool { return socket.Statistics().Foreign == 1 })
	if got := socket.Remote(); got != first {
		t.Errorf("the latch gave way: sends to %s", got)
	}
	socket.Relatch()
	moved, second := talkFrom()
	settled(func() bool { return socket.Remote() == second })

	// RTCP on the ports of RTP, once that was agreed.
	socket.Multiplex(true)
	if err := socket.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}}); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	_ = moved.SetReadDeadline(time.Now().Add(patience))
	count, from, err := moved.ReadFromUDPAddrPort(buffer)
	if err != nil || from.Port() != socket.Port() || count < 8 || buffer[1] != 201 {
		t.Errorf("%d octets from %s: %v", count, from, err)
	}
}
