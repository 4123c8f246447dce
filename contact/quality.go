package contact

// Quality is how a voice came in at our end of one leg, and what the other end said of ours
// by RTCP (RFC 3550 §6.4). Records hold integers only.
type Quality struct {
	// Received and Lost count packets that came in and that did not.
	Received uint64 `json:"received"`
	Lost     uint64 `json:"lost"`
	// Jitter is the interarrival jitter at the end (RFC 3550 A.8), in microseconds.
	Jitter uint32 `json:"jitter_us"`
	// RoundTrip is the last one that RTCP measured, in microseconds; 0 when none was.
	RoundTrip uint32 `json:"round_trip_us,omitempty"`
	// RemoteLost is the share of our packets that the other end lost lately, in 1/256.
	RemoteLost uint8 `json:"remote_lost_256,omitempty"`
}
