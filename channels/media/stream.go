package media

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// Sink takes the packets of a stream to the wire. It must not block for long, must
// not keep header or payload after it returns, and must not call the stream. A
// stream calls it from one goroutine at a time. Errors are counted, never fatal.
type Sink interface {
	WriteRTP(header *rtp.Header, payload []byte) error
}

var (
	// ErrClosed is returned by a stream or socket that was closed.
	ErrClosed = errors.New("media is closed")
	// ErrReplaced is returned by Play when another source was set before the end.
	ErrReplaced = errors.New("another source was set")
	// ErrStarted is returned by a second Start.
	ErrStarted = errors.New("the stream was started already")
)

// Direction is the negotiated direction of a leg, seen from us (RFC 8866 §6.7). The
// zero value is both ways.
type Direction uint8

// The four directions, by their SDP names.
const (
	SendReceive Direction = iota // sendrecv
	SendOnly                     // sendonly
	ReceiveOnly                  // recvonly
	Inactive                     // inactive
)

func (d Direction) sends() bool    { return d == SendReceive || d == SendOnly }
func (d Direction) receives() bool { return d == SendReceive || d == ReceiveOnly }

// digitBuffer bounds the digits that wait to be read; more is dropped and counted.
const digitBuffer = 32

// Stream is the media of one leg. It is created before the codec is known, so that
// the source can be set first, and sends from Start to Close.
//
// A started stream always sends: in silence it sends silent frames. That costs as
// little as music does, keeps the address bindings of NAT open (RFC 6263), keeps
// every dead-media timer on the way quiet, and lets the receiver's jitter buffer
// settle before the first word. Only while another stream is connected does that
// stream's party set the pace; then a gap of 5 s is broken by one silent frame.
//
// All methods are safe for concurrent use. Receive keeps packets in order only if it
// is called by one goroutine, as transports do.
type Stream struct {
	pacer  *Pacer
	sink   Sink
	digits chan Digit
	pacing pacing // guarded by the pacer

	// listener is the stream that hears what this one receives.
	listener atomic.Pointer[Stream]
	// echoes keeps what this one receives for its own party.
	echoes atomic.Pointer[echo]
	// seat is this stream's in a conference.
	seat atomic.Pointer[seat]

	in  incoming
	out outgoing
}

// NewStream makes the media of one leg, silent until Start. Its owner closes it.
func NewStream(pacer *Pacer, sink Sink) *Stream {
	stream := &Stream{pacer: pacer, sink: sink, digits: make(chan Digit, digitBuffer)}
	stream.out.init()
	stream.in.heard = make(chan struct{})
	return stream
}

func (s *Stream) place() *pacing { return &s.pacing }

// SSRC is the synchronisation source of all that this stream sends.
func (s *Stream) SSRC() uint32 { return s.out.header.SSRC }

// Start fixes the negotiated format and begins to send and to receive; what was
// chosen as source before begins now. It can be called once: a second call returns
// ErrStarted.
func (s *Stream) Start(format Format) error {
	if err := format.validate(); err != nil {
		return err
	}
	if err := s.out.start(format); err != nil {
		return err
	}
	s.in.start(format)
	s.pacer.add(s)
	// Close may have come between: then its removal came too early.
	if s.out.isClosed() {
		s.pacer.remove(s)
		return ErrClosed
	}
	return nil
}

// Format is what Start was given, or the zero value before it.
func (s *Stream) Format() Format {
	s.out.mutex.Lock()
	defer s.out.mutex.Unlock()
	return s.out.format
}

// SetDirection follows the negotiated direction, on hold and back. A stream that may
// not send lets its source run on unheard; one that may not receive drops what comes.
func (s *Stream) SetDirection(direction Direction) {
	s.out.mutex.Lock()
	s.out.direction = direction
	s.out.switched = true
	s.out.mutex.Unlock()
	s.in.mutex.Lock()
	if !s.in.direction.receives() {
		s.in.expected = time.Now()
	}
	s.in.direction = direction
	s.in.mutex.Unlock()
	if direction.receives() {
		return
	}
	if listener := s.listener.Load(); listener != nil {
		listener.out.hearNothing(s)
	}
	if place := s.seat.Load(); place != nil {
		place.voice.hush()
	}
}

