package media

import (
	"errors"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// Kind is a set of the kinds of people in a talk.
type Kind uint8

// The kinds.
const (
	User Kind = 1 << iota
	Agent
	Supervisor

	kinds = 3
)

// Seat is what somebody is in a conference.
type Seat struct {
	// Kind is one kind.
	Kind Kind
	// HeardBy are the kinds that hear him, none for somebody who only listens.
	HeardBy Kind
	// Deaf says that he hears nobody: one who was called and has not answered yet.
	Deaf bool
}

// endPatience is how long the voices of a talk wait after the end of a key for its end to be told
// again, which they would make worthless.
const endPatience = 45 * time.Millisecond

// ErrSeat says that a seat is of no kind, or of several.
var ErrSeat = errors.New("a seat in a conference is of one kind: user, agent or supervisor")

// Conference is a talk of any number of legs: each hears everybody who is heard by its kind,
// and never itself. A voice comes in through a jitter buffer, is mixed at ClipRate and leaves
// in the codec of each leg. Keys that come as telephone events are handed on as such to those
// who negotiated them and hear who pressed. A leg from which nothing comes is silent.
//
// What is played to a leg (Play, Loop) takes the place of what it hears, and it is heard
// nevertheless, until it joins again; [Connect] and [Conference.Leave] take it out altogether.
//
// Safe for concurrent use.
type Conference struct {
	pacer  *Pacer
	pacing pacing // guarded by the pacer

	mutex     sync.Mutex
	seats     []*seat
	recording *Recording
	closed    bool

	// Of the frame that is being mixed.
	sums  [kinds][mixFrame]int32
	mixed [mixFrame]int16
}

// seat is one leg in a conference.
type seat struct {
	conference *Conference
	stream     *Stream
	voice      jitterBuffer

	// Guarded by the conference.
	role   Seat
	sounds bool // there is something in frame
	frame  [mixFrame]int16
}

// NewConference opens a talk in which nobody is yet. Its owner closes it, before the pacer.
func NewConference(pacer *Pacer) *Conference {
	conference := &Conference{pacer: pacer}
	pacer.add(conference)
	return conference
}

// Join takes a leg into the talk, out of whatever it heard and was heard by before; once it is
// in, it changes its seat. A leg may join before it has started. The errors are ErrSeat, and
// ErrClosed of the leg or the conference.
func (c *Conference) Join(stream *Stream, role Seat) error {
	if role.Kind != User && role.Kind != Agent && role.Kind != Supervisor {
		return ErrSeat
	}
	connecting.Lock()
	defer connecting.Unlock()
	place := stream.seat.Load()
	if place == nil || place.conference != c {
		place = &seat{conference: c, stream: stream}
	}
	if err := c.admit(place, role); err != nil {
		return err
	}
	if err := stream.out.join(place); err != nil {
		c.dismiss(place)
		return err
	}
	if former := stream.seat.Swap(place); former != nil && former != place {
		former.conference.dismiss(former)
	}
	if listener := stream.listener.Swap(nil); listener != nil {
		listener.out.leave(stream)
	}
	return nil
}

// Leave takes a leg out of the talk and makes it silent, unless it hears something else
// already. A leg that is not in the talk is left alone.
func (c *Conference) Leave(stream *Stream) {
	connecting.Lock()
	defer connecting.Unlock()
	if place := stream.seat.Load(); place != nil && place.conference == c {
		stream.leaveSeat()
	}
}

// Record writes the talk from now on into a recording, until there is another one or nil. The
// user is on the left, and whoever is heard by users on the right. The recording stays its owner's: it
// is neither closed here nor with the conference. Time in which nobody is in the talk is not
// written.
func (c *Conference) Record(recording *Recording) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.recording = recording
}

// Close ends the talk: whoever is in it is silent. It can be called more than once.
func (c *Conference) Close() {
	connecting.Lock()
	defer connecting.Unlock()
	c.pacer.remove(c)
	c.mutex.Lock()
	c.closed, c.recording = true, nil
	seats := slices.Clone(c.seats)
	c.mutex.Unlock()
	for _, place := range seats {
		place.stream.leaveSeat()
	}
}

// leaveSeat takes the stream out of its conference, if it is in one. The caller holds connecting.
func (s *Stream) leaveSeat() {
	if place := s.seat.Swap(nil); place != nil {
		place.conference.dismiss(place)
		s.out.unseat(place)
	}
}

func (c *Conference) admit(place *seat, role Seat) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return ErrClosed
	}
	place.role = role
	if !slices.Contains(c.seats, place) {
		c.seats = append(c.seats, place)
	}
	return nil
}

