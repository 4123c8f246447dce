package media_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// patience ends a wait for something that should have come long ago.
const patience = 20 * time.Second

func newPool(t *testing.T, first, last uint16, quarantine time.Duration) *media.PortPool {
	t.Helper()
	pool, err := media.NewPortPool(media.PortPoolConfig{Address: loopback, First: first, Last: last, Quarantine: quarantine})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// openSocket takes ports from the range that the system keeps for servers.
func openSocket(t *testing.T) *media.Socket {
	t.Helper()
	socket, err := newPool(t, 20000, 29999, time.Nanosecond).Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

func localAddress(socket *media.Socket) netip.AddrPort {
	return netip.AddrPortFrom(loopback, socket.Port())
}

// A call over UDP: the caller's tone reaches the agent, the agent's reaches the caller,
// in different codecs.
func TestTonesCrossTheBridge(t *testing.T) {
	t.Parallel()
	pacer := newPacer(t)
	caller, agent := mediatest.NewPeer(t, media.PCMA), mediatest.NewPeer(t, media.PCMU)
	var streams []*media.Stream
	for _, side := range []struct {
		peer   *mediatest.Peer
		format media.Format
		tone   float64
	}{{caller, formatA, 700}, {agent, formatU, 1300}} {
		socket := openSocket(t)
		socket.SetRemote(side.peer.Address(), netip.AddrPort{})
		stream := media.NewStream(pacer, socket)
		t.Cleanup(func() { _ = stream.Close() })
		if err := stream.Start(side.format); err != nil {
			t.Fatal(err)
		}
		if err := socket.Start(stream); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
		side.peer.SendTone(localAddress(socket), side.tone)
	}
	if err := media.Connect(streams[0], streams[1]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, side := range []struct {
		name string
		peer *mediatest.Peer
		tone float64
	}{{"agent", agent, 700}, {"caller", caller, 1300}} {
		verdict, err := side.peer.WaitTone(ctx, side.tone)
		if err != nil {
			t.Fatalf("%s: %v", side.name, err)
		}
		t.Logf("%s hears %s", side.name, verdict)
	}
}

// inbox is a receiver that shows what came.
type inbox struct {
	packets chan uint32 // SSRCs
	reports chan []rtcp.Packet
	refuse  uint32
}

func newInbox() *inbox {
	return &inbox{packets: make(chan uint32, 100), reports: make(chan []rtcp.Packet, 100), refuse: 666}
}

func (i *inbox) Receive(packet *rtp.Packet) error {
	if packet.SSRC == i.refuse {
		return media.ErrPayloadType
	}
	i.packets <- packet.SSRC
	return nil
}

func (i *inbox) ReceiveReports(packets []rtcp.Packet, _ time.Time) { i.reports <- packets }

// party is a UDP port that sends what it is told to.
type party struct {
	t          *testing.T
	connection *net.UDPConn
	to         netip.AddrPort
}

func newParty(t *testing.T, to netip.AddrPort) party {
	t.Helper()
	connection, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return party{t, connection, to}
}

func (p party) address() netip.AddrPort { return p.connection.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p party) send(data []byte) {
	p.t.Helper()
	if _, err := p.connection.WriteToUDPAddrPort(data, p.to); err != nil {
		p.t.Fatal(err)
	}
}

func (p party) speak(ssrc uint32) {
	p.t.Helper()
	data, err := voice(formatA, ssrc, 1, 1).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(data)
}

func (i *inbox) next(t *testing.T) uint32 {
	t.Helper()
	select {
	case ssrc := <-i.packets:
		return ssrc
	case <-time.After(patience):
		t.Fatal("nothing came")
		return 0
	}
}

// livekit/sip#741
func TestSourceIsLockedAfterTheFirstValidPacket(t *testing.T) {
	t.Parallel()
	socket, inbox := openSocket(t), newInbox()
	to := localAddress(socket)
	// The SDP names a private address, as behind a NAT; the packets come from elsewhere.
	described, actual, stranger := newParty(t, to), newParty(t, to), newParty(t, to)
	socket.SetRemote(described.address(), netip.AddrPort{})
	if err := socket.Start(inbox); err != nil {
		t.Fatal(err)
	}
	if socket.Remote() != described.address() {
		t.Fatalf("sends to %s before the first packet", socket.Remote())
	}
	// What is not part of the call fixes nothing.
	stranger.speak(inbox.refuse)
	stranger.send([]byte("this is not RTP"))
	stranger.send(make([]byte, 1501))
	actual.speak(1)
	if got := inbox.next(t); got != 1 {
		t.Fatalf("source %d", got)
	}
	for range 3 {
		stranger.speak(2)
	}
	actual.speak(1)
	if got := inbox.next(t); got != 1 {
		t.Fatalf("source %d after the lock", got)
	}
	if socket.Remote() != actual.address() {
		t.Fatalf("sends to %s, not to where packets come from", socket.Remote())
	}
	statistics := socket.Statistics()
	if statistics.Foreign != 3 || statistics.Refused != 1 || statistics.Malformed != 2 {
		t.Fatalf("%+v", statistics)
	}
	// The address of the SDP beats whoever was quicker, for good.
	described.speak(3)
	if got := inbox.next(t); got != 3 {
		t.Fatalf("source %d", got)
	}
	actual.speak(1)
	described.speak(3)
	if got := inbox.next(t); got != 3 || socket.Remote() != described.address() {
		t.Fatalf("source %d, sends to %s", got, socket.Remote())
	}
	// A re-INVITE with the same address changes nothing, one with another opens the latch.
	socket.SetRemote(described.address(), netip.AddrPort{})
	stranger.speak(2)
	described.speak(3)
	if got := inbox.next(t); got != 3 {
		t.Fatalf("source %d after the same address", got)
	}
	socket.SetRemote(actual.address(), netip.AddrPort{})
	for range 2 { // the second one comes after the first one was taken to the end
		stranger.speak(2)
		if got := inbox.next(t); got != 2 {
			t.Fatalf("source %d", got)
		}
	}
	if socket.Remote() != stranger.address() {
		t.Fatalf("sends to %s", socket.Remote())
	}
}

// slowReceiver holds each packet until the test lets it go.
type slowReceiver struct {
	taken chan uint32
	let   chan struct{}
}

func (r slowReceiver) Receive(packet *rtp.Packet) error {
	r.taken <- packet.SSRC
	<-r.let
	return nil
}

func (slowReceiver) ReceiveReports([]rtcp.Packet, time.Time) {}

func TestPacketUnderwayWhenTheLatchOpensDoesNotFixTheSource(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*media.Socket){
		"new address": func(socket *media.Socket) {
			socket.SetRemote(netip.AddrPortFrom(loopback, 9), netip.AddrPort{}) // which nobody speaks from, as behind a NAT
		},
		"relatch": (*media.Socket).Relatch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := openSocket(t)
			receiver := slowReceiver{make(chan uint32), make(chan struct{})}
			before, after := newParty(t, localAddress(socket)), newParty(t, localAddress(socket))
			socket.SetRemote(before.address(), netip.AddrPort{})
			if err := socket.Start(receiver); err != nil {
				t.Fatal(err)
			}
			before.speak(1)
			<-receiver.taken
			open(socket)
			receiver.let <- struct{}{}
			after.speak(2)
			select {
			case ssrc := <-receiver.taken:
				if ssrc != 2 {
					t.Errorf("source %d", ssrc)
				}
				receiver.let <- struct{}{}
			case <-time.After(patience):
				t.Error("the place where the party was shuts out where he is now")
			}
		})
	}
}