// Digits delivers each received DTMF digit once, at its beginning. It is closed by
// Close. At most 32 digits wait; further ones are dropped and counted.
func (s *Stream) Digits() <-chan Digit { return s.digits }

// Play sends a clip from its start to its end, then silence, and returns nil when the
// last frame has been heard. It returns the context's error when that ends first (the
// leg is then silent), ErrReplaced when another source was set, or ErrClosed. Before
// Start it waits.
func (s *Stream) Play(ctx context.Context, clip *Clip) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	playing := &playback{clip: clip, done: make(chan error, 1)}
	if err := s.set(playing, nil); err != nil {
		return err
	}
	select {
	case err := <-playing.done:
		return err
	case <-ctx.Done():
		s.out.stop(playing)
		return ctx.Err()
	}
}

// Loop sends a clip again and again until another source is set.
func (s *Stream) Loop(clip *Clip) error { return s.set(&playback{clip: clip, loop: true}, nil) }

// Silence ends whatever is played or connected in the outgoing direction.
func (s *Stream) Silence() error { return s.set(nil, nil) }

// set makes a playback, another stream or (both nil) silence the source.
func (s *Stream) set(playing *playback, from *Stream) error {
	var echoes *echo
	if playing != nil {
		echoes = playing.echo
	}
	s.echoes.Store(echoes)
	if playing != nil && playing.clip != nil {
		// Encode before the lock is taken: the first use of a clip takes a moment.
		if codec := s.Format().Codec; codec != 0 {
			playing.sound = playing.clip.Encoded(codec)
		}
	}
	return s.out.set(playing, from)
}

// connecting orders Connect, Disconnect and Close, so that two of them can not leave
// a stream that believes in a peer that speaks to somebody else.
var connecting sync.Mutex

// Connect bridges two legs: each hears the other, and whatever they heard before ends.
// Packets pass through when the codecs are equal and are transcoded otherwise; DTMF is
// relayed if both negotiated it. Either leg can be given another source later without
// touching the other one (hold); a new Connect brings them back.
func Connect(a, b *Stream) error {
	if a == b {
		return errors.New("a leg can not be connected with itself")
	}
	connecting.Lock()
	defer connecting.Unlock()
	free(a, b)
	free(b, a)
	if err := a.set(nil, b); err != nil {
		return err
	}
	if err := b.set(nil, a); err != nil {
		a.out.leave(b)
		return err
	}
	a.listener.Store(b)
	b.listener.Store(a)
	return nil
}

// Overhear lets listener hear speaker, and speaker nobody: what is said before a call is
// answered. Whatever the two heard before ends. [Connect] brings them together, and
// [Disconnect] ends it.
func Overhear(listener, speaker *Stream) error {
	if listener == speaker {
		return errors.New("a leg can not be connected with itself")
	}
	connecting.Lock()
	defer connecting.Unlock()
	free(listener, nil)
	free(speaker, listener)
	if err := speaker.set(nil, nil); err != nil {
		return err
	}
	if err := listener.set(nil, speaker); err != nil {
		return err
	}
	speaker.listener.Store(listener)
	return nil
}

// free takes a leg out of its conference and away from whoever hears it, but for one. The caller
// holds connecting.
func free(s, but *Stream) {
	s.leaveSeat()
	if former := s.listener.Load(); former != nil && former != but {
		former.out.leave(s)
		s.listener.Store(nil)
	}
}

// Disconnect ends a bridge: each leg that still hears the other one becomes silent.
func Disconnect(a, b *Stream) {
	connecting.Lock()
	defer connecting.Unlock()
	for _, pair := range [][2]*Stream{{a, b}, {b, a}} {
		pair[0].listener.CompareAndSwap(pair[1], nil)
		pair[0].out.leave(pair[1])
	}
}

// Close ends the stream for good: nothing is sent or taken after it returns, Play
// returns ErrClosed, a connected leg becomes silent, and Digits is closed. It can be
// called more than once.
func (s *Stream) Close() error {
	connecting.Lock()
	defer connecting.Unlock()
	if !s.out.close() {
		return nil
	}
	s.pacer.remove(s)
	s.leaveSeat()
	if listener := s.listener.Swap(nil); listener != nil {
		listener.out.leave(s)
	}
	s.in.mutex.Lock()
	s.in.closed = true
	close(s.digits)
	s.in.mutex.Unlock()
	return nil
}
