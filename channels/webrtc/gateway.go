package webrtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
)

var (
	// ErrFull is returned by Ring when as many legs live as may.
	ErrFull = errors.New("no room for another browser leg on this node")
	// ErrClosed is returned by Ring when the gateway shuts down.
	ErrClosed = errors.New("the gateway to browsers is closed")
)

// offeredCodecs are those that a leg may offer, one at a time.
var offeredCodecs = []media.Codec{media.PCMA, media.PCMU, media.G722}

// What is in our offers.
const (
	telephoneEvent  = 101
	defaultCodec    = media.PCMA // what European trunks speak
	telephoneFormat = "0-15"     // the digits of RFC 4733 §3.2
)

// certificateAge is after what time legs get a new certificate. Those of browsers and of the
// library last a month, so one that was made at the start would end a long-lived process.
const certificateAge = 24 * time.Hour

// prflxWait is how long ICE waits for a better way than one with an address that it had not
// been told. Browsers hide their addresses, so nearly all ways are of that kind; in this time
// UDP, which needs one round trip, gets before TCP, which needs two.
const prflxWait = 100 * time.Millisecond

// Gateway makes legs to the browsers of agents. Its methods may be called concurrently.
type Gateway struct {
	config   Config
	api      *webrtc.API
	udp      ice.UDPMux
	tcp      ice.TCPMux
	udpPlace net.Addr
	tcpPlace net.Addr

	mutex         sync.Mutex
	legs          map[contact.LegID]*leg
	echoes        map[contact.AgentID]*leg
	closed        bool
	certificate   webrtc.Certificate
	certificateAt time.Time

	ledger media.Ledger

	running   sync.WaitGroup // one for each leg
	closeOnce sync.Once
	closeErr  error
}

var (
	_ channels.Gateway  = (*Gateway)(nil)
	_ channels.Endpoint = (*Gateway)(nil)
)

// New opens the ports. Errors say which setting or port is at fault. The gateway lives until
// Serve or Close has ended it.
func New(config Config) (*Gateway, error) {
	config, places, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("gateway to browsers: %w", err)
	}
	g := &Gateway{config: config, legs: map[contact.LegID]*leg{}, echoes: map[contact.AgentID]*leg{}}
	library := libraryLog{config.Log}
	if g.udp, g.udpPlace, err = listenUDP(places.udp, library.NewLogger("udp")); err != nil {
		return nil, fmt.Errorf("gateway to browsers: %w", err)
	}
	// Some browsers try several connections at once.
	if g.tcp, g.tcpPlace, err = listenTCP(places.tcp, 4*config.Legs+16, library.NewLogger("tcp")); err != nil {
		_ = g.udp.Close()
		return nil, fmt.Errorf("gateway to browsers: %w", err)
	}
	if g.api, err = newAPI(config, places, g.udp, g.tcp); err != nil {
		_ = g.Close()
		return nil, fmt.Errorf("gateway to browsers: %w", err)
	}
	return g, nil
}

// newAPI is what all sessions have in common.
func newAPI(config Config, places addresses, udp ice.UDPMux, tcp ice.TCPMux) (*webrtc.API, error) {
	var settings webrtc.SettingEngine
	settings.LoggerFactory = libraryLog{config.Log}
	settings.SetICEUDPMux(udp)
	settings.SetICETCPMux(tcp)
	settings.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	// We never connect to where a browser tells us to.
	settings.DisableActiveTCP(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	local := places.udp.Addr().IsLoopback() || places.tcp.Addr().IsLoopback()
	settings.SetIncludeLoopbackCandidate(local)
	settings.SetRemoteIPFilter(func(address net.IP) bool {
		return !address.IsMulticast() && !address.IsUnspecified() && (local || !address.IsLoopback())
	})
	if len(places.public) > 0 {
		err := settings.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: places.public, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace,
		})
		if err != nil {
			return nil, fmt.Errorf("public_addresses: %w", err)
		}
	}
	settings.SetICETimeouts(config.timing.disconnected, config.timing.failed, config.timing.keepAlive)
	settings.SetPrflxAcceptanceMinWait(prflxWait)
	// ICE has proven the address already: the round trip of DTLS's own proof is saved.
	settings.SetDTLSInsecureSkipHelloVerify(true)
	settings.SetSCTPMaxReceiveBufferSize(textBuffer)
	settings.SetSCTPMaxMessageSize(textMessage)

	var codecs webrtc.MediaEngine
	for _, codec := range offeredCodecs {
		if err := codecs.RegisterCodec(parameters(codec), webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("register %s: %w", codec, err)
		}
	}
	if err := codecs.RegisterCodec(telephoneParameters(), webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register telephone-event: %w", err)
	}

	// Voice needs none of the retransmission and bandwidth estimation that is usual for video.
	var interceptors interceptor.Registry
	if err := webrtc.ConfigureRTCPReports(&interceptors); err != nil {
		return nil, fmt.Errorf("prepare RTCP: %w", err)
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&codecs),
		webrtc.WithInterceptorRegistry(&interceptors)), nil
}

