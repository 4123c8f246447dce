package webrtc

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"svar/channels/media"
)

// Limits on what a browser sends while a leg is set up. An answer has about 2 KB, a
// candidate 150 octets, and a machine with several networks and TURN servers 30 candidates.
const (
	messageLimit       = 64 << 10 // octets
	candidateLimit     = 1 << 10  // octets
	candidatesLimit    = 100
	mediaSectionsLimit = 4
)

// message is what travels through the console. Exactly one field is set.
type message struct {
	SDP       *webrtc.SessionDescription `json:"sdp,omitempty"`
	Candidate *webrtc.ICECandidateInit   `json:"candidate,omitempty"`
}

// readMessage reads a browser's message. Both fields are nil for {"candidate": null}, by which
// browsers say that there are no more.
func readMessage(data json.RawMessage) (message, error) {
	if len(data) > messageLimit {
		return message{}, fmt.Errorf("%d octets are more than the %d that a message may have", len(data), messageLimit)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return message{}, fmt.Errorf("not a JSON object: %w", err)
	}
	if len(fields) != 1 {
		return message{}, fmt.Errorf("%d fields where there must be one, sdp or candidate", len(fields))
	}
	var m message
	switch {
	case fields["sdp"] != nil:
		if err := json.Unmarshal(fields["sdp"], &m.SDP); err != nil {
			return message{}, fmt.Errorf("sdp: %w", err)
		}
		switch {
		case m.SDP == nil:
			return message{}, errors.New("sdp is null")
		case m.SDP.Type != webrtc.SDPTypeAnswer:
			return message{}, fmt.Errorf("sdp is of type %s; only an answer to our offer is expected", m.SDP.Type)
		}
	case fields["candidate"] != nil:
		if err := json.Unmarshal(fields["candidate"], &m.Candidate); err != nil {
			return message{}, fmt.Errorf("candidate: %w", err)
		}
		if m.Candidate != nil && len(m.Candidate.Candidate) > candidateLimit {
			return message{}, fmt.Errorf("candidate: %d octets are more than the %d that one may have", len(m.Candidate.Candidate), candidateLimit)
		}
	default:
		return message{}, errors.New("neither sdp nor candidate")
	}
	return m, nil
}

// formatOf is what an answer agrees to, of an offer of one codec. It tells in plain words what
// kept the browser from a conversation: most often it has no microphone.
func formatOf(answer webrtc.SessionDescription, codec media.Codec) (media.Format, error) {
	parsed, err := answer.Unmarshal()
	if err != nil {
		return media.Format{}, fmt.Errorf("read the answer's SDP: %w", err)
	}
	if len(parsed.MediaDescriptions) == 0 || len(parsed.MediaDescriptions) > mediaSectionsLimit {
		return media.Format{}, fmt.Errorf("the answer has %d media sections", len(parsed.MediaDescriptions))
	}
	candidates := 0
	for _, section := range parsed.MediaDescriptions {
		for _, attribute := range section.Attributes {
			if attribute.IsICECandidate() {
				candidates++
			}
		}
	}
	if candidates > candidatesLimit {
		return media.Format{}, fmt.Errorf("the answer has %d candidates, more than %d", candidates, candidatesLimit)
	}
	voice := parsed.MediaDescriptions[0] // the sections of an answer are those of the offer (RFC 3264 §6)
	if voice.MediaName.Media != "audio" || voice.MediaName.Port.Value == 0 {
		return media.Format{}, errors.New("the browser takes no sound: the audio section of the answer is refused")
	}
	for _, direction := range []string{sdp.AttrKeyRecvOnly, sdp.AttrKeySendOnly, sdp.AttrKeyInactive} {
		if _, found := voice.Attribute(direction); found {
			return media.Format{}, fmt.Errorf("the browser's sound does not go both ways but %s: has it a microphone?", direction)
		}
	}
	format := media.Format{PayloadType: codec.PayloadType()}
	for _, payloadType := range voice.MediaName.Formats {
		switch payloadType {
		case fmt.Sprint(codec.PayloadType()):
			format.Codec = codec
		case fmt.Sprint(telephoneEvent):
			format.TelephoneEvent = telephoneEvent
		}
	}
	if format.Codec == 0 {
		return media.Format{}, fmt.Errorf("the browser does not take %s, the codec that was offered", codec)
	}
	return format, nil
}
