package media

import (
	"math"

	"github.com/pion/rtp"
)

// comfort is the soft noise of a party that says by comfort noise (RFC 3389) that it is silent: it sends nothing then, and
// whoever hears dead silence believes that the call is over. The noise is white, of the level that the party tells; the filters
// of its spectrum, which it may tell, are not applied. Its zero value is silence.
type comfort struct {
	peak  int32 // of samples that are spread evenly
	state uint32
}

// loudestComfort is the loudest level that is believed, in −dBov: a background, whatever a party says.
const loudestComfort = 30

// comfortPeaks are the peaks by level in −dBov: the root mean square of evenly spread samples is their peak over √3. It counts
// from the square wave that fills the range, as dBFS does here.
var comfortPeaks = func() (peaks [128]int32) {
	for level := range peaks {
		peaks[level] = int32(math.MaxInt16 * amplitude(-float64(max(level, loudestComfort))) * math.Sqrt(3))
	}
	return peaks
}()

// follow takes the level of a packet of comfort noise: the lower seven bits of its first octet (§3.1).
func (c *comfort) follow(packet *rtp.Packet) {
	if c.state == 0 {
		c.state = packet.SSRC | 1
	}
	c.peak = 0
	if len(packet.Payload) > 0 {
		c.peak = comfortPeaks[packet.Payload[0]&0x7F]
	}
}

// end is for a party that speaks again.
func (c *comfort) end() { c.peak = 0 }

func (c *comfort) sounds() bool { return c.peak > 0 }

// fill writes noise.
func (c *comfort) fill(samples []int16) {
	for i := range samples {
		c.state ^= c.state << 13 // xorshift
		c.state ^= c.state >> 17
		c.state ^= c.state << 5
		samples[i] = int16(int64(int32(c.state)) * int64(c.peak) >> 31)
	}
}

// hearComfort begins the noise of a connected party, or changes its level.
func (s *Stream) hearComfort(from *Stream, packet *rtp.Packet) {
	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.peer != from {
		return
	}
	if !o.comfort.sounds() {
		o.switched = true
	}
	o.comfort.follow(packet)
}

// endComfort ends the noise of a connected party, which is silent or speaks from now on.
func (o *outgoing) endComfort() {
	if o.comfort.sounds() {
		o.comfort.end()
		o.switched = true
	}
}

// hearNothing ends the noise of a party that is on hold.
func (o *outgoing) hearNothing(from *Stream) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.peer == from {
		o.endComfort()
	}
}

// comfortFrame is the next 20 ms of noise, in the leg's codec.
func (o *outgoing) comfortFrame() []byte {
	var samples [mixFrame]int16
	o.comfort.fill(samples[:])
	frame := o.scratch[:frameOctets]
	o.coder.to.encode(frame, samples[:], o.format.Codec)
	return frame
}
