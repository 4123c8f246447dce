package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Receiver takes what a socket received. *Stream is one. Receive returns an error for a
// packet that is not part of the leg; such a packet does not fix the source.
type Receiver interface {
	Receive(packet *rtp.Packet) error
	ReceiveReports(packets []rtcp.Packet, now time.Time)
}

// maxDatagram bounds what is read and sent; voice is far below an Ethernet frame.
const maxDatagram = 1500

// SocketStatistics counts what a socket did not hand on.
type SocketStatistics struct {
	Foreign   uint64 // from another source than the one that is locked, or left from an earlier call
	Malformed uint64 // neither RTP nor RTCP, or not encrypted by the key
	Refused   uint64 // by the receiver
}

// Socket is RTP and RTCP of one leg over a pair of UDP ports, with symmetric latching
// (RFC 4961 and what carriers do): it sends to the address of the SDP until the first
// valid packet comes, then to that packet's source, and takes packets from there only. The
// address of the SDP beats whoever was quicker, and whoever spoke in an earlier call on the
// same port, as a phone does that missed the end of it, is not taken for this call's party.
// Safe for concurrent use; it is a Sink.
type Socket struct {
	pool           *PortPool
	port           uint16
	rtp, rtcp      *net.UDPConn
	readers        sync.WaitGroup
	mutex          sync.Mutex
	started        bool
	closed         bool
	described      netip.AddrPort // RTP address of the SDP
	describedRTCP  netip.AddrPort
	source         netip.AddrPort // locked, once valid
	sourceRTCP     netip.AddrPort
	latch          uint64    // counts how often the latch was opened
	speaker        speaker   // whose voice was taken last
	former         []speaker // of earlier calls on this port
	startedAt      time.Time
	multiplexed    bool // RTCP goes by the ports of RTP
	statistics     SocketStatistics
	protection     protection
	outgoingBuffer [maxDatagram]byte
	writing        sync.Mutex // guards outgoingBuffer
}

// speaker is a source of voice in the life of a port.
type speaker struct {
	address netip.AddrPort
	ssrc    uint32
}

const (
	// formerSpeakers are remembered of each port.
	formerSpeakers = 4
	// Some phones speak with one SSRC from one port in all their calls. Where the SDP names a
	// former speaker's address, he is taken for the party after this time.
	formerPatience = 2 * time.Second
)

func newSocket(pool *PortPool, port restingPort, rtpConnection, rtcpConnection *net.UDPConn) *Socket {
	return &Socket{pool: pool, port: port.port, former: port.former, rtp: rtpConnection, rtcp: rtcpConnection}
}

// Port is the local RTP port, even; RTCP has the next one.
func (s *Socket) Port() uint16 { return s.port }

// SetRemote says where the SDP wants RTP, and RTCP if it said (an invalid rtcpAddress
// means the next port, RFC 3550 §11). A new address opens the latch again; the same one
// again, as in most re-INVITEs, changes nothing.
func (s *Socket) SetRemote(rtpAddress, rtcpAddress netip.AddrPort) {
	rtpAddress = unmapped(rtpAddress)
	if !rtcpAddress.IsValid() && rtpAddress.IsValid() {
		rtcpAddress = netip.AddrPortFrom(rtpAddress.Addr(), rtpAddress.Port()+1)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.described != rtpAddress {
		s.openLatch()
	}
	s.described, s.describedRTCP = rtpAddress, unmapped(rtcpAddress)
}

// Relatch opens the latch: the next valid packet shows where the other side is. It is for a
// party that says it has moved to an address that is not believed.
func (s *Socket) Relatch() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.openLatch()
}

// openLatch needs the mutex.
func (s *Socket) openLatch() {
	s.source, s.sourceRTCP = netip.AddrPort{}, netip.AddrPort{}
	s.latch++
}

// Multiplex says whether RTCP is sent on the ports of RTP, as was negotiated (RFC 5761 §5.1.1).
// Received it is there in any case.
func (s *Socket) Multiplex(multiplexed bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.multiplexed = multiplexed
}

// Remote is where RTP is sent now; invalid when nothing is known yet.
func (s *Socket) Remote() netip.AddrPort {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.source.IsValid() {
		return s.source
	}
	return s.described
}

// Statistics counts what was dropped so far.
func (s *Socket) Statistics() SocketStatistics {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.statistics
}

// Start hands what comes to a receiver until Close. It can be called once.
func (s *Socket) Start(receiver Receiver) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.started:
		return ErrStarted
	}
	s.started, s.startedAt = true, time.Now()
	var packet rtp.Packet
	s.readers.Go(func() {
		s.read(s.rtp, func(data []byte, from netip.AddrPort) { s.takeRTP(data, from, &packet, receiver) })
	})
	s.readers.Go(func() {
		s.read(s.rtcp, func(data []byte, from netip.AddrPort) { s.takeRTCP(data, from, receiver, true) })
	})
	return nil
}

// readFailures in a row end the reading of a socket that has gone wrong.
const readFailures = 100

func (s *Socket) read(connection *net.UDPConn, take func([]byte, netip.AddrPort)) {
	// One octet more than allowed shows a datagram that is too long.
	buffer := make([]byte, maxDatagram+1)
	for failures := 0; failures < readFailures; {
		count, from, err := connection.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			failures++
			continue
		}
		failures = 0
		if count > maxDatagram {
			s.count(func(statistics *SocketStatistics) { statistics.Malformed++ })
			continue
		}
		take(buffer[:count], unmapped(from))
	}
}

func (s *Socket) count(change func(*SocketStatistics)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change(&s.statistics)
}

