package phone

import (
	"bytes"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Strays
//
// A SIP port that anybody can reach is scanned all day: REGISTER with guessed users, INVITE to
// guessed numbers in the hope of a free call abroad, OPTIONS to find out what answers. The
// library would make a transaction and a goroutine of each, keep them for 32 s and repeat the
// answer eleven times. So strangers' datagrams are looked at before the library sees them:
// what belongs to a call that lives, or rings one of our lines, goes on to it; the rest is
// answered without keeping any state (RFC 3261 §8.2.7), as §26.3.2.4 advises against floods,
// at a bounded rate for each address and for all, and above that not at all. Nothing is
// learned from the answers: 404 is all that a stray gets, whatever user or domain it names,
// 481 if it claims to be in a dialog, and neither says who we are. A scanner that names itself gets silence, as the
// usual rules of firewalls do it. No address is logged or banned: over UDP it can be forged,
// and a ban would be a way to shut somebody else out; the rates do what a ban would.

// allStrayAnswers are the stray messages a second, of all addresses together, that are
// answered; the burst is as large.
const allStrayAnswers = 200

// scanners are parts of the User-Agent with which widespread scanners announce themselves, in
// lower case. Whoever hides it gets what every stray gets.
var scanners = []string{
	"friendly-scanner", "friendly-request", "sipvicious", "sipcli", "sip-scan", "sundayddr", "vaxsipuseragent", "pplsip", "iwar",
}

// maxUserAgent is as far as a User-Agent is looked at, in bytes.
const maxUserAgent = 100

// doorman decides which messages of strangers the library may see. Safe for concurrent use.
type doorman struct {
	gateway *Gateway
	parser  *sip.Parser
	// invites limits the calls that strangers begin, answers what they are told otherwise.
	invites, answers *sourceLimiter

	mutex sync.Mutex // guards what follows
	// calls are those that live, and requests of our own under way, by Call-ID and how many
	// there are.
	calls map[string]int
	// recent are the Call-IDs of calls that were let in or ended lately, begun their INVITEs.
	recent memory[string]
	begun  memory[string]
	// over are the Call-IDs of calls that ended lately: their INVITE again is another call.
	over memory[string]
}

func newDoorman(gateway *Gateway, c Config) *doorman {
	return &doorman{
		gateway: gateway, parser: newParser(), calls: make(map[string]int),
		invites: newSourceLimiter(c.StrangerInvites, 2*c.StrangerInvites, c.AllStrangerInvites, 2*c.AllStrangerInvites),
		answers: newSourceLimiter(c.StrangerAnswers, 4*c.StrangerAnswers, allStrayAnswers, allStrayAnswers),
	}
}

func newParser() *sip.Parser {
	parsers := maps.Clone(sip.DefaultHeadersParser())
	for _, name := range []string{"contact", "m"} {
		parsers[name] = contactParser(parsers[name])
	}
	return sip.NewParser(func(p *sip.Parser) { p.MaxMessageLength = maxMessage }, sip.WithHeadersParsers(parsers))
}

// contactParser leaves a Contact unread whose address has header fields but no brackets, which it must have then (RFC 3261 §20.10):
// to a registrar that is no usable Contact (RFC 4475, regbadct).
func contactParser(parse sip.HeaderParser) sip.HeaderParser {
	return func(name []byte, text string) (sip.Header, error) {
		header, err := parse(name, text)
		contact, is := header.(*sip.ContactHeader)
		if is && len(contact.Address.Headers) > 0 && contact.DisplayName == "" && !strings.HasPrefix(strings.TrimSpace(text), "<") {
			header = sip.NewHeader("Contact", text)
		}
		return header, err
	}
}

// open makes a call known until close.
func (d *doorman) open(callID string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.calls[callID]++
}

// close is the counterpart of open. Messages of the call may still be on their way.
func (d *doorman) close(callID string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	now, keep := time.Now(), 64*d.gateway.config.T1
	if d.calls[callID]--; d.calls[callID] <= 0 {
		delete(d.calls, callID)
		d.over.add(callID, now, keep)
	}
	d.recent.add(callID, now, keep)
}

func (d *doorman) knows(callID string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.calls[callID] > 0 || d.recent.has(callID)
}

// letIn remembers an INVITE for its repetitions, and its call for what follows it.
func (d *doorman) letIn(key, callID string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	now, keep := time.Now(), 64*d.gateway.config.T1
	d.begun.add(key, now, keep)
	d.recent.add(callID, now, keep)
	d.over.remove(callID)
}

// letInBefore tells a repetition of an INVITE from one call more. While the transaction lives the
// library knows its repetitions; once the call is over, the same INVITE begins another one.
func (d *doorman) letInBefore(key, callID string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.begun.has(key) && !d.over.has(callID)
}

// admit tells whether the library may see a stranger's datagram. What it may not is answered
// here, if at all. It runs on the socket's reader and waits for nothing.
func (d *doorman) admit(data []byte, from netip.AddrPort) bool {
	counters := &d.gateway.counters
	if len(bytes.Trim(data, "\r\n\x00")) == 0 {
		return false // keeps a NAT binding open
	}
	message, err := d.parser.ParseSIP(data)
	if err != nil {
		d.gateway.udp.refuseUnreadable(data, from)
		return false
	}
	tidy(message)
	callID := message.CallID()
	request, isRequest := message.(*sip.Request)
	if !isRequest {
		if callID != nil && d.knows(callID.Value()) {
			return true
		}
		d.drop()
		return false
	}
	request.SetTransport("UDP")
	request.SetSource(from.String())
	if isScanner(request) {
		counters.request(request.Method)
		counters.scanners.Add(1)
		d.drop()
		return false
	}
	refusal := validate(request)
	if refusal != nil {
		counters.malformed.Add(1)
	} else if refusal = d.judge(request, from.Addr()); refusal == nil {
		return true
	}
	counters.request(request.Method)
	if refusal == silence || request.Method == sip.ACK || !d.mayBeAnswered(from.Addr()) {
		counters.straysDropped.Add(1)
		return false
	}
	d.answer(request, from, refusal)
	return false
}

// drop counts a message that gets no answer.
func (d *doorman) drop() {
	d.gateway.counters.strays.Add(1)
	d.gateway.counters.straysDropped.Add(1)
}

// silence is the answer that is none.
var silence = &fault{}

// judge returns what a stranger's valid request is refused with, or nil when it goes on: to
// its call, or to a line. An answer that is no refusal, to OPTIONS, is returned likewise.
func (d *doorman) judge(request *sip.Request, from netip.Addr) *fault {
	g := d.gateway
	inDialog := !g.begins(request)
	switch {
	case request.Method == sip.ACK, request.Method == sip.CANCEL:
		if d.knows(request.CallID().Value()) {
			return nil
		}
		// An ACK is never answered; a CANCEL that overtook its INVITE is repeated.
		g.counters.strays.Add(1)
		return silence
	case request.Method == sip.REGISTER && g.registrar.serves() && !inDialog:
		return d.judgeRegister(request, from)
	case inDialog:
		if d.knows(request.CallID().Value()) && d.mayBeInCall(from) {
			return nil
		}
		g.counters.strays.Add(1)
		return refuse(481, "Call/Transaction Does Not Exist")
	case request.Method == sip.INVITE:
		return d.judgeInvite(request, from)
	}
	_, found := g.lines.find(&request.Recipient)
	switch {
	case !found:
		g.counters.strays.Add(1)
		return refuse(404, "Not Found")
	case request.Method == sip.OPTIONS:
		return &fault{code: 200, reason: "OK", headers: abilities()}
	case request.Method == sip.BYE, request.Method == sip.INFO, request.Method == sip.UPDATE, request.Method == sip.PRACK:
		g.counters.strays.Add(1)
		return refuse(481, "Call/Transaction Does Not Exist")
	}
	g.counters.strays.Add(1)
	if request.Method == sip.REFER {
		return forbidden()
	}
	return refuse(405, "Method Not Allowed", sip.NewHeader("Allow", allowed))
}

// mayBeInCall tells whether a request of a known call goes on to it. A caller who moved sends
// from elsewhere; but whoever rang once knows a Call-ID, and could send it from all addresses
// that can be forged.
func (d *doorman) mayBeInCall(from netip.Addr) bool {
	return d.gateway.hasCalls(from) || d.answers.allow(from)
}

// mayBeAnswered tells whether what is refused gets an answer: at a bounded rate, but for a trunk that has signed on.
func (d *doorman) mayBeAnswered(from netip.Addr) bool {
	return d.gateway.signOns.isProven(from) || d.answers.allow(from)
}

// judgeRegister lets on who says by which account he registers, at a bounded rate; others are asked.
func (d *doorman) judgeRegister(request *sip.Request, from netip.Addr) *fault {
	r := d.gateway.registrar
	if request.GetHeader("authorization") == nil {
		return r.challenge(request, from, false)
	}
	if !d.answers.allow(from) {
		r.refused.Add(1)
		return silence // he sends it again
	}
	return nil
}

// judgeInvite judges a stranger's INVITE that begins a call.
func (d *doorman) judgeInvite(request *sip.Request, from netip.Addr) *fault {
	g := d.gateway
	invite := inviteOf(request)
	// A repetition comes from where the first one did.
	key := from.String() + "\n" + invite.callID + "\n" + invite.fromTag + "\n" + request.Via().Params.GetOr("branch", "") + "\n" + strconv.FormatUint(uint64(invite.sequence), 10)
	if d.letInBefore(key, invite.callID) {
		return nil
	}
	if g.config.claimed(request) != nil {
		if refusal := d.judgeTrunk(request, from); refusal != nil {
			return refusal
		}
		d.letIn(key, invite.callID)
		return nil
	}
	if _, found := g.lines.find(&request.Recipient); !found && !g.registrar.isPhone(sourceOf(request)) {
		g.counters.strays.Add(1)
		g.counters.refused.Add(1)
		return refuse(404, "Not Found")
	}
	if !d.invites.allow(from) {
		g.counters.rateLimited.Add(1)
		g.counters.refused.Add(1)
		return busy()
	}
	if !g.hasRoom(from, false) {
		g.counters.refused.Add(1)
		return busy()
	}
	d.letIn(key, invite.callID)
	return nil
}

// busy is the refusal of one call too many.
func busy() *fault {
	return refuse(503, "Service Unavailable", sip.NewHeader("Retry-After", strconv.Itoa(retryAfter)))
}

// answer sends a response without a transaction.
func (d *doorman) answer(request *sip.Request, from netip.AddrPort, refusal *fault) {
	if to := request.To(); to != nil && !to.Params.Has("tag") && request.From() != nil && request.CallID() != nil && request.CSeq() != nil {
		// The same for each repetition, as one without state must (RFC 3261 §8.2.7).
		to.Params.Add("tag", d.gateway.tagFor(request))
	}
	response := sip.NewResponseFromRequest(request, refusal.code, refusal.reason, nil)
	for _, header := range refusal.headers {
		response.AppendHeader(header)
	}
	// What can not be sent is asked for again.
	_, _ = d.gateway.udp.WriteTo([]byte(response.String()), net.UDPAddrFromAddrPort(from))
}

// turnAway judges a request that a stranger sent over a connection, where the library has made
// its transaction already; refusal is why it is not valid, if it is not. It reports whether the
// request is dealt with.
func (d *doorman) turnAway(request *sip.Request, transaction *sip.ServerTx, refusal *fault) bool {
	counters := &d.gateway.counters
	from := sourceOf(request).Addr()
	switch {
	case isScanner(request):
		counters.scanners.Add(1)
		counters.strays.Add(1)
		refusal = silence
	case refusal != nil:
	case request.Method == sip.ACK, request.Method == sip.CANCEL:
		return false // they find their call, or cost nothing
	case !d.gateway.begins(request):
		if d.gateway.knowsDialog(request) {
			return false
		}
		// The library would wait half a minute for the ACK of a refused INVITE.
		counters.strays.Add(1)
		refusal = refuse(481, "Call/Transaction Does Not Exist")
	default:
		if refusal = d.judge(request, from); refusal == nil {
			return false
		}
	}
	if refusal == silence || !d.mayBeAnswered(from) {
		counters.straysDropped.Add(1)
	} else {
		d.gateway.reject(request, transaction, refusal)
	}
	transaction.Terminate() // a connection loses nothing: there is nothing to be kept for repetitions
	return true
}

func isScanner(request *sip.Request) bool { return isNamed(request, scanners) }

// isNamed tells whether the User-Agent has one of the parts, which are in lower case.
func isNamed(request *sip.Request, parts []string) bool {
	header := request.GetHeader("user-agent")
	if header == nil {
		return false
	}
	name := header.Value()
	name = strings.ToLower(name[:min(len(name), maxUserAgent)])
	for _, part := range parts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
