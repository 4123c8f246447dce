package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// call says who calls whom, and how.
type call struct {
	// scenario is a file of testdata/sipp.
	scenario string
	to       netip.AddrPort
	number   string
	// from is the From header's value; a number that nobody has when empty.
	from string
	// header is one more header of the INVITE.
	header string
	tcp    bool
	// codec is the one that the caller speaks; PCMA when not set.
	codec media.Codec
	// callers is how many call at once; one when not set. They share one voice.
	callers int
}

// caller is a sipp process that makes one call, or some alike, and the voice to it.
type caller struct {
	t         testing.TB
	voice     *voice
	process   *exec.Cmd
	directory string
	port      int
	callID    string
	done      chan struct{}
	err       error
}

// dial starts a caller.
func dial(t testing.TB, c call) *caller {
	t.Helper()
	if c.from == "" {
		c.from = "<sip:+46701740699@127.0.0.1>"
	}
	if c.header == "" {
		c.header = "Subject: end to end"
	}
	if c.codec == 0 {
		c.codec = media.PCMA
	}
	c.callers = max(c.callers, 1)
	scenario, err := filepath.Abs(filepath.Join("testdata", "sipp", c.scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	caller := &caller{
		t: t, voice: newVoice(t, c.codec, callerTone), directory: t.TempDir(), port: freePort(t),
		callID: uuid.NewString(), done: make(chan struct{}),
	}
	transport := "u1"
	if c.tcp {
		transport = "t1"
	}
	arguments := []string{
		c.to.String(), "-sf", scenario, "-s", c.number, "-i", "127.0.0.1", "-p", strconv.Itoa(caller.port), "-t", transport,
		"-m", strconv.Itoa(c.callers), "-l", strconv.Itoa(c.callers), "-r", strconv.Itoa(c.callers), "-cid_str", "%u-" + caller.callID,
		"-key", "from", c.from, "-key", "header", c.header, "-key", "voice_port", strconv.Itoa(int(caller.voice.port())),
		"-key", "formats", strconv.Itoa(int(c.codec.PayloadType())),
		"-nostdin", "-aa", "-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log",
		"-timeout", "150s", "-timeout_error",
	}
	caller.start(c.scenario, arguments)
	return caller
}

// start starts the process, which ends with the test.
func (c *caller) start(scenario string, arguments []string) {
	c.t.Helper()
	c.process = exec.Command("sipp", arguments...)
	c.process.Dir = c.directory
	// sipp draws a screen; without a terminal it needs to be told what kind it is not.
	c.process.Env = append(os.Environ(), "TERM=dumb")
	screen := &lockedBuffer{}
	c.process.Stdout, c.process.Stderr = screen, screen
	if err := c.process.Start(); err != nil {
		c.t.Fatalf("start a caller: %v (is the package sip-tester installed?)", err)
	}
	go func() {
		c.err = c.process.Wait()
		close(c.done)
	}()
	c.t.Cleanup(func() {
		_ = c.process.Process.Kill()
		<-c.done
		if c.t.Failed() {
			c.t.Logf("caller %s\n%s\n%s", scenario, c.file("errors.log"), c.file("messages.log"))
		}
	})
}

// callee is a sipp process that answers one call at the address.
func callee(t testing.TB, port int) *caller {
	t.Helper()
	return calleeSaying(t, port, callerTone)
}

// calleeSaying is a callee with a tone of its own.
func calleeSaying(t testing.TB, port int, tone float64) *caller {
	t.Helper()
	return calleeBy(t, "answers", port, tone)
}

// calleeBy is a callee by a scenario of testdata/sipp.
func calleeBy(t testing.TB, name string, port int, tone float64) *caller {
	t.Helper()
	scenario, err := filepath.Abs(filepath.Join("testdata", "sipp", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, voice: newVoice(t, media.PCMA, tone), directory: t.TempDir(), port: port, done: make(chan struct{})}
	c.start(name, []string{
		"-sf", scenario, "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-t", "u1", "-m", "1",
		"-key", "voice_port", strconv.Itoa(int(c.voice.port())), "-nostdin",
		"-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log", "-timeout", "150s", "-timeout_error",
	})
	return c
}

func (c *caller) file(name string) string {
	data, err := os.ReadFile(filepath.Join(c.directory, name))
	if err != nil {
		return ""
	}
	const most = 6_000
	return string(data[max(0, len(data)-most):])
}

// Wait waits until the scenario is over and asserts that all went as it says.
func (c *caller) Wait() {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.t.Fatal("the caller's scenario does not end")
	}
	if c.err != nil {
		c.t.Fatalf("the caller's scenario failed: %v", c.err)
	}
}

// HangUp presses the caller's button: the scenario waits for a MESSAGE in its call. It first
// waits until the caller hears something: sound comes after the 200 and goes another way, so that
// the caller has the 200 before the MESSAGE. What the board shows may be ahead of the 200.
func (c *caller) HangUp() {
	c.t.Helper()
	eventually(c.t, func() bool { return len(c.voice.Packets()) > 0 }, func() string { return "the caller hears nothing, so has no 200" })
	c.press("1-" + c.callID)
}

// PickUp lifts the receiver of a callee by the scenario sounds-first.
func (c *caller) PickUp() {
	c.t.Helper()
	var callID string
	eventually(c.t, func() bool {
		_, rest, _ := strings.Cut(c.file("messages.log"), "\r\nCall-ID: ")
		var came bool
		callID, _, came = strings.Cut(rest, "\r\n")
		return came
	}, func() string { return "nobody calls" })
	c.press(callID)
}

// press sends the MESSAGE that a scenario waits for in its call.
func (c *caller) press(callID string) {
	c.t.Helper()
	finger, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = finger.Close() }()
	message := fmt.Sprintf("MESSAGE sip:caller@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nFrom: <sip:test@127.0.0.1>;tag=t\r\n"+
		"To: <sip:caller@127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n", finger.LocalAddr(), uuid.NewString(), callID)
	if _, err := finger.Write([]byte(message)); err != nil {
		c.t.Fatal(err)
	}
}

// Hears waits until the caller hears a tone.
func (c *caller) Hears(tone float64) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if _, err := c.voice.WaitTone(ctx, c.voice.codec, tone); err != nil {
		c.t.Fatalf("the caller: %v", err)
	}
}

