package webrtc

import (
	"math"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
)

var _ channels.Measured = (*leg)(nil)

// Quality is how the agent's voice came in, and what the browser said of ours.
func (l *leg) Quality() contact.Quality { return qualityOf(l.stream.Statistics()) }

// qualityOf puts a stream's accounts into whole numbers. Packets that came twice can make up
// for lost ones and more; less than none was never lost.
func qualityOf(s media.Statistics) contact.Quality {
	return contact.Quality{
		Received:   s.PacketsReceived,
		Lost:       uint64(max(s.PacketsLost, 0)),
		Jitter:     microseconds(s.Jitter),
		RoundTrip:  microseconds(s.RoundTrip),
		RemoteLost: uint8(math.Round(min(max(s.RemoteLoss, 0)*256, math.MaxUint8))),
	}
}

func microseconds(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 0), math.MaxUint32))
}

// Statistics are the packets of all legs since the start, those that are over included.
func (g *Gateway) Statistics() media.Totals { return g.ledger.Totals() }
