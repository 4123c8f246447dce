package media

import (
	"errors"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// Reasons for which Receive refuses a packet.
var (
	// ErrNotStarted: the codec is not known yet.
	ErrNotStarted = errors.New("the stream has not started")
	// ErrPayloadType: the packet carries something that was not negotiated.
	ErrPayloadType = errors.New("payload type was not negotiated")
	// ErrMalformed: not RTP version 2, or too long.
	ErrMalformed = errors.New("malformed RTP packet")
	// ErrStale: the packet's SSRC or sequence number does not belong to the source that
	// speaks now.
	ErrStale = errors.New("packet of a stale source")
)

// Bounds of RFC 3550 appendix A.1.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

const (
	// Another SSRC takes over at once when the present one has been quiet for this long …
	ssrcPatience = 200 * time.Millisecond
	// … or with this many packets in sequence that no packet of the present one interrupts.
	ssrcProbation = 3
)

type packetKind uint8

const (
	kindVoice packetKind = iota
	kindEvent
	kindNoise
)

// incoming is the receiving half of a stream.
type incoming struct {
	mutex     sync.Mutex
	format    Format
	direction Direction
	started   bool
	closed    bool
	began     time.Time // zero of the arrival times that the jitter compares
	expected  time.Time // since when the party ought to be heard
	resting   bool      // the party said by comfort noise that it is silent

	source    reception
	candidate candidate
	heard     chan struct{} // closed by the first packet
	keypad    keypad
	tones     *voiceKeys // of a party that sends no events

	packets, octets             uint64
	lostBefore                  int64 // by sources before the present one
	late, refused, digitsMissed uint64
	lastReceived                time.Time

	// From RTCP.
	senderReport   uint32 // the middle 32 bits of its NTP time
	senderReportAt time.Time
	roundTrip      time.Duration
	remoteLoss     float64
	remoteJitter   time.Duration
}

// reception is what RFC 3550 appendix A keeps for one SSRC.
type reception struct {
	known        bool
	ssrc         uint32
	base         uint16
	highest      uint16
	cycles       uint32
	badSequence  uint32 // the sequence number that would confirm a restart
	received     uint32
	expectedThen uint32 // at the last report
	receivedThen uint32
	transit      uint32
	timed        bool   // transit is set
	jitter       uint32 // 16 times the jitter, in ticks
}

// candidate is an SSRC that wants to become the source.
type candidate struct {
	ssrc  uint32
	next  uint16
	count int
}

const noBadSequence = 1 << 16

func (in *incoming) start(format Format) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	now := time.Now()
	in.format, in.started, in.began, in.expected = format, true, now, now
}

// Unheard is how long nothing has come from a party that ought to be heard: the measure for
// dead media. It is 0 before Start and after Close, while the party may not send (hold), and
// while it is silent by its own word (comfort noise, RFC 3389).
func (s *Stream) Unheard(now time.Time) time.Duration {
	in := &s.in
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if !in.started || in.closed || in.resting || !in.direction.receives() {
		return 0
	}
	since := in.expected
	if in.lastReceived.After(since) {
		since = in.lastReceived
	}
	return max(now.Sub(since), 0)
}

// Heard is closed by the first packet that is taken, comfort noise included. Until then the party
// has not sounded, whatever was agreed (RFC 3960 §3.2).
func (s *Stream) Heard() <-chan struct{} { return s.in.heard }

// Receive takes a packet that came for this leg. It does not keep the packet. An error
// says why the packet was refused; it is counted, and nothing else needs to be done. A
// packet that merely came late is no error.
func (s *Stream) Receive(packet *rtp.Packet) error {
	now := time.Now()
	in := &s.in
	in.mutex.Lock()
	kind, late, err := in.accept(packet, now)
	if err != nil {
		in.refused++
		in.mutex.Unlock()
		return err
	}
	receives := in.direction.receives()
	if kind == kindEvent && receives {
		in.pressKey(packet, late, s.digits)
	}
	codec := in.format.Codec
	if kind == kindVoice && !late && receives && in.format.TelephoneEvent == 0 {
		in.listenForKeys(packet.Payload, s.digits)
	}
	in.mutex.Unlock()

	if place := s.seat.Load(); place != nil && receives {
		place.hear(packet, kind, late, codec, now)
	}
	if late || !receives {
		return nil
	}
	if kind == kindNoise {
		if listener := s.listener.Load(); listener != nil {
			listener.hearComfort(s, packet)
		}
		return nil
	}
	if echo := s.echoes.Load(); echo != nil && kind == kindVoice {
		echo.take(packet)
	}
	if listener := s.listener.Load(); listener != nil {
		listener.hear(s, packet, kind, codec, now)
	}
	return nil
}

