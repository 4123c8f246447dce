package webrtctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// Options say what kind of browser it is.
type Options struct {
	// Send carries a message to the leg. It is called from one goroutine at a time, and only
	// until the browser is closed.
	Send func(message json.RawMessage)
	// TCPOnly is a network that lets no UDP through.
	TCPOnly bool
	// HideAddresses keeps the browser's candidates back, as browsers do that hide them behind
	// mDNS names.
	HideAddresses bool
	// Tone is what the agent says from the start, in Hz; 0 is silence. A multiple of 50.
	Tone float64
}

// Browser is one RTCPeerConnection of an agent's console: it serves one leg. Its methods may
// be called concurrently.
type Browser struct {
	// Heard is what the agent hears.
	Heard mediatest.Recorder
	// Read is what comes as text.
	Read *media.TextQueue

	options   Options
	api       *webrtc.API
	socket    *cuttableSocket
	tone      atomic.Pointer[float64]
	dumb      atomic.Bool
	roundTrip atomic.Int64 // ns
	connected chan struct{}
	closed    chan struct{}            // the session is over
	text      chan *webrtc.DataChannel // once it is open
	ctx       context.Context
	stop      context.CancelFunc
	work      sync.WaitGroup
	closeOnce sync.Once
	sending   sync.Mutex

	mutex   sync.Mutex
	session *webrtc.PeerConnection
	codec   media.Codec
	early   []webrtc.ICECandidateInit
}

// New opens a browser, which closes with its test.
func New(t testing.TB, options Options) *Browser {
	t.Helper()
	b := &Browser{options: options, connected: make(chan struct{}), closed: make(chan struct{}), Read: media.NewTextQueue(), text: make(chan *webrtc.DataChannel, 1)}
	b.tone.Store(&options.Tone)
	b.ctx, b.stop = context.WithCancel(context.Background())
	if err := b.build(); err != nil {
		t.Fatalf("build a browser: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

func (b *Browser) build() error {
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	settings := webrtc.SettingEngine{LoggerFactory: quiet}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if b.options.TCPOnly {
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	} else {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		b.socket = &cuttableSocket{PacketConn: socket}
		settings.SetICEUDPMux(webrtc.NewICEUDPMux(quiet.NewLogger("ice"), b.socket))
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	}
	var codecs webrtc.MediaEngine
	// Chromium's order and payload types, which are not ours.
	for _, known := range []webrtc.RTPCodecParameters{
		{PayloadType: 0, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}},
		{PayloadType: 8, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}},
		{PayloadType: 9, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeG722, ClockRate: 8000}},
		{PayloadType: 126, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000}},
	} {
		if err := codecs.RegisterCodec(known, webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
	}
	var interceptors interceptor.Registry
	if err := webrtc.ConfigureRTCPReports(&interceptors); err != nil {
		return err
	}
	b.api = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&codecs), webrtc.WithInterceptorRegistry(&interceptors))
	return nil
}

type message struct {
	SDP       *webrtc.SessionDescription `json:"sdp,omitempty"`
	Candidate *webrtc.ICECandidateInit   `json:"candidate,omitempty"`
}

// Signal takes a message from the leg. The answer to an offer is sent before it returns.
func (b *Browser) Signal(data json.RawMessage) error {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("message from the leg: %w", err)
	}
	switch {
	case m.SDP != nil && m.SDP.Type == webrtc.SDPTypeOffer:
		return b.answer(*m.SDP)
	case m.Candidate != nil:
		b.mutex.Lock()
		defer b.mutex.Unlock()
		if b.session == nil {
			b.early = append(b.early, *m.Candidate)
			return nil
		}
		return b.session.AddICECandidate(*m.Candidate)
	}
	return fmt.Errorf("message from the leg is neither an offer nor a candidate: %s", data)
}

