package media

import "encoding/binary"

// Digit is a DTMF key: 0–9, *, # or A–D.
type Digit byte

// String is the key as people write it.
func (d Digit) String() string { return string(rune(d)) }

// digitKeys are the events 0–15 of RFC 4733 §3.2.
const digitKeys = "0123456789*#ABCD"

// eventOctets is the length of a telephone-event payload (RFC 4733 §2.3).
const eventOctets = 4

// longestSegment is the duration at which a very long press goes on as a new event
// with a new timestamp (RFC 4733 §2.5.1.3).
const longestSegment = 0xFFFF

type telephoneEvent struct {
	code     uint8
	end      bool
	duration uint16 // ticks
}

func parseEvent(payload []byte) (telephoneEvent, bool) {
	if len(payload) < eventOctets {
		return telephoneEvent{}, false
	}
	return telephoneEvent{
		code:     payload[0],
		end:      payload[1]&0x80 != 0,
		duration: binary.BigEndian.Uint16(payload[2:]),
	}, true
}

// marshal is the payload of the event.
func (e telephoneEvent) marshal() [eventOctets]byte {
	flags := byte(keyVolume)
	if e.end {
		flags |= 0x80
	}
	payload := [eventOctets]byte{e.code, flags}
	binary.BigEndian.PutUint16(payload[2:], e.duration)
	return payload
}

// keypad turns the packets of telephone events into digits, each once. An event is
// known by the timestamp of its start, which all its packets carry, so it counts with
// whichever packet comes first: a lost start or end and a repeated end change nothing.
type keypad struct {
	pressed   bool // the fields below are set
	timestamp uint32
	code      uint8
}

// press returns the digit that a packet begins, if it does. late says that newer
// packets came before.
func (k *keypad) press(event telephoneEvent, timestamp uint32, late bool) (Digit, bool) {
	if k.pressed {
		if timestamp == k.timestamp || late && before(timestamp, k.timestamp) {
			return 0, false
		}
		if timestamp == k.timestamp+longestSegment && event.code == k.code {
			k.timestamp = timestamp
			return 0, false
		}
	}
	k.pressed, k.timestamp, k.code = true, timestamp, event.code
	if int(event.code) >= len(digitKeys) {
		return 0, false // flash and tones are no keys
	}
	return Digit(digitKeys[event.code]), true
}
