package media

import (
	"sync"

	"github.com/pion/rtp"
)

// All lengths of the jitter buffer are in ticks of the RTP clock: 8 a millisecond, and one
// octet each.
const (
	// jitterTicks are kept: a power of two, so that a place is found by timestamps that wrap around.
	jitterTicks = 1 << 13
	// jitterBegin is how long the first packet of a source waits.
	jitterBegin = 40 * clockRate / 1000
	// jitterLongest is how far a packet may lie from what is played; further is a jump in time.
	jitterLongest = clockRate / 2
	// jitterMargin is how much earlier than needed the slowest packet is to come. Between the
	// two bounds nothing is corrected.
	jitterMargin   = 10 * clockRate / 1000
	jitterLeast    = 5 * clockRate / 1000
	jitterMost     = 20 * clockRate / 1000
	jitterWindow   = 100 // frames, over which the slowest packet is looked for
	jitterArrivals = 10  // packets, below which a window says nothing
	// jitterStep is what a frame may be longer or shorter by while the delay is corrected: less than
	// half a semitone of its pitch, and no gap.
	jitterStep = frameOctets / 40
)

const (
	// mixFrame is one frame at ClipRate, in samples.
	mixFrame = ClipRate / 50
	// concealed is how long a gap is filled with what was heard before it, fading, in samples.
	concealed = 3 * mixFrame
)

// jitterBuffer turns the packets of one voice, which come when the network pleases, into a
// frame whenever one is asked for. Each octet is put where its timestamp belongs. The delay
// follows the slowest packets of the last two seconds: a packet that comes too late lengthens
// it at once, and an early one shortens it bit by bit, which also makes good for a party whose
// clock runs faster or slower than ours.
type jitterBuffer struct {
	mutex  sync.Mutex
	octets [jitterTicks]byte
	filled [jitterTicks]bool
	known  bool // the fields below are set
	ssrc   uint32
	next   uint32 // the sender's timestamp that is played next

	least      int32 // how early the slowest packet of this window came
	arrivals   int
	frames     int
	correction int32 // ticks that are to be left out, or, below zero, put in

	decoder decoder
	heard   [mixFrame]int16 // lately
	lost    int             // samples of the present gap

	comfort   comfort // while the party is silent by its own word
	comfortAt uint32  // since this timestamp
}

// take keeps a packet of voice in a codec.
func (j *jitterBuffer) take(packet *rtp.Packet, codec Codec) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	ahead := int32(packet.Timestamp - j.next)
	if !j.known || packet.SSRC != j.ssrc || codec != j.decoder.codec || ahead > jitterLongest || ahead < -jitterLongest {
		j.begin(packet, codec)
		ahead = jitterBegin
	}
	if ahead < 0 {
		j.next = packet.Timestamp - jitterMargin
		ahead = jitterMargin
		j.correction = 0
	}
	j.least = min(j.least, ahead)
	j.arrivals++
	for i, value := range packet.Payload {
		place := (packet.Timestamp + uint32(i)) % jitterTicks
		j.octets[place], j.filled[place] = value, true
	}
}

func (j *jitterBuffer) begin(packet *rtp.Packet, codec Codec) {
	if j.decoder.codec != codec || j.ssrc != packet.SSRC {
		j.decoder = decoder{codec: codec}
	}
	clear(j.filled[:])
	j.known, j.ssrc, j.next = true, packet.SSRC, packet.Timestamp-jitterBegin
	j.beginWindow()
	j.correction = 0
}

func (j *jitterBuffer) beginWindow() { j.least, j.arrivals, j.frames = jitterLongest, 0, 0 }

// rest says by a packet of comfort noise that the party is silent by its own word: there is no gap to be filled, but by that
// noise.
func (j *jitterBuffer) rest(packet *rtp.Packet, codec Codec) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if !j.known || packet.SSRC != j.ssrc {
		j.begin(packet, codec)
	}
	j.lost = concealed
	j.comfort.follow(packet)
	j.comfortAt = packet.Timestamp
}

// hush ends the noise of a party that is on hold.
func (j *jitterBuffer) hush() {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.comfort.end()
}

// frame plays the next 20 ms at ClipRate; false says that there is nothing in them.
func (j *jitterBuffer) frame(samples *[mixFrame]int16) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if !j.known {
		return false
	}
	step := min(max(j.correction, -jitterStep), jitterStep)
	j.correction -= step
	j.adapt()
	var buffer [2 * (frameOctets + jitterStep)]int16
	length := frameOctets + int(step)
	sounds := j.decode(buffer[:2*length], length)
	if !sounds {
		return false
	}
	stretch(samples[:], buffer[:2*length])
	return true
}

// adapt looks, at the end of a window, whether packets come earlier than they need to.
func (j *jitterBuffer) adapt() {
	if j.frames++; j.frames < jitterWindow {
		return
	}
	if j.arrivals >= jitterArrivals && (j.least > jitterMost || j.least < jitterLeast) {
		j.correction = j.least - jitterMargin
	}
	j.beginWindow()
}

// decode takes the next ticks out of the buffer; false says that all of them are silence.
func (j *jitterBuffer) decode(samples []int16, length int) (sounds bool) {
	var run [frameOctets + jitterStep]byte
	for begin := 0; begin < length; {
		end, filled := begin, j.filled[j.next%jitterTicks]
		for ; end < length && j.filled[j.next%jitterTicks] == filled; end++ {
			run[end-begin] = j.octets[j.next%jitterTicks]
			j.filled[j.next%jitterTicks] = false
			j.next++
		}
		part := samples[2*begin : 2*end]
		if filled {
			j.decoder.decode(part, run[:end-begin])
			j.remember(part)
			if !before(j.next, j.comfortAt+1) {
				j.comfort.end() // what was said before it is not the end of it
			}
			sounds = true
		} else {
			sounds = j.conceal(part) || sounds
		}
		begin = end
	}
	return sounds
}

func (j *jitterBuffer) remember(samples []int16) {
	j.lost = 0
	if len(samples) >= mixFrame {
		copy(j.heard[:], samples[len(samples)-mixFrame:])
		return
	}
	copy(j.heard[:], j.heard[len(samples):])
	copy(j.heard[mixFrame-len(samples):], samples)
}

// conceal fills a gap with the last 20 ms, backwards and forwards in turn so that nothing
// jumps, and fades it out; false says that there is only silence.
func (j *jitterBuffer) conceal(samples []int16) bool {
	if j.comfort.sounds() {
		j.lost = concealed
		j.comfort.fill(samples)
		return true
	}
	if j.lost >= concealed {
		return false
	}
	for i := range samples {
		if j.lost >= concealed {
			clear(samples[i:])
			break
		}
		at := j.lost % (2 * mixFrame)
		if at >= mixFrame {
			at = 2*mixFrame - 1 - at
		}
		samples[i] = int16(int(j.heard[mixFrame-1-at]) * (concealed - j.lost) / concealed)
		j.lost++
	}
	return true
}

// stretch fits samples into the length of another slice.
func stretch(fitted, samples []int16) {
	if len(fitted) == len(samples) {
		copy(fitted, samples)
		return
	}
	for i := range fitted {
		position := i * (len(samples) - 1)
		at, share := position/(len(fitted)-1), position%(len(fitted)-1)
		value := int(samples[at])
		if share > 0 {
			value += (int(samples[at+1]) - value) * share / (len(fitted) - 1)
		}
		fitted[i] = int16(value)
	}
}