func TestReportsTravelBesideTheVoice(t *testing.T) {
	t.Parallel()
	socket, inbox := openSocket(t), newInbox()
	control := newParty(t, netip.AddrPortFrom(loopback, socket.Port()+1))
	voice := newParty(t, localAddress(socket))
	socket.SetRemote(voice.address(), control.address())
	if err := socket.Start(inbox); err != nil {
		t.Fatal(err)
	}
	report := []rtcp.Packet{&rtcp.ReceiverReport{SSRC: 7}}
	data, err := rtcp.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	control.send([]byte{0x80, 201})
	control.send(data)
	voice.send(data) // on one port, unasked (RFC 5761)
	for range 2 {
		select {
		case got := <-inbox.reports:
			if got[0].(*rtcp.ReceiverReport).SSRC != 7 {
				t.Fatalf("%v", got)
			}
		case <-time.After(patience):
			t.Fatal("no report")
		}
	}
	if err := socket.WriteRTCP(report); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	_ = control.connection.SetReadDeadline(time.Now().Add(patience))
	if count, _, err := control.connection.ReadFromUDPAddrPort(buffer); err != nil || string(buffer[:count]) != string(data) {
		t.Fatalf("%x, %v", buffer[:count], err)
	}
}

func TestPortsAreReusedFirstInFirstOutAfterQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, 31001, 31008, time.Minute) // pairs 31002, 31004, 31006
		open := func() *media.Socket {
			t.Helper()
			socket, err := pool.Open()
			if err != nil {
				t.Fatal(err)
			}
			if socket.Port()%2 != 0 {
				t.Fatalf("odd RTP port %d", socket.Port())
			}
			return socket
		}
		exhausted := func(inUse, resting int) {
			t.Helper()
			_, err := pool.Open()
			var ports *media.PortsError
			if !errors.As(err, &ports) || !errors.Is(err, media.ErrPorts) || ports.Open != inUse || ports.Resting != resting {
				t.Fatalf("%v, want %d in use and %d resting", err, inUse, resting)
			}
		}
		first, second, third := open(), open(), open()
		exhausted(3, 0)
		_ = second.Close()
		time.Sleep(time.Second)
		_ = first.Close()
		_ = first.Close() // gives its ports back once
		exhausted(1, 2)
		time.Sleep(59 * time.Second)
		if socket := open(); socket.Port() != second.Port() {
			t.Fatalf("port %d, want the one that rested longest, %d", socket.Port(), second.Port())
		} else {
			defer func() { _ = socket.Close() }()
		}
		exhausted(2, 1)
		time.Sleep(time.Second)
		if socket := open(); socket.Port() != first.Port() {
			t.Fatalf("port %d, want %d", socket.Port(), first.Port())
		} else {
			defer func() { _ = socket.Close() }()
		}
		exhausted(3, 0)
		_ = third.Close()
	})
}

