package media_test

import (
	"bytes"
	"encoding/json"
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

// heard takes what a socket hands on.
type heard struct {
	packets chan rtp.Packet
	reports chan []rtcp.Packet
}

func newHeard() *heard {
	return &heard{packets: make(chan rtp.Packet, 100), reports: make(chan []rtcp.Packet, 100)}
}

func (h *heard) Receive(packet *rtp.Packet) error {
	h.packets <- *packet.Clone()
	return nil
}

func (h *heard) ReceiveReports(packets []rtcp.Packet, _ time.Time) { h.reports <- packets }

func (h *heard) packet(t *testing.T) rtp.Packet {
	t.Helper()
	select {
	case packet := <-h.packets:
		return packet
	case <-time.After(patience):
		t.Fatal("no packet came")
		panic("unreachable")
	}
}

func protect(t *testing.T, socket *media.Socket, local, remote media.SRTPKey) {
	t.Helper()
	if err := socket.Protect(local, remote); err != nil {
		t.Fatal(err)
	}
}

func header(sequence uint16) *rtp.Header {
	return &rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: sequence, Timestamp: uint32(sequence) * 160, SSRC: 7}
}

func TestEncryptedVoice(t *testing.T) {
	t.Parallel()
	for _, suite := range []media.SRTPSuite{media.AES128HMACSHA180, media.AES128HMACSHA132, media.AES128GCM} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			ours, theirs := media.NewSRTPKey(suite), media.NewSRTPKey(suite)
			a, b := openSocket(t), openSocket(t)
			protect(t, a, ours, theirs)
			protect(t, b, theirs, ours)
			a.SetRemote(localAddress(b), netip.AddrPort{})
			b.SetRemote(localAddress(a), netip.AddrPort{})
			at := newHeard()
			if err := b.Start(at); err != nil {
				t.Fatal(err)
			}
			for sequence := range uint16(3) {
				if err := a.WriteRTP(header(sequence), []byte{1, 2, byte(sequence)}); err != nil {
					t.Fatal(err)
				}
				if got := at.packet(t); got.SequenceNumber != sequence || !bytes.Equal(got.Payload, []byte{1, 2, byte(sequence)}) {
					t.Errorf("heard %v", got)
				}
				// The same keys again, as in a refresh of the session, change nothing.
				protect(t, a, ours, theirs)
				protect(t, b, theirs, ours)
			}
			if err := a.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 7}}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-at.reports:
			case <-time.After(patience):
				t.Error("no report came")
			}
		})
	}
}

// Who listens on the way can neither play packets again nor send his own.
func TestVoiceThatIsNotEncryptedByTheKey(t *testing.T) {
	t.Parallel()
	key := media.NewSRTPKey(media.AES128GCM)
	wire, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wire.Close() })
	between := wire.LocalAddr().(*net.UDPAddr).AddrPort()
	sender, receiver := openSocket(t), openSocket(t)
	protect(t, sender, key, media.NewSRTPKey(media.AES128GCM))
	protect(t, receiver, media.NewSRTPKey(media.AES128GCM), key)
	sender.SetRemote(between, netip.AddrPort{})
	at := newHeard()
	if err := receiver.Start(at); err != nil {
		t.Fatal(err)
	}
	carry := func(packet []byte) {
		if _, err := wire.WriteToUDPAddrPort(packet, localAddress(receiver)); err != nil {
			t.Fatal(err)
		}
	}
	catch := func(sequence uint16) []byte {
		if err := sender.WriteRTP(header(sequence), []byte("plain text")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1500)
		count, _, err := wire.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return buffer[:count]
	}
	plain, err := (&rtp.Packet{Header: *header(9), Payload: []byte("plain text")}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	first := catch(1)
	if bytes.Contains(first, []byte("plain")) {
		t.Error("the voice can be read on the way")
	}
	changed := bytes.Clone(catch(2))
	changed[len(changed)-1] ^= 1
	carry(plain)   // not encrypted
	carry(changed) // changed on the way
	for ssrc := range byte(50) {
		foreign := bytes.Clone(first)
		foreign[11] = 100 + ssrc
		carry(foreign)
	}
	carry(first)
	if got := at.packet(t); got.SequenceNumber != 1 {
		t.Errorf("heard packet %d", got.SequenceNumber)
	}
	carry(first) // played again
	carry(catch(3))
	if got := at.packet(t); got.SequenceNumber != 3 {
		t.Errorf("heard packet %d", got.SequenceNumber)
	}
	if got := receiver.Statistics().Malformed; got != 53 {
		t.Errorf("%d packets were refused", got)
	}
}

func TestNothingGoesUnencryptedWithoutAKey(t *testing.T) {
	t.Parallel()
	socket := openSocket(t)
	protect(t, socket, media.SRTPKey{}, media.NewSRTPKey(media.AES128GCM))
	socket.SetRemote(localAddress(openSocket(t)), netip.AddrPort{})
	if err := socket.WriteRTP(header(1), nil); err == nil {
		t.Error("voice went out without a key")
	}
	if err := socket.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 7}}); err == nil {
		t.Error("a report went out without a key")
	}
	if err := socket.Protect(media.SRTPKey{Suite: "NULL"}, media.SRTPKey{}); err == nil {
		t.Error("a suite that is none is taken")
	}
	if err := socket.Protect(media.SRTPKey{Suite: media.AES128GCM, Master: []byte("short")}, media.SRTPKey{}); err == nil {
		t.Error("a key that is too short is taken")
	}
}

func TestKeysPrintAsNothing(t *testing.T) {
	t.Parallel()
	key := media.NewSRTPKey(media.AES128GCM)
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), string(encoded)} {
		if strings.ReplaceAll(strings.ReplaceAll(text, "(secret)", ""), " ", "") != "" && text != `"(secret)"` {
			t.Errorf("the key prints as %s", text)
		}
	}
}
