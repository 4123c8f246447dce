package media

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"
)

const (
	// maxPayload is more than 180 ms of G.711; nothing that was negotiated is longer.
	maxPayload = 1460
	// keepAlive breaks the silence of a connected party, well within the 15 s that
	// RFC 6263 §4 gives.
	keepAlive = 5 * time.Second
)

// playback is a clip, or an echo, on its way to a leg.
type playback struct {
	clip     *Clip
	echo     *echo // instead of a clip
	loop     bool
	sound    []byte // in the leg's codec
	position int
	done     chan error // nil for loops; takes one value
	finished bool
}

func (p *playback) finish(err error) {
	if p != nil && p.done != nil && !p.finished {
		p.finished = true
		p.done <- err
	}
}

// next returns one frame, assembled in buffer where the clip ends within it, or false
// after the end.
func (p *playback) next(buffer []byte, silence byte) ([]byte, bool) {
	if p.echo != nil {
		return p.echo.frame(buffer), true
	}
	if p.position >= len(p.sound) {
		if !p.loop || len(p.sound) == 0 {
			return nil, false
		}
		p.position = 0
	}
	if rest := p.sound[p.position:]; len(rest) >= frameOctets {
		p.position += frameOctets
		return rest[:frameOctets], true
	}
	buffer = buffer[:frameOctets]
	filled := copy(buffer, p.sound[p.position:])
	p.position += filled
	for p.loop && filled < frameOctets {
		p.position = copy(buffer[filled:], p.sound)
		filled += p.position
	}
	for i := filled; i < frameOctets; i++ {
		buffer[i] = silence
	}
	return buffer, true
}

// outgoing is the sending half of a stream.
type outgoing struct {
	mutex     sync.Mutex
	format    Format
	direction Direction
	started   bool
	closed    bool
	lapses    int // of the pacer, as last seen

	// The source: one of the three, or none for silence. switched is set with it and
	// makes the next packet begin a talk spurt: marker bit, timestamp by the clock.
	playing  *playback
	peer     *Stream
	mix      *seat
	switched bool
	relay    relay
	comfort  comfort // of the peer while it is silent
	// presses go before any source.
	presses presses

	// The clock of the leg: timestamp origin was due at began.
	began  time.Time
	origin uint32

	header    rtp.Header // of the packet sent last
	handed    rtp.Header // the copy that a sink gets, and may add extensions to
	length    uint32     // ticks that the packet sent last covers
	sentAt    time.Time  // zero before the first packet
	stampedAt time.Time  // of the first packet with its timestamp, which those of an event share
	scratch   [maxPayload]byte
	coder     transcoder // of what is mixed or connected
	silence   []byte

	packets, octets, errors uint64
	reported                uint64 // packets at the last report
	name                    string // canonical name in RTCP
}

func (o *outgoing) init() {
	o.origin = rand.Uint32()
	o.began = time.Now()
	o.switched = true
	o.header = rtp.Header{Version: 2, SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32()), Timestamp: o.origin}
}

func (o *outgoing) start(format Format) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	switch {
	case o.closed:
		return ErrClosed
	case o.started:
		return ErrStarted
	}
	o.started = true
	o.format = format
	o.began = time.Now()
	o.silence = silentFrame(format.Codec)
	if o.playing != nil { // a clip: there is no echo before the start
		o.playing.sound = o.playing.clip.Encoded(format.Codec)
	}
	return nil
}

// silentFrame is 20 ms of nothing in a codec.
func silentFrame(codec Codec) []byte {
	return bytes.Repeat([]byte{codecs[codec].silence}, frameOctets)
}

func (o *outgoing) isClosed() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.closed
}

func (o *outgoing) close() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.closed {
		return false
	}
	o.playing.finish(ErrClosed)
	o.closed, o.playing, o.peer, o.mix, o.presses = true, nil, nil, nil, presses{}
	return true
}

func (o *outgoing) set(playing *playback, peer *Stream) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.closed {
		return ErrClosed
	}
	if playing != nil && playing.clip != nil && playing.sound == nil && o.started {
		playing.sound = playing.clip.Encoded(o.format.Codec) // started since it was made
	}
	o.replace(playing, peer)
	return nil
}

func (o *outgoing) replace(playing *playback, peer *Stream) {
	if playing == nil && peer == o.peer && o.playing == nil && o.mix == nil {
		return // the same peer or silence again is no switch
	}
	o.playing.finish(ErrReplaced)
	o.playing, o.peer, o.mix, o.switched = playing, peer, nil, true
	o.comfort.end()
}

