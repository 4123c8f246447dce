package mediatest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"svar/channels/media"
)

// Peer is a small RTP party on a UDP port of 127.0.0.1: it records all that it hears and
// sends a tone when told to. It ends with its test.
type Peer struct {
	// Recorder holds what the peer received.
	Recorder
	codec      media.Codec
	connection *net.UDPConn
	ctx        context.Context
	work       sync.WaitGroup
}

// NewPeer opens a free port and begins to listen.
func NewPeer(t testing.TB, codec media.Codec) *Peer {
	t.Helper()
	connection, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("open RTP peer: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	peer := &Peer{codec: codec, connection: connection, ctx: ctx}
	peer.work.Go(peer.listen)
	t.Cleanup(func() {
		cancel()
		_ = connection.Close()
		peer.work.Wait()
	})
	return peer
}

// Address is where the peer receives and sends from: what its SDP would say.
func (p *Peer) Address() netip.AddrPort {
	return p.connection.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (p *Peer) listen() {
	buffer := make([]byte, 2048)
	for {
		count, _, err := p.connection.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var packet rtp.Packet
		if err == nil && packet.Unmarshal(buffer[:count]) == nil {
			_ = p.Recorder.WriteRTP(&packet.Header, packet.Payload)
		}
	}
}

// SendTone sends a tone to an address, 20 ms a packet, until stop is called or the test
// ends. stop waits for the last packet. Each call is a source of its own.
func (p *Peer) SendTone(remote netip.AddrPort, frequency float64) (stop func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan struct{})
	p.work.Go(func() {
		defer close(done)
		p.send(ctx, remote, frequency)
	})
	return func() {
		cancel()
		<-done
	}
}

func (p *Peer) send(ctx context.Context, remote netip.AddrPort, frequency float64) {
	payloads := TonePayloads(p.codec, frequency, 50)
	packet := rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: true, PayloadType: p.codec.PayloadType(),
		SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(),
	}}
	ticker := time.NewTicker(media.FrameDuration)
	defer ticker.Stop()
	for i := 0; ; i++ {
		packet.Payload = payloads[i%len(payloads)]
		if data, err := packet.Marshal(); err == nil {
			_, _ = p.connection.WriteToUDPAddrPort(data, remote)
		}
		packet.Marker = false
		packet.SequenceNumber++
		packet.Timestamp += FrameOctets
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// WaitTone waits until the peer heard half a second of a tone in its codec.
func (p *Peer) WaitTone(ctx context.Context, frequency float64) (Verdict, error) {
	return p.Recorder.WaitTone(ctx, p.codec, frequency)
}