func parameters(codec media.Codec) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeType(codec), ClockRate: codec.ClockRate()},
		PayloadType:        webrtc.PayloadType(codec.PayloadType()),
	}
}

func telephoneParameters() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000, SDPFmtpLine: telephoneFormat},
		PayloadType:        telephoneEvent,
	}
}

func mimeType(codec media.Codec) string { return "audio/" + codec.Name() }

// UDPAddress is where media arrive over UDP; it tells the port when 0 was configured.
func (g *Gateway) UDPAddress() net.Addr { return g.udpPlace }

// TCPAddress is where media arrive over TCP.
func (g *Gateway) TCPAddress() net.Addr { return g.tcpPlace }

// ICEServers are for the RTCConfiguration of browsers, as configured.
func (g *Gateway) ICEServers() []ICEServer { return slices.Clone(g.config.ICEServers) }

// Legs is how many legs live now.
func (g *Gateway) Legs() int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return len(g.legs)
}

// Ring begins a leg to an agent's browser; ctx bounds that alone, not the leg. The errors are [ErrFull], [ErrClosed], the
// context's, and that the leg's id is taken; whatever goes wrong later ends the leg by fault.
func (g *Gateway) Ring(ctx context.Context, r channels.Ring) (channels.Leg, error) {
	l, err := g.begin(ctx, r, false)
	if err != nil {
		return nil, fmt.Errorf("ring a browser: %w", err)
	}
	return l, nil
}

func (g *Gateway) begin(ctx context.Context, r channels.Ring, echo bool) (*leg, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := newLeg(g, r)
	l.echo = echo
	if err := g.add(l); err != nil {
		_ = l.stream.Close()
		return nil, err
	}
	g.ledger.Open(l.stream)
	go func() {
		defer g.running.Done()
		l.run()
		g.remove(l)
	}()
	return l, nil
}

func (g *Gateway) add(l *leg) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	switch {
	case g.closed:
		return ErrClosed
	case len(g.legs) >= g.config.Legs:
		return ErrFull
	case g.legs[l.id] != nil:
		return fmt.Errorf("there is a leg %s already", l.id)
	}
	g.legs[l.id] = l
	g.running.Add(1)
	if l.echo {
		if former := g.echoes[l.agent]; former != nil {
			former.HangUp()
		}
		g.echoes[l.agent] = l
	}
	return nil
}

func (g *Gateway) remove(l *leg) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.legs, l.id)
	if g.echoes[l.agent] == l {
		delete(g.echoes, l.agent)
	}
}

// Serve waits for ctx and then closes the gateway; the legs themselves live from New on.
func (g *Gateway) Serve(ctx context.Context) error {
	<-ctx.Done()
	return g.Close()
}

// Close takes no new legs, ends those that live, closes the ports and waits until nothing of
// the gateway runs. It can be called more than once and without Serve.
func (g *Gateway) Close() error {
	g.closeOnce.Do(func() {
		g.mutex.Lock()
		g.closed = true
		for _, l := range g.legs {
			l.HangUp()
		}
		g.mutex.Unlock()
		g.running.Wait()
		g.closeErr = errors.Join(g.udp.Close(), g.tcp.Close())
	})
	return g.closeErr
}

// currentCertificate is shared by the legs of a day: making one takes more time than all else
// in a leg's set-up.
func (g *Gateway) currentCertificate(now time.Time) (webrtc.Certificate, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if !g.certificateAt.IsZero() && now.Sub(g.certificateAt) < certificateAge && !now.Before(g.certificateAt) {
		return g.certificate, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	g.certificate, g.certificateAt = *certificate, now
	return g.certificate, nil
}