// stop makes the leg silent if this playback is still its source.
func (o *outgoing) stop(playing *playback) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.playing == playing {
		o.replace(nil, nil)
	}
}

// leave makes the leg silent if it still hears this peer.
func (o *outgoing) leave(peer *Stream) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.peer == peer {
		o.replace(nil, nil)
	}
}

// tick sends the frame that is due now.
func (s *Stream) tick(now time.Time, lapses int) {
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.closed {
		return
	}
	if lapses != o.lapses {
		o.lapses, o.switched = lapses, true
	}
	if o.switched && o.presses.frame == 0 && o.crowded(now) {
		return
	}
	frame, due := o.nextFrame(now)
	switch {
	case o.presses.busy():
		o.pressFrame(s.sink, now)
	case !due:
	case o.peer != nil && !o.comfort.sounds():
		// A sign of life in a pause of the peer: both are talk spurts of their own.
		o.switched = true
		o.sendVoice(s.sink, frame, now)
		o.switched = true
	default:
		o.sendVoice(s.sink, frame, now)
	}
}

// nextFrame takes a frame from the source and says whether it is to be sent.
func (o *outgoing) nextFrame(now time.Time) (frame []byte, due bool) {
	switch {
	case o.playing != nil:
		if sound, more := o.playing.next(o.scratch[:], o.silence[0]); more {
			return sound, true
		}
		o.playing.finish(nil)
		o.replace(nil, nil)
	case o.mix != nil:
		return nil, false // the conference sends
	case o.peer != nil && o.comfort.sounds():
		return o.comfortFrame(), true
	case o.peer != nil:
		return o.silence, now.Sub(o.sentAt) >= keepAlive
	}
	return o.silence, true
}

// sendVoice sends a frame of the pacer, right after what was sent before, or by the clock
// after a switch.
func (o *outgoing) sendVoice(sink Sink, frame []byte, now time.Time) {
	timestamp, marker := o.header.Timestamp+o.length, o.switched
	if marker {
		timestamp = o.byClock(now)
	}
	o.send(sink, o.format.PayloadType, marker, timestamp, uint32(len(frame)), frame, now)
}

// byClock is the timestamp with which a talk spurt begins now. It follows the leg's
// clock, with two bounds that matter more: it never falls back behind what was sent,
// and it never advances by more than the time since the last packet, because the
// receiver would have to wait for the difference and keeps that delay for good.
func (o *outgoing) byClock(now time.Time) uint32 {
	timestamp := o.origin + ticks(now.Sub(o.began))
	if o.sentAt.IsZero() {
		return timestamp
	}
	if elapsed := o.header.Timestamp + ticks(now.Sub(o.stampedAt)); before(elapsed, timestamp) {
		timestamp = elapsed
	}
	if earliest := o.header.Timestamp + o.length; before(timestamp, earliest) {
		timestamp = earliest
	}
	return timestamp
}

// crowded says that what was sent fills more than a frame of the time to come. A source that
// begins then waits for the next frame, or drops one of voice: each switch would put the leg
// further ahead of its clock otherwise, and the receiver keeps that as delay.
func (o *outgoing) crowded(now time.Time) bool {
	return !o.sentAt.IsZero() && before(o.origin+ticks(now.Sub(o.began))+frameOctets, o.header.Timestamp+o.length)
}

// send writes the next packet of the sequence.
func (o *outgoing) send(sink Sink, payloadType uint8, marker bool, timestamp, length uint32, payload []byte, now time.Time) {
	if !o.direction.sends() {
		return
	}
	o.switched = false
	o.header.SequenceNumber++
	o.header.PayloadType = payloadType
	o.header.Marker = marker
	if timestamp != o.header.Timestamp || o.sentAt.IsZero() {
		o.stampedAt = now
	}
	o.header.Timestamp = timestamp
	o.length = length
	o.sentAt = now
	o.packets++
	o.octets += uint64(len(payload))
	o.handed = o.header
	if err := sink.WriteRTP(&o.handed, payload); err != nil {
		o.errors++
	}
}

// ticks converts a duration to the RTP clock; a negative one, which two goroutines
// that ask for the time can produce, is none.
func ticks(duration time.Duration) uint32 {
	return uint32(int64(max(duration, 0)) / (int64(time.Second) / clockRate))
}

// before compares timestamps on their circle.
func before(a, b uint32) bool { return int32(a-b) < 0 }
