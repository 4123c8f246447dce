package media

import (
	"net/netip"
	"testing"

	"github.com/pion/rtp"
)

type discard struct{}

func (discard) WriteRTP(*rtp.Header, []byte) error { return nil }

// Whatever a stranger sends to the ports of a call: no panic, and nothing goes out that
// breaks the listener's sequence.
func FuzzSocketReceive(f *testing.F) {
	voice := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: make([]byte, 160)}
	for _, packet := range []rtp.Packet{
		voice,
		{Header: rtp.Header{Version: 2, PayloadType: 101, SSRC: 1, SequenceNumber: 1}, Payload: []byte{5, 0x8A, 0, 160}},
		{Header: rtp.Header{Version: 2, PayloadType: 13, SSRC: 1, CSRC: []uint32{1, 2}}, Payload: []byte{60}},
	} {
		data, err := packet.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, data)
	}
	f.Add([]byte{0x80, 200, 0, 6}, []byte{0x81, 201, 0, 7})
	pacer := NewPacer()
	f.Cleanup(func() { _ = pacer.Close() })
	from := netip.MustParseAddrPort("192.0.2.1:5004")
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) > maxDatagram || len(second) > maxDatagram {
			return
		}
		socket := newSocket(nil, restingPort{}, nil, nil)
		socket.SetRemote(from, netip.AddrPort{})
		in, out := NewStream(pacer, discard{}), NewStream(pacer, discard{})
		defer func() { _, _ = in.Close(), out.Close() }()
		// Started without the pacer, so that only what is received is sent.
		in.in.start(Format{Codec: PCMA, PayloadType: 8, TelephoneEvent: 101})
		if err := out.out.start(Format{Codec: PCMU, PayloadType: 0, TelephoneEvent: 96}); err != nil {
			t.Fatal(err)
		}
		if err := Connect(in, out); err != nil {
			t.Fatal(err)
		}
		before := out.out.header
		var packet rtp.Packet
		for _, data := range [][]byte{first, second, first} {
			socket.takeRTP(data, from, &packet, in)
			socket.takeRTCP(data, from, in, true)
			after := out.out.header
			if sent := after.SequenceNumber - before.SequenceNumber; sent > 1 || int32(after.Timestamp-before.Timestamp) < 0 {
				t.Fatalf("%+v after %+v", after, before)
			}
			before = after
		}
	})
}
