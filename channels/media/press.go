package media

import (
	"errors"
	"math"
	"strings"
	"time"
)

var (
	// ErrNoKey is returned for a byte that no telephone has a key for.
	ErrNoKey = errors.New("not a key of a telephone (0–9, *, #, A–D)")
	// ErrTooManyKeys is returned when as many keys wait to be sent as may.
	ErrTooManyKeys = errors.New("too many keys wait to be sent")
)

// A key is 100 ms of tone and 80 ms of pause, in frames; senders must not be below 65 ms of
// each (ETSI ES 201 235-2 §4.2).
const (
	keyTone  = 5
	keyPause = 4
	// keyEnds is how often the end of an event is told, a frame apart (RFC 4733 §2.5.1.4).
	keyEnds = 3
	// keysWaiting bounds the keys that wait, the one that is being sent included: six seconds.
	keysWaiting = 32
)

// The tones of a key by row and column (ITU-T Q.23 §6), in Hz. The higher one is 2 dB louder,
// since lines weaken it more (ETSI ES 201 235-2 §4.2.4).
var (
	keyRows    = [4]float64{697, 770, 852, 941}
	keyColumns = [4]float64{1209, 1336, 1477, 1633}
)

const (
	keyPad         = "123A456B789C*0#D" // row by row
	keyRowLevel    = -10.0              // dBm0
	keyColumnLevel = -8.0               // dBm0
	// keyVolume is the level of an event, in dBm0 without its sign (RFC 4733 §2.3.4).
	keyVolume = 10
	// overload is the level of a sine that just fills A-law (ITU-T G.711 table 1a, note 4), in dBm0.
	overload = 3.14
	// keyRamp is the rise and fall of a tone, so that it does not click.
	keyRamp = 2 * time.Millisecond
)

// presses are the keys that a stream is to press for its party.
type presses struct {
	waiting   []press
	frame     int    // of the first one, that is sent next
	timestamp uint32 // of the first one's event
}

// press is one key: an event, or its sound for a party that negotiated no events.
type press struct {
	code  uint8
	sound []byte // nil for an event
}

func (p *presses) busy() bool { return len(p.waiting) > 0 }

// Press sends a key (0–9, *, #, A–D) to the party, as a telephone event (RFC 4733) where that
// was negotiated and as its tones otherwise. It does not wait: keys follow one another, 180 ms
// each, and whatever else is sent is suppressed meanwhile, so that nothing is mixed into them.
// A leg on hold by its party loses them. The errors are ErrNoKey, ErrTooManyKeys (32 wait),
// ErrNotStarted and ErrClosed.
func (s *Stream) Press(key byte) error {
	code := strings.IndexByte(digitKeys, key)
	if code < 0 {
		return ErrNoKey
	}
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	switch {
	case o.closed:
		return ErrClosed
	case !o.started:
		return ErrNotStarted
	case len(o.presses.waiting) >= keysWaiting:
		return ErrTooManyKeys
	}
	next := press{code: uint8(code)}
	if o.format.TelephoneEvent == 0 {
		next.sound = keySound(key, o.format.Codec)
	}
	o.presses.waiting = append(o.presses.waiting, next)
	return nil
}

// pressFrame sends what is due of the first key. The pacer's clock drives it, whatever the
// leg's source is.
func (o *outgoing) pressFrame(sink Sink, now time.Time) {
	p := &o.presses
	key, frame := p.waiting[0], p.frame
	p.frame++
	switch {
	case key.sound != nil && frame < keyTone:
		if frame == 0 {
			o.switched = true
		}
		o.sendVoice(sink, key.sound[frame*frameOctets:(frame+1)*frameOctets], now)
	case key.sound == nil && frame < keyTone-1+keyEnds:
		if frame == 0 {
			p.timestamp = o.byClock(now)
		}
		duration := uint16(frameOctets * min(frame+1, keyTone))
		payload := telephoneEvent{code: key.code, end: frame >= keyTone-1, duration: duration}.marshal()
		o.send(sink, o.format.TelephoneEvent, frame == 0, p.timestamp, uint32(duration), payload[:], now)
		o.switched = true // the voice goes on by the clock
	default:
		o.sendVoice(sink, o.silence, now)
	}
	if p.frame == keyTone+keyPause {
		p.frame = 0
		p.waiting = p.waiting[1:]
		o.switched = true
	}
}

// keySound is the tone of a key in a codec.
func keySound(key byte, codec Codec) []byte {
	place := strings.IndexByte(keyPad, key)
	row, column := keyRows[place/4], keyColumns[place%4]
	rate := float64(codec.SampleRate())
	count := keyTone * codec.SampleRate() * int(FrameDuration/time.Millisecond) / 1000
	ramp := keyRamp.Seconds() * rate
	samples := make([]float64, count)
	for i := range samples {
		at := 2 * math.Pi * float64(i) / rate
		tone := amplitude(keyRowLevel-overload)*math.Sin(row*at) + amplitude(keyColumnLevel-overload)*math.Sin(column*at)
		samples[i] = tone * min(1, float64(i)/ramp, float64(count-i)/ramp)
	}
	return codec.Encode(toInt16(samples))
}
