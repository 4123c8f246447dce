package media_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// reusedPool has one pair of ports, which it gives out again at once.
func reusedPool(t *testing.T) *media.PortPool {
	t.Helper()
	socket := openSocket(t) // finds a pair that is free
	port := socket.Port()
	_ = socket.Close()
	return newPool(t, port, port+1, time.Nanosecond)
}

// voiceOver is a call over UDP to a party whose address the SDP names, or does not.
func voiceOver(t *testing.T, pool *media.PortPool, pacer *media.Pacer, described netip.AddrPort) (*media.Socket, *media.Stream) {
	t.Helper()
	socket, err := pool.Open()
	if err != nil {
		t.Fatal(err)
	}
	socket.SetRemote(described, netip.AddrPort{})
	stream := media.NewStream(pacer, socket)
	t.Cleanup(func() {
		_ = stream.Close()
		_ = socket.Close()
	})
	if err := stream.Start(formatA); err != nil {
		t.Fatal(err)
	}
	if err := socket.Start(stream); err != nil {
		t.Fatal(err)
	}
	return socket, stream
}

// livekit/sip#741: a phone that missed its BYE sends on for ever, and was first on the port of
// the next call. It must neither be heard there nor get that call's voice.
func TestOldVoiceDoesNotReachTheNextCall(t *testing.T) {
	t.Parallel()
	for name, knows := range map[string]func(party *mediatest.Peer) netip.AddrPort{
		"its address is in the SDP":       (*mediatest.Peer).Address,
		"its address is behind a NAT":     func(*mediatest.Peer) netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:4000") },
		"its address is not known before": func(*mediatest.Peer) netip.AddrPort { return netip.AddrPort{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			pacer, pool := newPacer(t), reusedPool(t)
			gone, caller, agent := mediatest.NewPeer(t, media.PCMA), mediatest.NewPeer(t, media.PCMA), newLeg(t, pacer, formatA)

			socket, stream := voiceOver(t, pool, pacer, gone.Address())
			gone.SendTone(localAddress(socket), 500) // and on, until the test ends
			for stream.Statistics().PacketsReceived < 5 {
				if ctx.Err() != nil {
					t.Fatal("the first call had no voice")
				}
				time.Sleep(time.Millisecond)
			}
			_ = stream.Close()
			_ = socket.Close()

			again, next := voiceOver(t, pool, pacer, knows(caller))
			if again.Port() != socket.Port() {
				t.Fatalf("port %d, not %d again", again.Port(), socket.Port())
			}
			if err := media.Connect(next, agent.Stream); err != nil {
				t.Fatal(err)
			}
			// The old phone is there first.
			for again.Statistics().Foreign < 5 && next.Statistics().PacketsReceived < 5 {
				if ctx.Err() != nil {
					t.Fatal("the old phone does not send any more")
				}
				time.Sleep(time.Millisecond)
			}
			gone.Reset()
			caller.SendTone(localAddress(again), 900)
			_ = next.Loop(mediatest.Tone(1300, time.Second))
			if _, err := caller.WaitTone(ctx, 1300); err != nil {
				t.Errorf("the caller: %v", err)
			}
			var heard [][]byte
			for _, packet := range agent.wire.all() {
				heard = append(heard, packet.payload)
			}
			if verdict := mediatest.ListenPayloads(media.PCMA, heard, 500); verdict.Toned > 0 {
				t.Errorf("the old phone is heard: %s", verdict)
			}
			if verdict := gone.Listen(media.PCMA, 1300); verdict.Toned > 0 {
				t.Errorf("the old phone hears the call: %s", verdict)
			}
		})
	}
}

// Whoever is quicker than the party that the SDP names does not keep its place, even when it
// goes on speaking.
func TestThePartyOfTheSDPIsHeardBesideAStranger(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pacer := newPacer(t)
	stranger, caller, agent := mediatest.NewPeer(t, media.PCMA), mediatest.NewPeer(t, media.PCMA), newLeg(t, pacer, formatA)
	socket, stream := voiceOver(t, newPool(t, 20000, 29999, time.Nanosecond), pacer, caller.Address())
	if err := media.Connect(stream, agent.Stream); err != nil {
		t.Fatal(err)
	}
	stranger.SendTone(localAddress(socket), 500)
	for stream.Statistics().PacketsReceived < 5 {
		if ctx.Err() != nil {
			t.Fatal("the stranger is not heard")
		}
		time.Sleep(time.Millisecond)
	}
	caller.SendTone(localAddress(socket), 900)
	for {
		var heard [][]byte
		for _, packet := range agent.wire.all() {
			heard = append(heard, packet.payload)
		}
		if mediatest.ListenPayloads(media.PCMA, heard, 900).Toned >= 25 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the caller is not heard beside the stranger")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if socket.Remote() != caller.Address() {
		t.Errorf("voice goes to %s", socket.Remote())
	}
}

// A phone that speaks with one SSRC from one port in all its calls is heard in the next one too.
func TestAPhoneWithOneSSRCIsHeardAgain(t *testing.T) {
	t.Parallel()
	pacer, pool := newPacer(t), reusedPool(t)
	first, _ := voiceOver(t, pool, pacer, netip.AddrPort{})
	phone := newParty(t, localAddress(first))
	var sequence uint16
	say := func(to *media.Socket, stream *media.Stream, heard func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for !heard() {
			if ctx.Err() != nil {
				t.Fatalf("not heard: %+v %+v", to.Statistics(), stream.Statistics())
			}
			sequence++
			data, err := voice(formatA, 77, sequence, 160*uint32(sequence)).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			phone.send(data)
			time.Sleep(5 * time.Millisecond)
		}
	}
	for range 2 {
		_ = first.Close()
		socket, stream := voiceOver(t, pool, pacer, phone.address())
		say(socket, stream, func() bool { return stream.Statistics().PacketsReceived > 0 })
		first = socket
	}
}
