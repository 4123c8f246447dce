package webrtc

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// packetLimit is what a packet from a browser may have, in octets.
	packetLimit = 1500
	// tracksLimit bounds how often a browser may begin to speak from a new source.
	tracksLimit = 8
	// failuresLimit is how many packets in a row may be unreadable.
	failuresLimit = 100
)

// readers are the goroutines that read what the browser sends. The session's end ends them.
type readers struct {
	mutex  sync.Mutex
	closed bool
	tracks int
	group  sync.WaitGroup
}

// begin admits a goroutine, which calls group.Done at its end, unless the leg is over.
func (r *readers) begin() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return false
	}
	r.group.Add(1)
	return true
}

// beginTrack is begin for a new source.
func (r *readers) beginTrack() bool {
	r.mutex.Lock()
	r.tracks++
	tooMany := r.tracks > tracksLimit
	r.mutex.Unlock()
	return !tooMany && r.begin()
}

func (r *readers) wait() {
	r.mutex.Lock()
	r.closed = true
	r.mutex.Unlock()
	r.group.Wait()
}

// receive hands the browser's voice to the stream. The library calls it in a goroutine of its
// own, for each source.
func (l *leg) receive(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	if !l.readers.beginTrack() {
		return
	}
	defer l.readers.group.Done()
	var packet rtp.Packet
	readEach(remote.Read, func(data []byte) {
		if packet.Unmarshal(data) == nil {
			_ = l.stream.Receive(&packet) // what the stream refuses, it counts
		}
	})
}

// readReports reads RTCP in both directions: what is not read would fill up, and what the
// browser tells of our voice is the measure of its quality. It is false when the leg is over.
func (l *leg) readReports(transceiver *webrtc.RTPTransceiver) bool {
	sender, receiver := transceiver.Sender(), transceiver.Receiver()
	if !l.readers.begin() {
		return false
	}
	go func() {
		defer l.readers.group.Done()
		readEach(sender.Read, func(data []byte) {
			if packets, err := rtcp.Unmarshal(data); err == nil {
				l.stream.ReceiveReports(packets, time.Now())
			}
		})
	}()
	if !l.readers.begin() {
		return false
	}
	go func() {
		defer l.readers.group.Done()
		readEach(receiver.Read, func([]byte) {})
	}()
	return true
}

// readEach takes packets until there are no more. A packet that is too long or cannot be read
// is passed over; a source that gives nothing else is given up.
func readEach(read func([]byte) (int, interceptor.Attributes, error), take func(data []byte)) {
	buffer := make([]byte, packetLimit)
	for failures := 0; failures < failuresLimit; {
		count, _, err := read(buffer)
		switch {
		case err == nil:
			failures = 0
			take(buffer[:count])
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
			return
		default:
			failures++
		}
	}
}