func TestPortsOfOthersArePassedOver(t *testing.T) {
	t.Parallel()
	const first, last = 31100, 31103
	// Somebody else has the RTCP port of one pair.
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: first + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	for range 8 { // whichever the random beginning is
		pool := newPool(t, first, last, time.Hour)
		socket, err := pool.Open()
		if err != nil {
			t.Fatal(err)
		}
		if socket.Port() != first+2 {
			t.Fatalf("port %d", socket.Port())
		}
		var ports *media.PortsError
		if _, err := pool.Open(); !errors.As(err, &ports) || ports.Cause == nil {
			t.Fatalf("%v, want the system's refusal", err)
		}
		_ = socket.Close()
	}
}

func TestPortPoolRefusesWhatCanNotWork(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]media.PortPoolConfig{
		"no address":    {First: 20000, Last: 20010},
		"privileged":    {Address: loopback, First: 1000, Last: 2000},
		"no pair":       {Address: loopback, First: 20001, Last: 20002},
		"upside down":   {Address: loopback, First: 20010, Last: 20000},
		"negative time": {Address: loopback, Quarantine: -1},
	} {
		if _, err := media.NewPortPool(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := media.NewPortPool(media.PortPoolConfig{Address: loopback, First: 65534, Last: 65535}); err != nil {
		t.Errorf("the last pair: %v", err)
	}
}

func TestClosedSocketRefuses(t *testing.T) {
	t.Parallel()
	socket := openSocket(t)
	if err := socket.Start(newInbox()); err != nil {
		t.Fatal(err)
	}
	if err := socket.Start(newInbox()); !errors.Is(err, media.ErrStarted) {
		t.Fatalf("second Start: %v", err)
	}
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() { _ = socket.Close() })
	}
	work.Wait()
	if err := socket.Start(newInbox()); !errors.Is(err, media.ErrClosed) {
		t.Fatalf("Start after Close: %v", err)
	}
	socket.SetRemote(netip.MustParseAddrPort("127.0.0.1:9"), netip.AddrPort{})
	if err := socket.WriteRTP(&rtp.Header{Version: 2}, []byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("WriteRTP after Close: %v", err)
	}
}