func (b *Browser) answer(offer webrtc.SessionDescription) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.session != nil {
		return errors.New("a second offer")
	}
	if b.ctx.Err() != nil {
		return errors.New("the browser is closed")
	}
	codec, err := offeredCodec(offer)
	if err != nil {
		return err
	}
	session, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	b.session, b.codec = session, codec
	session.OnConnectionStateChange(b.follow)
	session.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { b.listen(remote) })
	session.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnMessage(func(message webrtc.DataChannelMessage) { b.Read.Add(string(message.Data)) })
		channel.OnOpen(func() { b.text <- channel })
	})
	if !b.options.HideAddresses {
		session.OnICECandidate(func(candidate *webrtc.ICECandidate) {
			if candidate != nil {
				found := candidate.ToJSON()
				b.send(message{Candidate: &found})
			}
		})
	}
	if err := session.SetRemoteDescription(offer); err != nil {
		return fmt.Errorf("take the offer: %w", err)
	}
	voice, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: "audio/" + codec.Name(), ClockRate: codec.ClockRate()}, "microphone", "agent")
	if err != nil {
		return err
	}
	sender, err := session.AddTrack(voice)
	if err != nil {
		return fmt.Errorf("add the microphone: %w", err)
	}
	receiver := session.GetTransceivers()[0].Receiver()
	// Reports are made from what is read.
	b.work.Go(func() { drain(sender.Read, b.readReports) })
	b.work.Go(func() { drain(receiver.Read, func([]byte) {}) })
	answer, err := session.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("make an answer: %w", err)
	}
	if err := session.SetLocalDescription(answer); err != nil {
		return fmt.Errorf("set the answer: %w", err)
	}
	for _, candidate := range b.early {
		if err := session.AddICECandidate(candidate); err != nil {
			return fmt.Errorf("take a candidate: %w", err)
		}
	}
	b.work.Go(func() { b.speak(voice) })
	b.send(message{SDP: &answer})
	return nil
}

// offeredCodec is the first of the offer.
func offeredCodec(offer webrtc.SessionDescription) (media.Codec, error) {
	parsed, err := offer.Unmarshal()
	if err != nil {
		return 0, err
	}
	for _, section := range parsed.MediaDescriptions {
		if section.MediaName.Media != "audio" || len(section.MediaName.Formats) == 0 {
			continue
		}
		for _, codec := range []media.Codec{media.PCMA, media.PCMU, media.G722} {
			if section.MediaName.Formats[0] == fmt.Sprint(codec.PayloadType()) {
				return codec, nil
			}
		}
	}
	return 0, fmt.Errorf("no codec of ours comes first in the offer:\n%s", offer.SDP)
}

// Type sends text, once the channel for it is open.
func (b *Browser) Type(ctx context.Context, text string) error {
	select {
	case channel := <-b.text:
		b.text <- channel
		return channel.SendText(text)
	case <-ctx.Done():
		return fmt.Errorf("there is no channel for text: %w", ctx.Err())
	}
}

func (b *Browser) send(m message) {
	b.sending.Lock()
	defer b.sending.Unlock()
	data, err := json.Marshal(m)
	if err == nil && b.ctx.Err() == nil && b.options.Send != nil {
		b.options.Send(data)
	}
}

func (b *Browser) follow(state webrtc.PeerConnectionState) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch state {
	case webrtc.PeerConnectionStateConnected:
		closeOnce(b.connected)
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		closeOnce(b.closed)
	default:
	}
}

// closeOnce is for callers that hold the mutex.
func closeOnce(channel chan struct{}) {
	select {
	case <-channel:
	default:
		close(channel)
	}
}

// listen records what the agent hears.
func (b *Browser) listen(remote *webrtc.TrackRemote) {
	b.mutex.Lock()
	if b.ctx.Err() != nil {
		b.mutex.Unlock()
		return
	}
	b.work.Add(1)
	b.mutex.Unlock()
	defer b.work.Done()
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		_ = b.Heard.WriteRTP(&packet.Header, packet.Payload)
	}
}

// speak sends what the microphone takes up, 20 ms a packet, until the browser is closed.
func (b *Browser) speak(voice *webrtc.TrackLocalStaticRTP) {
	ticker := time.NewTicker(media.FrameDuration)
	defer ticker.Stop()
	packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 65500, Timestamp: 1 << 31}}
	frequency, payload := -1.0, []byte(nil)
	for {
		if now := *b.tone.Load(); now != frequency {
			frequency = now
			// With whole periods in a frame, all frames are the same. 0 Hz is silence.
			payload = mediatest.TonePayloads(b.codec, frequency, 1)[0]
		}
		packet.Payload = payload
		if !b.dumb.Load() {
			_ = voice.WriteRTP(&packet)
		}
		packet.SequenceNumber++
		packet.Timestamp += mediatest.FrameOctets
		select {
		case <-ticker.C:
		case <-b.ctx.Done():
			return
		}
	}
}

func drain(read func([]byte) (int, interceptor.Attributes, error), take func([]byte)) {
	buffer := make([]byte, 1500)
	for {
		count, _, err := read(buffer)
		if err != nil {
			return
		}
		take(buffer[:count])
	}
}

