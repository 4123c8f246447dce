package mediatest

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/pion/rtp"

	"svar/channels/media"
)

// recorderLimit bounds what is kept: ten minutes of frames.
const recorderLimit = 30000

// Recorder is a media.Sink that keeps what a stream sends. The zero value is ready. Safe
// for concurrent use.
type Recorder struct {
	mutex   sync.Mutex
	packets []*rtp.Packet
	change  chan struct{}
}

// WriteRTP keeps a copy.
func (r *Recorder) WriteRTP(header *rtp.Header, payload []byte) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.packets) < recorderLimit {
		r.packets = append(r.packets, &rtp.Packet{Header: header.Clone(), Payload: bytes.Clone(payload)})
	}
	if r.change != nil {
		close(r.change)
		r.change = nil
	}
	return nil
}

// Packets are all packets so far. They are shared: read only.
func (r *Recorder) Packets() []*rtp.Packet {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]*rtp.Packet(nil), r.packets...)
}

// Reset forgets what was recorded.
func (r *Recorder) Reset() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.packets = nil
}

// Payloads are the payloads of one payload type.
func (r *Recorder) Payloads(payloadType uint8) [][]byte {
	var payloads [][]byte
	for _, packet := range r.Packets() {
		if packet.PayloadType == payloadType {
			payloads = append(payloads, packet.Payload)
		}
	}
	return payloads
}

// Listen looks for a tone in what was recorded in a codec.
func (r *Recorder) Listen(codec media.Codec, frequency float64) Verdict {
	return ListenPayloads(codec, r.Payloads(codec.PayloadType()), frequency)
}

// WaitTone waits until half a second of a tone was recorded, whatever came before it, and
// returns the verdict over all, or an error that says what was heard until ctx ended.
func (r *Recorder) WaitTone(ctx context.Context, codec media.Codec, frequency float64) (Verdict, error) {
	for {
		r.mutex.Lock()
		if r.change == nil {
			r.change = make(chan struct{})
		}
		change := r.change
		r.mutex.Unlock()
		verdict := r.Listen(codec, frequency)
		if verdict.Toned >= 25 {
			return verdict, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return verdict, fmt.Errorf("tone not heard: %s: %w", verdict, ctx.Err())
		}
	}
}
