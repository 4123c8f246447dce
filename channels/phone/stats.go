package phone

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels/media"
)

// Stats counts since the gateway was made.
type Stats struct {
	Calls    uint64 // accepted from the network and handed to the intake
	Answered uint64
	Active   uint64 // now
	// Requests are those that were read, by method, repetitions included. Methods that are
	// not of RFC 3261 and its common extensions are counted as OtherMethods, so that
	// strangers can not make the map grow.
	Requests map[string]uint64
	// Responses are those that were sent, by status code, repetitions included; but for those
	// over TCP connections that we opened.
	Responses map[int]uint64
	// Repeated are requests that came again, AnswersRepeated the 200 that we sent again for
	// want of an ACK: both rise when the network loses messages.
	Repeated        uint64
	AnswersRepeated uint64

	// What was turned away.
	Refused      uint64 // calls, by any final response before the intake saw them
	Malformed    uint64 // requests answered 400 and their like
	Unparsable   uint64 // messages that were not SIP
	RateLimited  uint64 // calls and datagrams of strangers that came too fast
	Oversized    uint64 // datagrams
	Connections  uint64 // TCP connections closed because there were too many
	Handshakes   uint64 // TLS connections that got no further
	DialsRefused uint64 // connections that a response would have opened
	// Strays are messages of strangers that belong to no call and are for no line of ours.
	// StraysDropped are those of them that got no answer, because there were too many or a
	// scanner sent them, and what else of strangers was refused without one.
	Strays        uint64
	StraysDropped uint64
	// CallsRefused are the calls of ours that the dial plan refused, by why; each reason is there.
	CallsRefused map[Refusal]uint64
	// Scanners are requests of programs that call themselves by a scanner's name.
	Scanners uint64

	LostACKs uint64 // calls that ended for want of an ACK
	Silences uint64 // calls whose other side was asked whether it still knows them
	DeadRTP  uint64 // calls that ended because it did not
	Expired  uint64 // calls that ended because their session was not refreshed (RFC 4028)

	// Phones are the agents with a registered desk phone now, PhoneContacts all such telephones.
	Phones, PhoneContacts uint64
	// Registrations are those that were taken, RegistrationsRefused those with a wrong password, or
	// after too many; and calls of trunks likewise.
	Registrations, RegistrationsRefused uint64

	// Media are the voices of all calls, those that are over included.
	Media media.Totals
}

// OtherMethods is the key of all further methods in [Stats.Requests].
const OtherMethods = "other"

// methods are the keys of [Stats.Requests].
var methods = []sip.RequestMethod{
	sip.INVITE, sip.ACK, sip.CANCEL, sip.BYE, sip.OPTIONS, sip.UPDATE, sip.INFO, sip.REGISTER, sip.SUBSCRIBE, sip.NOTIFY,
	sip.MESSAGE, sip.REFER, sip.PRACK, sip.PUBLISH,
}

// counters are Stats as they are counted.
type counters struct {
	calls, answered, refused, malformed, unparsable, rateLimited, oversized     atomic.Uint64
	connections, handshakes, dialsRefused, lostACKs, silences, deadRTP, expired atomic.Uint64
	repeated, answersRepeated, strays, straysDropped, scanners                  atomic.Uint64
	// requests are counted by index into methods, and one more for the others.
	requests [15]atomic.Uint64
	// responses are counted by code less 100.
	responses [600]atomic.Uint64

	mutex sync.Mutex // guards seen
	// seen are the transactions that came lately.
	seen memory[string]
}

// again tells whether a transaction was seen in the last half minute.
func (c *counters) again(transaction string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.seen.has(transaction) {
		return true
	}
	c.seen.add(transaction, time.Now(), 64*DefaultT1)
	return false
}

// request counts a request that was read.
func (c *counters) request(method sip.RequestMethod) {
	for i, known := range methods {
		if method == known {
			c.requests[i].Add(1)
			return
		}
	}
	c.requests[len(methods)].Add(1)
}

// responseLine is how the first line of a response begins, up to its code.
const responseLine = "SIP/2.0 "

// sent counts a message by its first line if it is a response. Counting what goes to the wire
// finds those that the library makes, too.
func (c *counters) sent(message []byte) {
	if len(message) < len(responseLine)+3 || string(message[:len(responseLine)]) != responseLine {
		return
	}
	code := 0
	for _, digit := range message[len(responseLine) : len(responseLine)+3] {
		if digit < '0' || digit > '9' {
			return
		}
		code = 10*code + int(digit-'0')
	}
	if index := code - 100; index >= 0 && index < len(c.responses) {
		c.responses[index].Add(1)
	}
}

// Stats returns the counters at this moment.
func (g *Gateway) Stats() Stats {
	g.mutex.Lock()
	active := uint64(len(g.legs))
	g.mutex.Unlock()
	c := &g.counters
	stats := Stats{
		Calls: c.calls.Load(), Answered: c.answered.Load(), Active: active, Refused: c.refused.Load(),
		Malformed: c.malformed.Load(), Unparsable: c.unparsable.Load(), RateLimited: c.rateLimited.Load(),
		Oversized: c.oversized.Load(), Connections: c.connections.Load(), DialsRefused: c.dialsRefused.Load(), Handshakes: c.handshakes.Load(),
		LostACKs: c.lostACKs.Load(), Silences: c.silences.Load(), DeadRTP: c.deadRTP.Load(), Expired: c.expired.Load(),
		Repeated: c.repeated.Load(), AnswersRepeated: c.answersRepeated.Load(),
		Strays: c.strays.Load(), StraysDropped: c.straysDropped.Load(), Scanners: c.scanners.Load(),
		Requests: make(map[string]uint64), Responses: make(map[int]uint64), Media: g.voices.Totals(),
		CallsRefused: g.gate.refusals(),
	}
	agents, telephones := g.registrar.count()
	stats.Phones, stats.PhoneContacts = uint64(agents), uint64(telephones)
	stats.Registrations, stats.RegistrationsRefused = g.registrar.registrations.Load(), g.registrar.refused.Load()
	for i := range c.requests {
		name := OtherMethods
		if i < len(methods) {
			name = string(methods[i])
		}
		if count := c.requests[i].Load(); count > 0 {
			stats.Requests[name] = count
		}
	}
	for i := range c.responses {
		if count := c.responses[i].Load(); count > 0 {
			stats.Responses[i+100] = count
		}
	}
	return stats
}
