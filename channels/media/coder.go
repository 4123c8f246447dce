package media

import "github.com/zaf/g711"

// decoder turns the payload of one voice into samples at ClipRate. Its zero value with a codec
// is ready; it keeps what the next payload needs.
type decoder struct {
	codec Codec
	up    upsampler
	wide  g722Decoder
}

// coded bounds what is decoded or encoded at once, in octets: a frame and a little more.
const coded = frameOctets + jitterStep

// decode writes two samples for each octet, of which there are at most coded.
func (d *decoder) decode(samples []int16, payload []byte) {
	if d.codec == G722 {
		d.wide.decode(samples, payload)
		return
	}
	var buffer [coded]int16
	narrow := buffer[:len(payload)]
	expand(narrow, payload, d.codec)
	d.up.double(samples, narrow)
}

// encoder turns samples at ClipRate into the payload of one voice. It keeps what the next
// samples need.
type encoder struct {
	codec Codec
	down  downsampler
	wide  g722Encoder
}

// encode writes one octet for every two samples; there are at most coded of them.
func (e *encoder) encode(payload []byte, samples []int16, codec Codec) {
	if e.codec != codec {
		*e = encoder{codec: codec}
	}
	if codec == G722 {
		e.wide.encode(payload, samples)
		return
	}
	var buffer [coded]int16
	narrow := buffer[:len(payload)]
	e.down.halve(narrow, samples)
	compress(payload, narrow, codec)
}

// transcoder puts one voice into another codec.
type transcoder struct {
	from decoder
	to   encoder
}

// transcode writes payload in another codec into buffer, which must be as long, and returns it. Equal codecs pass
// through untouched, and G.711 changes octet by octet.
func (c *transcoder) transcode(buffer, payload []byte, from, to Codec) []byte {
	if from != G722 && to != G722 || from == to {
		return transcode(buffer, payload, from, to)
	}
	if !from.known() || !to.known() {
		return nil
	}
	if c.from.codec != from {
		c.from = decoder{codec: from}
	}
	var samples [2 * coded]int16
	buffer = buffer[:len(payload)]
	for begin := 0; begin < len(payload); begin += frameOctets {
		end := min(begin+frameOctets, len(payload))
		sound := samples[:2*(end-begin)]
		c.from.decode(sound, payload[begin:end])
		c.to.encode(buffer[begin:end], sound, to)
	}
	return buffer
}

// Encode encodes a sound of the codec's SampleRate, from a fresh beginning. An odd sample at the end of wide band
// is left out.
func (c Codec) Encode(samples []int16) []byte {
	if c == G722 {
		payload := make([]byte, len(samples)/2)
		(&g722Encoder{}).encode(payload, samples)
		return payload
	}
	payload := make([]byte, len(samples))
	compress(payload, samples, c)
	return payload
}

// encodeWhole is Encode for a clip. A seamless one begins as its end left the coder, so that its
// repetition is not heard.
func (c Codec) encodeWhole(samples []int16, seamless bool) []byte {
	if c != G722 || !seamless {
		return c.Encode(samples)
	}
	payload := make([]byte, len(samples)/2)
	var encoder g722Encoder
	encoder.encode(payload, samples)
	encoder.encode(payload, samples)
	return payload
}

// Decode decodes a payload to the codec's SampleRate, from a fresh beginning.
func (c Codec) Decode(payload []byte) []int16 {
	if c == G722 {
		samples := make([]int16, 2*len(payload))
		(&g722Decoder{}).decode(samples, payload)
		return samples
	}
	samples := make([]int16, len(payload))
	expand(samples, payload, c)
	return samples
}

// expand decodes G.711.
func expand(samples []int16, payload []byte, codec Codec) {
	if codec == PCMA {
		for i, value := range payload {
			samples[i] = g711.DecodeAlawFrame(value)
		}
		return
	}
	for i, value := range payload {
		samples[i] = g711.DecodeUlawFrame(value)
	}
}

// compress encodes G.711.
func compress(payload []byte, samples []int16, codec Codec) {
	if codec == PCMA {
		for i, value := range samples {
			payload[i] = g711.EncodeAlawFrame(value)
		}
		return
	}
	for i, value := range samples {
		payload[i] = g711.EncodeUlawFrame(value)
	}
}
