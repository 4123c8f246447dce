package webrtc

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"svar/channels"
	"svar/channels/media"
)

// The data channel of real-time text (RFC 8865 §4).
const (
	textLabel    = "t140"
	textProtocol = "t140"
	textBuffer   = 128 << 10 // octets in flight towards us
	textMessage  = 16 << 10  // octets
)

// errCandidate does not wrap the library's error: that repeats the browser's addresses.
var errCandidate = errors.New("candidate is not one (RFC 8839 §5.1)")

// negotiation is the state of offer and answer, which comes from any goroutine.
type negotiation struct {
	mutex      sync.Mutex
	session    *webrtc.PeerConnection
	answered   bool
	format     media.Format
	candidates int
	early      []webrtc.ICECandidateInit // came before the answer
}

// agreed is what was negotiated; the zero value before the answer.
func (n *negotiation) agreed() media.Format {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.format
}

// offer makes the session and puts our offer into the outbox. The session is to be closed
// even if an error came with it.
func (l *leg) offer() (*webrtc.PeerConnection, error) {
	n := &l.signalling
	n.mutex.Lock()
	defer n.mutex.Unlock()
	certificate, err := l.gateway.currentCertificate(time.Now())
	if err != nil {
		return nil, err
	}
	session, err := l.gateway.api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, fmt.Errorf("make a session: %w", err)
	}
	n.session = session
	session.OnConnectionStateChange(func(webrtc.PeerConnectionState) { l.stateChanged() })
	session.OnICECandidate(l.found)
	session.OnTrack(l.receive)
	session.OnDataChannel(func(*webrtc.DataChannel) {
		l.fail(errors.New("the browser opened a data channel that nobody asked for"))
	})

	transceiver, err := session.AddTransceiverFromTrack(l.track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendrecv,
		SendEncodings: []webrtc.RTPEncodingParameters{
			{RTPCodingParameters: webrtc.RTPCodingParameters{SSRC: webrtc.SSRC(l.stream.SSRC())}},
		},
	})
	if err != nil {
		return session, fmt.Errorf("add the voice: %w", err)
	}
	if err := transceiver.SetCodecPreferences([]webrtc.RTPCodecParameters{parameters(l.codec), telephoneParameters()}); err != nil {
		return session, fmt.Errorf("prefer %s: %w", l.codec, err)
	}
	if !l.readReports(transceiver) {
		return session, channels.ErrLegOver
	}
	ordered, protocol := true, textProtocol
	text, err := session.CreateDataChannel(textLabel, &webrtc.DataChannelInit{Ordered: &ordered, Protocol: &protocol})
	if err != nil {
		return session, fmt.Errorf("add the text channel: %w", err)
	}
	l.text.attach(text)
	description, err := session.CreateOffer(nil)
	if err != nil {
		return session, err
	}
	l.outbox <- message{SDP: &description} // before the first candidate is found
	if err := session.SetLocalDescription(description); err != nil {
		return session, fmt.Errorf("set our description: %w", err)
	}
	return session, nil
}

// found sends one of our addresses; nil says that there are no more, which nobody waits for.
func (l *leg) found(candidate *webrtc.ICECandidate) {
	if candidate == nil {
		return
	}
	found := candidate.ToJSON()
	select {
	case l.outbox <- message{Candidate: &found}:
	case <-l.over:
	}
}

// Signal takes a message from the agent's browser, of at most 64 KB: one answer, and up to
// 100 candidates. Any other ends the leg by fault.
func (l *leg) Signal(data json.RawMessage) error {
	select {
	case <-l.over:
		return channels.ErrLegOver
	default:
	}
	if err := l.signal(data); err != nil {
		err = fmt.Errorf("message from the browser: %w", err)
		l.fail(err)
		return err
	}
	return nil
}

func (l *leg) signal(data json.RawMessage) error {
	m, err := readMessage(data)
	if err != nil {
		return err
	}
	n := &l.signalling
	n.mutex.Lock()
	defer n.mutex.Unlock()
	switch {
	case n.session == nil:
		return errors.New("it came before our offer")
	case m.SDP != nil:
		if err := n.take(*m.SDP, l.codec); err != nil {
			return err
		}
		l.text.settle(takesText(*m.SDP))
	case m.Candidate != nil:
		return n.add(*m.Candidate)
	}
	return nil
}

func (n *negotiation) take(answer webrtc.SessionDescription, codec media.Codec) error {
	if n.answered {
		return errors.New("a second answer")
	}
	n.answered = true
	format, err := formatOf(answer, codec)
	if err != nil {
		return err
	}
	n.format = format // before the session can be connected
	if err := n.session.SetRemoteDescription(answer); err != nil {
		return fmt.Errorf("take the answer: %w", err)
	}
	for _, candidate := range n.early {
		if n.session.AddICECandidate(candidate) != nil {
			return errCandidate
		}
	}
	n.early = nil
	return nil
}

func (n *negotiation) add(candidate webrtc.ICECandidateInit) error {
	if n.candidates++; n.candidates > candidatesLimit {
		return fmt.Errorf("more than %d candidates", candidatesLimit)
	}
	if !n.answered {
		n.early = append(n.early, candidate)
		return nil
	}
	if n.session.AddICECandidate(candidate) != nil {
		return errCandidate
	}
	return nil
}
