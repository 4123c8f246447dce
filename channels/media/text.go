package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	// TextClockRate is the RTP clock of text, in Hz (RFC 4103 §5).
	TextClockRate = 1000
	// TextInterval is how long text is gathered before it is sent (RFC 4103 §5.1).
	TextInterval = 300 * time.Millisecond
	// TextRedundancy is how often text is sent again, with what follows it (RFC 4103 §5.2).
	TextRedundancy = 2
	// TextRate is how many characters a second a party takes that says nothing of it, as the mean over textRateWindow
	// seconds (RFC 4103 §6).
	TextRate       = 30
	textRateWindow = 10
	// textBlock bounds what is sent at once, in octets: three of them fit into a packet, and RFC 2198 allows 1,023.
	textBlock = 400
	// textOldest is how far back a packet can tell the time of text, in ms (RFC 2198 §3).
	textOldest = 1<<14 - 1
)

// ErrTextFull is returned when more text waits to be sent than may.
var ErrTextFull = errors.New("too much text waits to be sent")

// TextFormat is what was negotiated for the text of a leg.
type TextFormat struct {
	// T140 is the payload type of text/t140, 0–127.
	T140 uint8
	// Redundant is the payload type of text/red, or 0 when it was not negotiated: then text that the network loses is lost.
	Redundant uint8
	// Rate is how many characters a second the party takes; 0 means TextRate.
	Rate int
	// Direction is ours.
	Direction Direction
}

func (f TextFormat) validate() error {
	switch {
	case f.T140 > 127 || f.Redundant > 127:
		return fmt.Errorf("%w: payload types %d and %d must be below 128", ErrFormat, f.T140, f.Redundant)
	case f.Redundant == f.T140:
		return fmt.Errorf("%w: payload type %d is both t140 and red", ErrFormat, f.T140)
	case f.Rate < 0:
		return fmt.Errorf("%w: %d characters a second", ErrFormat, f.Rate)
	}
	return nil
}

// TextStream is the text of one leg as it is typed (ITU-T T.140), over RTP (RFC 4103), with two levels of redundancy (RFC
// 2198) where they were negotiated. Characters are carried as they are: what erases and what begins a line is the business of those
// who type and read.
//
// Before Start, and after Stop, the party takes no text: what is written is dropped. Safe for concurrent use; it is a
// [Receiver].
type TextStream struct {
	sink  Sink
	typed *TextQueue

	mutex   sync.Mutex
	format  TextFormat
	started bool
	closed  bool

	// Outgoing.
	waiting  strings.Builder
	header   rtp.Header
	began    time.Time // timestamp origin was due then
	origin   uint32
	before   [TextRedundancy]textSent // the latest first
	timer    *time.Timer              // nil while there is nothing to be sent
	sentAt   time.Time
	idle     bool
	budget   float64 // characters that may be sent
	budgetAt time.Time
	buffer   []byte

	// Incoming.
	known bool // the fields below are set
	ssrc  uint32
	next  uint16
}

// textSent is text that was sent, as it is sent again.
type textSent struct {
	text string
	at   uint32 // timestamp
}

// NewTextStream makes the text of one leg. Its owner closes it.
func NewTextStream(sink Sink) *TextStream {
	now := time.Now()
	return &TextStream{
		sink: sink, typed: NewTextQueue(), began: now, origin: rand.Uint32(), idle: true,
		header: rtp.Header{Version: 2, SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32())},
	}
}

// Start begins with a format, or goes on with another one. The errors wrap ErrFormat, or are ErrClosed.
func (t *TextStream) Start(format TextFormat) error {
	if err := format.validate(); err != nil {
		return err
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.closed {
		return ErrClosed
	}
	if !t.started {
		t.budget, t.budgetAt = textRateWindow*float64(format.rate()), time.Now()
	}
	t.format, t.started = format, true
	return nil
}

// Stop is for a party that takes no text any more.
func (t *TextStream) Stop() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.started = false
	t.rest()
}

// Able reports whether the party takes text.
func (t *TextStream) Able() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.started && !t.closed && t.format.Direction.sends()
}

func (f TextFormat) rate() int {
	if f.Rate == 0 {
		return TextRate
	}
	return f.Rate
}

// Typed delivers what the party types. It is closed by Close.
func (t *TextStream) Typed() <-chan string { return t.typed.Pieces() }

// Write sends text, at latest TextInterval later, or as fast as the party takes it. The errors are ErrTextFull, when more
// than TextBacklog would wait, and ErrClosed.
func (t *TextStream) Write(text string) error {
	text = strings.ToValidUTF8(text, textLost)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case !t.started || !t.format.Direction.sends():
		return nil
	case t.waiting.Len()+len(text) > TextBacklog:
		return ErrTextFull
	}
	t.waiting.WriteString(text)
	if t.timer == nil && t.waiting.Len() > 0 {
		// After a pause at once, otherwise when the interval is over.
		t.timer = time.AfterFunc(max(0, TextInterval-time.Since(t.sentAt)), t.send)
	}
	return nil
}

// rest stops sending.
func (t *TextStream) rest() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.waiting.Reset()
	t.before, t.idle = [TextRedundancy]textSent{}, true
}

