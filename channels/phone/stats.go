package phone

import "sync/atomic"

// Stats counts since the gateway was made.
type Stats struct {
	Calls    uint64 // accepted from the network and handed to the intake
	Answered uint64
	Active   uint64 // now
	// What was turned away.
	Refused      uint64 // calls, by any final response before the intake saw them
	Malformed    uint64 // requests answered 400 and their like
	Unparsable   uint64 // messages that were not SIP
	RateLimited  uint64 // calls and datagrams of strangers that came too fast
	Oversized    uint64 // datagrams
	Connections  uint64 // TCP connections closed because there were too many
	DialsRefused uint64 // connections that a response would have opened
	LostACKs     uint64 // calls that ended for want of an ACK
	DeadPeers    uint64 // calls that the other side no longer knew
}

// counters are Stats as they are counted.
type counters struct {
	calls, answered, refused, malformed, unparsable, rateLimited, oversized atomic.Uint64
	connections, dialsRefused, lostACKs, deadPeers                          atomic.Uint64
}

// Stats returns the counters at this moment.
func (g *Gateway) Stats() Stats {
	g.mutex.Lock()
	active := uint64(len(g.legs))
	g.mutex.Unlock()
	c := &g.counters
	return Stats{
		Calls: c.calls.Load(), Answered: c.answered.Load(), Active: active, Refused: c.refused.Load(),
		Malformed: c.malformed.Load(), Unparsable: c.unparsable.Load(), RateLimited: c.rateLimited.Load(),
		Oversized: c.oversized.Load(), Connections: c.connections.Load(), DialsRefused: c.dialsRefused.Load(),
		LostACKs: c.lostACKs.Load(), DeadPeers: c.deadPeers.Load(),
	}
}
