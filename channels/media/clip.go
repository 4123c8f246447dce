package media

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ClipRate is the sample rate of clips, in Hz.
const ClipRate = 16000

// Rates, in Hz, and length that a sound may have to become a clip.
const (
	minimumRate = 8000
	maximumRate = 48000
	// LongestClip bounds what an uploaded recording may take: 19 MB of memory.
	LongestClip = 10 * time.Minute
)

// ErrSound says that a sound can not become a clip; it is wrapped with the reason.
var ErrSound = errors.New("unusable sound")

// Clip is a mono sound of 16 bits at 16 kHz. It never changes, and keeps its encoding
// for each codec once it was needed, so that a thousand callers can hear it for the
// price of one. Safe for concurrent use.
type Clip struct {
	samples  []int16
	seamless bool // its end goes on at its start

	mutex   sync.Mutex
	encoded map[Codec][]byte
}

// NewClip makes a clip of mono samples at a rate of 8,000 to 48,000 Hz, at most ten
// minutes long. Errors are ErrSound.
func NewClip(samples []int16, rate int) (*Clip, error) {
	return newClip(toFloat(samples), rate)
}

func newClip(samples []float64, rate int) (*Clip, error) {
	switch {
	case rate < minimumRate || rate > maximumRate:
		return nil, fmt.Errorf("%w: %d samples a second, must be %d to %d", ErrSound, rate, minimumRate, maximumRate)
	case len(samples) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrSound)
	case len(samples) > int(LongestClip/time.Second)*rate:
		return nil, fmt.Errorf("%w: longer than %s", ErrSound, LongestClip)
	}
	return &Clip{samples: toInt16(resample(samples, rate, ClipRate, false))}, nil
}

// Duration is the clip's length.
func (c *Clip) Duration() time.Duration {
	return time.Duration(len(c.samples)) * time.Second / ClipRate
}

// Samples returns a copy of the sound, at ClipRate.
func (c *Clip) Samples() []int16 { return slices.Clone(c.samples) }

// Level is the root mean square of the whole clip in dBFS (full scale is 0).
func (c *Clip) Level() float64 { return level(toFloat(c.samples)) }

// Encoded is the clip's payload in a codec, made at the first call. It is shared: read
// only. It is nil for no codec.
func (c *Clip) Encoded(codec Codec) []byte {
	properties, ok := codecs[codec]
	if !ok {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if encoded, ok := c.encoded[codec]; ok {
		return encoded
	}
	samples := c.samples
	if properties.sampleRate != ClipRate {
		samples = toInt16(resample(toFloat(samples), ClipRate, properties.sampleRate, c.seamless))
	}
	if c.encoded == nil {
		c.encoded = make(map[Codec][]byte)
	}
	c.encoded[codec] = codec.encodeWhole(samples, c.seamless)
	return c.encoded[codec]
}
