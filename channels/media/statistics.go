package media

import (
	"crypto/rand"
	"encoding/hex"
	"math/bits"
	"time"

	"github.com/pion/rtcp"
)

// Statistics are the accounts of one leg since it was created.
type Statistics struct {
	PacketsSent uint64
	OctetsSent  uint64 // payload only, as RTCP counts
	SendErrors  uint64

	PacketsReceived uint64
	OctetsReceived  uint64 // payload only
	// PacketsLost is expected minus received (RFC 3550 A.3): duplicates make it negative.
	PacketsLost int64
	PacketsLate uint64 // reordered or repeated: counted, not played on
	// PacketsRefused were not negotiated, malformed or of a stale source.
	PacketsRefused uint64
	DigitsMissed   uint64 // nobody read Digits in time
	// Jitter is the interarrival jitter (RFC 3550 A.8) of what this leg receives.
	Jitter       time.Duration
	LastReceived time.Time // zero before the first packet

	// What the other side reported by RTCP; zero without reports.
	RoundTrip    time.Duration
	RemoteLoss   float64 // share of our packets that it lost lately, 0–1
	RemoteJitter time.Duration
}

// Statistics returns the accounts at this moment.
func (s *Stream) Statistics() Statistics {
	var statistics Statistics
	s.out.mutex.Lock()
	statistics.PacketsSent, statistics.OctetsSent, statistics.SendErrors = s.out.packets, s.out.octets, s.out.errors
	s.out.mutex.Unlock()

	in := &s.in
	in.mutex.Lock()
	defer in.mutex.Unlock()
	statistics.PacketsReceived, statistics.OctetsReceived = in.packets, in.octets
	statistics.PacketsLost = in.lostBefore + in.source.lost()
	statistics.PacketsLate, statistics.PacketsRefused, statistics.DigitsMissed = in.late, in.refused, in.digitsMissed
	statistics.Jitter = duration(in.source.jitter >> 4)
	statistics.LastReceived = in.lastReceived
	statistics.RoundTrip, statistics.RemoteLoss, statistics.RemoteJitter = in.roundTrip, in.remoteLoss, in.remoteJitter
	return statistics
}

func duration(ticks uint32) time.Duration {
	return time.Duration(ticks) * (time.Second / clockRate)
}

// Reports builds the compound RTCP packet that is due now (RFC 3550 §6.1): a sender
// report if anything was sent since the last one, otherwise a receiver report, and the
// canonical name. It is nil before Start. The transport sends it every few seconds.
func (s *Stream) Reports(now time.Time) []rtcp.Packet {
	s.in.mutex.Lock()
	blocks := s.in.reportBlocks(now)
	s.in.mutex.Unlock()

	o := &s.out
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.started || o.closed {
		return nil
	}
	if o.name == "" {
		o.name = randomName()
	}
	description := rtcp.NewCNAMESourceDescription(o.header.SSRC, o.name)
	if o.packets == o.reported {
		return []rtcp.Packet{&rtcp.ReceiverReport{SSRC: o.header.SSRC, Reports: blocks}, description}
	}
	o.reported = o.packets
	return []rtcp.Packet{&rtcp.SenderReport{
		SSRC:        o.header.SSRC,
		NTPTime:     ntp(now),
		RTPTime:     o.header.Timestamp + ticks(now.Sub(o.stampedAt)),
		PacketCount: uint32(o.packets),
		OctetCount:  uint32(o.octets),
		Reports:     blocks,
	}, description}
}

// reportBlocks is RFC 3550 appendix A.3 for the present source.
func (in *incoming) reportBlocks(now time.Time) []rtcp.ReceptionReport {
	source := &in.source
	if !source.known {
		return nil
	}
	expected, received := source.expected(), source.received
	expectedLately, receivedLately := expected-source.expectedThen, received-source.receivedThen
	source.expectedThen, source.receivedThen = expected, received
	block := rtcp.ReceptionReport{
		SSRC:               source.ssrc,
		TotalLost:          uint32(min(max(source.lost(), 0), 0x7FFFFF)),
		LastSequenceNumber: source.cycles + uint32(source.highest),
		Jitter:             source.jitter >> 4,
		LastSenderReport:   in.senderReport,
	}
	if lost := int64(expectedLately) - int64(receivedLately); lost > 0 && expectedLately > 0 {
		block.FractionLost = uint8(min(lost*256/int64(expectedLately), 255))
	}
	if in.senderReport != 0 {
		block.Delay = compact(now.Sub(in.senderReportAt))
	}
	return []rtcp.ReceptionReport{block}
}

// ReceiveReports takes RTCP packets that came for this leg at now.
func (s *Stream) ReceiveReports(packets []rtcp.Packet, now time.Time) {
	in := &s.in
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if in.closed {
		return
	}
	for _, packet := range packets {
		switch report := packet.(type) {
		case *rtcp.SenderReport:
			if in.source.known && report.SSRC == in.source.ssrc {
				in.senderReport, in.senderReportAt = uint32(report.NTPTime>>16), now
			}
			in.heardOf(s.SSRC(), report.Reports, now)
		case *rtcp.ReceiverReport:
			in.heardOf(s.SSRC(), report.Reports, now)
		}
	}
}

// heardOf reads how the other side receives us; round trip as in RFC 3550 §6.4.1.
func (in *incoming) heardOf(own uint32, blocks []rtcp.ReceptionReport, now time.Time) {
	for _, block := range blocks {
		if block.SSRC != own {
			continue
		}
		in.remoteLoss = float64(block.FractionLost) / 256
		in.remoteJitter = duration(block.Jitter)
		if block.LastSenderReport == 0 {
			continue
		}
		trip := uint32(ntp(now)>>16) - block.LastSenderReport - block.Delay
		if int32(trip) >= 0 { // a negative one comes from clocks that are read at different times
			in.roundTrip = time.Duration(uint64(trip) * uint64(time.Second) >> 16)
		}
	}
}

// ntpEpoch is 1900 as seen from 1970, in seconds (RFC 5905 §6).
const ntpEpoch = 2208988800

// ntp is the 64-bit NTP timestamp: seconds in the upper half, their fraction below.
func ntp(at time.Time) uint64 {
	fraction, _ := bits.Div64(uint64(at.Nanosecond()), 0, uint64(time.Second))
	return uint64(at.Unix()+ntpEpoch)<<32 | fraction>>32
}

// compact is a duration in units of 1/65536 s.
func compact(duration time.Duration) uint32 {
	return uint32(uint64(max(duration, 0)) << 16 / uint64(time.Second))
}

// randomName is a short-term persistent canonical name (RFC 7022 §4.2).
func randomName() string {
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return hex.EncodeToString(random[:])
}
