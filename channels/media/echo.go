package media

import (
	"errors"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// Bounds of an echo.
const (
	// LongestEcho is how much later than it came a party may hear itself.
	LongestEcho = 2 * time.Second
	// echoSlack is how far a packet may be ahead of the clock, in ticks.
	echoSlack = clockRate / 2
	// echoTicks are kept: more than LongestEcho and echoSlack, and a power of two, so that
	// a place is found by timestamps that wrap around.
	echoTicks = 1 << 15
)

// ErrEcho says that an echo is too short or too long to be told from the voice.
var ErrEcho = errors.New("an echo must be between 100 ms and 2 s late")

// echo is what a party said lately, in its own codec. Each packet is put where its timestamp
// belongs, so that what the network lost is missing in the echo too.
type echo struct {
	mutex   sync.Mutex
	delay   uint32 // ticks
	silence byte
	ring    [echoTicks]byte
	known   bool // the fields below are set
	ssrc    uint32
	next    uint32 // the sender's timestamp that is played next
}

func newEcho(delay time.Duration, silence byte) *echo {
	e := &echo{delay: ticks(delay)}
	e.begin(silence)
	return e
}

// begin forgets what was kept; silence is that of the codec from now on.
func (e *echo) begin(silence byte) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.silence, e.known = silence, false
	e.clear()
}

func (e *echo) clear() {
	for i := range e.ring {
		e.ring[i] = e.silence
	}
}

// take keeps a packet of voice.
func (e *echo) take(packet *rtp.Packet) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	// What is behind what was played wraps around to far ahead of it.
	if ahead := packet.Timestamp - e.next; !e.known || packet.SSRC != e.ssrc || ahead > e.delay+echoSlack {
		// The first packet, or a jump in time: what was kept has no place any more.
		e.clear()
		e.known, e.ssrc, e.next = true, packet.SSRC, packet.Timestamp-e.delay
	}
	for i, value := range packet.Payload {
		e.ring[(packet.Timestamp+uint32(i))%echoTicks] = value
	}
}

// frame plays the next 20 ms into buffer.
func (e *echo) frame(buffer []byte) []byte {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	buffer = buffer[:frameOctets]
	for i := range buffer {
		place := (e.next + uint32(i)) % echoTicks
		buffer[i], e.ring[place] = e.ring[place], e.silence
	}
	e.next += frameOctets
	return buffer
}

// Echo lets the party hear itself, so much later, until another source is set. It is for
// those who try their microphone. The errors are ErrEcho, ErrNotStarted and ErrClosed.
func (s *Stream) Echo(delay time.Duration) error {
	if delay < 100*time.Millisecond || delay > LongestEcho {
		return ErrEcho
	}
	codec := s.Format().Codec
	if codec == 0 {
		return ErrNotStarted
	}
	kept := newEcho(delay, codecs[codec].silence)
	return s.set(&playback{loop: true, echo: kept}, nil)
}