// Close ends it for good and closes Typed. It can be called more than once.
func (t *TextStream) Close() {
	t.mutex.Lock()
	t.closed = true
	t.rest()
	t.mutex.Unlock()
	t.typed.Close()
}

// send writes the packet that is due, and comes again until all text has been repeated.
func (t *TextStream) send() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.timer == nil || t.closed {
		return // stopped in the meantime
	}
	now := time.Now()
	block := textSent{text: t.take(now), at: t.origin + uint32(now.Sub(t.began)/time.Millisecond)}
	if block.text == "" && t.waiting.Len() == 0 && (t.format.Redundant == 0 || t.before == [TextRedundancy]textSent{}) {
		t.timer, t.idle = nil, true
		return
	}
	t.write(block)
	t.sentAt, t.idle = now, false
	copy(t.before[1:], t.before[:])
	if t.before[0] = block; block.text == "" {
		t.before[0] = textSent{}
	}
	t.timer.Reset(TextInterval)
}

// take is as much of the waiting text as may be sent now, in whole characters.
func (t *TextStream) take(now time.Time) string {
	rate := float64(t.format.rate())
	t.budget = min(rate*textRateWindow, t.budget+rate*now.Sub(t.budgetAt).Seconds())
	t.budgetAt = now
	text, length := t.waiting.String(), 0
	for length < len(text) && t.budget >= 1 {
		_, size := utf8.DecodeRuneInString(text[length:])
		if length+size > textBlock {
			break
		}
		length += size
		t.budget--
	}
	t.waiting.Reset()
	t.waiting.WriteString(text[length:])
	return text[:length]
}

// write sends a block, and before it those that go with it again.
func (t *TextStream) write(block textSent) {
	t.header.SequenceNumber++
	t.header.Timestamp, t.header.Marker = block.at, t.idle
	t.header.PayloadType, t.buffer = t.format.T140, t.buffer[:0]
	if t.format.Redundant != 0 {
		t.header.PayloadType = t.format.Redundant
		for i := len(t.before) - 1; i >= 0; i-- {
			earlier := &t.before[i]
			offset := block.at - earlier.at
			if earlier.text == "" || offset > textOldest {
				*earlier, offset = textSent{}, 0
			}
			t.buffer = append(t.buffer, 0x80|t.format.T140, byte(offset>>6), byte(offset<<2)|byte(len(earlier.text)>>8), byte(len(earlier.text)))
		}
		t.buffer = append(t.buffer, t.format.T140)
		for i := len(t.before) - 1; i >= 0; i-- {
			t.buffer = append(t.buffer, t.before[i].text...)
		}
	}
	t.buffer = append(t.buffer, block.text...)
	header := t.header
	_ = t.sink.WriteRTP(&header, t.buffer) // what the network does not take is repeated
}

// Receive implements [Receiver]. Text that the network lost is taken from the packets after it, and U+FFFD stands for what they do
// not hold any more; a packet that comes after a later one is not needed then.
func (t *TextStream) Receive(packet *rtp.Packet) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case !t.started:
		return ErrNotStarted
	case packet.Version != 2 || len(packet.Payload) > maxPayload:
		return ErrMalformed
	}
	blocks, err := t.format.blocks(packet)
	if err != nil {
		return err
	}
	lost := 0
	if t.known && t.ssrc == packet.SSRC {
		if lost = int(int16(packet.SequenceNumber - t.next)); lost < 0 {
			return nil // late or repeated
		}
	} else {
		// The beginning may be lost; what went before another source began is of that one.
		if !t.known {
			lost = len(blocks) - 1
		}
		t.known, t.ssrc = true, packet.SSRC
	}
	t.next = packet.SequenceNumber + 1
	if !t.format.Direction.receives() {
		return nil
	}
	var text strings.Builder
	if again := len(blocks) - 1; lost > again {
		text.WriteString(textLost)
		lost = again
	}
	for _, block := range blocks[len(blocks)-1-lost:] {
		text.Write(block)
	}
	t.typed.Add(text.String())
	return nil
}

// ReceiveReports implements [Receiver]: nothing follows from them.
func (t *TextStream) ReceiveReports([]rtcp.Packet, time.Time) {}

// blocks are the texts of a packet, the oldest first and its own last (RFC 2198 §3).
func (f TextFormat) blocks(packet *rtp.Packet) ([][]byte, error) {
	if packet.PayloadType == f.T140 {
		return [][]byte{packet.Payload}, nil
	}
	if f.Redundant == 0 || packet.PayloadType != f.Redundant {
		return nil, ErrPayloadType
	}
	var lengths []int
	rest := packet.Payload
	for {
		if len(rest) == 0 || rest[0]&0x7F != f.T140 {
			return nil, ErrMalformed
		}
		if rest[0]&0x80 == 0 {
			rest = rest[1:]
			break
		}
		if len(rest) < 4 {
			return nil, ErrMalformed
		}
		lengths = append(lengths, int(rest[2]&3)<<8|int(rest[3]))
		rest = rest[4:]
	}
	var blocks [][]byte
	for _, length := range lengths {
		if length > len(rest) {
			return nil, ErrMalformed
		}
		blocks = append(blocks, rest[:length])
		rest = rest[length:]
	}
	return append(blocks, rest), nil
}