// accepts says whether a payload type was negotiated, or is comfort noise, which trunks
// send without asking.
func (f Format) accepts(payloadType uint8) (packetKind, bool) {
	switch {
	case payloadType == f.PayloadType:
		return kindVoice, true
	case f.TelephoneEvent != 0 && payloadType == f.TelephoneEvent:
		return kindEvent, true
	case payloadType == comfortNoise:
		return kindNoise, true
	}
	return 0, false
}

func (in *incoming) accept(packet *rtp.Packet, now time.Time) (kind packetKind, late bool, err error) {
	switch {
	case in.closed:
		return 0, false, ErrClosed
	case !in.started:
		return 0, false, ErrNotStarted
	case packet.Version != 2 || len(packet.Payload) > maxPayload:
		return 0, false, ErrMalformed
	}
	kind, ok := in.format.accepts(packet.PayloadType)
	if !ok {
		return 0, false, ErrPayloadType
	}
	if !in.source.known || in.source.ssrc != packet.SSRC {
		if !in.admit(packet, now) {
			return 0, false, ErrStale
		}
		in.adopt(packet)
	} else {
		in.candidate = candidate{}
		var ok, restarted bool
		if late, restarted, ok = in.source.follow(packet.SequenceNumber); !ok {
			return 0, false, ErrStale
		}
		if restarted {
			in.adopt(packet)
		}
	}
	in.source.received++
	in.packets++
	in.octets += uint64(len(packet.Payload))
	in.lastReceived = now
	if late {
		in.late++
		return kind, late, nil
	}
	in.resting = kind == kindNoise
	if kind == kindVoice {
		in.source.measure(packet.Timestamp, ticks(now.Sub(in.began)))
	}
	return kind, late, nil
}

// admit decides whether another SSRC becomes the source. What is left over from before a
// switch, or from an earlier call on the same port, comes between the packets of the
// present source and never gets in.
func (in *incoming) admit(packet *rtp.Packet, now time.Time) bool {
	if !in.source.known || now.Sub(in.lastReceived) >= ssrcPatience {
		return true
	}
	if in.candidate.count == 0 || in.candidate.ssrc != packet.SSRC || in.candidate.next != packet.SequenceNumber {
		in.candidate = candidate{ssrc: packet.SSRC}
	}
	in.candidate.count++
	in.candidate.next = packet.SequenceNumber + 1
	return in.candidate.count >= ssrcProbation
}

// adopt begins the accounts of a source with its first packet.
func (in *incoming) adopt(packet *rtp.Packet) {
	if in.lostBefore += in.source.lost(); !in.source.known {
		close(in.heard)
	}
	in.source = reception{
		known: true, ssrc: packet.SSRC,
		base: packet.SequenceNumber, highest: packet.SequenceNumber, badSequence: noBadSequence,
	}
	in.candidate, in.keypad = candidate{}, keypad{}
	in.senderReport, in.senderReportAt = 0, time.Time{}
}

// follow is update_seq of RFC 3550 appendix A.1.
func (r *reception) follow(sequence uint16) (late, restarted, ok bool) {
	switch advance := sequence - r.highest; {
	case advance == 0:
		return true, false, true // a duplicate
	case advance < maxDropout:
		if sequence < r.highest {
			r.cycles += 1 << 16
		}
		r.highest = sequence
		r.badSequence = noBadSequence
		return false, false, true
	case advance <= 1<<16-1-maxMisorder:
		if uint32(sequence) == r.badSequence {
			return false, true, true // two in sequence: the other side restarted
		}
		r.badSequence = uint32(sequence + 1)
		return false, false, false
	default:
		return true, false, true
	}
}

// measure is the jitter of RFC 3550 appendix A.8.
func (r *reception) measure(timestamp, arrival uint32) {
	transit := arrival - timestamp
	if r.timed {
		difference := int32(transit - r.transit)
		if difference < 0 {
			difference = -difference
		}
		r.jitter += uint32(difference) - (r.jitter+8)>>4
	}
	r.transit, r.timed = transit, true
}

func (r *reception) expected() uint32 {
	if !r.known {
		return 0
	}
	return r.cycles + uint32(r.highest) - uint32(r.base) + 1
}

func (r *reception) lost() int64 { return int64(r.expected()) - int64(r.received) }

func (in *incoming) pressKey(packet *rtp.Packet, late bool, digits chan<- Digit) {
	event, ok := parseEvent(packet.Payload)
	if !ok {
		return
	}
	if digit, begins := in.keypad.press(event, packet.Timestamp, late); begins {
		in.tell(digit, digits)
	}
}

// tell hands a digit to whoever reads them.
func (in *incoming) tell(digit Digit, digits chan<- Digit) {
	select {
	case digits <- digit:
	default:
		in.digitsMissed++
	}
}