// HearsClip waits until a clip has begun to come over, bit by bit as it is.
func (c *caller) HearsClip(clip *media.Clip) {
	c.t.Helper()
	want := clip.Encoded(c.voice.codec)
	want = want[:min(len(want), 8000)] // the first second
	eventually(c.t, func() bool {
		var heard []byte
		for _, payload := range c.voice.Payloads(c.voice.codec.PayloadType()) {
			heard = append(heard, payload...)
		}
		return strings.Contains(string(heard), string(want))
	}, func() string { return "the caller did not hear what should be said" })
}

// freePort returns a port for a caller's signalling that is free now, and not one that the
// system would give to somebody else.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 12000 + int(callerPorts.Add(1))%9000
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		packets, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		_ = packets.Close()
		stream, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		_ = stream.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}

// callerPorts begins anywhere, so that test binaries that run beside this one rarely meet it.
var callerPorts = func() *atomic.Int64 {
	var first atomic.Int64
	first.Store(rand.Int64N(9000))
	return &first
}()

// voice is a telephone's RTP: it records what it hears, and says a tone to where that comes
// from.
type voice struct {
	mediatest.Recorder
	codec      media.Codec
	payload    atomic.Pointer[[]byte] // of what it says
	connection *net.UDPConn
	keys       chan byte
	over       chan struct{}
	work       sync.WaitGroup
}

func newVoice(t testing.TB, codec media.Codec, tone float64) *voice {
	t.Helper()
	connection, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	v := &voice{codec: codec, connection: connection, keys: make(chan byte), over: make(chan struct{})}
	v.say(tone)
	v.work.Go(v.listen)
	t.Cleanup(func() {
		close(v.over)
		_ = connection.Close()
		v.work.Wait()
	})
	return v
}

// say changes the tone.
func (v *voice) say(tone float64) {
	payload := mediatest.TonePayloads(v.codec, tone, 1)[0]
	v.payload.Store(&payload)
}

func (v *voice) port() uint16 { return v.connection.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (v *voice) listen() {
	buffer := make([]byte, 2048)
	speaking := false
	for {
		count, from, err := v.connection.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var packet rtp.Packet
		if err != nil || packet.Unmarshal(buffer[:count]) != nil {
			continue
		}
		_ = v.WriteRTP(&packet.Header, packet.Payload)
		if !speaking {
			speaking = true
			v.work.Go(func() { v.speak(from) })
		}
	}
}

func (v *voice) speak(to netip.AddrPort) {
	packet := rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: true, PayloadType: v.codec.PayloadType(),
		SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(),
	}}
	send := func(packet rtp.Packet) {
		if data, err := packet.Marshal(); err == nil {
			_, _ = v.connection.WriteToUDPAddrPort(data, to)
		}
	}
	ticker := time.NewTicker(media.FrameDuration)
	defer ticker.Stop()
	var key []rtp.Packet // of a key that is down, instead of the voice
	for {
		if len(key) > 0 {
			key[0].SequenceNumber = packet.SequenceNumber
			send(key[0])
			key = key[1:]
		} else {
			packet.Payload = *v.payload.Load()
			send(packet)
		}
		packet.Marker = false
		packet.SequenceNumber++
		packet.Timestamp += mediatest.FrameOctets
		select {
		case <-ticker.C:
		case pressed := <-v.keys:
			key = keyPackets(packet.Header, pressed)
			<-ticker.C
		case <-v.over:
			return
		}
	}
}

// keyPackets are a key's packets by RFC 4733: it is down for 100 ms, and its end is said three
// times. All carry the time at which it went down.
func keyPackets(header rtp.Header, key byte) []rtp.Packet {
	const telephoneEvent, down, ends = 101, 5, 3
	header.PayloadType = telephoneEvent
	var packets []rtp.Packet
	for i := range down + ends {
		duration := uint16(min(i+1, down)) * mediatest.FrameOctets
		payload := []byte{byte(strings.IndexByte("0123456789*#", key)), 10, 0, 0}
		if i >= down {
			payload[1] |= 0x80
		}
		binary.BigEndian.PutUint16(payload[2:], duration)
		packets = append(packets, rtp.Packet{Header: header, Payload: payload})
		packets[i].Marker = i == 0
	}
	return packets
}

// Press presses a key of a telephone that says so in its RTP (RFC 4733).
func (c *caller) Press(key byte) {
	c.t.Helper()
	select {
	case c.voice.keys <- key:
	case <-time.After(patience):
		c.t.Fatal("the caller does not speak, so that no key can be pressed")
	}
}
