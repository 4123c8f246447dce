package webrtc

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"svar/channels/media"
)

// track carries the packets of a stream to the browser as they are. It is the stream's sink.
// The session is told the stream's own SSRC, so nothing has to be rewritten.
type track struct {
	codec  media.Codec
	writer atomic.Pointer[webrtc.TrackLocalWriter]
}

var (
	_ media.Sink        = (*track)(nil)
	_ webrtc.TrackLocal = (*track)(nil)
)

// Bind is called once the answer is known. It fails when the codec is not in it.
func (t *track) Bind(session webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, parameters := range session.CodecParameters() {
		if strings.EqualFold(parameters.MimeType, mimeType(t.codec)) {
			writer := session.WriteStream()
			t.writer.Store(&writer)
			return parameters, nil
		}
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("the session has no %s", t.codec)
}

// Unbind ends what Bind began.
func (t *track) Unbind(webrtc.TrackLocalContext) error {
	t.writer.Store(nil)
	return nil
}

// WriteRTP sends one packet. Before Bind and after Unbind it is lost.
func (t *track) WriteRTP(header *rtp.Header, payload []byte) error {
	writer := t.writer.Load()
	if writer == nil {
		return media.ErrClosed
	}
	_, err := (*writer).WriteRTP(header, payload)
	return err
}

// ID and StreamID name the voice in SDP.
func (t *track) ID() string { return "voice" }

// StreamID groups tracks that are played in step; there is only one.
func (t *track) StreamID() string { return "svar" }

// RID is for simulcast, which voice has not.
func (t *track) RID() string { return "" }

// Kind is audio.
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
