package media

import (
	"time"

	"github.com/pion/rtp"
)

const (
	// A sender's timestamp may run ahead of the time between two packets by less than
	// this; more is a jump in time and is not handed on.
	relayAhead = clockRate / 5
	// It may lag by less than this. Shorter stalls come from the network: what was
	// delayed follows at once, and a new anchor would make the delay permanent.
	relayBehind = clockRate
	// A telephone event without its end packets stops hiding the voice after this.
	eventPatience = 500 * time.Millisecond
)

// relay maps the timestamps of a connected party onto the leg's own clock. Inside a
// talk spurt the sender's increments are kept.
type relay struct {
	ssrc     uint32
	in, out  uint32 // a pair of timestamps that belong together
	arrival  time.Time
	event    bool // a telephone event is going on
	eventIn  uint32
	eventOut uint32
	eventAt  time.Time
	known    bool // eventIn and eventOut are set for this ssrc
}

// hear relays one packet that another leg received in order. Voice that came too late
// was sorted out before: a sequence that only grows has no place for it.
func (s *Stream) hear(from *Stream, packet *rtp.Packet, kind packetKind, codec Codec, now time.Time) {
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.peer != from || !o.started || !o.direction.sends() || o.presses.busy() {
		return
	}
	o.endComfort()
	if o.switched || packet.SSRC != o.relay.ssrc {
		o.switched = true
		o.relay.ssrc, o.relay.event, o.relay.known = packet.SSRC, false, false
	}
	if kind == kindEvent {
		o.hearEvent(s.sink, packet, now)
		return
	}
	if o.relay.event && now.Sub(o.relay.eventAt) < eventPatience {
		return // the event stands for the voice (RFC 4733 §2.5.1.1); its tone must not be heard twice
	}
	o.relay.event = false
	if o.switched && o.crowded(now) {
		return
	}
	payload := o.coder.transcode(o.scratch[:], packet.Payload, codec, o.format.Codec)
	if len(payload) == 0 {
		return
	}
	timestamp, fresh := o.translate(packet.Timestamp, now)
	o.send(s.sink, o.format.PayloadType, packet.Marker || fresh, timestamp, uint32(len(payload)), payload, now)
}

// hearEvent relays a telephone event: all its packets carry the timestamp of its start.
func (o *outgoing) hearEvent(sink Sink, packet *rtp.Packet, now time.Time) {
	event, ok := parseEvent(packet.Payload)
	if !ok || o.format.TelephoneEvent == 0 {
		return
	}
	marker := false
	if !o.relay.known || o.relay.eventIn != packet.Timestamp {
		timestamp, _ := o.translate(packet.Timestamp, now)
		o.relay.eventIn, o.relay.eventOut, o.relay.known = packet.Timestamp, timestamp, true
		marker = true
	} else if before(o.relay.eventOut, o.header.Timestamp) {
		return // a repeated end packet, and voice went on already
	}
	o.relay.event, o.relay.eventAt = !event.end, now
	o.send(sink, o.format.TelephoneEvent, marker, o.relay.eventOut, uint32(event.duration), packet.Payload[:eventOctets], now)
}

// translate maps a sender's timestamp and says whether that begins a talk spurt.
func (o *outgoing) translate(timestamp uint32, now time.Time) (mapped uint32, fresh bool) {
	fresh = o.switched
	if !fresh {
		advance := int64(int32(timestamp - o.relay.in))
		elapsed := int64(ticks(now.Sub(o.relay.arrival)))
		mapped = o.relay.out + uint32(advance)
		fresh = advance-elapsed > relayAhead || elapsed-advance > relayBehind ||
			before(mapped, o.header.Timestamp)
	}
	if fresh {
		mapped = o.byClock(now)
	}
	o.relay.in, o.relay.out, o.relay.arrival = timestamp, mapped, now
	return mapped, fresh
}