// readReports learns the round trip from what the other side says of our voice (RFC 3550 §6.4.1).
func (b *Browser) readReports(data []byte) {
	packets, err := rtcp.Unmarshal(data)
	if err != nil {
		return
	}
	for _, packet := range packets {
		report, ok := packet.(*rtcp.ReceiverReport)
		if !ok {
			continue
		}
		for _, block := range report.Reports {
			if block.LastSenderReport == 0 {
				continue
			}
			// The middle 32 bits of NTP time: units of 1/65536 s since 1900.
			now := time.Now()
			clock := uint32((now.Unix()+2208988800)<<16 | int64(now.Nanosecond())<<16/1e9)
			b.roundTrip.Store(max(1, int64(int32(clock-block.LastSenderReport-block.Delay))*int64(time.Second)>>16))
		}
	}
}

// RoundTrip is what the browser measured by the other side's reports; 0 before the first one.
func (b *Browser) RoundTrip() time.Duration { return time.Duration(b.roundTrip.Load()) }

// Say changes what the agent says to a tone of a multiple of 50 Hz, or silence (0).
func (b *Browser) Say(frequency float64) { b.tone.Store(&frequency) }

// FallDumb sends no sound from now on, not even silence, while the session lives on, as with a
// microphone that was unplugged.
func (b *Browser) FallDumb() { b.dumb.Store(true) }

// Lose loses every so many packets of voice, as a bad network does, in both directions; 0 loses
// none. Only over UDP.
func (b *Browser) Lose(every uint32) { b.socket.every.Store(every) }

// Codec is the one that was negotiated, or none before the offer.
func (b *Browser) Codec() media.Codec {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.codec
}

// WaitTone waits until the agent heard half a second of a tone.
func (b *Browser) WaitTone(ctx context.Context, frequency float64) (mediatest.Verdict, error) {
	select {
	case <-b.connected:
	case <-ctx.Done():
		return mediatest.Verdict{}, fmt.Errorf("the browser was not connected: %w", ctx.Err())
	}
	return b.Heard.WaitTone(ctx, b.Codec(), frequency)
}

// Connected is closed when the session was connected.
func (b *Browser) Connected() <-chan struct{} { return b.connected }

// Over is closed when the session failed or was closed, by either side.
func (b *Browser) Over() <-chan struct{} { return b.closed }

// Protocol is "udp" or "tcp" once connected.
func (b *Browser) Protocol() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.session == nil {
		return ""
	}
	pair, err := b.session.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return ""
	}
	return strings.ToLower(pair.Local.Protocol.String())
}

// OpenChannel opens a data channel that the leg did not ask for.
func (b *Browser) OpenChannel(label string) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.session == nil {
		return errors.New("there is no session yet")
	}
	_, err := b.session.CreateDataChannel(label, nil)
	return err
}

// Vanish cuts the network off in both directions, as when a lid is closed: nothing is said to
// the other side. Only over UDP.
func (b *Browser) Vanish() { b.socket.cut.Store(true) }

// Return undoes Vanish.
func (b *Browser) Return() { b.socket.cut.Store(false) }

// Close closes the page: the other side is told, if the network lets it. It may be called
// more than once.
func (b *Browser) Close() {
	b.closeOnce.Do(func() {
		b.mutex.Lock()
		b.stop()
		session := b.session
		b.mutex.Unlock()
		if session != nil {
			_ = session.GracefulClose()
		}
		b.work.Wait()
		if b.socket != nil {
			_ = b.socket.Close()
		}
		b.mutex.Lock()
		closeOnce(b.closed)
		b.mutex.Unlock()
	})
}

// cuttableSocket is a network that can fail.
type cuttableSocket struct {
	net.PacketConn
	cut   atomic.Bool
	every atomic.Uint32 // of that many packets of voice one is lost
	in    atomic.Uint32 // packets of voice
	out   atomic.Uint32
}

// ReadFrom reads the next packet that gets through.
func (s *cuttableSocket) ReadFrom(buffer []byte) (int, net.Addr, error) {
	for {
		count, address, err := s.PacketConn.ReadFrom(buffer)
		if err != nil || !s.cut.Load() && !s.loses(&s.in, buffer[:count]) {
			return count, address, err
		}
	}
}

// WriteTo writes, or loses, a packet.
func (s *cuttableSocket) WriteTo(data []byte, address net.Addr) (int, error) {
	if s.cut.Load() || s.loses(&s.out, data) {
		return len(data), nil
	}
	return s.PacketConn.WriteTo(data, address)
}

// loses counts RTP, which is told by its first two octets (RFC 5764 §5.1.2, RFC 5761 §4).
func (s *cuttableSocket) loses(passed *atomic.Uint32, data []byte) bool {
	every := s.every.Load()
	if every == 0 || len(data) < 2 || data[0]>>6 != 2 || data[1] >= 192 && data[1] <= 223 {
		return false
	}
	return passed.Add(1)%every == 0
}