// takeRTP checks the source before anything else is believed.
func (s *Socket) takeRTP(data []byte, from netip.AddrPort, packet *rtp.Packet, receiver Receiver) {
	if isRTCP(data) { // on one port (RFC 5761 §4), which some send unasked
		s.takeRTCP(data, from, receiver, false)
		return
	}
	s.mutex.Lock()
	// The address of the SDP beats whoever was quicker.
	admitted := !s.source.IsValid() || from == s.source || from == s.described
	if !admitted {
		s.statistics.Foreign++
	}
	latch := s.latch
	s.mutex.Unlock()
	if !admitted {
		return
	}
	data, err := s.protection.open(data, false)
	if err != nil {
		s.count(func(statistics *SocketStatistics) { statistics.Malformed++ })
		return
	}
	*packet = rtp.Packet{}
	if err := packet.Unmarshal(data); err != nil || packet.Version != 2 {
		s.count(func(statistics *SocketStatistics) { statistics.Malformed++ })
		return
	}
	now := speaker{from, packet.SSRC}
	if s.isFormer(now) {
		s.count(func(statistics *SocketStatistics) { statistics.Foreign++ })
		return
	}
	err = receiver.Receive(packet)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err != nil {
		s.statistics.Refused++
		// Beside the voice of whoever was quicker, the party's own is taken for stale: only
		// when that is shut out will the receiver listen to it.
		if !errors.Is(err, ErrStale) || from != s.described {
			return
		}
	} else {
		s.speaker = now
	}
	// A packet that was admitted before the latch was opened says nothing of where the party is now.
	if latch != s.latch {
		return
	}
	if s.source != from && (!s.source.IsValid() || from == s.described) {
		s.source = from
	}
}

// isFormer tells what is left of an earlier call on this port.
func (s *Socket) isFormer(now speaker) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Contains(s.former, now) && (now.address != s.described || time.Since(s.startedAt) < formerPatience)
}

func isRTCP(data []byte) bool {
	return len(data) > 1 && data[0]>>6 == 2 && data[1] >= 192 && data[1] <= 223
}

// takeRTCP takes reports; ownPort says that they came to the RTCP port, which shows where
// the other side's is.
func (s *Socket) takeRTCP(data []byte, from netip.AddrPort, receiver Receiver, ownPort bool) {
	s.mutex.Lock()
	expected := s.described.Addr()
	if s.source.IsValid() {
		expected = s.source.Addr()
	}
	admitted := from.Addr() == expected
	if !admitted {
		s.statistics.Foreign++
	}
	latch := s.latch
	s.mutex.Unlock()
	if !admitted {
		return
	}
	data, err := s.protection.open(data, true)
	var packets []rtcp.Packet
	if err == nil {
		packets, err = rtcp.Unmarshal(data)
	}
	if err != nil {
		s.count(func(statistics *SocketStatistics) { statistics.Malformed++ })
		return
	}
	if ownPort {
		s.mutex.Lock()
		if latch == s.latch {
			s.sourceRTCP = from
		}
		s.mutex.Unlock()
	}
	receiver.ReceiveReports(packets, time.Now())
}

// WriteRTP sends a packet to the remote address; before that is known, nowhere.
func (s *Socket) WriteRTP(header *rtp.Header, payload []byte) error {
	remote := s.Remote()
	if !remote.IsValid() || remote.Port() == 0 {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	count, err := header.MarshalTo(s.outgoingBuffer[:])
	if err != nil {
		return fmt.Errorf("write RTP header: %w", err)
	}
	if count+len(payload) > maxDatagram {
		return fmt.Errorf("write RTP: %d octets are more than %d", count+len(payload), maxDatagram)
	}
	count += copy(s.outgoingBuffer[count:], payload)
	packet, err := s.protection.seal(s.outgoingBuffer[:count], false)
	if err != nil {
		return err
	}
	if _, err := s.rtp.WriteToUDPAddrPort(packet, remote); err != nil {
		return fmt.Errorf("send RTP: %w", err)
	}
	return nil
}

// WriteRTCP sends a compound packet, such as Stream.Reports makes, to where the other
// side's RTCP comes from, or to the SDP's address before that is known.
func (s *Socket) WriteRTCP(packets []rtcp.Packet) error {
	if len(packets) == 0 {
		return nil
	}
	s.mutex.Lock()
	connection, remote := s.rtcp, s.describedRTCP
	if s.sourceRTCP.IsValid() {
		remote = s.sourceRTCP
	}
	if s.multiplexed {
		connection, remote = s.rtp, s.described
		if s.source.IsValid() {
			remote = s.source
		}
	}
	s.mutex.Unlock()
	if !remote.IsValid() || remote.Port() == 0 {
		return nil
	}
	data, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("write RTCP: %w", err)
	}
	if data, err = s.protection.seal(data, true); err != nil {
		return err
	}
	if _, err := connection.WriteToUDPAddrPort(data, remote); err != nil {
		return fmt.Errorf("send RTCP: %w", err)
	}
	return nil
}

// Close closes both ports, waits for their readers and gives the pair back to the pool.
// It must not be called by the receiver. It can be called more than once.
func (s *Socket) Close() error {
	s.mutex.Lock()
	first := !s.closed
	s.closed = true
	s.mutex.Unlock()
	var err error
	if first {
		err = errors.Join(s.rtp.Close(), s.rtcp.Close())
	}
	s.readers.Wait()
	if first {
		former := s.former
		if s.speaker.address.IsValid() && !slices.Contains(former, s.speaker) {
			former = append(slices.Clone(former), s.speaker)
		}
		s.pool.release(s.port, former[max(0, len(former)-formerSpeakers):])
	}
	return err
}

func unmapped(address netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}