func (c *Conference) dismiss(place *seat) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.seats = slices.DeleteFunc(c.seats, func(other *seat) bool { return other == place })
}

func (c *Conference) place() *pacing { return &c.pacing }

// tick mixes the next 20 ms and sends them to everybody.
func (c *Conference) tick(now time.Time, _ int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed || len(c.seats) == 0 {
		return
	}
	clear(c.sums[:])
	for _, place := range c.seats {
		if place.sounds = place.voice.frame(&place.frame); place.sounds {
			c.add(place)
		}
	}
	for _, place := range c.seats {
		c.mix(place)
		place.stream.hearMix(place, c.mixed[:], now)
	}
	if c.recording != nil {
		c.record()
	}
}

// index is the place of a kind's sum.
func (k Kind) index() int {
	return bits.TrailingZeros8(uint8(k))
}

// add puts a voice into what each kind hears.
func (c *Conference) add(speaker *seat) {
	for _, kind := range []Kind{User, Agent, Supervisor} {
		if speaker.role.HeardBy&kind == 0 {
			continue
		}
		sum := &c.sums[kind.index()]
		for i, sample := range speaker.frame {
			sum[i] += int32(sample)
		}
	}
}

// mix is what one leg hears: all that its kind hears, without itself, or nothing.
func (c *Conference) mix(listener *seat) {
	if listener.role.Deaf {
		clear(c.mixed[:])
		return
	}
	sum := &c.sums[listener.role.Kind.index()]
	if listener.sounds && listener.role.HeardBy&listener.role.Kind != 0 {
		for i, sample := range listener.frame {
			c.mixed[i] = saturated(sum[i] - int32(sample))
		}
		return
	}
	for i := range c.mixed {
		c.mixed[i] = saturated(sum[i])
	}
}

// record hands the frame to the recording.
func (c *Conference) record() {
	var left, right [mixFrame]int32
	for _, place := range c.seats {
		side := &right
		switch {
		case !place.sounds:
			continue
		case place.role.Kind == User:
			side = &left
		case place.role.HeardBy&User == 0:
			continue
		}
		for i, sample := range place.frame {
			side[i] += int32(sample)
		}
	}
	c.recording.add(&left, &right)
}

// hear takes what the leg of this seat received.
func (p *seat) hear(packet *rtp.Packet, kind packetKind, late bool, codec Codec, now time.Time) {
	switch kind {
	case kindVoice:
		p.voice.take(packet, codec)
	case kindNoise:
		if !late {
			p.voice.rest(packet, codec)
		}
	case kindEvent:
		if !late {
			p.conference.handOn(p, packet, now)
		}
	}
}

// handOn gives a telephone event to everybody who hears who pressed the key.
func (c *Conference) handOn(from *seat, packet *rtp.Packet, now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, place := range c.seats {
		if place != from && !place.role.Deaf && from.role.HeardBy&place.role.Kind != 0 {
			place.stream.hearKey(place, packet, now)
		}
	}
}

// hearMix sends a frame of the conference that the leg still hears.
func (s *Stream) hearMix(from *seat, samples []int16, now time.Time) {
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.hearsMix(from) {
		return
	}
	patience := endPatience
	if o.relay.event {
		patience = eventPatience
	}
	if now.Sub(o.relay.eventAt) < patience {
		return // the event stands for the voice (RFC 4733 §2.5.1.1)
	}
	o.relay.event = false
	if o.switched && o.crowded(now) {
		return
	}
	payload := o.scratch[:frameOctets]
	o.coder.to.encode(payload, samples, o.format.Codec)
	o.sendVoice(s.sink, payload, now)
}

// hearKey sends an event of the conference that the leg still hears. Two who press at once
// spoil each other's keys, as on any line.
func (s *Stream) hearKey(from *seat, packet *rtp.Packet, now time.Time) {
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.hearsMix(from) {
		return
	}
	if packet.SSRC != o.relay.ssrc {
		o.relay = relay{ssrc: packet.SSRC}
	}
	o.switched = true // each event begins by the clock
	o.hearEvent(s.sink, packet, now)
	o.switched = true // and so does the voice after it
}

func (o *outgoing) hearsMix(from *seat) bool {
	return o.mix == from && o.started && o.direction.sends() && !o.presses.busy()
}

// join makes a conference the source.
func (o *outgoing) join(place *seat) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	switch {
	case o.closed:
		return ErrClosed
	case o.mix == place:
		return nil
	}
	o.replace(nil, nil)
	o.mix, o.switched, o.relay = place, true, relay{}
	return nil
}

// unseat makes the leg silent if it still hears the conference by this seat.
func (o *outgoing) unseat(place *seat) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.mix == place {
		o.replace(nil, nil)
	}
}
