package media

import (
	"errors"
	"fmt"
	"time"

	"github.com/zaf/g711"
)

// Codec is a speech codec of the RTP audio/video profile. The zero value is no
// codec.
//
// All codecs here have an RTP clock of 8,000 Hz and 8,000 octets a second, so one
// octet of payload is one tick of the timestamp. That holds for G.722 too, whose
// clock is 8,000 Hz by an old error that RFC 3551 §4.5.2 keeps, although its sound
// is sampled at 16,000 Hz.
type Codec uint8

// The codecs that a leg can speak.
const (
	PCMU Codec = iota + 1 // G.711 µ-law (RFC 3551 §4.5.14)
	PCMA                  // G.711 A-law (RFC 3551 §4.5.14)
	G722                  // G.722 at 64 kbit/s, wide band (RFC 3551 §4.5.2)
)

// codecProperties describes one codec.
type codecProperties struct {
	name        string
	payloadType uint8
	sampleRate  int  // of the sound, in Hz
	silence     byte // is silent as often as it is repeated
}

var codecs = map[Codec]codecProperties{
	PCMU: {name: "PCMU", payloadType: 0, sampleRate: 8000, silence: 0xFF},
	PCMA: {name: "PCMA", payloadType: 8, sampleRate: 8000, silence: 0xD5},
	G722: {name: "G722", payloadType: 9, sampleRate: 16000, silence: 0xFF},
}

// FrameDuration is the length of a paced packet, and the ptime to negotiate.
const FrameDuration = 20 * time.Millisecond

const (
	// clockRate is the RTP clock of every codec here, in Hz.
	clockRate = 8000
	// frameOctets is one frame of any codec here; see Codec.
	frameOctets = clockRate / 50
	// comfortNoise is the static payload type of RFC 3389, which trunks send
	// without having negotiated it.
	comfortNoise = 13
)

// Name is the encoding name in SDP, such as "PCMA"; empty for no codec.
func (c Codec) Name() string { return codecs[c].name }

// String is Name, or "no codec".
func (c Codec) String() string {
	if name := c.Name(); name != "" {
		return name
	}
	return "no codec"
}

// PayloadType is the static RTP payload type (RFC 3551 §6).
func (c Codec) PayloadType() uint8 { return codecs[c].payloadType }

// ClockRate is the RTP clock in Hz, as SDP's rtpmap names it.
func (c Codec) ClockRate() uint32 { return clockRate }

// SampleRate is the rate of the sound in Hz.
func (c Codec) SampleRate() int { return codecs[c].sampleRate }

func (c Codec) known() bool { return codecs[c].name != "" }

// CodecByName finds a codec by its SDP encoding name (upper case).
func CodecByName(name string) (Codec, bool) {
	for codec, properties := range codecs {
		if properties.name == name {
			return codec, true
		}
	}
	return 0, false
}

// Format is what a leg negotiated, for both directions.
type Format struct {
	Codec Codec
	// PayloadType carries Codec on the wire: 0–127, usually Codec.PayloadType().
	PayloadType uint8
	// TelephoneEvent is the dynamic payload type (96–127) of DTMF (RFC 4733), or 0
	// when it was not negotiated: then the leg neither receives nor gets digits.
	TelephoneEvent uint8
}

// ErrFormat says that a Format can not be used; it is wrapped with the reason.
var ErrFormat = errors.New("unusable media format")

func (f Format) validate() error {
	switch {
	case !f.Codec.known():
		return fmt.Errorf("%w: no codec", ErrFormat)
	case f.PayloadType > 127 || f.TelephoneEvent > 127:
		return fmt.Errorf("%w: payload types %d and %d must be below 128", ErrFormat, f.PayloadType, f.TelephoneEvent)
	case f.TelephoneEvent != 0 && f.TelephoneEvent == f.PayloadType:
		return fmt.Errorf("%w: payload type %d is both %s and telephone-event", ErrFormat, f.PayloadType, f.Codec)
	}
	return nil
}

// transcode writes payload in another codec into buffer and returns it; equal
// codecs pass through untouched. The buffer must be as long as the payload.
func transcode(buffer, payload []byte, from, to Codec) []byte {
	var sample func(uint8) uint8
	switch {
	case from == to:
		return payload
	case from == PCMA && to == PCMU:
		sample = g711.Alaw2UlawFrame
	case from == PCMU && to == PCMA:
		sample = g711.Ulaw2AlawFrame
	default:
		return nil
	}
	buffer = buffer[:len(payload)]
	for i, value := range payload {
		buffer[i] = sample(value)
	}
	return buffer
}
