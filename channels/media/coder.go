package media

import "github.com/zaf/g711"

// decoder turns the payload of one voice into samples at ClipRate. Its zero value with a codec
// is ready; it keeps what the next payload needs.
type decoder struct {
	codec Codec
	up    upsampler
}

// decode writes two samples for each octet, of which there are at most a frame and a little
// more.
func (d *decoder) decode(samples []int16, payload []byte) {
	var buffer [frameOctets + jitterStep]int16
	narrow := buffer[:len(payload)]
	expand(narrow, payload, d.codec)
	d.up.double(samples, narrow)
}

// encoder turns samples at ClipRate into the payload of one voice. It keeps what the next
// samples need.
type encoder struct {
	codec Codec
	down  downsampler
}

// encode writes one octet for every two samples.
func (e *encoder) encode(payload []byte, samples []int16, codec Codec) {
	if e.codec != codec {
		*e = encoder{codec: codec}
	}
	var buffer [frameOctets + jitterStep]int16
	narrow := buffer[:len(payload)]
	e.down.halve(narrow, samples)
	compress(payload, narrow, codec)
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
